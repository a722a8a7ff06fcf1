"""The expected displacement of a volume of scores, and its gradient, in few passes.

Source: Kwon et al., ECCV 2020, equations 2 to 5.  With weights w = softmax_p(k g(p)
s(p)) the displacement is d = sum_p p w(p), the confidence s* = max_p s(p), and as the
winner p* under the Gaussian g is held constant,

    d d / d s(q) = k g(q) w(q) (q - d),    d s* / d s(q) = 1 where q = p*, else 0.

Autograd would keep several volumes for that.  Here a volume is read in portions that
stay in the cache, and kept are five numbers for each cell: the best score's place, the
displacement and a logarithm.
The Gaussian is the product of one over rows and one over columns: 2 P exponentials
instead of P^2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

PORTION_BYTES = 1 << 21
PORTION_BYTES_GPU = 1 << 28
NO_WEIGHT = -60.0  # exp(-60) is lost beside 1, in float64 as well


class Weighting(NamedTuple):
    """How scores become weights: softmax of factor * g * score."""

    factor: float  # one over the temperature, times the Gaussian's prefactor
    sigma: float | None = None  # of the Gaussian in cells; None for none


class Summary(NamedTuple):
    """What is left of the scores of n pairs at q cells."""

    displacement: Float[Tensor, "n 2 q"]  # (dx, dy)
    confidence: Float[Tensor, "n 1 q"]
    winner: Float[Tensor, "n 2 q"]  # (row, column) of the best score in the window
    log_total: Float[Tensor, "n 1 1 q"]  # logarithm of the softmax's denominator


def expected_displacement(
    scores: Float[Tensor, "b p p h w"], weighting: Weighting
) -> tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]:
    """Displacement and confidence of a volume, with the gradient written out.

    Args:
        scores: float32 or float64, axes (dy, dx).
        weighting: factor and Gaussian.

    Returns:
        displacement (B, 2, H, W) in cells, (dx, dy), and confidence (B, 1, H, W).

    Source: equations 2 to 5.

    >>> scores = torch.zeros(1, 3, 3, 1, 1)
    >>> scores[0, 0, 2] = 1.0  # one up, one to the right
    >>> displacement, _ = expected_displacement(scores, Weighting(100.0))
    >>> displacement.flatten()
    tensor([ 1., -1.])
    """
    return _Expected.apply(scores, weighting)


class _Expected(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores: Tensor, weighting: Weighting):
        number, *_, height, width = scores.shape
        flat = scores.flatten(3)
        parts = [
            summarise(flat[some], weighting, room) for some, room in _portions(flat)
        ]
        total = Summary(*(torch.cat(part) for part in zip(*parts, strict=True)))
        ctx.save_for_backward(scores, total.displacement, total.winner, total.log_total)
        ctx.weighting = weighting
        return (
            total.displacement.view(number, 2, height, width),
            total.confidence.view(number, 1, height, width),
        )

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_displacement: Tensor, grad_confidence: Tensor):
        scores, displacement, winner, log_total = ctx.saved_tensors
        flat = scores.flatten(3)
        grad = torch.empty(flat.shape, dtype=flat.dtype, device=flat.device)
        kept = (displacement, grad_confidence.flatten(2), winner, log_total)
        to_d, to_c = grad_displacement.flatten(2), grad_confidence.flatten(2)
        with torch.autocast(scores.device.type, enabled=False):
            for some, room in _portions(flat):
                part = Summary(*(tensor[some] for tensor in kept))
                grads = (to_d[some], to_c[some])
                write_gradient(flat[some], part, ctx.weighting, grads, room, grad[some])
        return grad.view(scores.shape), None


def summarise(
    scores: Float[Tensor, "n p p q"], weighting: Weighting, room: Tensor
) -> Summary:
    """Best match, weights and expected offset of some cells.

    Args:
        scores: axes pairs, dy, dx, cells.
        weighting: factor and Gaussian.
        room: memory of the same shape, to be overwritten.

    Returns:
        a `Summary`; equal scores resolve to the first one, top left.
    """
    confidence, winner = first_best(scores)
    logits = _kernel(scores, winner, weighting, room).mul_(scores)
    largest = logits.amax((1, 2), keepdim=True)
    weights = _exp(logits.sub_(largest)).flatten(1, 2)
    total, moments = torch.matmul(_moments(scores), weights).split((1, 2), 1)
    return Summary(moments / total, confidence, winner, largest + total.log()[:, None])


def write_gradient(
    scores: Float[Tensor, "n p p q"],
    summary: Summary,
    weighting: Weighting,
    grads: tuple[Float[Tensor, "n 2 q"], Float[Tensor, "n 1 q"]],
    room: Tensor,
    out: Float[Tensor, "n p p q"],
) -> None:
    """Write the gradient with respect to some cells' scores into `out`.

    Args:
        scores, weighting, room: as in `summarise`.
        summary: what it returned.
        grads: with respect to displacement and confidence.
        out: memory of the scores' shape.
    """
    to_displacement, to_confidence = grads
    kernel = _kernel(scores, summary.winner, weighting, room)
    weights = _exp(torch.mul(scores, kernel, out=out).sub_(summary.log_total))
    kernel_weights = kernel.mul_(weights)
    # (q - d) . grad is a sum of something for q's row and something for its column.
    at_dx, at_dy = (summary.displacement * to_displacement).split(1, 1)
    along = offsets(scores)[:, None] * to_displacement[:, :, None]  # n, (dx, dy), p, q
    rows, columns = along[:, 1] - (at_dx + at_dy), along[:, 0]
    torch.add(rows[:, :, None], columns[:, None], out=out).mul_(kernel_weights)
    out.flatten(1, 2).scatter_add_(1, number_of(summary.winner, scores), to_confidence)


def first_best(
    scores: Float[Tensor, "n p p q"],
) -> tuple[Float[Tensor, "n 1 q"], Float[Tensor, "n 2 q"]]:
    """Best score and its place (row, column), the first one if several are equal.

    The best of each row first, then the row, then the place in the row: torch finds a
    maximum without its place several times faster than one with it.
    """
    best_of_rows = scores.amax(2)
    best = best_of_rows.amax(1, keepdim=True)
    row = _first(best_of_rows, best)
    chosen = row.long()[:, :, None].expand(-1, 1, scores.shape[2], -1)
    column = _first(scores.gather(1, chosen)[:, 0], best)
    return best, torch.cat([row, column], 1)


def _first(values: Float[Tensor, "n p q"], wanted: Tensor) -> Float[Tensor, "n 1 q"]:
    """The first place along p of a wanted value; the last place if there is none."""
    size = values.shape[1]
    from_the_end = torch.arange(size, 0, -1, dtype=values.dtype, device=values.device)
    hits = (values == wanted) * from_the_end[:, None]
    return size - hits.amax(1, keepdim=True).clamp_(min=1)


def number_of(
    winner: Float[Tensor, "n 2 q"], scores: Float[Tensor, "n p p q"]
) -> Int[Tensor, "n 1 q"]:
    """Count a window's cells row by row up to a place."""
    row, column = winner.split(1, 1)
    return (row * scores.shape[2] + column).long()


def _kernel(
    scores: Tensor, winner: Tensor, weighting: Weighting, room: Tensor
) -> Tensor:
    """What scores are multiplied with: the factor, and the Gaussian if there is one."""
    if weighting.sigma is None:
        return room.fill_(weighting.factor)
    rows, columns = gaussians(scores, winner, weighting.sigma)
    columns = columns * weighting.factor
    return torch.mul(rows[:, :, None], columns[:, None], out=room)


def gaussians(
    scores: Tensor, winner: Float[Tensor, "n 2 q"], sigma: float
) -> Float[Tensor, "2 n p q"]:
    """The Gaussian around each winner over rows and over columns; 1 at the winner."""
    size = scores.shape[2]
    places = torch.arange(size, dtype=scores.dtype, device=scores.device)[:, None]
    distances = places - winner.transpose(0, 1)[:, :, None]
    return distances.square_().mul_(-0.5 / sigma**2).exp_()


def offsets(scores: Tensor) -> Float[Tensor, " p"]:
    """The displacements along one axis of a window: -l, ..., l."""
    reach = scores.shape[2] // 2
    return torch.arange(-reach, reach + 1, dtype=scores.dtype, device=scores.device)


def _moments(scores: Tensor) -> Float[Tensor, "3 pp"]:
    """Rows that sum weights up to their total, mean dx and mean dy."""
    along, size = offsets(scores), scores.shape[2]
    columns, rows = along.repeat(size), along.repeat_interleave(size)
    return torch.stack([torch.ones_like(rows), columns, rows])


def _exp(logits: Tensor) -> Tensor:
    """In place; weights too small to count are 0, as denormal numbers are slow."""
    weights = logits.clamp_(min=NO_WEIGHT).exp_()
    return torch.threshold_(weights, 2 * math.exp(NO_WEIGHT), 0.0)


def _portions(flat: Float[Tensor, "n p p q"]) -> Iterator[tuple[slice, Tensor]]:
    """Spans of pairs whose scores stay in the cache, and room for as many.

    For no pairs there is one span, an empty one.
    """
    room = PORTION_BYTES if flat.device.type == "cpu" else PORTION_BYTES_GPU
    each = max(1, flat[:1].numel() * flat.element_size())
    step = max(1, min(room // each, flat.shape[0]))
    memory = flat.new_empty(step, *flat.shape[1:])
    for first in range(0, max(1, flat.shape[0]), step):
        some = slice(first, min(flat.shape[0], first + step))
        yield some, memory[: some.stop - first]
