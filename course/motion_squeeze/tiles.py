"""Tiles: a local correlation as few, small matrix products.

Source: Kwon et al., ECCV 2020, equation 1; the cutting is ours.

A matrix product of *all* queries with *all* keys computes many times what the windows
need; one product for each displacement leaves the processor waiting for memory.
Between the two lie tiles: a few rows of queries times the rows of keys that their
windows reach.  What the windows need of such a product lies along its diagonals, and
that band is a *view*: from one query to the next the window's first key moves along by
one as well, so every stride is constant.

Beyond a row's end the view goes on into the next row, as memory does.  `inside` says
where that happens; there a score is 0 and a gradient goes nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

TILE_ROWS = 4
TILE_BYTES = 7 << 18  # of one product: two megabytes do not fit into a core's cache
TILE_BYTES_GPU = 1 << 28


class Tile(NamedTuple):
    """Some rows of queries of some pairs, and the rows of keys that they reach."""

    pairs: slice
    rows: slice  # of queries
    reached: slice  # rows of keys, cut at the map's ends
    queries: Float[Tensor, "n c q"]
    keys: Float[Tensor, "n c k"]
    product: Float[Tensor, "n k q"]
    beyond: tuple[Tensor, Tensor]  # the product's rows for keys above and below the map
    band: Float[Tensor, "n p p r w"]  # a view into product and beyond
    inside: Float[Tensor, "p 1 w"]  # 1, or 0 where a key's column is outside


def tiles(
    f1: Float[Tensor, "b c h w"], f2: Float[Tensor, "b c h w"], reach: int
) -> Iterator[Tile]:
    """Walk over all queries, a few rows of a few pairs at a time.

    Args:
        f1: queries.
        f2: keys, of the same shape.
        reach: of the window, in cells.

    Returns:
        an iterator of `Tile`.  Tiles share memory: finish one before the next.  Outside
        of the band a product is zero unless something was multiplied into it.

    >>> f = torch.rand(1, 3, 10, 6)
    >>> [(t.rows.start, t.reached.stop, tuple(t.product.shape)) for t in tiles(f, f, 2)]
    [(0, 6, (1, 36, 24)), (4, 10, (1, 48, 24)), (8, 10, (1, 24, 12))]
    """
    number, _, height, width = f1.shape
    f2 = _wide_enough(f2, reach)
    wide = f2.shape[3]
    inside = _inside(f1, reach)
    some = _pairs_at_once(f1.shape, reach, f1.element_size(), f1.device.type)
    rooms: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
    for first in range(0, number, some):
        pairs = slice(first, min(number, first + some))
        for top in range(0, height, TILE_ROWS):
            rows = slice(top, min(height, top + TILE_ROWS))
            size = (pairs.stop - first, rows.stop - top)
            if size not in rooms:
                rooms[size] = _room(f1, *size, wide, reach)
            room, band = rooms[size]
            reached = slice(max(0, top - reach), min(height, rows.stop + reach))
            begin, end = ((row - top + reach) * wide for row in _ends(reached))
            yield Tile(
                pairs,
                rows,
                reached,
                f1[pairs, :, rows].flatten(2),
                f2[pairs, :, reached].flatten(2),
                room[:, begin:end],
                (room[:, :begin], room[:, end:]),
                band,
                inside,
            )


def multiply(tile: Tile) -> None:
    """Fill a tile: every key with every query, and zeros beyond the map."""
    for rows in tile.beyond:
        rows.zero_()
    torch.bmm(tile.keys.transpose(1, 2), tile.queries, out=tile.product)


def push_back(tile: Tile, grad_f1: Tensor, grad_f2: Tensor) -> None:
    """Send the gradient in a tile's band to its queries and, added up, to its keys."""
    width = grad_f1.shape[3]
    to_queries = torch.bmm(tile.keys, tile.product)
    grad_f1[tile.pairs, :, tile.rows] = to_queries.unflatten(2, (-1, width))
    to_keys = torch.bmm(tile.queries, tile.product.transpose(1, 2))
    number_of_rows = tile.reached.stop - tile.reached.start
    to_keys = to_keys.unflatten(2, (number_of_rows, -1))[..., :width]
    grad_f2[tile.pairs, :, tile.reached] += to_keys


def _room(
    like: Tensor, pairs: int, rows: int, wide: int, reach: int
) -> tuple[Tensor, Tensor]:
    """Zeros for the product of a tile without cut (n, k, q), and the view of its band.

    Query (y, x) is column y * width + x.  Its window begins at key (y, x - reach), and
    entry (dy, dx) of it lies dy * wide + dx rows further down.  `reach` rows more
    before each pair and after the last one take what leaves the map sideways.
    """
    size, width = 2 * reach + 1, like.shape[3]
    queries, keys = rows * width, (rows + 2 * reach) * wide + reach
    memory = like.new_zeros(reach + pairs * keys, queries)
    band = memory.as_strided(
        (pairs, size, size, rows, width),
        (keys * queries, wide * queries, queries, wide * queries + width, queries + 1),
    )
    return memory[reach:].view(pairs, keys, queries), band


def _wide_enough(f2: Tensor, reach: int) -> Tensor:
    """Add empty columns if a row is shorter than a window, which would meet itself."""
    missing = 2 * reach + 1 - f2.shape[3]
    return pad(f2, (0, missing)) if missing > 0 else f2


def _inside(f1: Tensor, reach: int) -> Float[Tensor, "p 1 w"]:
    width = f1.shape[3]
    offsets = torch.arange(-reach, reach + 1, device=f1.device)
    columns = offsets[:, None] + torch.arange(width, device=f1.device)
    return ((columns >= 0) & (columns < width)).to(f1.dtype)[:, None]


def product_bytes(
    shape: tuple[int, int, int, int], reach: int, itemsize: int = 4, device: str = "cpu"
) -> int:
    """Count the bytes of the room that all tiles of a pair of maps share.

    Args:
        shape: (B, C, H, W) of the maps.
        reach: of the window, in cells.
        itemsize: bytes of a number.
        device: type of device.

    Returns:
        bytes of one full tile's product, margins for what leaves the map included.

    >>> product_bytes((7, 64, 28, 28), 7)
    1602496
    """
    some = _pairs_at_once(shape, reach, itemsize, device)
    return some * _each(shape, reach, itemsize)


def _each(shape: tuple[int, ...], reach: int, itemsize: int) -> int:
    height, width = shape[2:]
    rows, wide = min(TILE_ROWS, height), max(width, 2 * reach + 1)
    return rows * width * ((rows + 2 * reach) * wide + reach) * itemsize


def _pairs_at_once(
    shape: tuple[int, ...], reach: int, itemsize: int, device: str
) -> int:
    """As many as a product may have bytes, in equal portions."""
    room = TILE_BYTES if device == "cpu" else TILE_BYTES_GPU
    most = max(1, room // max(1, _each(shape, reach, itemsize)))
    portions = max(1, -(-shape[0] // most))
    return max(1, -(-shape[0] // portions))


def _ends(span: slice) -> tuple[int, int]:
    return span.start, span.stop
