"""One looping picture from many frames, and many clips as the frames of one.

The format is animated PNG: every browser plays it in a plain image, it is stored under
image/png, which strict nbval never compares (an animated GIF or WebP, or an `<img>` in
HTML, it would compare byte by byte, and rendered pixels differ in the last bit between
processors), and pages that cannot animate show its first frame.  All frames share one
palette, which keeps a grid of eight noisy clips of 112 px below 250 kB.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from course.teaching.lettering import letters
from course.teaching.pixels import enlarge, frames_of

LARGEST_CLIP = 250_000  # bytes of one looping picture


def _palette_frames(frames: np.ndarray, colours: int) -> list:
    """Every frame in one palette made from all of them (a PNG file has only one)."""
    from PIL import Image

    count, height, width, _ = frames.shape
    sample = frames[:: max(1, count // 8)].reshape(-1, width, 3)
    # An octree palette is as good here as median cut (mean error 3.6 against 3.5
    # levels on a noisy clip) and forty times faster.
    key = Image.fromarray(np.ascontiguousarray(sample)).quantize(
        colours, method=Image.Quantize.FASTOCTREE
    )
    return [
        Image.fromarray(np.ascontiguousarray(frame)).quantize(
            colours, palette=key, dither=Image.Dither.NONE
        )
        for frame in frames
    ]


def animated_png(clip: Any, fps: float = 8.0, limit: int = LARGEST_CLIP) -> bytes:
    """A looping picture of at most `limit` bytes.

    Args:
        clip: frames in any layout of `frames_of`.
        fps: frames a second.
        limit: bytes; colours are halved until it fits, then every second pixel is
            dropped.

    Returns:
        bytes of an animated PNG file.

    Raises:
        ValueError: fps is not positive.

    >>> animated_png(np.zeros((2, 8, 8, 3), np.uint8))[1:4]
    b'PNG'
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    frames, colours = frames_of(clip), 256
    while True:
        first, *rest = _palette_frames(frames, colours)
        buffer = io.BytesIO()
        first.save(
            buffer,
            "PNG",
            save_all=True,
            append_images=rest,
            loop=0,
            duration=1000.0 / fps,
        )
        if buffer.tell() <= limit or min(frames.shape[1:3]) < 16:
            return buffer.getvalue()
        if colours > 32:
            colours //= 2
        else:
            frames, colours = frames[:, ::2, ::2], 128


def clip_grid(
    clips: Sequence[Any],
    captions: Sequence[str] | None = None,
    columns: int = 4,
    scale: int = 1,
) -> np.ndarray:
    """Several clips as the frames of one, in rows, each under its caption.

    Args:
        clips: each in any layout of `frames_of`; shorter ones start again.
        captions: one a clip, or None.
        columns: clips a row.
        scale: whole-number enlargement of the pixels.

    Returns:
        uint8 `(T, H, W, 3)` on white, T of the longest clip.

    Raises:
        ValueError: no clip, or another number of captions.
    """
    if not len(clips):
        raise ValueError("there is no clip to show")
    if captions is not None and len(captions) != len(clips):
        raise ValueError(f"{len(clips)} clips came with {len(captions)} captions")
    films = [enlarge(frames_of(clip), scale) for clip in clips]
    length, columns = max(map(len, films)), min(columns, len(films))
    height, width = np.max([film.shape[1:3] for film in films], axis=0)
    heads = [letters(text, width, 12) for text in captions or []]
    head, gap = max((h.shape[0] for h in heads), default=0), 6
    rows = -(-len(films) // columns)
    page = np.full(
        (length, rows * (head + height + gap), columns * (width + gap), 3),
        255,
        np.uint8,
    )
    for i, film in enumerate(films):
        top, left = i // columns * (head + height + gap), i % columns * (width + gap)
        if heads:
            page[
                :, top + head - heads[i].shape[0] : top + head, left : left + width
            ] = heads[i]
        film = film[np.arange(length) % len(film)]
        y, x = top + head, left
        page[:, y : y + film.shape[1], x : x + film.shape[2]] = film
    return page
