"""Tables 2 to 5 of the I3D paper as one figure that can be sorted by any column.

The first menu chooses the table, the second the column and the direction.  Plotly's
menus are drawn, not HTML: they answer to the mouse and to touch but not to the
keyboard, so `sorted_table` gives every view as plain rows, and `tables_alt` says in
words what the tables hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from course.i3d.published.tables import (
    DATASETS,
    MODELS,
    STAGES,
    STREAMS,
    TABLE_5,
    imagenet_hurts,
    kinetics,
    order_violations,
    same_data,
    transfer,
)

_SHORT = {
    "ucf": "UCF-101",
    "hmdb": "HMDB-51",
    "kinetics": "Kinetics",
    "rgb": "RGB",
    "flow": "flow",
    "both": "both",
    "original": "Original",
    "fixed": "Fixed",
    "full": "Full-FT",
}
_HEAD, _LINE, _MISSING = "#0072B2", "#D1D5DB", "–"


@dataclass(frozen=True)
class Table:
    """A table: its title, the columns' names, rows of a name, texts and numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]

    @property
    def numeric_columns(self) -> list[str]:
        """The columns that can be sorted by: those without texts."""
        values = zip(self.columns, zip(*self.rows, strict=True), strict=True)
        return [name for name, column in values if not set(map(type, column)) & {str}]


def published_tables() -> dict[int, Table]:
    """Tables 2 to 5 by number; accuracies in per cent, None where there is none.

    >>> published_tables()[4].rows[-2][:4]
    ('Two-Stream I3D', 'with', 93.4, 97.7)
    """
    second = [(d, s) for d in DATASETS for s in STREAMS]
    fourth = [(d, g) for d in DATASETS[:2] for g in STAGES]
    return {
        2: Table(
            "Table 2: trained and tested on the same data",
            ("model", *(f"{_SHORT[d]} {_SHORT[s]}" for d, s in second)),
            tuple((n, *(same_data(m, *c) for c in second)) for m, n in MODELS.items()),
        ),
        3: Table(
            "Table 3: Kinetics, without and with ImageNet",
            ("model", "ImageNet", *(f"Kinetics {_SHORT[s]}" for s in STREAMS)),
            _twice(lambda m, s, i: kinetics(m, s, i), [(s,) for s in STREAMS]),
        ),
        4: Table(
            "Table 4: from Kinetics to the small sets",
            ("model", "ImageNet", *(f"{_SHORT[d]} {_SHORT[g]}" for d, g in fourth)),
            _twice(transfer, fourth),
        ),
        5: Table(
            "Table 5: against earlier work",
            ("method", "I3D pre-trained on", "UCF-101", "HMDB-51"),
            tuple((r.name, r.pretrained or _MISSING, r.ucf, r.hmdb) for r in TABLE_5),
        ),
    }


def _twice(value: Callable, cells: Sequence[tuple]) -> tuple[tuple, ...]:
    """A row with and a row without ImageNet for each model that has numbers there."""
    rows = [
        (name, word, *(value(model, *cell, imagenet) for cell in cells))
        for model, name in MODELS.items()
        for word, imagenet in (("with", True), ("without", False))
    ]
    return tuple(row for row in rows if any(v is not None for v in row[2:]))


def sorted_table(
    number: int, column: str | None = None, highest_first: bool = True
) -> list[tuple[str | float | None, ...]]:
    """The rows of one of Tables 2 to 5 in an order.

    Args:
        number: 2, 3, 4 or 5.
        column: a column with numbers; None for the paper's order.
        highest_first: the direction.

    Returns:
        the rows; those without a number in that column come last.

    Raises:
        ValueError: no such table, or no such column of numbers.

    >>> [row[0] for row in sorted_table(2, "UCF-101 both")][0]
    'Two-Stream I3D'
    """
    tables = published_tables()
    if number not in tables:
        raise ValueError(f"number must be 2, 3, 4 or 5, got {number!r}")
    table = tables[number]
    names = table.numeric_columns
    if column is None:
        return list(table.rows)
    if column not in names:
        raise ValueError(f"column must be one of {', '.join(names)}; got {column!r}")
    place, sign = table.columns.index(column), -1 if highest_first else 1
    return sorted(table.rows, key=lambda row: _rank(row[place], sign))


def tables_alt() -> str:
    """What the tables hold, in words, computed from them.

    >>> tables_alt().startswith("Tables 2 to 5 of the I3D paper")
    True
    """
    best = "Two-Stream I3D"
    firsts = [
        sorted_table(number, column)[0][0] == best
        for number in (2, 4)
        for column in published_tables()[number].numeric_columns
    ]
    broken = "; ".join(
        f"{MODELS[v.model]} on {_SHORT[v.dataset]} with{'' if v.imagenet else 'out'} "
        f"ImageNet, {_SHORT[v.earlier]} {v.before}, {_SHORT[v.later]} {v.after}"
        for v in order_violations()
    )
    hurts = "; ".join(
        f"{MODELS[m]} on {_SHORT[d]} {_SHORT[s]}, {have} with, {lack} without"
        for m, d, s, have, lack in imagenet_hurts()
    )
    return (
        "Tables 2 to 5 of the I3D paper, top-1 accuracy in per cent, sortable by any "
        f"column: {best} leads in {sum(firsts)} of {len(firsts)} columns of Tables 2 "
        f"and 4; a later stage of Table 4 is not better in {len(order_violations())} "
        f"places ({broken}); ImageNet weights hurt in {len(imagenet_hurts())} ({hurts})"
    )


def tables_figure() -> Any:
    """Tables 2 to 5 with a menu for the table and one for the order of its rows.

    Returns:
        a `plotly.graph_objects.Figure` of under 60 kB, to be shown with
        `course.teaching.figures.hoverable(fig, tables_alt())`.

    >>> len(tables_figure().data)
    4
    """
    import plotly.graph_objects as go

    tables = list(published_tables().items())
    traces = [_trace(table, first=i == 0) for i, (_, table) in enumerate(tables)]
    chooser = [
        {
            "label": table.title,
            "method": "update",
            "args": [
                {"visible": [i == k for k in range(len(tables))]},
                {f"updatemenus[{k + 1}].visible": i == k for k in range(len(tables))},
            ],
        }
        for i, (_, table) in enumerate(tables)
    ]
    menus = [_menu(0.0, chooser, visible=True)]
    for i, (number, table) in enumerate(tables):
        menus.append(_menu(0.52, _orders(i, number, table), visible=i == 0))
    fig = go.Figure(traces)
    fig.update_layout(template="none", height=600, updatemenus=menus)
    return fig


def _trace(table: Table, first: bool) -> dict:
    numbers = len(table.numeric_columns)
    wide = [1.7] + [1.0] * (len(table.columns) - numbers - 1)
    return {
        "type": "table",
        "visible": first,
        "domain": {"x": [0, 1], "y": [0, 0.86]},
        "columnwidth": wide + [1.0] * numbers,
        "header": {
            # Broken here: where plotly breaks lines itself they hang out of the cell.
            "values": [name.replace(" ", "<br>", 1) for name in table.columns],
            "fill": {"color": _HEAD},
            "font": {"color": "white", "size": 12},
            "align": "left",
        },
        "cells": {
            "values": _cells(table.rows),
            "fill": {"color": "white"},
            "line": {"color": _LINE},
            "align": "left",
            "height": 23,
        },
    }


def _orders(place: int, number: int, table: Table) -> list[dict]:
    """One entry a column and direction, which reorders the rows of a table."""
    choices: list[tuple[str, list]] = [("as published", list(table.rows))]
    for name in table.numeric_columns:
        for text, down in (("highest first", True), ("lowest first", False)):
            choices.append((f"{name}, {text}", sorted_table(number, name, down)))
    return [
        {
            "label": label,
            "method": "restyle",
            "args": [{"cells.values": [_cells(rows)]}, [place]],
        }
        for label, rows in choices
    ]


def _menu(x: float, buttons: list[dict], visible: bool) -> dict:
    place = {"x": x, "y": 1.0, "xanchor": "left", "yanchor": "top"}
    return {"type": "dropdown", "buttons": buttons, "visible": visible} | place


def _cells(rows: Sequence[tuple[str | float | None, ...]]) -> list[list[str]]:
    """Texts by column: plotly wants columns, and a dash where there is no number."""
    return [[_text(value) for value in column] for column in zip(*rows, strict=True)]


def _text(value: str | float | None) -> str:
    if value is None:
        return _MISSING
    return value if isinstance(value, str) else f"{value:.1f}"


def _rank(value: Any, sign: int) -> tuple[bool, float]:
    return value is None, 0.0 if value is None else sign * value
