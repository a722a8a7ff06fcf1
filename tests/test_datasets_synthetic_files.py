"""The synthetic world written as video files reads back as it was rendered."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from course.datasets import VideoClips, read_manifest
from course.video import read_clip

pytest.importorskip("course.synthetic", reason="the synthetic world is not built yet")

SMALL = ["--clips", "6", "--frames", "4", "--size", "32", "--split", "val"]


def load_script():
    path = Path(__file__).parents[1] / "data_scripts" / "make_synthetic.py"
    spec = importlib.util.spec_from_file_location("make_synthetic", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


def call(*arguments):
    app = Typer()
    app.command()(SCRIPT.main)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic")
    result = call(out, *SMALL, "--truth")
    assert result.exit_code == 0, result.output
    return out


def world():
    from course.synthetic import SynthActions

    knobs = {"frames": 4, "size": 32, "frame_rate": 10.0}
    return SynthActions("val", num_clips=6, seed=0, **knobs)


LUMA = np.array([0.299, 0.587, 0.114])


def difference(a, b):
    return np.abs(a.astype(float) - b).mean()


def half_colour(frames):
    """What 4:2:0, colour at half the resolution, loses before any compression."""
    import av

    halves = []
    for frame in frames:
        whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        halves.append(whole.reformat(format="yuv420p").to_ndarray(format="rgb24"))
    return np.stack(halves)


def test_frames_come_back_within_codec_loss(written):
    rendered = world().render(range(6), ("clip",))["clip"].numpy()
    for index in range(6):
        path = SCRIPT.clip_path(written, world(), index)
        clip, truth = read_clip(path), rendered[index].transpose(1, 2, 3, 0)
        assert clip.shape == (4, 32, 32, 3)
        assert difference(clip, truth) < difference(half_colour(truth), truth) + 3
        assert difference(clip @ LUMA, truth @ LUMA) < 5
        assert difference(clip[::-1], truth) > difference(clip, truth)


def test_truth_lies_beside_the_clip(written):
    rendered = world().render([2], ("mask", "scene", "flow"))
    truth = np.load(SCRIPT.clip_path(written, world(), 2).with_suffix(".npz"))
    assert np.array_equal(truth["mask"], rendered["mask"][0])
    assert int(truth["scene"]) == int(rendered["scene"][0])
    np.testing.assert_allclose(truth["flow"], rendered["flow"][0], atol=1e-5)


def test_manifest_feeds_the_video_data_set(written):
    manifest = read_manifest(written / "manifest.csv")
    assert len(manifest) == 6 and {row.split for row in manifest} == {"val"}
    assert {(row.frames, row.fps) for row in manifest} == {(4, 10.0)}
    videos = VideoClips(manifest, "val", "centre", frames=4, size=32)
    names = {row.path: row.label for row in manifest}
    for item in (videos[i] for i in range(6)):
        path = Path(item["path"]).relative_to(written).as_posix()
        assert videos.classes[item["action"]] == names[path] == Path(path).parts[1]


def test_stopped_run_goes_on_and_finished_files_are_kept(tmp_path):
    first = call(tmp_path, *SMALL, "--limit", 4)
    assert first.exit_code == 0 and len(list(tmp_path.rglob("*.mp4"))) == 4
    files = sorted(tmp_path.rglob("*.mp4"))
    times = {path: path.stat().st_mtime_ns for path in files[1:]}
    files[0].write_bytes(files[0].read_bytes()[:200])  # as if the machine had died
    second = call(tmp_path, *SMALL)
    assert second.exit_code == 0, second.output
    assert "3 clips are there, 3 to write" in second.output
    assert len(read_manifest(tmp_path / "manifest.csv")) == 6
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


def test_dry_run_writes_nothing(tmp_path):
    result = call(tmp_path / "new", *SMALL, "--dry-run")
    assert result.exit_code == 0 and "6 to write" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "33"], "even size"),
        (["--split", "nowhere"], "nowhere"),
        (["--set", "camera_pan"], "NAME=VALUE"),
        (["--set", "no_such_knob=1"], "no_such_knob"),
        (["--seed", "1"], "another world"),
    ],
)
def test_wrong_calls_say_why(written, arguments, words):
    result = call(written, *SMALL, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())
