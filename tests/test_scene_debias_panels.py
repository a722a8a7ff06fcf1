"""The scene-debiasing room's panels: driven, timed, and right in what they say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from panel_driver import drive

from course.backbones import small_resnet3d
from course.evaluation import Recorded
from course.evaluation.cam import class_activation_map, energy_inside, upsample_map
from course.evaluation.cam_boxes import box_iou, cam_boxes, mask_boxes
from course.evaluation.probes import label_entropy
from course.evaluation.scene_bias import scene_bias
from course.scene_debias import panels
from course.scene_debias.drawings import (
    bias_meter,
    cam_view,
    game_view,
    masked_view,
    toy_game,
    trade_off,
)
from course.scene_debias.drawings.toy_clips import draw_clips
from course.scene_debias.drawings.toy_reading import read
from course.scene_debias.scales import SETTINGS
from course.scene_debias.scene_labels import draw_names
from course.synthetic import SynthActions

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
    assert repr(panel) == f"Panel: {panel.title}. Question: {panel.question}"


# -------------------------------------------------------------------------- bias meter
def test_bias_panel():
    check(panels.bias_panel().set(labeller="uniform errors"), {
        "rho": [0.0, 1.0], "actions": [2, 16], "scenes": [1, 16], "clips": [64, 1024],
        "labeller": bias_meter.LABELLERS, "accuracy": [0.0, 1.0], "seed": [9, 0],
    })  # fmt: skip


@pytest.mark.parametrize("labeller", bias_meter.LABELLERS)
@pytest.mark.parametrize("scenes", [1, 3, 8, 12])
def test_unlimited_clips_are_what_many_clips_come_to(labeller, scenes):
    best = bias_meter.exact(0.7, 8, scenes, labeller, 0.6)
    action, scene = bias_meter.draw_labels(0.7, 8, scenes, 20_000, seed=3)
    table = bias_meter.confusion_of(labeller, scenes, 0.6)
    named = draw_names(torch.from_numpy(scene), table, 3).numpy()
    counts = np.zeros((8, scenes))
    np.add.at(counts, (action, named), 1 / len(action))
    assert counts.max(0).sum() == pytest.approx(best.accuracy, abs=0.015)
    assert math.log(8 * counts.max(0).sum()) == pytest.approx(best.bias, abs=0.03)
    # H(A) + H(S) - H(A, S), another way to the shared information
    pair = action * scenes + named
    told = label_entropy(action) + label_entropy(named) - label_entropy(pair)
    assert told / math.log(8) == pytest.approx(best.repair, abs=0.01)


@pytest.mark.parametrize(("actions", "scenes"), [(8, 8), (8, 12), (6, 4), (5, 1)])
def test_the_closed_form_of_the_true_scene(actions, scenes):
    for rho in (0.0, 0.3, 1.0):
        form = (min(actions, scenes) * rho + 1 - rho) / actions
        assert bias_meter.exact(rho, actions, scenes).accuracy == pytest.approx(form)
    assert bias_meter.exact(1.0, 8, 8).repair == pytest.approx(1.0)


def test_the_bias_panel_says_what_was_measured():
    panel = panels.bias_panel().set(rho=0.6, clips=1024, seed=2)
    seen = bias_meter.measured(0.6, 8, 8, 1024, 2)
    share = seen.accuracy.estimate
    assert f"tells the action in {100 * share:.1f} % of 1024 new" in panel.texts[0]
    assert f"<b>{scene_bias(share, 1 / 8):.2f}</b> nats" in panel.texts[0]
    assert f"(unlimited clips: {math.log(8 * 0.65):.2f})" in panel.texts[0]
    assert "rho + (1 - rho) / 8" in panel.texts[0]
    panel.set(scenes=4)
    assert "rho 4 / 8 + (1 - rho) / 8" in panel.texts[0]


def test_the_answer_of_the_bias_panel_is_what_it_shows():
    panel = panels.bias_panel().set(rho=0.0, clips=64, seed=4)
    assert "<b>-0.13</b> nats" in panel.texts[0] and "by luck" in panel.texts[0]
    panel.set(seed=6)
    assert "<b>0.63</b> nats" in panel.texts[0] and "by luck" not in panel.texts[0]
    assert bias_meter.measured(0.0, 8, 8, 64, 4).bias.high > 0.5
    assert bias_meter.measured(0.0, 8, 8, 64, 6).bias.low > 0
    kinds = [bias_meter.exact(0.9, 8, 8, k, 0.5) for k in bias_meter.LABELLERS[1:]]
    assert [round(k.accuracy, 2) for k in kinds] == [0.46, 0.46]
    assert [round(k.bias, 2) for k in kinds] == [1.31, 1.31]
    assert [round(k.repair, 2) for k in kinds] == [0.17, 0.50]
    exchanged = bias_meter.exact(0.9, 8, 8, "confusable errors", 0.0)
    assert exchanged == pytest.approx(bias_meter.exact(0.9, 8, 8))
    assert bias_meter.measured(0.9, 8, 1, 64, 0).bias.estimate == 0.0


def test_a_probe_that_is_never_right_is_drawn_and_said():
    from dataclasses import replace

    from course.evaluation.scene_bias import scene_bias_interval

    seen = bias_meter.measured(0.0, 8, 8, 64, 0)
    seen = replace(seen, bias=scene_bias_interval(0, 64, 1 / 8))
    setting = (0.0, 8, 8, bias_meter.LABELLERS[0], 1.0)
    assert bias_meter.meter_picture(seen, *setting, "alt").alt == "alt"
    assert "minus infinity" in bias_meter.meter_sentence(seen, *setting, 64)


def test_the_bias_meter_refuses():
    with pytest.raises(ValueError, match="by hand"):
        bias_meter.confusion_of("by hand", 8, 0.5)
    with pytest.raises(ValueError, match=r"1\.5"):
        bias_meter.draw_labels(1.5, 8, 8, 64, 0)
    with pytest.raises(ValueError, match="4"):
        bias_meter.draw_labels(0.5, 8, 8, 4, 0)


# ---------------------------------------------------------------------------- reversal
GAME = (2.0, "constant", toy_game.REVERSED, toy_game.PLAIN)


def test_reversal_panel():
    check(panels.reversal_panel().set(step=30), {
        "strength": [0.0, 4.0], "step": [0, 60], "schedule": list(toy_game.SCHEDULES),
        "sign": toy_game.SIGNS, "head": toy_game.HEADS, "width": list(toy_game.WIDTHS),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("strength", "head"), [(1.0, toy_game.PLAIN), (3.5, toy_game.TOLD)]
)
def test_what_arrives_is_the_heads_gradient_turned_and_scaled(strength, head):
    game = toy_game.play(strength, "constant", toy_game.REVERSED, head)
    moment = game.moments[20]
    assert torch.allclose(moment.pushed, -strength * moment.wanted, atol=1e-7)
    turn = game_view.turn_of(moment)
    assert turn.degrees == pytest.approx(180, abs=0.1)
    assert turn.ratio == pytest.approx(strength, rel=1e-5)
    assert moment.head_turn == pytest.approx(1, abs=1e-5)
    literal = toy_game.play(strength, "constant", toy_game.LITERAL, head).moments[0]
    assert literal.head_turn == pytest.approx(-1, abs=1e-5)


def test_wanted_is_the_slope_of_the_heads_loss():
    """Against finite differences, feature by feature."""
    game, step = toy_game.play(*GAME), 7
    players, moment = toy_game.players_at(game, step), game.moments[step]
    scene = players["scene"].double().requires_grad_(False)
    x, labels = moment.features.double(), game.clips.scene
    for i, axis in ((0, 0), (17, 1)):
        moved = [x.clone(), x.clone()]
        for x_moved, by in zip(moved, (1e-5, -1e-5), strict=True):
            x_moved[i, axis] += by
        up, down = (
            float(torch.nn.functional.cross_entropy(scene(m), labels)) for m in moved
        )
        slope = (up - down) / 2e-5
        assert float(moment.wanted[i, axis]) == pytest.approx(-slope, rel=1e-3)


def test_the_reversal_panel_says_what_the_game_is():
    panel = panels.reversal_panel().set(strength=2.0, step=40, head=toy_game.TOLD)
    game = toy_game.play(2.0, "constant", toy_game.REVERSED, toy_game.TOLD)
    moment, seen = game.moments[40], read(game, 40)
    text = panel.texts[0]
    assert f"loss <b>{moment.scene_loss:.2f}</b> nats" in text
    assert f"weight {seen.leans:+.2f}" in text and "<b>180°</b>" in text
    assert f"knows only the action ({game.given_action:.2f})" in text
    panel.set(schedule="linear after a warm-up", step=0)
    assert "nothing arrives" in panel.texts[0]
    scene, action = game.clips.scene.numpy(), game.clips.action.numpy()
    both = label_entropy(2 * action + scene)
    assert game.given_action == pytest.approx(both - label_entropy(action), abs=1e-6)
    assert game.prior == pytest.approx(label_entropy(scene))


def test_the_answer_of_the_reversal_panel_is_what_it_shows():
    plain = toy_game.play(*GAME)
    before, after = read(plain, 0), read(plain, 60)
    assert before.at_home == pytest.approx(0.99, abs=0.015) and before.leans > 0.3
    assert after.at_home == pytest.approx(0.68, abs=0.03) and after.leans < -0.4
    assert after.swapped == pytest.approx(0.98, abs=0.02)
    told = read(toy_game.play(*GAME[:3], toy_game.TOLD), 60)
    assert told.at_home == pytest.approx(0.91, abs=0.03)
    assert told.swapped == pytest.approx(0.95, abs=0.03)
    literal = toy_game.play(2.0, "constant", toy_game.LITERAL, toy_game.PLAIN)
    assert literal.moments[30].scene_loss > 200
    seen = read(literal, 30)
    assert seen.leans > 2 * before.leans and seen.probe > 0.85


def test_a_game_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    toy_game.play(0.75, "DANN's ramp", toy_game.REVERSED, toy_game.PLAIN)
    assert torch.equal(torch.rand(3), expected)
    assert (draw_clips(4, 0.0, 1).action == torch.tensor([0, 1, 0, 1])).all()


@pytest.mark.parametrize(
    ("place", "wrong"), [(1, "cosine"), (2, "none"), (3, "deaf"), (4, "deep")]
)
def test_games_refuse(place, wrong):
    options = [*GAME, "linear"]
    options[place] = wrong
    with pytest.raises(ValueError, match=wrong):
        toy_game.play(*options)
    with pytest.raises(ValueError, match="-1"):
        toy_game.play(-1.0, *GAME[1:])


# ------------------------------------------------------------------------------- masks
def test_mask_panel():
    check(panels.mask_panel(), {
        "action": ["kick", "wave"], "number": [0, 5], "kind": ["box", "true"],
        "fill": ["background", "mean"], "grow": [-2, 3], "right": [-4, 4],
        "down": [-6, 6], "missing": [0.5, 1.0],
    })  # fmt: skip


def test_the_mask_panel_counts_the_pixels():
    panel = panels.mask_panel().set(action="kick", right=3)
    clip = masked_view.clip_of("kick", 0)
    touched = (clip.clip != clip.background).any(0)
    assert bool((touched | ~clip.mask).all())
    hole = torch.zeros_like(clip.mask)
    hole[..., 3:] = clip.mask[..., :-3]
    left = int((touched & ~hole).sum())
    assert f"changes {int(touched.sum())} px" in panel.texts[0]
    assert f"({left} px) can still be seen" in panel.texts[0]
    hidden = 100 * float(hole[~touched].float().mean())
    assert f"scenery {hidden:.1f} % is covered" in panel.texts[0]
    rows = np.flatnonzero(hole[0].any(1))
    seen = masked_view.hide(clip, "true", "mean", 0, 3, 0, 0.0)
    assert seen.boxes[1][0] <= np.ptp(rows) + 1 <= seen.boxes[1][1]


def test_the_answer_of_the_mask_panel_is_what_it_shows():
    for action in masked_view.action_names():
        clip = masked_view.clip_of(action, 1)

        def left(kind, grow, right=0, missing=0.0, clip=clip):
            seen = masked_view.hide(clip, kind, "background", grow, right, 0, missing)
            assert seen.contrast == 0
            return int(seen.left.sum()) / seen.touched

        assert left("true", 1) == left("box", 1) == 0
        assert 0.15 < left("true", 0) < 0.26
        assert left("true", 1, right=3) > 0.1 and left("true", 1, missing=0.5) > 0.1
    assert masked_view.hole_tells("true") > 0.85
    assert 0.65 < masked_view.hole_tells("box") < 0.85


def test_without_a_hole_nothing_is_told():
    panel = panels.mask_panel().set(missing=1.0)
    assert "0 of 8 frames have a hole" in panel.texts[0]
    assert "<b>100.0 %</b>" in panel.texts[0] and "linear probe" not in panel.texts[0]
    panel.set(missing=0.0, fill="background")
    assert "<b>0</b> of 255 levels: it cannot be seen" in panel.texts[0]


def test_masked_clips_refuse():
    with pytest.raises(ValueError, match="swim"):
        masked_view.clip_of("swim", 0)
    with pytest.raises(ValueError, match="9"):
        masked_view.clip_of("kick", 9)
    with pytest.raises(ValueError, match="oval"):
        masked_view.hole_tells("oval")


# -------------------------------------------------------------------------------- CAMs
def networks(classes: int = 8):
    torch.manual_seed(0)
    return small_resnet3d(classes).train(), small_resnet3d(classes)


def swapped(count: int = 6) -> SynthActions:
    return SynthActions("swapped", count, seed=3)


def test_cam_panel_with_untrained_networks():
    baseline, debiased = networks()
    panel = panels.cam_panel(baseline, debiased, swapped())
    check(panel)
    assert baseline.training and panel.controls["number"].max == 6
    assert not re.search(r"says|right|wrong", panel.pictures[0].alt)


@pytest.mark.parametrize("chosen", cam_view.CLASSES)
def test_the_cam_panel_says_what_the_maps_are(chosen):
    baseline, debiased = networks()
    world = swapped()
    panel = panels.cam_panel(baseline, debiased, world).set(number=3, chosen=chosen)
    item = world[2]
    belongs = int(np.flatnonzero(world.own_scene == item["scene"])[0])
    assert belongs != item["action"]
    clip, mask = item["clip"][None], item["mask"][None]
    for name, net in (("baseline", baseline), ("debiased", debiased)):
        net.eval()
        said = int(net(clip).argmax())
        answers = said, item["action"], belongs
        classes = dict(zip(cam_view.CLASSES, answers, strict=True))
        maps = class_activation_map(net, clip, classes[chosen])
        maps = upsample_map(maps, clip.shape[2:])
        words = f"<b>{name}</b> says {world.action_names[said]}: "
        right = {item["action"]: "right", belongs: "wrong: the background's action"}
        assert words + right.get(said, "wrong") in panel.texts[0]
        energy = float(energy_inside(maps, mask))
        line = next(t for t in panel.texts[0].split("<p>") if f"<b>{name}</b>" in t)
        shown = "none" if math.isnan(energy) else f"{100 * energy:.0f} %"
        assert f"on the actor <b>{shown}</b>" in line
        overlap = 100 * float(box_iou(cam_boxes(maps), mask_boxes(mask)).mean())
        assert f"by {overlap:.0f} % (IoU)" in line


def test_maps_without_positive_evidence_are_drawn_and_said():
    baseline, debiased = networks()
    with torch.no_grad():
        baseline.fc.weight.copy_(-baseline.fc.weight.abs())
    panel = panels.cam_panel(baseline, debiased, swapped(2), names=("one", "two"))
    assert panel.error == "" and "on the actor <b>none</b>" in panel.texts[0]
    assert "clips: none and 0 %" in panel.texts[0] and "<b>two</b>" in panel.texts[0]


def test_cam_panels_refuse():
    with pytest.raises(ValueError, match="test clips"):
        panels.cam_panel(*networks(), SynthActions("test", 4))
    with pytest.raises(ValueError, match="5"):
        panels.cam_panel(*networks(5), swapped(2))
    clips = cam_view.swapped_clips(swapped(2), 2)
    with pytest.raises(ValueError, match="best"):
        cam_view.look(networks()[0], clips, "best")


# --------------------------------------------------------------------------- trade-off
GROUPS = {
    "losses": {"baseline": "none", "adversary": "adversary", "masks": "masks"},
    "labels": {"hard": "hard", "soft": "soft"},
}


def recorded(stale: tuple[str, ...] = ()) -> Recorded:
    """Made-up numbers: the later a run, the more it leaks and the better it is."""
    records, number = {}, 0.0
    for run in ("baseline", "adversary", "masks"):
        number += 0.1
        seeds = {
            str(seed): {
                "metrics": dict.fromkeys(trade_off.METRICS, number + 0.01 * seed)
            }
            for seed in (11, 12, 13)
        }
        records[run] = {"settings_hash": "x", "runs": seeds}
    return Recorded(records, {run: "y" if run in stale else "x" for run in records})


def test_trade_off_panel():
    panel = panels.trade_off_panel(recorded(), SETTINGS["cpu"], GROUPS)
    check(panel, {
        "group": ["labels", "losses"], "x": ["background_entropy", "cam_energy"],
        "y": ["background_action", "static"],
    })  # fmt: skip
    assert "baseline" not in panel.pictures[0].alt  # labels, not the runs' names
    assert not re.search(r"\d", panel.pictures[0].alt)


def test_the_trade_off_panel_says_what_is_recorded_and_what_is_not():
    panel = panels.trade_off_panel(recorded(("masks",)), SETTINGS["cpu"], GROUPS)
    text = panel.texts[0]
    assert "none: 22 ± 1 % and 22 ± 1 % (3 seeds)" in text
    assert "adversary: 32 ± 1 %" in text and "Missing: masks." in text
    assert "python -m course claims scene_debias" in text
    assert "better in both means than: <b>none</b>, <b>adversary</b>." in text
    panel.set(x="in_distribution")
    assert "better in both means than: <b>adversary</b>." in panel.texts[0]
    panel.set(group="labels")
    assert panel.error == "" and "Missing: hard, soft." in panel.texts[0]
    assert "mean ±" not in panel.texts[0]


def test_chances_are_the_worlds():
    settings = SETTINGS["cpu"]
    assert trade_off.chance("swapped", settings) == 1 / 8
    assert trade_off.chance("leakage", settings) == 1 / 8
    assert trade_off.chance("cam_energy", settings) is None


def test_seeds_that_lack_a_number_are_left_out_of_a_pair():
    records = {"a": {"settings_hash": "x", "runs": {
        "11": {"metrics": {"swapped": 0.5, "leakage": None}},
        "12": {"metrics": {"swapped": 0.7, "leakage": 0.2}},
    }}}  # fmt: skip
    rec = Recorded(records, {"a": "x"})
    found = trade_off.pairs_of(rec, {"a": "A"}, "leakage", "swapped")
    assert found == {"A": ([0.2], [0.7])}
    said = trade_off.trade_off_sentence(found, "leakage", "swapped", "x", None)
    assert "A: 20 % and 70 % (1 seed)" in said


def test_trade_offs_refuse():
    with pytest.raises(ValueError, match="mood"):
        trade_off.pairs_of(recorded(), GROUPS["losses"], "mood", "swapped")
    for groups in ({}, {"losses": {}}):
        with pytest.raises(ValueError, match="runs"):
            panels.trade_off_panel(recorded(), SETTINGS["cpu"], groups)
