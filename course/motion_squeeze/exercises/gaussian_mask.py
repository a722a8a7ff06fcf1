"""An exercise on the Gaussian mask around the best match, MotionSqueeze, equation (4).

As in the official code its peak is 1: it is no density, and its centre, an argmax, is a
constant for the gradient.
"""

from __future__ import annotations

import math

import torch

from course.motion_squeeze.exercises.soft_argmax import peak, reach_of, soft_estimate
from course.motion_squeeze.exercises.window import offsets
from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _distance(scores, centre):
    """Squared distance of every offset from a centre (B, 2, H, W)."""
    where = offsets(reach_of(scores)).to(scores)[None, :, :, :, None, None]
    return (where - centre[:, :, None, None]).square()


def _mask(scores, sigma, centre=None):
    square = _distance(scores, peak(scores) if centre is None else centre).sum(1)
    return (-square / (2 * sigma**2)).exp()


def _straight_through(scores, sigma):
    soft = soft_estimate(scores, 0.1)
    return _mask(scores, sigma, peak(scores) + soft - soft.detach())


def _manhattan(scores, sigma):
    way = _distance(scores, peak(scores)).sqrt().sum(1)
    return (-(way**2) / (2 * sigma**2)).exp()


def _no_square(scores, sigma):
    length = _distance(scores, peak(scores)).sum(1).sqrt()
    return (-length / (2 * sigma**2)).exp()


def _axes_apart(scores):
    side = scores.shape[1]
    down, right = scores.amax(2).argmax(1), scores.mean(1).argmax(1)
    return torch.stack([right, down], 1).to(scores) - side // 2


MASK_SLIPS = {
    "across only": (
        lambda s, v: (-_distance(s, peak(s))[:, 0] / (2 * v**2)).exp(),
        "this falls off across only, the same in every row: the distance has two parts",
    ),
    "down only": (
        lambda s, v: (-_distance(s, peak(s))[:, 1] / (2 * v**2)).exp(),
        "this falls off downwards only, the same in every column: the distance has "
        "two parts",
    ),
    "centred on no motion": (
        lambda s, v: _mask(s, v, torch.zeros_like(peak(s))),
        "the mask sits in the middle of the window, at no motion: centre it on each "
        "place's best match",
    ),
    "centred on the mean": (
        lambda s, v: _mask(s, v, soft_estimate(s, 0.1)),
        "the centre is between cells: it is the argmax, not the soft-argmax",
    ),
    "one peak for the map": (
        lambda s, v: _mask(s, v, peak(s.mean((3, 4), keepdim=True)).expand_as(peak(s))),
        "all places share one centre: each place has its own best match",
    ),
    "a density on a line": (
        lambda s, v: _mask(s, v) / (math.sqrt(2 * math.pi) * v),
        "the peak must be 1. The factor 1 / (sqrt(2 pi) sigma) belongs to a density "
        "on a line, and this is a mask",
    ),
    "a density in the plane": (
        lambda s, v: _mask(s, v) / (2 * math.pi * v**2),
        "the peak must be 1. The factor 1 / (2 pi sigma^2) belongs to a density, and "
        "this is a mask",
    ),
    "sums to one": (
        lambda s, v: _mask(s, v) / _mask(s, v).sum((1, 2), keepdim=True),
        "the peak must be 1, not the sum: the softmax comes later",
    ),
    "sigma not squared": (
        lambda s, v: _mask(s, math.sqrt(v)),
        "sigma must be squared: exp(-distance^2 / (2 sigma^2))",
    ),
    "the two is missing": (
        lambda s, v: _mask(s, v / math.sqrt(2)),
        "almost: the 2 of 2 sigma^2 is missing",
    ),
    "distance not squared": (
        _no_square,
        "the distance must be squared, or the mask has a point at its peak",
    ),
    "steps, not distance": (
        _manhattan,
        "the diagonal is too far away: add the *squares* of dx and dy, not their sizes",
    ),
    "best row, best column": (
        lambda s, v: _mask(s, v, _axes_apart(s)),
        "the best row and the best column, chosen apart, need not meet at the best "
        "offset: one argmax over all P * P",
    ),
    "already multiplied": (
        lambda s, v: _mask(s, v) * s,
        "that is mask times scores: return the mask alone",
    ),
}


def _check_mask(mask) -> None:
    s = drawn(2, 5, 5, 3, 4).sigmoid()
    for sigma in (1.5, 5.0):
        told_apart(
            mask(s, sigma),
            _mask(s, sigma),
            {hint: slip(s, sigma) for slip, hint in MASK_SLIPS.values()},
            "exp(-distance^2 / (2 sigma^2)), distance from the place's best offset.",
        )
    if torch.as_tensor(mask(s.requires_grad_(), 1.5)).requires_grad:
        raise Wrong(
            "the values are right, but a gradient runs through the centre: the argmax "
            "is a constant. `.detach()` says so"
        )


GAUSSIAN_MASK = Exercise(
    id="motion_squeeze-4",
    title="A hill around the best match",
    difficulty=2,
    minutes=10,
    task="Write `gaussian_mask(scores, sigma)` for scores `(B, P, P, H, W)`: for each "
    "place the mask `exp(-distance**2 / (2 * sigma**2))` over its window, `(B, P, P, "
    "H, W)`. The distance is that between an offset and the place's *best* offset, in "
    "cells, in the plane. Its peak is 1, and no gradient flows through the choice of "
    "the best.",
    function="gaussian_mask",
    stub="def gaussian_mask(scores, sigma):\n    ...  # (B, P, P, H, W)",
    solution="import torch\n\n\n"
    "def gaussian_mask(scores, sigma):\n"
    "    P = scores.shape[1]\n"
    "    best = scores.flatten(1, 2).argmax(dim=1)  # (B, H, W), whole numbers\n"
    "    row, column = best // P, best % P\n"
    "    steps = torch.arange(P, device=scores.device).view(1, P, 1, 1)\n"
    "    down = (steps - row[:, None]).to(scores.dtype) ** 2  # (B, P, H, W)\n"
    "    across = (steps - column[:, None]).to(scores.dtype) ** 2\n"
    "    square = down[:, :, None] + across[:, None]  # (B, P, P, H, W)\n"
    "    return torch.exp(-square / (2 * sigma**2))",
    hints=(
        "`flatten(1, 2).argmax(1)` gives one number from 0 to P * P - 1. Which row and "
        "which column is that?",
        "Squared distances down `(B, P, 1, H, W)` and across `(B, 1, P, H, W)` add up "
        "by broadcasting.",
    ),
    test=_check_mask,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in MASK_SLIPS.items()},
        "gradient through the centre": _straight_through,
    },
)
