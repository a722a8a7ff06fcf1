"""Feature textures moved by a known vector.

A texture is a sum of Gaussian bumps of random height, one at every cell of a lattice
that is larger than the map: it is defined between the cells as well (so it can move by
half a cell), and what enters the map from outside is new texture (nothing wraps round).
A ReLU at the end makes the features non-negative, as the module's 1x1 convolution does;
feature noise is added before it, independently in both frames.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Real

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.motion_squeeze.checks import whole_number

PATCH = 8  # side of a flat patch, in cells
MARGIN = 16  # cells of texture around the map, at least


@dataclass(frozen=True)
class FlowPair:
    """Two feature maps, the true displacement, and where it can be seen.

    `first`, `second` (B, C, H, W) are not normalised; `truth` (B, 2, H, W) in cells,
    (dx, dy): what is at x in `first` is at x + truth in `second`; `visible` (B, H, W)
    is False where that lies outside the map or is covered in the second frame.
    """

    first: Float[Tensor, "B C H W"]
    second: Float[Tensor, "B C H W"]
    truth: Float[Tensor, "B 2 H W"]
    visible: Bool[Tensor, "B H W"]

    def __len__(self) -> int:
        return len(self.first)


def joined(pairs: Sequence[FlowPair]) -> FlowPair:
    """Several batches of pairs as one.

    Args:
        pairs: at least one; channels, height and width must agree.

    Returns:
        the batches, one after another.

    Raises:
        ValueError: for no pairs, or shapes that differ.

    >>> len(joined([moved_texture(count=2), moved_texture(count=3)]))
    5
    """
    shapes = {tuple(pair.first.shape[1:]) for pair in pairs}
    if len(shapes) != 1:
        raise ValueError(f"pairs must share one (C, H, W), got {sorted(shapes)}")
    names = [field.name for field in fields(FlowPair)]
    return FlowPair(
        **{name: torch.cat([getattr(p, name) for p in pairs]) for name in names}
    )


def moved_texture(
    motion: tuple[float, float] = (3.0, -2.0),
    *,
    count: int = 4,
    channels: int = 64,
    size: int = 28,
    grain: float = 2.0,
    noise: float = 0.0,
    period: int | None = None,
    flat_patches: int = 0,
    seed: int = 0,
) -> FlowPair:
    """Pairs in which a whole texture moves by one vector.

    Args:
        motion: (dx, dy) in cells; fractions are allowed.
        count: pairs, each with its own texture.
        channels: of the features.
        size: height and width of the map, cells.
        grain: width (standard deviation) of a bump, cells; larger is smoother.
        noise: standard deviation of the noise; the texture's own is 1 before the ReLU.
        period: the texture repeats itself every so many cells on both axes.
        flat_patches: so many patches of 8 x 8 cells without any texture, which move
            along; needs a whole motion.
        seed: the same seed gives the same pairs, and the same first frames whatever
            the motion (up to 15 cells).

    Returns:
        the pairs, on the CPU.

    Raises:
        ValueError: for an argument out of range.

    >>> pair = moved_texture((2, -1), count=1)
    >>> bool((pair.first[..., 5, 5] == pair.second[..., 4, 7]).all())
    True
    """
    whole = all(float(d).is_integer() for d in motion)
    check_sizes(count, channels, size, grain, noise)
    if not all(math.isfinite(d) for d in motion):
        raise ValueError(f"motion must be finite, got {motion}")
    if period is not None and period < 2:
        raise ValueError(f"period must be at least 2 cells, got {period}")
    if flat_patches < 0 or (flat_patches and not whole):
        raise ValueError(
            f"{flat_patches} flat patches and a motion of {motion}: patches need a "
            "number from 0 on and whole cells"
        )
    # The same margin for most motions, so that a seed's texture does not depend on it.
    margin = max(MARGIN, math.ceil(max(abs(d) for d in motion)) + 1)
    generator = torch.Generator().manual_seed(seed)
    heights = bump_heights(count, channels, size + 2 * margin, grain, generator, period)
    floors = [math.floor(d) for d in motion]
    parts = [d - f for d, f in zip(motion, floors, strict=True)]
    still = textured(heights, grain)
    moved = still if whole else textured(heights, grain, (parts[0], parts[1]))
    for _ in range(flat_patches):
        _flatten_patch(still, generator)  # `moved` is the same tensor
    frames = [_crop(still, margin, size), _crop(moved, margin, size, *floors)]
    first, second = (with_noise(frame, noise, generator) for frame in frames)
    truth = torch.tensor(motion, dtype=torch.float32).reshape(1, 2, 1, 1)
    truth = truth.expand(count, 2, size, size).clone()
    return FlowPair(first, second, truth, lands_on_map(truth))


def bump_heights(
    count: int,
    channels: int,
    size: int,
    grain: float,
    generator: torch.Generator,
    period: int | None = None,
) -> Float[Tensor, "B C N N"]:
    """Random heights of the bumps that a texture of `size` cells needs.

    >>> bump_heights(1, 3, 20, 2.0, torch.Generator().manual_seed(0)).shape[-1]
    36
    """
    lattice = size + 2 * math.ceil(4 * grain)
    side = period or lattice
    heights = torch.randn(count, channels, side, side, generator=generator)
    index = torch.arange(lattice) % side
    return heights[:, :, index][:, :, :, index]


def textured(
    heights: Float[Tensor, "B C N N"],
    grain: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Float[Tensor, "B C H W"]:
    """The texture's values at whole cells after it moved by `shift` = (dx, dy).

    >>> heights = bump_heights(1, 3, 20, 2.0, torch.Generator().manual_seed(0))
    >>> tuple(textured(heights, 2.0).shape)
    (1, 3, 20, 20)
    """
    reach = math.ceil(4 * grain)
    lattice = torch.arange(heights.shape[-1], dtype=torch.float32)
    rows, columns = (_bumps(lattice, reach, grain, s) for s in (shift[1], shift[0]))
    return rows @ heights @ columns.T


def with_noise(
    texture: Float[Tensor, "B C H W"], noise: float, generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    """Texture plus white noise, through a ReLU."""
    return (texture + noise * torch.randn(texture.shape, generator=generator)).relu()


def flat_feature(channels: int) -> Float[Tensor, " C"]:
    """The feature of every cell of a flat area: one active channel.

    A product of two such features has one term, so equal scores are equal to the last
    bit in whatever order they are summed.  It is as long as a texture's on average.
    """
    feature = torch.zeros(channels)
    feature[0] = math.sqrt(channels / 2)
    return feature


def lands_on_map(truth: Float[Tensor, "B 2 H W"]) -> Bool[Tensor, "B H W"]:
    """Cells whose displacement ends on the map."""
    height, width = truth.shape[-2:]
    x = torch.arange(width) + truth[:, 0]
    y = torch.arange(height)[:, None] + truth[:, 1]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def check_sizes(
    count: int, channels: int, size: int, grain: float, noise: float
) -> None:
    """Raise a ValueError for sizes and strengths out of range."""
    for name, value in {"count": count, "channels": channels, "size": size}.items():
        whole_number(name, value, 1)
    if not (isinstance(grain, Real) and grain >= 0.5):
        raise ValueError(f"grain must be at least 0.5 cells, got {grain!r}")
    if not (isinstance(noise, Real) and noise >= 0.0):
        raise ValueError(f"noise must not be negative, got {noise!r}")


def _bumps(lattice: Tensor, reach: int, grain: float, shift: float) -> Tensor:
    """Each bump's share in each cell, scaled so that every cell has variance 1."""
    cells = lattice[reach : len(lattice) - reach] - shift
    shares = torch.exp(-((cells[:, None] - lattice) ** 2) / (2 * grain**2))
    return shares / shares.square().sum(1, keepdim=True).sqrt()


def _flatten_patch(canvas: Tensor, generator: torch.Generator) -> None:
    feature = flat_feature(canvas.shape[1])[:, None, None]
    for texture in canvas:
        limit = max(1, canvas.shape[-1] - PATCH + 1)
        top, left = torch.randint(limit, (2,), generator=generator).tolist()
        texture[:, top : top + PATCH, left : left + PATCH] = feature


def _crop(canvas: Tensor, margin: int, size: int, dx: int = 0, dy: int = 0) -> Tensor:
    """The map as seen after the canvas moved by (dx, dy)."""
    top, left = margin - dy, margin - dx
    return canvas[..., top : top + size, left : left + size]
