"""What each way of training gives to the step: clips, masked clips, labels, options."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course.scene_debias import labeller
from course.scene_debias.adversary import ConditionalSceneHead, SceneHead
from course.scene_debias.inputs import (
    clips_of,
    hide_humans,
    masked_of,
    redrawn,
    scene_names,
    training_data,
)
from course.scene_debias.methods import METHODS, Method
from course.scene_debias.scales import SETTINGS, SOURCE, TARGET
from course.scene_debias.trainings import (
    learn,
    make_world,
    network,
    schedule_of,
    stepping,
    with_strength,
)

CPU = SETTINGS["cpu"]
SMALL = replace(CPU, knobs=replace(CPU.knobs, size=24))
SEEN = ("seen_only", "adversary_seen")  # masked clips, and no loss on them
MASKED = [name for name, method in METHODS.items() if method.masks != "none"]
LABELS = torch.arange(4096) % 8


@pytest.fixture(autouse=True)
def quick_labeller(monkeypatch):
    """The scenes' labeller learns for two steps; its own tests let it learn."""
    monkeypatch.setattr(labeller, "RECIPE", replace(labeller.RECIPE, steps=2))


@pytest.fixture(scope="module")
def world():
    return make_world(SMALL, "train", 3, clips=24)


@pytest.fixture(scope="module")
def truth(world):
    return world.tensors(("clip", "action", "scene", "mask", "background"))


# What is given


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_given_what_it_needs_and_no_more(world, truth, name):
    method = METHODS[name]
    data = training_data(world, method, SMALL, 3)
    more = {"masked"} if name in MASKED else set()
    more |= {"mask", "background"} if method.redraw else set()
    assert set(data) == {"clip", "action", "scene"} | more
    for key in data.keys() & {"clip", "action", "mask", "background"}:
        assert data[key].equal(truth[key]), key
    assert data["scene"].shape == ((24, 8) if method.soft else (24,))


@pytest.mark.parametrize("name", MASKED)
def test_masked_clips_are_other_videos(world, truth, name):
    method = METHODS[name]
    masked = training_data(world, method, SMALL, 3)["masked"]
    hidden = hide_humans(truth, method.masks, SMALL, 3)
    origin = [
        {number for number in range(24) if masked[item].equal(hidden[number])}
        for item in range(24)
    ]
    assert all(len(found) == 1 for found in origin)
    assert {found.pop() for found in map(set, origin)} == set(range(24))
    assert all(item not in found for item, found in enumerate(origin))


@pytest.mark.parametrize("scale", SETTINGS)
def test_masked_clips_are_other_actions(scale):
    """Labels come in turns: a shift by whole turns would keep every action."""
    settings = SETTINGS[scale]
    actions = torch.as_tensor(make_world(settings, "train", 3).actions)
    count = len(actions)
    # Pixels that tell a clip's number, and nobody to hide.
    digits = torch.stack([torch.arange(count) % 256, torch.arange(count) // 256], 1)
    clips = torch.cat([digits, 0 * digits[:, :1]], 1).byte()[:, :, None, None, None]
    data = {
        "clip": clips, "background": clips, "action": actions, "scene": actions,
        "mask": torch.zeros(count, 1, 1, 1, dtype=torch.bool),
    }  # fmt: skip
    few = SimpleNamespace(tensors=lambda keys: {key: data[key] for key in keys})
    masked = training_data(few, METHODS["masks"], settings, 3)["masked"].flatten(1)
    origin = masked[:, 0].int() + 256 * masked[:, 1].int()
    assert origin.sort().values.equal(torch.arange(count).int())
    assert not bool((actions[origin] == actions).any())


def test_an_erased_human_leaves_the_worlds_own_background(truth):
    assert hide_humans(truth, "erased", SMALL, 3).equal(truth["background"])


def test_missed_frames_show_the_actor_and_all_others_the_background(truth):
    found = hide_humans(truth, "missing", replace(SMALL, missing=0.5), 3)
    actor = (found == truth["clip"]).all(1).flatten(2).all(2)
    empty = (found == truth["background"]).all(1).flatten(2).all(2)
    assert bool((actor ^ empty).all()) and 0.3 < actor.float().mean() < 0.7
    assert not actor.equal(actor[:1].expand_as(actor))  # every clip's own frames
    again = hide_humans(truth, "missing", replace(SMALL, missing=0.5), 4)
    assert not again.equal(found)
    some = hide_humans(truth, "missing", SMALL, 3)
    share = (some == truth["clip"]).all(1).flatten(2).all(2).float().mean()
    assert share == pytest.approx(SMALL.missing, abs=0.1)


def grown_by_one(frame):
    """A mask and its eight neighbours, in numpy."""
    wide, out = np.pad(frame, 1), np.zeros_like(frame)
    height, width = frame.shape
    for down in range(3):
        for right in range(3):
            out |= wide[down : down + height, right : right + width]
    return out


@pytest.mark.parametrize("kind", ["silhouette", "box"])
def test_silhouettes_and_boxes_have_the_frames_mean_colour(truth, kind):
    found = hide_humans(truth, kind, SMALL, 3).numpy()
    clips, masks = truth["clip"].numpy(), truth["mask"].numpy()
    for number, time in ((0, 0), (5, 3), (23, 7)):
        hole = grown_by_one(masks[number, time])
        if kind == "box":
            rows, columns = (np.flatnonzero(hole.any(axis)) for axis in (1, 0))
            hole = np.zeros_like(hole)
            hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
        frame, covered = clips[number, :, time], found[number, :, time]
        mean = frame.reshape(3, -1).mean(axis=1)
        assert np.abs(covered[:, hole] - mean[:, None]).max() <= 0.51
        assert (covered[:, ~hole] == frame[:, ~hole]).all()


def test_a_redrawn_clip_is_the_actor_before_another_background(world, truth):
    data = training_data(world, METHODS["redraw"], SMALL, 3)
    rows = [4, 17, 2, 11]
    batch = {key: value[rows] for key, value in data.items()}
    found = redrawn(batch).numpy()
    mask = truth["mask"].numpy()[rows][:, None].astype(np.float32)
    clip, behind = (truth[k].numpy()[rows] / 255 for k in ("clip", "background"))
    for item in range(4):
        matches = [
            np.abs(mask[item] * clip[item] + (1 - mask[item]) * behind[other]
                   - found[item]).max() < 1e-6
            for other in range(4)
        ]  # fmt: skip
        assert sum(matches) == 1 and not matches[item]
    # As `fit` hands it over: in [0, 1].
    floats = {k: v / 255 if v.dtype == torch.uint8 else v for k, v in batch.items()}
    assert np.allclose(redrawn(floats).numpy(), found)


def test_clips_of_a_batch_come_in_shares(truth):
    batch = {"clip": truth["clip"][:3], "masked": truth["background"][:3]}
    assert torch.equal(clips_of(batch), truth["clip"][:3] / 255)
    assert torch.equal(masked_of(batch, 2), truth["background"][:2] / 255)
    assert len(masked_of(batch, 16)) == 3


# Scene labels


def named(seed=3, noise=0.4, **options):
    """Names of `LABELS`, by labellers that need not look at any clip."""
    settings, method = replace(CPU, noise=noise), Method("plain", **options)
    return scene_names(LABELS, torch.empty(0), method, settings, seed)


def test_labels_are_wrong_in_the_way_that_was_asked_for():
    assert named().equal(LABELS)
    uniform, confusable = named(labels="uniform"), named(labels="confusable")
    wrong = uniform != LABELS
    assert wrong.float().mean() == pytest.approx(0.4 * 7 / 8, abs=0.03)
    assert len(set(zip(LABELS[wrong].tolist(), uniform[wrong].tolist()))) == 56  # noqa: B905
    wrong = confusable != LABELS
    assert wrong.float().mean() == pytest.approx(0.4, abs=0.03)
    assert confusable[wrong].equal(LABELS[wrong] ^ 1)
    assert named(labels="merged").equal(LABELS // 2 * 2)
    assert not named(seed=4, labels="uniform").equal(uniform)
    assert not named(labels="uniform", noise=0.2).equal(uniform)


@pytest.mark.parametrize("labels", ["exact", "uniform", "confusable", "merged"])
def test_soft_labels_are_calibrated_distributions(labels):
    """Of the clips that are given one distribution, so many are in each scene."""
    soft, hard = named(labels=labels, soft=True), named(labels=labels)
    assert soft.shape == (4096, 8) and bool((soft >= 0).all())
    assert torch.allclose(soft.sum(1), torch.ones(4096))
    for name in hard.unique():
        given, scenes = soft[hard == name], LABELS[hard == name]
        assert bool((given == given[0]).all())
        shares = torch.bincount(scenes, minlength=8) / len(scenes)
        assert torch.allclose(given[0], shares, atol=0.05)


# The step


def step_of(name, settings=SMALL):
    method = METHODS[name] if isinstance(name, str) else name
    return stepping(network(settings, 3), method, settings, 10, 8)


@pytest.mark.parametrize("name", METHODS)
def test_the_step_is_what_the_method_says(name):
    step, method = step_of(name), METHODS[name]
    kinds = {"none": type(None), "plain": SceneHead,
             "conditional": ConditionalSceneHead}  # fmt: skip
    assert type(step.scene_head) is kinds[method.adversary]
    assert (step.masked is not None) == (name in MASKED)
    assert step.confusion == (0.0 if name in SEEN else 1.0)
    assert step.wiring == ("released" if name == "released" else "paper")
    assert (step.mask_head is not None) == (name == "released")
    assert step.clips is (redrawn if name == "redraw" else clips_of)
    assert step.optimisation == "one_step" and step.planned_steps == 10
    if step.scene_head or step.mask_head:
        optimizer = step.heads.optimizer
        assert isinstance(optimizer, torch.optim.AdamW)
        assert optimizer.defaults["lr"] == CPU.head_rate
        assert step.heads.steps == CPU.head_steps
    else:
        assert step.heads.optimizer is None


def test_a_batch_has_as_many_masked_clips_as_the_scale_says(truth):
    batch = {"masked": truth["background"]}
    step = step_of("masks", replace(SMALL, masked=5))
    assert len(step.masked(batch)) == 5


def test_slow_ramps_wait_for_the_head_and_end_with_the_training():
    slow, fast = (schedule_of(METHODS[n], CPU) for n in ("adversary", "fast"))
    assert slow(0.0) == slow(0.29) == 0.0 and slow(0.65) == pytest.approx(0.5)
    assert slow(1.0) == pytest.approx(CPU.strength)
    assert fast(0.1) == pytest.approx(0.462, abs=1e-3) and fast(0.3) > 0.9
    strong = schedule_of(with_strength("conditional", 4.0), CPU)
    assert strong(0.65) == pytest.approx(2.0) and strong(0.2) == 0.0
    assert with_strength("conditional", 4.0).adversary == "conditional"


def test_worlds_of_a_scale():
    world = make_world(CPU, "train", 3)
    assert len(world) == CPU.clips and len(make_world(CPU, "swapped", 3)) == 512
    assert world.knobs.scene_correlation == CPU.correlation
    turned = make_world(CPU, "test", 3, clips=5, scene_correlation=0.5, noise=0.0)
    assert (len(turned), turned.knobs.noise) == (5, 0.0)
    assert turned.knobs.scene_correlation == 0.5
    for what in ("actions", "scenes"):
        assert len(SOURCE[what]) == len(TARGET[what]) == 8
        assert not set(SOURCE[what]) & set(TARGET[what])


def test_what_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="methods are baseline, .* got 'magic'"):
        learn("magic", SMALL, 3)
    with pytest.raises(ValueError, match="scene_correlation must be"):
        learn("baseline", SMALL, 3, correlation=1.5)
    with pytest.raises(ValueError, match="split must be"):
        make_world(SMALL, "nobody", 3)


@pytest.mark.parametrize("field", [
    "adversary", "schedule", "labels", "masks", "wiring",
])  # fmt: skip
def test_methods_refuse_options_that_do_not_exist(field):
    with pytest.raises(ValueError, match=f"^{field} is one of .*, got 'magic'$"):
        Method(**{field: "magic"})
    with pytest.raises(ValueError, match=field):
        replace(METHODS["both"], **{field: None})


@pytest.mark.parametrize(("options", "said"), [
    ({"labels": "merged"}, "no use without adversary"),
    ({"soft": True}, "no use without adversary"),
    ({"masks": "box", "labels": "labeller"}, "no use without adversary"),
    ({"wiring": "released"}, "released wiring needs masked clips"),
    ({"adversary": "plain", "wiring": "released"}, "needs masked clips"),
])  # fmt: skip
def test_methods_refuse_options_that_would_do_nothing(options, said):
    with pytest.raises(ValueError, match=said):
        Method(**options)


@pytest.mark.parametrize("kind", ["none", "magic", ""])
def test_humans_are_hidden_in_known_ways_only(truth, kind):
    with pytest.raises(ValueError, match=f"masks are .'erased', .* got '{kind}'"):
        hide_humans(truth, kind, SMALL, 3)
