"""Scenes of sport with a public: stadium and swimming pool."""

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
    grain,
    side_of,
    sky,
)
from course.synthetic.scenes.rooms import (
    receding,
    tiles,
    wall_tiles,
)
from course.synthetic.shapes import (
    capsule,
    cover,
    rounded,
    smoothstep,
    span,
)
from course.synthetic.textures import (
    noise1,
    noise2,
    scatter,
    seed_of,
    stripes,
)


def stadium(x, y, time, vary, pixel) -> list[Layer]:
    """A crowd that bobs behind the boards of a mown pitch."""
    wall = vary("wall", 0.06, 0.2)
    roof = vary("roof", -0.78, -0.62)
    day = vary("day", 0.0, 2.0)
    back = sky(
        x,
        y,
        pixel,
        along(day, "#7fb8de", "#9cc0d6", "#6f7fae"),
        along(day, "#dcedf0", "#f3e6cf", "#c9b8cf"),
        roof + 0.1,
    )
    stand = palette(vary, "stand", "#6f7689", "#7d6f78", "#66788a")
    back.below(
        torch.lerp(shade(stand, -0.45), stand, smoothstep(y, roof, wall)), y, roof
    )
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
    lamp = stripes(x / 0.33 + 0.4, 0.3, pixel / 0.33) * span(
        y, roof + 0.02, roof + 0.06, pixel
    )
    front.paint("#fff6cf", lamp)
    board = noise1(x / 0.5 + 0.3, seed_of(vary, "board"), width=pixel / 0.5)
    tint = along(board * 3, "#d9726a", "#f0e3c4", "#5f8fb0", "#e8bd62")
    front.paint(tint, span(y, wall, wall + 0.15, pixel))
    text = stripes(x * 13, 0.55, pixel * 13) * span(y, wall + 0.05, wall + 0.1, pixel)
    front.paint(shade(tint, -0.45), text * stripes(x / 0.5 + 0.15, 0.7, pixel * 2), 0.7)
    front.box("#3f4658", x, y, -9.0, 9.0, wall + 0.14, wall + 0.165)
    grass = along(vary("grass", 0.0, 2.0), "#6fae58", "#84b455", "#5d9f66")
    top = wall + 0.165
    u, _, wu, _ = receding(
        x, y, top - vary("vanish", 0.25, 0.5), pixel, vary("mid", -1, 1)
    )
    field = cover(top - y, pixel)
    mown = stripes(u / 0.8, 0.5, wu / 0.8)
    front.paint(torch.lerp(grass, shade(grass, -0.15), mown), field)
    front.lit(grain(x * 30, y * 16, seed_of(vary, "turf"), pixel * 22, 0.05) * field)
    line = top + 0.1
    front.paint("#f6f8ee", span(y, line, line + 0.03, pixel), 0.9)
    front.paint(
        "#f6f8ee", stripes(u / 2.4 + 0.35, 0.03, wu / 2.4) * cover(line - y, pixel), 0.9
    )
    pole = x * side_of(vary, "flag") - vary("flag.x", 0.7, 0.95)
    front.fill("#f4efe0", capsule(pole, y - line, 0.0, -0.36, 0.0, 0.02, 0.012))
    front.fill(
        "#e07a5c", torch.maximum(-pole, 0.6 * pole + (y - line + 0.28).abs() - 0.09)
    )
    return front.layer()


def pool(x, y, time, vary, pixel) -> list[Layer]:
    """An indoor pool: glittering water between lane ropes, tiled wall and deck.

    The water is the hindmost sheet, so it may drift any way behind wall and deck.
    """
    edge = vary("edge", -0.22, -0.08)
    deck = edge + vary("water", 0.56, 0.68)
    tint = vary("tint", 0.0, 2.0)
    wall = along(tint, "#dfeaea", "#e9e4d6", "#d9e0ee")
    front = Picture(None, x, pixel).paint(wall, cover(y - edge, pixel))
    _pool_wall(front, x, y, vary, edge, wall)
    stone = palette(vary, "deck", "#e3d9c8", "#d3dadb", "#e0cdb8")
    water = along(vary("hue", 0.0, 2.0), "#4fb3cf", "#58c0c4", "#5a9fd6")
    _pool_front(front, x, y, vary, edge, deck, stone)
    return [_water(x, y, time, vary, water), front.layer()]


def _pool_wall(picture, x, y, vary, edge, wall):
    pixel = picture.pixel
    wall_tiles(picture, x, y, -9.0, edge, 0.12, shade(wall, -0.12))
    pane = stripes(x / 0.62 + vary("pane", 0, 1), 0.8, pixel / 0.62)
    low = edge - 0.34
    glass = pane * span(y, -9.0, low, pixel)
    picture.paint(
        torch.lerp(rgb("#a9d4ea", x), rgb("#e7f4ee", x), smoothstep(y, -1, low)), glass
    )
    leafy = noise1(x * 2.2, seed_of(vary, "garden")) * 0.35
    picture.paint("#9dbf96", glass * cover(low - leafy - y, pixel), 0.9)
    picture.paint("#ffffff", glass * stripes((x + 0.5 * y) * 2.3, 0.2, pixel * 3), 0.3)
    band = palette(vary, "band", "#3f7f9f", "#d98a6a", "#5f9f8f")
    picture.paint(band, span(y, low + 0.05, low + 0.1, pixel))
    picture.paint(shade(wall, -0.2), span(y, edge - 0.07, edge, pixel))


def _water(x, y, time, vary, water):
    u, v, shift = sliding(
        x, y, time * vary("drift.x", -0.25, 0.25), time * vary("drift.y", -0.06, 0.06)
    )
    seed = seed_of(vary, "caustic")
    bend = 0.6 * noise2(u * 3, v * 5, seed)
    a = (noise2(u * 4.2 + bend, v * 9 + bend, seed + 1) - 0.5).abs()
    net = 1 - smoothstep(a, 0.02, 0.13)
    body = torch.lerp(
        shade(water, -0.14), shade(water, 0.1), noise2(u * 2, v * 7, seed + 2)
    )
    colour = torch.lerp(body, shade(water, 0.72), 0.75 * net)
    return Layer(colour, torch.ones_like(u[:1, :1, :1, :1]), shift)


def _pool_front(front, x, y, vary, edge, deck, stone):
    pixel = front.pixel
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
        front.fill(
            "#f4f7f8", capsule(u - at + 0.006, y - deck, 0.0, -0.2, 0.0, 0.08, 0.005)
        )
    front.fill("#8f9aa6", capsule(u, y - deck, -0.07, -0.2, 0.07, -0.2, 0.014))
