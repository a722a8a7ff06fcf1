"""Views of a clip: what is changed at random before FAME's merge, and what after it.

FAME (Ding et al., CVPR 2022), its settings for pre-training.  The order matters: crop
and flip first, so that mask and merge see the picture the network will see; then FAME,
which compares colours and needs them unchanged and in [0, 1]; then colours, grey and
blur, which must not tell foreground from background.  So an `Augmentation` has two
halves, `crop` and `colour`; called as a whole it makes a view without FAME.

All frames of a clip are treated alike, every clip of a batch has its own draw, and the
numbers come from a generator (`course.video.ClipAugment` does the work, on the clips'
device).  Known differences from the official code:

- The blur's width is drawn anew for every clip in every call; there it is drawn once,
  when the program starts, and stays the same for the whole training.
- Crops are made on the device by one bilinear lookup; there frame by frame, by Pillow.
- Jitter changes brightness, contrast, saturation and hue always in this order.
- Clips stay in [0, 1] unless `mean` and `std` are given: the course's networks scale
  their input themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from course.video import ClipAugment

# RGB of Kinetics-400's videos, mean and deviation, in [0, 1].
KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)


@dataclass(frozen=True)
class Augmentation:
    """How strongly a view is changed; by default as the paper does, without its flip.

    A flip makes another action where actions have a direction ("pushing from left to
    right"), which is why it has to be asked for; the paper's own is 0.5.

    Args:
        size: side of the square output, px; None keeps the input's height and width.
        scale: share of the frame's area that a crop covers, from, to.
        ratio: the crop's width / height, from, to; None keeps the frame's own.
        flip: probability of a left-right flip.
        brightness, contrast, saturation: a factor is drawn from [1 - x, 1 + x].
        hue: the hue turns by up to this share of the colour circle, at most 0.5.
        jitter: probability that these four happen.
        grey: probability of dropping colour.
        blur: probability of a Gaussian blur.
        sigma: its width, from, to, px.
        mean, std: of each channel, subtracted and divided by in the end; None leaves
            clips in [0, 1].

    Raises:
        ValueError: for a probability outside [0, 1], a range that makes no sense, or
            one of mean and std without the other.

    Source: FAME's implementation details, and the official data loader.

    >>> Augmentation(grey=1.0)(torch.rand(2, 3, 8, 32, 32)).shape
    torch.Size([2, 3, 8, 32, 32])
    """

    size: int | None = None
    scale: tuple[float, float] = (0.2, 1.0)
    ratio: tuple[float, float] | None = (3 / 4, 4 / 3)
    flip: float = 0.0
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    jitter: float = 0.8
    grey: float = 0.2
    blur: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        self._with()  # checks the strengths
        if (self.mean is None) != (self.std is None):
            raise ValueError(f"mean and std go together, got {self.mean}, {self.std}")
        if self.std is not None and not all(s > 0 for s in self.std):
            raise ValueError(f"std must be positive, got {self.std}")

    def crop(
        self, clips: Float[Tensor, "B 3 T H W"], generator: Generator | None = None
    ) -> Float[Tensor, "B 3 T h w"]:
        """The first half: a crop, scaled, and perhaps a flip; colours stay.

        Args:
            clips: in [0, 1].
            generator: source of the draws; None is torch's own.

        Returns:
            Clips in [0, 1] for FAME, of `size` or the input's.

        Raises:
            ValueError: for clips of another shape or type.

        >>> Augmentation(size=24).crop(torch.rand(2, 3, 8, 32, 32)).shape
        torch.Size([2, 3, 8, 24, 24])
        """
        with _full_precision(clips):
            return self._with(jitter=0.0, grey=0.0, blur=0.0)(clips, generator)

    def crop_with_masks(
        self,
        clips: Float[Tensor, "B 3 T H W"],
        masks: Bool[Tensor, "B t H W"],
        generator: Generator | None = None,
    ) -> tuple[Float[Tensor, "B 3 T h w"], Bool[Tensor, "B t h w"]]:
        """As `crop`, with masks of the same frames: they take the nearest pixel.

        Args:
            clips: in [0, 1].
            masks: of every frame (B, T, H, W), or one for all (B, 1, H, W).
            generator: source of the draws; gives the same crops as in `crop`.

        Returns:
            The clips and the masks, cut alike.

        Raises:
            ValueError: for clips of another shape or type, or masks that are not bool
                or not of the clips' frames.

        >>> clips, mask = torch.rand(2, 3, 8, 32, 32), torch.ones(2, 1, 32, 32) > 0
        >>> [tuple(x.shape) for x in Augmentation(size=24).crop_with_masks(clips, mask)]
        [(2, 3, 8, 24, 24), (2, 1, 24, 24)]
        """
        if masks.dtype != torch.bool or masks.shape[2:] != clips.shape[3:]:
            found = f"{tuple(clips.shape)} and {masks.dtype} {tuple(masks.shape)}"
            raise ValueError(f"needs bool masks (B, t, H, W) of clips; got {found}")
        with _full_precision(clips):
            only_place = self._with(jitter=0.0, grey=0.0, blur=0.0)
            return only_place(clips, generator, masks)

    def colour(
        self, clips: Float[Tensor, "B 3 T H W"], generator: Generator | None = None
    ) -> Float[Tensor, "B 3 T H W"]:
        """The second half: colour jitter, grey, blur, and the scaling if there is one.

        Args:
            clips: in [0, 1], merged or not.
            generator: source of the draws; None is torch's own.

        Returns:
            Clips of the same size, in [0, 1] unless `mean` is given.

        Raises:
            ValueError: for clips of another shape or type.

        >>> clips = torch.rand(2, 3, 8, 32, 32)
        >>> Augmentation(jitter=0.0, grey=0.0, blur=0.0).colour(clips).equal(clips)
        True
        """
        with _full_precision(clips):
            only_look = self._with(size=None, scale=(1.0, 1.0), ratio=None, flip=0.0)
            changed = only_look(clips, generator)
        if self.mean is None or self.std is None:
            return changed
        return normalise(changed, self.mean, self.std)

    def __call__(
        self, clips: Float[Tensor, "B 3 T H W"], generator: Generator | None = None
    ) -> Float[Tensor, "B 3 T h w"]:
        """Both halves: a view without FAME."""
        return self.colour(self.crop(clips, generator), generator)

    def _with(self, **changes: Any) -> ClipAugment:
        own = {f.name: getattr(self, f.name) for f in fields(ClipAugment)}
        return ClipAugment(**own | changes)


PAPER = Augmentation(flip=0.5)
# For 8 frames at 32 px: a crop of a fifth would lose the actor, and a blur of 2 px it.
LIGHT = Augmentation(scale=(0.6, 1.0), ratio=None, blur=0.0)


def normalise(
    clips: Float[Tensor, "B C T H W"],
    mean: Sequence[float] = KINETICS_MEAN,
    std: Sequence[float] = KINETICS_STD,
) -> Float[Tensor, "B C T H W"]:
    """Each channel minus its mean, by its deviation.

    Args:
        clips: in [0, 1].
        mean, std: of each channel; Kinetics-400's by default.

    Returns:
        Clips of the same shape.

    Raises:
        ValueError: for numbers that do not fit the clips' channels.

    >>> normalise(torch.ones(1, 1, 1, 1, 1), [0.5], [0.25]).item()
    2.0
    """
    if clips.ndim != 5 or not len(mean) == len(std) == clips.shape[1]:
        found = f"{tuple(clips.shape)}, {tuple(mean)}, {tuple(std)}"
        raise ValueError(f"needs clips (B, C, T, H, W) and C numbers each; got {found}")
    shape = (-1, 1, 1, 1)
    return (clips - clips.new_tensor(mean).view(shape)) / clips.new_tensor(std).view(
        shape
    )


def _full_precision(clips: Tensor) -> torch.autocast:
    """Pictures keep their precision where the network's own sums are bfloat16."""
    return torch.autocast(clips.device.type, enabled=False)
