"""Where a network's parameters are: a treemap, drawn in pixels.

Source: the parameters are those of Carreira & Zisserman, CVPR 2017, table 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from course.i3d.architectures import NAMES
from course.i3d.drawings.squarify import Box, squarify
from course.i3d.published import tables
from course.teaching.figures import COLOURS, Picture, image_png
from course.teaching.lettering import INK, PAPER, font

# Millions of parameters as table 1 prints them: 8.9 became 9, but 79.6 became 79.
_SIZES = zip(NAMES, tables.TABLE_1.values(), strict=True)
TABLE_1 = {name: size.millions for name, size in _SIZES}
TITLES = {
    "lstm": "ConvNet + LSTM",
    "c3d": "3D-ConvNet (C3D)",
    "two_stream": "Two-Stream",
    "fused": "3D-Fused Two-Stream",
    "i3d": "Two-Stream I3D",
}
KINDS = {  # what a tensor is, its colour, and the colour of letters on it
    "kernels over time": (COLOURS["red"], INK),
    "kernels in space": (COLOURS["blue"], PAPER),
    "1 x 1 kernels": (COLOURS["sky"], INK),
    "fully connected": (COLOURS["orange"], INK),
    "recurrent": (COLOURS["green"], INK),
    "shifts": ("#6B7280", PAPER),
}
GROUPINGS = ("by kind", "by stage")
Tensors = Sequence[tuple[str, tuple[int, ...]]]


class Leaf(NamedTuple):
    """One tensor in the map."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)

    @property
    def kind(self) -> str:
        """One of `KINDS`, from the shape and, for the LSTM's, the name.

        >>> Leaf("conv.weight", (64, 3, 7, 7, 7)).kind
        'kernels over time'
        """
        if len(self.shape) < 2:
            return "shifts"
        if len(self.shape) == 2:
            recurrent = re.search(r"lstm|from_input|from_state|_[ih]h", self.name)
            return "recurrent" if recurrent else "fully connected"
        if len(self.shape) == 5 and self.shape[2] > 1:
            return "kernels over time"
        return "kernels in space" if max(self.shape[2:]) > 1 else "1 x 1 kernels"

    @property
    def stage(self) -> str:
        """The stage of Inception-v1, or the first part of the name.

        >>> Leaf("flow.Mixed_4b.Branch_0.conv_3d.weight", (192, 480, 1, 1, 1)).stage
        'flow, stage 4'
        """
        parts = [p for p in self.name.split(".") if p != "net2d"]
        stream = f"{parts.pop(0)}, " if parts[0] in ("rgb", "flow") else ""
        inception = re.match(r"(?:Conv3d|Mixed)_(\d)", parts[0])
        return stream + (f"stage {inception[1]}" if inception else parts[0])


def leaves_of(tensors: Tensors) -> list[Leaf]:
    """The tensors, largest first.

    Raises:
        ValueError: there is none, or one is empty.
    """
    leaves = [Leaf(name, tuple(int(n) for n in shape)) for name, shape in tensors]
    empty = [leaf.name for leaf in leaves if leaf.size < 1]
    if not leaves or empty:
        raise ValueError(f"a treemap needs tensors, none empty; got {empty or leaves}")
    return sorted(leaves, key=lambda leaf: (-leaf.size, leaf.name))


def parameter_sentence(leaves: Sequence[Leaf], millions: int | None = None) -> str:
    """Total, largest tensor and the share of each kind, in words.

    >>> leaves = leaves_of([("fc.weight", (400, 1000)), ("conv.weight", (5, 2, 3, 3))])
    >>> parameter_sentence(leaves).split(". ")[0]
    '400,090 parameters'
    """
    total, largest = sum(leaf.size for leaf in leaves), leaves[0]
    table = f" (table 1 of the paper: {millions}M)" if millions else ""
    shape = " x ".join(map(str, largest.shape))
    shares: dict[str, int] = {}
    for leaf in leaves:
        shares[leaf.kind] = shares.get(leaf.kind, 0) + leaf.size
    kinds = sorted(shares.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{kind} {100 * n / total:.1f} %" for kind, n in kinds)
    return (
        f"{total:,} parameters{table}. The largest tensor is {largest.name}, {shape} = "
        f"{largest.size / 1e6:.1f} M, {100 * largest.size / total:.0f} % of all. By "
        f"kind: {listed}."
    )


def treemap_picture(
    leaves: Sequence[Leaf], grouping: str, alt: str, width: int = 860, height: int = 430
) -> Picture:
    """Tensors as boxes of their size, in groups, coloured by kind.

    Args:
        leaves: from `leaves_of`.
        grouping: one of `GROUPINGS`.
        alt: what the picture shows.
        width, height: px of the map, without the key below it.

    Raises:
        ValueError: an unknown grouping.
    """
    from PIL import Image, ImageDraw

    if grouping not in GROUPINGS:
        raise ValueError(f"groupings are {', '.join(GROUPINGS)}; got {grouping!r}")
    groups: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        key = leaf.kind if grouping == "by kind" else leaf.stage
        groups.setdefault(key, []).append(leaf)
    totals = {name: sum(leaf.size for leaf in group) for name, group in groups.items()}
    order = sorted(groups, key=lambda name: -totals[name])
    page = Image.new("RGB", (width, height + 26), PAPER)
    pen = ImageDraw.Draw(page)
    boxes = squarify([totals[name] for name in order], (0, 0, width, height))
    for name, box in zip(order, boxes, strict=True):
        _draw_group(pen, f"{name}: {_millions(totals[name])}", groups[name], box)
    _draw_key(pen, {leaf.kind for leaf in leaves}, height + 6)
    return Picture(image_png(np.asarray(page)), alt, width)


def _draw_group(pen, title: str, leaves: Sequence[Leaf], box: Box) -> None:
    """A frame with a heading, where there is room for one, around its tensors."""
    left, top, wide, tall = box[0] + 2, box[1] + 2, box[2] - 4, box[3] - 4
    if wide < 3 or tall < 3:
        pen.rectangle((*box[:2], box[0] + box[2], box[1] + box[3]), fill="#6B7280")
        return
    if tall > 40 and font(12, True).getlength(title) < wide:
        pen.text((left + 1, top + 7), title, INK, font(12, True), anchor="lm")
        top, tall = top + 16, tall - 16
    sizes = [leaf.size for leaf in leaves]
    cells = squarify(sizes, (left, top, wide, tall))
    for leaf, cell in zip(leaves, cells, strict=True):
        _draw_leaf(pen, leaf, cell)


def _draw_leaf(pen, leaf: Leaf, cell: Box) -> None:
    left, top = cell[:2]
    right, bottom = left + cell[2], top + cell[3]
    colour, ink = KINDS[leaf.kind]
    corners = (round(left), round(top), round(right), round(bottom))
    edge = PAPER if min(cell[2:]) >= 4 else None
    pen.rectangle(corners, fill=colour, outline=edge)
    lines = [_short(leaf.name), "x".join(map(str, leaf.shape)), _millions(leaf.size)]
    fitting = [t for t in lines if font(11).getlength(t) < cell[2] - 8]
    room = int((cell[3] - 4) // 14)
    for row, text in enumerate(fitting[-room:] if room > 0 else []):
        pen.text((left + 5, top + 10 + 14 * row), text, ink, font(11), anchor="lm")


def _short(name: str) -> str:
    """The name for a tile: what the group's heading does not say already.

    >>> _short("rgb.Mixed_4f.Branch_1.Conv3d_0b_3x3.conv_3d.weight")
    '4f branch 1, 3x3'
    >>> _short("flow.Conv3d_2c_3x3.conv_3d.weight")
    '2c, 3x3'
    """
    name = re.sub(r"^(rgb|flow|net2d)\.|\.conv_3d|\.weight", "", name)
    branch = r"Mixed_(\w\w)\.Branch_(\d)\.Conv3d_\w\w_(\dx\d)"
    name = re.sub(branch, r"\1 branch \2, \3", name)
    return re.sub(r"^Conv3d_(\w\w)_", r"\1, ", name).split(".Conv3d")[0]


def _draw_key(pen, kinds: set[str], top: int) -> None:
    at = 2
    for kind, (colour, _) in KINDS.items():
        if kind in kinds:
            pen.rectangle((at, top + 2, at + 13, top + 15), fill=colour)
            pen.text((at + 19, top + 9), kind, INK, font(12), anchor="lm")
            at += 34 + int(font(12).getlength(kind))


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 50_000 else f"{count / 1e3:.1f} k"


def built_tensors() -> dict[str, Tensors]:
    """Names and shapes of the parameters of the five architectures, by name."""
    import torch

    from course.i3d.architectures import NAMES, build

    found: Mapping[str, Tensors] = {}
    with torch.device("meta"):  # shapes without memory
        found = {
            name: [(k, tuple(p.shape)) for k, p in build(name).named_parameters()]
            for name in NAMES
        }
    return dict(found)
