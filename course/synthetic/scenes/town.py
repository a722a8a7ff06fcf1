"""A street by day, and the parts of which the street by night is made too."""

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
    grain,
    side_of,
    sky,
)
from course.synthetic.scenes.rooms import (
    tiles,
)
from course.synthetic.shapes import (
    capsule,
    cover,
    ellipse,
    rounded,
    smoothstep,
    span,
)
from course.synthetic.textures import (
    noise1,
    noise2,
    seed_of,
    stripes,
)


def street(x, y, time, vary, pixel) -> list[Layer]:
    """House fronts with shops, a road with a passing car, clouds above."""
    kerb = vary("kerb", 0.16, 0.3)
    day = vary("day", 0.0, 2.0)
    low = along(day, "#e3f1f2", "#f8ead2", "#f3d3c0")
    air = sky(x, y, pixel, along(day, "#84c0e2", "#a3cbdc", "#bcb2d0"), low, kerb)
    front = Picture(None, x, pixel)
    wall = wall_colour(
        x, vary, pixel, "#d98f74", "#ecd3a4", "#9fb6b0", "#c9857f", "#e5c08a"
    )
    skyline(front, x, y, vary, kerb - 0.1, torch.lerp(rgb("#8f9fb8", x), low, 0.5))
    houses(front, x, y, vary, kerb, wall, "#5b7389", "#f9e3a4", 0.25)
    _shops(front, x, y, vary, kerb)
    road(front, x, y, vary, kerb, palette(vary, "tar", "#6f7480", "#7d7a82", "#666c74"))
    return [
        air.layer(),
        clouds(x, y, time, vary, pixel, "#ffffff", -0.8),
        front.layer(),
        passing_car(x, y, time, vary, pixel, kerb + 0.27),
        street_lamp(x, y, vary, pixel, kerb),
    ]


def wall_colour(x, vary, pixel, *codes):
    """One plaster colour for each house of the row."""
    which = noise1(x / HOUSE, seed_of(vary, "house.c"), width=pixel / HOUSE)
    return along((which * (len(codes) + 1) - 1).clamp(0, len(codes) - 1), *codes)


HOUSE = 0.6  # width of a house


def skyline(picture, x, y, vary, base, colour):
    seed = seed_of(vary, "skyline")
    tall = 0.5 + 0.5 * noise1(x / 0.23, seed, width=picture.pixel / 0.23)
    picture.below(colour, y, base - tall)


def houses(picture, x, y, vary, foot, wall, glass, light, lit):
    """A terrace: eaves, rows of windows (a share of them lit), dividing lines."""
    seed, pixel = seed_of(vary, "house"), picture.pixel
    eaves = foot - 0.55 - 0.5 * noise1(x / HOUSE, seed, width=pixel / HOUSE)
    body = cover(eaves - y, pixel)
    picture.paint(torch.lerp(wall, shade(wall, -0.2), smoothstep(y, -1.0, foot)), body)
    picture.paint(shade(wall, -0.35), body * cover(y - eaves - 0.055, pixel), 0.8)
    picture.paint(shade(wall, 0.4), body * cover(y - eaves - 0.022, pixel), 0.8)
    column, row = x / (HOUSE / 3), (y - foot) / 0.235
    w, h = pixel / (HOUSE / 3), pixel / 0.235
    inside = stripes(column - 0.22, 0.56, w) * stripes(row - 0.2, 0.6, h)
    inside = inside * cover(eaves + 0.12 - y, pixel) * cover(y - foot + 0.29, pixel)
    frame = stripes(column - 0.14, 0.72, w) * stripes(row - 0.12, 0.78, h)
    frame = frame * cover(eaves + 0.1 - y, pixel) * cover(y - foot + 0.27, pixel)
    picture.paint(shade(wall, 0.5), frame, 0.85)
    on = noise2(column, row, seed + 9, (w, h))
    on = smoothstep(on, 1 - lit - 0.02, 1 - lit + 0.02)
    pane = torch.lerp(rgb(glass, x), rgb(light, x), on)
    picture.paint(pane, inside)
    cross = stripes(column - 0.47, 0.06, w) + stripes(row - 0.47, 0.07, h)
    picture.paint(shade(wall, 0.5), inside * cross.clamp(max=1), 0.8)
    picture.paint(
        "#2a2438", stripes(x / HOUSE + 0.01, 0.02, pixel / HOUSE) * body, 0.35
    )


def _shops(picture, x, y, vary, foot):
    """Doors, shop windows and striped awnings along the ground floor."""
    pixel, seed = picture.pixel, seed_of(vary, "shop")
    u = x / HOUSE
    base = along(
        noise1(u, seed, width=pixel / HOUSE) * 3,
        "#7f5a55",
        "#4f7078",
        "#8a7350",
        "#5d5f83",
    )
    picture.paint(base, span(y, foot - 0.27, foot, pixel))
    glass = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(
        y, foot - 0.2, foot - 0.05, pixel
    )
    picture.paint("#bfe0e0", glass)
    picture.paint("#f3fbf6", glass * stripes((x + 0.6 * y) * 7, 0.25, pixel * 8), 0.6)
    door = stripes(u - 0.68, 0.2, pixel / HOUSE) * span(y, foot - 0.21, foot, pixel)
    picture.paint(shade(base, -0.4), door)
    awning = stripes(u - 0.04, 0.58, pixel / HOUSE)
    drop = foot - 0.195 + 0.012 * (x * 2 * 3.1416 * 10).sin()
    cloth = torch.lerp(
        rgb("#fbf2e0", x), shade(base, 0.15), stripes(x * 10, 0.5, pixel * 10)
    )
    picture.paint(cloth, awning * span(y, foot - 0.28, drop, pixel))


def road(picture, x, y, vary, kerb, tar):
    """Far pavement, road with a dashed line, near pavement of slabs."""
    pixel, seed = picture.pixel, seed_of(vary, "tar.seed")
    stone = palette(vary, "stone", "#cfc8bd", "#c2bcb8", "#d6c8b2")
    picture.below(stone, y, kerb)
    picture.paint(shade(stone, -0.3), span(y, kerb + 0.065, kerb + 0.085, pixel))
    road = span(y, kerb + 0.085, kerb + 0.36, pixel)
    picture.paint(tar, road)
    dash = stripes(x / 0.5 + vary("dash", 0, 1), 0.5, pixel / 0.5)
    picture.paint("#f4ecd0", dash * span(y, kerb + 0.19, kerb + 0.215, pixel), 0.9)
    near = kerb + 0.36
    tiles(
        picture,
        x,
        y,
        near,
        shade(stone, 0.06),
        shade(stone, -0.04),
        0.3,
        0.4,
        shade(stone, -0.28),
    )
    picture.paint(shade(stone, 0.4), span(y, near, near + 0.03, pixel))
    picture.paint(shade(stone, -0.4), span(y, near + 0.03, near + 0.045, pixel), 0.8)
    rough = cover(kerb - y, pixel)
    picture.lit(grain(x * 24, y * 34, seed, pixel * 28, 0.03) * rough)


def passing_car(x, y, time, vary, pixel, wheels):
    """A car on the far lane; it comes round again after a stretch of road."""
    way = side_of(vary, "car.way")
    u, v, shift = sliding(x, y, time * way * vary("car.speed", 0.5, 1.1))
    u = (u - vary("car.x", -1.2, 1.2)) * way
    u = u - 3.6 * (u / 3.6 + 0.5).floor()
    v = v - wheels
    paint = palette(vary, "car", "#c9665c", "#5f89b0", "#e0b45c", "#e9e4da", "#6f9c84")
    car = Picture(None, x, pixel)
    car.fill(paint, rounded(u + 0.02, v + 0.175, 0.17, 0.085, 0.06))
    car.fill("#cfe6ec", rounded(u + 0.02, v + 0.18, 0.135, 0.055, 0.035))
    car.box(paint, u, v, -0.03, -0.01, -0.24, -0.1)
    car.fill(paint, rounded(u, v + 0.085, 0.3, 0.055, 0.045))
    car.box(shade(paint, -0.3), u, v, -0.29, 0.29, -0.055, -0.04)
    car.fill("#fff3bf", ((u - 0.275) ** 2 + (v + 0.095) ** 2).sqrt() - 0.022)
    for at in (-0.175, 0.175):
        wheel = ((u - at) ** 2 + (v + 0.03) ** 2).sqrt()
        car.fill("#33323c", wheel - 0.062)
        car.fill("#c9c9cf", wheel - 0.026)
    return car.layer(shift)


def street_lamp(x, y, vary, pixel, kerb):
    """A lamp post and a tree in a tub on the near pavement, at the sides."""
    side = side_of(vary, "lamp")
    foot = kerb + 0.42
    u = x * side - vary("lamp.x", 0.72, 0.92)
    v = y - foot
    top = Picture(None, x, pixel)
    top.fill("#4b4f5f", capsule(u, v, 0.0, -1.05, 0.0, 0.0, 0.016))
    top.fill("#4b4f5f", rounded(u, v + 0.02, 0.035, 0.03, 0.01))
    top.fill("#4b4f5f", capsule(u, v, 0.0, -1.05, -0.15, -1.05, 0.013))
    top.fill("#fff0b8", ellipse(u + 0.16, v + 1.02, 0.055, 0.035))
    w = x * side + vary("tub.x", 0.74, 0.95)
    leaf = palette(vary, "tub", "#6f9f62", "#8aa552", "#5d917a")
    top.fill("#7d6149", capsule(w, v, 0.0, -0.5, 0.0, -0.1, 0.014))
    for du, dv, r, tone in (
        (0.0, 0.55, 0.15, -0.15),
        (-0.07, 0.48, 0.11, -0.08),
        (0.05, 0.62, 0.1, 0.12),
    ):
        top.fill(shade(leaf, tone), ((w - du) ** 2 + (v + dv) ** 2).sqrt() - r)
    top.fill(
        "#b5705a", rounded(w, v + 0.07, 0.085 - 0.15 * v.clamp(-0.2, 0), 0.075, 0.02)
    )
    return top.layer()
