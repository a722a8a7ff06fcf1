"""Q2. What is a soft-argmax: a softmax followed by an argmax?

No argmax is taken.  The softmax makes weights of the scores, and the answer is the
weighted mean of the *offsets*: it can lie between two matches, and it has a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course.motion_squeeze.flow_bench import errors, estimate, moved_texture
from course.motion_squeeze.soft_argmax import (
    gaussian_mask,
    hard_argmax,
    kernel_soft_argmax,
    soft_argmax,
)

# Row of the sub-pixel table -> (estimator, normaliser, sigma).
SETTINGS = {
    "argmax": ("argmax", "none", 5.0),
    "kernel, sigma 2": ("kernel", "none", 2.0),
    "kernel, sigma 5": ("kernel", "none", 5.0),
    "kernel, sigma 5, 1-D factor": ("kernel", "1d", 5.0),
    "soft-argmax": ("soft", "none", 5.0),
}


@dataclass(frozen=True)
class MatchRow:
    """Answers where two matches are equally good, at dx = +3 and dx = -5."""

    estimator: str
    between: float  # share farther than one cell from both
    lowest: float
    highest: float


@dataclass(frozen=True)
class GradientRow:
    """The gradient of an estimator's dx with respect to the scores."""

    exists: bool
    difference: float  # from the formula, in parts of the largest gradient
    share: float  # of the scores that it reaches


def on_a_line(
    temperatures: Sequence[float] = (1.0, 0.1, 0.03, 0.01, 0.001),
    scores: Float[Tensor, " P"] | None = None,
) -> dict[float, float]:
    """Soft-argmax of 15 scores along a line, for several temperatures.

    Args:
        temperatures: of the softmax.
        scores: one for each of the offsets -7 .. 7; None: a peak at +4 on a floor of
            0.3, as high as cosines of features get.

    Returns:
        temperature -> answer in cells: 0 where the softmax is even, the peak where it
        is sharp.

    >>> {t: round(answer, 1) for t, answer in on_a_line((1.0, 0.01)).items()}
    {1.0: 0.5, 0.01: 4.0}
    """
    offsets = torch.arange(-7.0, 8.0)
    if scores is None:
        scores = 0.3 + 0.7 * torch.exp(-((offsets - 4) ** 2) / 2)
    if scores.shape != offsets.shape:
        raise ValueError(f"scores must be (15,), got {tuple(scores.shape)}")
    return {t: float(((scores / t).softmax(0) * offsets).sum()) for t in temperatures}


def two_matches(noise: float = 0.1, *, count: int = 2, seed: int = 0) -> list[MatchRow]:
    """Soft-argmax and its kernel form on a texture that repeats every 8 cells.

    Moved by +3, it matches at -5 as well as at +3.

    Args:
        noise: of the features; it makes now one, now the other match the better one.
        count: pairs.
        seed: of the textures.

    Returns:
        a row for each estimator, over cells where both matches are on the map.

    >>> [row.between < 0.01 for row in two_matches() if row.estimator == "kernel"]
    [True]
    """
    pair = moved_texture((3, 0), count=count, period=8, noise=noise, seed=seed)
    rows = []
    for estimator in ("soft", "kernel"):
        found = estimate(pair, estimator).displacement[..., 5:-3]
        distances = [
            errors(found, torch.tensor([dx, 0.0]).view(1, 2, 1, 1).expand_as(found))
            for dx in (3.0, -5.0)
        ]
        nearest = torch.minimum(*(d.end_point for d in distances))
        dx = found[:, 0]
        between = (nearest > 1).float().mean().item()
        rows.append(MatchRow(estimator, between, dx.min().item(), dx.max().item()))
    return rows


def gradients(
    temperature: float = 0.01, sigma: float = 5.0, seed: int = 0
) -> dict[str, GradientRow]:
    """Where does a gradient come from, and is it what the formula says?

    Args:
        temperature, sigma: of the estimators.
        seed: of a noisy moved texture, whose scores are used, in float64.

    Returns:
        for "argmax", "soft" and "kernel" whether dx has a gradient at all; its largest
        difference to g_q w_q (q - dx) / temperature, in parts of the largest gradient
        (g is the Gaussian, 1 in the soft form; w the softmax weights; q an offset); and
        the share of the scores whose gradient exceeds a thousandth of the largest.

    Source: the derivative of a softmax's expectation, the winner held fixed.

    >>> {name: row.exists for name, row in gradients().items()}
    {'argmax': False, 'soft': True, 'kernel': True}
    """
    pair = moved_texture(count=1, noise=0.5, seed=seed)
    scores = estimate(pair).scores[..., 10:18, 10:18].double().requires_grad_()
    mask = gaussian_mask(scores.detach(), sigma)
    answers = {
        "soft": (soft_argmax(scores, temperature)[0], torch.ones_like(mask)),
        "kernel": (kernel_soft_argmax(scores, sigma, temperature)[0], mask),
    }
    argmax = hard_argmax(scores)[0].requires_grad
    out = {"argmax": GradientRow(argmax, 0.0, 0.0)}
    for name, (answer, gain) in answers.items():
        dx = answer[:, 0]
        found = torch.autograd.grad(dx.sum(), scores)[0]
        formula = _gradient_by_formula(scores.detach(), dx.detach(), gain, temperature)
        largest = formula.abs().max()
        missed = (found - formula).abs().max() / largest
        share = (found.abs() > largest / 1000).double().mean()
        out[name] = GradientRow(answer.requires_grad, missed.item(), share.item())
    return out


def _gradient_by_formula(
    scores: Float[Tensor, "B P P H W"],
    dx: Float[Tensor, "B H W"],
    gain: Float[Tensor, "B P P H W"],
    temperature: float,
) -> Float[Tensor, "B P P H W"]:
    offsets = torch.arange(-7, 8, dtype=scores.dtype).view(15, 1, 1)
    logits = gain * scores / temperature
    weights = logits.flatten(1, 2).softmax(1).view_as(scores)
    return gain * weights * (offsets - dx[:, None, None]) / temperature


def sub_pixel(shift: float = 0.5, *, count: int = 4, seed: int = 0) -> dict[str, float]:
    """Mean error where the texture moves by a fraction of a cell.

    Args:
        shift: dx in cells, dy is 0.
        count: pairs.
        seed: of the textures.

    Returns:
        setting -> mean end-point error in cells, over cells whose target is inside.

    >>> found = sub_pixel(count=1)
    >>> found["soft-argmax"] < found["kernel, sigma 5"] < found["argmax"]
    True
    """
    pair = moved_texture((shift, 0.0), count=count, seed=seed)
    out = {}
    for name, (estimator, normaliser, sigma) in SETTINGS.items():
        found = estimate(pair, estimator, normaliser=normaliser, sigma=sigma)
        out[name] = errors(found.displacement, pair.truth, pair.visible).mean
    return out
