"""The learner's own folder: read, grouped, learned twice, and nothing claimed of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from course.evaluation.cam import class_activation_map
from course.evaluation.inference import as_float_clips
from course.scene_debias import own_folder, own_video
from course.scene_debias.own_folder import (
    folder_of_the_world,
    groups_of,
    read_videos,
    told_by_groups,
)
from course.scene_debias.own_video import RECIPE, where_they_look
from course.video import write_video

FEW = replace(RECIPE, steps=3, batch_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return folder_of_the_world(tmp_path_factory.mktemp("own"), videos=24)


@pytest.fixture(scope="module")
def found(folder):
    return where_they_look(folder, recipe=FEW)


def film(path: Path, shade: int, frames: int = 10, fps: float = 25.0) -> None:
    """A plain video, 64 x 96, its frame t a little brighter than the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = np.full((frames, 64, 96, 3), shade, np.uint8)
    clip += (2 * np.arange(frames, dtype=np.uint8))[:, None, None, None]
    write_video(path, clip, fps=fps)


def test_a_folder_is_read_with_its_classes_and_a_quarter_held_out(folder):
    videos = read_videos(folder)
    assert videos.classes == ("dance", "lower_arms", "raise_arms", "wave")
    assert videos.clips.shape == (24, 2, 3, 8, 48, 48)
    assert videos.clips.dtype == torch.uint8 and not videos.unreadable
    for name, action, held in zip(
        videos.names, videos.action.tolist(), videos.held.tolist(), strict=True
    ):
        assert name.split("/")[0] == videos.classes[action]
        assert (folder / name).is_file()
        assert isinstance(held, bool)
    assert videos.held.sum() == 8  # two of each six


def test_a_clip_lasts_about_a_second_whatever_the_frame_rate(tmp_path):
    for number in range(3):
        film(tmp_path / "a" / f"{number}.mp4", 20, frames=50)
        film(tmp_path / "b" / f"{number}.mp4", 120, frames=50)
    clip = read_videos(tmp_path).clips[0, 0].float().mean((0, 2, 3))
    passed = float(clip[-1] - clip[0]) / 2  # brightness tells the frame
    assert passed == pytest.approx(21, abs=1.5)  # 8 frames, 3 apart, of 25 a second


def test_splits_of_the_learners_own_are_kept(tmp_path):
    for split in ("train", "val"):
        for label in ("a", "b"):
            for number in range(2):
                film(tmp_path / split / label / f"{number}.mp4", 20 + 40 * number)
    videos = read_videos(tmp_path)
    assert videos.classes == ("a", "b")
    held = [name for name, h in zip(videos.names, videos.held, strict=True) if h]
    assert all(name.startswith("val/") for name in held) and len(held) == 4


def test_what_cannot_be_read_is_left_out_and_counted(folder, tmp_path, monkeypatch):
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    broken, *_ = sorted((own / "wave").iterdir())
    broken.write_bytes(b"no video")
    videos = read_videos(own)
    assert len(videos.names) == 23 and videos.unreadable == 1
    assert f"wave/{broken.name}" not in videos.names
    monkeypatch.setattr(own_folder, "MOST_VIDEOS", 12)
    some = read_videos(own)
    assert len(some.names) == 12 and len(set(some.names)) == 12
    assert some.action.bincount().tolist() == [3, 3, 3, 3] and some.held.sum() == 4


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a/1", "a/2", "a/3"], "two classes or more.*found a"),
        (["a/1", "a/2", "b/1"], "two readable.*too few in b"),
        (["val/a/1", "val/a/2", "val/b/1", "val/b/2"], "too few in a, b"),
        (["1", "2"], "no readable video in class folders"),
        (["train/a/1", "other/a/2"], "named as splits"),
    ],
)
def test_folders_that_cannot_be_learned_from_say_why(tmp_path, names, words):
    for name in names:
        film(tmp_path / f"{name}.mp4", 90)
    with pytest.raises(ValueError, match=words):
        where_they_look(tmp_path)


def test_groups_are_of_the_rim_not_of_who_acts():
    torch.manual_seed(0)
    place = torch.arange(24) % 3
    shades = torch.tensor([[200, 40, 40], [40, 200, 40], [40, 40, 200]])
    clips = shades[place][:, :, None, None, None].expand(-1, -1, 2, 32, 32).clone()
    clips[:, :, :, 8:24, 8:24] = torch.randint(0, 256, (24, 3, 1, 1, 1))
    group = groups_of(clips.byte())
    for number in range(3):
        assert not set(group[place == number].tolist()) & set(
            group[place != number].tolist()
        )
    assert torch.equal(group, groups_of(clips.byte()))
    same = torch.full((5, 3, 2, 16, 16), 7, dtype=torch.uint8)
    assert groups_of(same).tolist() == [0] * 5


def test_groups_of_the_world_are_mostly_its_scenes(folder):
    from sklearn.metrics import homogeneity_score

    from course.synthetic import SynthActions

    videos = read_videos(folder)
    world = SynthActions(
        "train", 24, seed=1, actions=("raise_arms", "lower_arms", "wave", "dance"),
        scenes=("beach", "kitchen", "street", "meadow"),
    )  # fmt: skip
    scenes = [int(world.scenes[int(name[-7:-4])]) for name in videos.names]
    assert homogeneity_score(scenes, groups_of(videos.clips[:, 0])) > 0.85


def test_told_by_groups_leaves_the_video_itself_out():
    alone = torch.arange(4)
    assert told_by_groups(alone, alone) == 0
    assert told_by_groups(torch.tensor([0, 0, 1, 1]), torch.tensor([5, 5, 6, 7])) == 2


def test_both_networks_map_the_same_clip(folder, found):
    assert set(found.maps) == {"plain", "debiased"}
    assert all(map_.shape == (2, 6, 6) for map_ in found.maps.values())
    assert not found.maps["plain"].equal(found.maps["debiased"])
    assert set(found.groups) == set(read_videos(folder).names)
    assert all(0 <= count <= 8 for count in found.right.values())
    assert set(found.answers.values()) <= {"dance", "lower_arms", "raise_arms", "wave"}
    assert found.picture.png[:4] == b"\x89PNG" and len(found.picture.png) < 200_000
    assert found.video.split("/")[0] in found.picture.alt


def test_the_clip_shown_is_held_out_and_its_group_rare_for_its_class(folder, found):
    videos = read_videos(folder)
    assert videos.held[videos.names.index(found.video)]
    group = torch.tensor([found.groups[name] for name in videos.names])

    def share(name):
        row = videos.names.index(name)
        peers = videos.action == videos.action[row]
        return (group[peers] == group[row]).float().mean()

    held = [n for n, h in zip(videos.names, videos.held, strict=True) if h]
    assert share(found.video) == min(map(share, held))


def test_the_sentence_says_what_was_done_and_what_is_not_known(folder, found):
    for words in (
        "learned 4 classes from 16 videos in 3 steps each; 8 more were held out",
        "groups of videos whose rims look alike",
        "nobody named them",
        "No mask of who acts is known: nothing here measures which map is right.",
    ):
        assert words in found.sentence
    again = where_they_look(folder, recipe=FEW)
    assert again.sentence == found.sentence and again.right == found.right
    assert again.maps["debiased"].equal(found.maps["debiased"])


def test_a_video_may_be_chosen_and_its_map_is_the_networks(folder, monkeypatch):
    nets = []

    def noted(*given, **named):
        trained = real(*given, **named)
        nets.append(trained.net)
        return trained

    real = own_video.train
    monkeypatch.setattr(own_video, "train", noted)
    chosen = where_they_look(folder, "dance/007.mp4", FEW)
    videos = read_videos(folder)
    row = videos.names.index("dance/007.mp4")
    clip = as_float_clips(videos.clips[row, :1])
    for net, map_ in zip(nets, chosen.maps.values(), strict=True):
        expected = class_activation_map(net, clip, int(videos.action[row]))[0]
        torch.testing.assert_close(map_, expected)
        logits = net(clip)[0]
        action = int(videos.action[row])
        wanted = map_.mean() + net.fc.bias[action]
        torch.testing.assert_close(logits[action], wanted, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="no video 'dance/none.mp4' among"):
        where_they_look(folder, "dance/none.mp4", FEW)


def test_without_a_folder_the_world_goes_through_files(monkeypatch):
    few = lambda place: folder_of_the_world(place, videos=12)  # noqa: E731
    monkeypatch.setattr(own_video, "folder_of_the_world", few)
    found = where_they_look(recipe=FEW)
    assert "from 8 synthetic videos in 3 steps" in found.sentence


@pytest.mark.slow
def test_the_usual_recipe_learns_its_folder():
    found = where_they_look()
    assert all(count >= 7 for count in found.right.values()), found.right  # chance: 3
