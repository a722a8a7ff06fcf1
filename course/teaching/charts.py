"""The charts the chapters share: bars, lines, dots, and their labels.

Those called `seed_...` show recorded numbers, one mark a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.teaching.figures import CYCLE

MARKS = "oDs^vP"
DASHES = ("-", "--", "-.", ":")


def label(axis, title: str = "", x: str = "", y: str = "") -> None:
    """Title and axis names in the course's style.

    Args:
        axis: a matplotlib Axes.
        title: bold, at the left.
        x, y: what is measured, with the unit.
    """
    axis.set_title(title, loc="left", fontweight="bold", fontsize=11)
    axis.set_xlabel(x)
    axis.set_ylabel(y)


def bars(
    axis,
    values: Mapping[str, float],
    spread: Mapping[str, float] | None = None,
    chance: float | None = None,
    unit: str = "",
) -> None:
    """Horizontal bars with their numbers written on them, first name on top.

    Args:
        axis: a matplotlib Axes.
        values: length of each named bar.
        spread: half-width of each bar's error line, where there is one.
        chance: a dashed line for what guessing gives.
        unit: written after each number.
    """
    names, spread = list(values), spread or {}
    rows = range(len(names))
    axis.barh(
        rows,
        [values[n] for n in names],
        color=CYCLE[0],
        height=0.62,
        xerr=[spread.get(n, 0.0) for n in names] if spread else None,
        error_kw={"ecolor": "black", "capsize": 3},
    )
    for row, name in zip(rows, names, strict=True):
        at = values[name] + spread.get(name, 0.0)
        axis.annotate(
            f"{values[name]:.3g}{unit}",
            (at, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    axis.set_yticks(list(rows), names)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.margins(x=0.15)
    if chance is not None:
        axis.axvline(chance, color="black", linestyle="--", linewidth=1)
        axis.annotate(
            "chance",
            (chance, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            size=8,
        )


def lines(
    axis,
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    band: Mapping[str, Sequence[float]] | None = None,
) -> None:
    """Curves told apart by colour, dashes and a name at their end.

    Args:
        axis: a matplotlib Axes.
        x: shared positions.
        series: values of each named curve.
        band: half-width around a curve, for the names that have one.
    """
    for i, (name, values) in enumerate(series.items()):
        colour = CYCLE[i % len(CYCLE)]
        axis.plot(x, values, DASHES[i % 4], color=colour, label=name)
        if band and name in band:
            low = [v - b for v, b in zip(values, band[name], strict=True)]
            high = [v + b for v, b in zip(values, band[name], strict=True)]
            axis.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axis.annotate(
            name,
            (x[-1], values[-1]),
            xytext=(6, 0),
            color=colour,
            textcoords="offset points",
            va="center",
        )
    axis.margins(x=0.02)


def paired_dots(
    axis, pairs: Mapping[str, Sequence[float]], labels: Sequence[str]
) -> None:
    """Two or three values a row joined by a line: one condition against another.

    Args:
        axis: a matplotlib Axes.
        pairs: values of each named row, one per condition.
        labels: names of the conditions.
    """
    names, rows = list(pairs), range(len(pairs))
    values = list(pairs.values())
    lows, highs = [min(v) for v in values], [max(v) for v in values]
    axis.hlines(rows, lows, highs, color="#9CA3AF", linewidth=2, zorder=1)
    for i, label in enumerate(labels):
        axis.scatter(
            [v[i] for v in values],
            rows,
            color=CYCLE[i],
            s=55,
            marker=MARKS[i],
            label=label,
            edgecolor="black",
            linewidth=0.5,
            zorder=2 + i,
        )
    axis.set_yticks(list(rows), names)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(labels))


def seed_curves(
    axis,
    curves: Mapping[str, Mapping[float, Sequence[float]]],
    chance: float | None = None,
) -> None:
    """Curves of shares in per cent: mean, one standard deviation as a band, seeds.

    Args:
        axis: a matplotlib Axes.
        curves: name -> {position: values in [0, 1], one a seed}.
        chance: what guessing gives, in [0, 1]; a dashed line.

    Raises:
        ValueError: there is no curve, or one has a point without values.
    """
    _needs("curves", curves)
    for i, (name, curve) in enumerate(curves.items()):
        _needs(name, curve)
        colour, x = CYCLE[i % 6], sorted(curve)
        values = [100 * np.asarray(curve[n], float) for n in x]
        if any(v.size == 0 for v in values):
            raise ValueError(f"{name}: a point without values")
        mean = np.array([v.mean() for v in values])
        spread = np.array([v.std(ddof=1) if v.size > 1 else 0.0 for v in values])
        axis.plot(x, mean, DASHES[i % 4], marker=MARKS[i % 6], color=colour, label=name)
        axis.fill_between(
            x, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0
        )
        for n, v in zip(x, values, strict=True):
            axis.scatter([n] * v.size, v, s=9, color=colour, alpha=0.6)
    axis.set_ylim(0, 103)
    if chance is not None:
        axis.axhline(100 * chance, color="black", linestyle="--", linewidth=1)
        axis.annotate(
            "chance",
            (1, 100 * chance),
            xycoords=("axes fraction", "data"),
            xytext=(-2, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            size=9,
        )


def seed_dots(
    axis,
    rows: Mapping[str, Mapping[str, Sequence[float]]],
    variants: Mapping[str, str] | None = None,
    chance: float | None = None,
) -> None:
    """Shares in per cent as dots, row by row: a large mark for a mean, small for seeds.

    Args:
        axis: a matplotlib Axes.
        rows: name of a row -> {series: values in [0, 1], one a seed}; a row may lack a
            series, or have no values of it.
        variants: series -> the one it is a variant of: hollow, in that one's colour.
        chance: what guessing gives, in [0, 1]; a dashed line.

    Raises:
        ValueError: there is no row.
    """
    _needs("rows", rows)
    series, variants = (
        list(dict.fromkeys(s for r in rows.values() for s in r)),
        variants or {},
    )
    for i, name in enumerate(series):
        origin = series.index(variants.get(name, name))
        colour, mark = CYCLE[origin % 6], MARKS[origin % 6]
        shift = 0.6 * ((i + 0.5) / len(series) - 0.5)
        found = [
            (y + shift, row[name])
            for y, row in enumerate(rows.values())
            if row.get(name)
        ]
        for y, values in found:
            seeds = 100 * np.asarray(values, float)
            axis.scatter(seeds, [y] * len(seeds), s=14, color=colour, alpha=0.5)
        means = [100 * float(np.mean(values)) for _, values in found]
        axis.scatter(
            means,
            [y for y, _ in found],
            s=60,
            marker=mark,
            facecolor=colour if origin == i else "white",
            edgecolor="black" if origin == i else colour,
            linewidth=0.6 if origin == i else 2.0,
            zorder=4,
            label=name,
        )
    _rows(axis, list(rows), series)
    if chance is not None:
        axis.axvline(100 * chance, color="black", linestyle="--", linewidth=1)


def _rows(axis, names: list[str], series: list[str]) -> None:
    """An axis of per cent with one named row each, and a legend above it."""
    for y in range(1, len(names)):
        axis.axhline(y - 0.5, color="#E5E7EB", linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.set(ylim=(len(names) - 0.5, -0.5), xlim=(-2, 102))
    axis.grid(axis="y", visible=False)
    # Long names of rows leave an axis too narrow for a legend in one line.
    letters = sum(map(len, series)) + max(map(len, names))
    columns = len(series) if len(series) < 4 and letters < 75 else 2
    axis.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=columns, frameon=False
    )


def _needs(name: str, values: Mapping) -> None:
    if not values:
        raise ValueError(f"{name} is empty: nothing to draw")
