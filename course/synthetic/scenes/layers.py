"""Layers, and the small picture on which a scene paints each of them.

A scene is a stack of layers, back to front.  A layer never changes its appearance; it
may only slide as a whole.  That is what makes the scene's optical flow exact: where a
layer covers a pixel, the pixel moves as the layer does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from course.synthetic.shapes import Size, cover, span
from course.synthetic.textures import Vary

Colour = str | Tensor


@dataclass
class Layer:
    """One sheet of a scene.

    Attributes:
        colour: broadcastable to (3, N, T, H, W), in [0, 1].
        alpha: broadcastable to (N, T, H, W), in [0, 1].
        shift: None for a sheet at rest, else (dx, dy) in world units, broadcastable
            to (N, T, 1, 1): how far the sheet has slid at each time.
    """

    colour: Tensor
    alpha: Tensor
    shift: tuple[Tensor, Tensor] | None = None


@lru_cache(maxsize=1024)
def _rgb(code: str, device: str) -> Tensor:
    levels = [int(code[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return torch.tensor(levels, device=device).view(3, 1, 1, 1, 1)


def rgb(code: str, like: Tensor) -> Tensor:
    """The colour "#rrggbb" as a (3, 1, 1, 1, 1) tensor on the device of `like`."""
    return _rgb(code, str(like.device))


def palette(vary: Vary, name: str, *codes: str, light: float = 0.06) -> Tensor:
    """One of the given colours for each clip, a little mixed with the next one.

    Half-way mixes of unlike colours are grey, so clips stay near the given ones.

    Args:
        vary: per-clip random numbers.
        name: name of the draw; equal names give equal positions in the list.
        codes: "#rrggbb" colours, one or more.
        light: largest random change of brightness.

    Returns:
        Colour (3, N, 1, 1, 1).
    """
    position = vary(name, 0.0, 1.0) * len(codes)
    which = position.floor()
    colour = along(which + 0.25 * (position - which), *codes)
    return (colour + vary(name + ".light", -light, light)).clamp(0, 1)


def along(position: Tensor, *codes: str) -> Tensor:
    """The colour at a position (0 = first, 1 = second ...) on a path of colours."""
    colour = rgb(codes[0], position)
    for k, code in enumerate(codes[1:]):
        colour = torch.lerp(colour, rgb(code, position), (position - k).clamp(0, 1))
    return colour


def shade(colour: Tensor, amount: float) -> Tensor:
    """Lighter (amount > 0, towards white) or darker (amount < 0, towards dusk)."""
    target = rgb("#ffffff" if amount > 0 else "#14122e", colour)
    return torch.lerp(colour, target, abs(amount))


def tinted(colour: Colour, like: Tensor) -> Tensor:
    """A colour as a tensor, whether given as text or already as one."""
    return rgb(colour, like) if isinstance(colour, str) else colour


class Picture:
    """Colours painted over one another with soft edges.

    Args:
        ground: colour of the sheet, for an opaque one; None starts with clear glass.
        like: any tensor on the right device.
        pixel: world size of one pixel.
    """

    def __init__(self, ground: Colour | None, like: Tensor, pixel: Size):
        self.like, self.pixel = like, pixel
        self.opaque = ground is not None
        self.colour = tinted("#000000" if ground is None else ground, like)
        self.alpha = torch.ones_like(like[:1, :1, :1, :1]) * float(self.opaque)

    def paint(self, colour: Colour, share: Tensor, strength: Size = 1.0) -> Picture:
        """Cover a share (0..1, per pixel) of the picture with a colour."""
        share = share * strength if not _is_one(strength) else share
        self.colour = torch.lerp(self.colour, tinted(colour, self.like), share)
        if not self.opaque:
            self.alpha = torch.lerp(self.alpha, torch.ones_like(self.alpha), share)
        return self

    def fill(self, colour: Colour, distance: Tensor, strength: Size = 1.0) -> Picture:
        """Paint the inside of a shape given by its signed distance."""
        return self.paint(colour, cover(distance, self.pixel), strength)

    def box(
        self,
        colour: Colour,
        x: Tensor,
        y: Tensor,
        x0: Size,
        x1: Size,
        y0: Size,
        y1: Size,
        strength: Size = 1.0,
    ) -> Picture:
        """Paint the upright rectangle x0..x1, y0..y1."""
        inside = span(x, x0, x1, self.pixel) * span(y, y0, y1, self.pixel)
        return self.paint(colour, inside, strength)

    def below(
        self, colour: Colour, y: Tensor, line: Size, strength: Size = 1.0
    ) -> Picture:
        """Paint everything lower than a line."""
        return self.paint(colour, cover(line - y, self.pixel), strength)

    def lit(self, amount: Tensor) -> Picture:
        """Make the picture brighter or darker by a signed amount of grain or light."""
        self.colour = (self.colour + amount * self.alpha).clamp(0, 1)
        return self

    def layer(self, shift: tuple[Tensor, Tensor] | None = None) -> Layer:
        """The finished sheet."""
        colour = self.colour
        if (
            not self.opaque
        ):  # painted on black: undo the darkening of half-covered pixels
            colour = (colour / self.alpha.clamp(min=1e-3)).clamp(0, 1)
        return Layer(colour, self.alpha, shift)


def _is_one(strength: Size) -> bool:
    return isinstance(strength, float) and strength == 1.0


def sliding(x: Tensor, y: Tensor, dx: Tensor, dy: Tensor | None = None):
    """Coordinates in a sheet that has slid by (dx, dy), and the shift to give it.

    Returns:
        x in the sheet, y in the sheet, (dx, dy).
    """
    still = torch.zeros_like(dx)
    return x - dx, y if dy is None else y - dy, (dx, still if dy is None else dy)
