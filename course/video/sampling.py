"""Which frames of a video make a clip: functions from a frame count to frame numbers.

Randomness comes from a NumPy generator that the caller seeds, so the same generator
state gives the same frames.  A video shorter than the clip is filled by its last frame
(`short="hold"`, the default: no motion is invented) or starts again (`short="loop"`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


def random_clip(
    frames: int,
    length: int,
    stride: int = 1,
    rng: np.random.Generator | None = None,
    short: str = "hold",
) -> Int64[np.ndarray, " length"]:
    """Take one clip that starts anywhere, every start equally likely.

    Args:
        frames: frames of the video.
        length: frames of the clip.
        stride: step between the clip's frames, in video frames.
        rng: the source of the start; None draws afresh.
        short: "hold" repeats the last frame of a short video, "loop" starts it again.

    Returns:
        Frame numbers, int64 (length,).

    Raises:
        ValueError: a count below 1, or an unknown `short`.

    >>> random_clip(100, 4, stride=2, rng=np.random.default_rng(0)).tolist()
    [79, 81, 83, 85]
    """
    room = _room(frames, length, stride)
    start = (rng or np.random.default_rng()).integers(room + 1)
    return _fill(start + np.arange(length) * stride, frames, short)


def centre_clip(
    frames: int, length: int, stride: int = 1, short: str = "hold"
) -> Int64[np.ndarray, " length"]:
    """Take the one clip in the middle of the video.

    Args:
        frames, length, stride, short: as for `random_clip`.

    Returns:
        Frame numbers, int64 (length,).

    Raises:
        ValueError: as `random_clip`.

    >>> centre_clip(10, 4).tolist(), centre_clip(2, 4).tolist()
    ([3, 4, 5, 6], [0, 1, 1, 1])
    """
    start = _room(frames, length, stride) // 2
    return _fill(start + np.arange(length) * stride, frames, short)


def spread_clips(
    frames: int, length: int, stride: int = 1, clips: int = 10, short: str = "hold"
) -> Int64[np.ndarray, "clips length"]:
    """Take clips whose starts are spread evenly from the first to the last possible.

    This is the usual multi-clip test ("10 clips x 3 crops"; crops: `three_crop`); the
    model's outputs are averaged over the clips. One clip is the centre clip.

    Args:
        frames, length, stride, short: as for `random_clip`.
        clips: number of clips; they overlap in a short video.

    Returns:
        Frame numbers, int64 (clips, length).

    Raises:
        ValueError: as `random_clip`.

    >>> spread_clips(10, 4, clips=3)[:, 0].tolist()
    [0, 3, 6]
    """
    room = _room(frames, length, stride)
    _at_least_one("clips", clips)
    if clips == 1:
        return centre_clip(frames, length, stride, short)[None]
    starts = np.round(np.linspace(0, room, clips)).astype(np.int64)
    return _fill(starts[:, None] + np.arange(length) * stride, frames, short)


def dense_clips(
    frames: int, length: int, stride: int = 1, hop: int | None = None, short="hold"
) -> Int64[np.ndarray, "clips length"]:
    """Cover the whole video with clips, side by side or overlapping.

    Args:
        frames, length, stride, short: as for `random_clip`.
        hop: frames between neighbouring starts; None puts clips side by side. The last
            clip is filled as a short video is.

    Returns:
        Frame numbers, int64 (clips, length).

    Raises:
        ValueError: as `random_clip`.

    >>> dense_clips(10, 4).tolist()
    [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]
    """
    _room(frames, length, stride)
    hop = length * stride if hop is None else hop
    _at_least_one("hop", hop)
    starts = np.arange(0, frames, hop)
    return _fill(starts[:, None] + np.arange(length) * stride, frames, short)


def segment_frames(
    frames: int, segments: int, rng: np.random.Generator | None = None
) -> Int64[np.ndarray, " segments"]:
    """Take one frame of each of equally long parts of the video (TSN sampling).

    Parts have fractional borders, so the last frames are reached too and a video with
    fewer frames than parts repeats frames in order.

    Args:
        frames: frames of the video.
        segments: number of parts.
        rng: draws a frame in each part (training); None takes the middle (testing).

    Returns:
        Frame numbers in increasing order, int64 (segments,).

    Raises:
        ValueError: a count below 1.

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016, section 3.1.

    >>> segment_frames(80, 4).tolist()
    [10, 30, 50, 70]
    """
    _at_least_one("frames", frames)
    _at_least_one("segments", segments)
    where = np.full(segments, 0.5) if rng is None else rng.random(segments)
    chosen = np.floor((np.arange(segments) + where) * frames / segments)
    return np.minimum(chosen, frames - 1).astype(np.int64)


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _room(frames: int, length: int, stride: int) -> int:
    """Number of the last start from which the whole clip fits (0 if none does)."""
    for name, value in (("frames", frames), ("length", length), ("stride", stride)):
        _at_least_one(name, value)
    return max(0, frames - ((length - 1) * stride + 1))


def _fill(numbers: np.ndarray, frames: int, short: str) -> Int64[np.ndarray, "*any"]:
    if short == "hold":
        return np.minimum(numbers, frames - 1).astype(np.int64)
    if short == "loop":
        return (numbers % frames).astype(np.int64)
    raise ValueError(f"short must be 'hold' or 'loop', got {short!r}")
