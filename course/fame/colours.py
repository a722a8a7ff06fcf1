"""The colour cell of each pixel: what FAME's likelihoods are counted over.

Source: Ding et al., CVPR 2022, the quantised colour x of equation 3.  The paper's text
does not name the colour space; this is the official code's.  Hue and saturation are a
point of the disc

    ((s cos h + 1) / 2, (s sin h + 1) / 2),

so that the hue's two ends, both red, meet; with the value they make 10 x 10 x 10 cells,
of which the disc reaches 880.  Ten is even: the middle of the disc, grey, is the corner
of four cells, and pure red lies on the border of two.  Eleven levels have neither.

A defect of the official code, kept for `hue="official"`: its hue comes in radians and
is multiplied by 2 pi once more.  Hues 60 degrees apart then lie 17 degrees apart on the
disc, while some that are 29 degrees apart lie opposite.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

HUES = ("once", "official")
MOST_BINS = 256  # as many as an 8-bit video has; float32 counts their cells exactly

Frames = Float[Tensor, "B 3 H W"]
Cells = Int[Tensor, "B H W"]


def mean_frame(clips: Float[Tensor, "B 3 T H W"]) -> Frames:
    """Average each clip over time, its frames added one after the other.

    Made clips put many colours exactly between two cells, where the last bit decides,
    and a device's own `mean` adds in an order of its own.

    Args:
        clips: (B, C, T, H, W).

    Returns:
        frames (B, C, H, W), the same bits on every device.

    Raises:
        ValueError: for clips that are not (B, C, T, H, W).

    Source: the official code.

    >>> mean_frame(torch.tensor([0.1, 0.2, 0.6]).view(1, 1, 3, 1, 1)).item()
    0.30000001192092896
    """
    if clips.ndim != 5 or clips.shape[2] == 0:
        raise ValueError(f"clips must be (B, C, T, H, W), got {tuple(clips.shape)}")
    first, *others = clips.unbind(2)
    total = first.clone()
    for frame in others:
        total += frame
    return total / clips.shape[2]


def to_hsv(frames: Frames) -> tuple[Tensor, Tensor, Tensor]:
    """Take RGB apart into hue, saturation and value.

    Args:
        frames: RGB in [0, 1], (B, 3, H, W).

    Returns:
        hue in radians, [0, 2 pi), 0 for greys; saturation and value in [0, 1]; each
        (B, H, W).

    Raises:
        ValueError: for frames that are not floating point (B, 3, H, W).

    >>> blue = torch.tensor([0.0, 0.0, 0.5]).view(1, 3, 1, 1)
    >>> [round(x.item(), 4) for x in to_hsv(blue)]  # 240 degrees
    [4.1888, 1.0, 0.5]
    """
    frames = _checked(frames)
    red, green, blue = frames.unbind(1)
    value, least = frames.amax(1), frames.amin(1)
    chroma = value - least
    span = chroma.clamp(min=torch.finfo(chroma.dtype).tiny)  # greys: 0 / tiny is 0
    # Sixths of the circle, counted from red; of equal channels the first one decides.
    sixths = torch.where(
        value == red,
        (green - blue) / span,
        torch.where(value == green, 2 + (blue - red) / span, 4 + (red - green) / span),
    )
    turn = sixths / 6
    turn = turn - turn.floor()
    # A hair before red rounds to one whole turn, which is none; the official hue, taken
    # times 2 pi twice, would place the two far apart.
    hue = turn.masked_fill(turn == 1, 0.0) * (2 * math.pi)
    return hue, chroma / (value + 1e-8), value


def quantise_hsv(frames: Frames, bins: int = 10, hue: str = "once") -> Cells:
    """Number the cell of hue, saturation and value that each pixel's colour is in.

    Args:
        frames: RGB in [0, 1], (B, 3, H, W); FAME gives the mean frame of each clip.
        bins: levels along each of the three axes; cells are bins ** 3.
        hue: "once", the angle as it is; "official", the angle times 2 pi, as released.

    Returns:
        cells (B, H, W), int64, from 0: first axis of the disc + bins * second axis
        + bins ** 2 * value.

    Raises:
        ValueError: for frames that are not floating point (B, 3, H, W), fewer than two
            bins, or an unknown hue.

    Source: the official code.

    >>> colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> quantise_hsv(colours.T.reshape(1, 3, 1, 3)).tolist()  # red, black, white
    [[[959, 55, 955]]]
    """
    frames = _checked(frames, bins, least=2)
    if hue not in HUES:
        raise ValueError(f"hue must be one of {', '.join(HUES)}; got {hue!r}")
    angle, saturation, value = to_hsv(frames)
    if hue == "official":
        angle = angle * (2 * math.pi)
    across = (saturation * angle.cos() + 1) / 2
    along = (saturation * angle.sin() + 1) / 2
    # With 10 levels grey lies exactly between two, where `round` takes the even number;
    # counted from 1, as in the official code, that is the upper one.
    levels = [torch.round(u * (bins - 1) + 1) - 1 for u in (across, along, value)]
    return _number(levels, bins)


def quantise_rgb(frames: Frames, bins: int = 8) -> Cells:
    """Number the cube of red, green and blue that each pixel's colour is in.

    Args:
        frames: RGB in [0, 1], (B, 3, H, W).
        bins: equal parts of each axis; cells are bins ** 3.

    Returns:
        cells (B, H, W), int64, from 0: red + bins * green + bins ** 2 * blue.

    Raises:
        ValueError: for frames that are not floating point (B, 3, H, W) or less than
            one bin.

    Source: ours, the plainest choice, to compare the official disc with.

    >>> colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    >>> quantise_rgb(colours.T.reshape(1, 3, 1, 3)).tolist()
    [[[7, 0, 511]]]
    """
    frames = _checked(frames, bins)
    parts = (frames * bins).floor().clamp(max=bins - 1)
    return _number(parts.unbind(1), bins)


def _number(levels, bins: int) -> Cells:
    first, second, third = levels
    cells = (first + bins * (second + bins * third)).long()
    return cells.clamp_(0, bins**3 - 1)  # out of range means a wrong cell, not a crash


def _checked(frames: Tensor, bins: int = 1, least: int = 1) -> Frames:
    """The frames, half precision taken to float32."""
    if not isinstance(frames, Tensor) or not frames.is_floating_point():
        found = frames.dtype if isinstance(frames, Tensor) else type(frames).__name__
        raise ValueError(f"frames must be a floating point tensor, got {found}")
    if frames.ndim != 4 or frames.shape[1] != 3:
        raise ValueError(f"frames must be (B, 3, H, W), got {tuple(frames.shape)}")
    if bins != int(bins) or not least <= bins <= MOST_BINS:
        wanted = f"a whole number from {least} to {MOST_BINS}"
        raise ValueError(f"bins must be {wanted}, got {bins!r}")
    return frames if frames.dtype in (torch.float32, torch.float64) else frames.float()
