"""Five plainer ways to correlate two maps, from loops up to the tiles.

Source: Kwon et al., ECCV 2020, equation 1; unfolding is the textbook's form and the
product of all pairs the official code's (there the diagonals are copied one by one).
All have `correlation`'s arguments and result, and autograd's backward pass.  What
tells them apart is what they lay down in memory on the way: `intermediate_bytes`.

    loops      one dot product at a time
    shifts     one displacement at a time: move the whole map, multiply, add up
    unfolded   every cell gets a copy of its window
    all_pairs  one product of all cells with all cells; the windows are picked from it
    banded     one product for every row of queries, with the rows it reaches
    tiles      `correlation`: a few rows together, and nothing is kept
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad, unfold

from course.motion_squeeze.correlation import check_pair, correlation
from course.motion_squeeze.tiles import product_bytes

Features = Float[Tensor, "b c h w"]
Volume = Float[Tensor, "b p p h w"]


def loops(f1: Features, f2: Features, max_displacement: int = 7) -> Volume:
    """Correlate as equation 1 is read: four nested loops (for tiny maps only).

    Args:
        f1, f2, max_displacement: see `correlation`.

    Returns:
        scores (B, P, P, H, W), as `correlation`.

    >>> f = torch.rand(1, 2, 3, 4)
    >>> torch.allclose(loops(f, f, 1), correlation(f, f, 1))
    True
    """
    max_displacement = check_pair(f1, f2, max_displacement)
    number, _, height, width = f1.shape
    window = range(-max_displacement, max_displacement + 1)
    outside = f1.new_zeros(number)

    def score(dy: int, dx: int, y: int, x: int) -> Float[Tensor, " b"]:
        if 0 <= y + dy < height and 0 <= x + dx < width:
            return (f1[:, :, y, x] * f2[:, :, y + dy, x + dx]).sum(1)
        return outside

    scores = [
        score(dy, dx, y, x)
        for dy in window
        for dx in window
        for y in range(height)
        for x in range(width)
    ]
    size = len(window)
    return torch.stack(scores, 1).view(number, size, size, height, width)


def shifts(f1: Features, f2: Features, max_displacement: int = 7) -> Volume:
    """Correlate one displacement at a time, by moving the whole second map.

    Args:
        f1, f2, max_displacement: see `correlation`.

    Returns:
        scores (B, P, P, H, W), as `correlation`.

    >>> f = torch.rand(1, 2, 3, 4)
    >>> torch.allclose(shifts(f, f, 1), correlation(f, f, 1))
    True
    """
    max_displacement = check_pair(f1, f2, max_displacement)
    height, width = f1.shape[2:]
    size = 2 * max_displacement + 1
    keys = pad(f2, (max_displacement,) * 4)
    scores = [
        (f1 * keys[:, :, dy : dy + height, dx : dx + width]).sum(1)
        for dy in range(size)
        for dx in range(size)
    ]
    return rearrange(torch.stack(scores, 1), "b (dy dx) h w -> b dy dx h w", dy=size)


def unfolded(f1: Features, f2: Features, max_displacement: int = 7) -> Volume:
    """Correlate with copies of all windows: C times as large as the result.

    Args:
        f1, f2, max_displacement: see `correlation`.

    Returns:
        scores (B, P, P, H, W), as `correlation`.

    >>> f = torch.rand(1, 2, 3, 4)
    >>> torch.allclose(unfolded(f, f, 1), correlation(f, f, 1))
    True
    """
    max_displacement = check_pair(f1, f2, max_displacement)
    size = 2 * max_displacement + 1
    windows = unfold(f2, size, padding=max_displacement)
    windows = windows.view(*f1.shape[:2], size, size, *f1.shape[2:])
    return einsum(f1, windows, "b c h w, b c dy dx h w -> b dy dx h w")


def all_pairs(f1: Features, f2: Features, max_displacement: int = 7) -> Volume:
    """Correlate all cells with all cells and pick the windows' diagonals.

    Picking by one list of places for all pairs was the fastest of seven ways tried; the
    strided view that tiles use has a slow backward pass when autograd derives it.

    Args:
        f1, f2, max_displacement: see `correlation`.

    Returns:
        scores (B, P, P, H, W), as `correlation`.

    >>> f = torch.rand(1, 2, 3, 4)
    >>> torch.allclose(all_pairs(f, f, 1), correlation(f, f, 1))
    True
    """
    max_displacement = check_pair(f1, f2, max_displacement)
    height, width = f1.shape[2:]
    product = torch.bmm(f1.flatten(2).transpose(1, 2), f2.flatten(2))
    offset = torch.arange(-max_displacement, max_displacement + 1, device=f1.device)
    y, x = (torch.arange(n, device=f1.device) for n in (height, width))
    to_y = (offset[:, None] + y)[:, None, :, None]
    to_x = (offset[:, None] + x)[None, :, None, :]
    inside = (to_y >= 0) & (to_y < height) & (to_x >= 0) & (to_x < width)
    query, key = y[:, None] * width + x, to_y * width + to_x
    place = (query * (height * width) + key).where(inside, 0)
    picked = product.flatten(1).index_select(1, place.flatten())
    return picked.view(-1, *inside.shape) * inside


def banded(f1: Features, f2: Features, max_displacement: int = 7) -> Volume:
    """Correlate each row of queries with the P rows of keys that it reaches.

    Of each product of a row with a row a diagonal band is wanted.  Write its lines one
    after another, a gap as long as a line at the end, and read lines that are longer by
    one: what was a diagonal is a column.

    Args:
        f1, f2, max_displacement: see `correlation`.

    Returns:
        scores (B, P, P, H, W), as `correlation`.

    >>> f = torch.rand(1, 2, 3, 4)
    >>> torch.allclose(banded(f, f, 1), correlation(f, f, 1))
    True
    """
    max_displacement = check_pair(f1, f2, max_displacement)
    width, size = f1.shape[3], 2 * max_displacement + 1
    rows = pad(f2, (max_displacement,) * 4).unfold(2, size, 1)
    product = einsum(f1, rows, "b c h w, b c h k dy -> b h dy w k")
    line = product.shape[4]
    skewed = pad(product.flatten(3), (0, width)).unflatten(3, (width, line + 1))
    return rearrange(skewed[..., :size], "b h dy w dx -> b dy dx h w").contiguous()


LADDER: dict[str, Callable[..., Tensor]] = {
    "loops": loops,
    "shifts": shifts,
    "unfolded": unfolded,
    "all_pairs": all_pairs,
    "banded": banded,
    "tiles": correlation,
}


def volume_bytes(
    pairs: int, height: int, width: int, max_displacement: int = 7, itemsize: int = 4
) -> int:
    """Count the bytes of the scores themselves, which every rung returns.

    Args:
        pairs: of frames, B; a clip of T frames has T - 1.
        height, width: of the maps in cells.
        max_displacement: reach of the window in cells.
        itemsize: bytes of a number.

    Returns:
        bytes.

    >>> round(volume_bytes(7, 28, 28) / 2**20, 1)
    4.7
    """
    return pairs * height * width * (2 * max_displacement + 1) ** 2 * itemsize


def intermediate_bytes(
    rung: str, shape: tuple[int, int, int, int], max_displacement: int = 7
) -> int:
    """Count the bytes of the largest thing that a rung lays down on the way.

    Args:
        rung: a name in `LADDER`.
        shape: (B, C, H, W) of the maps, float32.
        max_displacement: reach of the window in cells.

    Returns:
        bytes; 0 for the loops, which hold nothing but scores.

    Raises:
        ValueError: no such rung.

    >>> for rung in LADDER:
    ...     mebibytes = intermediate_bytes(rung, (7, 64, 28, 28)) / 2**20
    ...     print(f"{rung:9} {mebibytes:6.1f} MiB")
    loops        0.0 MiB
    shifts       1.3 MiB
    unfolded   301.5 MiB
    all_pairs   16.4 MiB
    banded      13.2 MiB
    tiles        1.5 MiB
    """
    number, channels, height, width = shape
    size, cells = 2 * max_displacement + 1, height * width
    numbers = {
        "loops": 0,
        "shifts": number * channels * cells,
        "unfolded": number * channels * cells * size**2,
        "all_pairs": number * cells**2,
        "banded": number * cells * size * (width + 2 * max_displacement),
    }
    if rung == "tiles":
        return product_bytes(shape, max_displacement)
    if rung not in numbers:
        raise ValueError(f"rung must be one of {', '.join(LADDER)}; got {rung!r}")
    return 4 * numbers[rung]
