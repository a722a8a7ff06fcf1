"""What is asked of a trained network, put to networks whose answers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from course.evaluation.scene_bias import scene_bias
from course.scene_debias.examine import PROBE_SEED, examine, leakage, split_of
from course.scene_debias.scales import SETTINGS
from course.scene_debias.trainings import make_world, network
from course.scene_debias.trials import bias
from course.synthetic import SynthActions

CPU, SEED, RHO = torch.device("cpu"), 3, 0.75
TINY = replace(
    SETTINGS["cpu"], knobs=replace(SETTINGS["cpu"].knobs, size=16), correlation=RHO,
    test_clips=64, probe_clips=160,
)  # fmt: skip
SPLITS = ("test", "static", "uncorrelated", "background_only")


class Remembers(nn.Module):
    """Has seen all clips of the tests before: `kind` says what it uses of them.

    "scene": it answers the action that the scene belongs to; "action": it names the
    action where the actor is, and is unsure where nobody is.  Features are one number a
    scene, everywhere, or one an action, on the actor's pixels.
    """

    def __init__(self, kind):
        super().__init__()
        self.kind, self.seen = kind, {}
        clips = [split_of(TINY, split, SEED, RHO) for split in SPLITS]
        clips.append(split_of(TINY, "swapped", SEED, 0.0))
        clips.append(
            split_of(TINY, "uncorrelated", SEED + PROBE_SEED, 0.0, TINY.probe_clips)
        )
        for data in clips:
            where = data["mask"].float()[:, None]
            where = where if kind == "action" else torch.ones_like(where)
            codes = torch.eye(8)[data[kind]][:, :, None, None, None]
            for clip, code, place in zip(data["clip"], codes, where, strict=True):
                self.seen[clip.numpy().tobytes()] = code * place
        own = torch.as_tensor(make_world(TINY, "test", SEED, 8).own_scene)
        weight = torch.eye(8) if kind == "action" else torch.eye(8)[own]
        self.fc = nn.Linear(8, 8, bias=False)
        # A little of everything: no map is without positive evidence.
        self.fc.weight.data = 1000.0 * (weight + 0.01)

    def forward_features(self, clips):
        levels = (255 * clips).round().byte()
        return torch.stack([self.seen[clip.numpy().tobytes()] for clip in levels])

    def embed(self, clips):
        return self.forward_features(clips).mean((2, 3, 4))

    def forward(self, clips):
        return self.fc(self.embed(clips))


class Constant(nn.Module):
    """Says the first action whatever it sees, and is nearly undecided."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 8)
        nn.init.ones_(self.fc.weight)
        self.fc.bias.data = torch.eye(8)[0] / 1000

    def forward_features(self, clips):
        return torch.ones(len(clips), 2, 2, 4, 4)

    def embed(self, clips):
        return self.forward_features(clips).mean((2, 3, 4))

    def forward(self, clips):
        return self.fc(self.embed(clips))


def at_home(split):
    data = split_of(TINY, split, SEED, RHO)
    right = data["own_scene"][data["action"]] == data["scene"]
    return right.float().mean().item()


def test_a_network_that_sees_the_scene_alone():
    found = examine(Remembers("scene"), TINY, SEED)
    assert found["background_action"] == 1.0 and found["swapped"] == 0.0
    for name, split in (("in_distribution", "test"), ("static", "static"),
                        ("uncorrelated", "uncorrelated"),
                        ("background_only", "background_only")):  # fmt: skip
        assert found[name] == pytest.approx(at_home(split)), name
    assert found["uncorrelated"] < 0.4 < 0.6 < found["in_distribution"] < 0.95
    assert found["leakage"] == 1.0 and found["background_entropy"] < 0.01
    assert found["cam_energy"] == pytest.approx(found["actor_area"])  # flat maps


def test_a_network_that_sees_the_actor_alone():
    found = examine(Remembers("action"), TINY, SEED)
    for name in ("in_distribution", "swapped", "uncorrelated", "static"):
        assert found[name] == 1.0, name
    assert found["background_action"] == 0.0
    assert found["background_only"] == 1 / 8  # the first of eight that are equal
    assert found["background_entropy"] == pytest.approx(1.0)
    assert found["leakage"] < 0.4
    assert found["cam_energy"] == pytest.approx(1.0) and found["cam_boxes"] > 0.9
    assert found["actor_area"] < 0.4 and found["centre_boxes"] < found["cam_boxes"]


def test_a_network_that_sees_nothing():
    found = examine(Constant(), TINY, SEED)
    for name in ("in_distribution", "swapped", "background_only", "static"):
        assert found[name] == 1 / 8, name
    swapped = split_of(TINY, "swapped", SEED, 0.0)
    first = (swapped["scene"] == swapped["own_scene"][0]).float().mean()
    assert found["background_action"] == pytest.approx(first.item())
    assert found["background_entropy"] == pytest.approx(1.0, abs=1e-4)
    assert found["leakage"] < 0.4
    assert found["cam_energy"] == pytest.approx(found["actor_area"])


def test_tests_leave_a_network_as_it_was():
    net = network(TINY, SEED).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    found = examine(net, TINY, SEED)
    assert net.training and all(map(math.isfinite, found.values()))
    assert all(v.equal(before[k]) for k, v in net.state_dict().items())
    assert examine(net.eval(), TINY, SEED) == found


def test_every_split_shows_the_same_performances_and_the_probe_others():
    test, swapped = (split_of(TINY, s, SEED, RHO) for s in ("test", "swapped"))
    assert test["action"].equal(swapped["action"])
    assert test["mask"].equal(swapped["mask"])
    assert bool((swapped["own_scene"][swapped["action"]] != swapped["scene"]).all())
    probe = split_of(TINY, "uncorrelated", SEED + PROBE_SEED, 0.0, TINY.probe_clips)
    assert not probe["mask"][:64].equal(test["mask"])


def test_the_head_is_asked_where_actions_tell_the_scene_and_where_not():
    class Says(nn.Module):
        def forward(self, features):
            return features

    class SaysTheActions(Says):
        actions = 8

        def forward(self, features, action):
            own = split_of(TINY, "test", SEED, RHO)["own_scene"]
            return torch.eye(8)[own[action]]

    net = Remembers("scene")
    assert not {"head", "head_uncorrelated"} & set(examine(net, TINY, SEED))
    knows = examine(net, TINY, SEED, head=Says())
    assert knows["head"] == knows["head_uncorrelated"] == 1.0
    told = examine(net, TINY, SEED, head=SaysTheActions())
    assert told["head"] == pytest.approx(at_home("test"))
    assert told["head_uncorrelated"] == pytest.approx(at_home("uncorrelated"))
    assert told["head_uncorrelated"] < 0.4 < 0.6 < told["head"]


def test_the_probe_is_tested_on_clips_that_it_has_not_learned_from():
    """Features that are one number a clip can be learned by heart, and tell nothing."""

    class Numbers(nn.Module):
        def embed(self, clips):
            codes = [hash(clip.numpy().tobytes()) % 2**31 for clip in clips]
            rows = [np.random.default_rng(code).normal(size=100) for code in codes]
            return torch.as_tensor(np.stack(rows))

    assert leakage(Numbers(), TINY, SEED) < 0.4


# The bias of the world


class Sees(nn.Module):
    """Features and answers are what `label` holds for a clip, one number a kind."""

    def __init__(self, label):
        super().__init__()
        self.label = label

    def embed(self, clips):
        levels = (255 * clips).round().byte()
        kinds = [self.label[clip.numpy().tobytes()] for clip in levels]
        return torch.eye(8)[torch.stack(kinds)]

    forward = embed


@pytest.fixture
def few():
    return replace(TINY, probe_clips=240, correlations=(0.0, 0.5, 1.0))


def with_network(monkeypatch, settings, key, blind=False):
    """The run's numbers if the scene network says a clip's `key`, or nothing."""
    seed, count, label = SEED + PROBE_SEED, settings.probe_clips, {}
    asked = [("test", rho) for rho in settings.correlations]
    for split, rho in [*asked, ("background_only", 0.0)]:
        data = split_of(settings, split, seed, rho, count)
        nothing = blind or (key == "action" and split == "background_only")
        for clip, kind in zip(data["clip"], data[key], strict=True):
            label[clip.numpy().tobytes()] = 0 * kind if nothing else kind
    monkeypatch.setattr(bias, "scene_network", lambda *_: Sees(label))
    return bias.bias(settings, SEED, CPU)


def test_a_perfect_scene_network_finds_the_true_bias(monkeypatch, few):
    found = with_network(monkeypatch, few, "scene")
    assert found["scenes"] == 1.0
    for rho in (0, 50, 100):
        accuracy = found[f"accuracy_{rho}"]
        assert found[f"bias_{rho}"] == pytest.approx(scene_bias(accuracy, 1 / 8))
    assert found["bias_100"] == pytest.approx(found["true_100"])
    assert found["accuracy_100"] == 1.0 and found["repair_100"] > 0.8
    assert found["accuracy_50"] == pytest.approx(0.5 + 0.5 / 8, abs=0.12)
    assert abs(found["bias_0"]) < 0.6 and found["repair_0"] < 0.1
    assert found["erased"] == pytest.approx(found["bias_0"])  # the very same scenes


def test_a_scene_network_that_sees_nothing_finds_no_bias(monkeypatch, few):
    found = with_network(monkeypatch, few, "scene", blind=True)
    for rho in (0, 50, 100):
        assert found[f"accuracy_{rho}"] == pytest.approx(1 / 8, abs=0.02)
    assert found["true_100"] == pytest.approx(math.log(8))
    assert found["scenes"] < 0.4 and abs(found["erased"]) < 0.2


def test_features_that_see_the_actor_lose_their_bias_with_it(monkeypatch, few):
    found = with_network(monkeypatch, few, "action")
    assert found["bias_0"] == pytest.approx(math.log(8))
    assert abs(found["erased"]) < 0.2 and found["scenes"] < 0.4


def test_the_true_bias_comes_from_labels_alone(monkeypatch, few):
    """It is that of the rule "each scene's own action", and no pixel is asked."""
    blind, known = (
        with_network(monkeypatch, few, "scene", blind) for blind in (True, False)
    )
    for name in ("render", "tensors"):
        monkeypatch.setattr(SynthActions, name, lambda *_: pytest.fail("it rendered"))
    for rho, accuracy in ((0.0, 1 / 8), (0.5, 0.5 + 0.5 / 8), (1.0, 1.0)):
        found = bias.true_bias(few, SEED, rho)
        assert found == pytest.approx(scene_bias(accuracy, 1 / 8), abs=0.1)
        assert found == blind[f"true_{100 * rho:.0f}"] == known[f"true_{100 * rho:.0f}"]
    assert bias.true_bias(replace(few, probe_clips=8), SEED, 0.5) == known["true_50"]
    assert bias.true_bias(few, SEED + 1, 0.5) != known["true_50"]


def test_the_scene_network_learns_scenes_of_another_world(monkeypatch):
    asked = []

    def learning(net, data, step, recipe, **named):
        asked.append((net, data, recipe))

    monkeypatch.setattr(bias, "fit", learning)
    settings = replace(TINY, clips=16)
    bias.scene_network(settings, SEED, CPU)
    ((net, data, recipe),) = asked
    assert net.fc.out_features == 8 and recipe is settings.recipe
    assert set(data) == {"clip", "scene"} and len(data["clip"]) == 8
    worlds = [make_world(settings, "background_only", s, 8, scene_correlation=0.0)
              for s in (SEED, SEED + bias.EMPTY_SEED)]  # fmt: skip
    first, other = (world.tensors(("clip",))["clip"] for world in worlds)
    assert data["clip"].equal(other) and not data["clip"].equal(first)
