"""The runs of the MotionSqueeze room: finite, repeatable, at every scale."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from torch import nn

from course.datasets import Row
from course.datasets.manifest import read_manifest, write_manifest
from course.evaluation import REPORT_CARD, ReportCard, missing_runs, report_card
from course.evaluation.frozen_world import report_card_world
from course.motion_squeeze import trainings
from course.motion_squeeze.claims import CLAIMS
from course.motion_squeeze.experiment import RUNS, SETTINGS
from course.motion_squeeze.inputs import (
    STACK,
    backwards,
    five_flows,
    flow_to_next,
    frames,
    one_flow,
)
from course.motion_squeeze.trainings import (
    WITH_FLOW,
    dense_flow,
    make_world,
    network,
    trained_on,
)
from course.motion_squeeze.trials import (
    card,
    cost,
    module,
    recognition,
    two_streams,
    videos,
)
from course.motion_squeeze.trials.recognition import played_backwards
from course.motion_squeeze.trials.speed import STREAMS
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.video import write_video

CPU = torch.device("cpu")


def shortened(scale, batch, **changes):
    """A scale's settings with every training cut to two batches of clips."""
    full, recipes = SETTINGS[scale], {}
    for name in ("recipe", "more_recipe", "window_recipe"):
        recipe = getattr(full, name)
        recipes[name] = replace(recipe, epochs=1, batch_size=batch, log_every=1)
    two = {"clips": 2 * batch, "more_clips": 2 * batch, "long_epochs": 1}
    return replace(full, **recipes, **two, **changes)


TINY = shortened("cpu", 8, test_clips=16)
CARDS = ("card_tsn", "card_tsm", "card_msnet")
TIMES = ("seconds", "clips_per_second", "extraction_seconds", "added_seconds")
SHARES = {"accuracy", "family", "order"}
FIELD = {
    f"{when}_{key}" for when in ("untrained", "field")
    for key in ("error_actor", "still_actor", "error_background", "still_background",
                "error_moving", "still_moving", "cosine_moving", "wrong", "auc")
}  # fmt: skip
REVERSED = {"named_reversal", "named_forwards", "seconds", "clips_per_second"}
VIDEOS = {"accuracy", "clips_per_second", "gflops_per_clip", "steps", "planned_steps"}


def named(*prefixes):
    return {f"{prefix}_{key}" for prefix in prefixes for key in SHARES}


KEYS = {
    "tsn": SHARES | REVERSED,
    "msnet": SHARES | REVERSED | FIELD,
    "tsn_motion": SHARES | REVERSED | FIELD,
    "r2plus1d": SHARES | REVERSED,
    "r2plus1d_motion": SHARES | REVERSED | FIELD,
    "tsm": SHARES | REVERSED,
    "two_streams": {"seconds"} | named(
        "rgb", "next", "one", "five", "with_next", "with_one", "with_five"),
    "two_streams_tvl1": {"seconds", "extraction_seconds", "error", "still"}
    | named("tvl1", "with_tvl1"),
    "cost": {"added_seconds"} | {
        f"added_{what}_{net}" for what in ("macs", "parameters")
        for net in ("resnet18", "resnet50")},
    "matching": {"error_argmax", "error_soft", "error_kernel", "error_1d", "error_2d",
                 "half_argmax", "half_soft", "half_kernel"}
    | {f"auc_{scene}_{sign}" for scene in ("occlusion", "out_of_range", "flat")
       for sign in ("outliers", "correlation", "margin", "round_trip")},
    "msnet_videos": VIDEOS,
}  # fmt: skip
KEYS |= {f"tsm_{how}": KEYS["tsm"] for how in ("long", "more")}
KEYS["msnet_more"] = KEYS["msnet"]
KEYS["speed"] = {"tvl1_clips_per_second", "extraction_seconds"} | {
    f"{what}_{name}" for what in ("train_seconds", "clips_per_second")
    for name in STREAMS}  # fmt: skip
APART = (*CARDS, "speed")  # have tests of their own
# One run of each kind is done twice.
TWICE = ("tsn", "msnet", "two_streams", "two_streams_tvl1", "confidence_only",
         "true_flow", "position_2", "window_1", "msnet_videos")  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What the settings do not make small: all of it is measured elsewhere, or slow."""
    monkeypatch.setattr(recognition, "SCORED_CLIPS", 4)
    monkeypatch.setattr(cost, "CLIP", (3, 8, 32, 32))
    monkeypatch.setattr(cost, "ROUNDS", 1)


@pytest.fixture
def losses(monkeypatch):
    """The losses of all steps of all trainings: finer than shares of 16 clips."""
    seen = []
    for place in (trainings, module):
        monkeypatch.setattr(place, "fit", partial(_noted, place.fit, seen))
    return seen


def _noted(fit, seen, *given, **named):
    result = fit(*given, **named)
    seen += [row["loss"] for row in result.rows]
    return result


def do(name, settings=TINY, seed=3, **more):
    """A run that cannot lean on the state of the random numbers."""
    seed_everything(99)
    return RUNS[name](settings, seed, CPU, **more)


def learned(metrics):
    return {k: v for k, v in metrics.items() if k not in TIMES}


@pytest.fixture
def no_tvl1(monkeypatch):
    """TV-L1 takes a third of a second for a clip; it has a test of its own."""
    monkeypatch.setattr(
        two_streams, "extract", lambda clips: torch.zeros(len(clips), 2, 4, 48, 48)
    )


@pytest.mark.parametrize("name", [name for name in RUNS if name not in APART])
def test_a_run_gives_what_it_promises_and_gives_it_again(name, losses, no_tvl1):
    found = do(name)
    assert set(found) == KEYS.get(name, SHARES)
    assert all(map(math.isfinite, [*found.values(), *losses]))
    shares = {k for k in found if k.endswith(("accuracy", "family", "order", "wrong"))}
    assert all(0 <= found[key] <= 1 for key in shares)
    assert len(losses) >= 2 or name in ("matching", "cost")  # which train nothing
    if name in TWICE:
        first = list(losses)
        losses.clear()
        assert learned(do(name)) == learned(found) and losses == first != []


def test_another_seed_gives_other_numbers(losses):
    do("tsn"), do("tsn", seed=4)
    assert losses[:2] != losses[2:]


def test_what_is_rendered_on_the_way_is_what_is_kept_in_memory(losses):
    """`msnet_videos` on the world is `msnet`, but for where the clips wait."""
    rendered, kept = do("msnet_videos"), do("msnet")
    assert rendered["accuracy"] == kept["accuracy"] and losses[:2] == losses[2:]
    assert rendered["steps"] == rendered["planned_steps"] == 2


def test_a_place_that_the_scale_lacks_gives_nothing():
    assert module.position(len(TINY.positions), TINY, 3, CPU) == {}


@pytest.mark.parametrize("name", CARDS)
def test_a_report_card_is_complete(name, monkeypatch):
    """Its world and recipe are frozen, so the test makes them small by hand."""
    tiny = replace(REPORT_CARD, recipe={**REPORT_CARD.recipe, "epochs": 1})
    monkeypatch.setattr(card, "REPORT_CARD", tiny)
    world = partial(report_card_world, num_clips=16)
    monkeypatch.setattr(card, "report_card_world", world)
    few = partial(report_card, test_clips=16, probe_clips=32)
    monkeypatch.setattr(card, "report_card", few)
    found = do(name)
    assert set(found) == {row.name for row in fields(ReportCard)}
    assert all(map(math.isfinite, found.values()))


def test_claims_refer_to_runs_and_metrics_that_exist():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    cards = dict.fromkeys(CARDS, {row.name for row in fields(ReportCard)})
    known = {name: KEYS.get(name, SHARES) for name in RUNS} | cards
    for run, metric in {ref for claim in CLAIMS for ref in claim.references}:
        assert metric in known[run], (run, metric)


def test_the_recorded_ledger_is_of_today():
    """results/motion_squeeze/cpu must be complete, and made by this code's settings."""
    from course import chapters

    seeds = chapters.reported_seeds(5)
    records = chapters.load_results("motion_squeeze", "cpu")
    hashes = chapters.current_hashes("motion_squeeze", "cpu")
    assert missing_runs(CLAIMS, records, seeds, hashes) == []
    verdicts = chapters.decide("motion_squeeze", "cpu", seeds)
    undone = {v.claim.id for v in verdicts if v.outcome in ("stale", "not recorded")}
    assert undone == set()


@pytest.mark.parametrize("scale", SETTINGS)
def test_longer_and_more_take_as_many_steps(scale):
    settings = SETTINGS[scale]
    longer = replace(settings.recipe, epochs=settings.long_epochs)
    steps = settings.more_recipe.planned_steps(settings.more_clips)
    assert longer.planned_steps(settings.clips) == pytest.approx(steps, rel=0.02)
    assert settings.dense == STACK  # or five flows of a segment would not be five


# What the networks see


def test_clips_are_the_same_with_flow_and_without():
    plain, more = trained_on(TINY, 3), trained_on(TINY, 3, keys=WITH_FLOW)
    assert list(plain) == ["clip", "action"] and list(more) == [*plain, "flow"]
    assert all(torch.equal(plain[key], more[key]) for key in plain)


@pytest.mark.parametrize("shape", [(1, 2, 8, 4, 4), (1, 3, 9, 4, 4), (2, 9, 4, 4)])
def test_dense_flow_that_is_no_segments_is_refused(shape):
    for inputs in (one_flow, five_flows):
        with pytest.raises(ValueError, match=r"dense_flow must be .*5 \* S - 1.*got"):
            inputs({"dense_flow": torch.zeros(shape)})


def counted(count, height=2, width=16):
    """Flow whose pair number t moves t tenths of the largest motion, to the right."""
    flow = torch.zeros(1, 2, count, height, width)
    flow[:, 0] = 0.125 * width * torch.arange(count)[:, None, None] / 10
    return flow


def across(inputs, channel=0):
    return inputs[0, channel, :, 0, 0].tolist()


def test_frames_come_in_both_directions_of_time():
    clip = torch.arange(4, dtype=torch.uint8).view(1, 1, 4, 1, 1).expand(1, 3, 4, 2, 2)
    assert torch.equal(frames({"clip": clip})[0], clip / 255)
    assert torch.equal(backwards({"clip": clip})[0][0, 0, :, 0, 0] * 255,
                       torch.tensor([3.0, 2.0, 1.0, 0.0]))  # fmt: skip


def test_every_frame_has_a_flow_and_the_last_one_its_neighbour_s():
    (flow,) = flow_to_next({"flow": counted(3)})
    assert flow.shape == (1, 2, 4, 2, 16)
    assert across(flow) == pytest.approx([0, 0.1, 0.2, 0.2])
    assert across(flow, channel=1) == [0, 0, 0, 0]


def test_fast_flow_is_cut_at_an_eighth_of_the_width():
    speeds = torch.tensor([1.0, 2.0, 3.0, -9.0])  # px, of a frame 16 px wide
    flow = speeds.view(1, 1, 4, 1, 1).expand(1, 2, 4, 2, 16)
    assert across(flow_to_next({"flow": flow})[0]) == [0.5, 1, 1, -1, -1]


def test_short_flow_is_the_middle_of_five_and_five_times_as_strong():
    dense = counted(9) / 5  # two segments of five frames have nine pairs
    (one,), (five,) = (f({"dense_flow": dense}) for f in (one_flow, five_flows))
    assert one.shape == (1, 2, 2, 2, 16) and five.shape == (1, 10, 2, 2, 16)
    assert across(one) == pytest.approx([0.2, 0.7])
    segments = [across(five, channel) for channel in range(0, 10, 2)]
    expected = [[0, 0.5], [0.1, 0.6], [0.2, 0.7], [0.3, 0.8], [0.4, 0.8]]
    assert torch.allclose(torch.tensor(segments), torch.tensor(expected))
    assert all(across(five, channel) == [0, 0] for channel in range(1, 10, 2))


def test_five_flows_keep_right_and_down_apart():
    dense = torch.stack([torch.full((9, 1, 8), 0.1), torch.full((9, 1, 8), -0.05)])
    (five,) = five_flows({"dense_flow": dense[None]})
    assert five[0, :, 0, 0, 0].tolist() == pytest.approx([0.5, -0.25] * 5)


def test_the_dense_world_shows_the_same_performances():
    """With the camera at rest, frames 2 + 5 i are the usual ones, others are not."""
    still = {"camera_pan": 0.0, "camera_jitter": 0.0}
    times, rate = 5 * TINY.knobs.frames, 5 * TINY.knobs.frame_rate
    usual = make_world(TINY, "train", 3, 8, **still).tensors(("mask", "action"))
    often = make_world(TINY, "train", 3, 8, frames=times, frame_rate=rate, **still)
    dense = often.tensors(("mask", "action"))
    assert torch.equal(usual["action"], dense["action"])
    assert torch.equal(usual["mask"], dense["mask"][:, 2::5])
    assert not torch.equal(usual["mask"], dense["mask"][:, 1::5])


def test_dense_flow_starts_on_the_actor_of_those_frames():
    knobs = replace(TINY.knobs, camera_pan=0.0, camera_jitter=0.0)
    settings = replace(TINY, knobs=knobs)
    flow = dense_flow(settings, "train", 3, 8)
    assert flow.shape == (8, 2, 24, 48, 48)
    mask = make_world(settings, "train", 3, 8).tensors(("mask",))["mask"]
    moving = flow.float().norm(dim=1) > 0
    assert (moving[:, 2::5] & mask).sum() == moving[:, 2::5].sum() > 0
    assert (moving[:, 4::5] & mask[:, :-1]).sum() < moving[:, 4::5].sum()


# What is asked of them


class Brighter(nn.Module):
    """Says the first action of clips that grow brighter, else its reversal, the next.

    With `blind`, it looks at the clip's mean and hence at no order.
    """

    def __init__(self, blind=False):
        super().__init__()
        self.blind, self.device_of = blind, nn.Parameter(torch.zeros(1))

    def forward(self, clips):
        light = clips.mean(dim=(1, 3, 4))
        up = light.mean(1) - 0.1 if self.blind else light[:, -1] - light[:, 0]
        logits = torch.zeros(len(clips), len(TINY.knobs.action_names))
        logits[:, 0], logits[:, 1] = up, -up
        return logits


def test_a_network_is_asked_for_clips_played_backwards():
    assert TINY.knobs.action_names[:2] == ("raise_arms", "lower_arms")
    up = torch.linspace(0, 1, 5).view(1, 1, 5, 1, 1).expand(3, 3, 5, 4, 4)
    actions = torch.tensor([0, 0, 0, 1, 1, 1])
    test = {"clip": torch.cat([up, up.flip(2)]), "action": actions}
    found = played_backwards(Brighter(), test, TINY)
    assert found == {"named_reversal": 1.0, "named_forwards": 0.0}
    found = played_backwards(Brighter(blind=True), test, TINY)
    assert found == {"named_reversal": 0.5, "named_forwards": 0.5}  # always "raise"


def test_true_flow_takes_the_place_of_the_match(monkeypatch, losses):
    net = network("msnet", TINY, 3).eval()
    for layer in net.modules():  # fresh convolutions hand on next to nothing
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 2, 4)
    test = trainings.tested_on(TINY, 3, WITH_FLOW)
    none = {**test, "flow": torch.zeros_like(test["flow"])}
    right, zero = (module._logits(net, data, TINY) for data in (test, none))
    assert not torch.allclose(right, zero, atol=1e-3)
    nn.init.zeros_(net.net2d.layer1.motion.reduce[0].weight)  # what a match needs
    assert torch.equal(module._logits(net, test, TINY), right)
    do("true_flow")
    usual = module.trained_on
    monkeypatch.setattr(
        module, "trained_on",
        lambda *a, **b: {**(got := usual(*a, **b)), "flow": 0 * got["flow"]},
    )  # fmt: skip
    do("true_flow")
    assert losses[:2] != losses[2:]  # its training has seen it as well


def test_estimated_flow_beats_standing_still():
    data = trained_on(TINY, 3, 1, WITH_FLOW)
    flow, true = two_streams.extract(data["clip"]), data["flow"].float()
    assert flow.shape == true.shape and flow.dtype == torch.float32
    assert (flow - true).norm(dim=1).mean() < 0.8 * true.norm(dim=1).mean()


# Videos, and the large scales


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Six clips of the world as files: two actions, four to train on, two to test."""
    folder = tmp_path_factory.mktemp("videos")
    world = SynthActions("train", 6, size=64, num_actions=2)
    clips = world.render(range(6), ("clip",))["clip"].permute(0, 2, 3, 4, 1)
    rows = []
    for number, clip in enumerate(clips.numpy()):
        write_video(folder / f"{number}.mp4", clip, fps=5)
        label = world.action_names[world.actions[number]]
        split = "train" if number < 4 else "val"
        rows.append(Row(f"{number}.mp4", label, split))
    return write_manifest(folder / "manifest.csv", rows)


def test_msnet_learns_from_files(manifest, tmp_path):
    """Asked for the clips that it was shown, it knows all; a coin knows half."""
    shown = read_manifest(manifest).select("train")
    asked = [replace(row, split="test") for row in shown]
    known = write_manifest(manifest.with_name("known.csv"), [*shown, *asked])
    recipe = replace(TINY.recipe, epochs=None, steps=50, batch_size=4)
    settings = replace(TINY, recipe=recipe)
    found = do("msnet_videos", settings, data=known, folder=tmp_path)
    assert set(found) == VIDEOS and found["accuracy"] == 1.0
    assert found["steps"] == found["planned_steps"] == 50
    assert found["clips_per_second"] > 0 and found["gflops_per_clip"] > 0.1
    assert {"checkpoint.pt", "log.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_files_are_cut_into_parts_with_a_frame_of_each(manifest):
    train_set, test_set, classes = videos._videos(TINY, 3, CPU, manifest)
    assert (train_set.sampling, test_set.sampling) == ("segments", "segment_centres")
    assert (len(train_set), len(test_set), classes) == (4, 2, 2)
    assert train_set[0]["clip"].shape == test_set[0]["clip"].shape == (3, 5, 48, 48)


def test_msnet_starts_from_the_image_weights_that_the_user_names(tmp_path, monkeypatch):
    from course.backbones import resnet18

    path = tmp_path / "resnet18.pth"
    torch.manual_seed(1)
    image_net = resnet18(7)
    torch.save(image_net.state_dict(), path)
    fresh = videos.starting_network(SETTINGS["gpu"], 0, 5).state_dict()
    monkeypatch.setenv("COURSE_IMAGE_WEIGHTS", str(path))
    net = videos.starting_network(SETTINGS["gpu"], 0, 5).net2d
    assert net.conv1.weight.equal(image_net.conv1.weight) and net.fc.out_features == 5
    kept = {k for k, v in net.state_dict().items() if v.equal(fresh[f"net2d.{k}"])}
    assert {k for k in kept if k.endswith("weight") and "bn" not in k} >= {
        "layer2.motion.reduce.0.weight", "fc.weight"}  # fmt: skip
    with pytest.raises(ValueError, match="IMAGE_WEIGHTS=.* does not fit 'small'"):
        videos.starting_network(SETTINGS["cpu"], 0, 5)


LARGE = [("gpu", name) for name in (
    "tsm", "msnet", "two_streams", "soft_argmax", "true_flow", "position_2",
    "position_3", "msnet_more", "window_7", "r2plus1d_motion", "msnet_videos",
)] + [("full", name) for name in (
    "msnet", "two_streams", "position_2", "position_3", "msnet_more", "window_7",
    "msnet_videos",
)]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "name"), LARGE)
def test_large_scales_take_two_steps_on_a_cpu(scale, name, losses):
    """So that no scale rots: its networks, its optimiser, its precision.

    A batch is two clips, one at `full`.  Frames of 64 px take the place of 112 and 224,
    which would take a CPU seconds a step; the module's map has 8 x 8 cells then.
    """
    knobs = replace(SETTINGS[scale].knobs, size=64)
    batch = {"gpu": 2, "full": 1}[scale]
    settings = shortened(scale, batch, knobs=knobs, test_clips=4, window_size=64)
    assert settings.recipe.mixed_precision == "bf16"
    found = do(name, settings)
    assert set(found) == KEYS.get(name, SHARES)
    assert len(losses) >= 2 and all(map(math.isfinite, [*losses, *found.values()]))
