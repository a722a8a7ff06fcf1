"""What the chapter's runs found: its figures of recorded numbers.

Each takes the records and a scale's settings and gives a `Picture`; while a run is
missing at this scale, or was made with other settings, it gives the sentence that says
so.  Alt texts name what is drawn and never a trained number: stored notebooks compare
them.
"""

from __future__ import annotations

from course.evaluation import Recorded
from course.motion_squeeze.drawings.measured import FIELDS, field_scores, seed_pairs
from course.motion_squeeze.networks import PLACES
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.side_by_side import COLUMNS, LINE_RUNS, LINES, table_rows
from course.teaching import charts, figures
from course.teaching.figures import CYCLE, Picture
from course.teaching.recorded_figures import (
    answer_panes,
    needing,
    report_cards,
    row_dots,
    run_rows,
)
from course.teaching.text_table import text_table

CHAPTER = "motion_squeeze"
NETWORKS = {
    "tsn": "TSN",
    "tsm": "TSM",
    "tsn_motion": "TSN + module",
    "msnet": "MSNet (TSM + module)",
}
ANSWERS = {
    "named_reversal": "named as the reversed action",
    "named_forwards": "still named forwards",
}
# Without and with the module.
BACKBONES = {
    "TSN": ("tsn", "tsn_motion"),
    "TSM": ("tsm", "msnet"),
    "R(2+1)D": ("r2plus1d", "r2plus1d_motion"),
}
PARTS = {
    "shuffled": "both, frames in random order",
    "confidence_only": "confidence only",
    "displacement_only": "displacement only",
    "soft_argmax": "both, by plain soft-argmax",
    "msnet": "both: MSNet",
    "true_flow": "true flow instead",
}
POSITIONS = ("position_2", "position_3")
WINDOWS: dict[float, str] = {
    1: "window_1",
    3: "window_3",
    7: "window_7",
}  # by reach in cells
# By the name of the setting that says how many clips.
CLIPS = {
    "TSM": {"clips": "tsm", "more_clips": "tsm_more"},
    "MSNet": {"clips": "msnet", "more_clips": "msnet_more"},
    "TSM, trained as long as on more clips": {"clips": "tsm_long"},
}
FIELD_PARTS = {"actor": "actor", "moving": "moving cells", "background": "background"}
CARDS = {"card_tsn": "TSN", "card_tsm": "TSM", "card_msnet": "MSNet"}


@needing(CHAPTER, NETWORKS)
def recognition(rec: Recorded, settings: Settings) -> Picture:
    """Which action, what happens, in which direction: TSN, TSM, MSNet."""
    panes = answer_panes(settings.knobs.action_names)
    fig, axes = figures.figure(1, 3, width=9.2, height=2.9, sharey=True)
    for axis, (metric, (title, chance)) in zip(axes, panes.items(), strict=True):
        charts.seed_dots(axis, run_rows(rec, NETWORKS, {metric: title}), chance=chance)
        axis.get_legend().remove()
        charts.label(axis, title, "right answers (%)")
    alt = (
        "Three panels, which action; what happens, reversal pairs counted as one "
        "answer; in which direction of time, within reversal pairs; dashed: chance. "
        f"Rows: {'; '.join(NETWORKS.values())}"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, NETWORKS)
def played_backwards(rec: Recorded, settings: Settings) -> Picture:
    """What the networks say of clips played backwards."""
    alt = (
        f"Clips played backwards, share {' and '.join(ANSWERS.values())}: "
        f"{'; '.join(NETWORKS.values())}"
    )
    rows, words = run_rows(rec, NETWORKS, ANSWERS), "clips played backwards (%)"
    return row_dots(rows, words, alt, 3.2, _chance(settings))


@needing(CHAPTER, [run for pair in BACKBONES.values() for run in pair])
def backbones(rec: Recorded, settings: Settings) -> Picture:
    """Each network with the module against the same without, seed by seed."""
    pairs = {
        name: rec.paired(f"{plain}:accuracy", f"{motion}:accuracy")
        for name, (plain, motion) in BACKBONES.items()
    }
    return seed_pairs(pairs, ("without the module", "with it"), _chance(settings))


@needing(CHAPTER, LINE_RUNS)
def side_by_side(rec: Recorded, settings: Settings) -> Picture:
    """Accuracy and cost of the networks, and of a second stream on flow."""
    heads = ", ".join(" ".join(name.split()) for name in COLUMNS if name)
    alt = f"Table of {'; '.join(line.name for line in LINES)}: {heads}"
    note = (
        "Accuracy: mean and standard deviation over seeds.  Times: of the machine that "
        "recorded, one processor thread;\n"
        "the least of several rounds in which all take turns, and of this the median "
        "over seeds.\n"
        "Two streams: two TSNs whose scores are added; their times add up.  True flow "
        "comes with the world and costs nothing.\n"
        "With TV-L1, a clip's flow counts in the clips a second; the last column is "
        "the flow of all clips, training and test."
    )
    return text_table(COLUMNS, table_rows(rec, settings), alt, note)


@needing(CHAPTER, [*PARTS, "tsm"])
def parts(rec: Recorded, settings: Settings) -> Picture:
    """What the module's channels and its estimator are worth."""
    fig, axis = figures.figure(width=6.8, height=3.4)
    rows = run_rows(rec, PARTS, {"accuracy": "accuracy"})
    charts.seed_dots(axis, rows, chance=_chance(settings))
    _reference(rec, axis.axvline, axis)
    axis.set_xlabel("accuracy (%); dashed: chance")
    alt = (
        "Accuracy by what the module hands on, beside TSM without the module: "
        f"{'; '.join(PARTS.values())}"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, ["tsm", "msnet", *POSITIONS, *WINDOWS.values()])
def place_and_window(rec: Recorded, settings: Settings) -> Picture:
    """After which stage the module stands, and how many cells its window reaches."""
    fig, (left, right) = figures.figure(1, 2, width=9.2, height=3.7, sharey=True)
    stages = _stages(settings)
    values = [rec.values(f"{run}:accuracy") for run in stages.values()]
    by_stage: dict[float, list[float]] = dict(enumerate(values))
    charts.seed_curves(left, {"module": by_stage}, _chance(settings))
    left.set_xticks(range(len(stages)), list(stages))
    left.set_xlim(-0.4, len(stages) - 0.6)
    _reference(rec, left.axhline, left)
    charts.label(left, "After which stage?", "stage and cells", "accuracy (%)")
    by_reach = {n: rec.values(f"{run}:accuracy") for n, run in WINDOWS.items()}
    charts.seed_curves(right, {"module": by_reach}, _chance(settings))
    right.set_xticks(list(WINDOWS))
    n = settings.window_size // settings.cell_px
    charts.label(right, "How far does it look?", f"reach on {n} × {n} cells (cells)")
    alt = (
        "Two panels of accuracy: by the stage that the module follows, beside TSM "
        "without it; and by the reach of its window on a larger map; dashed: chance"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, [run for runs in CLIPS.values() for run in runs.values()])
def more_clips(rec: Recorded, settings: Settings) -> Picture:
    """Does TSM catch up when there are more clips to learn from?"""
    sizes = settings.clips, settings.more_clips
    curves = {
        name: {getattr(settings, n): rec.values(f"{runs[n]}:accuracy") for n in runs}
        for name, runs in CLIPS.items()
    }
    fig, axis = figures.figure(width=6.0, height=3.6)
    charts.seed_curves(axis, curves, _chance(settings))
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axis.minorticks_off()
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axis.set(xlabel=f"training clips ({_steps(settings)})", ylabel="accuracy (%)")
    alt = f"Accuracy on few and on more training clips: {'; '.join(curves)}"
    return figures.picture_of(fig, alt)


@needing(CHAPTER, ["msnet"])
def field(rec: Recorded, settings: Settings) -> Picture:
    """The displacement inside MSNet as optical flow, before and after training."""
    errors = {
        words: {
            FIELDS["field"]: rec.values(f"msnet:field_error_{part}"),
            FIELDS["untrained"]: rec.values(f"msnet:untrained_error_{part}"),
            FIELDS["still"]: rec.values(f"msnet:field_still_{part}"),
        }
        for part, words in FIELD_PARTS.items()
    }
    cosine, auc = (
        {
            FIELDS[form]: rec.values(f"msnet:{form}_{metric}")
            for form in ("field", "untrained")
        }
        for metric in ("cosine_moving", "auc")
    )
    return field_scores(errors, {"moving cells": cosine}, {"all cells": auc})


@needing(CHAPTER, CARDS)
def cards(rec: Recorded, settings: Settings) -> Picture:
    """The report cards of the three networks."""
    alt = f"Report cards as dots, row by row: {', '.join(CARDS.values())}"
    return report_cards(rec, CARDS, alt, 4.6)


def _stages(settings: Settings) -> dict[str, str]:
    """Name of a stage with its cells -> run, from the first stage on."""
    usual = PLACES[settings.backbone]
    runs = {usual: "msnet", **dict(zip(settings.positions, POSITIONS, strict=False))}
    found = {}
    for stage in sorted(runs):
        px = settings.cell_px * 2.0 ** (int(stage[-1]) - int(usual[-1]))
        height, width = (int(-(-n // px)) for n in settings.knobs.frame_size)
        found[f"{stage}\n{height} × {width}"] = runs[stage]
    return found


def _steps(settings: Settings) -> str:
    """How many times as many steps the runs with more clips take."""
    # A longer training on the usual clips is set to take as many.
    times = round(settings.long_epochs / (settings.recipe.epochs or 1))
    words = {1: "as many", 2: "twice the"}.get(times, f"{times} times the")
    return f"more of them: {words} steps"


def _reference(rec: Recorded, line, axis) -> None:
    """TSM's mean accuracy as a line, named in the legend."""
    mean = 100 * rec.mean("tsm:accuracy")
    drawn = line(mean, color=CYCLE[1], linestyle="-.", linewidth=1.5)
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
    axis.legend([drawn], ["TSM, mean"], **place)


def _chance(settings: Settings) -> float:
    return 1 / len(settings.knobs.action_names)
