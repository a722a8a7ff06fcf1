"""course.video reads every common kind of file exactly, or says what is wrong."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import video_zoo

from course.video import FrameIndexError, VideoError, frame_times, probe, read_clip

ORDER = [23, 3, 12, 12, 0, 17, 6]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    return video_zoo.make_zoo(tmp_path_factory.mktemp("zoo"))


def reference(path):
    """Every frame in order by the plainest PyAV loop, turned upright."""
    import av

    with av.open(str(path)) as container:
        frames = [
            np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
            for frame in container.decode(video=0)
        ]
    return np.stack(frames)


def worst_difference(a, b):
    assert a.shape == b.shape
    return np.abs(a.astype(int) - b).mean(axis=(1, 2, 3)).max()


@pytest.mark.parametrize("kind", video_zoo.KINDS)
def test_every_kind_reads_the_same_frames_in_order_and_at_random(zoo, kind):
    truth = reference(zoo[kind])
    info = probe(zoo[kind])
    assert (info.frames, info.height, info.width) == truth.shape[:3]
    for backend in ("auto", "pyav"):
        assert worst_difference(read_clip(zoo[kind], backend=backend), truth) <= 2
        part = read_clip(zoo[kind], ORDER, backend=backend)
        assert worst_difference(part, truth[ORDER]) <= 2
        for number in (22, 9):  # each on a newly opened file
            one = read_clip(zoo[kind], [number], backend=backend)
            assert worst_difference(one, truth[[number]]) <= 2


@pytest.mark.parametrize("kind", ["h264", "h264_gop", "mkv", "webm_vp9", "avi"])
def test_both_backends_agree_where_decord_is_used(zoo, kind):
    pytest.importorskip("decord")
    assert probe(zoo[kind]).backend == "decord"
    by_decord = read_clip(zoo[kind], ORDER, backend="decord")
    assert worst_difference(by_decord, read_clip(zoo[kind], ORDER, backend="pyav")) <= 2


def test_late_frame_is_reached_by_a_jump(zoo, monkeypatch):
    from course.video import pyav

    steps = []
    real = pyav._next
    monkeypatch.setattr(pyav, "_next", lambda *a: steps.append(1) or real(*a))
    read_clip(zoo["h264_gop"], [20], backend="pyav")  # key frames at 0, 6, 12, 18
    assert len(steps) == 3


@pytest.mark.parametrize("kind", video_zoo.NOT_FOR_DECORD)
def test_files_that_decord_gets_wrong_go_to_pyav(zoo, kind):
    assert probe(zoo[kind]).backend == "pyav"


def test_pixels_are_the_encoded_ones_within_codec_loss(zoo):
    source = video_zoo.frames_of()
    assert worst_difference(read_clip(zoo["h264"]), source) < 8
    assert worst_difference(read_clip(zoo["mkv_lossless"]), source) == 0


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_flag_turns_the_picture_clockwise(zoo, degrees):
    upright = np.rot90(video_zoo.frames_of(), -degrees // 90, axes=(1, 2))
    for backend in ("auto", "pyav"):
        clip = read_clip(zoo[f"rotated_{degrees}"], backend=backend)
        assert worst_difference(clip, upright) < 8


def test_variable_frame_rate_keeps_every_frame_and_its_time(zoo):
    wanted = np.array(video_zoo.VFR_TIMES) / 1000
    for kind in ("h264_vfr", "mkv_vfr"):
        np.testing.assert_allclose(frame_times(zoo[kind]), wanted, atol=1e-3)
        assert 9 < probe(zoo[kind]).fps < 10


def test_edit_list_frames_are_not_counted(zoo):
    info = probe(zoo["edit_list"])
    assert (info.frames, info.backend) == (19, "pyav")
    clip = read_clip(zoo["edit_list"], [0])
    assert worst_difference(clip, video_zoo.frames_of()[5:6]) < 8


def test_probe_says_rate_and_duration(zoo):
    info = probe(zoo["h264"])
    assert (info.fps, info.duration) == (25.0, pytest.approx(0.96))


def test_size_scales_to_short_side_or_pair(zoo):
    assert read_clip(zoo["h264"], [0, 1], size=32).shape == (2, 32, 48, 3)
    assert read_clip(zoo["rotated_90"], [0], size=32).shape == (1, 48, 32, 3)
    small = read_clip(zoo["h264"], [5], size=(16, 24))
    means = read_clip(zoo["h264"], [5]).reshape(1, 16, 4, 24, 4, 3).mean((2, 4))
    assert np.abs(small - means).mean() < 6


def test_index_list_may_be_empty_an_array_or_a_range(zoo):
    assert read_clip(zoo["h264"], []).shape == (0, 64, 96, 3)
    a, b = (
        read_clip(zoo["h264"], np.array([1, 3])),
        read_clip(zoo["h264"], range(1, 5, 2)),
    )
    assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"indices": [0.5]}, "whole numbers"),
        ({"indices": [[0, 1]]}, r"\(1, 2\)"),
        ({"size": 0}, "got 0"),
        ({"size": (0, 8)}, r"got \(0, 8\)"),
        ({"backend": "ffmpeg"}, "ffmpeg"),
    ],
)
def test_senseless_arguments_are_value_errors(zoo, arguments, words):
    with pytest.raises(ValueError, match=words):
        read_clip(zoo["h264"], **arguments)


@pytest.mark.parametrize("numbers", [[24], [0, 99], [-1], [3, -2]])
def test_frame_numbers_outside_the_video(zoo, numbers):
    with pytest.raises(FrameIndexError, match="out of range.*24 frames") as caught:
        read_clip(zoo["h264"], numbers)
    assert isinstance(caught.value, IndexError | VideoError)
    assert caught.value.frame == next(n for n in numbers if not 0 <= n < 24)
    assert str(zoo["h264"]) in str(caught.value)


def broken_files(folder: Path, zoo: dict) -> dict:
    def make(name, data):
        (folder / name).write_bytes(data)
        return folder / name

    cut = {}
    for kind in ("h264", "fast_start", "mkv", "webm_vp9", "avi", "gif", "ts"):
        data = zoo[kind].read_bytes()
        for percent in (50, 90):
            name = f"cut{percent}_{kind}{zoo[kind].suffix}"
            words = "damaged or cut" if kind == "ts" else "ends early"
            cut[f"{kind} {percent}"] = (
                make(name, data[: len(data) * percent // 100]),
                words,
            )
    return cut | {
        "missing": (folder / "nowhere.mp4", "no such file"),
        "folder": (folder, "folder"),
        "empty": (make("empty.mp4", b""), "empty"),
        "text": (
            make("text.mp4", b"This is a recipe for soup.\n" * 40),
            "not a readable",
        ),
        "audio": (video_zoo.audio_only(folder / "audio.mp4"), "only audio"),
    }


def test_broken_files_are_named_with_their_cause(zoo, tmp_path, capfd):
    for name, (path, words) in broken_files(tmp_path, zoo).items():
        for action in (probe, read_clip, lambda p: read_clip(p, [0], size=16)):
            with pytest.raises(VideoError, match=words) as caught:
                action(path)
            assert caught.value.path == str(path) and str(path) in str(caught.value), (
                name
            )
    told = capfd.readouterr()
    assert told.out == told.err == ""


@pytest.mark.parametrize("kind", ["fast_start", "mkv", "gif"])
def test_cut_file_names_the_first_lost_frame(zoo, tmp_path, kind):
    data = zoo[kind].read_bytes()
    path = tmp_path / f"half{zoo[kind].suffix}"
    path.write_bytes(data[: len(data) * 7 // 10])
    with pytest.raises(VideoError) as caught:
        read_clip(path)
    assert 0 < caught.value.frame < 24 and f"frame {caught.value.frame}" in str(
        caught.value
    )


def with_other_packets(data: bytes, front: int, behind: int) -> bytes:
    """A transport stream's packets with further bytes around each of them."""
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    return b"".join(bytes(front) + packet + bytes(behind) for packet in packets)


@pytest.mark.parametrize(("front", "behind"), [(0, 0), (4, 0), (0, 16)])
def test_cut_inside_any_packet_of_a_transport_stream(zoo, tmp_path, front, behind):
    data = with_other_packets(zoo["ts"].read_bytes(), front, behind)
    path, length = tmp_path / "cut.ts", front + 188 + behind
    for whole in range(3 * length, len(data), 7 * length):
        for rest in (front + 1, front + 100, length - 1):
            path.write_bytes(data[: whole + rest])
            with pytest.raises(VideoError, match="ends early.*damaged or cut"):
                probe(path)
    for padding in (b"", b"\0", bytes(100)):
        path.write_bytes(data + padding)
        assert probe(path).frames == probe(zoo["ts"]).frames


def test_the_made_files_are_the_same_every_time(zoo, tmp_path):
    for kind in ("h264", "fast_start", "mkv", "webm_vp9", "avi", "gif", "ts"):
        name, recipe = video_zoo.RECIPES[kind]
        again = video_zoo.encode(tmp_path / name, video_zoo.frames_of(), **recipe)
        assert again.read_bytes() == zoo[kind].read_bytes(), kind


def test_damage_inside_a_file_names_a_frame(zoo, tmp_path):
    data = bytearray(zoo["h264"].read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, len(data) // 10, dtype=np.uint8)
    data[len(data) // 2 : len(data) // 2 + len(noise)] = noise.tobytes()
    path = tmp_path / "scratched.mp4"
    path.write_bytes(data)
    with pytest.raises(VideoError) as caught:
        read_clip(path)
    assert caught.value.frame is not None
    assert worst_difference(read_clip(path, [0]), read_clip(zoo["h264"], [0])) <= 2


def test_file_that_changes_is_read_anew(zoo, tmp_path):
    path = tmp_path / "changing.mp4"
    path.write_bytes(zoo["h264"].read_bytes())
    assert probe(path).frames == 24
    path.write_bytes(zoo["edit_list"].read_bytes())
    assert probe(path).frames == 19


def test_error_survives_the_way_home_from_a_worker():
    error = pickle.loads(pickle.dumps(FrameIndexError("a.mp4", "too far", 7)))
    assert (error.path, error.cause, error.frame) == ("a.mp4", "too far", 7)


def test_importing_the_packages_loads_no_decoder():
    code = (
        "import sys, course.video, course.datasets; course.datasets.VideoClips; "
        "import course.video.decode, course.video.write, course.video.optical_flow; "
        "print([m for m in ('av', 'decord', 'cv2', 'PIL') if m in sys.modules])"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    assert done.stdout.strip() == "[]", done.stdout


def test_vp9_can_still_be_written_after_decord_was_used(zoo, tmp_path):
    read_clip(zoo["h264"], [0], backend="auto")
    path = video_zoo.encode(
        tmp_path / "a.webm", video_zoo.frames_of(4), **video_zoo.FAST_VP9
    )
    assert probe(path).frames == 4


def real_clips():
    folder = os.environ.get("COURSE_REAL_DATA")
    return sorted(Path(folder, "clips").glob("*.*")) if folder else []


@pytest.mark.skipif(
    not real_clips(), reason="COURSE_REAL_DATA names no folder of clips"
)
@pytest.mark.parametrize("path", real_clips(), ids=lambda path: path.name[:24])
def test_real_clips_read_exactly(path):
    truth = reference(path)
    assert probe(path).frames == len(truth)
    numbers = np.random.default_rng(0).integers(0, len(truth), 12)
    for backend in ("auto", "pyav"):
        clip = read_clip(path, numbers, backend=backend)
        assert worst_difference(clip, truth[numbers]) <= 2
