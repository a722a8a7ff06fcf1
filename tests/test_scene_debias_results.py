"""The scene-debiasing chapter's recorded figures."""

from __future__ import annotations

import re
from functools import partial

import pytest
from made_records import made_records
from scene_debias_runs import METRICS

from course.scene_debias import results
from course.scene_debias.experiment import (
    CORRELATIONS,
    RUNS,
    STRENGTHS,
    TOLD_STRENGTHS,
)
from course.scene_debias.scales import SETTINGS
from course.teaching import NotRecorded, Picture, charts, show

LARGEST = 60_000  # bytes
FIGURES = {  # and runs that each needs
    "bias_curve": ("bias", "baseline_98", "baseline"),
    "sweep": ("adversary_90", "baseline_0"),
    "leakage_and_use": ("seen_only", "baseline_0"),
    "strength_window": ("adversary_x1.5", "conditional_x2", "fast"),
    "losses": ("masks", "seen_only", "adversary_seen"),
    "masks": ("box", "released"),
    "labels": ("soft_uniform", "hard_merged", "soft_labeller"),
    "transfer": ("adversary",),
    "localisation": ("both",),
    "cams": ("masks",),
    "rho_one": ("redraw_100", "masks_100"),
    "another_network": ("r2plus1d_masks", "r2plus1d_seen_only", "masks"),
    "redrawn": ("redraw", "both"),
    "cards": ("card_adversary", "card_masks", "card_untrained"),
}
NEEDED = [(name, run) for name, runs in FIGURES.items() for run in runs]
# What figures say of their world and measure; no number of these was trained.
FIXED = re.compile(r"rho = 0|tIoU 0\.[35]|3-D ResNet|R\(2\+1\)D")


made = partial(made_records, METRICS)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_and_name_no_number(name):
    """Stored notebooks compare alt texts: other values, the same words."""
    figure, settings = getattr(results, name), SETTINGS["cpu"]
    one, two = figure(made(), settings), figure(made(draw=1, seeds=1), settings)
    assert isinstance(one, Picture) and len(one.png) <= LARGEST
    assert 500 <= one.width <= 960 and len(one.alt) > 40
    assert one.alt == two.alt and one.png != two.png
    assert not re.search(r"\d", FIXED.sub("", one.alt)), one.alt


@pytest.mark.parametrize(("name", "run"), NEEDED)
@pytest.mark.parametrize("fault", ["without", "stale"])
def test_a_missing_or_stale_run_is_said_not_drawn(name, run, fault, capsys):
    found = getattr(results, name)(made(**{fault: run}), SETTINGS["gpu"])
    assert isinstance(found, NotRecorded)
    assert repr(found).startswith("not yet recorded at this scale: run `python -m")
    show(found)
    assert "course claims scene_debias --scale" in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["gpu", "full"])
@pytest.mark.parametrize("name", ["bias_curve", "sweep", "strength_window"])
def test_figures_of_a_scales_settings_draw_at_the_others(name, scale):
    assert isinstance(getattr(results, name)(made(), SETTINGS[scale]), Picture)


@pytest.mark.parametrize("name", ["sweep", "strength_window", "losses", "cams"])
def test_runs_may_have_unequal_seeds(name):
    records = made(fewer="adversary")
    assert isinstance(getattr(results, name)(records, SETTINGS["cpu"]), Picture)


def test_every_figure_is_tested():
    made_by = {
        n for n, figure in vars(results).items() if hasattr(figure, "__wrapped__")
    }
    assert made_by == set(FIGURES)


def test_figures_name_runs_that_exist():
    """Not one is drawn without values: `made` has no others than the promised ones."""
    tables = (results.LOSSES, results.MASKS, results.LABELS, results.REDRAW,
              results.TRAVELLERS, results.NETWORKS, results.CARDS)  # fmt: skip
    runs = {name for table in tables for name in table} | set(results.WINDOW)
    assert runs <= set(RUNS) and {run for _, run in NEEDED} <= set(RUNS)
    for table in (results.USE, results.TRANSFER):
        assert set(table) <= METRICS["baseline"]
    assert set(results.SCENE) <= METRICS["adversary"]


@pytest.mark.parametrize("scale", SETTINGS)
def test_sweeps_meet_the_scales_own_setting_once(scale):
    settings = SETTINGS[scale]
    assert settings.correlation not in CORRELATIONS
    assert settings.strength not in {*STRENGTHS, *TOLD_STRENGTHS}
    curve = results.over_correlation(made(), settings, "adversary", "swapped")
    assert tuple(curve) == settings.correlations
    assert curve[settings.correlation] == made().values("adversary:swapped")
    assert curve[0.9] == made().values("adversary_90:swapped")


def drawn(monkeypatch, name, records, kind="seed_curves"):
    """The curves or rows that a figure hands on to be drawn, pane by pane."""
    seen, draw = [], getattr(charts, kind)

    def note(axis, what, *more):
        seen.append(what)
        draw(axis, what, *more)

    monkeypatch.setattr(charts, kind, note)
    getattr(results, name)(records, SETTINGS["cpu"])
    return seen


def test_the_window_has_every_strength_where_it_belongs(monkeypatch):
    records = made()
    plain, told, fast = drawn(monkeypatch, "strength_window", records)[1].values()
    expected = {0.0: "baseline", 0.3: "adversary_x0.3", 1.0: "adversary",
                1.5: "adversary_x1.5", 2.0: "adversary_x2",
                4.0: "adversary_x4"}  # fmt: skip
    swapped = {s: records.values(f"{run}:swapped") for s, run in expected.items()}
    assert plain == swapped and list(plain) == sorted(plain)
    assert told == {1.0: records.values("conditional:swapped"),
                    2.0: records.values("conditional_x2:swapped"),
                    4.0: records.values("conditional_x4:swapped")}  # fmt: skip
    assert fast == {1.0: records.values("fast:swapped")}


def test_only_who_trained_with_a_head_has_its_number(monkeypatch):
    (rows,) = drawn(monkeypatch, "leakage_and_use", made(), "seed_dots")
    trained = {results.LOSSES[run] for run in ("adversary", "adversary_seen", "both")}
    for metric in ("head", "head_uncorrelated"):
        head = results.SCENE[metric]
        assert {name for name, parts in rows.items() if parts[head]} == trained
    assert all(parts[results.SCENE["leakage"]] for parts in rows.values())


def test_every_row_of_the_figures_has_values(monkeypatch):
    for name in ("losses", "masks", "labels", "transfer", "localisation", "cams",
                 "rho_one", "redrawn", "cards"):  # fmt: skip
        (rows,) = drawn(monkeypatch, name, made(), "seed_dots")
        monkeypatch.undo()
        for row, parts in rows.items():
            assert all(len(values) == 5 for values in parts.values()), (name, row)


@pytest.mark.parametrize("name", FIGURES)
def test_what_is_recorded_is_drawn(name):
    from course import chapters

    missing = set(METRICS) - {"debias_videos", "tune_videos"}
    missing -= set(chapters.load_results("scene_debias", "cpu"))
    if missing:
        pytest.skip(f"not recorded yet: {', '.join(sorted(missing))}")
    rec = chapters.recorded("scene_debias", "cpu")
    found = getattr(results, name)(rec, SETTINGS["cpu"])
    assert isinstance(found, Picture) and len(found.png) <= LARGEST
