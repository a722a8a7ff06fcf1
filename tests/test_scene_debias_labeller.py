"""The labeller of pictures that stands in for Places365: what it learns, and says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from course.scene_debias import labeller
from course.scene_debias.inputs import LABELLER_SEED, scene_names, training_data
from course.scene_debias.labeller import SIDE, frame_probabilities, scene_labeller
from course.scene_debias.methods import METHODS
from course.scene_debias.scales import SETTINGS
from course.scene_debias.scene_labels import hard_label, soft_label
from course.scene_debias.trainings import make_world
from course.scene_debias.trials import labels
from course.synthetic import Knobs, SynthActions

CPU, SEED = SETTINGS["cpu"], 3
KNOBS = replace(CPU.knobs, size=24)
WEAK, STRONG = 8, 96  # pictures


@pytest.fixture(scope="module")
def seen():
    """Clips of the world, none of which a labeller has learned from."""
    world = make_world(replace(CPU, knobs=KNOBS), "train", SEED, clips=64)
    return world.tensors(("clip", "action", "scene"), cache=False)


@pytest.fixture(scope="module")
def labellers():
    """A weak and a strong one, with fewer steps than the runs' have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labeller, "RECIPE", replace(labeller.RECIPE, steps=60))
        other = SEED + LABELLER_SEED
        return [scene_labeller(KNOBS, other, count) for count in (WEAK, STRONG)]


@pytest.fixture
def barely_trained(monkeypatch):
    monkeypatch.setattr(labeller, "RECIPE", replace(labeller.RECIPE, steps=2))


def right(probabilities, scene):
    """The share of frames whose first guess is the clip's scene."""
    return (probabilities.argmax(-1) == scene[:, None]).float().mean().item()


def test_every_frame_has_a_distribution(labellers, seen):
    net = labellers[1]
    found = frame_probabilities(net, seen["clip"])
    assert found.shape == (64, 8, 8) and found.dtype == torch.float32
    assert torch.allclose(found.sum(-1), torch.ones(64, 8)) and bool((found >= 0).all())
    # Clip and frame are where they belong: each alone says what it says among others.
    for clip, frame in ((0, 0), (5, 3), (63, 7)):
        alone = frame_probabilities(net, seen["clip"][clip, :, [frame]][None])
        assert torch.allclose(alone[0, 0], found[clip, frame], atol=1e-5)
    assert not found[0].allclose(found[0, :1].expand(8, 8))


def test_frames_of_other_sizes_are_brought_to_its_own(labellers):
    """A fading colour is the same at any size, but for its ends."""
    fade = torch.linspace(40, 200, 2 * SIDE)[None, None, None, None]
    wide = fade.expand(1, 3, 1, 2 * SIDE, 2 * SIDE).round().byte()
    small = wide.unflatten(3, (SIDE, 2)).unflatten(5, (SIDE, 2)).float()
    small = small.mean((4, 6)).round().byte()
    assert small.shape == (1, 3, 1, SIDE, SIDE)
    one, two = (frame_probabilities(labellers[1], x) for x in (wide, small))
    assert one.shape == (1, 1, 8) and torch.allclose(one, two, atol=0.03)


def test_few_pictures_make_a_weak_labeller(labellers, seen):
    weak, strong = (frame_probabilities(net, seen["clip"]) for net in labellers)
    good, poor = right(strong, seen["scene"]), right(weak, seen["scene"])
    assert good > 0.8 and 1 / 8 < poor < good - 0.2


def test_it_learns_empty_scenes_of_a_seed(monkeypatch):
    """As many as was asked, of that seed, scenes drawn evenly, and the scenes alone."""
    given = []
    monkeypatch.setattr(labeller, "fit", lambda net, data, *_, **__: given.append(data))
    knobs = replace(KNOBS, size=SIDE, scene_correlation=1.0)
    scene_labeller(knobs, 7, 12)
    (data,) = given
    world = SynthActions(
        "background_only", 12, 7, knobs=knobs, frames=1, scene_correlation=0.0
    ).tensors(("clip", "scene"), cache=False)
    assert set(data) == {"clip", "scene"} and data["clip"].shape == (12, 3, 1, 32, 32)
    assert data["clip"].equal(world["clip"]) and data["scene"].equal(world["scene"])


def test_the_seed_decides(barely_trained):
    def weights(seed):
        return scene_labeller(Knobs(num_scenes=3, size=16), seed, 4).state_dict()

    torch.manual_seed(99)
    first, again, other = weights(1), weights(1), weights(2)
    assert all(value.equal(again[key]) for key, value in first.items())
    assert not all(value.equal(other[key]) for key, value in first.items())


def test_without_pictures_there_is_no_labeller():
    with pytest.raises(ValueError, match="num_clips must be at least 1, got 0"):
        scene_labeller(KNOBS, SEED, 0)


# Labels of clips


def given(seen, name, scene=None, seed=SEED):
    settings = replace(CPU, knobs=KNOBS, labeller_pictures=WEAK)
    scene = seen["scene"] if scene is None else scene
    return scene_names(scene, seen["clip"], METHODS[name], settings, seed)


def test_hard_and_soft_labels_are_what_the_frames_say(labellers, seen, monkeypatch):
    asked = []

    def made(*arguments):
        asked.append(arguments)
        return labellers[0]

    monkeypatch.setattr("course.scene_debias.inputs.scene_labeller", made)
    said = frame_probabilities(labellers[0], seen["clip"])
    hard, soft = given(seen, "hard_labeller"), given(seen, "soft_labeller")
    assert asked == 2 * [(KNOBS, SEED + LABELLER_SEED, WEAK)]
    assert hard.dtype == torch.int64 and hard.equal(hard_label(said))
    assert soft.shape == (64, 8) and soft.equal(soft_label(said))
    # The soft label is no function of the hard one, as it is for drawn errors.
    rows = [soft[hard == name] for name in hard.unique()]
    assert any(not row.allclose(row[:1].expand_as(row), atol=0.05) for row in rows)
    assert 0 < (hard != seen["scene"]).float().mean() < 7 / 8
    # It looks: the true scenes are not asked.
    assert given(seen, "hard_labeller", torch.zeros_like(seen["scene"])).equal(hard)


def test_labels_repeat_and_the_seed_matters(barely_trained, seen):
    one, again = given(seen, "soft_labeller"), given(seen, "soft_labeller")
    assert one.equal(again)
    assert not one.equal(given(seen, "soft_labeller", seed=SEED + 1))


def test_training_data_has_the_labellers_names(barely_trained):
    settings = replace(CPU, knobs=KNOBS, labeller_pictures=WEAK)
    world = make_world(settings, "train", SEED, clips=16)
    data = training_data(world, METHODS["hard_labeller"], settings, SEED)
    truth = world.tensors(("clip", "scene"))
    named = scene_names(
        truth["scene"], truth["clip"], METHODS["hard_labeller"], settings, SEED
    )
    assert data["scene"].equal(named) and data["clip"].equal(truth["clip"])


def test_the_run_counts_right_names(monkeypatch):
    """By hand: four clips of eight frames, whose answers are made up."""
    settings = replace(CPU, knobs=KNOBS, clips=4)
    true = torch.eye(8)[make_world(settings, "train", SEED).scenes]
    wrong = true.roll(1, 1)
    said = true[:, None].repeat(1, 8, 1)
    said[1, :5] = 0.51 * wrong[1] + 0.49 * true[1]  # outvoted, though the mean is right
    said[2, :3] = wrong[2]
    said[3] = wrong[3]
    asked = []
    monkeypatch.setattr(labels, "scene_labeller", lambda *given: asked.append(given))
    monkeypatch.setattr(labels, "frame_probabilities", lambda net, clips: said)
    found = labels.labeller(settings, SEED, torch.device("cpu"))
    assert found == pytest.approx({
        "frames": (8 + 3 + 5 + 0) / 32, "hard": 2 / 4, "soft": 3 / 4,
        "agreement": (8 + 5 + 5 + 8) / 32,
    })  # fmt: skip
    assert asked == [(KNOBS, SEED + LABELLER_SEED, settings.labeller_pictures)]
