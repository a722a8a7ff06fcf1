"""Two schematic drawings of ours: the paper in one figure, and its five architectures.

Source: Carreira & Zisserman, CVPR 2017, section 2.4 (inflation) and section 2 (the
architectures); drawn anew.
"""

from __future__ import annotations

import numpy as np

from course.i3d.drawings.boring_video import (
    KERNEL,
    responses,
    signed_colours,
    still_image,
    still_kernels,
)
from course.teaching import figures
from course.teaching.figures import COLOURS, Picture

INK, RGB, FLOW, NET2D, NET3D, HEAD = (
    "#111827", "#BFDBFE", "#FDE1B0", COLOURS["sky"], COLOURS["red"], "#D1D5DB",
)  # fmt: skip


def paper_in_one_figure() -> Picture:
    """Inflation on a still picture: N kernels of w / N give the answer of w."""
    still, kernel = still_image("shapes"), still_kernels()["vertical edge"]
    answer = responses(still[None], kernel, 1)[0][0].numpy()
    fig, axis = figures.figure(width=9.0, height=4.0, quick=True)
    strongest, heaviest = float(np.abs(answer).max()), float(kernel.abs().max())
    shown = signed_colours(answer, strongest)
    frame = (255 * still[..., None].expand(-1, -1, 3)).numpy().astype(np.uint8)
    for middle, count in ((3.1, 1), (1.15, 3)):
        tap = signed_colours(kernel.numpy() / count, heaviest)
        _stack(axis, frame, 1.75, middle, count, 1.1)
        _stack(axis, tap, 4.2, middle, count, 0.85)
        _stack(axis, shown, 6.7, middle, count, 1.1)
        for x, sign in ((3.1, "∗"), (5.4, "=")):
            axis.text(x, middle, sign, size=22, ha="center", va="center", color=INK)
    _bare(fig, axis, 9.0, 4.0)
    _word(axis, 0.5, 3.1, "image", 12, weight="bold")
    _word(axis, 0.5, 1.15, "boring\nvideo", 12, weight="bold")
    _word(axis, 1.75, 2.3, "one frame x", 10)
    _word(axis, 4.2, 2.42, f"kernel w, {KERNEL} x {KERNEL}", 10)
    _word(axis, 6.7, 2.3, "w ∗ x", 10)
    _word(axis, 1.75, 0.2, "x, x, x: N frames", 10)
    _word(axis, 4.2, 0.2, "w/N, w/N, w/N: inflated", 10)
    _word(axis, 6.7, 0.2, "N · (w/N) ∗ x = w ∗ x, in each frame", 10)
    _word(
        axis, 8.3, 1.15, "then ReLU,\nbatch norm,\npooling:\nstill constant\nin time", 9
    )
    alt = (
        "Above: an image, a 2-D kernel and its response. Below: the image repeated as "
        "a video, the kernel repeated and divided by N, and the same response in each "
        "frame"
    )
    return figures.picture_of(fig, alt)


def five_architectures() -> Picture:
    """What each of the five reads, which nets it has, and where streams meet."""
    fig, axis = figures.figure(width=9.6, height=3.7, quick=True)
    _bare(fig, axis, 9.6, 3.7)
    titles = ("(a) ConvNet + LSTM", "(b) 3D-ConvNet", "(c) Two-Stream",
              "(d) 3D-Fused", "(e) Two-Stream I3D")  # fmt: skip
    for i, title in enumerate(titles):
        axis.text(0.98 + 1.91 * i, 3.5, title, size=10, weight="bold", ha="center",
                  va="center", color=INK)  # fmt: skip
    for shift, name in ((-0.6, "frame\n1"), (0.0, "…"), (0.6, "frame\nK")):
        _chain(axis, 0.98 + shift, [(name, RGB), ("2-D", NET2D), ("LSTM", "#8FD3BF")],
               0.52)  # fmt: skip
    for x in (0.72, 1.32):  # state handed on
        axis.annotate("", (x, 2.05), (x - 0.08, 2.05), arrowprops=_arrow())
    _box(axis, 0.98, 2.98, "answer of\nthe last step", HEAD, 1.3)
    _arrow_up(axis, 1.58, 2.33, 2.7)
    _chain(axis, 2.89, [("frames\n1 … K", RGB), ("3-D, from\nscratch", NET3D),
                        ("linear\nlayers", HEAD)], 1.25)  # fmt: skip
    _box(axis, 2.89, 2.98, "answer", HEAD, 1.25)
    _arrow_up(axis, 2.89, 2.33, 2.7)
    for middle, shown, net, meet in (
        (4.80, ("1 frame", "10 flow\nframes"), ("2-D", NET2D), "mean of\npredictions"),
        (6.71, ("5 frames", "5 flow\nstacks"), ("2-D", NET2D), "3-D conv,\n3-D pool"),
        (8.62, ("frames\n1 … K", "flow\n1 … K"), ("3-D,\ninflated", NET3D),
         "predictions\njoined"),
    ):  # fmt: skip
        for x, what, colour in zip((-0.44, 0.44), shown, (RGB, FLOW), strict=True):
            _chain(axis, middle + x, [(what, colour), net], 0.8)
            _arrow_up(axis, middle + x, 1.5, 1.77)
        _box(axis, middle, 2.05, meet, NET3D if "conv" in meet else HEAD, 1.5)
        _arrow_up(axis, middle, 2.33, 2.7)
        _box(axis, middle, 2.98, "answer", HEAD, 1.25)
    alt = (
        "The five architectures: a 2-D net per frame and an LSTM; a 3-D net from "
        "scratch; a frame and a flow stack in two 2-D nets; the same joined by a 3-D "
        "convolution; frames and flow in two inflated 3-D nets"
    )
    return figures.picture_of(fig, alt)


def _bare(fig, axis, width: float, height: float) -> None:
    """An empty page measured in inches."""
    fig.subplots_adjust(0, 0, 1, 1)
    axis.set(xlim=(0, width), ylim=(0, height), aspect="auto")
    axis.set_axis_off()


def _word(axis, x: float, y: float, text: str, size: int, **options) -> None:
    axis.text(x, y, text, size=size, ha="center", va="center", color=INK, **options)


def _stack(
    axis, image: np.ndarray, x: float, y: float, count: int, side: float
) -> None:
    """Copies behind each other around (x, y), the first in front."""
    for i in reversed(range(count)):
        off = 0.17 * (i - (count - 1) / 2)
        left, low = x - side / 2 + off, y - side / 2 + off
        box = (left, left + side, low, low + side)
        axis.imshow(image, extent=box, zorder=9 - i, interpolation="nearest")
        axis.plot(
            [box[0], box[1], box[1], box[0], box[0]],
            [box[2], box[2], box[3], box[3], box[2]],
            color=INK, linewidth=1, zorder=9 - i,
        )  # fmt: skip


def _box(axis, x: float, y: float, text: str, colour: str, width: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2 + 0.05, y - 0.25), width - 0.1, 0.5, facecolor=colour,
            boxstyle="round,pad=0.02,rounding_size=0.06", edgecolor=INK, linewidth=0.8,
        )
    )  # fmt: skip
    axis.text(x, y, text, size=8.5, ha="center", va="center", color=INK, zorder=5)


def _arrow() -> dict:
    return {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}


def _arrow_up(axis, x: float, low: float, high: float) -> None:
    axis.annotate("", (x, high), (x, low), arrowprops=_arrow())


def _chain(axis, x: float, boxes: list[tuple[str, str]], width: float) -> None:
    """Boxes from bottom to top, with arrows between them."""
    for i, (text, colour) in enumerate(boxes):
        y = 0.4 + 0.825 * i
        _box(axis, x, y, text, colour, width)
        if i:
            _arrow_up(axis, x, y - 0.55, y - 0.28)
