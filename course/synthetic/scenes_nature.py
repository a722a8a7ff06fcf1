"""Scenes of the open country: beach, desert, forest, meadow, snow and underwater."""

from __future__ import annotations

import torch

from course.synthetic.layers import Layer, Picture, along, palette, rgb, shade, sliding
from course.synthetic.props import (
    bushes,
    clouds,
    conifers,
    disc_cover,
    flecks,
    glow,
    grain,
    hills,
    side_of,
    sky,
    trunks,
)
from course.synthetic.textures import (
    capsule,
    cover,
    ellipse,
    noise1,
    noise2,
    ridge,
    scatter,
    seed_of,
    smoothstep,
    span,
    stripes,
    triangle,
)


# ----------------------------------------------------------------------- the beach
def beach(x, y, time, vary, pixel) -> list[Layer]:
    """Sand, a sea whose waves roll sideways, a parasol and a sailing boat."""
    horizon = vary("horizon", -0.05, 0.15)
    shore = horizon + vary("sea", 0.28, 0.42)
    mood = vary("mood", 0.0, 2.0)
    top = along(mood, "#5fb4e0", "#8cc9dd", "#c6a3c9")
    back = sky(x, y, pixel, top, along(mood, "#cdeaf2", "#f4ecd0", "#fbd0a8"), horizon)
    glow(back, x - vary("sun.x", -0.8, 0.8), y - vary("sun.y", -0.75, -0.45),
         along(mood, "#fff6d0", "#fff1b8", "#ffd9a0"), vary("sun.r", 0.09, 0.15))
    hills(back, x, y, vary, "isle", along(mood, "#7fb1b8", "#9db9ae", "#a58fae"),
          horizon + 0.02, 0.22 * vary("isle.h", 0.0, 1.0), 1.1)
    _sand(back, x, y, vary, shore, along(mood, "#ecd9a6", "#eed2a0", "#e3bf97"))
    water = along(vary("water", 0.0, 2.0), "#3f9cc0", "#44b3b0", "#4a86b8")
    return [
        back.layer(),
        clouds(x, y, time, vary, pixel, along(mood, "#ffffff", "#fffaf0", "#ffe3d3"), -0.5),
        _far_sea(x, y, time, vary, pixel, horizon, shore, water),
        _boat(x, y, time, vary, pixel, horizon),
        _surf(x, y, time, vary, pixel, horizon, shore, water),
        _parasol(x, y, vary, pixel, shore),
    ]


def _sand(picture, x, y, vary, top, colour):
    seed = seed_of(vary, "sand")
    picture.below(torch.lerp(shade(colour, -0.1), colour, smoothstep(y, top, top + 0.5)),
                  y, top - 0.1)
    ripple = noise2(x * 2.2, y * 14, seed) - 0.5
    sand = cover(top - y, picture.pixel)
    picture.lit((0.09 * ripple + grain(x * 22, y * 30, seed, picture.pixel * 26, 0.05)) * sand)
    flecks(picture, x, y, seed + 1, shade(colour, -0.35), 0.22, 0.014, top + 0.12, 1.6)
    flecks(picture, x, y, seed + 2, "#fff8ea", 0.31, 0.018, top + 0.15, 1.6, 0.7)


def _far_sea(x, y, time, vary, pixel, horizon, shore, water):
    u, _, shift = sliding(x, y, time * vary("sea.far", 0.05, 0.15))
    line = shore - 0.14
    sea = Picture(torch.lerp(shade(water, 0.25), water, smoothstep(y, horizon, line)), x,
                  pixel)
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
    sea = Picture(torch.lerp(water, shade(water, 0.35), smoothstep(y, top, shore)), x, pixel)
    crest = noise2(u * 2.0, (y - horizon) * 15, seed_of(vary, "near.seed"))
    sea.paint(shade(water, 0.7), smoothstep(crest, 0.66, 0.76), 0.8)
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


# ---------------------------------------------------------------------- the desert
def desert(x, y, time, vary, pixel) -> list[Layer]:
    """Dunes and flat-topped rocks under a warm sky; cacti, high clouds, birds."""
    horizon = vary("horizon", 0.12, 0.3)
    mood = vary("mood", 0.0, 2.0)
    back = sky(x, y, pixel, along(mood, "#6fb3dc", "#9fc4d0", "#d99f8f"),
               along(mood, "#e6efe2", "#f6e6bf", "#fbd7a0"), horizon)
    glow(back, x - vary("sun.x", -0.8, 0.8), y - vary("sun.y", -0.7, -0.4), "#fff3c8",
         vary("sun.r", 0.09, 0.15))
    _mesas(back, x, y, vary, horizon, along(mood, "#c98f6d", "#c4916f", "#a8685f"))
    sand = along(vary("sand", 0.0, 2.0), "#e8c98c", "#e6b878", "#dba06c")
    hills(back, x, y, vary, "dune1", shade(sand, -0.1), horizon + 0.12, 0.24, 0.8, 0.2)
    hills(back, x, y, vary, "dune2", sand, horizon + 0.3, 0.26, 0.6, 0.15)
    floor = horizon + 0.24
    seed = seed_of(vary, "ripple")
    back.below(shade(sand, 0.12), y, floor + 0.06 * (2 * x + vary("tilt", 0, 6)).sin())
    bend = 0.5 * noise1(x * 1.3, seed) + 0.2 * noise1(x * 3.1, seed + 1)
    ripple = stripes((y + 0.35 * bend) * 9, 0.35, pixel * 9) * smoothstep(y, floor, floor + 0.2)
    back.paint(shade(sand, -0.22), ripple, 0.35)
    back.lit(grain(x * 20, y * 26, seed, pixel * 23, 0.035) * cover(floor - y, pixel))
    flecks(back, x, y, seed + 2, "#9a6b52", 0.37, 0.028, floor + 0.1, 1.8, 0.6)
    _cactus(back, x, y, vary, "one", horizon + 0.36, 1.0)
    _cactus(back, x, y, vary, "two", horizon + 0.2, 0.55)
    tint = along(mood, "#ffffff", "#fffaf0", "#ffe6d0")
    return [back.layer(), clouds(x, y, time, vary, pixel, tint, -0.7),
            _birds(x, y, time, vary, pixel)]


def _mesas(picture, x, y, vary, horizon, colour):
    seed = seed_of(vary, "mesa")
    height = noise1(x * 1.4, seed, width=0.22) ** 2 * 0.5
    line = horizon + 0.05 - height - 0.01 * noise1(x * 30, seed)
    bands = stripes(y * 9 + 0.3 * noise1(x * 2, seed + 1), 0.4, picture.pixel * 9)
    body = torch.lerp(colour, shade(colour, -0.22), bands)
    picture.below(body, y, line)


def _cactus(picture, x, y, vary, name, foot, size):
    side = side_of(vary, f"cactus.{name}")
    u = (x * side - vary(f"cactus.{name}.x", 0.55, 0.95)) / size
    v = (y - foot) / size
    green = palette(vary, "cactus", "#6f9468", "#7fa05f", "#5f8d7c")
    parts = (capsule(u, v, 0.0, -0.62, 0.0, 0.02, 0.075),
             capsule(u, v, 0.0, -0.22, 0.2, -0.22, 0.05),
             capsule(u, v, 0.2, -0.22, 0.2, -0.42, 0.05),
             capsule(u, v, 0.0, -0.34, -0.19, -0.34, 0.045),
             capsule(u, v, -0.19, -0.34, -0.19, -0.52, 0.045))
    shape = parts[0]
    for part in parts[1:]:
        shape = torch.minimum(shape, part)
    ribs = stripes(u * 22, 0.4, picture.pixel * 22 / size)
    picture.fill("#7a5a48", ellipse(u + 0.02, v - 0.03, 0.2, 0.035) * size, 0.35)
    shape = torch.maximum(shape, v - 0.02) * size
    picture.fill(torch.lerp(green, shade(green, -0.22), ribs), shape)


def _birds(x, y, time, vary, pixel):
    speed = vary("bird.speed", 0.1, 0.3) * side_of(vary, "bird.way")
    u, v, shift = sliding(x, y, time * speed, -0.1 * time * speed)
    du, dv, which = scatter(u / 0.62, (v + 0.2) / 0.5, seed_of(vary, "bird"), 0.3)
    du, dv = du * 0.62, dv * 0.5
    wing = capsule(du.abs(), dv, 0.0, 0.02, 0.08, -0.03, 0.012)
    high = cover(v + 0.2, pixel) * (which < 0.5)
    return Layer(rgb("#54405a", x), cover(wing, pixel) * high, shift)


# ---------------------------------------------------------------------- the forest
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
        trunks(back, x, y, vary, f"trunk{k}", torch.lerp(bark, mist, depth), foot, width, gap)
        bushes(back, x, y, vary, f"bush{k}", torch.lerp(leaf, mist, depth - 0.3), foot,
               0.17 + 0.08 * k)
    _sunbeams(back, x, y, vary, floor)
    _forest_floor(back, x, y, vary, floor + 0.05, leaf)
    trunks(back, x, y, vary, "near", bark, floor + 0.26, 0.2, 0.8, 0.75)
    for k, tone in enumerate((-0.32, -0.12, 0.1)):
        seed = seed_of(vary, f"roof{k}")
        edge = -0.42 - 0.2 * k + 0.5 * (noise2(x * 2.6, y * 2.6, seed) - 0.5)
        edge = edge + 0.22 * (noise2(x * 8, y * 8, seed + 1) - 0.5)
        back.fill(shade(leaf, tone), y - edge)
    leaves = [along(season, "#b7cf6a", "#e0c24e", "#f0a548"),
              along(season, "#8fbf62", "#d8a24a", "#d9693f")]
    return [back.layer()] + [
        _leaf_fall(x, y, time, vary, pixel, k, leaves[k]) for k in range(2)]


def _sunbeams(picture, x, y, vary, floor):
    slant = x + (y + 1) * vary("beam", -0.7, 0.7)
    beam = noise1(slant * 3.2, seed_of(vary, "beam.seed"))
    fade = 1 - smoothstep(y, -0.4, floor + 0.2)
    picture.paint("#fffbe0", smoothstep(beam, 0.5, 0.8) * fade, 0.35)


def _forest_floor(picture, x, y, vary, top, leaf):
    seed = seed_of(vary, "floor.seed")
    earth = palette(vary, "earth", "#8a7350", "#7d7a4c", "#94714e")
    line = top + 0.02 * (noise1(x * 9, seed) - 0.5)
    picture.below(torch.lerp(shade(earth, 0.15), earth, smoothstep(y, top, 0.9)), y, line)
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
    cell = 0.46 + 0.1 * k
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, f"leaf{k}"), 0.15)
    du, dv = du * cell, dv * cell
    turn = 3.1416 * which
    c, s = turn.cos(), turn.sin()
    shape = ellipse(du * c + dv * s, dv * c - du * s, 0.055, 0.028)
    return Layer(colour, cover(shape, pixel), shift)


# ---------------------------------------------------------------------- the meadow
def meadow(x, y, time, vary, pixel) -> list[Layer]:
    """Green hills, a fence, flowers and drifting clouds."""
    horizon = vary("horizon", 0.1, 0.28)
    day = vary("day", 0.0, 2.0)
    back = sky(x, y, pixel, along(day, "#74bce6", "#8fc6ee", "#a9c9d8"),
               along(day, "#dff1f2", "#f7f1d8", "#e9ece6"), horizon)
    green = along(vary("green", 0.0, 2.0), "#86b85c", "#a2be5a", "#6fae6c")
    hills(back, x, y, vary, "far", torch.lerp(green, rgb("#9fc3cc", x), 0.55),
          horizon + 0.1, 0.34, 0.9)
    hills(back, x, y, vary, "mid", torch.lerp(green, rgb("#9fc3cc", x), 0.2),
          horizon + 0.2, 0.26, 0.7)
    _trees(back, x, y, vary, horizon + 0.12, shade(green, -0.3))
    _barn(back, x, y, vary, horizon + 0.16)
    top = horizon + 0.2 + 0.03 * (1.7 * x + vary("roll", 0, 6)).sin()
    back.below(torch.lerp(shade(green, 0.15), shade(green, -0.06),
                          smoothstep(y, horizon + 0.2, 1.0)), y, top)
    seed = seed_of(vary, "grass")
    field = cover(top - y, pixel)
    mown = noise2(x * 1.5, y * 5, seed)
    back.paint(shade(green, -0.16), smoothstep(mown, 0.5, 0.58) * field, 0.5)
    back.lit(grain(x * 26, y * 12, seed, pixel * 20, 0.06) * field)
    _fence(back, x, y, vary, horizon + 0.26)
    for k, colour in enumerate(("#fff6e4", "#f0c64f", "#d98aa0")):
        flecks(back, x, y, seed + 1 + k, colour, 0.24 + 0.05 * k, 0.024, top + 0.14, 1.5,
               vary(f"flower{k}", 0.1, 0.95))
    return [back.layer(), clouds(x, y, time, vary, pixel, "#ffffff", -0.62),
            clouds(x + 0.7, y, time * 0.6, vary, pixel, "#f6fafc", -0.3)]


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
        picture.paint(wood, span(y, foot + rail, foot + rail + 0.028, picture.pixel), there)


# ------------------------------------------------------------------------ the snow
def snow(x, y, time, vary, pixel) -> list[Layer]:
    """Peaks, firs, a hut with lit windows, and snow that falls in two depths."""
    horizon = vary("horizon", 0.2, 0.36)
    hour = vary("hour", 0.0, 2.0)
    low = along(hour, "#dbe7f0", "#d9d3e6", "#f0d6d2")
    back = sky(x, y, pixel, along(hour, "#8fb0cf", "#7f8fb8", "#8a83b3"), low, horizon)
    rock = along(hour, "#7d92b0", "#6e77a0", "#7d6f9c")
    for k, (base, tall, scale, mist) in enumerate(
            ((0.02, 0.95, 1.1, 0.45), (0.1, 0.55, 1.6, 0.1))):
        _peaks(back, x, y, vary, f"peak{k}", torch.lerp(rock, low, mist), horizon + base,
               tall, scale)
    fir = palette(vary, "fir", "#4a6b70", "#3f5a6e", "#55705f")
    conifers(back, x, y, vary, "far", torch.lerp(fir, low, 0.35), horizon + 0.1, 0.19, 0.9)
    conifers(back, x, y, vary, "near", fir, horizon + 0.17, 0.36, 0.5)
    _hut(back, x, y, vary, horizon + 0.18)
    seed = seed_of(vary, "drift")
    white = along(hour, "#f4f8fb", "#eef0fa", "#fbf1f0")
    top = horizon + 0.13 + 0.05 * noise1(x * 1.4, seed)
    back.below(torch.lerp(shade(white, -0.1), white, smoothstep(y, top, top + 0.3)), y, top)
    patch = noise2(x * 1.2, y * 4.5, seed + 1)
    blue = torch.lerp(white, rock, 0.4)
    back.paint(blue, smoothstep(patch, 0.5, 0.75) * cover(top - y, pixel), 0.6)
    return [back.layer(), _flakes(x, y, time, vary, pixel, 0, 0.2, 0.016),
            _flakes(x, y, time, vary, pixel, 1, 0.4, 0.032)]


def _peaks(picture, x, y, vary, name, rock, base, tall, scale):
    seed = seed_of(vary, name)
    height = ridge(x * scale, seed, 4)
    line = base - tall * height
    light = noise2(x * 5 - y * 4, y * 1.5, seed + 3)
    body = torch.lerp(rock, shade(rock, -0.25), smoothstep(light, 0.4, 0.6))
    picture.below(body, y, line)
    cap = base - tall * (0.35 + 0.25 * ridge(x * scale * 3, seed + 5, 2))
    bright = torch.lerp(shade(rock, 0.85), shade(rock, 0.6), smoothstep(light, 0.45, 0.6))
    picture.paint(bright, cover(line - y, picture.pixel) * cover(y - cap, picture.pixel))


def _hut(picture, x, y, vary, foot):
    u, v = x * side_of(vary, "hut") - vary("hut.x", 0.5, 0.9), y - foot
    wood = palette(vary, "hut.c", "#8f6450", "#7a5a58", "#a27c58")
    picture.box(wood, u, v, -0.17, 0.17, -0.18, 0.03)
    for at in (-0.08, 0.08):
        picture.box("#ffdf8e", u - at, v, -0.035, 0.035, -0.13, -0.06)
    picture.fill("#fbfdff", triangle(u, v + 0.17, 0.25, 0.2))
    picture.fill(shade(wood, -0.1), triangle(u, v + 0.165, 0.17, 0.135))


def _flakes(x, y, time, vary, pixel, k, cell, radius):
    fall = vary(f"flake{k}.fall", 0.2, 0.35) * (1 + 0.8 * k)
    wind = vary("wind", -0.16, 0.16) * (1 + 0.8 * k)
    u, v, shift = sliding(x, y, time * wind, time * fall)
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, f"flake{k}"), 0.12)
    size = radius * (0.6 + 0.5 * which)
    return Layer(rgb("#ffffff", x), disc_cover(du * cell, dv * cell, size, pixel), shift)


# ------------------------------------------------------------------- under the sea
def underwater(x, y, time, vary, pixel) -> list[Layer]:
    """A sandy sea floor with corals; light from above, bubbles and a shoal of fish."""
    floor = vary("floor", 0.34, 0.5)
    depth = vary("depth", 0.0, 2.0)
    top = along(depth, "#7fd0d8", "#5fb6d6", "#6a9fd0")
    low = along(depth, "#2f8ea6", "#2f74a8", "#3a5c9a")
    back = sky(x, y, pixel, top, low, floor)
    slant = x * (1.4 - 0.35 * y) + vary("ray", -1, 1)
    ray = noise1(slant * 3, seed_of(vary, "ray.seed"))
    back.paint("#e6fbf4", smoothstep(ray, 0.5, 0.8) * (1 - smoothstep(y, -0.9, 0.5)), 0.35)
    for k, mix in enumerate((0.7, 0.45)):
        hills(back, x, y, vary, f"rock{k}", torch.lerp(rgb("#3d5a72", x), low, mix),
              floor + 0.06 + 0.05 * k, 0.4 - 0.1 * k, 1.6 + k)
    sand = torch.lerp(palette(vary, "sand", "#d9cfa0", "#cfc6a8", "#d8bfa0"), low, 0.25)
    seed = seed_of(vary, "sand.seed")
    line = floor + 0.06 + 0.03 * (2.3 * x + vary("dune", 0, 6)).sin()
    back.below(torch.lerp(shade(sand, -0.18), sand, smoothstep(y, floor, 0.9)), y, line)
    net = (noise2(x * 4, y * 8, seed) - 0.5).abs()
    back.paint("#f4fff2", (1 - smoothstep(net, 0.02, 0.07)) * cover(line - y, pixel), 0.4)
    flecks(back, x, y, seed + 1, shade(sand, -0.3), 0.23, 0.022, line, 1.6, 0.7)
    for k in range(4):
        _coral(back, x, y, vary, k, floor + 0.12 + 0.05 * k)
    return [back.layer(), _fish(x, y, time, vary, pixel, 0), _fish(x, y, time, vary, pixel, 1),
            _bubbles(x, y, time, vary, pixel)]


def _coral(picture, x, y, vary, k, foot):
    u = x * (-1) ** k - vary(f"coral{k}", 0.5, 1.15)
    v = y - foot
    colour = palette(vary, f"coral{k}.c", "#d9808a", "#e0a070", "#9a7fc0", "#6fae90")
    for lean, tall in ((-0.16, 0.3), (-0.05, 0.42), (0.07, 0.36), (0.17, 0.24)):
        shape = capsule(u, v, lean * 0.3, 0.0, lean, -tall, 0.034)
        picture.fill(shade(colour, -0.12 + lean), shape)
    picture.fill(shade(colour, -0.35), torch.maximum(ellipse(u, v, 0.13, 0.06), v - 0.03))


def _fish(x, y, time, vary, pixel, k):
    way = side_of(vary, f"fish{k}.way")
    u, v, shift = sliding(x, y, time * way * vary(f"fish{k}.speed", 0.15, 0.45))
    wide, tall = 0.8, 0.5
    du, dv, which = scatter(u / wide, (v + 0.25 * k) / tall, seed_of(vary, f"fish{k}"), 0.25)
    du, dv = du * wide * way, dv * tall
    colour = palette(vary, f"fish{k}.c", "#f0a860", "#f2d27a", "#e88a8a", "#c9d8f0")
    fish = Picture(None, x, pixel)
    tail = triangle(dv, du + 0.06, 0.06, 0.07)
    fish.fill(shade(colour, -0.15), tail)
    fish.fill(colour, ellipse(du, dv, 0.1, 0.055))
    fish.fill(shade(colour, 0.6), (du - 0.01).abs() - 0.012 + 9 * (dv.abs() - 0.045).clamp(min=0))
    fish.fill("#22304a", ((du - 0.06) ** 2 + (dv + 0.012) ** 2).sqrt() - 0.013)
    sheet = fish.layer(shift)
    sheet.alpha = sheet.alpha * ((which < 0.7) & (v.expand_as(which) < 0.22))
    return sheet


def _bubbles(x, y, time, vary, pixel):
    u, v, shift = sliding(x, y, 0.04 * (3 * time).sin(), -time * vary("bubble", 0.25, 0.5))
    cell = 0.5
    du, dv, which = scatter(u / cell, v / cell, seed_of(vary, "bubble.seed"), 0.15)
    r = (du * du + dv * dv).sqrt() * cell
    size = 0.02 + 0.035 * which
    shine = cover(((du + 0.03) ** 2 + (dv + 0.03) ** 2).sqrt() * cell - 0.4 * size, pixel)
    colour = torch.lerp(rgb("#bfeaf0", x), rgb("#ffffff", x), shine)
    return Layer(colour, 0.9 * cover(r - size, pixel), shift)
