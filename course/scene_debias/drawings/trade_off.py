"""Recorded runs as dots: one number of them against another, a dot for every seed.

Alt texts name what is drawn and never a recorded number: stored notebooks compare them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from course.evaluation import Recorded
from course.teaching import charts, figures
from course.teaching.figures import CYCLE, Picture
from course.teaching.recorded_figures import not_recorded


class Metric(NamedTuple):
    """A number of `examine`: its name on an axis, which end is better, what is guessed.

    `guess` is "actions" or "scenes" for one in so many, or None.
    """

    words: str
    higher: bool
    guess: str | None = None


METRICS = {
    "swapped": Metric("accuracy, scenes swapped", True, "actions"),
    "in_distribution": Metric("accuracy, in distribution", True, "actions"),
    "uncorrelated": Metric("accuracy, scenes uncorrelated", True, "actions"),
    "leakage": Metric("scene leakage (fresh probe)", False, "scenes"),
    "background_action": Metric("named as the background's action", False, "actions"),
    "background_only": Metric("accuracy, actor erased", False, "actions"),
    "background_entropy": Metric("entropy, actor erased (of ln K)", True),
    "static": Metric("accuracy, one frame repeated", False, "actions"),
    "cam_energy": Metric("evidence on the actor", True),
    "cam_boxes": Metric("boxes of the evidence that fit", True),
}
Values = dict[str, tuple[list[float], list[float]]]


def pairs_of(rec: Recorded, runs: Mapping[str, str], x: str, y: str) -> Values:
    """Two numbers of each run, seed by seed; empty lists where one is missing.

    Args:
        rec: the records.
        runs: run -> its label.
        x, y: names of `METRICS`.

    Raises:
        ValueError: for a number that is none of them.

    >>> pairs_of(Recorded({}, {}), {"baseline": "no loss"}, "leakage", "swapped")
    {'no loss': ([], [])}
    """
    for metric in (x, y):
        if metric not in METRICS:
            raise ValueError(f"numbers are {', '.join(METRICS)}; got {metric!r}")
    return {
        label: rec.paired(f"{run}:{x}", f"{run}:{y}") for run, label in runs.items()
    }


def unbeaten(values: Values, x: str, y: str) -> list[str]:
    """The runs that no other is better than in both means.

    Args:
        values: from `pairs_of`.
        x, y: the numbers.

    >>> values = {"a": ([0.9], [0.5]), "b": ([0.8], [0.9]), "c": ([0.95], [0.4])}
    >>> unbeaten(values, "leakage", "swapped")
    ['b']
    """
    signs = [1 if METRICS[m].higher else -1 for m in (x, y)]
    means = {
        label: [sign * float(np.mean(v)) for sign, v in zip(signs, pair, strict=True)]
        for label, pair in values.items()
        if pair[0]
    }
    return [
        label
        for label, mine in means.items()
        if not any(o[0] > mine[0] and o[1] > mine[1] for o in means.values())
    ]


def trade_off_picture(
    values: Values, x: str, y: str, settings: Any, alt: str
) -> Picture:
    """A large mark for a run's mean, small ones for its seeds; runs keep their marks.

    Args:
        values: from `pairs_of`.
        x, y: the numbers.
        settings: a scale's; `knobs` has the names of its actions and scenes.
        alt: what the picture shows.
    """
    fig, axis = figures.figure(width=7.6, height=3.7, quick=True)
    fig.subplots_adjust(right=0.64)
    beside = {"transform": axis.transAxes, "clip_on": False}
    for i, (label, (across, up)) in enumerate(values.items()):
        small = {"marker": charts.MARKS[i % 6], "color": CYCLE[i % 6], "linestyle": ""}
        # Six colours and marks: from the seventh run on marks are hollow.
        large = small | {"markersize": 10, "markeredgecolor": "black"}
        large["markerfacecolor"] = CYCLE[i % 6] if i < 6 else "white"
        axis.plot(_cent(across), _cent(up), markersize=4, alpha=0.5, **small)
        axis.plot(_cent(across, True), _cent(up, True), **large)
        row = 0.95 - i / max(10, len(values))
        axis.plot([1.05], [row], **large, **beside)
        words = label if across else f"{label} (missing)"
        axis.text(1.09, row, words, va="center", size=9, transform=axis.transAxes)
    for name, line in ((x, axis.axvline), (y, axis.axhline)):
        if (guess := chance(name, settings)) is not None:
            line(100 * guess, color="black", linestyle="--", linewidth=1)
    if not any(across for across, _ in values.values()):
        axis.text(0.5, 0.5, "not yet recorded", ha="center", transform=axis.transAxes)
        axis.set(xlim=(0, 100), ylim=(0, 100))
    axis.margins(0.12)
    axis.locator_params(nbins=5)
    title = "Large: mean; dashed: chance; ↑ higher, ↓ lower is better"
    charts.label(axis, title, _axis_name(x), _axis_name(y))
    return figures.picture_of(fig, alt)


def chance(metric: str, settings: Any) -> float | None:
    """What guessing gives, as a share; None where that says nothing."""
    guess = METRICS[metric].guess
    if guess is None:
        return None
    knobs = settings.knobs
    names = knobs.action_names if guess == "actions" else knobs.scene_names
    return 1 / len(names)


def trade_off_sentence(
    values: Values, x: str, y: str, chapter: str, settings: Any
) -> str:
    """Means with their spread, what is missing, and who is unbeaten, as HTML.

    Args:
        values: from `pairs_of`.
        x, y: the numbers.
        chapter: that the runs belong to.
        settings: a scale's.
    """
    found = {label: pair for label, pair in values.items() if pair[0]}
    missing = [label for label in values if label not in found]
    lines = [
        f"{label}: {_spread(across)} and {_spread(up)} ({_seeds(len(up))})"
        for label, (across, up) in found.items()
    ]
    said = f"<p>{METRICS[x].words} and {METRICS[y].words}, mean ± standard deviation: "
    said = said + "; ".join(lines) + ".</p>" if lines else ""
    if len(found) > 1:
        best = ", ".join(f"<b>{label}</b>" for label in unbeaten(values, x, y))
        said += f"<p>No other run is better in both means than: {best}.</p>"
    if missing:
        said += f"<p>Missing: {', '.join(missing)}.</p>"
        said += not_recorded(chapter, settings).html()
    return said


def _cent(values: list[float], mean: bool = False) -> list[float]:
    """Per cent of all values, or of their mean alone; empty stays empty."""
    return [100 * v for v in ([float(np.mean(values))] if mean and values else values)]


def _axis_name(metric: str) -> str:
    arrow = "↑" if METRICS[metric].higher else "↓"
    return f"{METRICS[metric].words} (%) {arrow}"


def _spread(values: list[float]) -> str:
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    mean = f"{100 * np.mean(values):.0f}"
    return f"{mean} ± {100 * spread:.0f} %" if len(values) > 1 else f"{mean} %"


def _seeds(number: int) -> str:
    return f"{number} seed" + ("s" if number != 1 else "")
