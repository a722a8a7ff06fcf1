"""The table of contents of a video file: how many frames, when, where one may start.

PyAV walks through the packets without decoding them (about 10 microseconds a packet)
and decodes the first frame.  From the packets' times follow the exact number of frames
and the key frames; the first frame tells size, pixel format, rotation and interlacing.
Where times are absent or repeated (packed B frames of old AVI files, transport
streams) only decoding everything counts the frames, so that is done, once per file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .container import ENDS_EARLY, missing_part
from .errors import VideoError

# Containers whose times survive a seek. Elsewhere frames are counted from the start.
_SEEKABLE = ("mov", "matroska")
# One packet, one shown frame. VP8 may hide frames in packets of their own.
_ONE_FRAME_A_PACKET = ("h264", "hevc", "vp9", "mpeg4", "mjpeg", "libdav1d", "ffv1")


class _Packet(NamedTuple):
    """What is kept of a packet: never its data, which may be gigabytes."""

    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool
    size: int


@dataclass(frozen=True)
class VideoIndex:
    """What is known of a video file before its frames are read."""

    path: str
    frames: int
    fps: float
    height: int
    width: int
    times: np.ndarray = field(repr=False)  # seconds from the first frame, (frames,)
    container: str = ""
    codec: str = ""
    pixel_format: str = ""
    rotation: int = 0
    plain: bool = True  # one video stream, progressive, no edit list
    open_gop: bool = False  # frames shown before a key frame are stored after it
    regular: bool = False  # the packets alone give every frame's time
    seekable: bool = False  # and a jump to a key frame is exact
    pts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)


def video_index(path: str | os.PathLike) -> VideoIndex:
    """Read the index of a video, remembered until the file changes.

    Args:
        path: the file.

    Returns:
        The `VideoIndex`.

    Raises:
        VideoError: the file is missing, empty, cut short, damaged or holds no video.
    """
    path = os.fspath(path)
    cause = missing_part(path)
    if cause:
        raise VideoError(path, cause, _frames_there(path, cause))
    stat = os.stat(path)
    return _cached(path, stat.st_size, stat.st_mtime_ns)


def _frames_there(path: str, cause: str) -> int | None:
    """How many whole frames a cut file still holds: the first lost one's number."""
    import av

    if not cause.startswith(ENDS_EARLY):
        return None
    count = 0
    try:
        with av.open(path) as container:
            for packet in container.demux(video_stream(container, path)):
                count += bool(packet.size) and not packet.is_corrupt
    except (av.FFmpegError, VideoError):
        return count or None
    return count


@lru_cache(maxsize=4096)
def _cached(path: str, size: int, changed: int) -> VideoIndex:
    import av

    try:
        with av.open(path) as container:
            return _scan(path, container)
    except av.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        cause = f"not a readable video ({reason})"
        raise VideoError(path, cause) from error


def video_stream(container, path: str):
    """The first real video stream (cover pictures of music files do not count)."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    held = f"it holds only {', '.join(kinds)}" if kinds else "it holds no stream at all"
    raise VideoError(path, f"no video in this file: {held}")


def _scan(path: str, container) -> VideoIndex:
    stream = video_stream(container, path)
    packets = [
        _Packet(p.pts, p.dts, p.is_keyframe, p.is_discard, p.is_corrupt, p.size)
        for p in container.demux(stream)
        if p.size or p.dts is not None  # the last, empty one only says "the end"
    ]
    cut = next((i for i, packet in enumerate(packets) if packet.is_corrupt), None)
    if cut is not None:
        raise VideoError(path, "the file is cut short or damaged here", frame=cut)
    if len(packets) < stream.frames:
        cause = f"the header promises {stream.frames} frames, {len(packets)} are there"
        raise VideoError(path, cause, frame=len(packets))
    if not packets:
        raise VideoError(path, "the video stream is empty")
    first = _first_frame(path)
    shown = [p for p in packets if not p.is_discard]
    facts = dict(_facts(container, stream, first), path=path)
    facts["plain"] &= len(shown) == len(packets)
    if not _is_regular(container, stream, shown):
        return _counted(path, stream, facts)
    return _indexed(stream, shown, facts)


def _first_frame(path: str):
    """Decode frame 0 on a connection of its own (demuxing has used up the other)."""
    import av

    with av.open(path) as container:
        stream = video_stream(container, path)
        stream.codec_context.thread_count = 1
        try:
            for frame in container.decode(stream):
                return frame
        except av.FFmpegError as error:
            cause = f"the first frame is damaged ({error.strerror})"
            raise VideoError(path, cause, frame=0) from error
    raise VideoError(path, "no frame could be decoded", frame=0)


def _facts(container, stream, first) -> dict:
    turned = round(first.rotation / 90) % 2
    size = (first.width, first.height) if turned else (first.height, first.width)
    return {
        "height": size[0],
        "width": size[1],
        "container": container.format.name,
        "codec": stream.codec_context.name,
        "pixel_format": first.format.name,
        "rotation": round(first.rotation),
        "plain": len(container.streams.video) == 1 and not first.interlaced_frame,
    }


def _is_regular(container, stream, packets) -> bool:
    """Do the packets alone give every frame's time?"""
    pts = [packet.pts for packet in packets]
    if not pts or None in pts or len(set(pts)) < len(pts):
        return False
    if not all(packet.size for packet in packets):
        return False
    name, codec = container.format.name, stream.codec_context.name
    if name == "avi" and (stream.codec_context.has_b_frames or codec == "h264"):
        return False
    known = name == "avi" or name.startswith(_SEEKABLE)
    return known and codec in _ONE_FRAME_A_PACKET


def _indexed(stream, packets, facts: dict) -> VideoIndex:
    stored = np.array([packet.pts for packet in packets], np.int64)
    pts = np.sort(stored)
    later_least = np.minimum.accumulate(stored[::-1])[::-1]
    at = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    unit = float(stream.time_base)
    times = (pts - pts[0]) * unit
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    rate = float(len(times) / (times[-1] + step)) if step > 0 else _rate(stream)
    return VideoIndex(
        frames=len(pts),
        fps=rate if step > 0 and _varies(times) else _rate(stream),
        times=times,
        open_gop=any(later_least[i] < stored[i] for i in at),
        regular=True,
        seekable=facts["container"].startswith(_SEEKABLE),
        pts=pts,
        keys=np.searchsorted(pts, stored[at]),
        **facts,
    )


def _varies(times: np.ndarray) -> bool:
    """Steps that differ by more than a clock's rounding: a variable frame rate."""
    steps = np.diff(times)
    return bool(steps.max() > 1.5 * np.median(steps))


def _rate(stream) -> float:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else 25.0


def _counted(path: str, stream, facts: dict) -> VideoIndex:
    import av

    count, clean = 0, False
    try:
        with av.open(path) as container:
            again = video_stream(container, path)
            # With several threads a damaged frame is not always marked as such.
            again.codec_context.thread_count = 1
            for frame in container.decode(again):
                # A recording may begin amid a group of pictures, but then it is clean.
                if frame.is_corrupt and clean:
                    raise VideoError(path, "this frame is damaged or cut", count)
                clean |= not frame.is_corrupt
                count += 1
    except av.FFmpegError as error:
        raise VideoError(path, f"damaged data ({error.strerror})", count) from error
    fps = _rate(stream)
    return VideoIndex(frames=count, fps=fps, times=np.arange(count) / fps, **facts)
