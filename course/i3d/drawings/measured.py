"""What was measured, as curves and bars: errors of frames, accuracies of transfer.

Alt texts name what is drawn and never a trained number: stored notebooks compare them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.teaching import charts, figures
from course.teaching.figures import COLOURS, CYCLE, Picture

SMALLEST = 1e-8  # where an error of exactly zero stands on a logarithmic axis


def boring_video_errors(errors_by_padding: Mapping[str, Sequence[float]]) -> Picture:
    """How far each frame's logits are from the image net's, on a repeated image.

    Args:
        errors_by_padding: largest logit error of every frame, by kind of padding.

    Returns:
        one line a padding, on a logarithmic axis.

    Raises:
        ValueError: there is no line.
    """
    _needs("errors_by_padding", errors_by_padding)
    fig, axis = figures.figure(width=6.8, height=3.2)
    for i, (name, errors) in enumerate(errors_by_padding.items()):
        shown = np.maximum(np.asarray(errors, float), SMALLEST)
        axis.plot(shown, marker=charts.MARKS[i % 6], color=CYCLE[i % 6], label=name)
    axis.set_yscale("log")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if any(0 in errors for errors in errors_by_padding.values()):
        axis.annotate("no error at all", (0, 1.5 * SMALLEST), size=8, va="bottom")
    # The zeros' errors are large at both ends of the clip, and small between them.
    axis.legend(loc="upper center", fontsize=8, handlelength=1.5)
    charts.label(axis, "One image, repeated", "frame", "largest logit error")
    names = ", ".join(errors_by_padding)
    alt = f"Error of each frame's logits on a repeated image, by padding: {names}"
    return figures.picture_of(fig, alt)


def transfer_bars(
    records: Mapping[str, Mapping[str, Sequence[float]]], chance: float | None = None
) -> Picture:
    """Original, Fixed and Full-FT side by side; one line joins the values of a seed.

    Args:
        records: name of a network -> {protocol: accuracies in [0, 1], one a seed}, all
            with the same protocols and seeds in the same order.
        chance: accuracy of guessing.

    Raises:
        ValueError: there is nothing to draw, or the protocols or seeds differ.
    """
    _needs("records", records)
    protocols = list(next(iter(records.values())))
    fig, axes = figures.figure(
        1, len(records), 0.8 + 2.1 * len(records), 3.5, sharey=True, squeeze=False
    )
    for axis, (name, row) in zip(axes[0], records.items(), strict=True):
        if list(row) != protocols or len({len(v) for v in row.values()}) != 1:
            raise ValueError(
                f"{name}: needs equally many seeds for each of {protocols}"
            )
        table = 100 * np.array(list(row.values()), float)
        places = range(len(protocols))
        axis.bar(places, table.mean(1), color=CYCLE[: len(protocols)], width=0.62,
                 alpha=0.75)  # fmt: skip
        axis.plot(places, table, "-o", color=COLOURS["black"], linewidth=0.8,
                  markersize=4, alpha=0.7)  # fmt: skip
        axis.set_xticks(places, protocols)
        axis.grid(axis="x", visible=False)
        _mark_chance(axis, chance)
        charts.label(axis, name, "", "accuracy (%)" if axis is axes[0, 0] else "")
    axes[0, 0].set_ylim(0, 103)
    alt = (
        f"Accuracy by transfer protocol ({', '.join(protocols)}): {', '.join(records)}"
    )
    return figures.picture_of(fig, alt)


def _mark_chance(axis, chance: float | None) -> None:
    if chance is not None:
        axis.axhline(100 * chance, color="black", linestyle="--", linewidth=1)
        axis.annotate(
            "chance", (0, 100 * chance), xycoords=("axes fraction", "data"), size=8,
            xytext=(3, 2), textcoords="offset points",
        )  # fmt: skip


def _needs(name: str, values: Mapping) -> None:
    if not values:
        raise ValueError(f"{name} is empty: nothing to draw")
