"""Clips that play inside the notebook, and a player that steps through one by keyboard.

`show_clips` writes one looping picture (see `looping.py` for its format); `Player` is a
panel with a frame slider, play buttons and a choice of what is drawn on the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from course.teaching.figures import Picture, show
from course.teaching.looping import animated_png, clip_grid
from course.teaching.overlays import flow_arrows, overlaid
from course.teaching.pixels import enlarge, frames_of, image_png


def clips_picture(
    clips: Sequence[Any],
    captions: Sequence[str] | None = None,
    columns: int = 4,
    fps: float = 8.0,
    scale: int = 1,
    alt: str | None = None,
) -> Picture:
    """A grid of clips as one looping `Picture`; arguments as of `show_clips`."""
    page = clip_grid(clips, captions, columns, scale)
    if alt is None:
        count = f"{len(clips)} looping clips" if len(clips) > 1 else "A looping clip"
        alt = count + (": " + "; ".join(captions) if captions else "") + "."
    return Picture(animated_png(page, fps), alt, width=page.shape[2])


def show_clips(
    clips: Sequence[Any],
    captions: Sequence[str] | None = None,
    columns: int = 4,
    fps: float = 8.0,
    scale: int = 1,
    alt: str | None = None,
) -> None:
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

    def __init__(
        self,
        clip: Any,
        title: str = "Clip player",
        question: str = "Could you name the action from a single frame?",
        mask: Any = None,
        flow: Any = None,
        heat: Any = None,
        fps: float = 8.0,
        scale: int | None = None,
    ):
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
            "frame": IntSlider(1, 1, len(frames), description="frame"),
            "view": Dropdown(options=list(self.views), description="view"),
        }
        self.title, self.count = title, len(frames)
        self.panel = Panel(title, question, controls, self._draw, play="frame", fps=fps)

    def _draw(self, frame: int, view: str):
        alt = f"{self.title}, {view}, frame {frame} of {self.count}"
        return [Picture(image_png(self.views[view][frame - 1]), alt)]

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.panel._repr_mimebundle_(include, exclude)
