"""Reads chosen frames with PyAV: by jumping to key frames, else by counting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .errors import VideoError
from .index import VideoIndex, video_stream


class _LostFrame(Exception):
    """A jump did not lead to the wanted frame."""


def read_pyav(index: VideoIndex, wanted: list[int]) -> Iterator[np.ndarray]:
    """Yield the wanted frames.

    Args:
        index: from `course.video.index.video_index`.
        wanted: frame numbers, increasing.

    Returns:
        An iterator of RGB frames, uint8 (H, W, 3), upright.

    Raises:
        VideoError: a frame cannot be decoded; names it.

    >>> index = VideoIndex("a.mp4", 9, 25.0, 64, 96, np.arange(9) / 25)
    >>> list(read_pyav(index, []))
    []
    """
    done = 0
    if index.seekable and wanted:
        try:
            for frame in _by_jumping(index, wanted):
                yield frame
                done += 1
            return
        except _LostFrame:
            pass  # count instead
    if done < len(wanted):
        yield from _by_counting(index, wanted[done:])


def _open(index: VideoIndex):
    import av
    import torch

    container = av.open(index.path)
    stream = video_stream(container, index.path)
    # In a data-loading worker this is 1: the workers share the cores already. With
    # several threads a damaged frame is not always marked: see `index`.
    threads = torch.get_num_threads() if index.regular else 1
    stream.codec_context.thread_count = threads
    stream.thread_type = "AUTO"
    return container, stream


def _by_jumping(index: VideoIndex, wanted: list[int]) -> Iterator[np.ndarray]:
    container, stream = _open(index)
    with container:
        frames, next_frame = container.decode(stream), 0
        for number in wanted:
            key = int(np.searchsorted(index.keys, number, side="right")) - 1
            if key >= 0 and index.keys[key] > next_frame:
                container.seek(int(index.pts[index.keys[key]]), stream=stream)
                frames = container.decode(stream)
            yield _upright(index, _find(index, frames, number), number)
            next_frame = number + 1


def _find(index: VideoIndex, frames, number: int):
    """Decode until the frame whose time is that of frame `number`."""
    while (frame := _next(index, frames, number)) is not None:
        if frame.pts is None or frame.pts > index.pts[number]:
            break
        if frame.pts == index.pts[number]:
            return frame
    raise _LostFrame


def _by_counting(index: VideoIndex, wanted: list[int]) -> Iterator[np.ndarray]:
    container, stream = _open(index)
    count = 0
    with container:
        frames = container.decode(stream)
        for number in wanted:
            while count <= number:
                frame = _next(index, frames, number)
                if frame is None:
                    cause = f"only {count} of {index.frames} frames can be decoded"
                    raise VideoError(index.path, cause, frame=number)
                count += 1
            yield _upright(index, frame, number)


def _next(index: VideoIndex, frames, number: int):
    """The next frame, None at the end; a decoder's error names file and frame."""
    import av

    try:
        return next(frames, None)
    except av.FFmpegError as error:
        cause = f"damaged data on the way to this frame ({error.strerror})"
        raise VideoError(index.path, cause, frame=number) from error


def _upright(index: VideoIndex, frame, number: int) -> np.ndarray:
    """Convert to RGB, undo the rotation flag, hold the size of the first frame."""
    if frame.is_corrupt:
        raise VideoError(index.path, "this frame is damaged or cut", number)
    sideways = round(index.rotation / 90) % 2
    height, width = index.height, index.width
    if sideways:
        height, width = width, height
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(image, round(index.rotation / 90)))
