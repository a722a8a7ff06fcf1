"""Random and periodic patterns, evaluated at points.

Everything here is a function of coordinates, so a pattern can be painted on any grid,
on any device, at any size.  Stripes and mosaics are averaged over a pixel, so that they
fade to their mean instead of flickering where they are finer than the grid.  Random
lattices come from integer hashing: the usual sine trick gives other numbers on other
machines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course.synthetic.shapes import Size

Vary = Callable[[str, float, float], Tensor]

_MASK = (1 << 31) - 1


def stripes(u: Tensor, duty: Size, width: Size) -> Tensor:
    """Bars of period 1 that fill [0, duty) of it, averaged over `width`.

    Args:
        u: coordinate in periods.
        duty: filled share of a period, in [0, 1].
        width: size of a pixel in periods.

    Returns:
        Coverage in [0, 1]; it tends to `duty` where a pixel holds many periods.

    >>> stripes(torch.tensor([0.25, 0.75]), 0.5, 0.1).tolist()
    [1.0, 0.0]
    """

    def filled(v: Tensor) -> Tensor:
        whole = v.floor()
        return whole * duty + torch.clamp(v - whole, max=duty)

    # The cumulative share is taken relative to a nearby whole period, so that float32
    # keeps its digits far from the origin.
    near = u - u.floor()
    return ((filled(near + width / 2) - filled(near - width / 2)) / width).clamp(0, 1)


def seed_of(vary: Vary, name: str) -> Tensor:
    """A per-clip integer seed for lattices, int64 (N, 1, 1, 1)."""
    return (vary(name, 0.0, 1.0) * 65536).long()


def _mixed(i: Tensor, j: Tensor | int, seed: Tensor | int) -> Tensor:
    """31 well-mixed bits for every lattice point, int64."""
    h = (i * 374761393 + (j * 668265263 + seed * 2246822519)) & _MASK
    h = ((h ^ (h >> 13)) * 1274126177) & _MASK
    return ((h ^ (h >> 16)) * 1103515245) & _MASK


def hashed(i: Tensor, j: Tensor | int, seed: Tensor | int) -> Tensor:
    """A number in [0, 1) for every lattice point, by integer mixing.

    Args:
        i: first lattice coordinate, int64.
        j: second lattice coordinate.
        seed: non-negative integer.

    Returns:
        float32, broadcast shape; the same bits on every device.

    >>> hashed(torch.tensor([0, 1]), 0, 3).unique().numel()
    2
    """
    return (_mixed(i, j, seed) >> 15).to(torch.float32) / 65536


def scatter(
    u: Tensor, v: Tensor, seed: Tensor | int, margin: float = 0.25
) -> tuple[Tensor, Tensor, Tensor]:
    """One random point in every unit cell: the places of flakes, flowers, stars.

    Args:
        u: first coordinate in cells.
        v: second coordinate in cells.
        seed: lattice seed.
        margin: how far every point stays from its cell's border, so that things up to
            this radius are never cut.

    Returns:
        Position relative to the cell's point (two tensors, in cells), and a number in
        [0, 1) that tells the cells apart.
    """
    low_u, low_v = u.floor(), v.floor()
    bits = _mixed(low_u.long(), low_v.long(), seed)
    free = (1 - 2 * margin) / 1024
    at_u = margin + free * ((bits >> 21) & 1023)
    at_v = margin + free * ((bits >> 11) & 1023)
    return u - low_u - at_u, v - low_v - at_v, ((bits >> 1) & 1023) / 1024


def _blend(f: Tensor, width: Size | None) -> Tensor:
    """Weight of the right-hand point: smooth, or a step averaged over a pixel."""
    if width is None:
        return f * f * (3 - 2 * f)
    return ((f - 0.5) / torch.as_tensor(width).clamp(max=1.0) + 0.5).clamp(0, 1)


def noise1(u: Tensor, seed: Tensor | int, width: Size | None = None) -> Tensor:
    """Random values on a line: smooth without `width`, else constant in unit cells.

    Args:
        u: coordinate in cells.
        seed: lattice seed.
        width: size of a pixel in cells; steps between cells are averaged over it.

    Returns:
        Values in [0, 1].

    >>> steps = noise1(torch.tensor([0.1, 0.9, 1.1]), 0, width=0.01)
    >>> bool(steps[0] == steps[1]), bool(steps[1] == steps[2])
    (True, False)
    """
    v = u if width is None else u - 0.5
    low = v.floor()
    i, t = low.long(), _blend(v - low, width)
    return torch.lerp(hashed(i, 0, seed), hashed(i + 1, 0, seed), t)


def noise2(
    u: Tensor, v: Tensor, seed: Tensor | int, width: tuple[Size, Size] | None = None
) -> Tensor:
    """Random values in the plane: smooth without `width`, else a mosaic of unit cells.

    Args:
        u: first coordinate in cells.
        v: second coordinate in cells.
        seed: lattice seed.
        width: size of a pixel in cells along both axes.

    Returns:
        Values in [0, 1], broadcast shape of u and v.
    """
    wu, wv = width or (None, None)
    u, v = (u, v) if width is None else (u - 0.5, v - 0.5)
    low_u, low_v = u.floor(), v.floor()
    i, j = low_u.long(), low_v.long()
    s, t = _blend(u - low_u, wu), _blend(v - low_v, wv)
    top = torch.lerp(hashed(i, j, seed), hashed(i + 1, j, seed), s)
    bottom = torch.lerp(hashed(i, j + 1, seed), hashed(i + 1, j + 1, seed), s)
    return torch.lerp(top, bottom, t)


def ridge(u: Tensor, seed: Tensor | int, octaves: int = 3) -> Tensor:
    """A jagged sky line in [0, 1]: straight slopes between random heights, refined.

    Args:
        u: coordinate; the coarsest slope is one unit long.
        seed: lattice seed.
        octaves: how often half-size slopes are added.

    Returns:
        Heights, same shape as u.
    """
    total, height, scale = 0.0, torch.zeros_like(u), 1.0
    for octave in range(octaves):
        low = u.floor()
        i = low.long()
        a, b = hashed(i, octave, seed), hashed(i + 1, octave, seed)
        height = height + scale * torch.lerp(a, b, u - low)
        total, scale, u = total + scale, scale * 0.4, u * 2.3 + 0.37
    return height / total


def faded(period: Size, pixel: Size) -> Size:
    """How much of a pattern's contrast a pixel grid can still carry, in [0, 1]."""
    return (1.5 - torch.as_tensor(pixel / period)).clamp(0, 1)


def plane_waves(
    x: Tensor,
    y: Tensor,
    vary: Vary,
    count: int = 5,
    wavelengths: Sequence[float] = (0.33, 1.67),
    name: str = "wave",
) -> Tensor:
    """A sum of random plane waves, scaled to unit variance.

    Args:
        x: world coordinates.
        y: world coordinates.
        vary: per-clip random numbers.
        count: number of waves.
        wavelengths: smallest and largest wavelength in world units.
        name: prefix of the draws.

    Returns:
        Zero-mean values, broadcast shape of x and y.
    """
    low, high = (math.log(w) for w in wavelengths)
    total = torch.zeros((), device=x.device)
    for k in range(count):
        angle = vary(f"{name}.{k}.angle", 0.0, 2 * math.pi)
        number = 2 * math.pi * (-vary(f"{name}.{k}.length", low, high)).exp()
        phase = vary(f"{name}.{k}.phase", 0.0, 2 * math.pi)
        total = total + (number * (x * angle.cos() + y * angle.sin()) + phase).sin()
    return total * math.sqrt(2.0 / count)
