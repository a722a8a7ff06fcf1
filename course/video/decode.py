"""Reads chosen frames of a video file, exactly, with one of two decoders.

decord reads what it is known to read right; PyAV reads the rest (and the index of every
file, so PyAV is needed, decord is not).  Compared frame by frame, in order and at
random, decord 0.6 agreed with PyAV (to 0.001 levels) on MP4, MOV, MKV, WebM and AVI
except in these cases, which are therefore given to PyAV:

- open groups of pictures (HEVC's default, some H.264, MPEG-1/2, MPEG-4 with B frames):
  a jump lands some frames off (60-90 grey levels away);
- AVI with B frames (packed Xvid as in HMDB-51): the frame count is one too many and a
  jump lands wrongly; H.264 in AVI: a jump lands wrongly;
- MP4 with an edit list: frames that players never show are counted;
- odd width or height with 4:2:0 chroma, 10-bit 4:2:0, interlaced frames: chroma shifts,
  2.5-4.5 levels on average (a clean source shows PyAV to be nearer to the truth);
- GIF, MPEG-TS, AV1, PNG: cannot be opened or read to the end;
- very narrow frames and damaged data: decord raises; PyAV then reads, or names the
  frame at fault.

Rotation flags, variable frame rate, VP8/VP9, Matroska and full-range colour agree.
Frame numbers count the frames that a player shows.  Pixels that are not square are not
stretched.  Mirroring in a display matrix is ignored by both.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn.functional import interpolate

from .errors import FrameIndexError, VideoError
from .index import VideoIndex, video_index
from .pyav import read_pyav

_CHUNK = 16  # frames held at full size before they are shrunk
_DECORD_CODECS = ("h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg")
_DECORD_PIXELS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p")


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video file; sizes as shown (after the rotation flag)."""

    frames: int
    fps: float
    height: int
    width: int
    duration: float  # seconds
    backend: str  # "decord" or "pyav": which of them reads this file


def probe(path: str | os.PathLike) -> VideoInfo:
    """Count the frames of a video and read its size and rate, without decoding it.

    Args:
        path: the file.

    Returns:
        `VideoInfo` with the exact frame count, frames per second (the mean rate where
        it varies), height and width in px and the duration in seconds.

    Raises:
        VideoError: the file is missing, empty, cut short, or holds no video.

    >>> probe("nowhere.mp4")
    Traceback (most recent call last):
    course.video.errors.VideoError: nowhere.mp4: no such file
    """
    index = video_index(path)
    backend = "decord" if decord_is_right(index) else "pyav"
    seconds = index.frames / index.fps
    return VideoInfo(
        index.frames, index.fps, index.height, index.width, seconds, backend
    )


def frame_times(path: str | os.PathLike) -> np.ndarray:
    """Say when each frame is shown, also where the frame rate varies.

    Args:
        path: the file.

    Returns:
        Seconds after the first frame, float64 (T,), increasing.

    Raises:
        VideoError: as `probe`.

    >>> frame_times("nowhere.mp4")
    Traceback (most recent call last):
    course.video.errors.VideoError: nowhere.mp4: no such file
    """
    return video_index(path).times.copy()


def read_clip(
    path: str | os.PathLike,
    indices: Sequence[int] | np.ndarray | None = None,
    size: int | tuple[int, int] | None = None,
    backend: str = "auto",
) -> UInt8[np.ndarray, "T H W 3"]:
    """Read frames of a video by number, in any order, repeats allowed.

    Args:
        path: the file.
        indices: frame numbers 0 .. frames - 1; None reads all.
        size: None keeps the size; an int is the new short side (px), the long one
            follows; a pair is (height, width). Antialiased bilinear.
        backend: "auto" (decord where it is right, else PyAV), "decord" or "pyav".

    Returns:
        RGB frames, uint8 (T, H, W, 3).

    Raises:
        VideoError: the file is missing, empty, cut short, damaged or holds no video;
            names the file and, where one frame is at fault, the frame.
        FrameIndexError: a frame number is negative or too large (a `VideoError`).
        ValueError: `indices`, `size` or `backend` make no sense.

    >>> read_clip("nowhere.mp4", [0, 8])
    Traceback (most recent call last):
    course.video.errors.VideoError: nowhere.mp4: no such file
    """
    if backend not in ("auto", "decord", "pyav"):
        raise ValueError(f"backend must be auto, decord or pyav, got {backend!r}")
    index = video_index(path)
    wanted = _frame_numbers(index, indices)
    height, width = _target_size(index, size)
    unique, back = np.unique(wanted, return_inverse=True)
    clip = np.empty((len(unique), height, width, 3), np.uint8)
    done = 0
    for chunk in _chunks(_frames(index, unique.tolist(), backend)):
        clip[done : done + len(chunk)] = _resize(np.stack(chunk), (height, width))
        done += len(chunk)
    same = len(back) == len(unique) and (back == np.arange(len(back))).all()
    return clip if same else clip[back]


def decord_is_right(index: VideoIndex) -> bool:
    """Is this a file that decord is installed for and known to read right?

    Args:
        index: from `course.video.index.video_index`.

    Returns:
        False for every case in the list at the top of this file.

    >>> import numpy as np
    >>> odd = VideoIndex("a.webm", 9, 25.0, 65, 97, np.arange(9) / 25, codec="vp9")
    >>> decord_is_right(odd)
    False
    """
    if importlib.util.find_spec("decord") is None:
        return False
    subsampled = index.pixel_format.endswith("420p")
    odd = subsampled and (index.height % 2 or index.width % 2)
    known = index.codec in _DECORD_CODECS and index.pixel_format in _DECORD_PIXELS
    ordered = index.plain and index.regular and not index.open_gop
    return bool(known and ordered and not odd)


def _frame_numbers(index: VideoIndex, indices) -> np.ndarray:
    if indices is None:
        return np.arange(index.frames)
    numbers = np.asarray(indices)
    if numbers.size == 0:
        return np.empty(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        found = f"shape {numbers.shape}, type {numbers.dtype}"
        raise ValueError(f"indices must be a list of whole numbers, got {found}")
    wrong = numbers[(numbers < 0) | (numbers >= index.frames)]
    if len(wrong):
        cause = f"frame number out of range, the video has {index.frames} frames"
        raise FrameIndexError(index.path, cause, frame=int(wrong[0]))
    return numbers.astype(np.int64)


def _target_size(index: VideoIndex, size) -> tuple[int, int]:
    height, width = index.height, index.width
    if size is None:
        return height, width
    if isinstance(size, int | np.integer) and size > 0:
        short = min(height, width)
        return round(height * size / short), round(width * size / short)
    if isinstance(size, tuple | list) and len(size) == 2 and min(size) > 0:
        return int(size[0]), int(size[1])
    raise ValueError(f"size must be a short side or (height, width) in px, got {size}")


def _resize(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frames.shape[1:3] == size:
        return frames
    # uint8 all the way: whole-number arithmetic gives the same on every processor.
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)
    clip = interpolate(clip, size, mode="bilinear", antialias=True)
    return clip.permute(0, 2, 3, 1).numpy()


def _chunks(frames: Iterator[np.ndarray]) -> Iterator[list[np.ndarray]]:
    chunk: list[np.ndarray] = []
    for frame in frames:
        chunk.append(frame)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _frames(index: VideoIndex, wanted: list[int], backend: str) -> Iterator[np.ndarray]:
    """Frames in increasing order; PyAV takes over where decord gives up."""
    done = 0
    if backend == "decord" or (backend == "auto" and decord_is_right(index)):
        import decord

        try:
            for frame in _read_decord(index, wanted):
                yield frame
                done += 1
            return
        except (decord.DECORDError, RuntimeError, IndexError) as error:
            if backend == "decord":
                cause = f"decord cannot read it ({str(error).strip()[-120:]})"
                raise VideoError(index.path, cause, wanted[done]) from error
    yield from read_pyav(index, wanted[done:])


def _read_decord(index: VideoIndex, wanted: list[int]) -> Iterator[np.ndarray]:
    # PyAV is loaded before decord (by the index): decord makes its old libvpx visible
    # to every library that is loaded later, and PyAV's VP9 encoder then fails.
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    reader = decord.VideoReader(index.path, num_threads=torch.get_num_threads())
    for at in range(0, len(wanted), _CHUNK):
        frames = reader.get_batch(wanted[at : at + _CHUNK]).asnumpy()
        if frames.shape[1:] != (index.height, index.width, 3):
            raise RuntimeError(f"decord gives frames of shape {frames.shape[1:]}")
        yield from frames
