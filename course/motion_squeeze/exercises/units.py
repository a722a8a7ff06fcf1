"""Exercises on units and factors: what a prefactor does, and cells into pixels.

MotionSqueeze, equations (3) and (4). The official code's Gaussian has peak 1 and no
normaliser, and its displacements are divided by the reach.
"""

from __future__ import annotations

import math

from torch.nn.functional import interpolate

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise

NORMALISERS = ("none", "1d", "2d")


def _factor(sigma, normaliser) -> float:
    line = 1 / (math.sqrt(2 * math.pi) * sigma)
    return {"none": 1.0, "1d": line, "2d": line**2}[normaliser]


def _effective(temperature, sigma, normaliser):
    return temperature / _factor(sigma, normaliser)


def _check_temperature(effective) -> None:
    for normaliser in NORMALISERS:
        for t, sigma in ((0.01, 5.0), (0.02, 2.0)):
            k, right = _factor(sigma, normaliser), _effective(t, sigma, normaliser)
            told_apart(
                effective(t, sigma, normaliser),
                right,
                {
                    "nothing changes, you say. The factor multiplies the *scores*, "
                    "inside the exponential: it does not cancel": t,
                    "a smaller score and a larger temperature are the same thing: "
                    "divide by the factor": t * k,
                    "that is the factor itself; what does it do to the temperature?": k,
                    "that is the inverse temperature, what the scores are multiplied "
                    "by": 1 / right,
                    "not that density: on a line it is 1 / (sqrt(2 pi) sigma), in the "
                    "plane the square of it": t * 2 * math.pi * sigma,
                    "a line has sigma, a plane sigma^2": t
                    * math.sqrt(2 * math.pi)
                    * sigma**2,
                },
                f"tau = {t}, sigma = {sigma}, normaliser {normaliser!r}: "
                "k g s / tau = g s / (tau / k).",
                1e-6,
            )


EFFECTIVE_TEMPERATURE = Exercise(
    id="motion_squeeze-7",
    title="The temperature hidden in a normaliser",
    difficulty=2,
    minutes=8,
    task="The weights are the softmax of `g * s / temperature`, where `g` has peak 1. "
    "Someone replaces `g` by `k * g`, with the normaliser `k` of a Gaussian density: "
    '"1d", on a line, or "2d", in the plane; "none" means k = 1. Write '
    "`effective_temperature(temperature, sigma, normaliser)`: the temperature at which "
    "the old formula, without `k`, gives the same weights.",
    function="effective_temperature",
    stub="def effective_temperature(temperature, sigma, normaliser):\n"
    "    ...  # a number",
    solution="import math\n\n\n"
    "def effective_temperature(temperature, sigma, normaliser):\n"
    '    k = {"none": 1.0,\n'
    '         "1d": 1 / (math.sqrt(2 * math.pi) * sigma),\n'
    '         "2d": 1 / (2 * math.pi * sigma**2)}[normaliser]\n'
    "    return temperature / k",
    hints=(
        "A factor in front of the *weights* would cancel in the softmax. Where does "
        "this one stand?",
        "k g s / tau = g s / (tau / k). The density on a line has k = 1 / (sqrt(2 pi) "
        "sigma); in the plane it is the square of that.",
    ),
    test=_check_temperature,
    wrong_answers={
        "it cancels": lambda t, sigma, n: t,
        "multiplies": lambda t, sigma, n: t * _factor(sigma, n),
        "the factor": lambda t, sigma, n: _factor(sigma, n),
        "the inverse": lambda t, sigma, n: 1 / _effective(t, sigma, n),
        "one root too few": lambda t, sigma, n: (
            t if n == "none" else t * 2 * math.pi * sigma
        ),
        "sigma squared on a line": lambda t, sigma, n: (
            t * math.sqrt(2 * math.pi) * sigma**2
            if n == "1d"
            else _effective(t, sigma, n)
        ),
    },
)


def _pixels(output, reach=7, stride=8):
    vectors = output[:, :2] * reach * stride
    return vectors.repeat_interleave(stride, 2).repeat_interleave(stride, 3)


def _smooth(output, reach=7, stride=8):
    vectors = output[:, :2] * reach * stride
    return interpolate(vectors, scale_factor=stride, mode="bilinear")


PIXEL_SLIPS = {
    "cells": (
        lambda d, reach=7, stride=8: _pixels(d, reach, stride) / stride,
        "these are cells: a cell is `stride` pixels wide",
    ),
    "the stride only": (
        lambda d, reach=7, stride=8: _pixels(d, reach, stride) / reach,
        "the output is in [-1, 1], where 1 means `reach` cells: multiply by it too",
    ),
    "nothing at all": (
        lambda d, reach=7, stride=8: _pixels(d, reach, stride) / (reach * stride),
        "the map is large, the numbers are still in [-1, 1]: at most one pixel of "
        "motion, and a flow picture stays white",
    ),
    "the window's width": (
        lambda d, reach=7, stride=8: (
            _pixels(d, reach, stride) / reach * (2 * reach + 1)
        ),
        "1 means `reach` cells, not the whole window of 2 reach + 1",
    ),
    "(dy, dx)": (
        lambda d, reach=7, stride=8: _pixels(d, reach, stride).flip(1),
        "the channels are swapped: (dx, dy) come in and go out",
    ),
    "tiles": (
        lambda d, reach=7, stride=8: (d[:, :2] * reach * stride).repeat(
            1, 1, stride, stride
        ),
        "the map is tiled: `repeat` puts copies side by side, `repeat_interleave` "
        "widens each cell",
    ),
    "smoothed": (
        _smooth,
        "right units, but vectors are mixed between cells: each pixel takes its own "
        "cell's vector",
    ),
    "the small map": (
        lambda d, reach=7, stride=8: d[:, :2] * reach * stride,
        "right numbers; the picture is `stride` times as large",
    ),
    "with the confidence": (
        lambda d, reach=7, stride=8: (
            (d * reach * stride)
            .repeat_interleave(stride, 2)
            .repeat_interleave(stride, 3)
        ),
        "the third channel is the confidence, no motion: leave it out",
    ),
}


def _check_pixels(flow) -> None:
    d = drawn(2, 3, 2, 3).tanh()
    for reach, stride in ((7, 8), (3, 2)):
        told_apart(
            flow(d, reach, stride),
            _pixels(d, reach, stride),
            {hint: slip(d, reach, stride) for slip, hint in PIXEL_SLIPS.values()},
            f"reach {reach}, stride {stride}: 1 means {reach * stride} pixels.",
        )


TO_PIXELS = Exercise(
    id="motion_squeeze-8",
    title="Why is my flow picture white?",
    difficulty=2,
    minutes=6,
    task="The official module's `output` is `(B, 3, H, W)`: dx, dy, confidence, with "
    "dx and dy divided by `reach`, so in [-1, 1]. A cell of the map is `stride` "
    "pixels wide. Write `flow_in_pixels(output, reach, stride)`: the displacement in "
    "pixels of the frame, `(B, 2, H * stride, W * stride)`, each pixel with the vector "
    "of its cell.",
    function="flow_in_pixels",
    stub="def flow_in_pixels(output, reach=7, stride=8):\n"
    "    ...  # (B, 2, H * stride, W * stride)",
    solution="def flow_in_pixels(output, reach=7, stride=8):\n"
    "    pixels = output[:, :2] * reach * stride\n"
    "    rows = pixels.repeat_interleave(stride, dim=2)\n"
    "    return rows.repeat_interleave(stride, dim=3)",
    hints=(
        "Two factors: from [-1, 1] to cells, from cells to pixels.",
        "Enlarging a flow map has two parts as well: more places, larger numbers.",
    ),
    test=_check_pixels,
    wrong_answers={mistake: slip for mistake, (slip, _) in PIXEL_SLIPS.items()},
)

UNITS = (EFFECTIVE_TEMPERATURE, TO_PIXELS)
