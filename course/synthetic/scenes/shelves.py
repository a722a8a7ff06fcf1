"""Scenes full of shelves: library and shopping mall."""

from __future__ import annotations

import torch

from course.synthetic.scenes.layers import (
    Layer,
    Picture,
    along,
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
    tiles,
    vignette,
)
from course.synthetic.shapes import (
    capsule,
    cover,
    rounded,
    smoothstep,
    span,
)
from course.synthetic.textures import (
    hashed,
    noise1,
    noise2,
    seed_of,
    stripes,
)


def library(x, y, time, vary, pixel) -> list[Layer]:
    """Shelves full of books, a ladder, a lamp, a rug on dark boards."""
    floor = vary("floor", 0.32, 0.46)
    wood = palette(vary, "wood", "#9a6b47", "#7f5a48", "#b08458", "#8a6a5c")
    room = Picture(shade(wood, -0.5), x, pixel)
    pitch = vary("pitch", 0.3, 0.38)
    _books(room, x, y, vary, floor, pitch)
    _shelves(room, x, y, vary, floor, pitch, wood)
    _ladder(room, x, y, vary, floor, shade(wood, 0.3))
    skirting(room, y, floor, shade(wood, -0.3))
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
    tone = torch.lerp(
        torch.full_like(tone, 0.5), tone, 0.25 + 0.75 * _keep(thick, pixel)
    )
    warm = vary("warm", 0.0, 1.0)
    spine = torch.lerp(
        along(
            tone * 5, "#8f4f4a", "#c98f5a", "#e0cfa4", "#6f8f7d", "#4f6f8f", "#7a5f80"
        ),
        along(
            tone * 5, "#a05a48", "#d9a860", "#efe0bb", "#8f9f70", "#5f7f7a", "#94604f"
        ),
        warm,
    )
    gap = stripes(u + 0.06, 0.88, pixel / thick)
    full = cover(up - tall, pixel) * (
        hashed((u / 7).floor().long(), j, seed + 3) < 0.86
    )
    picture.paint(spine, gap * full)
    band = span(up, tall * 0.72, tall * 0.8, pixel) + span(
        up, tall * 0.2, tall * 0.26, pixel
    )
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
    shape = torch.maximum(u.abs() - 0.85, (v - 1.0).abs() - 0.36)
    on = cover(floor - y, picture.pixel)
    picture.paint(cloth, cover(shape, wu) * on)
    picture.paint(shade(cloth, 0.45), cover((shape + 0.1).abs() - 0.025, wu) * on, 0.9)
    picture.paint(
        shade(cloth, -0.2),
        cover((u / 0.6).abs() + ((v - 1) / 0.2).abs() - 1, wu) * on,
        0.7,
    )


def _globe(picture, x, y, vary, floor):
    u = x * side_of(vary, "ladder") + vary("globe.x", 0.66, 0.88)
    v = y - floor + 0.16
    picture.fill("#5a4038", capsule(u, v, 0.0, 0.1, 0.0, 0.3, 0.018))
    picture.fill("#5a4038", rounded(u, v - 0.3, 0.09, 0.02, 0.01))
    ball = (u * u + v * v).sqrt()
    picture.fill("#c9a45a", (ball - 0.165).abs() - 0.012)
    sea = torch.lerp(rgb("#8fbcc4", x), rgb("#5f8f9f", x), smoothstep(u + v, -0.1, 0.2))
    land = noise2(u * 9, v * 9, seed_of(vary, "globe"))
    picture.fill(
        torch.lerp(sea, rgb("#d9c48a", x), smoothstep(land, 0.52, 0.6)), ball - 0.14
    )


def mall(x, y, time, vary, pixel) -> list[Layer]:
    """Shop windows with signs and goods, pillars, plants and a polished floor."""
    floor = vary("floor", 0.3, 0.42)
    wall = along(vary("wall", 0.0, 2.0), "#e6d3b4", "#d9c4a8", "#e0cfc0")
    hall = Picture(
        torch.lerp(shade(wall, 0.3), wall, smoothstep(y, -1, floor)), x, pixel
    )
    u = x + vary("shift", -0.5, 0.5)
    _ceiling(hall, x, y, wall)
    _shop_fronts(hall, u, y, vary, floor, wall)
    stone = palette(vary, "stone", "#e3d2b8", "#d2bfa6", "#dcd0c4")
    tiles(
        hall,
        x,
        y,
        floor,
        shade(stone, 0.12),
        shade(stone, -0.1),
        0.4,
        0.5,
        shade(stone, -0.2),
    )
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
    picture.paint(
        "#f6dfa8", stripes(cell - 0.7, 0.16, w) * span(y, -0.34, floor, pixel), 0.85
    )
    picture.paint(
        "#ffffff",
        (glass + door).clamp(max=1) * stripes((u + 0.6 * y) * 1.9, 0.2, pixel * 2.3),
        0.3,
    )


def _goods(picture, u, y, seed, floor, glass):
    """Two boards of small coloured boxes, vases and hats behind the glass."""
    pixel, pitch, wide = picture.pixel, 0.3, 0.12
    row = (y - floor + 0.08) / pitch
    level = row.floor()
    up = (level + 1 - row) * pitch
    cell = u / wide
    i, j = cell.floor().long(), level.long()
    tall = 0.08 + 0.13 * hashed(i, j, seed + 5)
    colour = along(
        noise2(cell, level + 0.5, seed + 6, (pixel / wide, 0.01)) * 3,
        "#c9705f",
        "#e8c070",
        "#6f9f98",
        "#7f6f9f",
    )
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
    for lean, tall, r in (
        (-0.16, 0.36, 0.045),
        (-0.08, 0.5, 0.05),
        (0.02, 0.56, 0.05),
        (0.1, 0.46, 0.05),
        (0.17, 0.34, 0.045),
    ):
        picture.fill(
            shade(green, lean), capsule(u, v, lean * 0.2, -0.15, lean, -tall, r)
        )
    picture.fill(pot, rounded(u, v + 0.08, 0.1 - 0.2 * v.clamp(-0.2, 0.1), 0.1, 0.02))
