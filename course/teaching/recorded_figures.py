"""What figures of recorded numbers share, whichever chapter draws them.

Such a figure takes the records and a scale's settings and gives a `Picture`, or the
sentence that its runs are not recorded.  Stored notebooks compare alt texts, so these
name what is drawn and never a recorded number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any

from course.evaluation import Recorded, ReportCard
from course.evaluation.order import families
from course.teaching import charts, figures
from course.teaching.figures import NotRecorded, Picture

Figure = Callable[[Recorded, Any], Picture | NotRecorded]


def not_recorded(chapter: str, settings: Any) -> NotRecorded:
    """What stands in place of a chapter's figure at the scale of these settings."""
    from course.scale import current_scale

    # Only a chapter that was opened has its scale written on its settings.
    return NotRecorded(chapter, getattr(settings, "scale", current_scale()))


def needing(
    chapter: str, runs: Iterable[str]
) -> Callable[[Callable[..., Picture | NotRecorded]], Figure]:
    """Draw only if these runs are recorded at this scale, else say they are not.

    Args:
        chapter: whose runs they are.
        runs: names of runs ("run") or of numbers ("run:metric").

    >>> class GPU:
    ...     scale = "gpu"
    >>> @needing("i3d", ["scratch"])
    ... def growth(rec, settings): ...
    >>> growth(Recorded({}, {}), GPU)
    not yet recorded at this scale: run `python -m course claims i3d --scale gpu`
    """
    needed = tuple(runs)

    def decorate(draw: Callable[..., Picture | NotRecorded]) -> Figure:
        @wraps(draw)
        def figure(rec: Recorded, settings: Any) -> Picture | NotRecorded:
            if rec.has(*needed):
                return draw(rec, settings)
            return not_recorded(chapter, settings)

        return figure

    return decorate


def run_rows(
    rec: Recorded, runs: Mapping[str, str], metrics: Mapping[str, str]
) -> dict[str, dict[str, list[float]]]:
    """The values of some metrics of some runs, under the names that a reader sees.

    Args:
        rec: the records.
        runs: run -> its name.
        metrics: metric -> its name.

    Returns:
        name of a run -> {name of a metric: its values, none where the run lacks it}.

    >>> run_rows(Recorded({}, {}), {"tsn": "TSN"}, {"order": "direction"})
    {'TSN': {'direction': []}}
    """
    return {
        name: {part: rec.values(f"{run}:{key}") for key, part in metrics.items()}
        for run, name in runs.items()
    }


def answer_panes(action_names: tuple[str, ...]) -> dict[str, tuple[str, float]]:
    """Title and chance of an accuracy and of its two halves.

    Args:
        action_names: of the world.

    Returns:
        metric -> (title, accuracy of guessing); see
        `course.evaluation.order.order_scores`.

    >>> answer_panes(("sit_down", "stand_up"))["family"]
    ('What happens', 1.0)
    """
    return {
        "accuracy": ("Which action", 1 / len(action_names)),
        "family": ("What happens", 1 / (int(families(action_names).max()) + 1)),
        "order": ("In which direction", 0.5),
    }


def row_dots(
    rows: Mapping[str, Mapping[str, Sequence[float]]],
    words: str,
    alt: str,
    height: float,
    chance: float,
    variants: Mapping[str, str] | None = None,
) -> Picture:
    """One row a run, one mark a metric that the run has.

    Args:
        rows: see `course.teaching.charts.seed_dots`, as are `chance` and `variants`.
        words: what is measured, with its unit.
        alt: what is drawn.
        height: inches.

    >>> row_dots({"TSN": {"seeds": [0.5]}}, "accuracy (%)", "dots", 2.0, 0.125).width
    680
    """
    fig, axis = figures.figure(width=6.8, height=height)
    charts.seed_dots(axis, rows, variants, chance)
    axis.set_xlabel(f"{words}; dashed: chance")
    # A notebook shows many of these, and never while somebody moves a slider.
    return figures.picture_of(fig, alt, limit=figures.LARGEST_PICTURE // 2)


def report_cards(
    rec: Recorded, cards: Mapping[str, str], alt: str, height: float = 4.0
) -> Picture:
    """Report cards beside each other, a row for every number that one of them has.

    Args:
        rec: the records.
        cards: run -> name; its metrics are those of `ReportCard.as_metrics`.
        alt: what is drawn.
        height: inches.

    Raises:
        ValueError: if no card has a number.
    """
    rows = {}
    for row in fields(ReportCard):
        values = {
            words: rec.values(f"{run}:{row.name}") for run, words in cards.items()
        }
        if any(values.values()):
            arrow = {"higher": " ↑", "lower": " ↓"}.get(row.metadata["better"], "")
            rows[row.metadata["label"].strip("( )") + arrow] = values
    fig, axis = figures.figure(width=6.8, height=height)
    charts.seed_dots(axis, rows)
    axis.set_xlabel("per cent (↑ higher is better, ↓ lower is better)")
    return figures.picture_of(fig, alt)
