"""Q3. When is a displacement badly wrong?

For two opposite reasons.  Either the true match is not in the window (too fast, hidden,
gone): every score is low.  Or there are too many matches (flat or repeated texture):
every score is high.  And at the border what left the map cannot be matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from course.motion_squeeze.flow_bench import FlowPair, errors, estimate, moved_texture
from course.motion_squeeze.flow_bench.pairs import flat_feature, with_noise


@dataclass(frozen=True)
class SpeedRow:
    """Errors of the kernel soft-argmax (cells), and the mean best score, at a speed."""

    speed: float
    error: float
    wrong: float
    confidence: float


@dataclass(frozen=True)
class AmbiguityRow:
    """Two estimators on one kind of texture; lengths and errors in cells."""

    texture: str
    estimator: str
    length: float
    error: float
    wrong: float
    confidence: float


@dataclass(frozen=True)
class BorderRow:
    """Mean dx and best score of the cells so many cells away from the right border."""

    distance: int
    dx: float
    error: float
    confidence: float


def speed_sweep(
    speeds: Sequence[int] = tuple(range(5, 15)), *, count: int = 4, seed: int = 0
) -> list[SpeedRow]:
    """Motion to the right, slower and faster than a window of 7 cells can follow.

    Args:
        speeds: cells between the frames.
        count: pairs for each speed.
        seed: of the textures.

    Returns:
        a row for each speed, over cells whose target is on the map.

    >>> [row.wrong > 0.9 for row in speed_sweep((7, 9), count=1)]
    [False, True]
    """
    rows = []
    for speed in speeds:
        pair = moved_texture((speed, 0), count=count, seed=seed)
        found = estimate(pair)
        score = errors(found.displacement, pair.truth, pair.visible)
        confidence = found.confidence[pair.visible].mean().item()
        rows.append(SpeedRow(speed, score.mean, score.wrong, confidence))
    return rows


def unrelated_confidence(*, count: int = 4, seed: int = 0) -> float:
    """Mean best score of two textures that have nothing to do with each other.

    >>> 0.4 < unrelated_confidence(count=1) < 0.7
    True
    """
    one, other = (moved_texture((0, 0), count=count, seed=seed + k) for k in (0, 1000))
    mixed = FlowPair(one.first, other.second, one.truth, one.visible)
    return estimate(mixed).confidence.mean().item()


def too_many_matches(*, count: int = 4, seed: int = 0) -> list[AmbiguityRow]:
    """Textures in which a cell has one match, many or nothing but matches.

    Args:
        count: pairs for each texture.
        seed: of the textures.

    Returns:
        rows for a resting texture, a resting map without texture (exactly flat, and
        with a trace of noise), and tiles of 4 cells that move by (2, 0); for the kernel
        and the soft form; over cells with a whole window on the map, so that no border
        interferes.

    >>> rows = {(r.texture, r.estimator): r for r in too_many_matches(count=1)}
    >>> rows["flat", "kernel"].length > 9, rows["flat", "soft"].length < 0.1
    (True, True)
    """
    pairs = {
        "texture": moved_texture((0, 0), count=count, seed=seed),
        "flat": _flat(count, 0.0, seed),
        "nearly flat": _flat(count, 1e-2, seed),
        "tiles": moved_texture((2, 0), count=count, period=4, noise=0.05, seed=seed),
    }
    rows = []
    for texture, pair in pairs.items():
        inner = torch.zeros_like(pair.visible)
        inner[:, 7:-7, 7:-7] = True
        for estimator in ("kernel", "soft"):
            found = estimate(pair, estimator)
            length = torch.linalg.vector_norm(found.displacement, dim=1)[inner].mean()
            score = errors(found.displacement, pair.truth, inner)
            confidence = found.confidence[inner].mean().item()
            rows.append(
                AmbiguityRow(
                    texture,
                    estimator,
                    length.item(),
                    score.mean,
                    score.wrong,
                    confidence,
                )  # fmt: skip
            )
    return rows


def at_the_border(speed: int = 5, *, count: int = 8, seed: int = 0) -> list[BorderRow]:
    """A texture moves to the right; the last columns' matches leave the map.

    Args:
        speed: cells, dx.
        count: pairs.
        seed: of the textures.

    Returns:
        a row for each distance from the right border, 0 first, up to 2 * speed.

    >>> rows = at_the_border(5, count=2)
    >>> rows[0].dx < 2, abs(rows[8].dx - 5) < 0.01
    (True, True)
    """
    pair = moved_texture((speed, 0), count=count, seed=seed)
    found = estimate(pair)
    end_point = errors(found.displacement, pair.truth).end_point
    rows = []
    for distance in range(min(2 * speed, pair.truth.shape[-1] - 1) + 1):
        column = (..., -1 - distance)
        means = [
            values[column].mean().item()
            for values in (found.displacement[:, 0], end_point, found.confidence)
        ]
        rows.append(BorderRow(distance, *means))
    return rows


def _flat(count: int, noise: float, seed: int) -> FlowPair:
    """Two resting maps without texture."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, 64, 28, 28)
    feature = flat_feature(shape[1])[:, None, None].expand(shape)
    first, second = (with_noise(feature, noise, generator) for _ in range(2))
    truth = torch.zeros(count, 2, *shape[2:])
    return FlowPair(
        first, second, truth, torch.ones_like(truth[:, 0], dtype=torch.bool)
    )
