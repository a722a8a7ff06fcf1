"""A kitchen."""

from __future__ import annotations

import torch

from course.synthetic.scenes.layers import (
    Layer,
    Picture,
    palette,
    rgb,
    shade,
)
from course.synthetic.scenes.props import (
    side_of,
)
from course.synthetic.scenes.rooms import (
    tiles,
    vignette,
    wall_tiles,
    window,
)
from course.synthetic.shapes import (
    capsule,
    cover,
    rounded,
    span,
)
from course.synthetic.textures import (
    stripes,
)


def kitchen(x, y, time, vary, pixel) -> list[Layer]:
    """Cupboards over a tiled wall, a stove, a fridge, a chequered floor."""
    floor = vary("floor", 0.36, 0.48)
    wall = palette(vary, "wall", "#f2ead6", "#d3e2da", "#f0d6c6", "#d6dfea")
    room = Picture(wall, x, pixel)
    top, bench = -0.42, floor - 0.42
    wall_tiles(room, x, y, top, bench, 0.135, shade(wall, -0.22))
    front = palette(
        vary, "cupboard", "#7fa89f", "#d9a86a", "#8a9fb8", "#c98a78", "#a8a87f"
    )
    u = x + vary("shift", -0.3, 0.3)
    _cupboards(room, u, y, -0.95, top, front)
    _kitchen_window(room, x, y, vary, top, bench, wall)
    _worktop(room, u, y, vary, bench, floor, front)
    _fridge(room, x, y, vary, floor)
    _pots(room, x, y, vary, bench)
    light = palette(vary, "tile.a", "#f1e9da", "#e9e9e4")
    dark = palette(vary, "tile.b", "#b5655a", "#6f8f9c", "#8f8a7d", "#7f9f78")
    tiles(room, x, y, floor, light, dark, 0.3, 0.42)
    return [vignette(room, floor, 0.2, y).layer()]


def _cupboards(picture, u, y, high, low, colour):
    pixel, wide = picture.pixel, 0.44
    picture.paint(colour, span(y, high, low, pixel))
    rim = stripes(u / wide - 0.07, 0.86, pixel / wide) * span(
        y, high + 0.05, low - 0.05, pixel
    )
    inner = stripes(u / wide - 0.12, 0.76, pixel / wide) * span(
        y, high + 0.075, low - 0.075, pixel
    )
    picture.paint(shade(colour, -0.22), rim - inner)
    picture.paint(shade(colour, 0.14), inner, 0.8)
    picture.paint("#2b2438", span(y, low, low + 0.05, pixel), 0.25)
    picture.paint(
        "#2b2438",
        stripes(u / wide + 0.012, 0.024, pixel / wide) * span(y, high, low, pixel),
        0.4,
    )
    knob = stripes(u / wide - 0.8, 0.07, pixel / wide)
    picture.paint("#f3dfae", knob * span(y, low - 0.17, low - 0.09, pixel))


def _kitchen_window(picture, x, y, vary, top, bench, wall):
    u = x - vary("window", -0.3, 0.3)
    v = y + 0.45
    window(picture, u, v, 0.3, 0.36, "#fbf6ea", "#dff0cf")
    for side in (-1.0, 1.0):
        w = u * side
        cloth = torch.lerp(
            rgb("#f4d9a8", x),
            rgb("#e8a98f", x),
            stripes((y + 1) * 9, 0.5, picture.pixel * 9),
        )
        drape = cover(0.19 + 0.07 * ((v + 0.36) * 4) ** 2 * 0.25 - w, picture.pixel)
        picture.paint(
            cloth,
            drape
            * span(w, 0.0, 0.34, picture.pixel)
            * span(v, -0.38, 0.2, picture.pixel),
        )
    picture.box("#8a6a52", u, v, -0.36, 0.36, -0.41, -0.37)


def _worktop(picture, u, y, vary, bench, floor, colour):
    """Lower cupboards, a worktop, and a stove with a glass door."""
    _cupboards(picture, u + 0.22, y, bench, floor - 0.04, shade(colour, -0.08))
    stone = palette(vary, "bench", "#e9dcc4", "#8a6f5c", "#c9c4be")
    w = u - vary("stove", -0.55, 0.55)
    picture.box("#d9dade", w, y, -0.24, 0.24, bench, floor - 0.04)
    picture.box("#3c404f", w, y, -0.18, 0.18, bench + 0.14, floor - 0.1)
    picture.box("#e0a060", w, y, -0.15, 0.15, bench + 0.2, floor - 0.14, 0.45)
    for k in range(4):
        knob = ((w + 0.15 - 0.1 * k) ** 2 + (y - bench - 0.085) ** 2).sqrt() - 0.022
        picture.fill("#4a4d5c", knob)
    picture.paint(stone, span(y, bench - 0.05, bench + 0.025, picture.pixel))
    picture.paint(
        shade(stone, -0.3), span(y, bench + 0.01, bench + 0.03, picture.pixel)
    )
    picture.paint("#2e2b3a", span(y, floor - 0.05, floor, picture.pixel), 0.8)


def _fridge(picture, x, y, vary, floor):
    u = x * side_of(vary, "fridge") - vary("fridge.x", 0.74, 0.9)
    body = palette(vary, "fridge.c", "#f0f2f0", "#e8c9c0", "#c4dcd8", "#efe3bd")
    middle = (floor - 0.62) / 2
    picture.fill(body, rounded(u, y - middle, 0.27, (floor + 0.66) / 2, 0.05))
    picture.box(shade(body, -0.25), u, y, -0.27, 0.27, -0.2, -0.18)
    picture.box(shade(body, -0.14), u, y, 0.2, 0.27, -0.6, floor - 0.01)
    for low, high in ((-0.42, -0.26), (-0.12, 0.14)):
        picture.fill("#9aa3ab", capsule(u, y, -0.2, low, -0.2, high, 0.016))
    for k, note in enumerate(("#f2c46a", "#e88a7a", "#8fc0a0")):
        picture.box(
            note,
            u,
            y,
            -0.1 + 0.09 * k,
            -0.03 + 0.09 * k,
            -0.5 + 0.05 * k,
            -0.41 + 0.05 * k,
        )


def _pots(picture, x, y, vary, bench):
    u = x * side_of(vary, "fridge") + vary("pots", 0.5, 0.8)
    v = y - bench + 0.05
    picture.fill("#b5705a", rounded(u, v + 0.06, 0.07, 0.06, 0.02))
    for lean, tall in ((-0.07, 0.22), (0.0, 0.28), (0.07, 0.2)):
        picture.fill("#7fae6c", capsule(u, v, 0.0, -0.1, lean, -tall, 0.026))
    picture.fill("#5f7f9f", rounded(u - 0.22, v + 0.05, 0.085, 0.05, 0.015))
    picture.box("#47627f", u - 0.22, v, -0.1, 0.1, -0.11, -0.095)
