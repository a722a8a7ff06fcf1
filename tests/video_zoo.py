"""Makes small video files of many kinds with PyAV, for the tests of course.video."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np


def frames_of(count: int = 24, height: int = 64, width: int = 96) -> np.ndarray:
    """Smooth moving colour waves with a bright counter bar, uint8 (T, H, W, 3)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    frames = np.empty((count, height, width, 3), np.uint8)
    for t in range(count):
        waves = [np.sin(x / 9 + t / 3), np.sin(y / 7 - t / 4), np.sin((x + y) / 11 + t)]
        frames[t] = (np.stack(waves, -1) * 90 + 128).astype(np.uint8)
        frames[t, :8, : 1 + t * width // count] = (240, 240, 30)
    return frames


def encode(
    path: Path,
    frames: np.ndarray,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    fps: int = 25,
    options: dict | None = None,
    times: list[int] | None = None,
    gop: int | None = None,
    sound: bool = False,
    container: dict | None = None,
) -> Path:
    """Write frames; `times` are milliseconds per frame (variable frame rate)."""
    import av

    # The same bytes every time: no random identifiers, and not x264's macroblock tree,
    # which spends bits differently from run to run on frames this small.
    container = {"fflags": "+bitexact"} | (container or {})
    fixed = {"threads": "1"} | ({"mbtree": "0"} if codec == "libx264" else {})
    options = fixed | (options or {})
    with av.open(str(path), "w", options=container) as file:
        stream = file.add_stream(codec, rate=fps, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        if gop:
            stream.codec_context.gop_size = gop
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        audio = file.add_stream("aac", rate=16000) if sound else None
        for i, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = i if times is None else times[i]
            frame.time_base = Fraction(1, fps) if times is None else Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        if audio is not None:
            add_tone(file, audio, seconds=len(frames) / fps)
    return path


def add_tone(container, stream, seconds: float) -> None:
    """A 440 Hz tone of the given length into an open container."""
    import av

    total = int(16000 * seconds)
    wave = np.sin(np.arange(total) * 2 * np.pi * 440 / 16000).astype(np.float32)
    for start in range(0, total - 1023, 1024):
        part = np.ascontiguousarray(wave[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def audio_only(path: Path) -> Path:
    """An .mp4 that holds one second of sound and no picture."""
    import av

    with av.open(str(path), "w") as container:
        add_tone(container, container.add_stream("aac", rate=16000), 1.0)
    return path


ROTATIONS = {
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


def rotate_flag(path: Path, degrees: int) -> Path:
    """Patch the display matrix in the mp4's tkhd box: show turned clockwise."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix_at = at + (40 if data[at] == 0 else 52)
    a, b, c, d = (v * 65536 for v in ROTATIONS[degrees])
    fields = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[matrix_at : matrix_at + 36] = struct.pack(">9i", *fields)
    path.write_bytes(data)
    return path


VFR_TIMES = [0, 40, 80, 120, 200, 400, 420, 440, 900, 940, 980, 1020, 1500, 1540, 1580]
VFR_TIMES += [1620, 1700, 1720, 1760, 1800, 2400, 2440, 2480, 2520]


FAST_VP9 = {
    "codec": "libvpx-vp9",
    "options": {"deadline": "realtime", "cpu-used": "8"},
}
FAST_VP8 = FAST_VP9 | {"codec": "libvpx"}
OPEN_GOP = {"x264-params": "open-gop=1"}
SHORT_HEVC = {"x265-params": "log-level=none:keyint=6:min-keyint=3"}
INTERLACED = {"flags": "+ildct+ilme", "x264-params": "tff=1"}

# Name: (file, what `encode` is told). "odd" takes frames of 65 x 97 px.
RECIPES: dict[str, tuple[str, dict]] = {
    "h264": ("h264.mp4", {}),
    "h264_gop": ("gop.mp4", {"gop": 6}),
    "h264_sound": ("sound.mp4", {"sound": True}),
    "h264_444_odd": ("odd444.mp4", {"odd": True, "pix_fmt": "yuv444p"}),
    "h264_10bit": ("ten.mp4", {"pix_fmt": "yuv420p10le"}),
    "h264_full_range": ("full.mp4", {"pix_fmt": "yuvj420p"}),
    "h264_vfr": ("vfr.mp4", {"times": VFR_TIMES}),
    "h264_open_gop": ("open.mp4", {"gop": 6, "options": OPEN_GOP}),
    "h264_interlaced": ("interlaced.mp4", {"options": INTERLACED}),
    "h264_avi": ("h264.avi", {"gop": 6}),
    "fast_start": ("fast.mp4", {"container": {"movflags": "faststart"}}),
    "fragmented": (
        "fragmented.mp4",
        {"gop": 6, "container": {"movflags": "frag_keyframe+empty_moov"}},
    ),
    "edit_list": ("edited.mp4", {"times": [-200 + 40 * i for i in range(24)]}),
    "mov": ("a.mov", {}),
    "hevc_open_gop": ("hevc.mp4", {"codec": "libx265", "options": SHORT_HEVC}),
    "mpeg4_b": ("b.mp4", {"codec": "mpeg4", "gop": 6, "options": {"bf": "2"}}),
    "avi": ("mpeg4.avi", {"codec": "mpeg4", "gop": 6}),
    "avi_b": ("b.avi", {"codec": "mpeg4", "gop": 5, "options": {"bf": "2"}}),
    "avi_odd": ("odd.avi", {"codec": "mpeg4", "odd": True}),
    "avi_mjpeg": ("mjpeg.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    "mkv": ("a.mkv", {"gop": 7}),
    "mkv_vfr": ("vfr.mkv", {"times": VFR_TIMES, "gop": 7}),
    "mkv_lossless": ("exact.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}),
    "webm_vp9": ("vp9.webm", FAST_VP9),
    "webm_vp9_odd": ("odd.webm", FAST_VP9 | {"odd": True}),
    "webm_vp8": ("vp8.webm", FAST_VP8),
    "gif": ("a.gif", {"codec": "gif", "pix_fmt": "rgb8", "fps": 10}),
    "mpg": ("a.mpg", {"codec": "mpeg1video"}),
    "ts": ("a.ts", {}),
    "rotated_90": ("turned90.mp4", {}),
    "rotated_180": ("turned180.mp4", {}),
    "rotated_270": ("turned270.mp4", {}),
}
KINDS = [kind for kind in RECIPES if kind != "edit_list"]
NOT_FOR_DECORD = ["h264_10bit", "h264_open_gop", "h264_interlaced", "h264_avi"]
NOT_FOR_DECORD += ["edit_list", "hevc_open_gop", "mpeg4_b", "avi_b", "avi_odd"]
NOT_FOR_DECORD += ["webm_vp9_odd", "gif", "mpg", "ts"]


def make_zoo(folder: Path) -> dict[str, Path]:
    """One readable file of every kind that a learner's disk is likely to hold."""
    import av  # before decord, whose old libvpx would break the VP9 encoder

    assert av
    zoo = {}
    for kind, (name, recipe) in RECIPES.items():
        recipe = dict(recipe)
        odd = recipe.pop("odd", False)
        frames = frames_of(height=65, width=97) if odd else frames_of()
        zoo[kind] = encode(folder / name, frames, **recipe)
    for degrees in ROTATIONS:
        rotate_flag(zoo[f"rotated_{degrees}"], degrees)
    return zoo
