"""The run on videos: what is learned from, what comes out, and what is said if not."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from course.backbones import small_resnet3d
from course.datasets import ManifestError, read_manifest, write_manifest
from course.datasets.beside import file_beside
from course.scene_debias.methods import METHODS
from course.scene_debias.scales import SETTINGS
from course.scene_debias.trials import video_clips, videos
from course.scene_debias.trials.video_clips import clips_for
from course.scene_debias.trials.videos import debias_videos, starting_network
from course.training import load_checkpoint

sys.path.insert(0, str(Path(__file__).parents[1] / "data_scripts"))
import human_masks
import make_synthetic
import pseudo_scene_labels

CPU = torch.device("cpu")
CHEAP = replace(SETTINGS["cpu"].recipe, epochs=None, steps=2, batch_size=4)
TINY = replace(
    SETTINGS["cpu"], recipe=CHEAP, clips=8, test_clips=4, masked=2, head_hidden=(8,),
    knobs=replace(SETTINGS["cpu"].knobs, frames=4, size=32), paper_steps=100,
)  # fmt: skip
COSTS = {"clips_per_second", "gflops_per_clip", "steps", "planned_steps", "paper_steps"}


def call(script, *arguments) -> None:
    app = Typer()
    app.command()(script.main)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    """Clips of the world as files, with scene labels and masks beside them."""
    folder = tmp_path_factory.mktemp("videos")
    shape = ["--frames", "6", "--size", "32", "--set", "num_actions=2"]
    for split in ("train", "val"):
        call(make_synthetic, folder, *shape, "--clips", 6, "--split", split, "--truth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pseudo_scene_labels, "EMPTY", 32)
        call(pseudo_scene_labels, folder / "manifest.csv")
    call(human_masks, folder / "manifest.csv")
    return folder / "manifest.csv"


def test_both_networks_on_the_world_give_all_numbers(tmp_path):
    found = debias_videos(TINY, 3, CPU, tmp_path)
    names = {f"{net}_{test}" for net in ("baseline", "both")
             for test in ("accuracy", "swapped")}  # fmt: skip
    assert set(found) == names | COSTS
    assert all(math.isfinite(value) for value in found.values())
    assert found["steps"] == found["planned_steps"] == 2 and found["paper_steps"] == 100
    for net in ("baseline", "both"):
        assert (tmp_path / net / "checkpoint.pt").exists()


def test_what_one_run_has_learned_goes_on_in_another(tmp_path, monkeypatch):
    """Transfer: its checkpoint is where the next one starts."""
    debias_videos(TINY, 3, CPU, tmp_path, methods=("both",))
    kept = tmp_path / "both" / "checkpoint.pt"
    learned = load_checkpoint(kept)["model"]
    monkeypatch.setenv("COURSE_VIDEO_WEIGHTS", str(kept))
    net = starting_network(TINY, 4, 11)
    own = net.state_dict()
    assert all(own[name].equal(learned[name]) for name in own if "fc" not in name)
    assert net.fc.out_features == 11
    found = debias_videos(TINY, 4, CPU, methods=("baseline",))
    assert found["steps"] == TINY.recipe.steps


def test_a_run_is_repeatable_and_the_seed_matters():
    def accuracies(seed):
        settings = replace(TINY, test_clips=16)
        found = debias_videos(settings, seed, CPU, methods=("baseline",))
        return [value for key, value in found.items() if key.startswith("baseline")]

    assert accuracies(3) == accuracies(3)
    assert accuracies(3) != accuracies(4)


@pytest.mark.parametrize("optimisation", ["one_step", "two_steps"])
def test_videos_are_learned_from(manifest, optimisation):
    settings = replace(TINY, optimisation=optimisation, paper_steps=None)
    found = debias_videos(settings, 3, CPU, data=manifest)
    assert set(found) == {"baseline_accuracy", "both_accuracy", *COSTS} - {
        "paper_steps"}  # fmt: skip
    # Every second of two steps is on masked clips: as many are left for the others.
    assert found["steps"] == (2 if optimisation == "one_step" else 4)


@pytest.mark.slow
def test_what_was_shown_is_known(manifest):
    """Asked for the clips that they were shown, both know them; a coin knows half."""
    shown = read_manifest(manifest).select("train")
    asked = [replace(row, split="test") for row in shown]
    known = write_manifest(manifest.with_name("known.csv"), [*shown, *asked])
    recipe = replace(TINY.recipe, steps=40, batch_size=6)
    found = debias_videos(
        replace(TINY, recipe=recipe, strength=0.3), 3, CPU, data=known
    )
    assert found["baseline_accuracy"] == found["both_accuracy"] == 1.0


def test_items_have_what_the_method_needs(manifest):
    def keys(name):
        clips = clips_for(TINY, 3, CPU, manifest, METHODS[name])
        return set(clips.train[0]), clips.scenes

    assert keys("baseline") == ({"clip", "action"}, 0)
    assert keys("adversary") == ({"clip", "action", "scene"}, 8)
    assert keys("masks") == ({"clip", "action", "masked"}, 0)
    clips = clips_for(TINY, 3, CPU, manifest, METHODS["both"])
    item, test = clips.train[1], clips.tests["accuracy"][1]
    assert item["scene"].shape == (8,) and item["scene"].sum() == pytest.approx(1)
    assert item["clip"].shape == test["clip"].shape == (3, 4, 32, 32)
    changed = (item["clip"] != item["masked"]).any(0)
    assert 0.05 < changed.float().mean() < 0.6
    hidden = item["masked"][:, changed].unique(dim=1)
    assert hidden.shape[1] <= 4  # one colour for each frame
    assert not clips.train.item_of_epoch(1, 1)["clip"].equal(item["clip"])


def test_videos_with_too_few_humans_lend_another_masked_clip(manifest, monkeypatch):
    clips = clips_for(TINY, 3, CPU, manifest, METHODS["masks"]).train
    files = [clips.videos.manifest.file(row) for row in clips.videos.rows]
    kept = {file: file_beside(file, "human_masks").read_bytes() for file in files}
    try:
        for file in files[1:]:
            with np.load(file_beside(file, "human_masks")) as arrays:
                mask = arrays["mask"]
            few = {"mask": mask, "share": np.float32(0.5)}
            np.savez(file_beside(file, "human_masks"), **few)
        one = clips[0]["masked"][:, :, 0, 0]
        other = clips[3]
        assert (other["clip"] != other["masked"]).float().mean() > 0.5
        assert (other["masked"][:, :, 0, 0] - one).abs().max() < 0.1
        monkeypatch.setattr(video_clips, "LEAST_SHARE", 1.1)
        with pytest.raises(ValueError, match="no video of .* has humans in 110%"):
            clips[2]
    finally:
        for file, content in kept.items():
            file_beside(file, "human_masks").write_bytes(content)


def test_the_worlds_masked_clips_are_its_own():
    clips = clips_for(TINY, 3, CPU, None, METHODS["both"])
    assert (clips.classes, clips.scenes, len(clips.train)) == (8, 8, 8)
    first, second = clips.train.__getitems__([2, 5])
    assert first["masked"].equal(clips.train[2]["masked"])
    assert not first["masked"].equal(first["clip"])
    assert first["masked"].dtype == torch.uint8
    assert not second["masked"].equal(first["masked"])
    assert set(first) == {"clip", "action", "scene", "masked"}
    plain = clips_for(TINY, 3, CPU, None, METHODS["adversary"])
    assert set(plain.train[0]) == {"clip", "action", "scene"}
    assert all(set(test[0]) == {"clip", "action"} for test in plain.tests.values())


def test_what_is_missing_is_said_before_anything_is_trained(manifest, monkeypatch):
    monkeypatch.setattr(videos, "train", lambda *args: pytest.fail("it trained"))
    there = file_beside(manifest.parent / read_manifest(manifest).rows[0].path,
                        "human_masks")  # fmt: skip
    content = there.read_bytes()
    there.unlink()
    try:
        with pytest.raises(ManifestError, match=r"run python data_scripts/human_masks"):
            debias_videos(TINY, 3, CPU, data=manifest)
    finally:
        there.write_bytes(content)
    for wrong in ("redraw", "magic"):
        with pytest.raises(ValueError, match=f"methods for videos .* got '{wrong}'"):
            debias_videos(TINY, 3, CPU, methods=(wrong,))
    with pytest.raises(ValueError, match="no method"):
        debias_videos(TINY, 3, CPU, methods=())


def test_the_network_starts_from_the_weights_that_the_user_names(tmp_path, monkeypatch):
    torch.manual_seed(1)
    learned, last = small_resnet3d(11).state_dict(), "layer3.0.conv2.weight"
    state = {f"module.{name}": value for name, value in learned.items()}
    torch.save({"epoch": 3, "arch": "resnet-18", "state_dict": state}, tmp_path / "a")
    torch.save(learned, tmp_path / "b")
    for file in ("a", "b"):
        monkeypatch.setenv("COURSE_VIDEO_WEIGHTS", str(tmp_path / file))
        net = starting_network(TINY, 3, 5)
        assert net.state_dict()[last].equal(learned[last])
        assert net.fc.out_features == 5
    torch.save(small_resnet3d(5, (8, 8)).state_dict(), tmp_path / "other")
    (tmp_path / "empty").touch()
    (tmp_path / "page").write_text("<html>")
    for file in ("other", "empty", "page", "none"):
        monkeypatch.setenv("COURSE_VIDEO_WEIGHTS", str(tmp_path / file))
        with pytest.raises(
            ValueError, match=f"WEIGHTS=.*{file} does not fit 'small_resnet3d'"
        ):
            starting_network(TINY, 3, 5)
