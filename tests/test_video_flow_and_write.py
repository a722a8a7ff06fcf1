"""Optical flow of known motion, and files written whole or not at all."""

import numpy as np
import pytest

from course.video import (
    flow_to_uint8,
    probe,
    read_clip,
    tvl1_flow,
    write_video,
)
from course.video import write as write_module


def moving_texture(dx, dy, frames=3, size=64):
    """A smooth random texture that moves by whole pixels, uint8 (T, H, W, 3)."""
    ndimage = pytest.importorskip("scipy.ndimage")
    big = np.random.default_rng(0).normal(size=(size * 2, size * 2))
    big = ndimage.gaussian_filter(big, 2)
    big = np.uint8(np.clip(big / big.std() * 45 + 128, 0, 255))
    at = size // 2
    cut = [
        big[at - t * dy : at - t * dy + size, at - t * dx : at - t * dx + size]
        for t in range(frames)
    ]
    return np.repeat(np.stack(cut)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, -1), (-3, 2)])
def test_flow_of_a_moving_texture_is_its_motion(dx, dy):
    pytest.importorskip("cv2")
    flow = tvl1_flow(moving_texture(dx, dy))
    assert flow.shape == (2, 2, 64, 64) and flow.dtype == np.float32
    inner = flow[:, :, 10:-10, 10:-10]
    assert abs(np.median(inner[0]) - dx) < 0.15 and abs(np.median(inner[1]) - dy) < 0.15
    assert np.hypot(inner[0] - dx, inner[1] - dy).mean() < 0.4


def test_flow_bound_clips():
    pytest.importorskip("cv2")
    flow = tvl1_flow(moving_texture(3, 0), bound=1.5)
    assert flow.max() == 1.5 and flow.min() >= -1.5


def test_flow_in_eight_bits_follows_the_published_formula():
    flow = np.linspace(-25, 25, 101)
    wanted = np.floor((np.clip(flow, -20, 20) / 20 * 0.5 + 0.5) * 255)
    assert np.array_equal(flow_to_uint8(flow), wanted.astype(np.uint8))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 32, 32, 3), (3, 8, 32, 3)])
def test_flow_refuses_wrong_shapes(shape):
    with pytest.raises(ValueError, match=str(shape[-2])):
        tvl1_flow(np.zeros(shape, np.uint8))


def smooth_frames(count=8, height=32, width=48):
    y, x, t = np.mgrid[0:height, 0:width, 0:count].astype(float)
    waves = [np.sin(x / 8 + t / 3), np.cos(y / 9 - t / 4), np.sin((x + y) / 12)]
    return np.uint8(np.stack(waves, -1) * 80 + 128).transpose(2, 0, 1, 3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_written_video_reads_back(tmp_path, name):
    frames = smooth_frames()
    path = write_video(tmp_path / name, frames, fps=12.5)
    info = probe(path)
    assert (info.frames, info.height, info.width) == (8, 32, 48)
    assert info.fps == pytest.approx(12.5)
    assert np.abs(read_clip(path).astype(int) - frames).mean() < 3
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_better_quality_is_nearer_and_bytes_repeat(tmp_path):
    frames = smooth_frames()
    error = {}
    for crf in (5, 40):
        path = write_video(tmp_path / f"{crf}.mp4", frames, crf=crf)
        error[crf] = np.abs(read_clip(path).astype(int) - frames).mean()
        again = write_video(tmp_path / "again.mp4", frames, crf=crf)
        assert again.read_bytes() == path.read_bytes()
    assert error[5] < error[40]


def test_odd_sizes_are_refused_or_padded(tmp_path):
    frames = smooth_frames(3, 33, 47)
    with pytest.raises(ValueError, match="33 x 47.*pad=True"):
        write_video(tmp_path / "odd.mp4", frames)
    path = write_video(tmp_path / "odd.mp4", frames, pad=True)
    clip = read_clip(path)
    assert clip.shape == (3, 34, 48, 3)
    assert np.abs(clip[:, :33, :47].astype(int) - frames).mean() < 4


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", smooth_frames())
    before = path.read_bytes()
    real = write_module._encode

    def fails_late(part, *rest):
        real(part, *rest)
        raise OSError("disk full")

    monkeypatch.setattr(write_module, "_encode", fails_late)
    with pytest.raises(OSError, match="disk full"):
        write_video(path, smooth_frames()[::-1])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frames": np.zeros((2, 8, 8, 3))}, "float64"),
        ({"frames": np.zeros((0, 8, 8, 3), np.uint8)}, "nothing"),
        ({"frames": np.zeros((8, 8, 3), np.uint8)}, r"\(8, 8, 3\)"),
        ({"fps": 0}, "fps 0"),
        ({"crf": 60}, "crf 60"),
        ({"path": "a.txt"}, "a.txt"),
    ],
)
def test_senseless_writes_are_refused(tmp_path, arguments, words):
    arguments = {"path": "a.mp4", "frames": smooth_frames(2)} | arguments
    arguments["path"] = tmp_path / arguments["path"]
    with pytest.raises(ValueError, match=words):
        write_video(**arguments)
    assert not list(tmp_path.iterdir())
