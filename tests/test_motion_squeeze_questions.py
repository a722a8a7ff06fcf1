"""Do the experiments come out as the chapter's answers say, for other seeds as well?"""

from __future__ import annotations

import pytest
import torch

from course.motion_squeeze import questions
from course.motion_squeeze.flow_bench import errors, indicators, moving_square
from course.motion_squeeze.questions.normaliser import FORMS
from course.motion_squeeze.questions.refinement import (
    CHOICES,
    REACH,
    matches,
    refinement_table,
    train_trust,
)

SEEDS = (0, 5)


@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_the_gaussian_factors_into_two(sigma):
    assert questions.separable_difference(sigma) < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_noise_table(seed):
    rows = questions.noise_table((0.0, 1.0), count=2, seed=seed)
    error = {(row.noise, row.form): row.error for row in rows}
    assert len(error) == 2 * len(FORMS)
    assert error[1.0, "kernel, no factor"] == pytest.approx(
        error[1.0, "argmax"], rel=0.05
    )
    for noise in (0.0, 1.0):
        assert error[noise, "kernel, 2-D factor"] > 3.0
    assert error[0.0, "kernel, no factor"] < error[0.0, "kernel, 1-D factor"] < 0.5


def test_a_factor_is_a_temperature():
    rows = questions.effective_widths()
    found = [(round(r.temperature, 3), round(r.width, 2)) for r in rows]
    assert found == [(0.01, 0.47), (0.125, 2.10), (1.571, 4.13)]


def test_soft_argmax_slides_from_the_middle_to_the_peak():
    answers = list(questions.on_a_line((100.0, 1.0, 0.1, 0.01)).values())
    assert answers == sorted(answers)
    assert answers[0] < 0.01 and answers[-1] == pytest.approx(4.0, abs=1e-3)
    even = questions.on_a_line((0.01,), torch.ones(15))
    assert even[0.01] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(ValueError, match=r"\(15,\), got \(3,\)"):
        questions.on_a_line((1.0,), torch.ones(3))


@pytest.mark.parametrize("seed", SEEDS)
def test_of_two_matches_the_kernel_takes_one(seed):
    soft, kernel = questions.two_matches(seed=seed)
    assert kernel.between == 0.0 and soft.between > 0.8
    assert kernel.lowest == pytest.approx(-5, abs=0.2)
    assert kernel.highest == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_are_those_of_the_formula(seed):
    rows = questions.gradients(seed=seed)
    assert not rows["argmax"].exists
    for name in ("soft", "kernel"):
        assert rows[name].exists and rows[name].difference < 1e-9
        assert 0 < rows[name].share < 0.1
    assert rows["kernel"].share < rows["soft"].share


@pytest.mark.parametrize("seed", SEEDS)
def test_the_kernel_costs_accuracy_below_a_cell(seed):
    found = questions.sub_pixel(count=2, seed=seed)
    assert found["argmax"] == pytest.approx(0.5, abs=0.01)
    assert found["kernel, sigma 2"] == pytest.approx(found["argmax"], abs=0.02)
    assert 0.3 < found["kernel, sigma 5"] < 0.45
    assert found["soft-argmax"] < 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_beyond_the_window_the_confidence_falls(seed):
    rows = questions.speed_sweep((5, 7, 8, 9, 11, 13), count=2, seed=seed)
    confidence = [row.confidence for row in rows]
    assert [row.wrong < 0.01 for row in rows] == [True, True] + 4 * [False]
    assert confidence[0] == pytest.approx(1.0, abs=1e-4)
    assert confidence[1:] == sorted(confidence[1:], reverse=True)
    unrelated = questions.unrelated_confidence(count=2, seed=seed)
    assert confidence[-1] == pytest.approx(unrelated, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_too_many_matches_are_wrong_and_sure(seed):
    rows = questions.too_many_matches(count=2, seed=seed)
    found = {(row.texture, row.estimator): row for row in rows}
    assert all(row.confidence > 0.99 for row in rows)
    assert found["texture", "kernel"].wrong == 0
    flat = found["flat", "kernel"]  # ties: the window's first corner, pulled in a bit
    assert flat.length == pytest.approx(6.88 * 2**0.5, abs=0.02) and flat.wrong == 1
    assert found["flat", "soft"].length < 1e-4
    assert 5.0 < found["nearly flat", "kernel"].length < 6.5
    assert found["nearly flat", "soft"].length < 0.01
    assert found["tiles", "kernel"].wrong > 0.8 and found["tiles", "soft"].wrong > 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_border_matches_are_pulled_inward(seed):
    rows = questions.at_the_border(5, count=2, seed=seed)
    assert all(abs(row.dx - 5) < 0.05 for row in rows[5:])
    for row in rows[:5]:
        assert row.dx < row.distance + 0.1 and row.confidence < 0.97


def test_the_margin_dislikes_smooth_textures_the_best_score_does_not():
    rows = {(r.scene, r.grain): r for r in questions.auc_table(seeds=(3, 4), count=4)}
    for name in ("occlusion", "out_of_range"):
        fine, smooth = rows[name, 1.0], rows[name, 2.0]
        assert min(fine.correlation, smooth.correlation, fine.margin) > 0.98
        assert smooth.margin < 0.93
    assert max(rows["flat", g].correlation for g in (1.0, 2.0)) < 0.2
    with pytest.raises(ValueError, match="two seeds"):
        questions.auc_table(seeds=(1,))


def test_a_trip_just_beyond_the_window_ends_at_home_though_wrong():
    closed = {}
    for speed in (9, 13):
        pair = moving_square([(speed, 0)] * 4, grain=2.0)
        square = (pair.truth != 0).any(1)
        closed[speed] = (indicators(pair)["round_trip"] > -0.5)[square].float().mean()
    assert closed[9] > 0.35 > 0.15 > closed[13]


def test_layers_that_see_the_margin_mend_flat_areas():
    data = matches(["occlusion", "out_of_range", "flat"], 24, seed=8)
    test = matches(["flat"], 6, seed=9)
    found = {}
    for choice in ("d", "d, margin"):
        layers = train_trust(data, CHOICES[choice], seed=0, steps=50)
        with torch.no_grad():
            mended = layers(test.inputs(CHOICES[choice]))
        found[choice] = errors(mended, test.truth).mean
    alone = errors(REACH * test.channels["d"], test.truth).mean
    assert found["d, margin"] < 0.6 * found["d"] < 0.3 * alone


def test_the_table_of_what_layers_see_has_all_rows_and_is_repeatable():
    one, again = (refinement_table((0, 1), count=2, steps=2) for _ in range(2))
    assert one == again and len(one) == 3 * (2 + len(CHOICES))
    with pytest.raises(ValueError, match="two seeds"):
        refinement_table((0,))


def test_windows_beside_the_motion_of_the_world():
    motion = questions.motion_of_world(4, size=32)
    rows = questions.window_table(motion, {"layer1": 2, "layer2": 4, "layer3": 8})
    assert [row.window for row in rows] == [14, 28, 56]
    inside, resolved = zip(*((row.inside, row.resolved) for row in rows), strict=True)
    assert list(inside) == sorted(inside)
    assert list(resolved) == sorted(resolved, reverse=True)  # it moves slowly
    larger = questions.window_table(7 * motion)  # the same clips at 224 px
    assert larger[1].window == 56 and larger[1].resolved > rows[1].resolved


def test_the_histogram_counts_the_longer_component():
    motion = torch.tensor([[0.0, 0.0], [1.0, -3.0], [4.0, 0.5], [9.0, 0.0]])
    found = questions.motion_histogram(motion, bins=4, most=8.0)
    assert found["edges"] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert found["shares"] == [0.25, 0.25, 0.25, 0.0]
    with pytest.raises(ValueError, match="none of 4"):
        questions.window_table(motion * 0.01)
    with pytest.raises(ValueError, match=r"\(N, 2\).*\(4, 1\)"):
        questions.motion_histogram(motion[:, :1])
