"""Scenes lit by lamps: the street by night and a theatre stage."""

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
    disc_cover,
    glow,
    side_of,
    sky,
)
from course.synthetic.scenes.rooms import (
    planks,
    vignette,
)
from course.synthetic.scenes.town import (
    HOUSE,
    houses,
    passing_car,
    road,
    skyline,
    street_lamp,
    wall_colour,
)
from course.synthetic.shapes import (
    cover,
    rounded,
    smoothstep,
    span,
    wrap,
)
from course.synthetic.textures import (
    noise1,
    scatter,
    seed_of,
    stripes,
)


def night(x, y, time, vary, pixel) -> list[Layer]:
    """The same kind of street after dark: moon, lit windows, lamps, a car."""
    kerb = vary("kerb", 0.16, 0.3)
    hour = vary("hour", 0.0, 2.0)
    low = along(hour, "#47538a", "#5a4f8c", "#7a5a8a")
    air = sky(x, y, pixel, along(hour, "#161d42", "#1f1f4c", "#2a2250"), low, kerb)
    du, dv, which = scatter(x / 0.16, y / 0.16, seed_of(vary, "star"))
    star = disc_cover(du * 0.16, dv * 0.16, 0.006 + 0.008 * which, pixel)
    air.paint("#fdf6d8", star * (which < 0.6), 0.9)
    glow(
        air,
        x - vary("moon.x", -0.7, 0.7),
        y + vary("moon.y", 0.6, 0.8),
        "#fff4cf",
        vary("moon.r", 0.1, 0.16),
    )
    front = Picture(None, x, pixel)
    wall = wall_colour(x, vary, pixel, "#3c3f66", "#4d436b", "#35506b", "#57455f")
    skyline(front, x, y, vary, kerb - 0.05, torch.lerp(rgb("#262a55", x), low, 0.35))
    houses(
        front,
        x,
        y,
        vary,
        kerb,
        shade(wall, -0.15),
        "#272b4d",
        "#ffd77a",
        vary("lit", 0.35, 0.7),
    )
    _night_shops(front, x, y, vary, kerb)
    road(front, x, y, vary, kerb, palette(vary, "tar", "#3a3d58", "#343a52"))
    dark = cover(kerb - y, pixel)
    front.paint(torch.lerp(rgb("#262750", x), low, 0.2), dark, 0.6)
    _pools_of_light(front, x, y, vary, kerb)
    veil = along(hour, "#5b659c", "#6d619c", "#8a6a9a")
    lamps = street_lamp(x, y, vary, pixel, kerb)
    lamps.colour = torch.where(
        lamps.colour.amin(0) > 0.55, lamps.colour, lamps.colour * rgb("#5a5f96", x)
    )
    car = passing_car(x, y, time, vary, pixel, kerb + 0.27)
    car.colour = torch.lerp(
        car.colour * rgb("#6a6fa8", x),
        car.colour,
        smoothstep(car.colour.amin(0), 0.6, 0.72),
    )
    return [
        air.layer(),
        clouds(x, y, time, vary, pixel, veil, -0.8),
        front.layer(),
        car,
        lamps,
    ]


def _night_shops(picture, x, y, vary, foot):
    pixel, u = picture.pixel, x / HOUSE
    sign = along(
        noise1(u, seed_of(vary, "sign"), width=pixel / HOUSE) * 3,
        "#f08a8f",
        "#7fd0d8",
        "#f2c46a",
        "#b79af0",
    )
    picture.paint("#23254a", span(y, foot - 0.27, foot, pixel))
    glass = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(
        y, foot - 0.17, foot - 0.03, pixel
    )
    picture.paint(torch.lerp(rgb("#ffe2a0", x), sign, 0.25), glass)
    board = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(
        y, foot - 0.25, foot - 0.2, pixel
    )
    picture.paint(sign, board)
    door = stripes(u - 0.68, 0.2, pixel / HOUSE) * span(y, foot - 0.21, foot, pixel)
    picture.paint("#6a5560", door)


def _pools_of_light(picture, x, y, vary, kerb):
    u = x * side_of(vary, "lamp") - vary("lamp.x", 0.72, 0.92) + 0.16
    fall = 1 - smoothstep(
        ((u / 0.55) ** 2 + ((y - kerb - 0.5) / 0.16) ** 2).sqrt(), 0.2, 1
    )
    picture.paint("#ffe6a0", fall, 0.5)
    shine = stripes(x / HOUSE - 0.08, 0.5, picture.pixel / HOUSE)
    picture.paint(
        "#ffdf9a",
        shine
        * span(y, kerb, kerb + 0.3, picture.pixel)
        * (1 - smoothstep(y, kerb, kerb + 0.25)),
        0.4,
    )


def stage(x, y, time, vary, pixel) -> list[Layer]:
    """A theatre stage: curtains, a painted backdrop, spotlights, confetti."""
    floor = vary("floor", 0.36, 0.5)
    cloth = palette(vary, "cloth", "#8f3f4f", "#5f4484", "#3f5f86", "#7a4a3f")
    drop = torch.lerp(cloth, rgb("#1c1a3a", x), 0.62)
    room = Picture(
        torch.lerp(shade(drop, -0.3), shade(drop, 0.18), smoothstep(y, -1, floor)),
        x,
        pixel,
    )
    _backdrop(room, x, y, vary, floor, drop)
    wood = palette(vary, "wood", "#8f6248", "#7f5a4f", "#9c7350")
    planks(room, x, y, vary, floor, wood, 0.2)
    vignette(room, floor, 0.25, y)
    _spotlights(room, x, y, vary, floor)
    front = Picture(None, x, pixel)
    _drapes(front, x, y, vary, cloth)
    colours = (("#f2c46a", "#e88a8f"), ("#8fd0d0", "#f4efe0"))
    return [
        room.layer(),
        *[_confetti(x, y, time, vary, pixel, k, colours[k]) for k in range(2)],
        front.layer(),
    ]


def _backdrop(picture, x, y, vary, floor, drop):
    fold = noise1(x * 9, seed_of(vary, "fold"))
    wall = cover(y - floor, picture.pixel)
    picture.lit((fold - 0.5) * 0.12 * wall)
    wide = vary("festoon", 0.7, 1.0)
    for k, level in enumerate((-0.42, -0.14)):
        w = (x / wide + 0.5 * k + vary("festoon.at", 0.0, 1.0)) * 3.1416
        line = level + vary("sag", 0.1, 0.2) * w.sin().abs()
        picture.paint(
            "#14122e", cover((y - line).abs() - 0.006, picture.pixel) * wall, 0.8
        )
        du = wrap(x, 0.2)
        r = (du * du + (y - line - 0.03) ** 2).sqrt()
        picture.paint("#ffdf9a", 1 - smoothstep(r, 0.0, 0.11), 0.35)
        picture.fill("#fff2c4", r - 0.033)


def _spotlights(picture, x, y, vary, floor):
    tint = palette(vary, "spot", "#ffe9b0", "#cfe6ff", "#ffd0dc")
    for k in range(3):
        at = vary(f"spot{k}", -0.9, 0.9)
        aim = 0.5 * (k - 1) + vary(f"aim{k}", -0.15, 0.15)
        middle = at + (aim - at) * (y + 1.1) / 1.9
        half = 0.03 + 0.16 * (y + 1.1)
        edge = (x - middle).abs() - half
        beam = (1 - smoothstep(edge, -0.06, 0.02)) * (1 - smoothstep(y, 0.6, 0.9))
        picture.paint(tint, beam, 0.2)
        oval = ((x - aim) / 0.34) ** 2 + ((y - 0.8) / 0.12) ** 2
        picture.paint(tint, 1 - smoothstep(oval, 0.7, 1.1), 0.35)


def _drapes(picture, x, y, vary, cloth):
    """Gathered side curtains and a scalloped valance."""
    pixel = picture.pixel
    open_ = vary("open", 0.7, 0.85)
    gather = 0.1 * (1 - smoothstep((y - 0.25).abs(), 0.0, 0.7))
    fold = 0.5 + 0.5 * (x.abs() * 40 - 8 * gather * x.abs()).sin()
    body = torch.lerp(shade(cloth, -0.35), shade(cloth, 0.15), fold)
    picture.paint(body, cover(open_ + gather - x.abs(), pixel) * cover(y - 0.74, pixel))
    hem = span(y, 0.7, 0.74, pixel) * cover(open_ - x.abs(), pixel)
    picture.paint("#e0b860", hem)
    swag = -0.72 + 0.1 * (x / 0.5 * 3.1416).sin().abs()
    fold = 0.5 + 0.5 * (x * 34).sin()
    body = torch.lerp(shade(cloth, -0.25), shade(cloth, 0.22), fold)
    picture.paint(body, cover(y - swag, pixel))
    picture.paint("#e0b860", span(y, swag - 0.045, swag, pixel))


def _confetti(x, y, time, vary, pixel, k, codes):
    sway = 0.06 * (vary(f"bit{k}.rate", 2, 4) * time + 2 * k).sin()
    u, v, shift = sliding(x, y, sway, time * vary(f"bit{k}.fall", 0.2, 0.45))
    cell = 0.5 + 0.1 * k
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, f"bit{k}"), 0.15)
    turn = 6.28 * which
    a = (du * turn.cos() + dv * turn.sin()) * cell
    b = (dv * turn.cos() - du * turn.sin()) * cell
    colour = torch.lerp(
        rgb(codes[0], x), rgb(codes[1], x), (which * 7 % 1 < 0.5).float()
    )
    return Layer(colour, cover(rounded(a, b, 0.042, 0.026, 0.006), pixel), shift)
