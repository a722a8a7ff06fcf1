"""The report card on a toy world whose models are known, then on the real one."""

import pytest
import torch
from torch import nn

from course.backbones import small_r2plus1d
from course.evaluation import (
    REPORT_CARD,
    ReportCard,
    predict,
    report_card,
    report_card_table,
    report_card_world,
    wilson_interval,
)

ACTIONS, SIZE = 4, 8
OWN_SCENE = torch.tensor([2, 3, 1, 0])


class ToyWorld:
    """Red is the scene, everywhere; green, in a 4x4 corner, is the action.

    The corner lights up in frame `action`, so a single frame does not tell the action.
    """

    def __init__(self, split, seed, count):
        draws = torch.Generator().manual_seed(seed * 100 + len(split))
        self.split, self.own_scene = split, OWN_SCENE.numpy()
        self.action = torch.arange(count) % ACTIONS
        own = OWN_SCENE[self.action]
        anywhere = torch.randint(0, ACTIONS, (count,), generator=draws)
        shift = torch.randint(1, ACTIONS, (count,), generator=draws)
        another = OWN_SCENE[(self.action + shift) % ACTIONS]
        self.scene = {"swapped": another, "uncorrelated": anywhere}.get(split, own)

    def tensors(self, keys):
        count = len(self.action)
        clip = torch.zeros(count, 3, ACTIONS, SIZE, SIZE, dtype=torch.uint8)
        mask = torch.zeros(count, ACTIONS, SIZE, SIZE, dtype=torch.bool)
        clip[:, 0] = (self.scene * 60).to(torch.uint8)[:, None, None, None]
        if self.split != "background_only":
            clip[torch.arange(count), 1, self.action, :4, :4] = 255
            mask[:, :, :4, :4] = True
        if self.split == "static":
            clip = clip[:, :, :1].expand_as(clip)
        all_ = {"clip": clip, "action": self.action, "scene": self.scene, "mask": mask}
        return {key: all_[key] for key in keys}


class Reader(nn.Module):
    """A recogniser that reads only the scene, or only the action."""

    def __init__(self, reads):
        super().__init__()
        self.reads = reads
        self.fc = nn.Linear(ACTIONS, ACTIONS, bias=False)
        with torch.no_grad():
            self.fc.weight.copy_(torch.eye(ACTIONS))
        self.dropout = nn.Dropout(0.9)

    def forward_features(self, clips):
        if self.reads == "scene":
            level = (clips[:, 0] * 255 / 60).round()
            maps = [level == OWN_SCENE[k] for k in range(ACTIONS)]
        else:
            maps = [clips[:, 1] * (torch.arange(ACTIONS) == k)[:, None, None]
                    for k in range(ACTIONS)]  # fmt: skip
        return self.dropout(torch.stack(maps, 1).float())

    def embed(self, clips):
        return self.forward_features(clips).mean(dim=(2, 3, 4))

    def forward(self, clips):
        return self.fc(self.embed(clips))


def examine(model, **options):
    options = {"test_clips": 64, "probe_clips": 80} | options
    return report_card(model, seed=3, world=ToyWorld, batch_size=24, **options)


def test_the_card_of_a_scene_reader():
    metrics = examine(Reader("scene")).as_metrics()
    assert metrics["in_distribution"] == metrics["background_only"] == 1.0
    assert metrics["static"] == 1.0
    assert metrics["swapped"] == 0.0 and metrics["background_action_rate"] == 1.0
    assert 0.1 < metrics["uncorrelated"] < 0.4
    assert metrics["scene_leakage"] == 1.0
    assert metrics["cam_on_actor"] == pytest.approx(0.25) == metrics["actor_area"]


def test_the_card_of_a_motion_reader():
    metrics = examine(Reader("action")).as_metrics()
    assert metrics["in_distribution"] == metrics["swapped"] == 1.0
    assert metrics["uncorrelated"] == 1.0 and metrics["background_action_rate"] == 0.0
    assert metrics["background_only"] == metrics["static"] == 0.25
    assert metrics["scene_leakage"] < 0.5
    assert metrics["cam_on_actor"] == 1.0


def test_it_restores_every_mode_and_changes_nothing():
    model = Reader("action").train()
    model.fc.eval()
    weight = model.fc.weight.clone()
    examine(model)
    assert model.training and model.dropout.training and not model.fc.training
    assert torch.equal(model.fc.weight, weight) and model.fc.weight.grad is None


def test_features_are_read_in_eval_mode():
    model = Reader("action").train()
    clips = ToyWorld("test", 0, 8).tensors(["clip"])["clip"]
    assert torch.equal(predict(model.embed, clips), model.eval().embed(clips / 255))


def test_a_plain_function_has_a_shorter_card():
    card = examine(lambda clips: Reader("scene").eval()(clips))
    assert card.swapped.estimate == 0.0
    assert card.scene_leakage is card.cam_on_actor is None
    assert set(card.as_metrics()) == {
        "in_distribution", "swapped", "uncorrelated", "background_only", "static",
        "background_action_rate",
    }  # fmt: skip


def test_a_model_without_evidence_has_no_cam_but_a_card():
    model = Reader("action")
    with torch.no_grad():
        model.fc.weight.zero_()
    card = examine(model)
    assert card.cam_on_actor is None and card.actor_area.estimate == 0.25


def test_leakage_is_tested_on_other_clips_of_another_seed():
    asked = []

    def world(split, seed, count):
        asked.append((split, seed, count))
        return ToyWorld(split, seed, count)

    report_card(Reader("scene"), 3, world=world, test_clips=8, probe_clips=40)
    shift = REPORT_CARD.probe_seed_shift
    assert ("uncorrelated", 3 + shift, 40) in asked
    assert {split for split, seed, _ in asked if seed == 3} == {
        "test", "swapped", "uncorrelated", "background_only", "static",
    }  # fmt: skip


def test_the_probe_is_not_asked_what_it_has_learnt():
    noise = torch.Generator().manual_seed(0)

    def model(clips):
        return Reader("scene").eval()(clips)

    model.embed = lambda clips: torch.randn(len(clips), 300, generator=noise)
    card = examine(model, probe_clips=160)
    assert card.scene_leakage.estimate < 0.5  # on its own clips it would be 1


def test_the_printed_card():
    lines = str(examine(Reader("scene"))).splitlines()
    assert lines[0].split() == ["value", "95", "%", "interval", "better"]
    assert lines[1] == "in distribution      100 %     94 - 100 %  higher"
    assert len(lines) == 10 and len({line.index(" %") for line in lines[1:]}) == 1
    rows = examine(Reader("scene")).rows()
    assert rows[1][0] == "scenes swapped" and rows[1][2] == "higher"


def test_cards_side_by_side():
    cards = {"motion": examine(Reader("action")), "f": ReportCard()}
    table = report_card_table(cards)
    assert "scenes swapped        100 %      -  higher" in table
    with pytest.raises(ValueError, match="at least one card"):
        report_card_table({})


def test_intervals_are_those_of_the_clips():
    card = examine(Reader("scene"))
    assert card.in_distribution == wilson_interval(64, 64)
    assert card.scene_leakage == wilson_interval(40, 40)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="at least 4 clips"):
        examine(Reader("scene"), probe_clips=3)
    with pytest.raises(ValueError, match=r"\(64, 9\) for a world of 4"):
        examine(lambda clips: torch.zeros(len(clips), 9).index_fill_(
            1, torch.tensor([0]), 1.0))  # fmt: skip
    with pytest.raises(ValueError, match=r"24 clips gave an output of shape \(1, 4\)"):
        examine(lambda clips: torch.zeros(1, 4))
    with pytest.raises(ValueError, match="batch_size"):
        predict(len, torch.zeros(1, 3, 1, 4, 4), batch_size=0)
    with pytest.raises(ValueError, match=r"\(3, 1, 4, 4\)"):
        predict(len, torch.zeros(3, 1, 4, 4))
    with pytest.raises(ValueError, match="no clips"):
        predict(len, torch.zeros(0, 3, 1, 4, 4))


def test_an_untrained_net_in_the_frozen_world(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    torch.manual_seed(0)
    net = small_r2plus1d(REPORT_CARD.world["num_actions"])
    sizes = {"test_clips": 8, "probe_clips": 96}
    card = report_card(net, seed=0, **sizes)
    metrics = card.as_metrics()
    assert len(metrics) == 9 and all(0 <= v <= 1 for v in metrics.values())
    assert card.in_distribution.low < 0.5
    assert metrics["scene_leakage"] > 0.4  # it already reads the scene
    assert report_card(net, seed=0, **sizes) == card


def test_the_frozen_world_is_what_was_frozen():
    world = report_card_world("train", seed=REPORT_CARD.seeds[0])
    assert len(world) == 1024 and len(report_card_world("swapped", seed=1)) == 512
    assert world.knobs.frames == 8 and world.knobs.frame_size == (32, 32)
    assert world.knobs.scene_correlation == 0.9
    from course.training import TrainSettings

    assert TrainSettings(**REPORT_CARD.recipe).planned_steps(len(world)) == 640
