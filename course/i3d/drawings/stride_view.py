"""Moving dots, what a layer samples of them, and how far its units see.

Source: Carreira & Zisserman, CVPR 2017, section 2.4, "Pacing receptive field growth
for space, time and network depth": the first two max-pools leave time alone.  The
paper reports that this helped at 25 frames a second and gives no table; what is drawn
here is geometry, not a measured accuracy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course.i3d.receptive_field import Field, i3d_layers, receptive_field
from course.teaching import figures
from course.teaching.figures import COLOURS, GREY, Picture

FRAMES, WIDTH = 64, 224  # I3D's training clip: frames, px


class Sampling(NamedTuple):
    """Dots as the samples of a layer show them, px between two samples."""

    step: float
    apparent: float
    decidable: bool


def dots_slice(
    pixels_per_frame: float, spacing: float, frames: int = FRAMES, width: int = WIDTH
) -> np.ndarray:
    """One row of pixels over time: dots in equal distances move to the right.

    Args:
        pixels_per_frame: speed.
        spacing: px from dot to dot.
        frames, width: size of the slice.

    Returns:
        float (frames, width) in [0, 1], 1 in the middle of a dot.

    >>> dots_slice(2.0, 32.0).argmax(1)[:3].tolist()
    [16, 18, 20]
    """
    at = np.arange(width)[None] - pixels_per_frame * np.arange(frames)[:, None]
    away = (at % spacing) - spacing / 2
    return np.exp(-(away**2) / (2 * 3.0**2))


def sampling(pixels_per_frame: float, spacing: float, jump: int) -> Sampling:
    """How equal dots seem to move when only every `jump`-th frame is kept.

    Args:
        pixels_per_frame: true speed to the right.
        spacing: px from dot to dot.
        jump: frames from one kept sample to the next.

    Returns:
        the true step and the apparent one (to the nearest dot), px a sample, and
        whether both have the same direction.

    Raises:
        ValueError: a spacing or a jump that is not positive.

    >>> sampling(pixels_per_frame=5.0, spacing=48.0, jump=8)
    Sampling(step=40.0, apparent=-8.0, decidable=False)
    """
    if spacing <= 0 or jump < 1:
        raise ValueError(f"spacing and jump must be positive: {spacing}, {jump}")
    step = pixels_per_frame * jump
    apparent = (step + spacing / 2) % spacing - spacing / 2
    return Sampling(step, apparent, 0 < step < spacing / 2)


def sampling_sentence(seen: Sampling, spacing: float) -> str:
    """The same in words.

    >>> sampling_sentence(sampling(5.0, 48.0, 8), 48.0).split(":")[1]
    ' these samples alone show the dots moving left by 8 px'
    """
    share = f"{100 * seen.step / spacing:.0f} % of their spacing"
    if seen.step == 0:
        return "the dots stand still: there is no direction to tell"
    if seen.decidable:
        return f"{share}, less than half: the direction stays decidable"
    if abs(seen.apparent) == spacing / 2:
        return f"{share}, just half: left and right look the same"
    if abs(seen.apparent) < 1e-6:
        return f"{share}: these samples alone show dots that stand still"
    way = "left" if seen.apparent < 0 else "right"
    return (
        f"{share}, more than half: these samples alone show the dots moving {way} by "
        f"{abs(seen.apparent):g} px"
    )


def growth(early_time_stride: int) -> list[Field]:
    """Receptive fields of I3D's layers, those that change nothing left out."""
    rows = receptive_field(i3d_layers(early_time_stride=early_time_stride))
    return [row for row in rows if "1x1" not in row.name]


def slices_picture(
    pixels_per_frame: float, spacing: float, row: Field, alt: str
) -> Picture:
    """The dots over time with one unit's field, and what its layer samples of them.

    Args:
        pixels_per_frame, spacing: of the dots.
        row: the layer.
        alt: what the picture shows.
    """
    dots = 1 - dots_slice(pixels_per_frame, spacing)
    kept = dots[:: row.jump[0]].repeat(row.jump[0], 0)[:FRAMES]
    fig, axis = figures.figure(width=4.7, height=3.5, quick=True)
    fig.subplots_adjust(0.13, 0.15, 0.96, 0.9)
    right = WIDTH + 40  # both slices stand in one pane, which draws in half the time
    for left, values in ((0, dots), (right, kept)):
        axis.imshow(
            values, cmap="gray", vmin=0, vmax=1, aspect="auto",
            interpolation="nearest", extent=(left, left + WIDTH, FRAMES, 0),
        )  # fmt: skip
    _mark_field(axis, row)
    ends = [0, 112, 224]
    axis.set_xticks([*ends, *(right + e for e in ends)], ends * 2)
    axis.set(xlim=(0, right + WIDTH), ylim=(FRAMES, 0), yticks=[0, 16, 32, 48, 64])
    axis.set(xlabel="x (px)", ylabel="time (frames)")
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    bold = {"fontsize": 10, "fontweight": "bold", "va": "bottom"}
    axis.text(0, -1.5, "all frames", **bold)
    axis.text(right, -1.5, f"kept: every {_nth(row.jump[0])}", **bold)
    return figures.picture_of(fig, alt)


def _nth(jump: int) -> str:
    """Every which frame.

    >>> [_nth(jump) for jump in (1, 2, 4, 32)]
    ['frame', '2nd frame', '4th frame', '32nd frame']
    """
    ending = "nd" if jump % 10 == 2 and jump != 12 else "th"
    return "frame" if jump == 1 else f"{jump}{ending} frame"


def _mark_field(axis, row: Field) -> None:
    """A unit in the middle of the clip; only the part inside the clip is drawn."""
    from matplotlib.patches import Rectangle

    tall, wide = row.size[0], min(row.size[1], WIDTH - 1)
    corner = (WIDTH / 2 - wide / 2, FRAMES / 2 - tall / 2)
    fill, edge = COLOURS["sky"], COLOURS["blue"]
    axis.add_patch(Rectangle(corner, wide, tall, facecolor=fill, alpha=0.35))
    axis.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=edge, lw=2.5))


@lru_cache
def growth_picture(layer: int, early_time_stride: int) -> Picture:
    """All fields, in frames over px, with one layer marked.

    Args:
        layer: index into `growth(early_time_stride)`.
        early_time_stride: 1 or 2.
    """
    fig, axis = figures.figure(width=3.1, height=3.5, quick=True)
    fig.subplots_adjust(0.19, 0.15, 0.96, 0.9)
    names = {1: (COLOURS["blue"], 120), 2: (COLOURS["red"], 315)}  # and their heights
    for stride, (colour, height) in names.items():
        rows = growth(stride)
        now = stride == early_time_stride
        x, t = [r.size[1] for r in rows], [r.size[0] for r in rows]
        axis.plot(x, t, "o-", color=colour, alpha=1.0 if now else 0.35, markersize=4)
        axis.text(605, height, f"early stride {stride}", ha="right", fontsize=9,
                  color=colour, fontweight="bold" if now else "normal")  # fmt: skip
        if now:
            axis.plot(x[layer], t[layer], "o", color=colour, markersize=9, mec="k")
    axis.axhline(FRAMES, color=GREY, linestyle="--", linewidth=1)
    axis.axvline(WIDTH, color=GREY, linestyle="--", linewidth=1)
    axis.text(600, FRAMES - 22, "64 frames", ha="right", fontsize=8, color=GREY)
    axis.text(WIDTH + 6, 8, "224 px", fontsize=8, color=GREY)
    axis.set(xlim=(0, 610), ylim=(0, 440), xlabel="field in x (px)",
             ylabel="field in time (frames)", xticks=[0, 200, 400, 600],
             yticks=[0, 100, 200, 300, 400])  # fmt: skip
    axis.set_title("fields, layer by layer", loc="left", fontsize=10, fontweight="bold")
    row = growth(early_time_stride)[layer]
    alt = (
        f"Receptive fields of I3D's layers, frames over px, for early stride 1 and 2; "
        f"marked: {row.name} with {row.size[0]} frames and {row.size[1]} px"
    )
    return figures.picture_of(fig, alt)
