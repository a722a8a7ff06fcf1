"""Temporal action localisation: the mean average precision of detected segments.

A detection is (video, label, start, end, score).  Per class, detections are gone
through from the highest score down; one that overlaps a still free true instance of
its video enough (tIoU, `segments.py`) is right and takes that instance, the others are
false alarms.  With h_i = 1 if the i-th is right, N true instances of the class and
P_i = (h_1 + ... + h_i) / i its precision so far,

    AP = 1/N sum_i h_i max(P_i, P_i+1, ...)       the area under the monotone envelope
    mAP = mean of AP over the classes that occur in the truth

That is ActivityNet's protocol (`eval_detection.py`), the one BaS-Net and its heirs use,
on THUMOS14 too.  Papers that use another one differ by points for the same segments,
so two further rules are here to measure that.  What differs:

    rule         who chooses           among                overlap   AP
    activitynet  prediction, by score  the best that fits   >= tIoU   envelope
    wtalc        prediction, by score  the first that fits  >= tIoU   P_i itself
    thumos       true instance, by row the best that fits   >  tIoU   P_i itself

"wtalc" is W-TALC's `detectionMAP.py`, which also rounds all times to whole snippets and
drops detections that touch an ambiguous segment; "thumos" is the challenge's Matlab
kit, in which touching an ambiguous segment excuses a false alarm.  Our rows know no
ambiguous segments and our times are not rounded: do either to the rows beforehand.

Ties.  Of equal scores the earlier row counts as the higher one; of equal overlaps the
earlier row of the truth is the better one.  The official script leaves both to an
unstable sort, so with many tied scores (a coarse grid of them) it gives other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from course.evaluation.localization_matching import Rule, match
from course.evaluation.localization_rows import (
    PREDICTION_COLUMNS,
    TRUTH_COLUMNS,
    Rows,
    read_rows,
    same_kind,
)

_RULES = {
    "activitynet": Rule(truth_chooses=False, best=True, strictly=False, envelope=True),
    "wtalc": Rule(truth_chooses=False, best=False, strictly=False, envelope=False),
    "thumos": Rule(truth_chooses=True, best=True, strictly=True, envelope=False),
}


@dataclass(frozen=True, eq=False)
class DetectionMap:
    """Average precisions in [0, 1]: `ap[i, j]` at `tiou[i]` for class `labels[j]`.

    `map` is its mean over classes, `average_map` the mean of that over the tIoUs;
    `unknown_labels` counts predictions of classes that the truth does not have.
    """

    labels: tuple
    tiou: Float[np.ndarray, " K"]
    ap: Float[np.ndarray, "K C"]
    map: Float[np.ndarray, " K"]
    average_map: float
    unknown_labels: int


def temporal_detection_map(
    predictions: Any,
    truth: Any,
    tiou: float | Sequence[float],
    rule: str = "activitynet",
) -> DetectionMap:
    """Mean average precision of temporal detections.

    Classes are those of the truth: one without predictions has AP 0; predictions of a
    class without truth have no AP that they could lower and are counted, no more.
    Predictions in a video without truth of their class are false alarms.

    Args:
        predictions: rows (video, label, start, end, score), times in seconds: a list
            of tuples, an array, a structured array, a dict of columns or a pandas
            frame.  Videos and labels are str or int.  May be empty.
        truth: rows (video, label, start, end), in any of these forms.
        tiou: the overlap, or several, from which on a detection counts, in [0, 1].
        rule: "activitynet", "wtalc" or "thumos"; see the module, also for ties.

    Returns:
        A `DetectionMap`, its classes sorted.

    Raises:
        ValueError: for rows that are not of that form (the message names the row), no
            truth, names that are str on one side and int on the other, a tIoU outside
            [0, 1], or an unknown rule.

    >>> truth = [("a", "run", 0, 10), ("a", "run", 20, 30), ("b", "jump", 5, 9)]
    >>> found = [("a", "run", 1, 10, 0.9), ("b", "run", 0, 4, 0.8)]
    >>> found += [("a", "run", 24, 30, 0.7), ("b", "jump", 5, 9, 0.1)]
    >>> result = temporal_detection_map(found, truth, [0.5, 0.75])
    >>> result.labels, result.ap.round(3).tolist(), round(result.average_map, 4)
    (('jump', 'run'), [[1.0, 0.833], [1.0, 0.5]], 0.8333)
    """
    if rule not in _RULES:
        raise ValueError(f"rule must be one of {', '.join(_RULES)}; got {rule!r}")
    wanted = _thresholds(tiou)
    found = read_rows(predictions, PREDICTION_COLUMNS, "predictions")
    true = read_rows(truth, TRUTH_COLUMNS, "truth")
    if not len(true):
        raise ValueError("truth has no rows: there is nothing to detect")
    for what in ("video", "label"):
        same_kind(getattr(found, what), getattr(true, what), f"{what}s")
    labels = sorted(set(true.label))
    cells, classes = _cells_and_classes(found, true, labels)
    # From here on predictions are numbered by falling score, ties in the order of rows.
    order = np.argsort(-found.score, kind="stable")
    order = order[classes[0][order] >= 0]
    found_class, found_cell = classes[0][order], cells[0][order]
    right = match(
        found.times[order], found_cell, true.times, cells[1], wanted, _RULES[rule]
    )
    ap = _average_precision(right, found_class, classes[1], _RULES[rule].envelope)
    means = ap.mean(axis=1)
    unknown = len(found) - len(order)
    return DetectionMap(tuple(labels), wanted, ap, means, float(means.mean()), unknown)


def _cells_and_classes(found: Rows, true: Rows, labels: list) -> tuple[list, list]:
    """Cells (a class in a video) and classes of predictions and truth; -1: unknown."""
    known_videos = {name: number for number, name in enumerate(set(true.video))}
    known_labels = {name: number for number, name in enumerate(labels)}
    cells, classes = [], []
    for rows in (found, true):
        video = np.array([known_videos.get(v, -1) for v in rows.video], dtype=int)
        label = np.array([known_labels.get(v, -1) for v in rows.label], dtype=int)
        cells.append(np.where(video < 0, -1, video * len(labels) + label))
        classes.append(label)
    return cells, classes


def _average_precision(
    right: Bool[np.ndarray, "K P"],
    found_class: Int[np.ndarray, " P"],
    true_class: Int[np.ndarray, " N"],
    envelope: bool,
) -> Float[np.ndarray, "K C"]:
    """AP of every class; the predictions come sorted by score."""
    total = np.bincount(true_class)
    ap = np.zeros((len(right), len(total)))
    for label, count in enumerate(total):
        hits = right[:, found_class == label]
        precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
        if envelope:
            backwards = precision[:, ::-1]
            precision = np.maximum.accumulate(backwards, axis=1)[:, ::-1]
        ap[:, label] = (hits * precision).sum(axis=1) / count
    return ap


def _thresholds(tiou: Any) -> Float[np.ndarray, " K"]:
    wanted = np.atleast_1d(np.asarray(tiou, dtype=np.float64))
    if wanted.ndim != 1 or not len(wanted) or not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError(f"tiou must be one or more numbers in [0, 1], got {tiou}")
    return wanted
