"""Schematic drawings of ours: the module step by step, and the temporal shift.

Source: Kwon et al., ECCV 2020, equations 1 to 6, with the values of the released code;
the shift is that of Lin et al., TSM, ICCV 2019.  Drawn anew.
"""

from __future__ import annotations

from typing import NamedTuple

from course.teaching import figures
from course.teaching.figures import Picture

INK = "#111827"
FEATURES, MATCH, SQUEEZE, TRANSFORM = "#E5E7EB", "#BFE0F5", "#F9DFA6", "#B9E4D4"


class Step(NamedTuple):
    """A box of the drawing: number as in the chapter's table, name, shape after it."""

    number: str
    name: str
    shape: str
    colour: str


MATCHING = (
    Step("0", "features X", "B·T, C, 28, 28", FEATURES),
    Step("1", "1 x 1 conv,\nBN, ReLU", "B·T, 64, 28, 28", MATCH),
    Step("2, 3", "pairs t, t + 1;\nunit length", "2 x B(T-1), 64, 28, 28", MATCH),
    Step("4, 5", "correlation S,\nReLU", "B(T-1), 15, 15, 28, 28", MATCH),
)
SQUEEZING = (
    Step("7", "mask g around\nthe best score", "B(T-1), 225, 28, 28", SQUEEZE),
    Step("8", "softmax of\n100 · g · S", "B(T-1), 225, 28, 28", SQUEEZE),
    Step("9", "mean offset / 7\n(dx, dy)", "B(T-1), 2, 28, 28", SQUEEZE),
    Step("6", "best score:\nconfidence", "B(T-1), 1, 28, 28", SQUEEZE),
)
ADDING = (
    Step("10", "joined: D", "B(T-1), 3, 28, 28", TRANSFORM),
    Step("11", "last D twice", "B·T, 3, 28, 28", TRANSFORM),
    Step("12", "4 separable convs\n3-16-32-64-C: M", "B·T, C, 28, 28", TRANSFORM),
    Step("13", "X + M", "B·T, C, 28, 28", FEATURES),
)
WIDE, TALL = 1.9, 0.78  # inches of a box


def module_schematic() -> Picture:
    """The MotionSqueeze module: match, squeeze, transform and add, with shapes."""
    fig, axis = _page(9.6, 4.75)
    columns = [1.72 + 2.22 * i for i in range(4)]
    for y, name in ((3.85, "match"), (2.3, "squeeze"), (0.75, "transform\nand add")):
        axis.text(0.32, y, name, size=11, weight="bold", ha="center", va="center",
                  rotation=90, color=INK)  # fmt: skip
    for x, step in zip(columns, MATCHING, strict=True):
        _step(axis, x, 3.85, step)
    # Scores lie at the right end of the first row: the second one is read leftwards.
    for x, step in zip((*columns[2::-1], columns[3]), SQUEEZING, strict=True):
        _step(axis, x, 2.3, step)
    for x, step in zip(columns, ADDING, strict=True):
        _step(axis, x, 0.75, step)
    half, up = WIDE / 2, TALL / 2
    for y, starts in ((3.85, (0, 1, 2)), (0.75, (0, 1, 2))):
        for i in starts:
            _arrow(axis, (columns[i] + half, y), (columns[i + 1] - half, y))
    for i in (2, 1):
        _arrow(axis, (columns[i] - half, 2.3), (columns[i - 1] + half, 2.3))
    below = 3.85 - up - 0.24
    _arrow(axis, (columns[3], below), (columns[3], 2.3 + up))
    axis.plot((columns[3], columns[2]), (below - 0.14,) * 2, color=INK, linewidth=1)
    _arrow(axis, (columns[2], below - 0.14), (columns[2], 2.3 + up))
    low = 2.3 - up - 0.24
    _arrow(axis, (columns[0], low), (columns[0], 0.75 + up))
    axis.plot((columns[3], columns[3], columns[0]), (low, low - 0.16, low - 0.16),
              color=INK, linewidth=1)  # fmt: skip
    _skip(axis, columns, half)
    alt = (
        "The MotionSqueeze module in three rows. Match: features X, a 1 x 1 "
        "convolution to 64 channels, pairs of frames of unit length, their correlation "
        "S over 15 x 15 offsets. Squeeze: a Gaussian mask around the best score, a "
        "softmax, the mean offset; beside it the best score as confidence. Transform "
        "and add: both joined to three channels, the last repeated, four separable "
        "convolutions, added to F"
    )
    return figures.picture_of(fig, alt)


def _skip(axis, columns: list[float], half: float) -> None:
    """F goes round everything to the sum."""
    left, right = columns[0] - half - 0.14, columns[3] + half + 0.14
    xs = (columns[0] - half, left, left, right, right)
    ys = (3.85, 3.85, 4.5, 4.5, 0.75)
    axis.plot(xs, ys, color=INK, linewidth=1, linestyle="--")
    _arrow(axis, (right, 0.75), (columns[3] + half, 0.75))
    axis.text(sum(columns) / 4, 4.56, "X itself", size=9, ha="center", va="bottom",
              color=INK)  # fmt: skip


def shift_schematic(frames: int = 4, groups: int = 8) -> Picture:
    """The temporal shift: which frame each group of channels comes from.

    Args:
        frames: of the clip.
        groups: of channels; one is taken from the next frame and one from the last.

    Raises:
        ValueError: fewer than two frames, or than three groups.

    >>> shift_schematic().alt[:18]
    'The temporal shift'
    """
    if frames < 2 or groups < 3:
        raise ValueError(
            f"a shift needs 2 frames and 3 groups, got {frames} and {groups}"
        )
    fig, axis = _page(8.2, 3.3)
    kept = [[t] * groups for t in range(frames)]
    moved = [shifted_column(t, frames, groups) for t in range(frames)]
    for left, columns, title in (
        (0.6, kept, "before"), (4.5, moved, "after the shift"),
    ):  # fmt: skip
        _grid(axis, left, columns, title)
    _arrow(axis, (3.25, 1.55), (3.95, 1.55))
    size = 2.4 / groups
    for row, text in (
        (0, "from t + 1"),
        (1, "from t - 1"),
        (groups // 2 + 0.5, "stay"),
    ):
        axis.text(7.02, 2.75 - (row + 0.5) * size, text, size=9, va="center", ha="left",
                  color=INK)  # fmt: skip
    alt = (
        f"The temporal shift on {frames} frames: of {groups} groups of channels the "
        "first is taken from the next frame, the second from the one before, the rest "
        "stay; what comes from outside the clip is zero"
    )
    return figures.picture_of(fig, alt)


def shifted_column(t: int, frames: int, groups: int) -> list[int | None]:
    """The frame that each group of channels of frame t comes from; None: zeros.

    >>> shifted_column(0, 4, 5)
    [1, None, 0, 0, 0]
    """
    sources = [t + 1, t - 1] + [t] * (groups - 2)
    return [s if 0 <= s < frames else None for s in sources]


def _grid(axis, left: float, columns, title: str) -> None:
    """Channels downwards, frames to the right; each cell has its frame's number."""
    from matplotlib.patches import Rectangle

    shades = ("#BFE0F5", "#F9DFA6", "#B9E4D4", "#EBCBDD")
    size, wide = 2.4 / len(columns[0]), 2.4 / len(columns)
    for t, column in enumerate(columns):
        for row, source in enumerate(column):
            corner = (left + t * wide, 2.75 - (row + 1) * size)
            colour = "white" if source is None else shades[source % len(shades)]
            axis.add_patch(Rectangle(corner, wide, size, facecolor=colour,
                                     edgecolor=INK, linewidth=0.8))  # fmt: skip
            text = "0" if source is None else f"frame {source + 1}"
            axis.text(corner[0] + wide / 2, corner[1] + size / 2, text, size=8,
                      ha="center", va="center", color=INK)  # fmt: skip
        axis.text(left + (t + 0.5) * wide, 0.2, f"t = {t + 1}", size=9, ha="center",
                  va="center", color=INK)  # fmt: skip
    axis.text(left + 1.2, 2.98, title, size=11, weight="bold", ha="center", va="center",
              color=INK)  # fmt: skip
    axis.text(left - 0.14, 1.55, "channels", size=9, ha="center", va="center",
              rotation=90, color=INK)  # fmt: skip


def _page(width: float, height: float):
    """An empty page measured in inches."""
    fig, axis = figures.figure(width=width, height=height, quick=True)
    fig.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(0, width), ylim=(0, height), aspect="auto")
    axis.set_axis_off()
    return fig, axis


def _step(axis, x: float, y: float, step: Step) -> None:
    """A box with its number, and the shape of what leaves it below."""
    from matplotlib.patches import FancyBboxPatch

    axis.add_patch(
        FancyBboxPatch(
            (x - WIDE / 2 + 0.03, y - TALL / 2 + 0.03), WIDE - 0.06, TALL - 0.06,
            facecolor=step.colour, edgecolor=INK, linewidth=0.8,
            boxstyle="round,pad=0.02,rounding_size=0.06",
        )
    )  # fmt: skip
    axis.text(x - WIDE / 2 + 0.07, y + TALL / 2 - 0.06, step.number, size=8, ha="left",
              va="top", color="#374151", weight="bold")  # fmt: skip
    axis.text(x + 0.08, y, step.name, size=10, ha="center", va="center", color=INK)
    axis.text(x, y - TALL / 2 - 0.12, step.shape, size=8.5, ha="center", va="center",
              color="#374151", family="monospace",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip


def _arrow(axis, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=style)
