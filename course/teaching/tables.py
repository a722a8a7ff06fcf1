"""A table of counts as a picture, fast enough for a slider."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course.teaching.figures import Picture, image_png
from course.teaching.lettering import INK, PAPER, font

_CELL, _SIDE, _TOP, _RIGHT = 40, 110, 44, 24
_DARK = np.array((0, 84, 140))  # where the largest count stands


def count_table(
    counts: np.ndarray, rows: Sequence[str], columns: Sequence[str], alt: str
) -> Picture:
    """Counts in cells that are darker where there are more.

    Args:
        counts: whole numbers (R, C), not negative.
        rows, columns: their names.
        alt: what the table shows.

    Returns:
        the picture.

    Raises:
        ValueError: the names do not fit the counts.

    >>> count_table(np.eye(2, dtype=int), ["a", "b"], ["x", "y"], "identity").width
    214
    """
    from PIL import Image, ImageDraw

    counts = np.asarray(counts)
    if counts.shape != (len(rows), len(columns)):
        names = len(rows), len(columns)
        raise ValueError(f"counts are {counts.shape}, names are for {names}")
    share = counts / max(1, counts.max())
    colours = 255 + share[..., None] * (_DARK - 255)
    cells = colours.repeat(_CELL, 0).repeat(_CELL, 1).astype(np.uint8)
    size = (_SIDE + cells.shape[1] + _RIGHT, _TOP + cells.shape[0] + 1)
    page = Image.new("RGB", size, PAPER)
    page.paste(Image.fromarray(cells), (_SIDE, _TOP))
    pen = ImageDraw.Draw(page)
    for i, name in enumerate(rows):
        at = (_SIDE - 6, _TOP + _CELL * i + _CELL // 2)
        pen.text(at, name, fill=INK, font=font(12), anchor="rm")
    for j, name in enumerate(columns):
        # Two heights, so that long names do not run into each other.
        at = (_SIDE + _CELL * j + _CELL // 2, _TOP - 8 - 16 * (j % 2))
        pen.text(at, name, fill=INK, font=font(12), anchor="mm")
    for (i, j), count in np.ndenumerate(counts):
        at = (_SIDE + _CELL * j + _CELL // 2, _TOP + _CELL * i + _CELL // 2)
        ink = PAPER if share[i, j] > 0.5 else INK
        pen.text(at, str(count), fill=ink, font=font(12), anchor="mm")
    return Picture(image_png(np.asarray(page)), alt, size[0])
