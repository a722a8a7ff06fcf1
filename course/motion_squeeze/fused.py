"""Matching in one go: displacement and confidence without a stored volume.

Source: Kwon et al., ECCV 2020, equations 1 to 5; the fusion is ours.  A tile of scores
is made, read and forgotten, and three numbers for each cell are kept; the backward pass
makes every tile a second time.  That is two forward products instead of one, for
1 / 75 of the memory traffic when P is 15.  The same idea made attention "flash".

What it saves is memory: of 48 clips of 8 frames (336 pairs, 64 channels, 28 x 28) the
volume alone has 226 MiB; forward and backward together hold 460 MiB on the plain path
and 140 MiB here, most of it the features' gradients.  On a CPU, where the tiles of the
plain path already stay in the cache, it is a quarter to a third slower.  It runs on a
GPU as well, but no time has been recorded there.

Between correlation and kernel-soft-argmax stands the official code's ReLU.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from course.motion_squeeze.correlation import at_least_float32, check_pair
from course.motion_squeeze.expectation import (
    Summary,
    Weighting,
    summarise,
    write_gradient,
)
from course.motion_squeeze.soft_argmax import weighting_of
from course.motion_squeeze.tiles import Tile, multiply, push_back, tiles


def matched(
    f1: Float[Tensor, "b c h w"],
    f2: Float[Tensor, "b c h w"],
    max_displacement: int = 7,
    sigma: float = 5.0,
    temperature: float = 0.01,
) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]:
    """Find where every cell went, like the plain path but without its volume.

    Args:
        f1, f2: features (B, C, H, W) of consecutive frames, normalised by the caller.
        max_displacement: reach of the window in cells.
        sigma, temperature: see `kernel_soft_argmax`.

    Returns:
        displacement (B, 2, H, W) in cells, (dx, dy), and confidence (B, 1, H, W):
        `kernel_soft_argmax(correlation(f1, f2, max_displacement).relu(), sigma,
        temperature)`, to rounding.

    Raises:
        ValueError: as `correlation` and `kernel_soft_argmax`.

    Source: equations 1 to 5.

    >>> f1 = torch.nn.functional.normalize(torch.rand(1, 16, 9, 9) - 0.5, dim=1)
    >>> displacement, confidence = matched(f1, f1.roll((-2, 3), (2, 3)), 4)
    >>> displacement[0, :, 4, 4].round()  # 3 to the right, 2 up
    tensor([ 3., -2.])
    """
    reach = check_pair(f1, f2, max_displacement)
    weighting = weighting_of(sigma, temperature, "none")
    with torch.autocast(f1.device.type, enabled=False):
        f1, f2 = at_least_float32(f1), at_least_float32(f2)
        return _Matched.apply(f1, f2, reach, weighting)


class _Matched(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f1: Tensor, f2: Tensor, reach: int, weighting: Weighting):
        kept = _empty_summary(f1)
        rooms: dict[torch.Size, Tensor] = {}
        for tile in tiles(f1, f2, reach):
            scores, room = _rectified(tile, rooms, 2)
            summary = summarise(scores, weighting, room)
            for whole, part in zip(kept, summary, strict=True):
                place = whole[tile.pairs, ..., tile.rows, :]
                place.copy_(part.view(place.shape))
        ctx.save_for_backward(f1, f2, kept.displacement, kept.winner, kept.log_total)
        ctx.reach, ctx.weighting = reach, weighting
        return kept.displacement, kept.confidence

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_displacement: Tensor, grad_confidence: Tensor):
        f1, f2, displacement, winner, log_total = ctx.saved_tensors
        grad_f1 = torch.empty(f1.shape, dtype=f1.dtype, device=f1.device)
        grad_f2 = torch.zeros(f2.shape, dtype=f2.dtype, device=f2.device)
        cells = (displacement, grad_confidence, winner, log_total, grad_displacement)
        rooms: dict[torch.Size, Tensor] = {}
        with torch.autocast(f1.device.type, enabled=False):
            for tile in tiles(f1, f2, ctx.reach):
                scores, room, grads = _rectified(tile, rooms, 3)
                *parts, to_displacement = (
                    cell[tile.pairs, ..., tile.rows, :].flatten(-2) for cell in cells
                )
                summary = Summary(*parts)
                to_both = (to_displacement, summary.confidence)
                write_gradient(scores, summary, ctx.weighting, to_both, room, grads)
                grads.mul_(scores > 0)  # the ReLU
                grads = grads.unflatten(3, tile.band.shape[3:])
                tile.product.zero_()  # the scores between the bands
                torch.mul(grads, tile.inside, out=tile.band)
                push_back(tile, grad_f1, grad_f2)
        return grad_f1, grad_f2, None, None


def _rectified(
    tile: Tile, rooms: dict[torch.Size, Tensor], number: int
) -> tuple[Tensor, ...]:
    """A tile's scores after the ReLU (n, p, p, q), and as much room for other things.

    `rooms` keeps `number` volumes for each shape of tile, to be used again.
    """
    multiply(tile)
    shape = tile.band.shape
    if shape not in rooms:
        rooms[shape] = tile.band.new_empty(number, *shape)
    torch.mul(tile.band, tile.inside, out=rooms[shape][0]).clamp_(min=0)
    return rooms[shape].flatten(4).unbind()


def _empty_summary(f1: Tensor) -> Summary:
    number, _, height, width = f1.shape
    return Summary(
        f1.new_empty(number, 2, height, width),
        f1.new_empty(number, 1, height, width),
        f1.new_empty(number, 2, height, width),
        f1.new_empty(number, 1, 1, height, width),
    )
