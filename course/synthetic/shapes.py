"""Edges and shapes: how much of a pixel lies inside.

Distances are signed, negative inside, in world units.  Edges are averaged over a pixel;
along one axis the average is exact, so thin bars never flicker or disappear.
"""

from __future__ import annotations

import torch
from torch import Tensor

Size = float | Tensor


def cover(distance: Tensor, pixel: Size) -> Tensor:
    """Share of a pixel inside a shape, from the signed distance to its edge.

    Args:
        distance: signed distance in world units, negative inside, any shape.
        pixel: world size of one pixel.

    Returns:
        Coverage in [0, 1], same shape.

    >>> cover(torch.tensor([-1.0, 0.0, 1.0]), 0.1).tolist()
    [1.0, 0.5, 0.0]
    """
    return (0.5 - distance / pixel).clamp(0, 1)


def span(u: Tensor, low: Size, high: Size, pixel: Size) -> Tensor:
    """Share of each pixel that lies in [low, high] along one axis (exact box filter).

    Args:
        u: pixel centres along the axis.
        low: start of the bar; may be infinite.
        high: end of the bar; may be infinite.
        pixel: world size of one pixel.

    Returns:
        Coverage in [0, 1].

    >>> span(torch.tensor([0.0, 0.5, 1.0]), 0.5, 2.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    above = ((u - low) / pixel + 0.5).clamp(0, 1)
    return above - ((u - high) / pixel + 0.5).clamp(0, 1)


def smoothstep(u: Tensor, low: Size, high: Size) -> Tensor:
    """The cubic ramp from 0 at `low` to 1 at `high`."""
    t = ((u - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def wrap(u: Tensor, period: Size) -> Tensor:
    """The coordinate inside its cell, in [-period / 2, period / 2)."""
    return u - (u / period + 0.5).floor() * period


def disc(x: Tensor, y: Tensor, radius: Size) -> Tensor:
    """Signed distance to a disc round the origin."""
    return (x * x + y * y).sqrt() - radius


def ellipse(x: Tensor, y: Tensor, rx: Size, ry: Size) -> Tensor:
    """Approximate signed distance to an ellipse round the origin."""
    u, v = x / rx, y / ry
    r = (u * u + v * v).sqrt()
    # Dividing by the gradient's length keeps the edge one pixel wide on the flat side.
    slope = ((u / rx) ** 2 + (v / ry) ** 2).sqrt() / r.clamp(min=1e-4)
    return (r - 1) / slope.clamp(min=1e-4)


def capsule(
    x: Tensor, y: Tensor, ax: Size, ay: Size, bx: Size, by: Size, r: Size
) -> Tensor:
    """Signed distance to a thick line from (ax, ay) to (bx, by)."""
    px, py, dx, dy = x - ax, y - ay, bx - ax, by - ay
    along = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return ((px - dx * along) ** 2 + (py - dy * along) ** 2).sqrt() - r


def rounded(x: Tensor, y: Tensor, half_x: Size, half_y: Size, r: Size) -> Tensor:
    """Signed distance to a rectangle round the origin with rounded corners."""
    qx, qy = x.abs() - half_x + r, y.abs() - half_y + r
    outside = (qx.clamp(min=0) ** 2 + qy.clamp(min=0) ** 2).sqrt()
    return outside + torch.maximum(qx, qy).clamp(max=0) - r


def triangle(x: Tensor, y: Tensor, half: Size, height: Size) -> Tensor:
    """Signed distance to an upright triangle: base 2 `half` at y = 0, tip above."""
    slope = (half * half + height * height) ** 0.5
    side = (x.abs() * height + (y + height) * -half) / slope
    return torch.maximum(side, y)
