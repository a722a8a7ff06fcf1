"""TensorFlow's "SAME" padding, which the published I3D network was trained with.

A window of k cells moving in steps of s over n cells must give ceil(n / s) outputs.
Per axis that takes

    total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
    before = total // 2,    after = total - before

cells of padding: it depends on the size of the input and may be uneven.  A 7-wide
window with stride 2 over an even size gets 2 before and 3 after; a symmetric padding of
3 gives as many outputs, but looks one cell further left.

Convolutions pad with zeros, max-pooling with minus infinity (the padding never wins).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Cells of padding before and after one axis.

    Args:
        size, kernel, stride: of the axis, in cells.

    Returns:
        (before, after); after is before or before + 1.

    Raises:
        ValueError: if a number is less than 1.

    Source: TensorFlow's "SAME" rule.

    >>> same_padding(224, 7, 2), same_padding(79, 7, 2), same_padding(7, 2, 2)
    ((2, 3), (3, 3), (0, 1))
    """
    if min(size, kernel, stride) < 1:
        raise ValueError(
            f"size, kernel and stride must be >= 1, got {size}, {kernel}, {stride}"
        )
    total = max(kernel - (size % stride or stride), 0)
    return total // 2, total - total // 2


def pad_same(
    x: Float[Tensor, "b c *size"],
    kernel: Sequence[int],
    stride: Sequence[int],
    value: float = 0.0,
) -> Float[Tensor, "b c *padded"]:
    """Pad the trailing axes so that a window without padding gives ceil(n / s) outputs.

    Args:
        x: pictures (B, C, H, W) or clips (B, C, T, H, W).
        kernel, stride: one number per trailing axis.
        value: what to pad with.

    Returns:
        `x` itself if nothing is missing, else a larger copy.

    Raises:
        ValueError: if kernel and stride do not name the axes after (B, C).

    >>> import torch
    >>> tuple(pad_same(torch.zeros(1, 3, 16, 112, 112), (7, 7, 7), (2, 2, 2)).shape)
    (1, 3, 21, 117, 117)
    """
    amounts: list[int] = []
    for axis in _amounts(x, kernel, stride):
        amounts = [*axis, *amounts]  # F.pad counts from the last axis
    return F.pad(x, amounts, value=value) if any(amounts) else x


def max_pool_same(
    x: Float[Tensor, "b c *size"], kernel: Sequence[int], stride: Sequence[int]
) -> Float[Tensor, "b c *smaller"]:
    """Max-pooling with SAME padding over two or three trailing axes.

    Nothing is copied where torch's own pooling can do it: it pads evenly by `before`,
    and with `ceil_mode` the last window may stick out by the cell that is missing.

    Args:
        x: pictures (B, C, H, W) or clips (B, C, T, H, W).
        kernel, stride: one number per trailing axis.

    Returns:
        Maps of ceil(n / s) cells per axis.

    Raises:
        ValueError: if kernel and stride do not name the axes after (B, C).

    >>> import torch
    >>> max_pool_same(torch.tensor([[[[3.0, 1.0, 2.0]]]]), (1, 2), (1, 2))
    tensor([[[[3., 2.]]]])
    """
    before = [left for left, _ in _amounts(x, kernel, stride)]
    axes = zip(kernel, stride, strict=True)
    if any(s == 1 and k % 2 == 0 for k, s in axes):  # ceil_mode would see no gap here
        x, before = pad_same(x, kernel, stride, float("-inf")), [0] * len(before)
    pool = F.max_pool2d if x.ndim == 4 else F.max_pool3d
    return pool(x, tuple(kernel), tuple(stride), tuple(before), ceil_mode=True)


def _amounts(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int]
) -> list[tuple[int, int]]:
    if x.ndim not in (4, 5) or not len(kernel) == len(stride) == x.ndim - 2:
        raise ValueError(
            f"kernel {tuple(kernel)} and stride {tuple(stride)} must name the axes "
            f"after (B, C) of {tuple(x.shape)}"
        )
    sizes = x.shape[2:]
    return [same_padding(*axis) for axis in zip(sizes, kernel, stride, strict=True)]
