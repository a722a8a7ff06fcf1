"""The MotionSqueeze module: match neighbouring frames, squeeze, transform, add.

Source: Kwon et al., ECCV 2020, and its released code, arunos728/MotionSqueeze.  Per
pair of frames of one clip: a 1 x 1 convolution reduces the features, their correlation
(equation 1) becomes a displacement (equations 2 to 4) and a confidence (equation 5),
and four separable convolutions make of these three channels a map that is added to the
features (equation 6).

Paper and code differ.  The code was read; what the paper prints stands here as its
readers report it.  `form` chooses: "official", the default, is the code; "paper" takes
the paper's side of 1 to 3.

 1. Gaussian: printed with a line density's factor 1 / (sqrt(2 pi) sigma), none in the
    code.  The factor multiplies logits, so it acts as a higher temperature.
    `normaliser` "1d" (paper), "none" (official), or "2d", a plane density's.
 2. Reduction: in the paper to a share of the channels, a half, as readers report, so
    form="paper" takes half; in the code to 64 whatever comes in: `reduced`.
 3. The last frame has no next one.  It takes over the last pair's motion features
    (paper: `last_frame="motion"`) or the last pair's displacement before the transform
    (official: "displacement").  Alike in eval mode; in train mode batch norm counts the
    last pair twice in the second case.
 4. ReLU after the correlation, in the code only.  No option, for it is inert: the
    reduction ends with a ReLU, so no score is below 0.
 5. Unit length of the features, in the code; equation 1 has none.  No option, for
    without it the temperature of 0.01 means nothing.
 6. Displacements enter the transform divided by their reach, in [-1, 1], as in the
    code.  No option, for this is a unit; `motion` tells them in cells.
 7. Parameters: the module adds 20,985 for 128 channels and 70,905 for 512, as in the
    code, and with half of 512 ("paper") 169,593.  A later paper quotes more for a whole
    MSNet than either gives (24.6 M on ResNet-50); nothing to choose.
 8. The code hands a dilation of the window to the wrong argument, harmless at its value
    of 1.  The window has no dilation here.
 9. Parts of the code no longer run (`async` as a name, a legacy autograd function,
    constants sent to "cuda").  Nothing to choose.
10. Ties between best matches are left to the device there; here the first one, top
    left, wins everywhere.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.motion_squeeze.checks import positive_number, whole_number
from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.fused import matched
from course.motion_squeeze.soft_argmax import kernel_soft_argmax, soft_argmax
from course.motion_squeeze.transform import convolution, separable_stack

Channel = Literal["displacement", "confidence"]
Normaliser = Literal["none", "1d", "2d"]
LastFrame = Literal["displacement", "motion"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
POWERS = {"none": 0, "1d": 1, "2d": 2}  # of 1 / (sqrt(2 pi) sigma)


class Form(NamedTuple):
    """Where paper and code differ and one can choose."""

    reduced: int | None  # None: half the channels
    last_frame: LastFrame
    normaliser: Normaliser


FORMS = {
    "official": Form(64, "displacement", "none"),
    "paper": Form(None, "motion", "1d"),
}


class MotionSqueeze(nn.Module):
    """Add to every frame's features what moves until the next frame.

    Args:
        channels: of the features, in and out.
        num_frames: T, for features (B*T, C, H, W); (B, C, T, H, W) needs none.
        form: "official" or "paper": sets `reduced`, `last_frame` and `normaliser`
            where they are None.
        reduced: channels that are matched.
        max_displacement: reach of the search in cells, 1 or more.
        sigma: width of the Gaussian around the best match, in cells.
        temperature: of the softmax over displacements; scores are cosines.
        normaliser: of the Gaussian: "none", "1d" or "2d".
        last_frame: what the last pair hands on: "displacement" or "motion" features.
        estimator: "kernel" or plain "soft"-argmax.
        carries: which of "displacement" and "confidence" the transform sees; the
            others are 0.  () is a control: as many parameters, no motion.
        shuffled: match the frames of each clip in a new random order: another control.
        kernel_size_first: of the first convolution of the transform, cells, odd.
        widths: channels inside the transform.
        fused: never store the scores (`course.motion_squeeze.fused`); same result.
        compiled: kernel-soft-argmax under `torch.compile`; same result.  Meant for
            GPUs; it has not been timed there yet.

    Takes features (B, C, T, H, W), or (B*T, C, H, W) with the frames of a clip one
    after another, and gives as many.  What it adds is never negative.

    Raises:
        ValueError: for options that do not exist or fit; for features of another shape,
            of whole numbers, or of clips of one frame, which have no pair.

    Source: equations 1 to 6; the released code's numbers.

    >>> module = MotionSqueeze(128)
    >>> sum(p.numel() for p in module.parameters())
    20985
    >>> tuple(module(torch.rand(2, 128, 4, 9, 9)).shape)
    (2, 128, 4, 9, 9)
    """

    carried: Tensor
    given: Tensor | None = None  # see `motion_maps.giving`

    def __init__(
        self,
        channels: int,
        num_frames: int | None = None,
        *,
        form: Literal["official", "paper"] = "official",
        reduced: int | None = None,
        max_displacement: int = 7,
        sigma: float = 5.0,
        temperature: float = 0.01,
        normaliser: Normaliser | None = None,
        last_frame: LastFrame | None = None,
        estimator: Literal["kernel", "soft"] = "kernel",
        carries: tuple[Channel, ...] = CHANNELS,
        shuffled: bool = False,
        kernel_size_first: int = 7,
        widths: tuple[int, ...] = (16, 32, 64),
        fused: bool = False,
        compiled: bool = False,
    ):
        super().__init__()
        if form not in FORMS:
            raise ValueError(f"form must be one of {tuple(FORMS)}, got {form!r}")
        usual = FORMS[form]
        self.channels = channels = whole_number("channels", channels, 1)
        if reduced is None:
            reduced = usual.reduced or channels // 2
        self.reduced = reduced = whole_number("reduced", reduced, 1)
        self.max_displacement = whole_number("max_displacement", max_displacement, 1)
        self.sigma = positive_number("sigma", sigma)
        self.temperature = positive_number("temperature", temperature)
        if num_frames is not None:
            num_frames = whole_number("num_frames", num_frames, 1)
        kernel_size_first = whole_number("kernel_size_first", kernel_size_first, 1)
        widths = tuple(whole_number("widths", width, 1) for width in widths)
        self.num_frames, self.estimator = num_frames, estimator
        self.normaliser = normaliser or usual.normaliser
        self.last_frame = last_frame or usual.last_frame
        self.shuffled, self.fused, self.compiled = shuffled, fused, compiled
        self._check_options(carries, kernel_size_first)
        self.reduce = nn.Sequential(*convolution(channels, reduced, 1))
        self.transform = separable_stack((3, *widths, channels), kernel_size_first)
        kept = [name in carries for name in ("displacement", *CHANNELS)]
        mask = torch.tensor(kept, dtype=torch.float32).view(3, 1, 1)
        self.register_buffer("carried", mask, persistent=False)

    def forward(self, x: Float[Tensor, "*clips h w"]) -> Float[Tensor, "*clips h w"]:
        """The features plus their motion features."""
        frames, clips = self._frames(x)
        displacement, confidence = self._matched(frames, clips)
        maps = torch.cat((displacement / self.max_displacement, confidence), dim=2)
        motion = self._transformed((maps * self.carried).to(x.dtype))
        if x.ndim == 5:
            motion = motion.unflatten(0, (clips, -1)).transpose(1, 2)
        return x + motion

    def motion(
        self, x: Float[Tensor, "*clips h w"]
    ) -> tuple[Float[Tensor, "b 2 pairs h w"], Float[Tensor, "b pairs h w"]]:
        """What moves from each frame to the next, and how sure the match is.

        Args:
            x: features as `forward` takes them.

        Returns:
            displacement (B, 2, T - 1, H, W) in cells, (dx, dy), x to the right and y
            down; confidence (B, T - 1, H, W), the best score, a cosine in [0, 1].
        """
        displacement, confidence = self._matched(*self._frames(x))
        return displacement.transpose(1, 2), confidence[:, :, 0]

    def _matched(self, frames: Tensor, clips: int) -> tuple[Tensor, Tensor]:
        """(B, T - 1, 2, H, W) in cells and (B, T - 1, 1, H, W)."""
        if self.given is not None:
            return self._as_given(frames, clips)
        features = self.reduce(frames)
        with torch.autocast(frames.device.type, enabled=False):
            # Half precision would move the winner of the x100 softmax.
            unit = normalise(features).unflatten(0, (clips, -1))
            if self.shuffled:
                order = torch.rand(unit.shape[:2], device=unit.device).argsort(1)
                unit = unit[torch.arange(clips, device=unit.device)[:, None], order]
            found = self._estimate(
                unit[:, :-1].flatten(0, 1), unit[:, 1:].flatten(0, 1)
            )
        displacement, confidence = (each.unflatten(0, (clips, -1)) for each in found)
        return displacement, confidence

    def _estimate(self, f1: Tensor, f2: Tensor) -> tuple[Tensor, Tensor]:
        if self.fused:
            # The normaliser divides the logits, and so does a temperature.
            wider = (math.sqrt(2 * math.pi) * self.sigma) ** POWERS[self.normaliser]
            temperature = self.temperature * wider
            return matched(f1, f2, self.max_displacement, self.sigma, temperature)
        scores = correlation(f1, f2, self.max_displacement)
        if self.estimator == "soft":
            return soft_argmax(scores, self.temperature)
        form = "compiled" if self.compiled else "lean"
        return kernel_soft_argmax(
            scores, self.sigma, self.temperature, self.normaliser, form
        )

    def _transformed(self, maps: Float[Tensor, "b pairs 3 h w"]) -> Tensor:
        """Motion features (B*T, C, H, W), the last pair's also for the last frame."""
        if self.last_frame == "displacement":
            maps = torch.cat((maps, maps[:, -1:]), dim=1)
        flat = maps.flatten(0, 1)
        if flat.device.type == "cpu":  # depthwise convolutions run twice as fast so
            flat = flat.contiguous(memory_format=torch.channels_last)
        motion = self.transform(flat)
        if self.last_frame == "displacement":
            return motion
        motion = motion.unflatten(0, maps.shape[:2])
        return torch.cat((motion, motion[:, -1:]), dim=1).flatten(0, 1)

    def _frames(self, x: Tensor) -> tuple[Tensor, int]:
        """Features (B*T, C, H, W), a clip's frames one after another, and B."""
        if x.ndim == 5:
            clips, frames = len(x), x.shape[2]
            x = x.transpose(1, 2).flatten(0, 1)
        elif x.ndim == 4 and self.num_frames and len(x) % self.num_frames == 0:
            clips, frames = len(x) // self.num_frames, self.num_frames
        else:
            flat = f"(B * {self.num_frames}, C, H, W)" if self.num_frames else ""
            expected = f"features must be (B, C, T, H, W){flat and ' or ' + flat}"
            raise ValueError(f"{expected}, got {tuple(x.shape)}")
        if frames < 2:
            shape = tuple(x.shape)
            raise ValueError(f"a clip of one frame has no pair to match, got {shape}")
        if x.shape[1] != self.channels:
            raise ValueError(f"expected {self.channels} channels, got {x.shape[1]}")
        if not x.is_floating_point():
            raise ValueError(f"features must be floating point, got {x.dtype}")
        return x, clips

    def _as_given(self, frames: Tensor, clips: int) -> tuple[Tensor, Tensor]:
        """Maps from outside; without a confidence it is 1."""
        assert self.given is not None
        pairs = len(frames) // clips - 1
        expected = (clips, pairs, *frames.shape[2:])
        maps = self.given.to(frames.device).transpose(1, 2)
        if maps.shape[:2] + maps.shape[3:] != expected or maps.shape[2] not in (2, 3):
            shape = tuple(self.given.shape)
            wanted = (clips, "2 or 3", *expected[1:])
            raise ValueError(f"given maps must be {wanted}, got {shape}")
        displacement, confidence = maps[:, :, :2], maps[:, :, 2:]
        if maps.shape[2] == 2:
            confidence = torch.ones_like(displacement[:, :, :1])
        return displacement, confidence

    def _check_options(self, carries: tuple, kernel_size_first: int) -> None:
        if kernel_size_first % 2 == 0:
            raise ValueError(f"kernel_size_first must be odd, got {kernel_size_first}")
        if not set(carries) <= set(CHANNELS):
            raise ValueError(f"carries may name {CHANNELS}, got {carries!r}")
        if self.estimator not in ("kernel", "soft"):
            raise ValueError(f"estimator is kernel or soft, got {self.estimator!r}")
        if (self.fused or self.compiled) and self.estimator != "kernel":
            raise ValueError("fused and compiled know the estimator 'kernel' only")
        if self.fused and self.compiled:
            raise ValueError("fused and compiled are two forms of one step, got both")
        if self.normaliser not in POWERS:
            raise ValueError(
                f"normaliser is one of {tuple(POWERS)}, got {self.normaliser!r}"
            )
        if self.last_frame not in get_args(LastFrame):
            raise ValueError(
                f"last_frame is one of {get_args(LastFrame)}, got {self.last_frame!r}"
            )
