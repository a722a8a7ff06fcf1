"""The charts the chapters share: bars, lines, pairs of dots, and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from course.teaching.figures import CYCLE


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
    dashes = ["-", "--", "-.", ":"]
    for i, (name, values) in enumerate(series.items()):
        colour = CYCLE[i % len(CYCLE)]
        axis.plot(x, values, dashes[i % len(dashes)], color=colour, label=name)
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
            marker="oD^"[i],
            label=label,
            edgecolor="black",
            linewidth=0.5,
            zorder=2 + i,
        )
    axis.set_yticks(list(rows), names)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(labels))
