"""Scene debiasing in one picture: a schematic of ours.

Source: SDN (Choi et al., NeurIPS 2019), its method section.  Drawn anew.
"""

from __future__ import annotations

from typing import NamedTuple

from course.teaching import figures
from course.teaching.figures import Picture

INK, FAINT = "#111827", "#4B5563"
DOWN, UP = "#0072B2", "#8E3B6F"  # a gradient as it is, and one that comes reversed
HIDDEN = "#00684C"  # the way of clips without their human
CLIP, SHARED, ACTION, SCENE = "#E5E7EB", "#BFE0F5", "#B9E4D4", "#F9DFA6"
WIDE, TALL, LANE = 1.5, 0.8, 0.22  # inches of a box; between ways side by side


class Box(NamedTuple):
    """A box of the drawing: its middle in inches, its words, its colour."""

    x: float
    y: float
    words: str
    colour: str


CLIPS = Box(0.95, 2.45, "clip", CLIP)
MASKED = Box(0.95, 0.6, "the clip without\nits human", CLIP)
BACKBONE = Box(3.0, 1.5, "backbone G", SHARED)
FEATURES = Box(4.9, 1.5, "features\nG(x)", SHARED)
ACTION_HEAD = Box(6.8, 1.5, "action head\n$f_A$", ACTION)
REVERSAL = Box(4.9, 3.1, "reversal", SCENE)
SCENE_HEAD = Box(6.8, 3.1, "scene head\n$f_S$", SCENE)
LOSSES = (
    (3.25, "$L_{Adv}$: cross-entropy\nwith the scene", INK,
     "falls for the scene head,\nrises for the features", UP),
    (1.95, "$L_{CE}$: cross-entropy\nwith the action", INK,
     "falls for head and features", DOWN),
    (0.9, "$L_{Ent}$: entropy without\nthe human", HIDDEN,
     "rises for head and features", DOWN),
)  # fmt: skip


def sdn_schematic() -> Picture:
    """Scene debiasing: both losses beside that of the action, and their gradients."""
    fig, axis = figures.figure(width=9.6, height=3.7, quick=True)
    fig.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(0, 9.6), ylim=(0, 3.7), aspect="auto")
    axis.set_axis_off()
    for box in (CLIPS, MASKED, BACKBONE, FEATURES, ACTION_HEAD, REVERSAL, SCENE_HEAD):
        _box(axis, box)
    _forward(axis)
    _backward(axis)
    for y, words, ink, aim, colour in LOSSES:
        axis.text(7.75, y, words, size=9.5, va="center", color=ink)
        axis.text(7.75, y - 0.25, aim, size=8.5, va="top", color=colour, style="italic")
    alt = (
        "Scene debiasing: clips and clips without their human pass the same backbone "
        "to features; of unmasked clips an action head takes the cross-entropy with "
        "the action, and a scene head behind a gradient reversal that with the scene, "
        "which falls for the head and, times lambda, rises for the features; of masked "
        "clips the entropy of the action head rises"
    )
    return figures.picture_of(fig, alt)


def _forward(axis) -> None:
    """The way of clips in black, that of masked clips below it in green."""
    half = WIDE / 2
    for start, shift, colour in ((CLIPS, LANE, INK), (MASKED, 0.0, HIDDEN)):
        y = BACKBONE.y + shift
        _arrow(axis, (start.x + half, start.y), (BACKBONE.x - half, y), colour)
        for left, right in ((BACKBONE, FEATURES), (FEATURES, ACTION_HEAD)):
            _arrow(axis, (left.x + half, y), (right.x - half, y), colour)
    x = FEATURES.x - 0.2
    _arrow(axis, (x, FEATURES.y + TALL / 2), (x, REVERSAL.y - TALL / 2))
    y = REVERSAL.y
    _arrow(axis, (REVERSAL.x + half, y), (SCENE_HEAD.x - half, y))


def _backward(axis) -> None:
    """What flows back, dashed: through the reversal, and from the action head."""
    half, x, y = WIDE / 2, REVERSAL.x + 0.05, REVERSAL.y - LANE
    bottom, top = FEATURES.y + TALL / 2, REVERSAL.y - TALL / 2
    _arrow(axis, (SCENE_HEAD.x - half, y), (REVERSAL.x + half, y), DOWN, "--")
    _arrow(axis, (x, top), (x, bottom), UP, "--")
    axis.text(x + 0.12, (top + bottom) / 2, "gradient, times $-\\lambda$", color=UP,
              va="center", size=9.5)  # fmt: skip
    for right, left in ((ACTION_HEAD, FEATURES), (FEATURES, BACKBONE)):
        start = right.x - half, right.y - LANE
        _arrow(axis, start, (left.x + half, left.y - LANE), DOWN, "--")
    axis.text(FEATURES.x, 0.75, "dashed: gradients on their way back", size=9,
              ha="center", color=FAINT)  # fmt: skip


def _box(axis, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    pad = 0.03
    axis.add_patch(
        FancyBboxPatch(
            (box.x - WIDE / 2 + pad, box.y - TALL / 2 + pad),
            WIDE - 2 * pad, TALL - 2 * pad, facecolor=box.colour, edgecolor=INK,
            linewidth=0.8, boxstyle="round,pad=0.02,rounding_size=0.06",
        )
    )  # fmt: skip
    axis.text(box.x, box.y, box.words, size=10, ha="center", va="center", color=INK)


def _arrow(
    axis, start: tuple[float, float], end: tuple[float, float], colour: str = INK,
    line: str = "-",
) -> None:  # fmt: skip
    look = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops={**look, "linestyle": line})
