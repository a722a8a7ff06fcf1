"""Files beside the videos: masks of the frames drawn, right labels, clear words."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from course.datasets import (
    HumanMasks,
    Manifest,
    ManifestError,
    Row,
    SceneLabels,
    UnreadableVideos,
    VideoClips,
    index_folder,
)
from course.datasets.beside import Seen, file_beside, scaled_mask
from course.datasets.splits import train_and_test
from course.video import read_clip, write_video

BOTH = (SceneLabels(), HumanMasks())


def white_square(path: Path, number: int, frames: int = 12) -> None:
    """A white square on black moves to the right; its mask, and labels, lie beside."""
    clip = np.zeros((frames, 32, 48, 3), np.uint8)
    for t in range(frames):
        clip[t, 8:24, 2 * t : 2 * t + 16] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, clip, fps=10, crf=5)
    mask = clip[..., 0] > 0
    mask[-2:] = mask[-2:] & (number % 2 == 0)  # odd ones lose two frames' masks
    share = mask.any((1, 2)).mean()
    np.savez(file_beside(path, "human_masks"), mask=mask, share=np.float32(share))
    soft = np.full(4, 0.1, np.float32)
    soft[number % 4] = 0.7
    labels = {"hard": np.int64(number % 4), "soft": soft}
    np.savez(file_beside(path, "scene_labels"), **labels)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Manifest:
    folder = tmp_path_factory.mktemp("videos")
    rows = []
    for number in range(5):
        white_square(folder / f"{number}.mp4", number)
        rows.append(Row(f"{number}.mp4", f"action {number % 2}"))
    return Manifest(tuple(rows), folder)


@pytest.fixture
def videos(made, tmp_path) -> Manifest:
    """A copy that may be damaged."""
    return Manifest(made.rows, Path(shutil.copytree(made.folder, tmp_path / "videos")))


def bright(clip: torch.Tensor) -> torch.Tensor:
    """Where a clip (..., 3, T, H, W) shows the square."""
    return clip.mean(-4) > 0.5


@pytest.mark.parametrize("size", [32, 16, (32, 48), (24, 30), (64, 96)])
@pytest.mark.parametrize("sampling", ["random", "segments", "spread", "dense"])
def test_masks_lie_on_what_the_frames_show(made, sampling, size):
    """Whatever frames were drawn, however they were scaled and cut."""
    clips = VideoClips(made, None, sampling, 4, size=size, clips=2, beside=BOTH)
    for epoch in range(2):
        item = clips.item_of_epoch(0, epoch)
        mask, shown = item["mask"], bright(item["clip"])
        assert mask.dtype == torch.bool and mask.is_contiguous()
        assert mask.shape == shown.shape and mask.any()
        wrong = (mask != shown).float().mean()
        assert wrong < 0.02, wrong  # a rim that compression and scaling blur


def test_frame_numbers_say_which_frames_were_read(made):
    clips = VideoClips(made, None, "random", 3, stride=2, size=(32, 48))
    item = clips[2]
    again = read_clip(made.file(made.rows[2]), item["frames"].tolist())
    expected = torch.from_numpy(again).permute(3, 0, 1, 2) / 255.0
    torch.testing.assert_close(item["clip"], expected)
    spread = VideoClips(made, None, "spread", 3, size=32, clips=2)[0]
    assert spread["frames"].tolist() == [[0, 1, 2], [9, 10, 11]]
    part = Manifest((replace(made.rows[0], start=0.5, end=0.8),), made.folder)
    late = VideoClips(part, None, "centre", 3, size=32, beside=BOTH)[0]
    assert late["frames"].tolist() == [5, 6, 7]
    assert (late["mask"] != bright(late["clip"])).float().mean() < 0.02


def test_labels_are_those_of_the_video(made):
    clips = VideoClips(made, None, "centre", 2, size=16, beside=BOTH)
    batch = next(iter(DataLoader(clips, batch_size=5, num_workers=1)))
    assert batch["scene"].tolist() == [0, 1, 2, 3, 0]
    assert batch["soft_scene"].shape == (5, 4) and batch["mask"].shape == (5, 2, 16, 16)
    assert batch["soft_scene"].argmax(1).tolist() == batch["scene"].tolist()
    assert batch["soft_scene"].dtype == batch["human_share"].dtype == torch.float32
    sixth = pytest.approx(10 / 12)
    assert batch["human_share"].tolist() == [1, sixth, 1, sixth, 1]
    assert BOTH[0].count(made) == 4
    assert BOTH[1].share(made.file(made.rows[1])) == sixth
    assert BOTH[1].share(Path("nowhere.mp4")) == 0


def test_without_readers_nothing_is_read(made):
    assert set(VideoClips(made, None, size=16)[0]) == {
        "clip", "frames", "action", "path", "index", "ok"}  # fmt: skip


def test_other_names_are_found(videos):
    for row in videos:
        there = file_beside(videos.file(row), "human_masks")
        there.rename(file_beside(videos.file(row), "boxes"))
    clips = VideoClips(videos, None, size=16, beside=[HumanMasks("boxes")])
    assert clips[0]["mask"].shape == (16, 16, 16)
    with pytest.raises(ManifestError, match=r"5 of 5 videos have no human_masks"):
        VideoClips(videos, None, beside=BOTH)


@pytest.mark.parametrize(
    ("reader", "script"),
    [
        (SceneLabels(), r"pseudo_scene_labels.py \S+manifest.csv$"),
        (HumanMasks(), r"human_masks.py \S+manifest.csv$"),
        (HumanMasks("boxes"), r"human_masks.py \S+manifest.csv --name boxes$"),
    ],
)
def test_missing_files_name_the_script(videos, reader, script):
    for row in videos.rows[3:]:
        file_beside(videos.file(row), reader.name).unlink(missing_ok=True)
    with pytest.raises(
        ManifestError, match=f"first .*run python data_scripts/{script}"
    ):
        VideoClips(videos, None, beside=[reader])


def test_a_video_that_no_script_could_read_is_met_as_unreadable(videos):
    """The scripts skip it, so it has no files: that must not stop a training."""
    broken = videos.file(videos.rows[1])
    broken.write_bytes(b"")
    for reader in BOTH:
        file_beside(broken, reader.name).unlink()
    clips = VideoClips(videos, None, size=16, beside=BOTH)
    item = clips[1]
    assert not item["ok"] and item["path"] != str(broken)
    used = int(Path(item["path"]).stem)
    assert item["scene"] == used % 4 and item["action"] == used % 2
    assert "the file is empty" in clips.report()


@pytest.mark.parametrize("name", ["human_masks", "scene_labels"])
def test_damaged_files_are_counted_with_the_unreadable(videos, name):
    damaged = file_beside(videos.file(videos.rows[2]), name)
    damaged.write_bytes(damaged.read_bytes()[:100])
    clips = VideoClips(videos, None, size=16, beside=BOTH)
    assert not clips[2]["ok"] and clips[0]["ok"]
    assert f"{damaged}: is damaged: delete it, make it anew" in clips.report()
    lost = file_beside(videos.file(videos.rows[0]), name)
    lost.unlink()
    with pytest.raises(UnreadableVideos, match="2 of 5"):
        clips[0]


def test_a_mask_of_another_video_is_refused(videos):
    file = file_beside(videos.file(videos.rows[0]), "human_masks")
    np.savez(file, mask=np.zeros((5, 32, 48), bool), share=np.float32(0))
    clips = VideoClips(videos, None, size=16, beside=BOTH)
    assert not clips[0]["ok"]
    wanted = "a mask of (5, 32, 48) for a video of 12 frames of 32 x 48"
    assert wanted in clips.report()


def test_half_covered_pixels_belong_to_the_mask():
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :2, :2] = True
    mask[1, :2, 1:4] = True
    seen = Seen(Path("a.mp4"), np.arange(2), (4, 4))
    assert scaled_mask(mask, seen).equal(mask)
    large = mask.repeat_interleave(3, 1).repeat_interleave(3, 2)
    assert scaled_mask(large, seen).equal(mask)
    cut = scaled_mask(large, Seen(Path("a.mp4"), np.arange(2), (4, 4), crop=2))
    assert cut.equal(mask[:, 1:3, 1:3])


def test_only_the_training_set_needs_files_beside(videos):
    split = [replace(row, split="val" if i > 2 else "train")
             for i, row in enumerate(videos)]  # fmt: skip
    lines = [f"{row.path},{row.label},{row.split}" for row in split]
    table = videos.folder / "manifest.csv"
    table.write_text("\n".join(["path,label,split", *lines]) + "\n")
    for row in split[3:]:
        file_beside(videos.file(row), "human_masks").unlink()
    train, test = train_and_test(table, "random", "centre", BOTH, size=16)
    assert "mask" in train[0] and "mask" not in test[0]


# Which folders are splits, and which are classes


@pytest.fixture
def folders(made, tmp_path):
    """Makes videos of given names."""
    content = made.file(made.rows[0]).read_bytes()

    def make(*names: str) -> Path:
        for name in names:
            file = tmp_path / "own" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return tmp_path / "own"

    return make


def found(*given, **named) -> set[tuple[str, str]]:
    return {(row.split, row.label) for row in index_folder(*given, **named)[0]}


def test_a_folder_of_another_name_is_a_class_unless_it_is_called_a_split(folders):
    root = folders("training/wave/a.mp4", "testing/bow/b.mp4")
    assert found(root) == {("train", "training"), ("train", "testing")}
    named = found(root, splits=("training", "testing"))
    assert named == {("training", "wave"), ("testing", "bow")}


def test_folders_without_videos_decide_nothing(folders):
    root = folders("train/wave/a.mp4", "val/wave/b.mp4")
    (root / "annotations").mkdir()
    (root / "annotations" / "list.txt").touch()
    assert found(root) == {("train", "wave"), ("val", "wave")}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("swapped/wave/c.mp4", "splits (train, val) and swapped, which is in no split"),
        ("train/c.mp4", "c.mp4, which is in no split or class"),
    ],
)
def test_what_is_neither_split_nor_class_is_named(folders, more, words):
    root = folders("train/wave/a.mp4", "val/wave/b.mp4", more)
    with pytest.raises(ValueError, match=re.escape(words)):
        index_folder(root)
