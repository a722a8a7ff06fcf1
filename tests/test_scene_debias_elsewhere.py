"""The trained network elsewhere: on other actions in other scenes, in long videos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from course.evaluation.probes import one_hot
from course.scene_debias.scales import SETTINGS, SOURCE, TARGET
from course.scene_debias.trainings import network
from course.scene_debias.trials import localisation, transfer
from course.scene_debias.trials.localisation import (
    localise,
    proposals,
    snippets,
    without_overlaps,
)

CPU, SEED, RHO = torch.device("cpu"), 3, 0.75
TINY = replace(
    SETTINGS["cpu"], knobs=replace(SETTINGS["cpu"].knobs, size=16), correlation=RHO,
    test_clips=64,
)  # fmt: skip


def test_transfer_leaves_the_network_unchanged():
    recipe = replace(TINY.target_recipe, epochs=None, steps=2, batch_size=8)
    settings = replace(TINY, target_clips=16, test_clips=16, target_recipe=recipe)
    net = network(settings, SEED).eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    found = transfer.transfer(net, settings, SEED, CPU)
    targets = ("biased", "unbiased")
    assert set(found) == {f"{how}_{t}" for how in ("linear", "tuned") for t in targets}
    assert not net.training and all(0 <= value <= 1 for value in found.values())
    assert all(v.equal(before[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())


def test_targets_have_other_actions_scenes_and_seeds():
    for rho in (RHO, 0.0):
        world = transfer.target(replace(TINY, target_clips=16), "train", SEED, rho)
        assert (len(world), world.seed) == (16, SEED + transfer.TARGET_SEED)
        assert world.action_names == TARGET["actions"]
        assert world.scene_names == TARGET["scenes"]
        assert world.knobs.scene_correlation == rho
    test = transfer.target(TINY, "test", SEED, 0.0)
    assert len(test) == TINY.test_clips and test.knobs.frames == TINY.knobs.frames


# When does it happen


class Times(nn.Module):
    """Features are a clip's mean brightness in each of its frames."""

    def embed(self, clips):
        return clips.mean((1, 3, 4))


def video(frames):
    """Frame t has brightness t / 100, and the action t."""
    light = torch.arange(frames).view(1, frames, 1, 1) / 100
    return {"clip": light.expand(3, frames, 4, 4), "frame_action": torch.arange(frames)}


def test_snippets_stand_in_the_middle_of_their_stretch():
    settings = replace(TINY, stride=4)  # and 8 frames, four of them before the middle
    features, labels = snippets(Times(), video(19), settings)
    assert labels.tolist() == [2, 6, 10, 14]
    expected = [np.clip(np.arange(m - 4, m + 4), 0, 18) for m in labels]
    assert np.allclose(100 * features, expected, atol=1e-4)
    assert features.shape == (4, 8)
    features, labels = snippets(Times(), video(1), settings)
    assert labels.tolist() == [0] and np.allclose(features, 0)


def test_proposals_are_runs_above_every_threshold():
    settings = replace(TINY, stride=4)  # of five frames a second: 0.8 s
    scores = np.array([[0.80, 0.15, 0.05], [0.35, 0.65, 0.00],
                       [0.35, 0.65, 0.00], [0.20, 0.05, 0.75]])  # fmt: skip
    found = proposals(scores, np.array([-1, 0, 3]), 7, settings)
    rows = {tuple(round(x, 6) for x in row) for row in found}
    # Above 0.1 action 0 lasts from the first snippet on, with a mean score of 0.48:
    # two thirds of that are its better part, so it goes.
    assert rows == {
        (7, 0, 0.8, 2.4, 0.65),  # above 0.2 .. 0.6
        (7, 3, 2.4, 3.2, 0.75),  # above 0.1 .. 0.7; 0.05 never counts
    }
    assert len(found) == len(rows)  # what many thresholds propose is said once
    assert proposals(scores[:, :1], np.array([-1]), 7, settings) == []
    scores[:, 1] = [0.15, 0.15, 0.65, 0.15]  # a quarter of the long run is better
    found = proposals(scores[:, 1:2], np.array([0]), 7, settings)
    assert [row[2:4] for row in found] == [(1.6, pytest.approx(2.4)), (0.0, 3.2)]


def test_of_overlapping_segments_the_best_stays():
    """IoU by hand: 2 of 4 s shared is one half, and one half may stay."""
    best, half, more = (0.0, 4.0, 0.9), (0.0, 2.0, 0.8), (0.0, 2.1, 0.7)
    apart, touching = (6.0, 8.0, 0.1), (4.0, 6.0, 0.2)
    found = without_overlaps([apart, more, half, touching, best], 0.5)
    assert found == [best, half, touching, apart]  # `more` meets both of the first
    assert without_overlaps([half, more, best], 0.49) == [best]
    assert without_overlaps([half, more, best], 1.0) == [best, half, more]
    # What was removed removes nothing: the third meets the second alone.
    chain = [(0.0, 4.0, 0.9), (1.0, 5.0, 0.8), (3.0, 7.0, 0.7)]
    assert without_overlaps(chain, 0.3) == [chain[0], chain[2]]
    assert without_overlaps([best, best, best], 0.5) == [best]
    assert without_overlaps([], 0.5) == []


@pytest.mark.parametrize("blind", [False, True])
def test_localisation_by_features_that_tell_all_or_nothing(monkeypatch, blind):
    def told(net, video, settings):
        features, labels = snippets(Times(), video, settings)
        rows = np.zeros_like(labels) if blind else labels + 1
        return one_hot(rows, 9), labels

    monkeypatch.setattr(localisation, "snippets", told)
    # A snippet for every frame: nothing that happens falls between two of them.
    settings = replace(TINY, videos=8, time_scale=0.2, stride=1)
    found = localise(Times(), settings, SEED)
    test = localisation.videos(settings, "test", SEED)
    idle = np.concatenate([test[n]["frame_action"].numpy() < 0 for n in range(8)])
    if blind:
        assert found["snippets"] == pytest.approx(idle.mean())
        assert found["map_50"] <= found["map_30"] < 0.3
    else:
        assert found["snippets"] == 1.0
        assert found["map_30"] > 0.9 and found["map_50"] > 0.8


def test_untrimmed_videos_show_known_actions_in_unknown_scenes():
    videos = localisation.videos(TINY, "test", SEED)
    assert len(videos) == TINY.videos
    assert videos.knobs.scene_correlation == 0.0
    assert videos.action_names == SOURCE["actions"]
    assert videos.scene_names == TARGET["scenes"]
