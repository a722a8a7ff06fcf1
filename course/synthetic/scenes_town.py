"""Scenes of the town: street, night city, stadium and swimming pool."""

from __future__ import annotations

import torch

from course.synthetic.layers import Layer, Picture, along, palette, rgb, shade, sliding
from course.synthetic.props import (
    bushes,
    clouds,
    disc_cover,
    flecks,
    glow,
    grain,
    receding,
    side_of,
    sky,
    tiles,
    vignette,
    wall_tiles,
)
from course.synthetic.textures import (
    capsule,
    cover,
    ellipse,
    noise1,
    noise2,
    rounded,
    scatter,
    seed_of,
    smoothstep,
    span,
    stripes,
)


# ---------------------------------------------------------------------- the street
def street(x, y, time, vary, pixel) -> list[Layer]:
    """House fronts with shops, a road with a passing car, clouds above."""
    kerb = vary("kerb", 0.16, 0.3)
    day = vary("day", 0.0, 2.0)
    low = along(day, "#e3f1f2", "#f8ead2", "#f3d3c0")
    air = sky(x, y, pixel, along(day, "#84c0e2", "#a3cbdc", "#bcb2d0"), low, kerb)
    front = Picture(None, x, pixel)
    wall = _wall_colour(x, vary, pixel, "#d98f74", "#ecd3a4", "#9fb6b0", "#c9857f", "#e5c08a")
    _skyline(front, x, y, vary, kerb - 0.1, torch.lerp(rgb("#8f9fb8", x), low, 0.5))
    _houses(front, x, y, vary, kerb, wall, "#5b7389", "#f9e3a4", 0.25)
    _shops(front, x, y, vary, kerb)
    _road(front, x, y, vary, kerb, palette(vary, "tar", "#6f7480", "#7d7a82", "#666c74"))
    return [air.layer(), clouds(x, y, time, vary, pixel, "#ffffff", -0.8), front.layer(),
            _car(x, y, time, vary, pixel, kerb + 0.27), _lamps(x, y, vary, pixel, kerb)]


def _wall_colour(x, vary, pixel, *codes):
    """One plaster colour for each house of the row."""
    which = noise1(x / HOUSE, seed_of(vary, "house.c"), width=pixel / HOUSE)
    return along((which * (len(codes) + 1) - 1).clamp(0, len(codes) - 1), *codes)


HOUSE = 0.6  # width of a house


def _skyline(picture, x, y, vary, base, colour):
    seed = seed_of(vary, "skyline")
    tall = 0.5 + 0.5 * noise1(x / 0.23, seed, width=picture.pixel / 0.23)
    picture.below(colour, y, base - tall)


def _houses(picture, x, y, vary, foot, wall, glass, light, lit):
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
    picture.paint("#2a2438", stripes(x / HOUSE + 0.01, 0.02, pixel / HOUSE) * body, 0.35)


def _shops(picture, x, y, vary, foot):
    """Doors, shop windows and striped awnings along the ground floor."""
    pixel, seed = picture.pixel, seed_of(vary, "shop")
    u = x / HOUSE
    base = along(noise1(u, seed, width=pixel / HOUSE) * 3, "#7f5a55", "#4f7078", "#8a7350",
                 "#5d5f83")
    picture.paint(base, span(y, foot - 0.27, foot, pixel))
    glass = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(y, foot - 0.2, foot - 0.05, pixel)
    picture.paint("#bfe0e0", glass)
    picture.paint("#f3fbf6", glass * stripes((x + 0.6 * y) * 7, 0.25, pixel * 8), 0.6)
    door = stripes(u - 0.68, 0.2, pixel / HOUSE) * span(y, foot - 0.21, foot, pixel)
    picture.paint(shade(base, -0.4), door)
    awning = stripes(u - 0.04, 0.58, pixel / HOUSE)
    drop = foot - 0.195 + 0.012 * (x * 2 * 3.1416 * 10).sin()
    cloth = torch.lerp(rgb("#fbf2e0", x), shade(base, 0.15), stripes(x * 10, 0.5, pixel * 10))
    picture.paint(cloth, awning * span(y, foot - 0.28, drop, pixel))


def _road(picture, x, y, vary, kerb, tar):
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
    tiles(picture, x, y, near, shade(stone, 0.06), shade(stone, -0.04), 0.3, 0.4,
          shade(stone, -0.28))
    picture.paint(shade(stone, 0.4), span(y, near, near + 0.03, pixel))
    picture.paint(shade(stone, -0.4), span(y, near + 0.03, near + 0.045, pixel), 0.8)
    rough = cover(kerb - y, pixel)
    picture.lit(grain(x * 24, y * 34, seed, pixel * 28, 0.03) * rough)


def _car(x, y, time, vary, pixel, wheels):
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


def _lamps(x, y, vary, pixel, kerb):
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
    for du, dv, r, tone in ((0.0, 0.55, 0.15, -0.15), (-0.07, 0.48, 0.11, -0.08),
                            (0.05, 0.62, 0.1, 0.12)):
        top.fill(shade(leaf, tone), ((w - du) ** 2 + (v + dv) ** 2).sqrt() - r)
    top.fill("#b5705a", rounded(w, v + 0.07, 0.085 - 0.15 * v.clamp(-0.2, 0), 0.075, 0.02))
    return top.layer()


# ------------------------------------------------------------------ the city by night
def night(x, y, time, vary, pixel) -> list[Layer]:
    """The same kind of street after dark: moon, lit windows, lamps, a car."""
    kerb = vary("kerb", 0.16, 0.3)
    hour = vary("hour", 0.0, 2.0)
    low = along(hour, "#47538a", "#5a4f8c", "#7a5a8a")
    air = sky(x, y, pixel, along(hour, "#161d42", "#1f1f4c", "#2a2250"), low, kerb)
    du, dv, which = scatter(x / 0.16, y / 0.16, seed_of(vary, "star"))
    star = disc_cover(du * 0.16, dv * 0.16, 0.006 + 0.008 * which, pixel)
    air.paint("#fdf6d8", star * (which < 0.6), 0.9)
    glow(air, x - vary("moon.x", -0.7, 0.7), y + vary("moon.y", 0.6, 0.8), "#fff4cf",
         vary("moon.r", 0.1, 0.16))
    front = Picture(None, x, pixel)
    wall = _wall_colour(x, vary, pixel, "#3c3f66", "#4d436b", "#35506b", "#57455f")
    _skyline(front, x, y, vary, kerb - 0.05, torch.lerp(rgb("#262a55", x), low, 0.35))
    _houses(front, x, y, vary, kerb, shade(wall, -0.15), "#272b4d", "#ffd77a",
            vary("lit", 0.35, 0.7))
    _night_shops(front, x, y, vary, kerb)
    _road(front, x, y, vary, kerb, palette(vary, "tar", "#3a3d58", "#343a52"))
    dark = cover(kerb - y, pixel)
    front.paint(torch.lerp(rgb("#262750", x), low, 0.2), dark, 0.6)
    _pools_of_light(front, x, y, vary, kerb)
    veil = along(hour, "#5b659c", "#6d619c", "#8a6a9a")
    lamps = _lamps(x, y, vary, pixel, kerb)
    lamps.colour = torch.where(lamps.colour.amin(0) > 0.55, lamps.colour,
                               lamps.colour * rgb("#5a5f96", x))
    car = _car(x, y, time, vary, pixel, kerb + 0.27)
    car.colour = torch.lerp(car.colour * rgb("#6a6fa8", x), car.colour,
                            smoothstep(car.colour.amin(0), 0.6, 0.72))
    return [air.layer(), clouds(x, y, time, vary, pixel, veil, -0.8), front.layer(), car,
            lamps]


def _night_shops(picture, x, y, vary, foot):
    pixel, u = picture.pixel, x / HOUSE
    sign = along(noise1(u, seed_of(vary, "sign"), width=pixel / HOUSE) * 3, "#f08a8f",
                 "#7fd0d8", "#f2c46a", "#b79af0")
    picture.paint("#23254a", span(y, foot - 0.27, foot, pixel))
    glass = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(y, foot - 0.17, foot - 0.03, pixel)
    picture.paint(torch.lerp(rgb("#ffe2a0", x), sign, 0.25), glass)
    board = stripes(u - 0.08, 0.5, pixel / HOUSE) * span(y, foot - 0.25, foot - 0.2, pixel)
    picture.paint(sign, board)
    door = stripes(u - 0.68, 0.2, pixel / HOUSE) * span(y, foot - 0.21, foot, pixel)
    picture.paint("#6a5560", door)


def _pools_of_light(picture, x, y, vary, kerb):
    u = x * side_of(vary, "lamp") - vary("lamp.x", 0.72, 0.92) + 0.16
    fall = 1 - smoothstep(((u / 0.55) ** 2 + ((y - kerb - 0.5) / 0.16) ** 2).sqrt(), 0.2, 1)
    picture.paint("#ffe6a0", fall, 0.5)
    shine = stripes(x / HOUSE - 0.08, 0.5, picture.pixel / HOUSE)
    picture.paint("#ffdf9a", shine * span(y, kerb, kerb + 0.3, picture.pixel)
                  * (1 - smoothstep(y, kerb, kerb + 0.25)), 0.4)


# --------------------------------------------------------------------- the stadium
def stadium(x, y, time, vary, pixel) -> list[Layer]:
    """A crowd that bobs behind the boards of a mown pitch."""
    wall = vary("wall", 0.06, 0.2)
    roof = vary("roof", -0.78, -0.62)
    day = vary("day", 0.0, 2.0)
    back = sky(x, y, pixel, along(day, "#7fb8de", "#9cc0d6", "#6f7fae"),
               along(day, "#dcedf0", "#f3e6cf", "#c9b8cf"), roof + 0.1)
    stand = palette(vary, "stand", "#6f7689", "#7d6f78", "#66788a")
    back.below(torch.lerp(shade(stand, -0.45), stand, smoothstep(y, roof, wall)), y, roof)
    steps = stripes((y - wall) / 0.15, 0.2, pixel / 0.15) * cover(roof - y, pixel)
    back.paint(shade(stand, -0.3), steps)
    crowd = [_crowd(x, y, time, vary, pixel, wall, roof, k) for k in range(3)]
    return [back.layer(), *crowd, _pitch(x, y, vary, pixel, wall, roof, stand)]


def _crowd(x, y, time, vary, pixel, wall, roof, k):
    """Every third row of heads and shoulders; each group hops to its own beat."""
    beat = vary("beat", 5.0, 8.0)
    hop = 0.03 * (beat * time + 2.1 * k + vary("beat.at", 0, 6.28)).sin()
    u, v, shift = sliding(x, y, torch.zeros_like(hop), hop)
    high, wide, seed = 0.15, 0.105, seed_of(vary, "crowd")
    row = (v - wall) / (3 * high) + k / 3
    level = row.floor()
    dv = (row - level) * 3 * high - 0.15
    du, _, which = scatter(u / wide + 0.5 * level, level * 3 + k + 0.5, seed, 0.42)
    du = du * wide
    team = palette(vary, "team", "#c9605a", "#5a7fc0", "#e3b75a", "#6fa586")
    other = palette(vary, "guest", "#efe6da", "#e8d9a0", "#b8c4d8")
    shirt = torch.lerp(team, other, (which < vary("guests", 0.15, 0.6)).float())
    skin = along(which * 9.7 % 1.0 * 2, "#f0c9a4", "#c99470", "#8a6048")
    fan = Picture(None, x, pixel)
    fan.fill(shirt, rounded(du, dv - 0.055, 0.043, 0.045, 0.03))
    fan.fill(skin, ((du * du + (dv + 0.015) ** 2).sqrt() - 0.03))
    sheet = fan.layer(shift)
    there = (which * 5.3 % 1.0 < 0.88) & (v > roof + 0.16)
    sheet.alpha = sheet.alpha * there
    return sheet


def _pitch(x, y, vary, pixel, wall, roof, stand):
    """Roof edge with lamps, advertising boards, mown stripes, lines, a flag."""
    front = Picture(None, x, pixel)
    front.paint(shade(stand, -0.5), span(y, roof - 0.02, roof + 0.1, pixel))
    lamp = stripes(x / 0.33 + 0.4, 0.3, pixel / 0.33) * span(y, roof + 0.02, roof + 0.06, pixel)
    front.paint("#fff6cf", lamp)
    board = noise1(x / 0.5 + 0.3, seed_of(vary, "board"), width=pixel / 0.5)
    tint = along(board * 3, "#d9726a", "#f0e3c4", "#5f8fb0", "#e8bd62")
    front.paint(tint, span(y, wall, wall + 0.15, pixel))
    text = stripes(x * 13, 0.55, pixel * 13) * span(y, wall + 0.05, wall + 0.1, pixel)
    front.paint(shade(tint, -0.45), text * stripes(x / 0.5 + 0.15, 0.7, pixel * 2), 0.7)
    front.box("#3f4658", x, y, -9.0, 9.0, wall + 0.14, wall + 0.165)
    grass = along(vary("grass", 0.0, 2.0), "#6fae58", "#84b455", "#5d9f66")
    top = wall + 0.165
    u, _, wu, _ = receding(x, y, top - vary("vanish", 0.25, 0.5), pixel, vary("mid", -1, 1))
    field = cover(top - y, pixel)
    mown = stripes(u / 0.8, 0.5, wu / 0.8)
    front.paint(torch.lerp(grass, shade(grass, -0.15), mown), field)
    front.lit(grain(x * 30, y * 16, seed_of(vary, "turf"), pixel * 22, 0.05) * field)
    line = top + 0.1
    front.paint("#f6f8ee", span(y, line, line + 0.03, pixel), 0.9)
    front.paint("#f6f8ee", stripes(u / 2.4 + 0.35, 0.03, wu / 2.4) * cover(line - y, pixel), 0.9)
    pole = x * side_of(vary, "flag") - vary("flag.x", 0.7, 0.95)
    front.fill("#f4efe0", capsule(pole, y - line, 0.0, -0.36, 0.0, 0.02, 0.012))
    front.fill("#e07a5c", torch.maximum(pole.abs() - 0.12 - (y - line + 0.3), pole.abs() * 0
               + (pole - 0.14).abs() - 0.13 + (y - line + 0.3).abs()))
    return front.layer()


# -------------------------------------------------------------------- swimming pool
def pool(x, y, time, vary, pixel) -> list[Layer]:
    """An indoor pool: glittering water between lane ropes, tiled wall and deck."""
    edge = vary("edge", -0.22, -0.08)
    deck = edge + vary("water", 0.56, 0.68)
    tint = vary("tint", 0.0, 2.0)
    wall = along(tint, "#dfeaea", "#e9e4d6", "#d9e0ee")
    back = Picture(wall, x, pixel)
    _pool_wall(back, x, y, vary, edge, wall)
    stone = palette(vary, "deck", "#e3d9c8", "#d3dadb", "#e0cdb8")
    water = along(vary("hue", 0.0, 2.0), "#4fb3cf", "#58c0c4", "#5a9fd6")
    return [back.layer(), _water(x, y, time, vary, pixel, edge, deck, water),
            _pool_front(x, y, vary, pixel, edge, deck, stone)]


def _pool_wall(picture, x, y, vary, edge, wall):
    pixel = picture.pixel
    wall_tiles(picture, x, y, -9.0, edge, 0.12, shade(wall, -0.12))
    pane = stripes(x / 0.62 + vary("pane", 0, 1), 0.8, pixel / 0.62)
    low = edge - 0.34
    glass = pane * span(y, -9.0, low, pixel)
    picture.paint(torch.lerp(rgb("#a9d4ea", x), rgb("#e7f4ee", x), smoothstep(y, -1, low)), glass)
    leafy = noise1(x * 2.2, seed_of(vary, "garden")) * 0.35
    picture.paint("#9dbf96", glass * cover(low - leafy - y, pixel), 0.9)
    picture.paint("#ffffff", glass * stripes((x + 0.5 * y) * 2.3, 0.2, pixel * 3), 0.3)
    band = palette(vary, "band", "#3f7f9f", "#d98a6a", "#5f9f8f")
    picture.paint(band, span(y, low + 0.05, low + 0.1, pixel))
    picture.paint(shade(wall, -0.2), span(y, edge - 0.07, edge, pixel))


def _water(x, y, time, vary, pixel, edge, deck, water):
    u, v, shift = sliding(x, y, time * vary("drift.x", -0.25, 0.25),
                          time * vary("drift.y", -0.06, 0.06))
    seed = seed_of(vary, "caustic")
    bend = 0.6 * noise2(u * 3, v * 5, seed)
    a = (noise2(u * 4.2 + bend, v * 9 + bend, seed + 1) - 0.5).abs()
    net = 1 - smoothstep(a, 0.02, 0.13)
    body = torch.lerp(shade(water, -0.14), shade(water, 0.1), noise2(u * 2, v * 7, seed + 2))
    colour = torch.lerp(body, shade(water, 0.72), 0.75 * net)
    return Layer(colour, span(y, edge, deck, pixel), shift)


def _pool_front(x, y, vary, pixel, edge, deck, stone):
    front = Picture(None, x, pixel)
    float_c = palette(vary, "rope", "#d9625c", "#e0a04a", "#4a6fa5")
    for k, (at, thick) in enumerate(((0.2, 0.022), (0.48, 0.034), (0.8, 0.048))):
        line = edge + (deck - edge) * at
        beads = stripes(x / (5 * thick) + 0.3 * k, 0.5, pixel / (5 * thick))
        rope = torch.lerp(rgb("#f8f4ea", x), float_c, beads)
        front.paint(rope, span(y, line, line + thick, pixel))
        front.paint("#2f6f8f", span(y, line + thick, line + thick * 1.5, pixel), 0.35)
    tiles(front, x, y, deck, stone, shade(stone, -0.1), 0.24, 0.45, shade(stone, -0.25))
    front.paint(shade(stone, 0.5), span(y, deck, deck + 0.035, pixel))
    front.paint("#3f87a6", span(y, deck + 0.035, deck + 0.06, pixel), 0.7)
    u = x * side_of(vary, "ladder") - vary("ladder.x", 0.62, 0.85)
    for at in (-0.07, 0.07):
        front.fill("#8f9aa6", capsule(u - at, y - deck, 0.0, -0.2, 0.0, 0.08, 0.016))
        front.fill("#f4f7f8", capsule(u - at + 0.006, y - deck, 0.0, -0.2, 0.0, 0.08, 0.005))
    front.fill("#8f9aa6", capsule(u, y - deck, -0.07, -0.2, 0.07, -0.2, 0.014))
    return front.layer()
