"""Which detections are right?  Matching them with true instances, many at a time.

A cell is one class in one video; only its own predictions and instances can meet.  In a
cell the choosers go one after the other and each takes the first free option on its
list of wishes.  Cells do not compete, so the first choosers of all cells go at the same
time, then all the second ones: the loop is as long as the busiest cell, not as long as
the list of predictions, and does all tIoUs at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from course.evaluation.segments import paired_iou

_PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Rule:
    """How an evaluator matches and averages; `localization` has the table of them."""

    truth_chooses: bool
    best: bool
    strictly: bool
    envelope: bool


class _Pairs(NamedTuple):
    """Predictions and true instances (their numbers) of one cell, and their tIoU."""

    found: Int[np.ndarray, " M"]
    true: Int[np.ndarray, " M"]
    overlap: Float[np.ndarray, " M"]


def match(
    found_times: Float[np.ndarray, "P 2"],
    found_cell: Int[np.ndarray, " P"],
    true_times: Float[np.ndarray, "N 2"],
    true_cell: Int[np.ndarray, " N"],
    tiou: Float[np.ndarray, " K"],
    rule: Rule,
) -> Bool[np.ndarray, "K P"]:
    """Which predictions are right at each tIoU.

    Args:
        found_times: (start, end) of the predictions in seconds, highest score first.
        found_cell: the cell of each prediction, -1 where the truth has no such video.
        true_times, true_cell: the same of the true instances, in the order of rows.
        tiou: overlaps from which on a pair fits.
        rule: who chooses, and among what.

    Returns:
        One row for each tIoU.

    >>> found, true = np.array([[0.0, 4.0], [0.0, 2.0]]), np.array([[0.0, 3.0]])
    >>> rule = Rule(truth_chooses=False, best=True, strictly=False, envelope=True)
    >>> match(found, np.zeros(2, int), true, np.zeros(1, int), np.array([0.5]), rule)
    array([[ True, False]])
    """
    pairs = _overlapping(found_times, found_cell, true_times, true_cell, tiou.min())
    chooser, option = pairs.found, pairs.true
    cell, num_options = found_cell, len(true_cell)
    if rule.truth_chooses:
        chooser, option = option, chooser
        cell, num_options = true_cell, len(found_cell)
    wish = -pairs.overlap if rule.best else option
    by_wish = np.lexsort((option, wish, chooser))
    overlap, limit = pairs.overlap[by_wish], tiou[:, None]
    fits = overlap > limit if rule.strictly else overlap >= limit
    chosen, taken = _choose(chooser[by_wish], option[by_wish], fits, cell, num_options)
    return taken if rule.truth_chooses else chosen


def _overlapping(
    found_times: Float[np.ndarray, "P 2"],
    found_cell: Int[np.ndarray, " P"],
    true_times: Float[np.ndarray, "N 2"],
    true_cell: Int[np.ndarray, " N"],
    least: float,
) -> _Pairs:
    """The pairs of a cell that overlap enough for the lowest tIoU."""
    parts = []
    blocks = 1 + len(found_cell) * np.bincount(true_cell).max() // _PAIRS_AT_ONCE
    for rows in np.array_split(np.arange(len(found_cell)), blocks):
        p, t = _pairs_of_cells(found_cell[rows], true_cell)
        p = rows[p]
        overlap = paired_iou(*found_times[p].T, *true_times[t].T)
        near = overlap >= least
        parts.append((p[near], t[near], overlap[near]))
    return _Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _pairs_of_cells(
    found_cell: Int[np.ndarray, " P"], true_cell: Int[np.ndarray, " N"]
) -> tuple[Int[np.ndarray, " M"], Int[np.ndarray, " M"]]:
    """All (prediction, true instance) of the same cell."""
    by_cell = np.argsort(true_cell, kind="stable")
    cells = true_cell[by_cell]
    first = np.searchsorted(cells, found_cell, side="left")
    many = np.searchsorted(cells, found_cell, side="right") - first
    p = np.repeat(np.arange(len(found_cell)), many)
    return p, by_cell[np.repeat(first, many) + _counted(many)]


def _choose(
    chooser: Int[np.ndarray, " M"],
    option: Int[np.ndarray, " M"],
    fits: Bool[np.ndarray, "K M"],
    cell: Int[np.ndarray, " A"],
    num_options: int,
) -> tuple[Bool[np.ndarray, "K A"], Bool[np.ndarray, "K B"]]:
    """One after the other, the choosers of a cell take their first free option.

    Args:
        chooser, option: pairs that overlap, sorted by chooser and then by wish; the
            lower number chooses earlier.
        fits: whether the pair's overlap is enough at each tIoU.
        cell: the cell of each chooser.
        num_options: how many options there are.

    Returns:
        Who got something and what was taken, at each tIoU.
    """
    chosen = np.zeros((len(fits), len(cell)), dtype=bool)
    taken = np.zeros((len(fits), num_options), dtype=bool)
    who, row, many = np.unique(chooser, return_inverse=True, return_counts=True)
    if not len(who):
        return chosen, taken
    place = _counted(many)
    options = np.zeros((len(who), many.max()), dtype=np.int64)
    options[row, place] = option
    suits = np.zeros((len(fits), *options.shape), dtype=bool)
    suits[:, row, place] = fits
    for rows in _turns(cell[who]):
        free = suits[:, rows] & ~taken[:, options[rows]]
        k, r = np.nonzero(free.any(axis=2))
        taken[k, options[rows[r], free.argmax(axis=2)[k, r]]] = True
        chosen[k, who[rows[r]]] = True
    return chosen, taken


def _turns(cell: Int[np.ndarray, " R"]) -> list[Int[np.ndarray, " S"]]:
    """Rows that are the first of their cell, rows that are the second, ..."""
    by_cell = np.argsort(cell, kind="stable")
    turn = np.empty(len(cell), dtype=np.int64)
    turn[by_cell] = _counted(np.unique(cell, return_counts=True)[1])
    by_turn = np.argsort(turn, kind="stable")
    return np.split(by_turn, np.bincount(turn).cumsum()[:-1])


def _counted(many: Int[np.ndarray, " G"]) -> Int[np.ndarray, " M"]:
    """0, 1, ... inside each group of the given sizes: (2, 3) -> 0 1 0 1 2."""
    return np.arange(many.sum()) - np.repeat(many.cumsum() - many, many)
