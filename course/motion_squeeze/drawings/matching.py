"""One cell is matched: its window of scores, step by step, and what comes out.

Source: Kwon et al., ECCV 2020, equations 1 to 5.  Features are made, not learnt, and
move by a known vector, so that every number can be held against the truth.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course.motion_squeeze.flow_bench import FlowPair, estimate
from course.motion_squeeze.flow_bench.pairs import (
    bump_heights,
    flat_feature,
    lands_on_map,
    textured,
    with_noise,
)
from course.motion_squeeze.soft_argmax import (
    gaussian_mask,
    hard_argmax,
    kernel_weights,
    peak_margin,
)

REACH = 7  # cells, as in the released code
MAP = 28  # cells of a side, as 224 px have at stride 8
ESTIMATORS = ("kernel", "soft")
NORMALISERS = ("none", "1d", "2d")
TEXTURES = ("random", "flat", "tiles")
CHANNELS, GRAIN, PERIOD, FARTHEST, SEED = 64, 2.0, 6, 12, 0


class Match(NamedTuple):
    """What the steps make of one cell; windows (P, P), displacements in cells."""

    scores: Float[Tensor, "p p"]
    mask: Float[Tensor, "p p"]
    masked: Float[Tensor, "p p"]
    weights: Float[Tensor, "p p"]
    argmax: tuple[float, float]
    estimate: tuple[float, float]
    truth: tuple[float, float]
    confidence: float
    margin: float

    @property
    def error(self) -> float:
        """Distance of the estimate from the truth, cells."""
        return float(np.hypot(*np.subtract(self.estimate, self.truth)))

    @property
    def width(self) -> float:
        """Standard deviation of the weights around the estimate, per axis, in cells."""
        reach = len(self.weights) // 2
        offsets = torch.arange(-reach, reach + 1.0)
        dx, dy = (offsets - e for e in self.estimate)
        squares = dy.square()[:, None] + dx.square()[None]
        return float((0.5 * (self.weights * squares).sum()).sqrt())


@lru_cache(maxsize=32)
def pair_of(
    texture: str, motion: tuple[float, float], noise: float
) -> tuple[FlowPair, Float[Tensor, "1 p p h w"]]:
    """A pair of feature maps of the flow bench, and its scores.

    The first map stays the same whatever the motion, so that a slider moves only what
    it names; `course.motion_squeeze.flow_bench.moved_texture` draws a new one.

    Args:
        texture: one of `TEXTURES`; a flat one has the same features everywhere.
        motion: (dx, dy) in cells, at most `FARTHEST` on each axis.
        noise: standard deviation of what is added to the features of both maps.

    Returns:
        the pair, and the scores of its whole map in windows of 15 x 15.

    Raises:
        ValueError: an unknown texture, or a motion too far.

    >>> pair, scores = pair_of("random", (3.0, -2.0), 0.0)
    >>> tuple(scores.shape)
    (1, 15, 15, 28, 28)
    >>> bool((pair.first[..., 5, 5] == pair.second[..., 3, 8]).all())
    True
    """
    if max(abs(d) for d in motion) > FARTHEST:
        raise ValueError(f"motions reach {FARTHEST} cells, got {motion}")
    floors = [math.floor(d) for d in motion]
    parts = (motion[0] - floors[0], motion[1] - floors[1])
    draw = torch.Generator().manual_seed(SEED)
    first = with_noise(_crop(_sheet(texture, (0.0, 0.0)), 0, 0), noise, draw)
    second = with_noise(_crop(_sheet(texture, parts), *floors), noise, draw)
    truth = torch.tensor(motion).view(1, 2, 1, 1).expand(1, 2, MAP, MAP)
    pair = FlowPair(first, second, truth, lands_on_map(truth))
    return pair, estimate(pair, "argmax", max_displacement=REACH).scores


@lru_cache(maxsize=16)
def _sheet(texture: str, shift: tuple[float, float]) -> Float[Tensor, "1 c n n"]:
    """A texture larger than the map on every side, moved by less than a cell."""
    if texture not in TEXTURES:
        raise ValueError(f"textures are {', '.join(TEXTURES)}; got {texture!r}")
    side = MAP + 2 * (FARTHEST + 1)
    if texture == "flat":
        return flat_feature(CHANNELS)[None, :, None, None].expand(1, -1, side, side)
    draw = torch.Generator().manual_seed(SEED)
    period = PERIOD if texture == "tiles" else None
    heights = bump_heights(1, CHANNELS, side, GRAIN, draw, period)
    return textured(heights, GRAIN, shift)


def _crop(sheet: Tensor, dx: int, dy: int) -> Float[Tensor, "1 c h w"]:
    """What the map shows after the sheet moved by (dx, dy) cells."""
    top, left = FARTHEST + 1 - dy, FARTHEST + 1 - dx
    return sheet[..., top : top + MAP, left : left + MAP]


def match_at(
    scores: Float[Tensor, "1 p p h w"],
    place: tuple[int, int],
    truth: tuple[float, float],
    estimator: str = "kernel",
    sigma: float = 5.0,
    temperature: float = 0.01,
    normaliser: str = "none",
) -> Match:
    """Follow one cell through the steps.

    Args:
        scores: of a whole map, one pair of frames.
        place: (x, y) of the cell.
        truth: (dx, dy), cells.
        estimator: one of `ESTIMATORS`; "soft" has a mask of ones.
        sigma: of the Gaussian mask, cells.
        temperature: the masked scores are divided by it.
        normaliser: prefactor of the mask, one of `NORMALISERS`.

    Raises:
        ValueError: an unknown estimator, or a cell outside the map.

    >>> _, scores = pair_of("random", (3.0, -2.0), 0.0)
    >>> seen = match_at(scores, (14, 14), (3.0, -2.0))
    >>> seen.argmax, round(seen.confidence, 3), seen.error < 0.01
    ((3.0, -2.0), 1.0, True)
    """
    x, y = place
    height, width = scores.shape[3:]
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimators are {', '.join(ESTIMATORS)}; got {estimator!r}")
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"cell {place} lies outside the map of {width} x {height}")
    one = scores[..., y : y + 1, x : x + 1]
    if estimator == "kernel":
        mask = gaussian_mask(one, sigma, normaliser)
        weights = kernel_weights(one, sigma, temperature, normaliser)
    else:
        mask = torch.ones_like(one)
        weights = (one / temperature).flatten(1, 2).softmax(1).view_as(one)
    best, confidence = hard_argmax(one)
    offsets = torch.arange(one.shape[1]) - one.shape[1] // 2
    share = weights[0, ..., 0, 0]
    estimate = (share.sum(0) * offsets).sum(), (share.sum(1) * offsets).sum()
    return Match(
        one[0, ..., 0, 0], mask[0, ..., 0, 0], (mask * one)[0, ..., 0, 0], share,
        (float(best[0, 0]), float(best[0, 1])),
        (float(estimate[0]), float(estimate[1])), truth,
        float(confidence), float(peak_margin(one)),
    )  # fmt: skip
