"""Things of the open air that several scenes share: sky, clouds, hills, trees."""

from __future__ import annotations

import torch
from torch import Tensor

from course.synthetic.scenes.layers import (
    Colour,
    Layer,
    Picture,
    shade,
    sliding,
    tinted,
)
from course.synthetic.shapes import (
    Size,
    capsule,
    cover,
    ellipse,
    smoothstep,
    triangle,
)
from course.synthetic.textures import (
    Vary,
    faded,
    hashed,
    noise1,
    noise2,
    scatter,
    seed_of,
)

GROUND = 0.82  # the line on which actors stand, in world units (y points down)


def side_of(vary: Vary, name: str) -> Tensor:
    """+1 or -1 for each clip; x times this puts a thing on either side."""
    return torch.where(vary(name, 0.0, 1.0) < 0.5, -1.0, 1.0)


def sky(x: Tensor, y: Tensor, pixel: Size, top: Tensor, low: Tensor, horizon: Size):
    """An opaque picture that fades from one colour to another at the horizon."""
    return Picture(torch.lerp(top, low, smoothstep(y, -1.0, horizon)), x, pixel)


def glow(picture: Picture, x: Tensor, y: Tensor, colour: Colour, radius: Size):
    """A round light with two halos: sun, moon or lamp."""
    r = (x * x + y * y).sqrt()
    picture.paint(colour, 1 - smoothstep(r, radius * 0.5, radius * 4.5), 0.35)
    picture.fill(colour, r - radius * 1.35, 0.35)
    return picture.fill(colour, r - radius)


def grain(u: Tensor, v: Tensor, seed: Tensor, pixel: Size, strength: float) -> Tensor:
    """Zero-mean mottle of lightness (coordinates in cells, pixel in cells too)."""
    return (noise2(u, v, seed) - 0.5) * (2 * strength * faded(1.0, pixel))


def clouds(
    x, y, time, vary, pixel, colour: Colour, level: Size, speed=(0.05, 0.16)
) -> Layer:
    """A row of flat-bottomed clouds that drifts sideways."""
    u, v, shift = sliding(x, y, time * vary("cloud.speed", *speed))
    wide, seed = 1.25, seed_of(vary, "cloud.seed")
    cell = (u / wide).floor()
    i = cell.long()
    size = 0.7 + 0.5 * hashed(i, 1, seed)
    left = (u / wide - cell - 0.5) * wide / size
    up = (v - level - 0.3 * hashed(i, 2, seed)) / size
    puffs = (
        capsule(left, up, -0.28, 0.0, 0.3, 0.0, 0.075),
        ellipse(left + 0.08, up + 0.06, 0.17, 0.15),
        ellipse(left - 0.14, up + 0.04, 0.13, 0.11),
    )
    shape = torch.minimum(torch.minimum(puffs[0], puffs[1]), puffs[2]) * size
    body = torch.lerp(
        shade(tinted(colour, x), -0.16),
        tinted(colour, x),
        1 - smoothstep(up, -0.08, 0.07),
    )
    return Layer(body, cover(shape, pixel), shift)


def hills(
    picture,
    x,
    y,
    vary,
    name: str,
    colour: Colour,
    base: Size,
    height: Size,
    scale: float,
    dark: float = 0.25,
):
    """Round hills: their sky line is smooth noise; the foot is in shade."""
    seed = seed_of(vary, name)
    line = base - height * (
        0.75 * noise1(x * scale, seed) + 0.25 * noise1(x * scale * 2.7, seed + 7)
    )
    colour = tinted(colour, x)
    body = torch.lerp(colour, shade(colour, -dark), smoothstep(y, line, base))
    return picture.below(body, y, line)


def conifers(
    picture,
    x,
    y,
    vary,
    name: str,
    colour: Colour,
    base: Size,
    size: float,
    density: float = 0.8,
):
    """A row of fir trees of three tiers each, some places left empty."""
    seed = seed_of(vary, name)
    cell = (x / size).floor()
    i = cell.long()
    tall = size * (1.0 + 1.1 * hashed(i, 1, seed))
    there = (hashed(i, 2, seed) < density).float()
    u = (x / size - cell - 0.5) * size
    colour = tinted(colour, x)
    foot = base - 0.05 * size
    picture.box(
        shade(colour, -0.5),
        u,
        y,
        -0.04 * size,
        0.04 * size,
        foot - 0.1 * size,
        base,
        there,
    )
    for tier, half in ((0.0, 0.42), (0.28, 0.34), (0.55, 0.24)):
        v = y - foot + tall * tier * 0.8 + 0.08 * size
        shape = triangle(u, v, half * size, tall * 0.48)
        picture.fill(
            torch.lerp(shade(colour, -0.25), colour, cover(u, 0.3 * size)), shape, there
        )
    return picture


def trunks(
    picture,
    x,
    y,
    vary,
    name: str,
    colour: Colour,
    foot: Size,
    width: float,
    gap: float,
    density: float = 0.8,
):
    """Bare tree trunks that rise out of the frame and widen at the root."""
    seed = seed_of(vary, name)
    cell = (x / gap).floor()
    i = cell.long()
    half = width * (0.6 + 0.8 * hashed(i, 1, seed)) / 2
    there = (hashed(i, 2, seed) < density).float()
    u = (x / gap - cell - 0.3 - 0.4 * hashed(i, 3, seed)) * gap
    root = half * (1 + 0.9 * smoothstep(y, foot - 0.22, foot + 0.02))
    colour = tinted(colour, x)
    body = torch.lerp(colour, shade(colour, -0.35), smoothstep(u / half, -0.6, 0.9))
    inside = cover(u.abs() - root, picture.pixel)
    return picture.paint(body, inside * cover(y - foot, picture.pixel), there)


def bushes(picture, x, y, vary, name: str, colour: Colour, base: Size, size: float):
    """A hedge of round bushes, lighter on top, down to a base line."""
    seed = seed_of(vary, name)
    colour = tinted(colour, x)
    for row, (lift, tone) in enumerate(((0.35, -0.18), (0.0, 0.0))):
        u = x / size + 0.5 * row
        cell = u.floor()
        r = 0.5 + 0.16 * hashed(cell.long(), row, seed)
        v = (y - base) / size + lift - 0.1
        shape = (((u - cell - 0.5) ** 2 + v * v).sqrt() - r) * size
        inside = torch.maximum(
            cover(shape, picture.pixel), cover(-v * size, picture.pixel)
        )
        inside = inside * cover(y - base, picture.pixel)
        body = torch.lerp(
            shade(colour, tone), shade(colour, -0.3), smoothstep(v, -0.5, 0.2)
        )
        picture.paint(body, inside)
    return picture


def flecks(
    picture,
    x,
    y,
    seed,
    colour: Colour,
    cell: float,
    radius: float,
    top: Size,
    flat: float = 1.0,
    density: float = 1.0,
    strength: Size = 1.0,
):
    """Small ellipses strewn over everything below a line: stones, flowers, leaves."""
    u, v, which = scatter(
        x / cell, y * flat / cell, seed, margin=min(0.45, radius / cell)
    )
    dot = disc_cover(
        u * cell, v * cell, radius * (0.6 + 0.4 * which), picture.pixel * 1.0
    )
    there = (which < density).float() * cover(top - y, picture.pixel)
    return picture.paint(colour, dot * there, strength)


def disc_cover(u: Tensor, v: Tensor, radius: Size, pixel: Size) -> Tensor:
    """Coverage by a disc, right on average even where it is smaller than a pixel."""
    wide = torch.maximum(torch.as_tensor(radius), 0.6 * torch.as_tensor(pixel))
    share = (radius / wide) ** 2
    return cover((u * u + v * v).sqrt() - wide, pixel) * share
