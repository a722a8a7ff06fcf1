"""Scenes far from people: desert (a beach without sea) and snow."""

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
    clouds,
    conifers,
    disc_cover,
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
    triangle,
)
from course.synthetic.textures import (
    noise1,
    noise2,
    ridge,
    scatter,
    seed_of,
    stripes,
)


def desert(x, y, time, vary, pixel) -> list[Layer]:
    """Dunes and flat-topped rocks under a warm sky; cacti, high clouds, birds."""
    horizon = vary("horizon", 0.12, 0.3)
    mood = vary("mood", 0.0, 2.0)
    back = sky(
        x,
        y,
        pixel,
        along(mood, "#6fb3dc", "#9fc4d0", "#d99f8f"),
        along(mood, "#e6efe2", "#f6e6bf", "#fbd7a0"),
        horizon,
    )
    glow(
        back,
        x - vary("sun.x", -0.8, 0.8),
        y - vary("sun.y", -0.7, -0.4),
        "#fff3c8",
        vary("sun.r", 0.09, 0.15),
    )
    _mesas(back, x, y, vary, horizon, along(mood, "#c98f6d", "#c4916f", "#a8685f"))
    sand = along(vary("sand", 0.0, 2.0), "#e8c98c", "#e6b878", "#dba06c")
    hills(back, x, y, vary, "dune1", shade(sand, -0.1), horizon + 0.12, 0.24, 0.8, 0.2)
    hills(back, x, y, vary, "dune2", sand, horizon + 0.3, 0.26, 0.6, 0.15)
    floor = horizon + 0.24
    _oasis(back, x, y, vary, floor)
    seed = seed_of(vary, "ripple")
    back.below(shade(sand, 0.12), y, floor + 0.06 * (2 * x + vary("tilt", 0, 6)).sin())
    bend = 0.5 * noise1(x * 1.3, seed) + 0.2 * noise1(x * 3.1, seed + 1)
    ripple = stripes((y + 0.35 * bend) * 9, 0.35, pixel * 9) * smoothstep(
        y, floor, floor + 0.2
    )
    back.paint(shade(sand, -0.22), ripple, 0.35)
    back.lit(grain(x * 20, y * 26, seed, pixel * 23, 0.035) * cover(floor - y, pixel))
    flecks(back, x, y, seed + 2, "#9a6b52", 0.37, 0.028, floor + 0.1, 1.8, 0.6)
    _cactus(back, x, y, vary, "one", horizon + 0.36, 1.0)
    _cactus(back, x, y, vary, "two", horizon + 0.2, 0.55)
    tint = along(mood, "#ffffff", "#fffaf0", "#ffe6d0")
    return [
        back.layer(),
        clouds(x, y, time, vary, pixel, tint, -0.7),
        _birds(x, y, time, vary, pixel),
    ]


def _mesas(picture, x, y, vary, horizon, colour):
    seed = seed_of(vary, "mesa")
    height = noise1(x * 1.4, seed, width=0.22) ** 2 * 0.5
    line = horizon + 0.05 - height - 0.01 * noise1(x * 30, seed)
    bands = stripes(y * 9 + 0.3 * noise1(x * 2, seed + 1), 0.4, picture.pixel * 9)
    body = torch.lerp(colour, shade(colour, -0.22), bands)
    picture.below(body, y, line)


def _oasis(picture, x, y, vary, floor):
    """A lake at the foot of the dunes, in every other clip: almost a beach."""
    u, v = x - vary("lake.x", -0.6, 0.6), y - floor + 0.03
    there = (vary("lake", 0.0, 1.0) < 0.5).float()
    wide = vary("lake.w", 0.6, 1.3)
    water = along(vary("lake.c", 0.0, 1.0), "#4f9fb8", "#58aaa8")
    body = torch.lerp(shade(water, 0.4), water, smoothstep(v, -0.1, 0.06))
    picture.fill("#8a9a5c", ellipse(u, v, wide + 0.06, 0.125), there)
    picture.fill(body, ellipse(u, v, wide, 0.1), there)
    crest = stripes(v * 22 + 0.2 * (x * 7).sin(), 0.25, picture.pixel * 22)
    picture.paint(
        shade(water, 0.5),
        crest * cover(ellipse(u, v, wide, 0.1), picture.pixel),
        0.5 * there,
    )


def _cactus(picture, x, y, vary, name, foot, size):
    side = side_of(vary, f"cactus.{name}")
    u = (x * side - vary(f"cactus.{name}.x", 0.55, 0.95)) / size
    v = (y - foot) / size
    green = palette(vary, "cactus", "#6f9468", "#7fa05f", "#5f8d7c")
    parts = (
        capsule(u, v, 0.0, -0.62, 0.0, 0.02, 0.075),
        capsule(u, v, 0.0, -0.22, 0.2, -0.22, 0.05),
        capsule(u, v, 0.2, -0.22, 0.2, -0.42, 0.05),
        capsule(u, v, 0.0, -0.34, -0.19, -0.34, 0.045),
        capsule(u, v, -0.19, -0.34, -0.19, -0.52, 0.045),
    )
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


def snow(x, y, time, vary, pixel) -> list[Layer]:
    """Peaks, firs, a hut with lit windows, and snow that falls in two depths."""
    horizon = vary("horizon", 0.2, 0.36)
    hour = vary("hour", 0.0, 2.0)
    low = along(hour, "#dbe7f0", "#d9d3e6", "#f0d6d2")
    back = sky(x, y, pixel, along(hour, "#8fb0cf", "#7f8fb8", "#8a83b3"), low, horizon)
    rock = along(hour, "#7d92b0", "#6e77a0", "#7d6f9c")
    for k, (base, tall, scale, mist) in enumerate(
        ((0.02, 0.95, 1.1, 0.45), (0.1, 0.55, 1.6, 0.1))
    ):
        _peaks(
            back,
            x,
            y,
            vary,
            f"peak{k}",
            torch.lerp(rock, low, mist),
            horizon + base,
            tall,
            scale,
        )
    fir = palette(vary, "fir", "#4a6b70", "#3f5a6e", "#55705f")
    conifers(
        back, x, y, vary, "far", torch.lerp(fir, low, 0.35), horizon + 0.1, 0.19, 0.9
    )
    conifers(back, x, y, vary, "near", fir, horizon + 0.17, 0.36, 0.5)
    _hut(back, x, y, vary, horizon + 0.18)
    seed = seed_of(vary, "drift")
    white = along(hour, "#f4f8fb", "#eef0fa", "#fbf1f0")
    top = horizon + 0.13 + 0.05 * noise1(x * 1.4, seed)
    back.below(
        torch.lerp(shade(white, -0.1), white, smoothstep(y, top, top + 0.3)), y, top
    )
    patch = noise2(x * 1.2, y * 4.5, seed + 1)
    blue = torch.lerp(white, rock, 0.4)
    back.paint(blue, smoothstep(patch, 0.5, 0.75) * cover(top - y, pixel), 0.6)
    return [
        back.layer(),
        _flakes(x, y, time, vary, pixel, 0, 0.2, 0.016),
        _flakes(x, y, time, vary, pixel, 1, 0.4, 0.032),
    ]


def _peaks(picture, x, y, vary, name, rock, base, tall, scale):
    seed = seed_of(vary, name)
    height = ridge(x * scale, seed, 4)
    line = base - tall * height
    light = noise2(x * 5 - y * 4, y * 1.5, seed + 3)
    body = torch.lerp(rock, shade(rock, -0.25), smoothstep(light, 0.4, 0.6))
    picture.below(body, y, line)
    cap = base - tall * (0.35 + 0.25 * ridge(x * scale * 3, seed + 5, 2))
    bright = torch.lerp(
        shade(rock, 0.85), shade(rock, 0.6), smoothstep(light, 0.45, 0.6)
    )
    picture.paint(
        bright, cover(line - y, picture.pixel) * cover(y - cap, picture.pixel)
    )


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
    return Layer(
        rgb("#ffffff", x), disc_cover(du * cell, dv * cell, size, pixel), shift
    )
