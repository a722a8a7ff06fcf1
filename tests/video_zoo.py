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
    matrix: str | None = None,
) -> Path:
    """Write frames; `times` are milliseconds per frame (variable frame rate)."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        if gop:
            stream.codec_context.gop_size = gop
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", rate=16000) if sound else None
        for i, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if matrix:
                frame = frame.reformat(dst_colorspace=matrix)
            frame.pts = i if times is None else times[i]
            frame.time_base = Fraction(1, fps) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            add_tone(container, audio, seconds=len(frames) / fps)
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


def make_zoo(folder: Path) -> dict[str, Path]:
    """One readable file of every kind that a learner's disk is likely to hold."""
    f = frames_of()
    odd = frames_of(height=65, width=97)
    vp9 = dict(codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    vp8 = dict(codec="libvpx", options={"deadline": "realtime", "cpu-used": "8"})
    p = folder
    zoo = {
        "h264": encode(p / "h264.mp4", f),
        "h264_gop": encode(p / "gop.mp4", f, gop=6),
        "h264_sound": encode(p / "sound.mp4", f, sound=True),
        "h264_odd": encode(p / "odd.mp4", odd, pix_fmt="yuv444p"),
        "h264_10bit": encode(p / "ten.mp4", f, pix_fmt="yuv420p10le"),
        "h264_full": encode(p / "full.mp4", f, pix_fmt="yuvj420p"),
        "h264_vfr": encode(p / "vfr.mp4", f, times=VFR_TIMES),
        "h264_nob": encode(p / "nob.mp4", f, options={"bf": "0"}),
        "h264_opengop": encode(p / "og.mp4", f, gop=6, options={"x264-params": "open-gop=1"}),
        "mov": encode(p / "a.mov", f),
        "hevc": encode(p / "hevc.mp4", f, codec="libx265", options={"x265-params": "log-level=none"}),
        "avi": encode(p / "mpeg4.avi", f, codec="mpeg4"),
        "avi_gop": encode(p / "mpeg4g.avi", f, codec="mpeg4", gop=5, options={"bf": "2"}),
        "avi_odd": encode(p / "odd.avi", odd, codec="mpeg4"),
        "avi_mjpeg": encode(p / "mjpeg.avi", f, codec="mjpeg", pix_fmt="yuvj420p"),
        "mkv": encode(p / "a.mkv", f, gop=7),
        "mkv_vfr": encode(p / "vfr.mkv", f, times=VFR_TIMES),
        "webm_vp9": encode(p / "vp9.webm", f, **vp9),
        "webm_vp9_odd": encode(p / "vp9odd.webm", odd, **vp9),
        "webm_vp8": encode(p / "vp8.webm", f, **vp8),
        "gif": encode(p / "a.gif", f, codec="gif", pix_fmt="rgb8", fps=10),
        "mpg": encode(p / "a.mpg", f, codec="mpeg1video"),
        "ts": encode(p / "a.ts", f),
        "flv": encode(p / "a.flv", f),
        "bt709": encode(p / "bt709.mp4", f, options={"colorspace": "bt709"}),
    }
    for turn in ROTATIONS:
        zoo[f"rotated_{turn}"] = rotate_flag(encode(p / f"r{turn}.mp4", f), turn)
    return zoo
