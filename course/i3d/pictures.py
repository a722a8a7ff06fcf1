"""The pictures of the I3D chapter that are not panels.

Alt texts name what is drawn and never a trained number: stored notebooks compare them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.i3d.drawings import five_architectures as five_architectures
from course.i3d.drawings import paper_in_one_figure as paper_in_one_figure
from course.i3d.receptive_field import PAPER_FIELDS, i3d_layers, receptive_field
from course.teaching import charts, figures
from course.teaching.figures import COLOURS, CYCLE, GREY, Picture

MARKS = "oDs^vP"
SMALLEST = 1e-8  # where an error of exactly zero stands on a logarithmic axis
Records = Mapping[str, Mapping[float, Sequence[float]]]


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
        axis.plot(shown, marker=MARKS[i % 6], color=CYCLE[i % 6], label=name)
    axis.set_yscale("log")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if any(0 in errors for errors in errors_by_padding.values()):
        axis.annotate("no error at all", (0, 1.5 * SMALLEST), size=8, va="bottom")
    axis.legend(loc="center right", bbox_to_anchor=(1.0, 0.6))
    charts.label(axis, "One image, repeated", "frame", "largest logit error")
    names = ", ".join(errors_by_padding)
    alt = f"Error of each frame's logits on a repeated image, by padding: {names}"
    return figures.picture_of(fig, alt)


def receptive_growth() -> Picture:
    """Receptive fields of I3D's layers, and those that the paper prints."""
    fig, axis = figures.figure(width=6.8, height=3.8)
    for count, colour, dash in ((4, GREY, "--"), (5, COLOURS["blue"], "-")):
        rows = receptive_field(i3d_layers(count))
        x, t = [r.size[1] for r in rows], [r.size[0] for r in rows]
        words = "as released" if count == 5 else "one less"
        label = f"{count} modules in stage 4, {words}"
        axis.plot(x, t, dash, marker="o", markersize=4, color=colour, label=label)
    x, t = [p for _, p in PAPER_FIELDS.values()], [f for f, _ in PAPER_FIELDS.values()]
    axis.plot(
        x, t, "x", color=COLOURS["red"], markersize=10, markeredgewidth=2.5,
        label="printed in the paper", zorder=5,
    )  # fmt: skip
    for row in receptive_field(i3d_layers()):
        if row.name in PAPER_FIELDS:
            name = row.name.split("_")[1]
            # The first two are too near to each other for names above them.
            right = {"2a": (10, -10), "3a": (13, -2)}.get(name)
            axis.annotate(
                "end" if name == "6a" else f"pool {name}", (row.size[1], row.size[0]),
                xytext=right or (-2, 9), textcoords="offset points",
                ha="left" if right else "right", size=9, color=COLOURS["blue"],
            )  # fmt: skip
    axis.axhline(64, color=GREY, linewidth=1, linestyle=":")
    axis.annotate("64 frames: a training clip", (600, 65), ha="right", va="bottom",
                  size=9, color=GREY)  # fmt: skip
    axis.set(xlim=(-25, 610), ylim=(0, 122))
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.04))
    charts.label(axis, "What a unit sees, layer by layer", "px", "frames")
    alt = (
        "Receptive fields, frames over px: the paper's first three crosses lie on the "
        "line of the released net, its last two on that of a net with one module less"
    )
    return figures.picture_of(fig, alt)


def accuracy_against_clips(records: Records, chance: float | None = None) -> Picture:
    """Test accuracy over the number of training clips, per start of the weights.

    Args:
        records: name -> {number of clips: accuracies in [0, 1], one a seed}.
        chance: accuracy of guessing.

    Returns:
        the mean as a line, one standard deviation as a band, seeds as dots; the number
        of clips doubles along the axis.

    Raises:
        ValueError: there is no curve, or one has no values.
    """
    fig, axis = figures.figure(width=6.8, height=3.8)
    _curves(axis, records, chance)
    counts = sorted({n for curve in records.values() for n in curve})
    axis.set_xscale("log", base=2)
    axis.set_xticks(counts, [f"{n:g}" for n in counts])
    axis.minorticks_off()
    charts.label(axis, "What the start is worth", "training clips", "accuracy (%)")
    names = ", ".join(records)
    alt = f"Accuracy against the number of training clips, by start: {names}"
    return figures.picture_of(fig, alt)


def speed_curves(
    records: Records, chance: float | None = None, unit: str = "px a frame"
) -> Picture:
    """Accuracy over the speed of what moves, one line a network.

    Args:
        records: name -> {speed: accuracies in [0, 1], one a seed}.
        chance: accuracy of guessing.
        unit: of the speed.

    Raises:
        ValueError: there is no curve, or one has no values.
    """
    fig, axis = figures.figure(width=6.8, height=3.6)
    _curves(axis, records, chance)
    charts.label(axis, "Left or right?", f"speed ({unit})", "accuracy (%)")
    alt = f"Accuracy in telling directions against speed: {', '.join(records)}"
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
        1, len(records), 1.2 + 2.7 * len(records), 3.5, sharey=True, squeeze=False
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


def pair_accuracy(
    records: Mapping[str, Mapping[str, Sequence[float]]], chance: float = 0.5
) -> Picture:
    """How well each network tells apart the two actions of a pair.

    Args:
        records: name of a network -> {name of a pair: accuracies in [0, 1], one a
            seed}.
        chance: accuracy of guessing between two.

    Returns:
        one row a network: a large mark for a pair's mean, small ones for its seeds.

    Raises:
        ValueError: there is nothing to draw.
    """
    _needs("records", records)
    pairs = list(dict.fromkeys(pair for row in records.values() for pair in row))
    fig, axis = figures.figure(width=6.8, height=1.4 + 0.55 * len(records))
    for i, pair in enumerate(pairs):
        shift = 0.5 * ((i + 0.5) / len(pairs) - 0.5)
        style = {"color": CYCLE[i % 6], "marker": MARKS[i % 6]}
        rows = [(y, row[pair]) for y, row in enumerate(records.values()) if pair in row]
        for y, values in rows:
            seeds = 100 * np.asarray(values, float)
            axis.scatter(seeds, [y + shift] * len(seeds), s=14, alpha=0.5, **style)
        means = [100 * float(np.mean(values)) for _, values in rows]
        axis.scatter(means, [y + shift for y, _ in rows], s=75, edgecolor="black",
                     linewidth=0.6, zorder=4, label=pair, **style)  # fmt: skip
    axis.set_yticks(range(len(records)), list(records))
    axis.set(ylim=(len(records) - 0.5, -0.5), xlim=(-3, 103))
    axis.grid(axis="y", visible=False)
    axis.axvline(100 * chance, color="black", linestyle="--", linewidth=1)
    axis.set_xlabel("accuracy within the pair (%); dashed: guessing")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(3, len(pairs)))
    alt = f"Accuracy within pairs of actions ({', '.join(pairs)}): {', '.join(records)}"
    return figures.picture_of(fig, alt)


def _curves(axis, records: Records, chance: float | None) -> None:
    """Means as lines, standard deviations as bands, seeds as dots, in per cent."""
    _needs("records", records)
    for i, (name, curve) in enumerate(records.items()):
        _needs(name, curve)
        colour, x = CYCLE[i % 6], sorted(curve)
        values = [100 * np.asarray(curve[n], float) for n in x]
        if any(v.size == 0 for v in values):
            raise ValueError(f"{name}: a point without values")
        mean = np.array([v.mean() for v in values])
        spread = np.array([v.std(ddof=1) if v.size > 1 else 0.0 for v in values])
        axis.plot(
            x, mean, ["-", "--", "-.", ":"][i % 4], marker=MARKS[i % 6], color=colour,
            label=name,
        )  # fmt: skip
        axis.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.18,
                          linewidth=0)  # fmt: skip
        for n, v in zip(x, values, strict=True):
            axis.scatter([n] * v.size, v, s=9, color=colour, alpha=0.6)
    axis.set_ylim(0, 103)
    _mark_chance(axis, chance)
    axis.legend(loc="best")


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
