"""Reading rows of detections and of truth: checked once, then plain columns.

Rows come as a list of tuples, a two-dimensional array, a structured array, a dict of
columns or a pandas frame; the last three are read by name, so their order is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

TRUTH_COLUMNS = ("video", "label", "start", "end")
PREDICTION_COLUMNS = (*TRUTH_COLUMNS, "score")


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of equal length: names as a list of str or of int, numbers as float64.

    `times` are (start, end) in seconds; `score` is empty for truth.
    """

    video: list
    label: list
    times: Float[np.ndarray, "N 2"]
    score: Float[np.ndarray, " N"]

    def __len__(self) -> int:
        return len(self.video)


def read_rows(rows: Any, columns: tuple[str, ...], what: str) -> Rows:
    """Rows of one of the accepted forms as checked columns.

    Args:
        rows: see the module.
        columns: `PREDICTION_COLUMNS` or `TRUTH_COLUMNS`.
        what: how error messages call the rows.

    Returns:
        The columns, in the order of the rows.

    Raises:
        ValueError: for other columns, videos or labels that are not all str or all
            int, times that are not finite, a segment that ends before it starts, a
            score that is nan; the message names the first bad row.

    >>> read_rows([("v", 3, 0, 1.5)], TRUTH_COLUMNS, "truth").times
    array([[0. , 1.5]])
    """
    found = dict(zip(columns, _columns(rows, columns, what), strict=True))
    names = {key: _names(found[key], f"{what}: {key}") for key in ("video", "label")}
    start, end = (_numbers(found[key], f"{what}: {key}") for key in ("start", "end"))
    score = _numbers(found.get("score", []), f"{what}: score")
    times = np.stack([start, end], axis=1)
    _refuse(~np.isfinite(times).all(axis=1), times, f"{what}: times not finite")
    _refuse(end < start, times, f"{what}: a segment ends before it starts")
    _refuse(np.isnan(score), score, f"{what}: score is no number")
    return Rows(**names, times=times, score=score)


def same_kind(a: list, b: list, what: str) -> None:
    """Refuse int names on one side and str names on the other: nothing would match.

    >>> same_kind(["1"], [1], "labels")
    Traceback (most recent call last):
    ValueError: labels are str in the predictions, int in the truth: '1', 1
    """
    if a and b and isinstance(a[0], str) != isinstance(b[0], str):
        kinds = ["str" if isinstance(x[0], str) else "int" for x in (a, b)]
        raise ValueError(
            f"{what} are {kinds[0]} in the predictions, {kinds[1]} in the truth: "
            f"{a[0]!r}, {b[0]!r}"
        )


def _columns(rows: Any, columns: tuple[str, ...], what: str) -> list:
    named = getattr(getattr(rows, "dtype", None), "names", None)
    if named is None and hasattr(rows, "keys"):
        named = list(rows.keys())
    if named is not None:
        if sorted(map(str, named)) != sorted(columns):
            raise ValueError(f"{what} needs columns {columns}, got {tuple(named)}")
        found = [list(rows[name]) for name in columns]
        lengths = [len(column) for column in found]
        if len(set(lengths)) > 1:
            raise ValueError(f"{what}: columns of different lengths {lengths}")
        return found
    try:
        rows = list(rows)
        wrong = next((row for row in rows if len(row) != len(columns)), None)
    except TypeError as error:
        raise ValueError(f"{what} must be rows {columns}, got {rows!r}") from error
    if wrong is not None:
        raise ValueError(f"{what} must be rows {columns}, got {wrong!r}")
    return [[row[i] for row in rows] for i in range(len(columns))]


def _names(values: list, what: str) -> list:
    """All str or all int, as Python's own; 3.0 from an array of floats is 3."""
    kinds = set(map(type, values))
    if all(issubclass(kind, str) for kind in kinds):
        return list(map(str, values))
    whole = (int, np.integer, float, np.floating)
    if all(issubclass(kind, whole) and kind is not bool for kind in kinds):
        if all(float(value).is_integer() for value in values):
            return list(map(int, values))
    found = sorted(kind.__name__ for kind in kinds)
    raise ValueError(f"{what} must be all str or all int, got {found}")


def _numbers(values: list, what: str) -> np.ndarray:
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be numbers: {error}") from error
    if numbers.ndim != 1:
        raise ValueError(f"{what} must be one number a row, got {numbers.shape}")
    return numbers


def _refuse(bad: np.ndarray, values: np.ndarray, what: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(f"{what} in row {row}: {values[row].tolist()}")
