"""VideoClips: right clips, repeatable draws, and no death by unreadable files."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from course.datasets import Manifest, Row, UnreadableVideos, VideoClips, check
from course.training import TrainSettings, fit
from course.video import write_video


def counting_video(path, frames=20, shade=60):
    """Frame t is grey of level 20 + 10 t; the top left corner tells the video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = np.empty((frames, 32, 48, 3), np.uint8)
    clip[:] = (20 + 10 * np.arange(frames))[:, None, None, None]
    clip[:, :16, :24] = shade
    return write_video(path, clip, fps=10, crf=5)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    rows = []
    for number in range(6):
        counting_video(folder / f"{number}.mp4", shade=20 + 40 * number)
        rows.append(Row(f"{number}.mp4", f"action {number}"))
    return Manifest(tuple(rows), folder)


@pytest.fixture
def partly_broken(good, tmp_path):
    for row in good:
        (tmp_path / row.path).write_bytes(good.file(row).read_bytes())
    (tmp_path / "1.mp4").write_bytes(b"")
    half = (tmp_path / "4.mp4").read_bytes()
    (tmp_path / "4.mp4").write_bytes(half[: len(half) // 2])
    return Manifest(good.rows, tmp_path)


def levels(clip):
    """The frame numbers that a clip of a counting video shows."""
    grey = clip[..., -4:, -4:].mean(dim=(-1, -2)) * 255
    return ((grey[..., 0, :] - 20) / 10).round().long().tolist()


def test_item_has_the_promised_parts(good):
    item = VideoClips(good, frames=4, size=24)[3]
    assert item["clip"].shape == (3, 4, 24, 24) and item["clip"].dtype == torch.float32
    assert 0 <= item["clip"].min() and item["clip"].max() <= 1
    assert (item["action"], item["index"], item["ok"]) == (3, 3, True)
    assert item["path"] == str(good.file(good.rows[3]))
    assert VideoClips(good, frames=4, size=(16, 24))[0]["clip"].shape[-2:] == (16, 24)


def test_each_sampling_takes_the_frames_it_says(good):
    def read(sampling, **more):
        return levels(
            VideoClips(good, sampling=sampling, size=(32, 48), **more)[0]["clip"]
        )

    assert read("centre", frames=4) == [8, 9, 10, 11]
    assert read("centre", frames=4, stride=2) == [6, 8, 10, 12]
    assert read("segment_centres", frames=5) == [2, 6, 10, 14, 18]
    assert read("spread", frames=2, clips=3) == [[0, 1], [9, 10], [18, 19]]
    assert read("dense", frames=10) == [list(range(10)), list(range(10, 20))]
    start, *rest = read("random", frames=4)
    assert rest == [start + 1, start + 2, start + 3]
    chosen = read("segments", frames=5)
    assert all(4 * i <= frame < 4 * i + 4 for i, frame in enumerate(chosen))


def test_start_and_end_bound_the_clip(good):
    row = Row("0.mp4", "wave", start=0.5, end=0.9)
    videos = VideoClips(Manifest((row,), good.folder), size=(32, 48), frames=4)
    for epoch in range(5):
        videos.set_epoch(epoch)
        assert levels(videos[0]["clip"]) == [5, 6, 7, 8]


def test_draws_depend_on_seed_epoch_and_row_not_on_order_or_workers(good):
    def starts(epoch=0, seed=0, **loader):
        videos = VideoClips(good, frames=3, size=(32, 48), seed=seed)
        videos.set_epoch(epoch)
        batches = DataLoader(videos, batch_size=2, **loader)
        return [start for batch in batches for start in levels(batch["clip"])]

    assert starts() == starts() == starts(num_workers=2)
    assert starts() != starts(epoch=1) and starts() != starts(seed=1)


def test_epoch_reaches_running_workers(good):
    videos = VideoClips(good, frames=3, size=(32, 48))
    loader = DataLoader(videos, batch_size=6, num_workers=1, persistent_workers=True)
    seen = []
    for epoch in range(2):
        videos.set_epoch(epoch)
        seen.append([levels(batch["clip"]) for batch in loader])
    assert seen[0] != seen[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_sees_other_frames_in_every_epoch(good, workers):
    """The loop draws ahead of time and in workers: it names the epoch of each item."""
    videos = VideoClips(good, frames=3, size=(32, 48))
    assert videos.item_of_epoch(0, epoch=0)["clip"].equal(videos[0]["clip"])
    seen: list[list[int]] = []

    def step(model, batch, number):
        seen.append(sorted(levels(clip)[0] for clip in batch["clip"]))
        return {"loss": model(batch["clip"].mean().view(1, 1)).sum()}

    recipe = TrainSettings(epochs=3, batch_size=len(videos), workers=workers)
    fit(torch.nn.Linear(1, 1), videos, step, recipe, progress=False)
    assert len(seen) == 3 and seen[0] != seen[1] and seen[1] != seen[2]


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_videos_are_replaced_counted_and_reported(partly_broken, workers):
    videos = VideoClips(partly_broken, frames=3, size=24, max_unreadable=0.5)
    for _ in range(2):
        loader = DataLoader(videos, batch_size=3, num_workers=workers)
        batches = list(loader)
        ok = torch.cat([batch["ok"] for batch in batches]).tolist()
        assert ok == [True, False, True, True, False, True]
        paths = [path for batch in batches for path in batch["path"]]
        labels = torch.cat([batch["action"] for batch in batches]).tolist()
        for path, label in zip(paths, labels, strict=True):
            assert label == int(path[-5])  # the stand-in's own label
        assert not any(path.endswith(("1.mp4", "4.mp4")) for path in paths)
    assert [error.path[-5:] for error in videos.unreadable] == ["1.mp4", "4.mp4"]
    report = videos.report()
    assert report.startswith("2 of 6 videos cannot be read:")
    assert "1.mp4: the file is empty" in report and "ends early" in report


def test_stand_in_is_the_same_each_time(partly_broken):
    def stand_ins():
        videos = VideoClips(partly_broken, frames=3, size=24, max_unreadable=0.5)
        return [videos[1]["path"], videos[4]["path"], videos[1]["path"]]

    assert stand_ins() == stand_ins()
    assert stand_ins()[0] == stand_ins()[2]


def test_too_many_unreadable_videos_stop_with_the_list(partly_broken):
    videos = VideoClips(partly_broken, frames=3, size=24, max_unreadable=0.2)
    with pytest.raises(UnreadableVideos, match="(?s)2 of 6.*1.mp4.*4.mp4"):
        for index in range(6):
            videos[index]


def test_only_unreadable_videos_stop_at_once(tmp_path):
    rows = (Row("a.mp4", "bow"), Row("b.mp4", "bow"))
    videos = VideoClips(Manifest(rows, tmp_path), max_unreadable=1.0)
    with pytest.raises(UnreadableVideos, match="(?s)2 of 2.*no such file"):
        videos[0]
    single = VideoClips(Manifest(rows[:1], tmp_path), max_unreadable=1.0)
    with pytest.raises(UnreadableVideos, match="1 of 1"):
        single[0]


def test_check_finds_them_before_the_training(partly_broken):
    rows = (*partly_broken.rows, Row("0.mp4", "bow", start=7.0, end=9.0))
    errors = check(Manifest(rows, partly_broken.folder))
    causes = [error.cause for error in errors]
    assert causes[0] == "the file is empty" and "ends early" in causes[1]
    assert causes[2] == "no frame lies between 7 s and 9 s"
    assert check(Manifest(partly_broken.rows[:1], partly_broken.folder)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sampling": "best"}, "best"),
        ({"split": "test"}, "no rows in split 'test'"),
        ({"frames": 0}, "frames 0"),
    ],
)
def test_senseless_arguments_are_refused(good, arguments, words):
    with pytest.raises(ValueError, match=words):
        VideoClips(good, **arguments)
    with pytest.raises(IndexError):
        VideoClips(good)[6]
