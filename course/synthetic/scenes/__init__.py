"""The catalogue of scenes: sixteen places, and a texture that is no place at all.

A scene is a function `(x, y, time, vary, pixel) -> list[Layer]` that paints a whole
batch of clips.  World coordinates: y points down, the frame at zoom 1 spans [-1, 1] in
height, actors stand on y = GROUND.  `vary(name, low, high)` draws one number for each
clip, so that colours, layout and texture differ between the clips of one scene.  Scenes
move only by sliding whole layers, which is what makes their optical flow exact.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from course.synthetic.scenes.coast import beach, underwater
from course.synthetic.scenes.country import forest, meadow
from course.synthetic.scenes.evening import night, stage
from course.synthetic.scenes.hall import gym, studio
from course.synthetic.scenes.home import kitchen
from course.synthetic.scenes.layers import Layer, Picture, along
from course.synthetic.scenes.props import GROUND as GROUND
from course.synthetic.scenes.shelves import library, mall
from course.synthetic.scenes.sport import pool, stadium
from course.synthetic.scenes.town import street
from course.synthetic.scenes.wilds import desert, snow
from course.synthetic.shapes import Size
from course.synthetic.textures import Vary, plane_waves

Scene = Callable[[Tensor, Tensor, Tensor, Vary, Size], list[Layer]]


def texture(x, y, time, vary, pixel) -> list[Layer]:
    """Five random plane waves over a darker ground: unrelated to any action.

    The world of a matching experiment: wavelengths of 8 to 40 pixels at 48 pixels.
    """
    waves = 0.22 * plane_waves(x, y, vary)
    sheet = Picture(along(vary("tone", 0.0, 1.0), "#7f7f7f", "#8a8578"), x, pixel)
    sheet.below(
        along(vary("earth", 0.0, 1.0), "#5f5f5f", "#6a6458"), y, vary("edge", 0.5, 0.75)
    )
    sheet.colour = (sheet.colour + waves).clamp(0, 1)
    return [sheet.layer()]


# The first eight are the default world: unlike each other, five of them moving.
SCENES: dict[str, Scene] = {
    "beach": beach,
    "forest": forest,
    "street": street,
    "gym": gym,
    "kitchen": kitchen,
    "stadium": stadium,
    "pool": pool,
    "snow": snow,
    "desert": desert,
    "meadow": meadow,
    "library": library,
    "mall": mall,
    "night": night,
    "stage": stage,
    "studio": studio,
    "underwater": underwater,
    "texture": texture,
}

# Pairs that share colours or layout, for transfer and for honest confusion matrices.
CONFUSABLE: list[tuple[str, str]] = [
    ("beach", "desert"),
    ("gym", "studio"),
    ("kitchen", "mall"),
    ("night", "stage"),
]


def paint_group(
    name: str, x: Tensor, y: Tensor, time: Tensor, vary: Vary, pixel: Size
) -> list[Layer]:
    """Paint clips that all show the same scene.

    Args:
        name: a key of SCENES.
        x: world coordinates, broadcastable to (N, T, H, W).
        y: world coordinates, broadcastable to (N, T, H, W).
        time: seconds (N, T, 1, 1).
        vary: per-clip numbers, `vary(name, low, high)` of shape (N, 1, 1, 1).
        pixel: world size of one pixel.

    Returns:
        Layers from back to front; the first covers everything.

    Raises:
        ValueError: for an unknown scene.

    >>> import torch
    >>> middle = lambda name, low, high: torch.full((1, 1, 1, 1), (low + high) / 2)
    >>> line = torch.linspace(-1, 1, 8)
    >>> layers = paint_group("gym", line.view(1, 1, 1, 8), line.view(1, 1, 8, 1),
    ...                      torch.zeros(1, 1, 1, 1), middle, 0.25)
    >>> len(layers), tuple(layers[0].colour.shape)
    (1, (3, 1, 1, 8, 8))
    """
    if name not in SCENES:
        raise ValueError(f"unknown scene {name!r}; there are {', '.join(SCENES)}")
    return SCENES[name](x, y, time, vary, pixel)
