"""Clip augmentation on the device: one draw for all frames of a clip, another per clip.

Clips are (B, 3, T, H, W) in [0, 1].  A `ClipAugment` first draws its numbers
(`AugmentDraw`) and then applies them, so masks and other pictures of the same frames
can follow the same crop and flip.  The numbers are drawn on the generator's device and
then moved: with a CPU generator every device augments alike.

Differences from torchvision's image transforms: colour changes come in a fixed order
(brightness, contrast, saturation, hue); contrast is measured against the mean grey of
the whole clip, so it cannot flicker; crops are cut and scaled by one bilinear lookup
without antialiasing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from .colour import adjust_colour, gaussian_blur, greyscale
from .crops import crop_resize, random_boxes


@dataclass(frozen=True)
class AugmentDraw:
    """The numbers drawn for a batch of B clips."""

    boxes: Float[Tensor, "B 4"]  # top, left, height, width in px
    flip: Bool[Tensor, " B"]
    colour: Float[Tensor, "B 4"]  # brightness, contrast, saturation factors; hue turn
    grey: Bool[Tensor, " B"]
    sigma: Float[Tensor, " B"]  # of the blur, px; 0 means none

    def to(self, device: torch.device | str) -> AugmentDraw:
        """The same numbers on another device."""
        moved = {f.name: getattr(self, f.name).to(device) for f in fields(self)}
        return AugmentDraw(**moved)


@dataclass(frozen=True)
class ClipAugment:
    """What to do to clips in training; the defaults crop and flip only.

    Args:
        size: side of the square output, or (height, width), px; None keeps the input's.
        scale: share of the frame's area that a crop covers, from, to. (1, 1) with
            `ratio` None leaves the frame whole.
        ratio: the crop's width / height, from, to; None keeps the frame's own.
        flip: probability of a left-right flip (0 where left and right matter).
        brightness, contrast, saturation: a factor is drawn from [1 - x, 1 + x].
        hue: the hue turns by up to this share of the colour circle (at most 0.5).
        jitter: probability that the four colour changes happen.
        grey: probability of dropping colour.
        blur: probability of a Gaussian blur.
        sigma: its width, from, to, in px.

    Raises:
        ValueError: a probability outside [0, 1] or a range that makes no sense.

    >>> augment = ClipAugment(size=24, hue=0.1)
    >>> augment(torch.rand(2, 3, 4, 32, 32), Generator().manual_seed(0)).shape
    torch.Size([2, 3, 4, 24, 24])
    """

    size: int | tuple[int, int] | None = None
    scale: tuple[float, float] = (0.3, 1.0)
    ratio: tuple[float, float] | None = (3 / 4, 4 / 3)
    flip: float = 0.5
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    jitter: float = 1.0
    grey: float = 0.0
    blur: float = 0.0
    sigma: tuple[float, float] = (0.1, 2.0)

    def __post_init__(self) -> None:
        for name in ("flip", "jitter", "grey", "blur"):
            if not 0 <= getattr(self, name) <= 1:
                value = getattr(self, name)
                raise ValueError(f"{name} is a probability, got {value}")
        for name in ("brightness", "contrast", "saturation", "hue"):
            if not 0 <= getattr(self, name) <= (0.5 if name == "hue" else 1):
                raise ValueError(f"{name} is out of range: {getattr(self, name)}")
        ranges = {"scale": self.scale, "ratio": self.ratio or (1, 1)}
        for name, (low, high) in (ranges | {"sigma": self.sigma}).items():
            if not 0 < low <= high or (name == "scale" and high > 1):
                raise ValueError(f"{name} is out of range: {(low, high)}")

    def draw(
        self, batch: int, height: int, width: int, generator: Generator | None = None
    ) -> AugmentDraw:
        """Draw the numbers for a batch of clips of the given frame size (px)."""
        make = _Maker(batch, generator)
        boxes = random_boxes(batch, height, width, self.scale, self.ratio, generator)
        strength = (self.brightness, self.contrast, self.saturation, self.hue)
        change = torch.stack([make.between(-s, s) for s in strength], dim=1)
        change = change * make.chance(self.jitter)[:, None]
        neutral = torch.tensor([1.0, 1.0, 1.0, 0.0], device=change.device)
        flip, grey = make.chance(self.flip), make.chance(self.grey)
        sigma = make.between(*self.sigma) * make.chance(self.blur)
        return AugmentDraw(boxes, flip, change + neutral, grey, sigma)

    def apply(
        self, clips: Float[Tensor, "B 3 T H W"], draw: AugmentDraw
    ) -> Float[Tensor, "B 3 T h w"]:
        """Apply drawn numbers to clips."""
        _check_clips(clips, len(draw.flip))
        draw = draw.to(clips.device)
        clips = self._place(clips, draw, "bilinear")
        if self.jitter and (
            self.brightness or self.contrast or self.saturation or self.hue
        ):
            clips = adjust_colour(clips, draw.colour)
        if self.grey:
            chosen = _wide(draw.grey.to(clips.dtype))
            clips = torch.lerp(clips, greyscale(clips).expand_as(clips), chosen)
        return gaussian_blur(clips, draw.sigma) if self.blur else clips

    def apply_to_mask(
        self, masks: Bool[Tensor, "B T H W"], draw: AugmentDraw
    ) -> Bool[Tensor, "B T h w"]:
        """Apply the same crops and flips to masks (nearest pixel, no colour)."""
        if masks.ndim != 4 or len(masks) != len(draw.flip):
            raise ValueError(f"masks must be (B, T, H, W), got {tuple(masks.shape)}")
        as_clips = masks[:, None].float()
        return self._place(as_clips, draw.to(masks.device), "nearest")[:, 0] > 0.5

    def _place(self, clips: Tensor, draw: AugmentDraw, mode: str) -> Tensor:
        """The crop and the flip."""
        height, width = clips.shape[-2:]
        size = self.size if self.size is not None else (height, width)
        size = (size, size) if isinstance(size, int) else size
        whole = self.scale == (1, 1) and self.ratio is None
        if not (whole and size == (height, width)):  # else: leave the very same values
            clips = crop_resize(clips, draw.boxes, size, mode)
        if self.flip:
            clips = torch.where(_wide(draw.flip), clips.flip(-1), clips)
        return clips

    def __call__(
        self,
        clips: Float[Tensor, "B 3 T H W"],
        generator: Generator | None = None,
        masks: Bool[Tensor, "B T H W"] | None = None,
    ):
        """Draw and apply; with masks, return (clips, masks)."""
        _check_clips(clips, len(clips))
        height, width = clips.shape[-2:]
        draw = self.draw(len(clips), height, width, generator)
        out = self.apply(clips, draw)
        return out if masks is None else (out, self.apply_to_mask(masks, draw))


class _Maker:
    """Random numbers, one a clip, on the generator's device."""

    def __init__(self, batch: int, generator: Generator | None):
        self.batch, self.generator = batch, generator
        self.device = generator.device if generator is not None else "cpu"

    def between(self, low: float, high: float) -> Float[Tensor, " B"]:
        unit = torch.rand(self.batch, generator=self.generator, device=self.device)
        return low + (high - low) * unit

    def chance(self, probability: float) -> Bool[Tensor, " B"]:
        return self.between(0, 1) < probability


def _wide(values: Float[Tensor, " B"]) -> Float[Tensor, "B 1 1 1 1"]:
    return values[:, None, None, None, None]


def _check_clips(clips: Tensor, batch: int) -> None:
    if clips.ndim != 5 or clips.shape[1] != 3 or len(clips) != batch:
        shape = tuple(clips.shape)
        raise ValueError(f"clips must be ({batch}, 3, T, H, W), got {shape}")
    if not clips.is_floating_point():
        raise ValueError(f"clips must be float in [0, 1], got {clips.dtype}")
