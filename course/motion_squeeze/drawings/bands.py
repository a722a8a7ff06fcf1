"""Which entries of the product of all cells with all cells does a window need?

Source: the released code multiplies every cell of a map with every cell of the next one
and keeps diagonals; `course.motion_squeeze.tiles` multiplies a few rows of cells with
the rows that their windows reach.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from course.teaching.figures import Picture, image_png
from course.teaching.lettering import letters
from course.teaching.pixels import enlarge

USED, TILE, UNUSED = (0, 114, 178), (240, 228, 66), (229, 231, 235)
GAP = 24  # px between the two squares


class Entries(NamedTuple):
    """Numbers of products of one pair of maps."""

    needed: int
    all_pairs: int
    tiles: int  # of all tiles together
    one_tile: int  # what must be kept at a time


def band_of_pairs(side: int, reach: int) -> Bool[np.ndarray, "n n"]:
    """Which pairs of cells the windows compare.

    Args:
        side: of the map, cells.
        reach: of the window, cells.

    Returns:
        bool (side^2, side^2), rows the cells of the first map.

    Raises:
        ValueError: an empty map, or a negative reach.

    >>> int(band_of_pairs(28, 7).sum())
    132496
    """
    if side < 1 or reach < 0:
        raise ValueError(f"needs a side >= 1 and a reach >= 0, got {side}, {reach}")
    at = np.arange(side)
    near = np.abs(np.subtract.outer(at, at)) <= reach
    return np.kron(near, np.ones_like(near)) & np.tile(near, (side, side))


def tiles_of_pairs(side: int, reach: int, rows: int) -> Bool[np.ndarray, "n n"]:
    """Which pairs are multiplied if `rows` rows of cells meet the rows they reach.

    Args:
        side, reach: as above.
        rows: of the first map in a tile.

    Raises:
        ValueError: a tile without rows.

    >>> bool((tiles_of_pairs(8, 2, 3) >= band_of_pairs(8, 2)).all())
    True
    """
    if rows < 1:
        raise ValueError(f"a tile has one row or more, got {rows}")
    at = np.arange(side)
    top = at // rows * rows
    last = np.minimum(top + rows, side) - 1
    met = at[None] >= (top - reach)[:, None]
    met &= at[None] <= (last + reach)[:, None]
    return np.kron(met, np.ones((side, side), bool))


def entries(side: int = 28, reach: int = 7, rows: int = 4) -> Entries:
    """Count the products of a map with the next one.

    Args:
        side: of the map, cells.
        reach: of the window, cells.
        rows: of the first map in a tile.

    >>> entries()
    Entries(needed=132496, all_pairs=614656, tiles=332416, one_tile=56448)
    >>> entries(56).tiles / entries(56).all_pairs < 0.3
    True
    """
    line = sum(_met(i, i, side, reach) for i in range(side))
    tiles = [
        (min(top + rows, side) - top)
        * _met(top, min(top + rows, side) - 1, side, reach)
        * side**2
        for top in range(0, side, rows)
    ]
    return Entries(line**2, side**4, sum(tiles), max(tiles))


def _met(first: int, last: int, side: int, reach: int) -> int:
    """Rows of the map that the windows of rows `first` to `last` reach."""
    return min(side - 1, last + reach) - max(0, first - reach) + 1


def bands_picture(side: int = 12, reach: int = 3, rows: int = 3) -> Picture:
    """The product of all pairs as a square, twice: what windows and tiles need of it.

    Args:
        side: of the map, cells; 12 with a reach of 3 is nearly 28 with 7.
        reach: of the window, cells.
        rows: of the first map in a tile.

    >>> bands_picture(4, 1, 2).alt[:15]
    'All 256 product'
    """
    count = entries(side, reach, rows)
    scale = max(1, round(430 / side**2))
    band, tiles = band_of_pairs(side, reach), tiles_of_pairs(side, reach, rows)
    panes = [enlarge(p, scale) for p in (_painted(band), _painted(band, tiles))]
    titles = (
        f"All pairs of {side} x {side} cells: {count.all_pairs:,} products. Blue: the "
        f"{count.needed:,} inside a window of ±{reach}",
        f"Tiles of {rows} rows and the rows they reach (blue and yellow): "
        f"{count.tiles:,} products, at most {count.one_tile:,} at a time",
    )
    tall, wide = panes[0].shape[:2]
    heads = [letters(title, wide, 12) for title in titles]
    head = max(h.shape[0] for h in heads)
    page = np.full((head + tall, 2 * wide + GAP, 3), 255, np.uint8)
    for i, (title, pane) in enumerate(zip(heads, panes, strict=True)):
        left = i * (wide + GAP)
        page[: title.shape[0], left : left + wide] = title
        page[head:, left : left + wide] = pane
    alt = (
        f"All {count.all_pairs:,} products of a {side} x {side} map with the next one "
        f"as a square: the windows of ±{reach} need {count.needed:,}, in small blocks "
        f"along the diagonal. Beside it tiles of {rows} rows: {count.tiles:,} "
        f"products, at most {count.one_tile:,} at a time"
    )
    return Picture(image_png(page), alt, page.shape[1])


def _painted(band: np.ndarray, tiles: np.ndarray | None = None) -> np.ndarray:
    """Pale, yellow where a tile multiplies, blue where a window needs it."""
    pixels = np.empty((*band.shape, 3), np.uint8)
    pixels[:] = UNUSED
    if tiles is not None:
        pixels[tiles] = TILE
    pixels[band] = USED
    return pixels
