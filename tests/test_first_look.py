"""The room of the start notebook: panels, exercises, scales, claims, own video."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from panel_driver import drive

from course.evaluation import missing_runs
from course.first_look import panels, pictures
from course.first_look.claims import CLAIMS
from course.first_look.exercises import EXERCISES, quiz
from course.first_look.experiment import (
    RUNS,
    SETTINGS,
    make_network,
    make_world,
    training_step,
)
from course.synthetic import SynthActions
from course.teaching import prove
from course.teaching.own_video import MOST_FRAMES, open_video


@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_tells_right_from_wrong(name):
    prove(EXERCISES[name])


def test_the_quiz_can_be_won():
    live = quiz()
    for question, choice in zip(live.questions, live.choices, strict=True):
        choice.index = question.answer
    assert live.score() == len(live.questions) >= 3


def test_world_knobs():
    panel = panels.world_knobs()
    plan = {"view": ["mask", "motion"], "clip": [3], "actor_size": [0.25, 0.85]}
    plan |= {name: [panel.controls[name].max] for name in (
        "actor_texture", "colour_similarity", "background_texture", "background_motion",
        "camera_pan", "camera_jitter", "noise")}  # fmt: skip
    plan |= {"action": ["kick"], "scene": ["beach"], "occluder": [1.0]}
    seen = drive(panel, plan)
    assert {name for name, *_ in seen} == set(panel.controls)
    panel.set(camera_pan=0.3)
    assert "elsewhere" in panel.texts[0]


def test_every_knob_of_the_panel_changes_the_picture():
    panel = panels.world_knobs()
    panel.set(action="walk_forward", scene="forest", camera_pan=0.02)
    for name, control in panel.controls.items():
        before, old = panel.pictures[0].png, control.value
        if hasattr(control, "max"):
            control.value = control.max if control.value != control.max else control.min
        else:
            control.index = (control.index + 1) % len(control.options)
        assert panel.pictures[0].png != before, name
        control.value = old


def test_correlation_table_counts_and_measures():
    panel = panels.correlation_table()
    drive(panel)
    panel.set(rho=0.0)
    assert "12 % of the clips" in panel.texts[0] and "= 0.00 nats" in panel.texts[0]
    panel.set(rho=1.0)
    assert "100 % of the clips" in panel.texts[0] and "= 2.08 nats" in panel.texts[0]


def test_attention_shows_clip_and_evidence():
    settings = SETTINGS["cpu"]
    nets = {"one": make_network(settings, 0), "two": make_network(settings, 1)}
    worlds = {s: make_world(settings, s, 0, 24) for s in ("swapped", "test")}
    panel = panels.attention(nets, worlds)
    drive(panel)
    assert "The network says" in panel.texts[0]


def test_frame_differences():
    frames, rate, name = open_video()
    panel = panels.frame_differences(frames, rate, name)
    drive(panel)
    panel.set(threshold=0.5)
    assert panel.texts[0].startswith("<p>")
    with pytest.raises(ValueError, match="at least two frames"):
        panels.frame_differences(frames[:1], rate, name)


def test_own_video_goes_through_a_file(tmp_path):
    frames, rate, name = open_video()
    assert frames.shape == (20, 80, 80, 3) and rate == 10.0
    assert name == "clip_of_the_world.mp4"
    from course.video import VideoError, write_video

    long = write_video(tmp_path / "long.mp4", np.zeros((300, 64, 48, 3), np.uint8))
    frames, rate, name = open_video(long)
    assert len(frames) == MOST_FRAMES and name == "long.mp4" and rate == 20.0
    with pytest.raises(VideoError, match="no such file"):
        open_video(tmp_path / "missing.mp4")


def test_real_clips_open(real_data):
    for path in sorted((real_data / "clips").iterdir()):
        frames, rate, name = open_video(path)
        assert len(frames) > 1 and rate > 0 and "/" not in name


@pytest.mark.slow
@pytest.mark.parametrize("make", [pictures.every_action, pictures.contact_sheet])
def test_pictures_fit_into_a_notebook(make):
    picture = make()
    assert len(picture.png) < 160_000 and picture.width >= 500


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["gpu", "full"])
def test_large_scales_take_two_steps_on_a_cpu(scale):
    """So that no scale rots: its net, its clips, its precision, batch 1."""
    settings = SETTINGS[scale]
    assert settings.recipe.mixed_precision == "bf16"
    world = make_world(settings, "train", 0, 2)
    net = make_network(settings, 0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    before = net.fc.weight.detach().clone()
    for step in range(2):
        batch = world.render([step], ("clip", "action"))
        batch["clip"] = batch["clip"].float() / 255
        with torch.autocast("cpu", torch.bfloat16):
            loss = training_step(net, batch, step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert torch.isfinite(loss)
    assert not torch.equal(net.fc.weight, before)


def test_claims_refer_to_runs_that_exist():
    names = {name for claim in CLAIMS for name, _ in claim.references}
    assert names == set(RUNS)
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    wanted = missing_runs(CLAIMS, {}, [11, 12])
    assert set(wanted) == {(name, seed) for name in RUNS for seed in (11, 12)}


def test_the_recorded_ledger_is_of_today():
    """results/first_look/cpu must have been made by this code's settings."""
    from course import chapters

    verdicts = chapters.decide("first_look", "cpu", chapters.reported_seeds(5))
    assert [v.outcome for v in verdicts if v.outcome in ("stale", "not recorded")] == []


def test_training_at_cpu_scale_is_deterministic():
    settings = SETTINGS["cpu"]
    data = make_world(settings, "train", 0, 64).tensors(("clip", "action"), cache=False)

    def weights():
        from dataclasses import replace

        from course.training import fit

        net = make_network(settings, 0)
        recipe = replace(settings.recipe, epochs=None, steps=3)
        fit(net, data, training_step, recipe, device="cpu", progress=False)
        return net.state_dict()

    a, b = weights(), weights()
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_the_worlds_of_a_scale_are_synthactions():
    assert isinstance(make_world(SETTINGS["cpu"], "val", 3, 2), SynthActions)
