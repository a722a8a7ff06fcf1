"""A table of words and numbers as a picture: stored notebooks do not compare those."""

from __future__ import annotations

import io
from collections.abc import Sequence

from course.teaching.figures import Picture, smaller
from course.teaching.lettering import FAINT, INK, PAPER, RULE, font

_FINE = 2  # pixels of the file for one on the page
_SIZE, _PITCH, _GAP, _EDGE = 13, 17, 22, 8  # px on the page


def text_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], alt: str, note: str = ""
) -> Picture:
    """Rows of text under bold heads: the first column at the left, numbers right.

    Args:
        columns: the heads; a line break in one starts a line.
        rows: the cells of each row, as many as there are columns.
        alt: what the table shows.
        note: lines in small letters below it.

    Returns:
        the picture, as wide as the texts need.

    Raises:
        ValueError: there is no row, or one has another number of cells.

    >>> text_table(["net", "clips"], [["TSN", "512"]], "a table").alt
    'a table'
    """
    from PIL import Image, ImageDraw

    if not rows or any(len(row) != len(columns) for row in rows):
        lengths = sorted({len(row) for row in rows})
        raise ValueError(f"{len(columns)} heads for rows of {lengths} cells")
    widths = _widths(columns, rows)
    lines = note.splitlines()
    head = max(name.count("\n") + 1 for name in columns)
    width = sum(widths) + _GAP * (len(widths) - 1) + 2 * _EDGE
    height = _PITCH * (head + len(lines)) + (_PITCH + 8) * len(rows) + 4 * _EDGE
    page = Image.new("RGB", (_FINE * width, _FINE * height), PAPER)
    pen = ImageDraw.Draw(page)
    y = _EDGE
    _write(pen, columns, widths, y + _PITCH * head, bold=True)
    y += _PITCH * head + 4
    for row in rows:
        pen.line([_FINE * v for v in (_EDGE, y, width - _EDGE, y)], RULE, _FINE)
        _write(pen, row, widths, y + _PITCH + 4)
        y += _PITCH + 8
    for i, line in enumerate(lines):
        at = _FINE * _EDGE, _FINE * (y + _EDGE + _PITCH * i)
        pen.text(at, line, fill=FAINT, font=font(_FINE * (_SIZE - 2)))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return Picture(smaller(buffer.getvalue()), alt, width)


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Px of the widest line of each column."""
    found = []
    for i, name in enumerate(columns):
        heads = [font(_SIZE, bold=True).getlength(line) for line in name.split("\n")]
        cells = [font(_SIZE).getlength(row[i]) for row in rows]
        found.append(int(max(heads + cells)) + 2)
    return found


def _write(
    pen, cells: Sequence[str], widths: Sequence[int], bottom: int, bold: bool = False
) -> None:
    """One row of cells whose last lines stand on the same height."""
    x, face = _EDGE, font(_FINE * _SIZE, bold)
    for i, (text, width) in enumerate(zip(cells, widths, strict=True)):
        left = i == 0
        for k, line in enumerate(reversed(text.split("\n"))):
            at = _FINE * (x if left else x + width), _FINE * (bottom - _PITCH * k - 5)
            pen.text(at, line, fill=INK, font=face, anchor="ls" if left else "rs")
        x += width + _GAP
