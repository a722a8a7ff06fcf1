"""Displacement from a pair, its errors, and what could have told us about them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.evaluation import outlier_auc
from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.flow_bench.pairs import FlowPair
from course.motion_squeeze.soft_argmax import (
    hard_argmax,
    kernel_soft_argmax,
    peak_margin,
    soft_argmax,
)

ESTIMATORS = ("kernel", "soft", "argmax")


@dataclass(frozen=True)
class Estimate:
    """What matching found: offsets in cells (dx, dy), best score, all scores."""

    displacement: Float[Tensor, "B 2 H W"]
    confidence: Float[Tensor, "B H W"]
    scores: Float[Tensor, "B P P H W"]


@dataclass(frozen=True)
class Errors:
    """End-point errors in cells: the map, its mean, and the share above one cell."""

    end_point: Float[Tensor, "B H W"]
    mean: float
    wrong: float


def estimate(
    pair: FlowPair,
    estimator: str = "kernel",
    *,
    sigma: float = 5.0,
    temperature: float = 0.01,
    normaliser: str = "none",
    max_displacement: int = 7,
) -> Estimate:
    """Match two feature maps and read a displacement off the scores.

    Args:
        pair: features; they are normalised here.
        estimator: "kernel", "soft" or "argmax".
        sigma, normaliser: of the kernel, see `kernel_soft_argmax`.
        temperature: of the softmax.
        max_displacement: half the window, cells.

    Returns:
        displacement, confidence and scores (offset axes dy, dx).

    Raises:
        ValueError: for an unknown estimator, and as the functions used.

    Source: equations 1 to 5, in the form of the official code.

    >>> from course.motion_squeeze.flow_bench import moved_texture
    >>> found = estimate(moved_texture((3, -2), count=1))
    >>> [round(v, 1) for v in found.displacement[0, :, 14, 14].tolist()]
    [3.0, -2.0]
    """
    first, second = normalise(pair.first), normalise(pair.second)
    scores = correlation(first, second, max_displacement).relu()
    if estimator == "kernel":
        found = kernel_soft_argmax(scores, sigma, temperature, normaliser)
    elif estimator == "soft":
        found = soft_argmax(scores, temperature)
    elif estimator == "argmax":
        found = hard_argmax(scores)
    else:
        raise ValueError(f"estimator must be one of {ESTIMATORS}, got {estimator!r}")
    displacement, confidence = found
    return Estimate(displacement, confidence.squeeze(1), scores)


def errors(
    displacement: Float[Tensor, "B 2 H W"],
    truth: Float[Tensor, "B 2 H W"],
    cells: Bool[Tensor, "B H W"] | None = None,
) -> Errors:
    """How far a displacement is from the truth.

    Args:
        displacement, truth: in cells.
        cells: those that the two summaries count; None means all.

    Returns:
        the error of every cell, the mean, and the share above one cell.

    Raises:
        ValueError: for shapes that differ, or if no cell counts.

    >>> errors(torch.zeros(1, 2, 4, 4), torch.full((1, 2, 4, 4), 3.0)).wrong
    1.0
    """
    if displacement.shape != truth.shape or truth.ndim != 4 or truth.shape[1] != 2:
        shapes = tuple(displacement.shape), tuple(truth.shape)
        raise ValueError(f"displacements must be (B, 2, H, W), got {shapes}")
    if cells is not None and cells.shape != truth[:, 0].shape:
        raise ValueError(f"cells must be {truth[:, 0].shape}, got {cells.shape}")
    end_point = torch.linalg.vector_norm(displacement - truth, dim=1)
    kept = end_point.flatten() if cells is None else end_point[cells]
    if kept.numel() == 0:
        raise ValueError(f"no cell counts among {tuple(end_point.shape)}")
    return Errors(end_point, kept.mean().item(), (kept > 1).float().mean().item())


def indicators(
    pair: FlowPair, found: Estimate | None = None
) -> dict[str, Float[Tensor, "B H W"]]:
    """Three guesses at how sure the displacement is; higher means surer.

    Args:
        pair: the features.
        found: its estimate by the kernel form, if it is at hand.

    Returns:
        `correlation`: the best score, which the paper's module passes on;
        `margin`: best score minus the best outside the 3 x 3 cells around it;
        `round_trip`: minus the distance (cells) from the start after going along the
        displacement and back along the one estimated from second to first.

    >>> from course.motion_squeeze.flow_bench import moved_texture
    >>> sorted(indicators(moved_texture(count=1)))
    ['correlation', 'margin', 'round_trip']
    """
    found = estimate(pair) if found is None else found
    swapped = FlowPair(pair.second, pair.first, -pair.truth, pair.visible)
    back = estimate(swapped).displacement
    return {
        "correlation": found.confidence,
        "margin": peak_margin(found.scores).squeeze(1),
        "round_trip": -_missed_return(found.displacement, back),
    }


def confidence_auc(pair: FlowPair, threshold: float = 1.0) -> dict[str, float]:
    """How well each indicator finds the errors of the kernel soft-argmax.

    Args:
        pair: features and truth; all cells count, hidden ones too.
        threshold: an error above so many cells is to be found.

    Returns:
        `outliers`: the share of such cells; for each indicator the area under the ROC
        curve: the chance that it trusts a right cell more than a wrong one.

    Raises:
        ValueError: if no cell or every cell is wrong.

    >>> from course.motion_squeeze.flow_bench import scene
    >>> confidence_auc(scene("occlusion", count=2))["correlation"] > 0.95
    True
    """
    found = estimate(pair)
    wrong = errors(found.displacement, pair.truth).end_point > threshold
    areas = {k: outlier_auc(v, wrong) for k, v in indicators(pair, found).items()}
    return {"outliers": wrong.float().mean().item(), **areas}


def _missed_return(
    there: Float[Tensor, "B 2 H W"], back: Float[Tensor, "B 2 H W"]
) -> Float[Tensor, "B H W"]:
    """Distance between start and end of the round trip, by the nearest cell."""
    height, width = there.shape[-2:]
    x = torch.arange(width) + there[:, 0]
    y = torch.arange(height)[:, None] + there[:, 1]
    columns = x.round().long().clamp(0, width - 1)
    rows = y.round().long().clamp(0, height - 1)
    index = (rows * width + columns).flatten(1)[:, None].expand(-1, 2, -1)
    landed = back.flatten(2).gather(2, index).view_as(there)
    return torch.linalg.vector_norm(there + landed, dim=1)
