"""What was measured, drawn: accuracies in pairs, the displacement against true flow.

Alt texts name what is drawn and never a trained number: stored notebooks compare them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.teaching import charts, figures
from course.teaching.figures import CYCLE, GREY, Picture

Groups = Mapping[str, Mapping[str, Sequence[float]]]
FIELDS = {
    "field": "learned map",
    "untrained": "the same before training",
    "still": "“nothing moves”",
}


def field_scores(errors: Groups, cosine: Groups, auc: Groups) -> Picture:
    """Three panes: end-point errors, direction, and what low confidence knows.

    Args:
        errors: part of the picture -> {a name of `FIELDS`: cells, one a seed}.
        cosine: likewise; of the estimate with the true flow, where something moves.
        auc: likewise; area under the ROC curve of finding wrong cells.

    Raises:
        ValueError: a pane has no value at all.

    >>> one = {"cells": {"learned map": [0.4, 0.6]}}
    >>> field_scores(one, one, one).width
    919
    """
    fig, axes = figures.figure(1, 3, 9.2, 3.8, width_ratios=(2.2, 1, 1))
    panes = (
        (errors, "End-point error", "cells (lower is better)", None),
        (cosine, "Direction", "mean cosine with the true flow", 0.0),
        (auc, "Low confidence", "area under the ROC curve", 0.5),
    )
    for axis, (groups, title, unit, nothing) in zip(axes, panes, strict=True):
        strips(axis, groups, list(FIELDS.values()))
        charts.label(axis, title, "", unit)
        if nothing is None:
            axis.set_ylim(bottom=0)
        else:
            axis.axhline(nothing, color="black", linestyle="--", linewidth=1)
            axis.set_ylim(min(nothing - 0.1, axis.get_ylim()[0]), 1.02)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    alt = (
        "Three panels on the displacement inside MSNet against the true flow, "
        "learned, before training, and for saying that nothing moves: the end-point "
        f"error ({', '.join(errors)}); the cosine on moving cells; how well low "
        "confidence finds wrong cells; dashed: no better than guessing"
    )
    return figures.picture_of(fig, alt)


def seed_pairs(
    pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    conditions: tuple[str, str],
    chance: float,
) -> Picture:
    """Accuracies under two conditions, a line for every seed, network by network.

    Args:
        pairs: name -> shares under the first and the second condition, the same seeds.
        conditions: their names.
        chance: accuracy of guessing.

    Raises:
        ValueError: there is nothing to draw, or a seed has one value only.
    """
    rows: dict[str, tuple[float, float]] = {}
    ends = [0]
    for name, values in pairs.items():
        if not values[0] or len(values[0]) != len(values[1]):
            counts = " and ".join(str(len(each)) for each in values)
            raise ValueError(f"{name}: needs two values for each seed, got {counts}")
        for i, (before, after) in enumerate(zip(*values, strict=True)):
            rows[f"{name} {i}"] = 100 * before, 100 * after
        ends.append(len(rows))
    fig, axis = figures.figure(width=6.8, height=4.2)
    charts.paired_dots(axis, rows, conditions)
    middles = [(a + b - 1) / 2 for a, b in zip(ends, ends[1:], strict=False)]
    axis.set_yticks(middles, list(pairs))
    for end in ends[1:-1]:
        axis.axhline(end - 0.5, color=GREY, linewidth=0.8)
    axis.axvline(100 * chance, color="black", linestyle="--", linewidth=1)
    axis.set(xlim=(-2, 102), xlabel="accuracy (%), one line a seed; dashed: chance")
    alt = f"Accuracy {' and '.join(conditions)}, seed by seed: {', '.join(pairs)}"
    return figures.picture_of(fig, alt)


def strips(axis, groups: Groups, series: Sequence[str]) -> None:
    """Dots in the values' own unit: a large mark for a mean, small for seeds.

    Args:
        axis: a matplotlib Axes.
        groups: name on the x axis -> {series: values, one a seed}; it may lack one.
        series: all series in their order, which gives each its colour and mark.

    Raises:
        ValueError: there is no value.
    """
    if not any(values for group in groups.values() for values in group.values()):
        raise ValueError(f"no value in {', '.join(groups) or 'groups'}")
    shown = [s for s in series if any(group.get(s) for group in groups.values())]
    for name in shown:
        i = series.index(name)
        shift = 0.6 * ((shown.index(name) + 0.5) / len(shown) - 0.5)
        found = [
            (x + shift, group[name])
            for x, group in enumerate(groups.values())
            if group.get(name)
        ]
        for x, values in found:
            at = [x] * len(values)
            axis.scatter(at, values, s=14, color=CYCLE[i % 6], alpha=0.5)
        axis.scatter(
            [x for x, _ in found],
            [float(np.mean(values)) for _, values in found],
            s=60,
            marker=charts.MARKS[i % 6],
            color=CYCLE[i % 6],
            edgecolor="black",
            linewidth=0.6,
            zorder=4,
            label=name,
        )
    axis.set_xticks(range(len(groups)), list(groups))
    axis.set_xlim(-0.5, len(groups) - 0.5)
    axis.grid(axis="x", visible=False)
