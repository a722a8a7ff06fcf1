"""Clips that play inside the notebook, and a player that steps through one by keyboard.

`show_clips` writes one looping picture: an animated PNG.  That format is chosen because
every browser plays it in a plain image, it is stored under image/png, which strict
nbval never compares (an animated GIF or WebP, or an `<img>` in HTML, it would compare
byte by byte, and rendered pixels differ in the last bit between processors), and pages
that cannot animate show its first frame. All frames share one palette, which keeps a
grid of eight clips near 100 kB.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from course.teaching.figures import Picture, show
from course.teaching.lettering import letters
from course.teaching.pixels import (
    enlarge,
    flow_arrows,
    flow_colours,
    frames_of,
    heat_overlay,
    image_png,
    mask_outline,
)

LARGEST_CLIP = 250_000  # bytes of one looping picture


def _palette_frames(frames: np.ndarray, colours: int) -> list:
    """Every frame in one palette made from all of them (a PNG file has only one)."""
    from PIL import Image

    count, height, width, _ = frames.shape
    sample = frames[:: max(1, count // 8)].reshape(-1, width, 3)
    # The palette is learnt from at most some 60,000 pixels: more only cost time.
    thin = max(1, int((sample.shape[0] * width / 60_000) ** 0.5))
    key = Image.fromarray(np.ascontiguousarray(sample[::thin, ::thin])).quantize(
        colours
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
        first.save(buffer, "PNG", save_all=True, append_images=rest, loop=0,
                   duration=1000.0 / fps)  # fmt: skip
        if buffer.tell() <= limit or min(frames.shape[1:3]) < 16:
            return buffer.getvalue()
        if colours > 32:
            colours //= 2
        else:
            frames, colours = frames[:, ::2, ::2], 128


def overlaid(
    clip: Any, mask: Any = None, flow: Any = None, heat: Any = None
) -> np.ndarray:
    """Frames with what is given drawn on them: heat first, then the mask's outline.

    Args:
        clip: frames in any layout of `frames_of`.
        mask: bool `(T, H, W)` or `(H, W)`, drawn as an outline.
        flow: (dx, dy) `(2, T - 1, H, W)`, shown as colours *instead of* the frames;
            the last frame repeats the last motion.
        heat: `(T', H', W')` or `(H', W')`, laid over the frames.

    Returns:
        uint8 `(T, H, W, 3)`.
    """
    frames = frames_of(clip)
    if flow is not None:
        motion = flow_colours(flow)
        frames = np.concatenate([motion, motion[-1:]])[: len(frames)]
    if heat is not None:
        frames = heat_overlay(frames, heat)
    return frames if mask is None else mask_outline(frames, mask)


def clip_grid(clips: Sequence[Any], captions: Sequence[str] | None = None,
              columns: int = 4, scale: int = 1) -> np.ndarray:  # fmt: skip
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
    page = np.full((length, rows * (head + height + gap), columns * (width + gap), 3), 255,
                   np.uint8)  # fmt: skip
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


def clips_picture(clips: Sequence[Any], captions: Sequence[str] | None = None,
                  columns: int = 4, fps: float = 8.0, scale: int = 1,
                  alt: str | None = None) -> Picture:  # fmt: skip
    """A grid of clips as one looping `Picture`; the arguments are those of `show_clips`."""
    page = clip_grid(clips, captions, columns, scale)
    if alt is None:
        count = f"{len(clips)} looping clips" if len(clips) > 1 else "A looping clip"
        alt = count + (": " + "; ".join(captions) if captions else "") + "."
    return Picture(animated_png(page, fps), alt, width=page.shape[2])


def show_clips(clips: Sequence[Any], captions: Sequence[str] | None = None,
               columns: int = 4, fps: float = 8.0, scale: int = 1,
               alt: str | None = None) -> None:  # fmt: skip
    """Play clips as one looping picture in the notebook.

    Args:
        clips: each `(T, H, W, 3)`, `(T, H, W)` or `(3, T, H, W)`; `overlaid` draws
            masks, motion or heat on one first.
        captions: a few words above each clip.
        columns: clips a row.
        fps: frames a second.
        scale: whole-number enlargement of the pixels.
        alt: words for it; made from the captions by default.
    """
    show(clips_picture(clips, captions, columns, fps, scale, alt))


class Player:
    """A panel that plays one clip or steps through it, with the truth drawn on top.

    Args:
        clip: frames in any layout of `frames_of`.
        title: what is shown; also names the clip in the alt text.
        question: the control question.
        mask, flow, heat: as in `overlaid`; each given one becomes a view to choose.
        fps: frames a second while it plays.
        scale: whole-number enlargement; by default some 320 px wide.

    Returns:
        display the object in a cell; `.panel` is the `Panel` behind it.
    """

    def __init__(self, clip: Any, title: str = "Clip player",
                 question: str = "Could you name the action from a single frame?",
                 mask: Any = None, flow: Any = None, heat: Any = None, fps: float = 8.0,
                 scale: int | None = None):  # fmt: skip
        from ipywidgets import Dropdown, IntSlider

        from course.teaching.panel import Panel

        frames = frames_of(clip)
        self.views = {
            "frames": enlarge(frames, scale or max(1, 320 // frames.shape[2]))
        }
        scale = self.views["frames"].shape[2] // frames.shape[2]
        if mask is not None:
            self.views["mask outline"] = enlarge(overlaid(frames, mask=mask), scale)
        if flow is not None:
            self.views["motion as colour"] = enlarge(overlaid(frames, flow=flow), scale)
            self.views["motion as arrows"] = flow_arrows(frames, flow, scale=scale)
        if heat is not None:
            self.views["heat"] = enlarge(overlaid(frames, heat=heat), scale)
        controls = {
            "frame": IntSlider(0, 0, len(frames) - 1, description="frame"),
            "view": Dropdown(options=list(self.views), description="view"),
        }
        self.title, self.count = title, len(frames)
        self.panel = Panel(title, question, controls, self._draw, play="frame", fps=fps)

    def _draw(self, frame: int, view: str):
        alt = f"{self.title}, {view}, frame {frame + 1} of {self.count}"
        return [Picture(image_png(self.views[view][frame]), alt)]

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.panel._repr_mimebundle_(include, exclude)
