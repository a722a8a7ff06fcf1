"""Displacement fields: as colours or arrows, beside the truth.

A direction is a hue, which not every eye tells apart; the arrows say the same without
colour.  `course.teaching.pixels.flow_wheel` is the key to the colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course.teaching.figures import Picture, image_png, smaller
from course.teaching.looping import animated_png, clip_grid
from course.teaching.overlays import flow_arrows
from course.teaching.pixels import (
    as_array,
    enlarge,
    flow_colours,
    flow_wheel,
    frames_of,
    heat_colours,
)

VIEWS = ("arrows", "colours")
LARGEST_FILM = 85_000  # bytes


def to_pixels(cells: Any, stride: int) -> np.ndarray:
    """A field on cells as one in pixels: values times the stride, each cell repeated.

    Args:
        cells: displacement (2, T, h, w) in cells.
        stride: px of a cell.

    Returns:
        float (2, T, h * stride, w * stride), px.

    >>> to_pixels(np.ones((2, 1, 2, 3)), 4).shape
    (2, 1, 8, 12)
    """
    array = stride * as_array(cells)
    return array.repeat(stride, -2).repeat(stride, -1)


def field_frames(
    clip: Any, flow: Any, view: str, scale: int, largest: float, step: int = 4
) -> np.ndarray:
    """A field drawn on, or instead of, the frames it starts from.

    Args:
        clip: T frames in any layout of `frames_of`.
        flow: (dx, dy) in px, (2, T - 1, H, W) of the frames' size.
        view: one of `VIEWS`.
        scale: whole-number enlargement.
        largest: length in px that gets the full colour.
        step: px from arrow to arrow.

    Returns:
        uint8 (T - 1, H * scale, W * scale, 3).

    Raises:
        ValueError: an unknown view.

    >>> still = np.zeros((2, 2, 8, 8), np.float32)
    >>> field_frames(np.zeros((3, 8, 8)), still, "colours", 2, 1.0).shape
    (2, 16, 16, 3)
    """
    if view not in VIEWS:
        raise ValueError(f"views are {', '.join(VIEWS)}; got {view!r}")
    if view == "colours":
        return enlarge(flow_colours(flow, largest), scale)
    pale = (0.55 * frames_of(clip) + 0.45 * 255).astype(np.uint8)
    return flow_arrows(pale, flow, step, scale)[:-1]


def confidence_frames(confidence: Any, size: int) -> np.ndarray:
    """Confidence (T, h, w) in [0, 1] as colours, each cell `size` px.

    >>> confidence_frames(np.ones((2, 3, 3)), 4).shape
    (2, 12, 12, 3)
    """
    return enlarge(heat_colours(as_array(confidence)), size)


def film_picture(films: Mapping[str, Any], alt: str, fps: float = 3.0) -> Picture:
    """Films side by side under their names, looping.

    Args:
        films: name -> frames uint8 (T, H, W, 3).
        alt: what they show.
        fps: frames a second.
    """
    page = clip_grid(list(films.values()), list(films), len(films))
    png = animated_png(page, fps, LARGEST_FILM)
    return Picture(png, alt, page.shape[2])


def field_beside_truth(
    clip: Any,
    truth: Any,
    displacement: Any,
    confidence: Any,
    stride: int,
    pair: int = 0,
    scale: int = 4,
) -> Picture:
    """One pair of frames: the true field, the estimated one, the confidence, the key.

    Args:
        clip: T frames in any layout of `frames_of`.
        truth: (dx, dy) in px, (2, T - 1, H, W).
        displacement: in cells, (2, T - 1, h, w), h * stride = H.
        confidence: (T - 1, h, w).
        stride: px of a cell.
        pair: which pair of frames.
        scale: whole-number enlargement of the pixels.

    Raises:
        ValueError: the fields do not fit the frames.

    >>> flow, score = np.zeros((2, 1, 4, 4)), np.ones((1, 4, 4))
    >>> picture = field_beside_truth(np.zeros((2, 8, 8)), np.zeros((2, 1, 8, 8)),
    ...                              flow, score, 2)
    >>> picture.alt.split(":")[0]
    'A frame'
    """
    frames = frames_of(clip)[pair : pair + 2]
    true = as_array(truth)[:, pair : pair + 1]
    found = to_pixels(as_array(displacement)[:, pair : pair + 1], stride)
    if true.shape != found.shape or true.shape[2:] != frames.shape[1:3]:
        raise ValueError(
            f"truth {true.shape}, displacement {found.shape} and frames "
            f"{frames.shape} must be of one size"
        )
    largest = max(1.0, float(np.percentile(np.hypot(*true), 99)))
    sure = as_array(confidence)[pair : pair + 1]
    films = {
        "frame": enlarge(frames[:1], scale),
        "confidence": confidence_frames(sure, stride * scale),
        f"key: edge {largest:.1f} px": flow_wheel(frames.shape[1] * scale)[None],
    }
    for view in VIEWS:
        for name, flow in (("true", true), ("matched", found)):
            drawn = field_frames(frames, flow, view, scale, largest, 2 * stride)
            films[f"{name}, {view}"] = drawn
    order = [0, 3, 4, 1, 2, 5, 6]  # each view's truth and match next to each other
    films = {name: films[name] for name in [list(films)[i] for i in order]}
    page = clip_grid(list(films.values()), list(films), 4)[0]
    alt = (
        "A frame: its true displacement and the matched one, as arrows and as "
        "colours, and the confidence of the match"
    )
    return Picture(smaller(image_png(page)), alt, page.shape[1])
