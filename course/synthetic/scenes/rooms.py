"""Floors in perspective, and the windows and walls of rooms."""

from __future__ import annotations

import torch
from torch import Tensor

from course.synthetic.scenes.layers import (
    Colour,
    Picture,
    rgb,
    shade,
    tinted,
)
from course.synthetic.scenes.props import (
    GROUND,
)
from course.synthetic.shapes import (
    Size,
    cover,
    smoothstep,
    span,
)
from course.synthetic.textures import (
    faded,
    hashed,
    noise2,
    seed_of,
    stripes,
)


def receding(x: Tensor, y: Tensor, vanish: Size, pixel: Size, middle: Size = 0.0):
    """Floor coordinates in perspective: across, depth, and a pixel's size in both.

    One unit across is one world unit at the actors' line.
    """
    far = GROUND - vanish
    s = (y - vanish).clamp(min=0.08)
    across, depth = (x - middle) * far / s, far * far / s
    return across, depth, pixel * far / s, pixel * far * far / (s * s)


def planks(
    picture,
    x,
    y,
    vary,
    top: Size,
    colour: Colour,
    width: float = 0.16,
    vanish: float = 0.5,
    contrast: float = 0.16,
):
    """A wooden floor whose boards run away from the viewer."""
    seed = seed_of(vary, "planks")
    u, v, wu, wv = receding(x, y, top - vanish, picture.pixel)
    row = u / width
    ends = v * 1.1 + 5.3 * hashed(row.floor().long(), 3, seed)
    tone = noise2(row, ends, seed, (wu / width, wv * 1.1)) - 0.5
    body = (tinted(colour, x) + tone * contrast * faded(1.0, 0.5 * wu / width)).clamp(
        0, 1
    )
    floor = cover(top - y, picture.pixel)
    picture.paint(body, floor)
    seams = 1 - stripes(row + 0.04, 0.92, wu / width)
    return picture.paint(shade(tinted(colour, x), -0.35), seams * floor, 0.5)


def tiles(
    picture,
    x,
    y,
    top: Size,
    light: Colour,
    dark: Colour,
    size: Size = 0.36,
    vanish: float = 0.5,
    joint: Colour | None = None,
):
    """A chequered floor in perspective, with joints between the tiles if given."""
    u, v, wu, wv = receding(x, y, top - vanish, picture.pixel)
    a = 2 * stripes(u / (2 * size), 0.5, wu / (2 * size)) - 1
    b = 2 * stripes(v / (2 * size), 0.5, wv / (2 * size)) - 1
    floor = cover(top - y, picture.pixel)
    picture.paint(
        torch.lerp(tinted(light, x), tinted(dark, x), 0.5 + 0.5 * a * b), floor
    )
    if joint is not None:
        gaps = 1 - stripes(u / size + 0.03, 0.94, wu / size) * stripes(
            v / size + 0.03, 0.94, wv / size
        )
        picture.paint(joint, gaps * floor)
    return picture


def wall_tiles(
    picture,
    x,
    y,
    low: Size,
    high: Size,
    size: Size,
    joint: Colour,
    strength: Size = 0.6,
):
    """Square wall tiles drawn as a net of joints between two heights."""
    w = picture.pixel / size
    gaps = 1 - stripes(x / size, 0.9, w) * stripes(y / size, 0.9, w)
    return picture.paint(joint, gaps * span(y, low, high, picture.pixel), strength)


def vignette(
    picture: Picture, top: Size, depth: Size, y: Tensor, strength: float = 0.25
):
    """Shade where floor and wall meet."""
    fall = cover(top - y, picture.pixel) * (1 - smoothstep(y, top, top + depth))
    return picture.paint("#1a1a33", fall, strength)


def window(picture, u, v, half_x, half_y, frame, low="#eaf6ef", bars=2):
    """A window with sky behind the panes."""
    picture.box(frame, u, v, -half_x, half_x, -half_y, half_y)
    a, b = half_x - 0.025, half_y - 0.025
    pane = torch.lerp(rgb("#9fd0ea", u), rgb(low, u), smoothstep(v, -half_y, half_y))
    picture.box(pane, u, v, -a, a, -b, b)
    picture.paint(
        "#ffffff",
        span(u, -a, a, picture.pixel)
        * span(v, -b, b, picture.pixel)
        * stripes((u + 0.6 * v) * 3, 0.25, picture.pixel * 3.5),
        0.35,
    )
    for k in range(1, bars):
        at = -a + 2 * a * k / bars
        picture.box(frame, u, v, at - 0.012, at + 0.012, -b, b)
    picture.box(frame, u, v, -a, a, -0.012, 0.012)


def skirting(picture, y, floor, colour):
    picture.paint(colour, span(y, floor - 0.045, floor, picture.pixel))
    return vignette(picture, floor, 0.22, y)
