"""The runs of the I3D room: finite, repeatable, at every scale, fit for the claims."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import partial

import pytest
import torch

from course.datasets import Row
from course.datasets.manifest import write_manifest
from course.evaluation import REPORT_CARD, ReportCard, missing_runs, report_card
from course.evaluation.frozen_world import report_card_world
from course.i3d.claims import CLAIMS
from course.i3d.experiment import RUNS, SETTINGS
from course.i3d.trainings import fresh_base, image_network, train, trained_on
from course.i3d.trials import architectures as five
from course.i3d.trials import time_and_scene
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.video import write_video

CPU = torch.device("cpu")
CARDS = ("card_inflated", "card_scratch")
TINY = replace(
    SETTINGS["cpu"],
    stills=32,
    image_recipe=replace(SETTINGS["cpu"].image_recipe, epochs=0.02),
    sizes=(16,),
    few=16,
    many=16,
    source=16,
    target=16,
    test_clips=16,
    recipe=replace(SETTINGS["cpu"].recipe, steps=2),
    source_steps=2,
    speeds=(2,),
    dots_recipe=replace(SETTINGS["cpu"].dots_recipe, steps=2),
)


def do(name, seed=3, **more):
    """A run as in a process of its own: nothing is remembered from earlier ones."""
    image_network.cache_clear()
    seed_everything(99)
    return RUNS[name](TINY, seed, CPU, **more)


@pytest.fixture(scope="module")
def numbers():
    """Tiny numbers of every run but the report cards, which have their own test."""
    return {name: do(name) for name in RUNS if name not in CARDS}


def learned(metrics):
    return {k: v for k, v in metrics.items() if k != "clips_per_second"}


def test_numbers_are_finite_shares(numbers):
    for name, metrics in numbers.items():
        assert metrics and all(map(math.isfinite, metrics.values())), name
        shares = {k: v for k, v in learned(metrics).items() if "steps" not in k}
        assert all(0 <= value <= 1 for value in shares.values()), name


@pytest.mark.parametrize("name", [n for n in RUNS if n not in CARDS])
def test_the_same_seed_gives_the_same_numbers(numbers, name):
    """Also where the image network is remembered from another run."""
    seed_everything(5)
    image_network(TINY, 3, CPU)
    seed_everything(98)
    assert learned(RUNS[name](TINY, 3, CPU)) == learned(numbers[name])


def test_another_seed_gives_other_numbers(numbers):
    assert do("mean_taps", seed=4) != numbers["mean_taps"]


def test_a_still_clip_s_answer_stays_with_repeated_end_frames(numbers):
    found = numbers["same_answer"]
    assert found["mean_replicate"] == found["centre_replicate"] == 0.0


def test_the_order_of_frames_means_nothing_to_an_average(numbers):
    for key in ("accuracy", "family", "order"):
        assert numbers["frames"][f"shuffled_{key}"] == numbers["frames"][key]


def test_the_report_card_s_run(monkeypatch):
    """Its world and recipe are frozen, so the test makes them small by hand."""
    small = replace(REPORT_CARD, recipe={**REPORT_CARD.recipe, "epochs": 1})
    monkeypatch.setattr(time_and_scene, "REPORT_CARD", small)
    monkeypatch.setitem(time_and_scene.SETTINGS, "cpu", TINY)
    world, card = partial(report_card_world, num_clips=16), report_card
    monkeypatch.setattr(time_and_scene, "report_card_world", world)
    few = partial(card, test_clips=16, probe_clips=32)
    monkeypatch.setattr(time_and_scene, "report_card", few)
    found = do("card_inflated")
    assert set(found) == {row.name for row in fields(ReportCard)}
    assert all(map(math.isfinite, found.values()))


# What claims and records need


def recorded_metrics(name, numbers):
    """The metrics of a run at cpu scale, from those of its tiny copy."""
    if name in CARDS:
        return {row.name for row in fields(ReportCard)}
    found = set(numbers[name])
    for size in SETTINGS["cpu"].sizes:
        found |= {key.replace("_16", f"_{size}") for key in found}
    for speed in SETTINGS["cpu"].speeds:
        found |= {key.replace("speed_2", f"speed_{speed}") for key in found}
    return found


def test_claims_refer_to_runs_and_metrics_that_exist(numbers):
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    references = {ref for claim in CLAIMS for ref in claim.references}
    assert {name for name, _ in references} <= set(RUNS)
    wrong = {(n, m) for n, m in references if m not in recorded_metrics(n, numbers)}
    assert not wrong


def test_the_recorded_ledger_is_of_today():
    """results/i3d/cpu must be complete, and made by this code's settings."""
    from course import chapters

    seeds = chapters.reported_seeds(5)
    records = chapters.load_results("i3d", "cpu")
    hashes = chapters.current_hashes("i3d", "cpu")
    assert missing_runs(CLAIMS, records, seeds, hashes) == []
    verdicts = chapters.decide("i3d", "cpu", seeds)
    undone = {v.claim.id for v in verdicts if v.outcome in ("stale", "not recorded")}
    assert undone == set()


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
        split = "train" if number < 4 else "test"
        rows.append(Row(f"{number}.mp4", label, split))
    return write_manifest(folder / "manifest.csv", rows)


def test_the_rgb_stream_learns_from_files(manifest, tmp_path):
    found = do("rgb_stream", data=manifest, folder=tmp_path)
    assert found["accuracy"] in (0, 0.5, 1)
    assert found["steps"] == found["planned_steps"] == 2 and "paper_steps" not in found
    assert found["clips_per_second"] > 0
    assert {"checkpoint.pt", "log.csv"} <= {path.name for path in tmp_path.iterdir()}


LARGE = [("gpu", name) for name in five.INPUTS]
LARGE += [("full", name) for name in ("frames", "lstm", "two_stream", "i3d")]


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "name"), LARGE)
def test_large_scales_take_two_steps_on_a_cpu(scale, name, monkeypatch):
    """So that no scale rots: its networks, its optimiser, its precision.

    Clips of `full` are cut to 32 frames of 64 px (from 64 of 224), which would take a
    CPU ten seconds a step and many gigabytes.  Not fewer frames: over two moments,
    what is left of 16 in I3D, some CPUs get a 3-D layer's bf16 gradient wrong.  `c3d`
    has such layers at its own size, and the layer that joins `fused` has 113 million
    weights, so both are left to `gpu`.  The image network is not trained.  A batch is
    one clip, but two for `c3d`, whose linear layers are normalised over it.
    """
    settings = SETTINGS[scale]
    if scale == "full":
        settings = replace(settings, knobs=replace(settings.knobs, frames=32, size=64))
    recipe = replace(
        settings.recipe, steps=2, batch_size=2 if name.startswith("c3d") else 1
    )
    settings = replace(settings, recipe=recipe)
    assert recipe.mixed_precision == "bf16"
    monkeypatch.setattr(five, "image_network", lambda s, seed, _: fresh_base(s, 7, 0))
    data = trained_on(settings, 0, 2)
    nets = five.networks(name, settings, 0, CPU)
    for net, inputs in zip(nets, five.INPUTS[name], strict=True):
        before = {k: p.detach().clone() for k, p in net.named_parameters()}
        result = train(net, data, inputs, settings, 0, CPU, log_every=1)
        assert [math.isfinite(row["loss"]) for row in result.rows] == [True, True]
        heads = ("fc.", "net2d.fc.", "Logits.", "net2d.Logits.")
        changed = {k for k, p in net.named_parameters() if not p.equal(before[k])}
        assert any(k.startswith(heads) for k in changed) and len(changed) > 5


def test_i3d_starts_from_the_image_weights_that_the_user_names(tmp_path, monkeypatch):
    from course.backbones import GoogLeNet
    from course.i3d.trials.videos import starting_network

    path = tmp_path / "googlenet.pth"
    torch.manual_seed(1)
    googlenet = GoogLeNet(7)
    torch.save(googlenet.state_dict(), path)
    monkeypatch.setenv("COURSE_IMAGE_WEIGHTS", str(path))
    cpu = torch.device("cpu")
    net = starting_network(SETTINGS["full"], 0, 5, cpu)
    taps = net.state_dict()["Conv3d_1a_7x7.conv_3d.weight"]
    assert torch.allclose(taps.sum(2), googlenet.conv1.conv.weight, atol=1e-5)
    assert net.Logits.Conv3d_0c_1x1.conv_3d.out_channels == 5
    with pytest.raises(ValueError, match="fits Inception-v1"):
        starting_network(SETTINGS["cpu"], 0, 5, cpu)
