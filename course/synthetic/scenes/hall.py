"""Scenes on wooden boards: sports hall and dance studio."""

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
    planks,
    receding,
    skirting,
    vignette,
    window,
)
from course.synthetic.shapes import (
    cover,
    rounded,
    smoothstep,
    span,
)
from course.synthetic.textures import (
    noise1,
    seed_of,
    stripes,
)


def gym(x, y, time, vary, pixel) -> list[Layer]:
    """A sports hall: wall bars, high windows, a hoop, court lines on boards."""
    floor = vary("floor", 0.3, 0.46)
    wall = palette(vary, "wall", "#e9ddc0", "#cfdcd2", "#dccfd6", "#c9d6e2")
    hall = Picture(
        torch.lerp(shade(wall, 0.25), wall, smoothstep(y, -1, floor)), x, pixel
    )
    panel = palette(vary, "panel", "#7fa3b8", "#86a886", "#c98f72", "#a98fb0")
    line = floor - vary("panel.h", 0.2, 0.62)
    hall.below(panel, y, line)
    hall.paint(
        shade(panel, -0.12),
        stripes(x / 0.33, 0.06, pixel / 0.33) * cover(line - y, pixel),
    )
    hall.paint(shade(panel, 0.5), span(y, line - 0.03, line, pixel))
    for k in range(-2, 3):
        window(
            hall,
            x - 0.8 * k - vary("window", -0.4, 0.4),
            y + 0.76,
            0.3,
            0.15,
            "#fbf7ea",
            bars=3,
        )
    wood = palette(vary, "wood", "#d9a060", "#cf9a68", "#e0b070", "#c98a58")
    _wall_bars(hall, x, y, vary, floor, shade(wood, 0.05))
    _hoop(hall, x, y, vary)
    planks(hall, x, y, vary, floor, wood)
    _court(hall, x, y, vary, floor)
    skirting(hall, y, floor, shade(panel, -0.45))
    _mats(hall, x, y, vary, floor)
    return [hall.layer()]


def _wall_bars(picture, x, y, vary, floor, wood):
    u = x * side_of(vary, "bars") - vary("bars.x", 0.55, 0.72)
    pixel = picture.pixel
    frame = span(u, -0.3, 0.3, pixel) * span(y, -0.52, floor - 0.05, pixel)
    picture.paint("#2d2a3a", frame, 0.16)
    rung = stripes((y - floor) / 0.095, 0.42, pixel / 0.095)
    picture.paint(wood, frame * rung)
    picture.paint(
        shade(wood, -0.35),
        frame * stripes((y - floor) / 0.095 - 0.42, 0.16, pixel / 0.095),
    )
    for at in (-0.3, 0.0, 0.3):
        picture.box(shade(wood, -0.15), u, y, at - 0.02, at + 0.02, -0.54, floor - 0.03)


def _hoop(picture, x, y, vary):
    u = x * side_of(vary, "bars") + vary("hoop.x", 0.35, 0.6)
    v = y + vary("hoop.y", 0.3, 0.42)
    picture.box("#6f7380", u, v, -0.02, 0.02, -0.6, 0.0)
    picture.box("#f7f5ee", u, v, -0.26, 0.26, -0.2, 0.16)
    edge = rounded(u, v + 0.02, 0.26, 0.18, 0.01).abs() - 0.012
    picture.fill("#c9605a", edge)
    picture.fill("#c9605a", rounded(u, v - 0.03, 0.09, 0.07, 0.005).abs() - 0.009)
    net = span(v, 0.14, 0.32, picture.pixel)
    wide = 0.1 - 0.2 * (v - 0.14).clamp(0, 0.2)
    mesh = (
        stripes((u + v) * 14, 0.3, picture.pixel * 14)
        + stripes((u - v) * 14, 0.3, picture.pixel * 14)
    ).clamp(max=1)
    picture.paint("#fbfaf4", mesh * net * cover(u.abs() - wide, picture.pixel), 0.85)
    picture.fill("#e07a45", rounded(u, v - 0.135, 0.11, 0.016, 0.015))


def _court(picture, x, y, vary, floor):
    """Painted lines: one along the hall and a ring round the middle."""
    u, v, wu, wv = receding(x, y, floor - 0.5, picture.pixel, vary("court", -0.6, 0.6))
    on = cover(floor - y, picture.pixel)
    colour = palette(vary, "line", "#f8f6ec", "#c9605a", "#4f7fa8")
    ring = ((u * u + (v - 1.62) ** 2).sqrt() - 0.72).abs() - 0.03
    picture.paint(colour, cover(ring, wu * 1.3) * on, 0.85)
    picture.paint(colour, cover((v - 1.62).abs() - 0.03, wv) * on, 0.85)
    picture.paint("#f4d27a", cover((u + 1.5).abs() - 0.03, wu) * on, 0.85)


def _mats(picture, x, y, vary, floor):
    """A pile of blue mats and a ball in one corner."""
    u = x * side_of(vary, "bars") + vary("mats.x", 0.78, 0.95)
    cloth = palette(vary, "mat", "#5a7fa8", "#8a6f9f", "#5f9088")
    for k in range(3):
        v = y - floor - 0.06 + 0.085 * k
        shape = rounded(u - 0.03 * (k % 2), v, 0.26, 0.042, 0.02)
        picture.fill(shade(cloth, 0.1 * k - 0.15), shape)
    ball = ((u - 0.36) ** 2 + (y - floor - 0.05) ** 2).sqrt()
    picture.fill("#d98248", ball - 0.07)
    picture.fill(
        "#7a4a34",
        torch.minimum((u - 0.36).abs(), (y - floor - 0.05).abs())
        - 0.007
        + 50 * (ball - 0.07).clamp(min=0),
    )


def studio(x, y, time, vary, pixel) -> list[Layer]:
    """A dance studio: mirrors with a barre, a window, light boards."""
    floor = vary("floor", 0.3, 0.46)
    wall = palette(vary, "wall", "#e9dcc0", "#c3cfd8", "#e0bfb2", "#b9cbb4", "#cfc0d4")
    room = Picture(
        torch.lerp(shade(wall, 0.2), wall, smoothstep(y, -1, floor)), x, pixel
    )
    side = side_of(vary, "side")
    u = x * side
    wood = palette(vary, "wood", "#d8a76c", "#cfa078", "#dcb684", "#c4935f")
    _mirrors(room, u, y, vary, floor, wall, wood)
    window(room, u - vary("window", 0.68, 0.82), y + 0.34, 0.27, 0.42, shade(wall, 0.6))
    _curtain(room, u - vary("window", 0.68, 0.82), y, vary)
    skirting(room, y, floor, shade(wall, -0.3))
    planks(room, x, y, vary, floor, wood)
    vignette(room, floor, 0.2, y)
    _sun_patch(room, u, y, vary, floor)
    _barre(room, u, y, vary, floor)
    return [room.layer()]


def _mirrors(picture, u, y, vary, floor, wall, wood):
    """Panes that show the far wall and the floor again, paler."""
    pixel = picture.pixel
    frame = span(u, -9.0, 0.36, pixel) * span(y, -0.72, floor - 0.05, pixel)
    glass = torch.lerp(rgb("#bcd3d8", u), wall, 0.25)
    back = torch.lerp(
        glass, shade(wood, 0.3), smoothstep(y, floor - 0.34, floor - 0.3) * 0.7
    )
    picture.paint(back, frame)
    shine = noise1((u + 0.5 * y) * 2.4, seed_of(vary, "shine"))
    picture.paint("#f4fbfb", frame * smoothstep(shine, 0.55, 0.62), 0.45)
    joint = stripes(u / 0.46 + 0.23, 0.04, pixel / 0.46)
    picture.paint("#8f9ca3", frame * joint, 0.9)
    rim = frame - span(u, -9.0, 0.335, pixel) * span(y, -0.695, floor - 0.075, pixel)
    picture.paint(shade(wood, -0.3), rim.clamp(min=0))


def _curtain(picture, u, y, vary):
    cloth = palette(vary, "curtain", "#c97f76", "#7f9bb0", "#c8a45f", "#9a80b0")
    for side in (-1.0, 1.0):
        w = u * side
        fold = stripes(w * 15, 0.5, picture.pixel * 15)
        body = torch.lerp(cloth, shade(cloth, -0.2), fold)
        picture.paint(
            body,
            span(w, 0.2, 0.36, picture.pixel) * span(y, -0.84, 0.16, picture.pixel),
        )
    picture.box("#7a6a5c", u, y, -0.42, 0.42, -0.87, -0.84)


def _sun_patch(picture, u, y, vary, floor):
    """Light from the window on the boards."""
    lean = u + 0.7 * (y - floor) - vary("window", 0.68, 0.82) + 0.25
    patch = span(lean, -0.24, -0.01, picture.pixel) + span(
        lean, 0.03, 0.26, picture.pixel
    )
    patch = patch * span(y, floor + 0.08, floor + 0.36, picture.pixel)
    picture.paint("#fff6d8", patch, vary("sun", 0.15, 0.5))


def _barre(picture, u, y, vary, floor):
    rail = floor - 0.36
    wood = rgb("#a87850", u)
    for k in range(4):
        at = 0.2 - 0.62 * k
        picture.box("#6b6f78", u, y, at - 0.013, at + 0.013, rail, floor + 0.04)
    on = cover(u - 0.4, picture.pixel)
    picture.paint(wood, on * span(y, rail - 0.02, rail + 0.02, picture.pixel))
    picture.paint(
        shade(wood, 0.4), on * span(y, rail - 0.02, rail - 0.008, picture.pixel)
    )
