"""Segments on the time line: their overlap, and cutting them out of a score curve.

A segment is (start, end) in seconds with end >= start.  With |.| its length,

    tIoU(a, b) = |a and b| / |a or b|                  in [0, 1]

without the `+ 1` that evaluators of pixel boxes add: on seconds that habit makes
disjoint segments overlap.  A quotient 0/0 (two segments of no length) counts as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float


def temporal_iou(
    a: Float[np.ndarray, "N 2"], b: Float[np.ndarray, "M 2"]
) -> Float[np.ndarray, "N M"]:
    """Temporal intersection over union of every segment of `a` with every one of `b`.

    Args:
        a, b: rows (start, end) in seconds; anything that numpy reads as such.

    Returns:
        float64 in [0, 1].

    Raises:
        ValueError: for shapes other than (N, 2), times that are not finite, or a
            segment that ends before it starts.

    >>> temporal_iou([[0, 4]], [[2, 4], [3, 5], [9, 9]]).tolist()
    [[0.5, 0.2, 0.0]]
    """
    a, b = _segments(a), _segments(b)
    return paired_iou(a[:, None, 0], a[:, None, 1], b[None, :, 0], b[None, :, 1])


def paired_iou(
    start_a: np.ndarray, end_a: np.ndarray, start_b: np.ndarray, end_b: np.ndarray
) -> np.ndarray:
    """tIoU element by element, for float64 arrays that broadcast; nothing is checked.

    >>> paired_iou(np.array([0.0]), np.array([4.0]), np.array([2.0]), np.array([4.0]))
    array([0.5])
    """
    shared = (np.minimum(end_a, end_b) - np.maximum(start_a, start_b)).clip(0)
    union = (end_b - start_b) + (end_a - start_a) - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def segments_from_scores(
    scores: Float[Any, " T"], threshold: float, seconds_per_step: float = 1.0
) -> list[tuple[float, float, float]]:
    """The runs of steps in which one class's score is above a threshold.

    Step t covers the seconds [t, t + 1) * seconds_per_step, so a run of steps i .. j
    starts at i and ends at j + 1.  One class at a time; the example makes rows for
    `temporal_detection_map` out of two.

    Args:
        scores: one number per step (snippet): a tensor, an array or a list.
        threshold: a step belongs to a segment if its score is strictly above it.
        seconds_per_step: length of a step; 0.64 for 16 frames at 25 frames a second.

    Returns:
        (start, end, mean score) of every run in order of time; seconds, score unit.

    Raises:
        ValueError: unless scores are (T,) without nan, the threshold is a number and
            the step has a positive length.

    >>> head = torch.tensor([[0.0, 0.75, 0.25, 0.0], [0.5, 0.0, 0.0, 1.0]])
    >>> [
    ...     ("video", label, *segment)
    ...     for label, row in zip(["run", "jump"], head)
    ...     for segment in segments_from_scores(row, 0.1, 0.5)
    ... ]  # doctest: +NORMALIZE_WHITESPACE
    [('video', 'run', 0.5, 1.5, 0.5), ('video', 'jump', 0.0, 0.5, 0.5),
     ('video', 'jump', 1.5, 2.0, 1.0)]
    """
    values = torch.as_tensor(scores).detach().cpu().double().numpy()
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"scores must be (T,) without nan, got {values.shape}")
    if np.isnan(threshold) or not 0 < seconds_per_step < np.inf:
        numbers = f"{threshold}, {seconds_per_step}"
        raise ValueError(f"bad threshold or seconds_per_step: {numbers}")
    inside = np.concatenate([[0], values > threshold, [0]])
    starts, ends = (np.flatnonzero(np.diff(inside) == sign) for sign in (1, -1))
    return [
        (i * seconds_per_step, j * seconds_per_step, float(values[i:j].mean()))
        for i, j in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _segments(rows: Any) -> np.ndarray:
    """Rows (start, end) as float64 (N, 2), checked."""
    segments = np.asarray(rows, dtype=np.float64)
    if segments.ndim != 2 or segments.shape[1] != 2:
        raise ValueError(f"segments must be (N, 2), got {segments.shape}")
    bad = ~np.isfinite(segments).all(axis=1) | (segments[:, 1] < segments[:, 0])
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"segment {row} is no (start, end >= start): {segments[row].tolist()}"
        )
    return segments
