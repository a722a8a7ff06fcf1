"""Scenes of the country: forest and meadow."""

from __future__ import annotations

import torch

from course.synthetic.scenes.layers import (
    Layer,
    along,
    palette,
    rgb,
    shade,
    sliding,
)
from course.synthetic.scenes.props import (
    bushes,
    clouds,
    flecks,
    grain,
    hills,
    side_of,
    sky,
    trunks,
)
from course.synthetic.shapes import (
    cover,
    ellipse,
    smoothstep,
    span,
    triangle,
)
from course.synthetic.textures import (
    noise1,
    noise2,
    scatter,
    seed_of,
    stripes,
)


def forest(x, y, time, vary, pixel) -> list[Layer]:
    """Tall trunks in mist, a leafy roof, and leaves that fall."""
    floor = vary("floor", 0.3, 0.46)
    season = vary("season", 0.0, 2.0)
    leaf = along(season, "#5f9a5a", "#93a650", "#d08a45")
    mist = along(season, "#d5e6c3", "#e6e6b8", "#f2dcb4")
    back = sky(x, y, pixel, torch.lerp(mist, leaf, 0.35), mist, floor)
    bark = palette(vary, "bark", "#6b4d3c", "#5a4a44", "#7a5540")
    for k, (gap, width, depth) in enumerate(((0.23, 0.06, 0.72), (0.4, 0.11, 0.45))):
        foot = floor + 0.05 * k + 0.02
        trunks(
            back,
            x,
            y,
            vary,
            f"trunk{k}",
            torch.lerp(bark, mist, depth),
            foot,
            width,
            gap,
        )
        bushes(
            back,
            x,
            y,
            vary,
            f"bush{k}",
            torch.lerp(leaf, mist, depth - 0.3),
            foot,
            0.17 + 0.08 * k,
        )
    _sunbeams(back, x, y, vary, floor)
    _forest_floor(back, x, y, vary, floor + 0.05, leaf)
    trunks(back, x, y, vary, "near", bark, floor + 0.26, 0.2, 0.8, 0.75)
    for k, tone in enumerate((-0.32, -0.12, 0.1)):
        seed = seed_of(vary, f"roof{k}")
        edge = -0.42 - 0.2 * k + 0.5 * (noise2(x * 2.6, y * 2.6, seed) - 0.5)
        edge = edge + 0.22 * (noise2(x * 8, y * 8, seed + 1) - 0.5)
        back.fill(shade(leaf, tone), y - edge)
    leaves = [
        along(season, "#b7cf6a", "#e0c24e", "#f0a548"),
        along(season, "#8fbf62", "#d8a24a", "#d9693f"),
    ]
    return [back.layer()] + [
        _leaf_fall(x, y, time, vary, pixel, k, leaves[k]) for k in range(2)
    ]


def _sunbeams(picture, x, y, vary, floor):
    slant = x + (y + 1) * vary("beam", -0.7, 0.7)
    beam = noise1(slant * 3.2, seed_of(vary, "beam.seed"))
    fade = 1 - smoothstep(y, -0.4, floor + 0.2)
    picture.paint("#fffbe0", smoothstep(beam, 0.5, 0.8) * fade, 0.35)


def _forest_floor(picture, x, y, vary, top, leaf):
    seed = seed_of(vary, "floor.seed")
    earth = palette(vary, "earth", "#8a7350", "#7d7a4c", "#94714e")
    line = top + 0.02 * (noise1(x * 9, seed) - 0.5)
    picture.below(
        torch.lerp(shade(earth, 0.15), earth, smoothstep(y, top, 0.9)), y, line
    )
    patch = noise2(x * 2.1, y * 6, seed + 1)
    ground = cover(line - y, picture.pixel)
    picture.paint(shade(leaf, -0.15), smoothstep(patch, 0.5, 0.62) * ground, 0.55)
    picture.lit(grain(x * 16, y * 24, seed, picture.pixel * 20, 0.05) * ground)
    flecks(picture, x, y, seed + 2, shade(leaf, 0.25), 0.17, 0.02, line, 1.8, 0.8)
    flecks(picture, x, y, seed + 3, shade(earth, -0.3), 0.21, 0.022, line, 1.8, 0.8)


def _leaf_fall(x, y, time, vary, pixel, k, colour):
    rate = vary(f"leaf{k}.rate", 2.0, 3.5)
    dx = 0.1 * (rate * time + vary(f"leaf{k}.phase", 0, 6.28)).sin()
    u, v, shift = sliding(x, y, dx, time * vary(f"leaf{k}.speed", 0.22, 0.45))
    cell = 0.62 + 0.13 * k
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, f"leaf{k}"), 0.12)
    du, dv = du * cell, dv * cell
    turn = 3.1416 * which
    c, s = turn.cos(), turn.sin()
    shape = ellipse(du * c + dv * s, dv * c - du * s, 0.07, 0.038)
    return Layer(colour, cover(shape, pixel), shift)


def meadow(x, y, time, vary, pixel) -> list[Layer]:
    """Green hills, a fence, flowers and drifting clouds."""
    horizon = vary("horizon", 0.1, 0.28)
    day = vary("day", 0.0, 2.0)
    back = sky(
        x,
        y,
        pixel,
        along(day, "#74bce6", "#9cccee", "#c3b8d6"),
        along(day, "#dff1f2", "#f7f1d8", "#fbdcc0"),
        horizon,
    )
    green = along(vary("green", 0.0, 3.0), "#5fa37a", "#7fb45a", "#b3c05a", "#d3c26a")
    hills(
        back,
        x,
        y,
        vary,
        "far",
        torch.lerp(green, rgb("#9fc3cc", x), 0.55),
        horizon + 0.1,
        0.34,
        0.9,
    )
    hills(
        back,
        x,
        y,
        vary,
        "mid",
        torch.lerp(green, rgb("#9fc3cc", x), 0.2),
        horizon + 0.2,
        0.26,
        0.7,
    )
    _trees(back, x, y, vary, horizon + 0.12, shade(green, -0.3))
    _barn(back, x, y, vary, horizon + 0.16)
    top = horizon + 0.2 + 0.03 * (1.7 * x + vary("roll", 0, 6)).sin()
    back.below(
        torch.lerp(
            shade(green, 0.15), shade(green, -0.06), smoothstep(y, horizon + 0.2, 1.0)
        ),
        y,
        top,
    )
    seed = seed_of(vary, "grass")
    field = cover(top - y, pixel)
    mown = noise2(x * 1.5, y * 5, seed)
    back.paint(shade(green, -0.16), smoothstep(mown, 0.5, 0.58) * field, 0.5)
    back.lit(grain(x * 26, y * 12, seed, pixel * 20, 0.06) * field)
    _fence(back, x, y, vary, horizon + 0.26)
    for k, colour in enumerate(("#fff6e4", "#f0c64f", "#d98aa0")):
        flecks(
            back,
            x,
            y,
            seed + 1 + k,
            colour,
            0.24 + 0.05 * k,
            0.024,
            top + 0.14,
            1.5,
            vary(f"flower{k}", 0.1, 0.95),
        )
    return [
        back.layer(),
        clouds(x, y, time, vary, pixel, "#ffffff", -0.62),
        clouds(x + 0.7, y, time * 0.6, vary, pixel, "#f6fafc", -0.3),
    ]


def _trees(picture, x, y, vary, foot, colour):
    for k in range(3):
        u, v = x - vary(f"tree{k}", -1.3, 1.3), y - foot - 0.03 * k
        picture.box("#7d6149", u, v, -0.018, 0.018, -0.15, 0.02)
        picture.fill(shade(colour, -0.12), ellipse(u, v + 0.24, 0.13, 0.16))
        picture.fill(shade(colour, 0.12), ellipse(u + 0.03, v + 0.27, 0.085, 0.11))


def _barn(picture, x, y, vary, foot):
    u, v = x * side_of(vary, "barn") - vary("barn.x", 0.5, 0.95), y - foot
    wall = palette(vary, "barn.c", "#b56a5a", "#c9a27a", "#efe3cf")
    picture.box(wall, u, v, -0.14, 0.14, -0.17, 0.02)
    picture.fill(shade(wall, -0.4), triangle(u, v + 0.165, 0.18, 0.13))
    picture.box(shade(wall, -0.45), u, v, -0.04, 0.04, -0.1, 0.02)


def _fence(picture, x, y, vary, foot):
    wood = palette(vary, "fence", "#f2e7d2", "#b08a62", "#8f7a68")
    posts = stripes(x / 0.34 + vary("fence.at", 0, 1), 0.12, picture.pixel / 0.34)
    there = (vary("fence.there", 0.0, 1.0) < 0.75).float()
    picture.paint(wood, posts * span(y, foot - 0.17, foot + 0.02, picture.pixel), there)
    for rail in (-0.13, -0.06):
        picture.paint(
            wood, span(y, foot + rail, foot + rail + 0.028, picture.pixel), there
        )
