"""The MotionSqueeze chapter's recorded figures, and its table of what things cost."""

from __future__ import annotations

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch
from made_records import made_records

from course.evaluation import Recorded, ReportCard
from course.motion_squeeze import results, side_by_side
from course.motion_squeeze.cost import network_cost
from course.motion_squeeze.drawings.measured import (
    FIELDS,
    field_scores,
    seed_pairs,
    strips,
)
from course.motion_squeeze.networks import tsn
from course.motion_squeeze.scales import SETTINGS
from course.motion_squeeze.side_by_side import COLUMNS, LINES, MISSING, table_rows
from course.motion_squeeze.trainings import network
from course.motion_squeeze.trials.speed import STREAMS
from course.teaching import NotRecorded, Picture, figures, show
from course.teaching.text_table import text_table

LARGEST = 60_000  # bytes
ANSWERS = ["accuracy", "family", "order"]
RECOGNISED = [*ANSWERS, *results.ANSWERS]
FIELD = [f"{error}_{part}" for error in ("error", "still") for part in
         results.FIELD_PARTS] + ["cosine_moving", "auc", "wrong"]  # fmt: skip
METRICS = {
    **dict.fromkeys(["tsn", "tsm", "tsn_motion", "r2plus1d", "r2plus1d_motion",
                     "tsm_long", "tsm_more", "msnet_more"], RECOGNISED),
    "msnet": RECOGNISED + [f"{p}_{m}" for p in ("field", "untrained") for m in FIELD],
    **dict.fromkeys(["shuffled", "confidence_only", "displacement_only", "soft_argmax",
                     "true_flow", "position_2", "position_3", "window_1", "window_3",
                     "window_7"], ANSWERS),
    "two_streams": [f"{form}{m}" for form in
                    ("rgb_", "next_", "with_next_", "with_one_", "with_five_")
                    for m in ANSWERS],
    "two_streams_tvl1": ["tvl1_accuracy", "with_tvl1_accuracy"],
    "speed": [f"{what}_{name}" for what in ("train_seconds", "clips_per_second")
              for name in STREAMS] + ["tvl1_clips_per_second", "extraction_seconds"],
    **{name: [row.name for row in dataclasses.fields(ReportCard)]
       for name in results.CARDS},
}  # fmt: skip
FIGURES = {  # and a run that each needs
    "recognition": "tsn_motion",
    "played_backwards": "tsm",
    "backbones": "r2plus1d",
    "side_by_side": "speed",
    "parts": "tsm",
    "place_and_window": "position_3",
    "more_clips": "tsm_long",
    "field": "msnet",
    "cards": "card_tsm",
}


made = partial(made_records, METRICS)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_and_name_no_number(name):
    """Stored notebooks compare alt texts: other values, the same words."""
    figure, settings = getattr(results, name), SETTINGS["cpu"]
    one, two = figure(made(), settings), figure(made(draw=1, seeds=1), settings)
    assert isinstance(one, Picture) and len(one.png) <= LARGEST
    assert 500 <= one.width <= 960 and len(one.alt) > 40
    assert one.alt == two.alt and one.png != two.png
    assert not any(
        c.isdigit() for c in one.alt.replace("R(2+1)D", "").replace("L1", "")
    )


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("fault", ["without", "stale"])
def test_a_missing_or_stale_run_is_said_not_drawn(name, fault, capsys):
    figure = getattr(results, name)
    found = figure(made(**{fault: FIGURES[name]}), SETTINGS["gpu"])
    assert isinstance(found, NotRecorded)
    assert repr(found).startswith("not yet recorded at this scale: run `python -m")
    show(found)
    assert "course claims motion_squeeze --scale" in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["gpu", "full"])
@pytest.mark.parametrize("name", ["side_by_side", "place_and_window", "more_clips"])
def test_figures_of_a_scales_settings_draw_at_the_others(name, scale):
    assert isinstance(getattr(results, name)(made(), SETTINGS[scale]), Picture)


def test_pairs_are_drawn_for_the_seeds_that_both_have():
    for fewer in ("tsm", "r2plus1d_motion"):
        records = made(fewer=fewer)
        assert isinstance(results.backbones(records, SETTINGS["cpu"]), Picture)
    pair = made(fewer="tsm").paired("tsm:accuracy", "msnet:accuracy")
    assert len(pair[0]) == len(pair[1]) == len(made().values("tsm:accuracy")) - 1
    assert isinstance(results.recognition(made(fewer="tsm"), SETTINGS["cpu"]), Picture)


def test_figures_name_runs_that_exist():
    from course.motion_squeeze.experiment import REACHES, RUNS

    assert set(METRICS) <= set(RUNS)
    assert tuple(results.WINDOWS) == REACHES


@pytest.mark.parametrize("scale, stages", [
    ("cpu", {"layer1\n24 × 24": "msnet", "layer2\n12 × 12": "position_2",
             "layer3\n6 × 6": "position_3"}),
    ("gpu", {"layer2\n14 × 14": "msnet", "layer3\n7 × 7": "position_2",
             "layer4\n4 × 4": "position_3"}),
])  # fmt: skip
def test_stages_stand_in_the_networks_order_with_their_cells(scale, stages):
    found = results._stages(SETTINGS[scale])
    assert found == stages and list(found) == list(stages)


def test_stages_have_the_cells_that_the_network_has():
    settings = SETTINGS["cpu"]
    net = tsn(settings.backbone).net2d
    seen = {}
    for stage in ("layer1", "layer2", "layer3"):
        net.get_submodule(stage).register_forward_hook(
            lambda *args, stage=stage: seen.update({stage: args[2].shape[-2:]})
        )
    net(torch.zeros(1, 3, *settings.knobs.frame_size))
    named = [f"{stage}\n{h} × {w}" for stage, (h, w) in seen.items()]
    assert named == list(results._stages(settings))


@pytest.mark.parametrize("scale", SETTINGS)
def test_more_clips_says_how_many_steps(scale):
    assert results._steps(SETTINGS[scale]) == "more of them: twice the steps"


# ----------------------------------------------------------------------- side by side
def test_the_table_counts_what_the_runs_train():
    settings = SETTINGS["cpu"]
    frames, size = settings.knobs.frames, settings.knobs.frame_size
    by_name = {line.name: line for line in LINES}
    for name in ("tsn", "tsm", "msnet"):
        net = network(name, settings, seed=0)
        line = by_name[{"tsn": "TSN", "tsm": "TSM", "msnet": "MSNet"}[name]]
        found = side_by_side.line_cost(line, settings)
        assert found == network_cost(net, (3, frames, *size))
        assert found.parameters == sum(p.numel() for p in net.parameters())
    alone, both = (by_name[n] for n in ("true flow alone", "frames + true flow"))
    both_cost = side_by_side.line_cost(both, settings)
    rgb = side_by_side.line_cost(by_name["TSN"], settings)
    assert both_cost == rgb + side_by_side.line_cost(alone, settings)
    five = side_by_side.line_cost(by_name["frames + five short flows"], settings)
    # Eight channels more into a 5 x 5 kernel with 16 outputs.
    assert five.parameters - both_cost.parameters == 8 * 16 * 25


def test_counting_draws_no_random_number():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    table_rows(made(), SETTINGS["cpu"])
    assert torch.equal(before, torch.get_rng_state())


def table(rec: Recorded) -> dict[str, dict[str, str]]:
    """Line -> column -> cell, at cpu scale."""
    rows = table_rows(rec, SETTINGS["cpu"])
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}


def test_the_table_has_a_dash_only_where_a_line_has_no_number():
    rows, extraction = table(made()), COLUMNS[-1]
    dashes = [(n, c) for n in rows for c in COLUMNS if rows[n][c] == MISSING]
    assert dashes == [(line.name, extraction) for line in LINES[:-1]]


def with_speed(*seeds: dict[str, float]) -> Recorded:
    """Records of the run `speed` alone."""
    runs = {str(11 + i): {"metrics": metrics} for i, metrics in enumerate(seeds)}
    return Recorded({"speed": {"settings_hash": "x", "runs": runs}}, {"speed": "x"})


SPEED = {
    **{f"train_seconds_{name}": 10.0 + i for i, name in enumerate(STREAMS)},
    **{f"clips_per_second_{name}": 120.0 / (1 + i) for i, name in enumerate(STREAMS)},
    "tvl1_clips_per_second": 3.0,
    "extraction_seconds": 1234.4,
}  # tsn 10 s, tsm 11, msnet 12, flow 13, five_flows 14; 1, 2 ... 5 times 1/120 s a clip


def test_the_tables_times_add_up():
    training, speed, extraction = COLUMNS[4:]
    rows = table(with_speed(SPEED))
    times = {name: (row[training], row[speed]) for name, row in rows.items()}
    assert times == {
        "TSN": ("10", "120"),
        "TSM": ("11", "60"),
        "MSNet": ("12", "40"),
        "true flow alone": ("13", "30"),
        "frames + true flow": ("23", "24"),  # 1/120 and 4/120 of a second: 120 / 5
        "frames + one short flow": ("23", "24"),
        "frames + five short flows": ("24", "20"),
        "frames + TV-L1 flow": ("23", "2.7"),  # 5/120 s and 40/120 s: 120 / 45
    }
    assert rows["frames + TV-L1 flow"][extraction] == "1,234"


def test_one_busy_seed_does_not_move_the_times():
    busy = {name: 9 * value for name, value in SPEED.items()}
    assert table(with_speed(SPEED, busy, SPEED)) == table(with_speed(SPEED))


def test_without_opencv_the_other_times_stay():
    without = {name: v for name, v in SPEED.items() if name.split("_")[0] in
               ("train", "clips")}  # fmt: skip
    rows = table(with_speed(without))
    tvl1 = list(rows.pop("frames + TV-L1 flow").values())
    assert tvl1[4:] == ["23", MISSING, MISSING]
    assert rows == {n: row for n, row in table(with_speed(SPEED)).items() if n in rows}


def test_times_noted_beside_trainings_are_not_in_the_table():
    trained = {"accuracy": 0.5, "seconds": 7.0, "clips_per_second": 8.0}
    record = {"settings_hash": "x", "runs": {"11": {"metrics": trained}}}
    row = table(Recorded({"tsm": record}, {"tsm": "x"}))["TSM"]
    assert row["accuracy (%)"] == "50.0"
    assert [row[column] for column in COLUMNS[4:]] == [MISSING] * 3


def test_the_tables_numbers_are_the_records():
    rec = made()
    values = 100 * np.array(rec.values("two_streams:with_five_accuracy"))
    row = next(r for r in table_rows(rec, SETTINGS["cpu"]) if "five" in r[0])
    mean, spread = (float(part) for part in row[1].split(" ± "))
    assert math.isclose(mean, values.mean(), abs_tol=0.051)
    assert math.isclose(spread, values.std(ddof=1), abs_tol=0.051)


def test_text_tables_refuse_what_does_not_fit():
    for rows in ([], [["a", "b"], ["c"]]):
        with pytest.raises(ValueError, match="2 heads for rows of"):
            text_table(["x", "y"], rows, "alt")


def test_a_text_table_grows_with_its_texts():
    small, wide, high = (
        text_table(["x", "y"], rows, "alt")
        for rows in ([["a", "1"]], [["a" * 30, "1"]], [["a", "1"]] * 5)
    )
    assert small.width == high.width and (wide.width or 0) > (small.width or 0)
    assert text_table(["x", "y"], [["a", "1"]], "alt", "a note").png != small.png


# ------------------------------------------------------------------------------ field
def test_strips_take_what_is_there():
    _, axis = figures.figure()
    learned, untrained, _ = FIELDS.values()
    strips(axis, {"a": {learned: [0.1, 0.3]}, "b": {untrained: []}}, [*FIELDS.values()])
    assert axis.get_legend_handles_labels()[1] == [learned]
    means = axis.collections[-1].get_offsets()
    assert np.allclose(means, [[0.0, 0.2]])


def test_field_scores_refuse_an_empty_pane():
    full = {"actor": {"learned map": [0.5]}}
    with pytest.raises(ValueError, match="no value in actor"):
        field_scores(full, full, {"actor": {"learned map": []}})


def test_pairs_need_two_values_a_seed():
    for values in (([0.5], []), ([], [])):
        with pytest.raises(ValueError, match="TSN: needs two values for each seed"):
            seed_pairs({"TSN": values}, ("without", "with"), 0.125)


def test_negative_cosines_stay_in_the_picture():
    low = {"moving cells": {"learned map": [-0.8]}}
    full = {"actor": {"learned map": [0.5]}}
    assert field_scores(full, low, full).png != field_scores(full, full, full).png


# ----------------------------------------------------------------------- real records
@pytest.mark.parametrize("name", FIGURES)
def test_what_is_recorded_is_drawn(name):
    from course import chapters

    missing = set(METRICS) - set(chapters.load_results("motion_squeeze", "cpu"))
    if missing:
        pytest.skip(f"not recorded yet: {', '.join(sorted(missing))}")
    rec = chapters.recorded("motion_squeeze", "cpu")
    found = getattr(results, name)(rec, SETTINGS["cpu"])
    assert isinstance(found, Picture) and len(found.png) <= LARGEST
