"""A textured square moving over a background: the cases in which matching goes wrong.

occlusion      textured background, motion within the window: some background vanishes
out_of_range   the same, but the square moves farther than the window of 7 cells
flat           the background has no texture: every place of it matches every other

The background rests.  A little feature noise keeps equal scores from being exactly
equal, so that the winner among them is drawn at random and not by order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from course.motion_squeeze.flow_bench.pairs import (
    FlowPair,
    bump_heights,
    check_sizes,
    flat_feature,
    textured,
    with_noise,
)

# Background, and the least and most cells of the motion's longer component.
SCENES = {
    "occlusion": ("texture", 2, 5),
    "out_of_range": ("texture", 9, 11),
    "flat": ("flat", 2, 5),
}


def scene(
    name: str,
    count: int = 8,
    *,
    grain: float = 1.0,
    noise: float = 0.02,
    size: int = 28,
    seed: int = 0,
) -> FlowPair:
    """Pairs of a named scene, each with its own texture, place and motion.

    Args:
        name: one of `SCENES`.
        count: pairs.
        grain, noise, seed: see `moved_texture`.
        size: height and width of the map, cells; the square is 10 cells wide.

    Returns:
        the pairs, 64 channels.

    Raises:
        ValueError: for an unknown name or an argument out of range.

    Source: the scenes stand for what learners asked: when is a displacement wrong?

    >>> pair = scene("out_of_range", count=2)
    >>> bool(pair.truth.abs().amax() > 7)
    True
    """
    if name not in SCENES:
        raise ValueError(f"scene must be one of {', '.join(SCENES)}; got {name!r}")
    background, least, most = SCENES[name]
    generator = torch.Generator().manual_seed(seed)
    motions = [_random_motion(least, most, generator) for _ in range(count)]
    return moving_square(
        motions, background=background, size=size, grain=grain, noise=noise, seed=seed
    )


def moving_square(
    motions: Sequence[tuple[int, int]],
    *,
    background: str = "texture",
    side: int = 10,
    channels: int = 64,
    size: int = 28,
    grain: float = 1.0,
    noise: float = 0.02,
    seed: int = 0,
) -> FlowPair:
    """Pairs in which a textured square moves over a resting background.

    Args:
        motions: (dx, dy) of the square in each pair, whole cells.
        background: "texture" or "flat".
        side: of the square, cells.
        channels, size, grain, noise, seed: see `moved_texture`.

    Returns:
        one pair for each motion; the square is inside the map in both frames.

    Raises:
        ValueError: for an argument out of range, or a motion that does not fit.

    >>> pair = moving_square([(3, -2)], side=10)
    >>> int((pair.truth != 0).any(1).sum()), int((~pair.visible).sum())
    (100, 44)
    """
    count = len(motions)
    check_sizes(count, channels, size, grain, noise)
    if background not in ("texture", "flat"):
        raise ValueError(f"background must be texture or flat, got {background!r}")
    generator = torch.Generator().manual_seed(seed)
    square = textured(bump_heights(count, channels, side, grain, generator), grain)
    heights = bump_heights(count, channels, size, grain, generator)
    scenery = textured(heights, grain)
    if background == "flat":
        scenery = flat_feature(channels)[:, None, None].expand_as(scenery)
    first, second = scenery.clone(), scenery.clone()
    truth = torch.zeros(count, 2, size, size)
    visible = torch.ones(count, size, size, dtype=torch.bool)
    for i, (dx, dy) in enumerate(motions):
        left, top = (_place(d, side, size, generator) for d in (dx, dy))
        before = (i, ..., slice(top, top + side), slice(left, left + side))
        after = (
            i, ..., slice(top + dy, top + dy + side),
            slice(left + dx, left + dx + side),
        )  # fmt: skip
        first[before], second[after] = square[i], square[i]
        visible[after] = False  # scenery that the square covers
        visible[before] = True
        truth[before] = torch.tensor([dx, dy], dtype=truth.dtype)[:, None, None]
    noisy = [with_noise(frame, noise, generator) for frame in (first, second)]
    return FlowPair(noisy[0], noisy[1], truth, visible)


def _random_motion(
    least: int, most: int, generator: torch.Generator
) -> tuple[int, int]:
    """The longer component has `least` to `most` cells, the other one at most that."""

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    long = draw(least, most) * (1 if draw(0, 1) else -1)
    short = draw(-abs(long), abs(long))
    return (long, short) if draw(0, 1) else (short, long)


def _place(step: int, side: int, size: int, generator: torch.Generator) -> int:
    """A first coordinate that keeps the square inside the map before and after."""
    if int(step) != step or side < 1 or side + abs(step) > size:
        raise ValueError(
            f"a square of {side} cells cannot move by {step} on a map of {size}"
        )
    free = size - side - abs(int(step)) + 1
    drawn = int(torch.randint(free, (1,), generator=generator))
    return drawn + max(0, -int(step))
