"""A window of offsets as a small picture: scores, mask, products, weights.

Source: Kwon et al., ECCV 2020, equations 1 to 4: the similarity of a position to the
(2 l + 1) x (2 l + 1) positions around it, and what the kernel-soft-argmax makes of it.
Drawn in pixels, so that a slider can follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from course.teaching.figures import Picture, image_png
from course.teaching.lettering import FAINT, INK, PAPER, font
from course.teaching.pixels import as_array, enlarge, heat_colours

CELL = 11  # px of one offset
GAP, HEAD, FOOT = 22, 22, 34
SKY, YELLOW = (86, 180, 233), (240, 228, 66)


class Mark(NamedTuple):
    """A place in the window, (dx, dy) in cells, and how it is marked."""

    place: tuple[float, float]
    shape: str  # "ring" or "cross"


def window_tiles(
    windows: Mapping[str, Any],
    marks: Mapping[str, Mark],
    alt: str,
    cell: int = CELL,
) -> Picture:
    """Windows side by side, each scaled by its own largest value.

    Args:
        windows: title -> values (P, P), rows dy and columns dx from -l to l, P odd.
        marks: name -> what to mark in each of them, for the key below; a mark beyond
            the window is left out, and the key says so.
        alt: what the picture shows.
        cell: px of one offset.

    Raises:
        ValueError: there is no window, or one is not square with an odd side.

    >>> tiles = {"S": np.eye(15), "g": np.ones((15, 15))}
    >>> window_tiles(tiles, {"truth": Mark((3, -2), "ring")}, "two windows").width
    396
    """
    from PIL import Image, ImageDraw

    values = {name: as_array(window) for name, window in windows.items()}
    _check(values)
    tiles = [_tile(window, marks, cell) for window in values.values()]
    side = tiles[0].shape[0]
    wide = (side + GAP) * len(tiles) + GAP
    page = Image.new("RGB", (wide, HEAD + side + FOOT), PAPER)
    pen = ImageDraw.Draw(page)
    for i, (name, window) in enumerate(values.items()):
        left = GAP + i * (side + GAP)
        page.paste(Image.fromarray(tiles[i]), (left, HEAD))
        pen.text((left, HEAD / 2), name, INK, font(12, True), anchor="lm")
        _axis(pen, left, side, window)
    _key(pen, marks, len(window) // 2, HEAD + side + 25)
    return Picture(image_png(np.asarray(page)), alt, wide)


def _check(values: Mapping[str, np.ndarray]) -> None:
    if not values:
        raise ValueError("windows is empty: nothing to draw")
    for name, window in values.items():
        square = window.ndim == 2 and window.shape[0] == window.shape[1]
        if not square or window.shape[0] % 2 == 0:
            raise ValueError(
                f"{name}: a window is (P, P) with P odd, got {window.shape}"
            )


def _tile(window: np.ndarray, marks: Mapping[str, Mark], cell: int) -> np.ndarray:
    """The window in colours with its marks, uint8 (P * cell, P * cell, 3)."""
    from PIL import Image, ImageDraw

    largest = max(float(window.max()), 1e-12)
    tile = Image.fromarray(enlarge(heat_colours(window / largest), cell))
    pen, reach = ImageDraw.Draw(tile), len(window) // 2
    for mark in marks.values():
        if max(abs(v) for v in mark.place) <= reach + 0.5:
            x, y = ((v + reach + 0.5) * cell for v in mark.place)
            draw_mark(pen, x, y, mark.shape, cell)
    return np.asarray(tile)


def draw_mark(pen, x: float, y: float, shape: str, cell: int = CELL) -> None:
    """A ring or four ticks with a dark edge, to be seen on bright and on dark.

    Args:
        pen: a Pillow `ImageDraw`.
        x, y: its middle, px.
        shape: "ring" or "cross".
        cell: px of what it marks.
    """
    if shape == "ring":
        for radius, colour, width in ((cell + 1, INK, 4), (cell, SKY, 2)):
            box = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(box, outline=colour, width=width)
        return
    near, far = 0.55 * cell, 1.1 * cell
    for colour, width, more in ((INK, 4, 1), (YELLOW, 2, 0)):
        for way in (-1, 1):  # four ticks, so that what they mark stays to be seen
            start, end = way * near, way * (far + more)
            pen.line((x + start, y, x + end, y), fill=colour, width=width)
            pen.line((x, y + start, x, y + end), fill=colour, width=width)


def _axis(pen, left: int, side: int, window: np.ndarray) -> None:
    """The ends of dx, and the largest value."""
    reach, top = len(window) // 2, HEAD + side + 7
    for x, text, anchor in (
        (left, f"-{reach}", "lm"), (left + side, f"{reach}", "rm"),
    ):  # fmt: skip
        pen.text((x, top), text, FAINT, font(10), anchor=anchor)
    said = f"largest {float(window.max()):.3g}"
    pen.text((left + side / 2, top), said, FAINT, font(10), anchor="mm")


def _key(pen, marks: Mapping[str, Mark], reach: int, y: int) -> None:
    at = GAP + 8
    for name, mark in marks.items():
        draw_mark(pen, at, y, mark.shape, 6)
        dx, dy = mark.place
        beyond = "" if max(abs(dx), abs(dy)) <= reach + 0.5 else ", beyond the window"
        text = f"{name} ({dx:.4g}, {dy:.4g}){beyond}"
        pen.text((at + 12, y), text, INK, font(11), anchor="lm")
        at += 34 + int(font(11).getlength(text))
