"""Scenes under a roof: gym, studio, kitchen, library, mall and stage."""

from __future__ import annotations

import torch

from course.synthetic.layers import Layer, Picture, along, palette, rgb, shade, sliding
from course.synthetic.props import (
    grain,
    planks,
    receding,
    side_of,
    tiles,
    vignette,
    wall_tiles,
)
from course.synthetic.textures import (
    capsule,
    cover,
    ellipse,
    hashed,
    noise1,
    noise2,
    rounded,
    scatter,
    seed_of,
    smoothstep,
    span,
    stripes,
    triangle,
)


def _window(picture, u, v, half_x, half_y, frame, low="#eaf6ef", bars=2):
    """A window with sky behind the panes."""
    picture.box(frame, u, v, -half_x, half_x, -half_y, half_y)
    a, b = half_x - 0.025, half_y - 0.025
    pane = torch.lerp(rgb("#9fd0ea", u), rgb(low, u), smoothstep(v, -half_y, half_y))
    picture.box(pane, u, v, -a, a, -b, b)
    picture.paint("#ffffff", span(u, -a, a, picture.pixel) * span(v, -b, b, picture.pixel)
                  * stripes((u + 0.6 * v) * 3, 0.25, picture.pixel * 3.5), 0.35)
    for k in range(1, bars):
        at = -a + 2 * a * k / bars
        picture.box(frame, u, v, at - 0.012, at + 0.012, -b, b)
    picture.box(frame, u, v, -a, a, -0.012, 0.012)


def _skirting(picture, y, floor, colour):
    picture.paint(colour, span(y, floor - 0.045, floor, picture.pixel))
    return vignette(picture, floor, 0.22, y)


# ------------------------------------------------------------------- the sports hall
def gym(x, y, time, vary, pixel) -> list[Layer]:
    """A sports hall: wall bars, high windows, a hoop, court lines on boards."""
    floor = vary("floor", 0.3, 0.46)
    wall = along(vary("wall", 0.0, 2.0), "#e6dcc4", "#d4dfd6", "#dcd3d6")
    hall = Picture(torch.lerp(shade(wall, 0.25), wall, smoothstep(y, -1, floor)), x, pixel)
    panel = palette(vary, "panel", "#7fa3b8", "#86a886", "#c98f72", "#a98fb0")
    line = floor - vary("panel.h", 0.42, 0.62)
    hall.below(panel, y, line)
    hall.paint(shade(panel, -0.12), stripes(x / 0.33, 0.06, pixel / 0.33)
               * cover(line - y, pixel))
    hall.paint(shade(panel, 0.5), span(y, line - 0.03, line, pixel))
    for k in range(-2, 3):
        _window(hall, x - 0.8 * k - vary("window", -0.4, 0.4), y + 0.76, 0.3, 0.15, "#fbf7ea",
                bars=3)
    wood = palette(vary, "wood", "#d9a060", "#cf9a68", "#e0b070", "#c98a58")
    _wall_bars(hall, x, y, vary, floor, shade(wood, 0.05))
    _hoop(hall, x, y, vary)
    planks(hall, x, y, vary, floor, wood)
    _court(hall, x, y, vary, floor)
    _skirting(hall, y, floor, shade(panel, -0.45))
    _mats(hall, x, y, vary, floor)
    return [hall.layer()]


def _wall_bars(picture, x, y, vary, floor, wood):
    u = x * side_of(vary, "bars") - vary("bars.x", 0.55, 0.72)
    pixel = picture.pixel
    frame = span(u, -0.3, 0.3, pixel) * span(y, -0.52, floor - 0.05, pixel)
    picture.paint("#2d2a3a", frame, 0.16)
    rung = stripes((y - floor) / 0.095, 0.42, pixel / 0.095)
    picture.paint(wood, frame * rung)
    picture.paint(shade(wood, -0.35), frame * stripes((y - floor) / 0.095 - 0.42, 0.16,
                                                      pixel / 0.095))
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
    mesh = (stripes((u + v) * 14, 0.3, picture.pixel * 14)
            + stripes((u - v) * 14, 0.3, picture.pixel * 14)).clamp(max=1)
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
    picture.fill("#7a4a34", torch.minimum((u - 0.36).abs(), (y - floor - 0.05).abs()) - 0.007
                 + 50 * (ball - 0.07).clamp(min=0))


# --------------------------------------------------------------- the dance studio
def studio(x, y, time, vary, pixel) -> list[Layer]:
    """A dance studio: mirrors with a barre, a window, light boards."""
    floor = vary("floor", 0.3, 0.46)
    wall = along(vary("wall", 0.0, 2.0), "#e9dfcf", "#d9dde3", "#e6d3cc")
    room = Picture(torch.lerp(shade(wall, 0.2), wall, smoothstep(y, -1, floor)), x, pixel)
    side = side_of(vary, "side")
    u = x * side
    wood = palette(vary, "wood", "#d8a76c", "#cfa078", "#dcb684", "#c4935f")
    _mirrors(room, u, y, vary, floor, wall, wood)
    _window(room, u - vary("window", 0.68, 0.82), y + 0.34, 0.27, 0.42, shade(wall, 0.6))
    _curtain(room, u - vary("window", 0.68, 0.82), y, vary)
    _skirting(room, y, floor, shade(wall, -0.3))
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
    back = torch.lerp(glass, shade(wood, 0.3), smoothstep(y, floor - 0.34, floor - 0.3) * 0.7)
    picture.paint(back, frame)
    shine = noise1((u + 0.5 * y) * 2.4, seed_of(vary, "shine"))
    picture.paint("#f4fbfb", frame * smoothstep(shine, 0.55, 0.62), 0.45)
    joint = stripes(u / 0.46 + 0.23, 0.04, pixel / 0.46)
    picture.paint("#8f9ca3", frame * joint, 0.9)
    rim = frame - span(u, -9.0, 0.335, pixel) * span(y, -0.695, floor - 0.075, pixel)
    picture.paint(shade(wood, -0.3), rim.clamp(min=0))


def _curtain(picture, u, y, vary):
    cloth = palette(vary, "cloth", "#c98f86", "#8fa3b0", "#b8a06f", "#9a86a8")
    for side in (-1.0, 1.0):
        w = u * side
        fold = stripes(w * 15, 0.5, picture.pixel * 15)
        body = torch.lerp(cloth, shade(cloth, -0.2), fold)
        picture.paint(body, span(w, 0.2, 0.36, picture.pixel)
                      * span(y, -0.84, 0.16, picture.pixel))
    picture.box("#7a6a5c", u, y, -0.42, 0.42, -0.87, -0.84)


def _sun_patch(picture, u, y, vary, floor):
    """Light from the window on the boards."""
    lean = u + 0.7 * (y - floor) - vary("window", 0.68, 0.82) + 0.25
    patch = (span(lean, -0.24, -0.01, picture.pixel) + span(lean, 0.03, 0.26, picture.pixel))
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
    picture.paint(shade(wood, 0.4), on * span(y, rail - 0.02, rail - 0.008, picture.pixel))


# --------------------------------------------------------------------- the kitchen
def kitchen(x, y, time, vary, pixel) -> list[Layer]:
    """Cupboards over a tiled wall, a stove, a fridge, a chequered floor."""
    floor = vary("floor", 0.36, 0.48)
    wall = along(vary("wall", 0.0, 2.0), "#f2ead6", "#dfe8e0", "#f0dcd0")
    room = Picture(wall, x, pixel)
    top, bench = -0.42, floor - 0.42
    wall_tiles(room, x, y, top, bench, 0.135, shade(wall, -0.22))
    front = palette(vary, "cupboard", "#7fa89f", "#d9a86a", "#8a9fb8", "#c98a78", "#a8a87f")
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
    rim = (stripes(u / wide - 0.07, 0.86, pixel / wide)
           * span(y, high + 0.05, low - 0.05, pixel))
    inner = (stripes(u / wide - 0.12, 0.76, pixel / wide)
             * span(y, high + 0.075, low - 0.075, pixel))
    picture.paint(shade(colour, -0.22), rim - inner)
    picture.paint(shade(colour, 0.14), inner, 0.8)
    picture.paint("#2b2438", span(y, low, low + 0.05, pixel), 0.25)
    picture.paint("#2b2438", stripes(u / wide + 0.012, 0.024, pixel / wide)
                  * span(y, high, low, pixel), 0.4)
    knob = stripes(u / wide - 0.8, 0.07, pixel / wide)
    picture.paint("#f3dfae", knob * span(y, low - 0.17, low - 0.09, pixel))


def _kitchen_window(picture, x, y, vary, top, bench, wall):
    u = x - vary("window", -0.3, 0.3)
    v = y + 0.45
    _window(picture, u, v, 0.3, 0.36, "#fbf6ea", "#dff0cf")
    for side in (-1.0, 1.0):
        w = u * side
        cloth = torch.lerp(rgb("#f4d9a8", x), rgb("#e8a98f", x),
                           stripes((y + 1) * 9, 0.5, picture.pixel * 9))
        drape = cover(0.19 + 0.07 * ((v + 0.36) * 4) ** 2 * 0.25 - w, picture.pixel)
        picture.paint(cloth, drape * span(w, 0.0, 0.34, picture.pixel)
                      * span(v, -0.38, 0.2, picture.pixel))
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
    picture.paint(shade(stone, -0.3), span(y, bench + 0.01, bench + 0.03, picture.pixel))
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
        picture.box(note, u, y, -0.1 + 0.09 * k, -0.03 + 0.09 * k, -0.5 + 0.05 * k,
                    -0.41 + 0.05 * k)


def _pots(picture, x, y, vary, bench):
    u = x * side_of(vary, "fridge") + vary("pots", 0.5, 0.8)
    v = y - bench + 0.05
    picture.fill("#b5705a", rounded(u, v + 0.06, 0.07, 0.06, 0.02))
    for lean, tall in ((-0.07, 0.22), (0.0, 0.28), (0.07, 0.2)):
        picture.fill("#7fae6c", capsule(u, v, 0.0, -0.1, lean, -tall, 0.026))
    picture.fill("#5f7f9f", rounded(u - 0.22, v + 0.05, 0.085, 0.05, 0.015))
    picture.box("#47627f", u - 0.22, v, -0.1, 0.1, -0.11, -0.095)


# --------------------------------------------------------------------- the library
def library(x, y, time, vary, pixel) -> list[Layer]:
    """Shelves full of books, a ladder, a lamp, a rug on dark boards."""
    floor = vary("floor", 0.32, 0.46)
    wood = palette(vary, "wood", "#9a6b47", "#7f5a48", "#b08458", "#8a6a5c")
    room = Picture(shade(wood, -0.5), x, pixel)
    pitch = vary("pitch", 0.3, 0.38)
    _books(room, x, y, vary, floor, pitch)
    _shelves(room, x, y, vary, floor, pitch, wood)
    _ladder(room, x, y, vary, floor, shade(wood, 0.3))
    _skirting(room, y, floor, shade(wood, -0.3))
    planks(room, x, y, vary, floor, shade(wood, -0.12), 0.2)
    _rug(room, x, y, vary, floor)
    _globe(room, x, y, vary, floor)
    return [vignette(room, floor, 0.2, y).layer()]


def _books(picture, x, y, vary, floor, pitch):
    pixel, seed = picture.pixel, seed_of(vary, "book")
    row = (y - floor) / pitch
    level = row.floor()
    up = (level + 1 - row) * pitch  # height above the board
    thick = 0.062
    u = x / thick + 17 * level
    cell = u.floor()
    i, j = cell.long(), level.long()
    tall = pitch * (0.56 + 0.26 * hashed(i, j, seed))
    tone = noise2(u, level + 0.5, seed + 1, (pixel / thick, 0.01))
    tone = torch.lerp(torch.full_like(tone, 0.5), tone, 0.25 + 0.75 * _keep(thick, pixel))
    warm = vary("warm", 0.0, 1.0)
    spine = torch.lerp(
        along(tone * 5, "#8f4f4a", "#c98f5a", "#e0cfa4", "#6f8f7d", "#4f6f8f", "#7a5f80"),
        along(tone * 5, "#a05a48", "#d9a860", "#efe0bb", "#8f9f70", "#5f7f7a", "#94604f"),
        warm)
    gap = stripes(u + 0.06, 0.88, pixel / thick)
    full = cover(up - tall, pixel) * (hashed((u / 7).floor().long(), j, seed + 3) < 0.86)
    picture.paint(spine, gap * full)
    band = span(up, tall * 0.72, tall * 0.8, pixel) + span(up, tall * 0.2, tall * 0.26, pixel)
    picture.paint(shade(spine, 0.5), band * gap * full, 0.6)


def _keep(period, pixel):
    return (1.5 - torch.as_tensor(pixel / period)).clamp(0, 1)


def _shelves(picture, x, y, vary, floor, pitch, wood):
    pixel = picture.pixel
    board = stripes((y - floor) / pitch, 0.11, pixel / pitch)
    wall = cover(y - floor, pixel)
    picture.paint(wood, board * wall)
    under = stripes((y - floor) / pitch - 0.11, 0.12, pixel / pitch)
    picture.paint("#1d1626", under * wall, 0.35)
    wide = 0.86
    post = stripes(x / wide + vary("post", 0, 1), 0.09, pixel / wide)
    picture.paint(shade(wood, 0.1), post * wall)
    light = stripes(x / wide + vary("post", 0, 1), 0.025, pixel / wide)
    picture.paint(shade(wood, 0.35), light * wall, 0.8)


def _ladder(picture, x, y, vary, floor, wood):
    u = x * side_of(vary, "ladder") - vary("ladder.x", 0.5, 0.8) - 0.16 * (floor - y)
    pixel = picture.pixel
    on = span(y, -0.9, floor + 0.06, pixel)
    rung = stripes((y - floor) / 0.17, 0.18, pixel / 0.17) * span(u, -0.13, 0.13, pixel)
    picture.paint(shade(wood, -0.15), rung * on)
    for at in (-0.13, 0.13):
        picture.paint(wood, span(u, at - 0.022, at + 0.022, pixel) * on)


def _rug(picture, x, y, vary, floor):
    u, v, wu, wv = receding(x, y, floor - 0.5, picture.pixel, vary("rug.x", -0.3, 0.3))
    cloth = palette(vary, "rug", "#a8554f", "#4f6f80", "#7a6a4f", "#6f5a80")
    shape = torch.maximum((u.abs() - 1.0) , ((v - 1.0).abs() - 0.36))
    on = cover(floor - y, picture.pixel)
    picture.paint(cloth, cover(shape, wu) * on)
    picture.paint(shade(cloth, 0.45), cover((shape + 0.1).abs() - 0.025, wu) * on, 0.9)
    picture.paint(shade(cloth, -0.2), cover((u / 0.6).abs() + ((v - 1) / 0.2).abs() - 1, wu)
                  * on, 0.7)


def _globe(picture, x, y, vary, floor):
    u = x * side_of(vary, "ladder") + vary("globe.x", 0.66, 0.88)
    v = y - floor + 0.16
    picture.fill("#5a4038", capsule(u, v, 0.0, 0.1, 0.0, 0.3, 0.018))
    picture.fill("#5a4038", rounded(u, v - 0.3, 0.09, 0.02, 0.01))
    ball = (u * u + v * v).sqrt()
    picture.fill("#c9a45a", (ball - 0.165).abs() - 0.012)
    sea = torch.lerp(rgb("#8fbcc4", x), rgb("#5f8f9f", x), smoothstep(u + v, -0.1, 0.2))
    land = noise2(u * 9, v * 9, seed_of(vary, "globe"))
    picture.fill(torch.lerp(sea, rgb("#d9c48a", x), smoothstep(land, 0.52, 0.6)), ball - 0.14)


# ------------------------------------------------------------------ the shopping mall
def mall(x, y, time, vary, pixel) -> list[Layer]:
    """Shop windows with signs and goods, pillars, plants and a polished floor."""
    floor = vary("floor", 0.3, 0.42)
    wall = along(vary("wall", 0.0, 2.0), "#e6d3b4", "#d9c4a8", "#e0cfc0")
    hall = Picture(torch.lerp(shade(wall, 0.3), wall, smoothstep(y, -1, floor)), x, pixel)
    u = x + vary("shift", -0.5, 0.5)
    _ceiling(hall, x, y, wall)
    _shop_fronts(hall, u, y, vary, floor, wall)
    stone = palette(vary, "stone", "#e3d2b8", "#d2bfa6", "#dcd0c4")
    tiles(hall, x, y, floor, shade(stone, 0.12), shade(stone, -0.1), 0.4, 0.5,
          shade(stone, -0.2))
    _reflection(hall, u, y, vary, floor)
    for side in (-1.0, 1.0):
        _plant(hall, x * side - vary("plant.x", 0.78, 0.98), y, vary, floor)
    return [vignette(hall, floor, 0.12, y).layer()]


SHOP = 0.95  # width of a shop


def _ceiling(picture, x, y, wall):
    pixel = picture.pixel
    picture.paint(shade(wall, -0.18), span(y, -9.0, -0.78, pixel))
    spots = stripes(x / 0.4, 0.35, pixel / 0.4) * span(y, -0.92, -0.87, pixel)
    picture.paint("#fffbe6", spots)
    picture.paint(shade(wall, 0.55), span(y, -0.8, -0.77, pixel))


def _shop_fronts(picture, u, y, vary, floor, wall):
    pixel, seed = picture.pixel, seed_of(vary, "shop")
    cell, w = u / SHOP, pixel / SHOP
    tone = noise1(cell, seed, width=w)
    theme = along(tone * 4, "#b5655a", "#d9a04f", "#6f8f88", "#8a6f94", "#c98f74")
    bay = stripes(cell - 0.07, 0.86, w)
    picture.paint(theme, bay * span(y, -0.7, floor, pixel))
    picture.paint(shade(theme, -0.25), bay * span(y, -0.43, -0.4, pixel))
    letters = stripes(u * 11, 0.6, pixel * 11) * stripes(cell - 0.25, 0.5, w)
    picture.paint("#fff6dc", letters * span(y, -0.61, -0.51, pixel), 0.95)
    glass = stripes(cell - 0.12, 0.5, w) * span(y, -0.38, floor - 0.08, pixel)
    picture.paint("#fbe9bd", glass)
    _goods(picture, u, y, seed, floor, glass)
    door = stripes(cell - 0.68, 0.2, w) * span(y, -0.38, floor, pixel)
    picture.paint("#6a5560", door)
    picture.paint("#f6dfa8", stripes(cell - 0.7, 0.16, w) * span(y, -0.34, floor, pixel), 0.85)
    picture.paint("#ffffff", (glass + door).clamp(max=1)
                  * stripes((u + 0.6 * y) * 1.9, 0.2, pixel * 2.3), 0.3)


def _goods(picture, u, y, seed, floor, glass):
    """Two boards of small coloured boxes, vases and hats behind the glass."""
    pixel, pitch, wide = picture.pixel, 0.3, 0.12
    row = (y - floor + 0.08) / pitch
    level = row.floor()
    up = (level + 1 - row) * pitch
    cell = u / wide
    i, j = cell.floor().long(), level.long()
    tall = 0.08 + 0.13 * hashed(i, j, seed + 5)
    colour = along(noise2(cell, level + 0.5, seed + 6, (pixel / wide, 0.01)) * 3,
                   "#c9705f", "#e8c070", "#6f9f98", "#7f6f9f")
    shape = stripes(cell - 0.15, 0.7, pixel / wide) * cover(up - tall, pixel)
    picture.paint(colour, shape * glass, 0.9)
    picture.paint("#a8835c", stripes(row, 0.09, pixel / pitch) * glass)


def _reflection(picture, u, y, vary, floor):
    """The lit windows again in the polished floor."""
    cell = u / SHOP
    shine = stripes(cell - 0.12, 0.5, picture.pixel / SHOP)
    fade = cover(floor - y, picture.pixel) * (1 - smoothstep(y, floor, floor + 0.5))
    picture.paint("#fff3d0", shine * fade, vary("polish", 0.2, 0.5))


def _plant(picture, u, y, vary, floor):
    v = y - floor - 0.1
    pot = palette(vary, "pot", "#f0eadc", "#8a6a5c", "#6f7f88")
    green = palette(vary, "leaf", "#6f9f6a", "#8aa85a", "#5a8f7a")
    for lean, tall, r in ((-0.16, 0.36, 0.045), (-0.08, 0.5, 0.05), (0.02, 0.56, 0.05),
                          (0.1, 0.46, 0.05), (0.17, 0.34, 0.045)):
        picture.fill(shade(green, lean), capsule(u, v, lean * 0.2, -0.15, lean, -tall, r))
    picture.fill(pot, rounded(u, v + 0.08, 0.1 - 0.2 * v.clamp(-0.2, 0.1), 0.1, 0.02))


# ----------------------------------------------------------------------- the stage
def stage(x, y, time, vary, pixel) -> list[Layer]:
    """A theatre stage: curtains, a painted backdrop, spotlights, confetti."""
    floor = vary("floor", 0.36, 0.5)
    cloth = palette(vary, "cloth", "#8f3f4f", "#5f4484", "#3f5f86", "#7a4a3f")
    drop = torch.lerp(cloth, rgb("#1c1a3a", x), 0.62)
    room = Picture(torch.lerp(shade(drop, -0.3), shade(drop, 0.18), smoothstep(y, -1, floor)),
                   x, pixel)
    _backdrop(room, x, y, vary, floor, drop)
    wood = palette(vary, "wood", "#8f6248", "#7f5a4f", "#9c7350")
    planks(room, x, y, vary, floor, wood, 0.2)
    vignette(room, floor, 0.25, y)
    _spotlights(room, x, y, vary, floor)
    front = Picture(None, x, pixel)
    _drapes(front, x, y, vary, cloth)
    colours = (("#f2c46a", "#e88a8f"), ("#8fd0d0", "#f4efe0"))
    return [room.layer(), *[_confetti(x, y, time, vary, pixel, k, colours[k])
                            for k in range(2)], front.layer()]


def _backdrop(picture, x, y, vary, floor, drop):
    fold = noise1(x * 9, seed_of(vary, "fold"))
    wall = cover(y - floor, picture.pixel)
    picture.lit((fold - 0.5) * 0.12 * wall)
    du, dv, which = scatter(x / 0.3, (y + 0.1) / 0.3, seed_of(vary, "bulb"), 0.15)
    size = 0.012 + 0.02 * which
    halo = 1 - smoothstep((du * du + dv * dv).sqrt() * 0.3, 0.0, 0.09)
    picture.paint("#ffdf9a", halo * wall, 0.3)
    picture.paint("#fff2c4", cover((du * du + dv * dv).sqrt() * 0.3 - size, picture.pixel) * wall)


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
    fold = (0.5 + 0.5 * (x.abs() * 40 - 8 * gather * x.abs()).sin())
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
    cell = 0.34 + 0.08 * k
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, f"bit{k}"), 0.15)
    turn = 6.28 * which
    a = (du * turn.cos() + dv * turn.sin()) * cell
    b = (dv * turn.cos() - du * turn.sin()) * cell
    colour = torch.lerp(rgb(codes[0], x), rgb(codes[1], x), (which * 7 % 1 < 0.5).float())
    return Layer(colour, cover(rounded(a, b, 0.03, 0.018, 0.004), pixel), shift)
