"""The MotionSqueeze room's panels: driven, timed, and right in what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from panel_driver import drive

from course.evaluation.optical_flow import end_point_error, flow_cosine, outlier_auc
from course.motion_squeeze import panels, pictures
from course.motion_squeeze.correlation import correlation
from course.motion_squeeze.cost import module_cost
from course.motion_squeeze.drawings import (
    fields,
    matching,
    window_view,
    world_field,
)
from course.motion_squeeze.flow_bench import estimate
from course.motion_squeeze.module import MotionSqueeze
from course.motion_squeeze.motion_maps import motion_of
from course.motion_squeeze.networks import msnet

LARGEST = 90_000  # bytes of a picture


def check(panel, plan=None) -> None:
    """Drive it; with a plan, each planned control must change something."""
    looks: dict[str, set] = {}
    for name, value, outputs in drive(panel, plan):
        shown = tuple(o if isinstance(o, str) else o.png for o in outputs)
        looks.setdefault(name, set()).add(shown)
        for output in outputs:
            if not isinstance(output, str):
                assert len(output.png) <= LARGEST, (panel.title, name, value)
    for name, values in (plan or {}).items():
        assert len(values) == 1 or len(looks[name]) > 1, f"{name} changes nothing"
    assert panel.answer and panel.question.count("?") >= 1
    assert repr(panel).startswith("Panel: ")


# ---------------------------------------------------------------------------- matching
def test_matching_panel():
    panel = panels.matching_panel().set(noise=0.5)
    check(panel)
    assert len(panel.pictures) == 2


@pytest.mark.parametrize("normaliser", matching.NORMALISERS)
@pytest.mark.parametrize("estimator", matching.ESTIMATORS)
def test_the_matching_panel_says_what_the_flow_bench_finds(estimator, normaliser):
    panel = panels.matching_panel().set(
        x=6, y=9, dx=-2.5, dy=1.0, noise=0.5, estimator=estimator, sigma=3.0,
        temperature=0.03, normaliser=normaliser,
    )  # fmt: skip
    pair, _ = matching.pair_of("random", (-2.5, 1.0), 0.5)
    found = estimate(
        pair, estimator, sigma=3.0, temperature=0.03, normaliser=normaliser
    )
    dx, dy = found.displacement[0, :, 9, 6].tolist()
    error = np.hypot(dx + 2.5, dy - 1.0)
    assert f"estimate ({dx:.2f}, {dy:.2f}): error <b>{error:.2f}</b>" in panel.texts[0]
    sure = float(found.confidence[0, 9, 6])
    assert f"Confidence (the best score) <b>{sure:.2f}</b>" in panel.texts[0]
    assert "Truth (-2.5, 1.0)" in panel.texts[0]


def test_windows_of_a_match_add_up():
    _, scores = matching.pair_of("random", (3.0, -2.0), 1.0)
    seen = matching.match_at(scores, (10, 14), (3.0, -2.0), sigma=2.0)
    assert torch.equal(seen.scores, scores[0, :, :, 14, 10])
    assert torch.allclose(seen.masked, seen.mask * seen.scores)
    assert float(seen.weights.sum()) == pytest.approx(1.0)
    assert torch.allclose(
        seen.weights, (100 * seen.masked).flatten().softmax(0).view(15, 15)
    )
    best = divmod(int(seen.scores.argmax()), 15)
    assert seen.argmax == (best[1] - 7, best[0] - 7)


def test_the_window_runs_out_at_seven_and_confidence_falls_late():
    panel, seen = panels.matching_panel().set(dy=0.0), {}
    values = panel.values()
    for dx in (3.0, 7.0, 8.0, 12.0):
        panel.set(dx=dx)
        assert ("beyond the window" in panel.texts[0]) == (dx > 7)
        _, scores = matching.pair_of("random", (dx, 0.0), 0.0)
        place = values["x"], values["y"]
        seen[dx] = matching.match_at(scores, place, (dx, 0.0))
    assert max(seen[3.0].error, seen[7.0].error) < 0.05 < 1 <= seen[8.0].error
    assert seen[7.0].confidence > 0.99 and 0.9 < seen[8.0].confidence < 0.95
    assert 0.4 < seen[12.0].confidence < 0.55
    assert seen[8.0].margin < 0.6 * seen[7.0].margin


def test_flat_texture_is_sure_of_the_corner():
    panel = panels.matching_panel().set(texture="flat")
    assert "estimate (-6.88, -6.88)" in panel.texts[0]
    assert "(the best score) <b>1.00</b>; margin" in panel.texts[0]
    assert "not next to it 0.00" in panel.texts[0]
    panel.set(estimator="soft")
    assert "estimate (0.00, 0.00)" in panel.texts[0]


def test_equal_tiles_leave_no_margin():
    _, scores = matching.pair_of("tiles", (3.0, -2.0), 0.0)
    seen = matching.match_at(scores, (10, 14), (3.0, -2.0))
    assert seen.confidence > 0.99 and seen.margin < 1e-4
    off = np.subtract(seen.argmax, (3, -2)) % matching.PERIOD
    assert off.tolist() == [0, 0]  # one of the copies, whichever


@pytest.mark.parametrize(
    ("normaliser", "width"), [("none", 0.47), ("1d", 2.1), ("2d", 4.1)]
)
def test_effective_width_of_a_flat_window(normaliser, width):
    """Sigma is 5 cells; what is left of it after a temperature of 0.01 is not."""
    scores = torch.ones(1, 15, 15, 1, 1)
    scores[0, 7, 7] += 1e-5
    seen = matching.match_at(scores, (0, 0), (0.0, 0.0), normaliser=normaliser)
    assert seen.width == pytest.approx(width, abs=0.05)


def test_a_motion_slider_moves_only_the_second_map():
    still, _ = matching.pair_of("random", (0.0, 0.0), 0.0)
    moved, _ = matching.pair_of("random", (4.0, -12.0), 0.0)
    assert torch.equal(still.first, moved.first)
    assert torch.equal(moved.second[..., :16, 4:], still.first[..., 12:, :-4])
    half, scores = matching.pair_of("random", (0.5, 0.0), 0.0)
    soft = matching.match_at(scores, (10, 14), (0.5, 0.0), "soft")
    assert torch.equal(half.first, still.first) and soft.error < 0.2


def test_matching_refuses():
    with pytest.raises(ValueError, match="stripes"):
        matching.pair_of("stripes", (0.0, 0.0), 0.0)
    with pytest.raises(ValueError, match="13"):
        matching.pair_of("random", (13.0, 0.0), 0.0)
    _, scores = matching.pair_of("flat", (0.0, 0.0), 0.0)
    with pytest.raises(ValueError, match="28"):
        matching.match_at(scores, (28, 0), (0.0, 0.0))
    with pytest.raises(ValueError, match="mean"):
        matching.match_at(scores, (0, 0), (0.0, 0.0), "mean")


# ------------------------------------------------------------------------------ fields
def test_field_panel():
    check(panels.field_panel(), {
        "action": ["walk_forward", "wave"], "clip": [3], "scene": ["texture", "pool"],
        "contrast": [0.0, 1.5], "jitter": [0.03, 0.06],
        "source": list(panels.SOURCES), "max_displacement": [1, 9],
        "estimator": list(world_field.ESTIMATORS), "view": fields.VIEWS,
    })  # fmt: skip


def test_the_field_panel_says_what_the_scores_are():
    panel = panels.field_panel().set(action="kick", scene="mall", max_displacement=4)
    clip = world_field.clip_of("kick", "mall", 0, 1.0, 0.0)
    features = world_field.random_features(clip.frames.transpose(0, 1), 9)
    found, sure = world_field.matched_field(features, 4, "kernel")
    true, valid = clip.flow[..., ::2, ::2], clip.valid[:, ::2, ::2]
    actor = clip.mask[:, ::2, ::2] & valid
    error = end_point_error(2 * found, true, actor)
    assert f"is off by <b>{error:.2f}</b> px" in panel.texts[0]
    zero = float(true.norm(dim=0)[actor].mean())
    assert f"nothing moves ({zero:.2f} px)" in panel.texts[0]
    cosine = flow_cosine(2 * found, true, actor)
    assert f"true direction <b>{cosine:.2f}</b>" in panel.texts[0]
    wrong = (2 * found - true).norm(dim=0) > 2
    auc = outlier_auc(sure, wrong, valid)
    assert f"(AUC, 0.5: not at all) <b>is {auc:.2f}</b>" in panel.texts[0]
    assert "reaches ±8 px" in panel.texts[0]


def scores_at(action="dance", scene="gym", contrast=1.0, reach=7):
    clip = world_field.clip_of(action, scene, 0, contrast, 0.0)
    features = world_field.random_features(clip.frames.transpose(0, 1), 9)
    found = world_field.matched_field(features, reach, "kernel")
    return world_field.field_scores(*found, clip)


def test_the_answer_of_the_field_panel_is_what_it_shows():
    usual, small = scores_at(), scores_at(reach=2)
    assert usual.error < usual.error_of_zero and usual.auc > 0.8
    assert abs(small.error - usual.error) < 0.1
    assert small.error_elsewhere < 0.75 * usual.error_elsewhere
    assert scores_at(contrast=0.0).auc < 0.45
    assert scores_at(scene="street", contrast=0.0).auc > 0.75


def test_scores_of_a_perfect_and_of_a_resting_field():
    clip = world_field.clip_of("dance", "gym", 0, 1.0, 0.0)
    sure = torch.ones_like(clip.flow[0, :, ::2, ::2])
    perfect = world_field.field_scores(clip.flow[..., ::2, ::2] / 2, sure, clip)
    assert perfect.error == 0 and perfect.cosine == pytest.approx(1.0)
    assert perfect.wrong == 0 and perfect.auc is None
    assert "cannot be told" in world_field.scores_sentence(perfect)
    still = clip._replace(flow=torch.zeros_like(clip.flow))
    zero = world_field.field_scores(torch.zeros(2, *sure.shape), sure, still)
    assert zero.cosine is None and "not better" in world_field.scores_sentence(zero)


def test_a_network_can_be_looked_into():
    torch.manual_seed(0)
    network = msnet("small", 8, num_frames=4).train()
    panel = panels.field_panel(network)
    assert panel.values()["source"] == panels.TRAINED and panel.error == ""
    check(panel, {"source": [panels.TRAINED, *panels.SOURCES], "view": ["colours"]})
    assert network.training
    clip = world_field.clip_of("dance", "gym", 0, 1.0, 0.0, 4)
    features = world_field.network_features(network, clip.frames)
    found, sure = world_field.matched_field(features, 3, "kernel")
    theirs = motion_of(network, clip.frames[None])
    assert torch.allclose(found, theirs[0][0], atol=1e-5)
    assert torch.allclose(sure, theirs[1][0], atol=1e-5)
    with pytest.raises(ValueError, match="Identity"):
        panels.field_panel(torch.nn.Identity())


def test_fields_refuse_what_does_not_fit():
    flow, sure = np.zeros((2, 1, 4, 4)), np.ones((1, 4, 4))
    with pytest.raises(ValueError, match="one size"):
        pictures.field_beside_truth(
            np.zeros((2, 9, 8)), np.zeros((2, 1, 8, 8)), flow, sure, 2
        )
    with pytest.raises(ValueError, match="wheel"):
        fields.field_frames(
            np.zeros((2, 8, 8)), np.zeros((2, 1, 8, 8)), "wheel", 1, 1.0
        )
    with pytest.raises(ValueError, match="4"):
        world_field.random_features(torch.rand(1, 3, 8, 8), 4)
    with pytest.raises(ValueError, match="median"):
        world_field.matched_field(torch.rand(2, 3, 8, 8), 1, "median")


# ------------------------------------------------------------------------------ window
def test_window_panel():
    panel = panels.window_panel()
    check(panel, {
        "stage": list(window_view.STAGES), "max_displacement": [1, 14],
        "frames": [2, 16], "action": ["wave", "throw"],
    })  # fmt: skip
    assert "28 x 28 cells x 15 x 15 offsets x 64 channels" in panel.texts[0]
    assert "<b>11.3 M multiply-adds</b>, and 0.67 MiB" in panel.texts[0]
    panel.set(stage="res2", max_displacement=14)
    assert "reaches ±56 px" in panel.texts[0] and "168.8 M" in panel.texts[0]


@pytest.mark.parametrize("stage", window_view.STAGES)
def test_window_costs_are_the_modules(stage):
    motions = np.array([1.0, 5.0, 30.0, 120.0])
    seen = window_view.reach_of(motions, stage, 7)
    module = MotionSqueeze(64, max_displacement=7)
    parts = module_cost(module, 2, (seen.side, seen.side))
    assert parts["correlation"].macs == seen.multiply_adds
    maps = torch.rand(1, 2, seen.side, seen.side)
    volume = correlation(maps, maps, 7)
    assert volume.numel() * volume.element_size() == seen.volume_bytes
    assert seen.under == np.mean(motions < seen.cell / 2)
    assert seen.beyond == np.mean(motions > 7 * seen.cell)
    assert seen.inside == pytest.approx(1 - seen.under - seen.beyond)


def test_motions_are_the_worlds_own():
    from course.synthetic import ACTIONS, SynthActions

    world = SynthActions(
        "actor_only", 16, seed=5, frames=3, size=32, num_actions=16, num_scenes=1,
        frame_rate=3 / 1.6, noise=0.0,
    )  # fmt: skip
    item = world[4]
    name = world.action_names[item["action"]]
    moved = item["flow"].abs().amax(0)[item["flow_valid"] & item["mask"][:-1]] * 7
    found = window_view.motions_of(3)
    assert np.allclose(np.sort(found[name]), np.sort(moved[moved >= 1].numpy()))
    assert set(found) == set(ACTIONS)


def test_the_answer_of_the_window_panel_is_what_it_shows():
    seen = {}
    for frames in (2, 8, 16):
        motions = np.concatenate(list(window_view.motions_of(frames).values()))
        for stage in window_view.STAGES:
            seen[frames, stage] = window_view.reach_of(motions, stage, 7)
    assert seen[8, "res2"].inside > 0.9 and seen[8, "res3"].inside > 0.9
    costs = [seen[8, s].multiply_adds / 1e6 for s in ("res3", "res2")]
    assert costs == pytest.approx([11.3, 45.2], abs=0.05)
    assert seen[8, "res4"].under == pytest.approx(0.4, abs=0.02)
    assert seen[2, "res3"].inside == pytest.approx(0.62, abs=0.01)
    assert seen[2, "res2"].inside == pytest.approx(1 / 3, abs=0.02)
    assert seen[16, "res2"].inside > 0.9 > 0.7 > seen[16, "res3"].inside


def test_windows_refuse():
    with pytest.raises(ValueError, match="res9"):
        window_view.reach_of(np.ones(2), "res9", 7)
    with pytest.raises(ValueError, match="0"):
        window_view.reach_of(np.ones(2), "res3", 0)
    with pytest.raises(ValueError, match="empty"):
        window_view.reach_of(np.array([]), "res3", 7)
    with pytest.raises(ValueError, match="1"):
        window_view.motions_of(1)
