"""What the chapter's runs found: its figures of recorded numbers.

Each takes the records and a scale's settings and gives a `Picture`; while a run is
missing at this scale, or was made with other settings, it gives the sentence that says
so.  Alt texts name what is drawn and never a trained number: stored notebooks compare
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from course.evaluation import Recorded
from course.scene_debias.experiment import (
    CORRELATIONS,
    STRENGTHS,
    TOLD_STRENGTHS,
    at,
    times,
)
from course.scene_debias.result_rows import (
    CARDS,
    LABELS,
    LOSSES,
    MASKS,
    NETWORKS,
    REDRAW,
    SCENE,
    TRANSFER,
    TRAVELLERS,
    USE,
    WINDOW,
    over_correlation,
)
from course.scene_debias.scales import Settings
from course.teaching import charts, figures
from course.teaching.figures import Picture
from course.teaching.recorded_figures import (
    needing,
    report_cards,
    row_dots,
    run_rows,
)

CHAPTER = "scene_debias"


@needing(CHAPTER, ["bias", *(at("baseline", rho) for rho in CORRELATIONS), "baseline"])
def bias_curve(rec: Recorded, settings: Settings) -> Picture:
    """RESOUND's bias of the data, and what the baseline makes of it."""
    fig, (left, right) = figures.figure(1, 2, width=9.2, height=3.3)
    for prefix, words, marker in (
        ("bias", "scene network's features", "o"), ("true", "true scene", "s"),
    ):  # fmt: skip
        means = [
            rec.mean(f"bias:{prefix}_{100 * r:.0f}") for r in settings.correlations
        ]
        left.plot(settings.correlations, means, marker=marker, label=words)
    left.legend(frameon=False)
    charts.label(left, "Of the data", "rho", "RESOUND's B (nats)")
    curves = {
        words: over_correlation(rec, settings, "baseline", metric)
        for metric, words in (
            ("in_distribution", "in distribution"), ("swapped", "scenes swapped"),
            ("background_action", "background's action"),
        )
    }  # fmt: skip
    charts.seed_curves(right, curves, _chance(settings))
    right.legend(frameon=False, fontsize="small")
    charts.label(right, "Of the baseline", "rho", "swapped and usual clips (%)")
    alt = (
        "Two panels against rho: RESOUND's bias of the data; accuracy of the baseline "
        "in distribution and with scenes swapped, and how often it names the "
        "background's action; dashed: chance"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, [at(n, r) for r in CORRELATIONS for n in ("baseline", "adversary")])
def sweep(rec: Recorded, settings: Settings) -> Picture:
    """Baseline and adversary in worlds that are more and more biased."""
    fig, axes = figures.figure(1, 3, width=9.4, height=3.2, sharey=True)
    panes = {**USE, "swapped": "Scenes swapped: right"}
    for axis, (metric, title) in zip(axes, panes.items(), strict=True):
        curves = {
            name: over_correlation(rec, settings, name, metric)
            for name in ("baseline", "adversary")
        }
        charts.seed_curves(axis, curves, _chance(settings))
        charts.label(axis, title.capitalize(), "rho", "per cent")
    axes[0].legend(frameon=False)
    alt = (
        "Three panels against rho, baseline and adversary: accuracy with scenes "
        "swapped, how often the background's action is named, scene leakage"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, [*LOSSES, at("baseline", 0.0)])
def leakage_and_use(rec: Recorded, settings: Settings) -> Picture:
    """What the head says, a fresh probe reads, and the network uses."""
    runs = {**LOSSES, at("baseline", 0.0): "trained at rho = 0"}
    rows = run_rows(rec, runs, SCENE)
    alt = (
        f"Four numbers, {'; '.join(SCENE.values())}, of networks trained with "
        f"{'; '.join(runs.values())}"
    )
    return row_dots(rows, "scenes named, background's action (%)", alt, 4.2,
                    _chance(settings))  # fmt: skip


@needing(CHAPTER, [*WINDOW, "fast"])
def strength_window(rec: Recorded, settings: Settings) -> Picture:
    """How strong may the reversal be?  Plain, conditional, and a fast ramp."""
    fig, axes = figures.figure(1, 3, width=9.4, height=3.2, sharey=True)
    panes = {
        "in_distribution": "In distribution", "swapped": "Scenes swapped",
        "leakage": "Scene leakage",
    }  # fmt: skip
    usual = settings.strength
    for axis, (metric, title) in zip(axes, panes.items(), strict=True):
        plain = {0.0: "baseline", usual: "adversary"}
        plain |= {s: times("adversary", s) for s in STRENGTHS}
        told = {usual: "conditional"}
        told |= {s: times("conditional", s) for s in TOLD_STRENGTHS}
        curves = {
            words: {s: rec.values(f"{runs[s]}:{metric}") for s in sorted(runs)}
            for words, runs in (
                ("plain head", plain), ("told the action", told),
                ("plain, fast ramp", {usual: "fast"}),
            )
        }  # fmt: skip
        charts.seed_curves(axis, curves, _chance(settings))
        charts.label(axis, title, "strength lambda", "per cent")
    axes[0].legend(frameon=False, fontsize="small", loc="lower left")
    alt = (
        "Three panels against the strength: accuracy in distribution, with scenes "
        "swapped, and scene leakage, of a plain head, a head that is told the action, "
        "and a plain head with a fast ramp; dashed: chance"
    )
    return figures.picture_of(fig, alt)


@needing(CHAPTER, LOSSES)
def losses(rec: Recorded, settings: Settings) -> Picture:
    """What each loss is worth, beside the control that sees masked clips without it."""
    return _used(rec, settings, LOSSES, 4.0)


@needing(CHAPTER, MASKS)
def masks(rec: Recorded, settings: Settings) -> Picture:
    """How good must the masks be?"""
    return _used(rec, settings, MASKS, 4.4)


@needing(CHAPTER, LABELS)
def labels(rec: Recorded, settings: Settings) -> Picture:
    """How good must the scene labels be?"""
    return _used(rec, settings, LABELS, 4.8)


@needing(CHAPTER, TRAVELLERS)
def transfer(rec: Recorded, settings: Settings) -> Picture:
    """Other actions in other scenes, with few clips to learn from."""
    rows = run_rows(rec, TRAVELLERS, TRANSFER)
    alt = (
        f"Accuracy on the target, {'; '.join(TRANSFER.values())}, after "
        f"{'; '.join(TRAVELLERS.values())}"
    )
    return row_dots(rows, "accuracy on the target (%)", alt, 4.0, _chance(settings))


@needing(CHAPTER, TRAVELLERS)
def localisation(rec: Recorded, settings: Settings) -> Picture:
    """Snippets named, and segments found, in untrimmed videos of new scenes."""
    metrics = {
        "snippets": "snippets named right", "map_30": "mAP at tIoU 0.3",
        "map_50": "mAP at tIoU 0.5",
    }  # fmt: skip
    rows = run_rows(rec, TRAVELLERS, metrics)
    fig, axis = figures.figure(width=6.8, height=3.4)
    charts.seed_dots(axis, rows)
    axis.set_xlabel("per cent")
    alt = f"{'; '.join(metrics.values())}, after {'; '.join(TRAVELLERS.values())}"
    return figures.picture_of(fig, alt)


@needing(CHAPTER, LOSSES)
def cams(rec: Recorded, settings: Settings) -> Picture:
    """How much of the evidence lies on the actor, and how often a box finds it."""
    metrics = {
        "cam_energy": "evidence on the actor",
        "actor_area": "area of the actor",
        "cam_boxes": "boxes of the evidence that fit",
        "centre_boxes": "one box in the middle",
    }
    rows = run_rows(rec, LOSSES, metrics)
    fig, axis = figures.figure(width=6.8, height=4.2)
    charts.seed_dots(axis, rows)
    axis.set_xlabel("per cent, scenes swapped")
    alt = f"{'; '.join(metrics.values())}, of {'; '.join(LOSSES.values())}"
    return figures.picture_of(fig, alt)


@needing(CHAPTER, [at(n, 1.0) for n in ("baseline", "adversary", "masks", "redraw")])
def rho_one(rec: Recorded, settings: Settings) -> Picture:
    """Where every action is in its own scene, always."""
    runs = {
        at(name, 1.0): words
        for name, words in (
            ("baseline", "cross-entropy alone"), ("adversary", "adversary"),
            ("masks", "mask confusion"), ("redraw", "background re-drawn"),
        )
    }  # fmt: skip
    return _used(rec, settings, runs, 3.4)


@needing(CHAPTER, [*NETWORKS, *NETWORKS.values()])
def another_network(rec: Recorded, settings: Settings) -> Picture:
    """The same methods on a network that splits its filters into space and time."""
    ours = {name: f"3-D ResNet, {LOSSES[name]}" for name in NETWORKS.values()}
    theirs = {run: f"R(2+1)D, {LOSSES[name]}" for run, name in NETWORKS.items()}
    return _used(rec, settings, ours | theirs, 4.8)


@needing(CHAPTER, REDRAW)
def redrawn(rec: Recorded, settings: Settings) -> Picture:
    """What pasting actors onto other backgrounds buys."""
    return _used(rec, settings, REDRAW, 3.0)


@needing(CHAPTER, CARDS)
def cards(rec: Recorded, settings: Settings) -> Picture:
    """The report cards without and with debiasing."""
    alt = f"Report cards as dots, row by row: {', '.join(CARDS.values())}"
    return report_cards(rec, CARDS, alt, 4.6)


def _used(
    rec: Recorded, settings: Settings, runs: Mapping[str, str], height: float
) -> Picture:
    """Rows of runs: right and fooled with scenes swapped, and what a probe reads."""
    alt = f"{'; '.join(USE.values())}, of {'; '.join(runs.values())}"
    rows = run_rows(rec, runs, USE)
    words = "swapped clips, scenes (%)"
    return row_dots(rows, words, alt, height, _chance(settings))


def _chance(settings: Settings) -> float:
    return 1 / len(settings.knobs.action_names)
