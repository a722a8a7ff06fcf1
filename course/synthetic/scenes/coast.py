"""Scenes by the sea and under it: beach and underwater."""

from __future__ import annotations

import torch

from course.synthetic.scenes.layers import (
    Layer,
    Picture,
    along,
    palette,
    rgb,
    shade,
    sliding,
)
from course.synthetic.scenes.props import (
    clouds,
    flecks,
    glow,
    grain,
    hills,
    side_of,
    sky,
)
from course.synthetic.shapes import (
    capsule,
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


def beach(x, y, time, vary, pixel) -> list[Layer]:
    """Sand, a sea whose waves roll sideways, a parasol and a sailing boat."""
    horizon = vary("horizon", -0.05, 0.15)
    shore = horizon + vary("sea", 0.28, 0.42)
    mood = vary("mood", 0.0, 2.0)
    top = along(mood, "#5fb4e0", "#8cc9dd", "#c6a3c9")
    back = sky(x, y, pixel, top, along(mood, "#cdeaf2", "#f4ecd0", "#fbd0a8"), horizon)
    glow(
        back,
        x - vary("sun.x", -0.8, 0.8),
        y - vary("sun.y", -0.75, -0.45),
        along(mood, "#fff6d0", "#fff1b8", "#ffd9a0"),
        vary("sun.r", 0.09, 0.15),
    )
    hills(
        back,
        x,
        y,
        vary,
        "isle",
        along(mood, "#7fb1b8", "#9db9ae", "#a58fae"),
        horizon + 0.02,
        0.22 * vary("isle.h", 0.0, 1.0),
        1.1,
    )
    _sand(back, x, y, vary, shore, along(mood, "#ecd9a6", "#eed2a0", "#e3bf97"))
    water = along(vary("water", 0.0, 2.0), "#3f9cc0", "#44b3b0", "#4a86b8")
    return [
        back.layer(),
        clouds(
            x, y, time, vary, pixel, along(mood, "#ffffff", "#fffaf0", "#ffe3d3"), -0.5
        ),
        _far_sea(x, y, time, vary, pixel, horizon, shore, water),
        _boat(x, y, time, vary, pixel, horizon),
        _surf(x, y, time, vary, pixel, horizon, shore, water),
        _parasol(x, y, vary, pixel, shore),
    ]


def _sand(picture, x, y, vary, top, colour):
    seed = seed_of(vary, "sand")
    picture.below(
        torch.lerp(shade(colour, -0.1), colour, smoothstep(y, top, top + 0.5)),
        y,
        top - 0.1,
    )
    ripple = noise2(x * 2.2, y * 14, seed) - 0.5
    sand = cover(top - y, picture.pixel)
    picture.lit(
        (0.09 * ripple + grain(x * 22, y * 30, seed, picture.pixel * 26, 0.05)) * sand
    )
    flecks(picture, x, y, seed + 1, shade(colour, -0.35), 0.22, 0.014, top + 0.12, 1.6)
    flecks(picture, x, y, seed + 2, "#fff8ea", 0.31, 0.018, top + 0.15, 1.6, 0.7)


def _far_sea(x, y, time, vary, pixel, horizon, shore, water):
    u, _, shift = sliding(x, y, time * vary("sea.far", 0.05, 0.15))
    line = shore - 0.14
    sea = Picture(
        torch.lerp(shade(water, 0.25), water, smoothstep(y, horizon, line)), x, pixel
    )
    crest = noise2(u * 2.6, (y - horizon) * 26, seed_of(vary, "far.seed"))
    sea.paint(shade(water, 0.6), smoothstep(crest, 0.68, 0.8), 0.7)
    sea.paint(shade(water, -0.25), 1 - smoothstep(crest, 0.2, 0.32), 0.5)
    sheet = sea.layer(shift)
    sheet.alpha = span(y, horizon, shore + 0.02, pixel)
    return sheet


def _surf(x, y, time, vary, pixel, horizon, shore, water):
    u, _, shift = sliding(x, y, time * vary("sea.near", 0.18, 0.4))
    water = shade(water, 0.18)
    edge = 0.026 * (5.1 * u).sin() + 0.014 * (11.3 * u + 1).sin()
    top = shore - 0.13 + edge
    sea = Picture(
        torch.lerp(water, shade(water, 0.35), smoothstep(y, top, shore)), x, pixel
    )
    line = shore + 0.7 * edge
    sea.paint("#ffffff", span(y, top, top + 0.02, pixel), 0.8)
    sea.paint("#ffffff", cover(line - 0.035 - y, pixel), 0.95)
    sheet = sea.layer(shift)
    sheet.alpha = span(y, top, line, pixel)
    return sheet


def _boat(x, y, time, vary, pixel, horizon):
    u, v, shift = sliding(x, y, time * vary("boat.speed", -0.12, 0.12))
    u, v = u - vary("boat.x", -0.7, 0.7), v - horizon - 0.05
    sail = along(vary("boat.c", 0, 2), "#fdf6e6", "#f2a488", "#f3d27a")
    boat = Picture(None, x, pixel)
    boat.fill("#7a5240", torch.maximum(ellipse(u, v - 0.0, 0.13, 0.05), -v))
    boat.fill(sail, triangle(u - 0.015, v + 0.02, 0.09, 0.26))
    boat.box("#7a5240", u, v, -0.008, 0.008, -0.29, 0.0)
    return boat.layer(shift)


def _parasol(x, y, vary, pixel, shore):
    side = side_of(vary, "parasol.side")
    u = x * side - vary("parasol.x", 0.62, 0.85)
    v = y - shore - 0.02 + 0.26
    cloth = palette(vary, "parasol", "#d9695f", "#e0a04e", "#4f94a8", "#8a70a8")
    top = Picture(None, x, pixel)
    towel = span(u - 0.3 * (y - 0.6), -0.3, 0.16, pixel) * span(y, 0.55, 0.66, pixel)
    stripe = stripes((u - 0.3 * (y - 0.6)) * 11, 0.5, pixel * 11)
    top.paint(torch.lerp(cloth, rgb("#fff4e0", x), stripe), towel)
    top.fill("#8a6a52", capsule(u, v, 0.0, -0.1, 0.04, 0.58, 0.014))
    half = 0.4 * (1 - (v / 0.3).clamp(-0.98, 0.0) ** 2).sqrt()
    gores = stripes(((u / half).clamp(-1, 1).asin() / 3.1416 + 0.5) * 3, 0.5, pixel * 5)
    shape = torch.maximum(ellipse(u, v, 0.4, 0.3), v)
    top.fill(torch.lerp(cloth, rgb("#fff4e0", x), gores), shape)
    return top.layer()


def underwater(x, y, time, vary, pixel) -> list[Layer]:
    """A sandy sea floor with corals; light from above, bubbles and a shoal of fish."""
    floor = vary("floor", 0.34, 0.5)
    depth = vary("depth", 0.0, 2.0)
    top = along(depth, "#7fd0d8", "#5fb6d6", "#6a9fd0")
    low = along(depth, "#2f8ea6", "#2f74a8", "#3a5c9a")
    back = sky(x, y, pixel, top, low, floor)
    slant = x * (1.4 - 0.35 * y) + vary("ray", -1, 1)
    ray = noise1(slant * 3, seed_of(vary, "ray.seed"))
    back.paint(
        "#e6fbf4", smoothstep(ray, 0.5, 0.8) * (1 - smoothstep(y, -0.9, 0.5)), 0.35
    )
    for k, mix in enumerate((0.7, 0.45)):
        hills(
            back,
            x,
            y,
            vary,
            f"rock{k}",
            torch.lerp(rgb("#3d5a72", x), low, mix),
            floor + 0.06 + 0.05 * k,
            0.4 - 0.1 * k,
            1.6 + k,
        )
    sand = torch.lerp(palette(vary, "sand", "#d9cfa0", "#cfc6a8", "#d8bfa0"), low, 0.25)
    seed = seed_of(vary, "sand.seed")
    line = floor + 0.06 + 0.03 * (2.3 * x + vary("dune", 0, 6)).sin()
    back.below(torch.lerp(shade(sand, -0.18), sand, smoothstep(y, floor, 0.9)), y, line)
    net = (noise2(x * 4, y * 8, seed) - 0.5).abs()
    back.paint(
        "#f4fff2", (1 - smoothstep(net, 0.02, 0.07)) * cover(line - y, pixel), 0.4
    )
    flecks(back, x, y, seed + 1, shade(sand, -0.3), 0.23, 0.022, line, 1.6, 0.7)
    for k in range(4):
        _coral(back, x, y, vary, k, floor + 0.12 + 0.05 * k)
    return [
        back.layer(),
        _fish(x, y, time, vary, pixel, 0),
        _fish(x, y, time, vary, pixel, 1),
        _bubbles(x, y, time, vary, pixel),
    ]


def _coral(picture, x, y, vary, k, foot):
    u = x * (-1) ** k - vary(f"coral{k}", 0.5, 1.15)
    v = y - foot
    colour = palette(vary, f"coral{k}.c", "#d9808a", "#e0a070", "#9a7fc0", "#6fae90")
    for lean, tall in ((-0.16, 0.3), (-0.05, 0.42), (0.07, 0.36), (0.17, 0.24)):
        shape = capsule(u, v, lean * 0.3, 0.0, lean, -tall, 0.034)
        picture.fill(shade(colour, -0.12 + lean), shape)
    picture.fill(
        shade(colour, -0.35), torch.maximum(ellipse(u, v, 0.13, 0.06), v - 0.03)
    )


def _fish(x, y, time, vary, pixel, k):
    way = side_of(vary, f"fish{k}.way")
    u, v, shift = sliding(x, y, time * way * vary(f"fish{k}.speed", 0.15, 0.45))
    wide, tall = 0.8, 0.5
    du, dv, which = scatter(
        u / wide, (v + 0.25 * k) / tall, seed_of(vary, f"fish{k}"), 0.25
    )
    du, dv = du * wide * way, dv * tall
    colour = palette(vary, f"fish{k}.c", "#f0a860", "#f2d27a", "#e88a8a", "#c9d8f0")
    fish = Picture(None, x, pixel)
    tail = triangle(dv, du + 0.06, 0.06, 0.07)
    fish.fill(shade(colour, -0.15), tail)
    fish.fill(colour, ellipse(du, dv, 0.1, 0.055))
    fish.fill(
        shade(colour, 0.6),
        (du - 0.01).abs() - 0.012 + 9 * (dv.abs() - 0.045).clamp(min=0),
    )
    fish.fill("#22304a", ((du - 0.06) ** 2 + (dv + 0.012) ** 2).sqrt() - 0.013)
    sheet = fish.layer(shift)
    sheet.alpha = sheet.alpha * ((which < 0.7) & (v.expand_as(which) < 0.22))
    return sheet


def _bubbles(x, y, time, vary, pixel):
    u, v, shift = sliding(
        x, y, 0.04 * (3 * time).sin(), -time * vary("bubble", 0.25, 0.5)
    )
    cell = 0.5
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, "bubble.seed"), 0.15)
    r = (du * du + dv * dv).sqrt() * cell
    size = 0.02 + 0.035 * which
    shine = cover(
        ((du + 0.03) ** 2 + (dv + 0.03) ** 2).sqrt() * cell - 0.4 * size, pixel
    )
    colour = torch.lerp(rgb("#bfeaf0", x), rgb("#ffffff", x), shine)
    return Layer(colour, cover(r - size, pixel), shift)
