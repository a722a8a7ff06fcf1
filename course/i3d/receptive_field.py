"""Receptive fields of I3D: what stretch of the video one unit can see.

Source: Carreira & Zisserman, CVPR 2017, figure 3, which prints five receptive fields.
The recursion reproduces the first three.  The last two come out as printed only with
four Inception modules in stage 4; the figure itself, the official code and the
published weights have five, so 67 x 251 and 107 x 571 are right for the released net.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Size = tuple[int, int, int]
Layer = tuple[str, Size, Size]


class Field(NamedTuple):
    """A unit behind layer `name` sees `size` and moves by `jump`: (t, h, w)."""

    name: str
    size: Size
    jump: Size


def receptive_field(layers: Sequence[Layer]) -> list[Field]:
    """Size and step of the receptive field behind each layer of a chain.

    Args:
        layers: (name, kernel, stride) from the input on; kernel and stride (t, h, w).

    Returns:
        one row a layer: `size` and `jump` in frames and px of the input, (t, h, w).
        The sizes ignore the borders: a field may be larger than the clip.

    Raises:
        ValueError: a kernel or a stride that is not three whole numbers from 1 on.

    Source: size += (kernel - 1) * jump, then jump *= stride, on each axis.

    >>> layers = [("conv", (3, 7, 7), (1, 2, 2)), ("pool", (1, 3, 3), (1, 2, 2))]
    >>> receptive_field(layers)[-1]
    Field(name='pool', size=(3, 11, 11), jump=(1, 4, 4))
    """
    size, jump, rows = [1, 1, 1], [1, 1, 1], []
    for name, kernel, stride in layers:
        for axes in (kernel, stride):
            if len(axes) != 3 or any(int(a) != a or a < 1 for a in axes):
                raise ValueError(f"{name}: needs three whole numbers >= 1, got {axes}")
        for axis in range(3):
            size[axis] += (kernel[axis] - 1) * jump[axis]
            jump[axis] *= stride[axis]
        rows.append(Field(name, _triple(size), _triple(jump)))
    return rows


def i3d_layers(stage4_modules: int = 5, early_time_stride: int = 1) -> list[Layer]:
    """The layers of I3D that widen the receptive field or thin out its samples.

    An Inception module counts as its widest path, one 3 x 3 x 3 convolution.

    Args:
        stage4_modules: Inception modules between pool 4a and pool 5a, 1 to 5; the
            released net has 5.
        early_time_stride: 1 as in I3D, whose pools 2a and 3a leave time alone; 2 makes
            these two symmetric (kernel 3 x 3 x 3, stride 2 on all axes).

    Returns:
        (name, kernel, stride) by endpoint, the last being the average pool.

    Raises:
        ValueError: an argument outside its range.

    Source: figure 3 and the official code's endpoints.

    >>> [name for name, *_ in i3d_layers()][:3]
    ['Conv3d_1a_7x7', 'MaxPool3d_2a_3x3', 'Conv3d_2b_1x1']
    """
    if stage4_modules not in range(1, 6):
        raise ValueError(f"stage4_modules must be 1 to 5, got {stage4_modules}")
    if early_time_stride not in (1, 2):
        raise ValueError(f"early_time_stride must be 1 or 2, got {early_time_stride}")
    early = (3, 3, 3) if early_time_stride == 2 else (1, 3, 3)
    early_stride = (early_time_stride, 2, 2)
    one, two, three = (1, 1, 1), (2, 2, 2), (3, 3, 3)
    stage4 = [f"Mixed_4{letter}" for letter in "bcdef"[:stage4_modules]]
    return [
        ("Conv3d_1a_7x7", (7, 7, 7), two),
        ("MaxPool3d_2a_3x3", early, early_stride),
        ("Conv3d_2b_1x1", one, one),
        ("Conv3d_2c_3x3", three, one),
        ("MaxPool3d_3a_3x3", early, early_stride),
        *((f"Mixed_3{letter}", three, one) for letter in "bc"),
        ("MaxPool3d_4a_3x3", three, two),
        *((name, three, one) for name in stage4),
        ("MaxPool3d_5a_2x2", two, two),
        *((f"Mixed_5{letter}", three, one) for letter in "bc"),
        ("AvgPool3d_6a_7x7", (2, 7, 7), one),
    ]


# Figure 3 as printed: layer -> (frames, px).
PAPER_FIELDS = {
    "MaxPool3d_2a_3x3": (7, 11),
    "MaxPool3d_3a_3x3": (11, 27),
    "MaxPool3d_4a_3x3": (23, 75),
    "MaxPool3d_5a_2x2": (59, 219),
    "AvgPool3d_6a_7x7": (99, 539),
}


def _triple(values: Sequence[int]) -> Size:
    t, h, w = values
    return t, h, w
