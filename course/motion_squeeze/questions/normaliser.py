"""Q1. Why does the formula of a 2-D Gaussian look one-dimensional?

The Gaussian is two-dimensional: its exponent is a squared distance in the plane.  Only
the factor printed in front of it is that of a density on a line.  A mask needs no such
factor; with one, the scores shrink before the softmax, as if its temperature had grown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from course.motion_squeeze.flow_bench import errors, estimate, moved_texture
from course.motion_squeeze.soft_argmax import gaussian_mask, kernel_weights

# Column of the table -> (estimator, normaliser).
FORMS = {
    "argmax": ("argmax", "none"),
    "soft-argmax": ("soft", "none"),
    "kernel, no factor": ("kernel", "none"),
    "kernel, 1-D factor": ("kernel", "1d"),
    "kernel, 2-D factor": ("kernel", "2d"),
}
NORMALISERS = ("none", "1d", "2d")


@dataclass(frozen=True)
class NoiseRow:
    """Mean end-point error (cells) and share of errors above one cell."""

    noise: float
    form: str
    error: float
    wrong: float


@dataclass(frozen=True)
class WidthRow:
    """What a factor in front of the Gaussian does to a map of equal scores."""

    normaliser: str
    factor: float
    temperature: float
    width: float


def separable_difference(sigma: float = 5.0, seed: int = 0) -> float:
    """Largest difference between the 2-D Gaussian and a product of two 1-D ones.

    Args:
        sigma: cells.
        seed: draws scores, so that the Gaussian has another centre in every cell.

    Returns:
        the largest absolute difference between `gaussian_mask` and
        exp(-|p - best|^2 / (2 sigma^2)), computed from the squared distance.

    >>> separable_difference() < 1e-6
    True
    """
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(2, 15, 15, 6, 6, generator=generator)
    best = scores.flatten(1, 2).argmax(1)
    steps = torch.arange(15)
    dy = steps[None, :, None, None] - (best // 15)[:, None]
    dx = steps[None, :, None, None] - (best % 15)[:, None]
    squared = dy[:, :, None] ** 2 + dx[:, None] ** 2
    direct = torch.exp(-squared / (2 * sigma**2))
    return (gaussian_mask(scores, sigma, "none") - direct).abs().max().item()


def noise_table(
    noises: Sequence[float] = (0.0, 0.5, 1.0, 2.0),
    motion: tuple[float, float] = (3.0, -2.0),
    *,
    count: int = 4,
    seed: int = 0,
) -> list[NoiseRow]:
    """Five estimators on textures with more and more noise of the features.

    Args:
        noises: standard deviations; the texture's own is 1 before its ReLU.
        motion: (dx, dy), cells.
        count: pairs for each noise.
        seed: of the textures.

    Returns:
        a row for each noise and form; cells whose target is on the map count.

    >>> {row.form for row in noise_table([0.0], count=1) if row.wrong > 0.5}
    {'kernel, 2-D factor'}
    """
    rows = []
    for noise in noises:
        pair = moved_texture(motion, count=count, noise=noise, seed=seed)
        for form, (estimator, normaliser) in FORMS.items():
            found = estimate(pair, estimator, normaliser=normaliser)
            score = errors(found.displacement, pair.truth, pair.visible)
            rows.append(NoiseRow(noise, form, score.mean, score.wrong))
    return rows


def effective_widths(sigma: float = 5.0, temperature: float = 0.01) -> list[WidthRow]:
    """How far around the winner the kernel form averages when nothing but it matters.

    All scores are 1 (the middle a hair more, so that it wins): what is left is the
    Gaussian inside the softmax.

    Args:
        sigma: of the Gaussian, cells.
        temperature: of the softmax.

    Returns:
        for each normaliser the factor; the temperature that has the same effect; and
        the standard deviation of the weights along one axis, in cells.

    >>> [round(row.width, 1) for row in effective_widths()]
    [0.5, 2.1, 4.1]
    """
    scores = torch.ones(1, 15, 15, 1, 1)
    scores[0, 7, 7] += 1e-5
    offsets = torch.arange(-7.0, 8.0)
    rows = []
    for power, normaliser in enumerate(NORMALISERS):
        factor = (math.sqrt(2 * math.pi) * sigma) ** -power
        weights = kernel_weights(scores, sigma, temperature, normaliser)
        along_x = weights.sum(1).flatten()
        width = (along_x * offsets**2).sum().sqrt().item()
        rows.append(WidthRow(normaliser, factor, temperature / factor, width))
    return rows
