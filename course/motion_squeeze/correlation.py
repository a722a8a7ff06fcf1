"""Local correlation: how well does each cell match its neighbours one frame later?

Source: Kwon et al., ECCV 2020, equation 1: s(x, p) = <F1 at x, F2 at x + p> for every
displacement p of a window of P x P cells, P = 2 * max_displacement + 1.

The work is cut into tiles (`tiles.py`): few rows of queries, the rows of keys that
their windows reach, one matrix product, and a view of the part that was wanted.  The
plainer ways up to here are in `ladder.py`.

Known differences from the official code: it normalises inside its correlation and
applies a ReLU after it; here `normalise` is separate, and features that are not
negative need no ReLU.  Features in half precision are multiplied in float32, autocast
or not, since a volume rounded to bfloat16 moves the best match of 2 % of the cells.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from course.motion_squeeze.checks import whole_number
from course.motion_squeeze.tiles import multiply, push_back, tiles


def normalise(
    features: Float[Tensor, "b c h w"], eps: float = 1e-6
) -> Float[Tensor, "b c h w"]:
    """Give every cell's feature vector the length one.

    Args:
        features: (B, C, H, W).
        eps: added to the squared length, inside the root, so that zero stays zero.

    Returns:
        features / sqrt(sum over C of features^2 + eps), same shape; float32 for half
        precision.

    Raises:
        ValueError: not four axes, or not floating point.

    Source: the official code; the paper's equation 1 has plain dot products, with which
    a temperature of 0.01 would mean nothing.

    >>> normalise(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)).flatten()
    tensor([0.6000, 0.8000])
    """
    _check_features("features", features)
    with torch.autocast(features.device.type, enabled=False):
        features = at_least_float32(features)
        return features * (features.square().sum(1, keepdim=True) + eps).rsqrt()


def correlation(
    f1: Float[Tensor, "b c h w"],
    f2: Float[Tensor, "b c h w"],
    max_displacement: int = 7,
) -> Float[Tensor, "b p p h w"]:
    """Compare every cell of one map with a window of cells in the next one.

    Args:
        f1: features (B, C, H, W) of the earlier frames.
        f2: features (B, C, H, W) of the later frames.
        max_displacement: reach of the window in cells, l; P = 2 l + 1.

    Returns:
        dot products (B, P, P, H, W): entry [b, l + dy, l + dx, y, x] compares f1 at
        (y, x) with f2 at (y + dy, x + dx), and is 0 where that is outside.

    Raises:
        ValueError: shapes, dtypes or devices that differ, not four axes, not floating
            point, or a reach that is no whole number from 0 on.

    Source: equation 1.

    >>> f1 = normalise(torch.rand(1, 8, 9, 9))
    >>> f2 = f1.roll((-2, 3), (2, 3))  # everything moves up by 2 and right by 3
    >>> scores = correlation(f1, f2, 3)[0, :, :, 4, 4]
    >>> divmod(scores.argmax().item(), 7)  # 3 + dy, 3 + dx
    (1, 6)
    """
    reach = check_pair(f1, f2, max_displacement)
    with torch.autocast(f1.device.type, enabled=False):
        return _Correlation.apply(at_least_float32(f1), at_least_float32(f2), reach)


class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f1: Tensor, f2: Tensor, reach: int) -> Tensor:
        ctx.save_for_backward(f1, f2)
        ctx.reach = reach
        size = 2 * reach + 1
        scores = f1.new_empty(f1.shape[0], size, size, *f1.shape[2:])
        for tile in tiles(f1, f2, reach):
            multiply(tile)
            some_scores = scores[tile.pairs, :, :, tile.rows]
            torch.mul(tile.band, tile.inside, out=some_scores)
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_scores: Tensor):
        f1, f2 = ctx.saved_tensors
        grad_f1 = torch.empty(f1.shape, dtype=f1.dtype, device=f1.device)
        grad_f2 = torch.zeros(f2.shape, dtype=f2.dtype, device=f2.device)
        with torch.autocast(f1.device.type, enabled=False):
            for tile in tiles(f1, f2, ctx.reach):
                some_grads = grad_scores[tile.pairs, :, :, tile.rows]
                torch.mul(some_grads, tile.inside, out=tile.band)
                push_back(tile, grad_f1, grad_f2)
        return grad_f1, grad_f2, None


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def check_pair(f1: Tensor, f2: Tensor, reach: Any) -> int:
    """The reach, as an int; a ValueError unless two maps can be correlated."""
    _check_features("f1", f1)
    _check_features("f2", f2)
    if f1.shape != f2.shape or f1.dtype != f2.dtype or f1.device != f2.device:
        kinds = [f"{tuple(f.shape)} {f.dtype} on {f.device}" for f in (f1, f2)]
        raise ValueError(f"f1 and f2 must be alike, got {kinds[0]} and {kinds[1]}")
    return whole_number("max_displacement", reach)


def _check_features(name: str, x: Tensor) -> None:
    if x.ndim != 4:
        raise ValueError(f"{name} must be (B, C, H, W), got {tuple(x.shape)}")
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point, got {x.dtype}")
