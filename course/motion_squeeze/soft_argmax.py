"""From scores to a displacement: soft-argmax, kernel-soft-argmax and what goes with it.

Source: Kwon et al., ECCV 2020, equations 2 to 5.  Soft-argmax is no argmax: it is the
mean of the window's offsets, weighted by the softmax of their scores.  Kernel-soft-
argmax multiplies the scores with a Gaussian around the best one first, so that one of
several equal matches wins, and only cells near it learn.

Known differences from the official code: displacements are in cells, there they are
divided by the window's reach.  Its Gaussian has no prefactor; the printed one, its
readers report, has 1 / (sqrt(2 pi) sigma).  As the Gaussian multiplies *logits*, a
factor k stands for a temperature of temperature / k, which is far from cosmetic:
`normaliser` shows it.

Everywhere: scores `corr` are (B, P, P, H, W), axes (dy, dx), as `correlation` gives
them; half precision is taken to float32; of equal scores the first one, top left, is
the best.
"""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor

from course.motion_squeeze.checks import positive_number
from course.motion_squeeze.expectation import (
    Weighting,
    expected_displacement,
    first_best,
    gaussians,
    number_of,
    offsets,
)

NORMALISERS = ("none", "1d", "2d")
FORMS = ("lean", "plain", "compiled")

Volume = Float[Tensor, "b p p h w"]
Match = tuple[Float[Tensor, "b 2 h w"], Float[Tensor, "b 1 h w"]]


def soft_argmax(corr: Volume, temperature: float = 0.01) -> Match:
    """Take the mean of the offsets, weighted by the softmax of all scores.

    Args:
        corr: scores (B, P, P, H, W).
        temperature: what scores are divided by; small ones come close to the best.

    Returns:
        displacement (B, 2, H, W) in cells, (dx, dy), and confidence (B, 1, H, W), the
        best score.

    Raises:
        ValueError: for scores that are not (B, P, P, H, W) with an odd P, or not
            floating point; for a temperature that is no positive number.

    Source: equation 2.

    >>> two_equal = torch.zeros(1, 5, 5, 1, 1)
    >>> two_equal[0, 2, 0] = two_equal[0, 2, 4] = 1.0  # dx = -2 and dx = +2
    >>> soft_argmax(two_equal)[0].flatten()  # nothing is there
    tensor([0., 0.])
    """
    corr, temperature = _scores(corr), positive_number("temperature", temperature)
    return _expected(corr, Weighting(1 / temperature))


def kernel_soft_argmax(
    corr: Volume,
    sigma: float = 5.0,
    temperature: float = 0.01,
    normaliser: str = "none",
    form: str = "lean",
) -> Match:
    """Soft-argmax of scores that a Gaussian around the best one has been laid on.

    Args:
        corr: scores (B, P, P, H, W).
        sigma: of the Gaussian in cells.
        temperature: what scores are divided by.
        normaliser: prefactor of the Gaussian: "none" (the code), "1d" (a line's
            density, as readers report the print) or "2d" (a plane's).
        form: "lean", with the gradient written out; "plain", the equation and autograd;
            "compiled", the plain form under `torch.compile`, meant for a GPU (it needs
            a compiler; no GPU timing has been recorded yet).

    Returns:
        displacement (B, 2, H, W) in cells, (dx, dy), and confidence (B, 1, H, W), the
        best score, before the Gaussian.

    Raises:
        ValueError: as `soft_argmax`; for a sigma that is no positive number; for a
            normaliser or a form that does not exist.

    Source: equations 3 to 5; the place of the best score is held constant.

    >>> two_equal = torch.zeros(1, 5, 5, 1, 1)
    >>> two_equal[0, 2, 0] = two_equal[0, 2, 4] = 1.0  # dx = -2 and dx = +2
    >>> kernel_soft_argmax(two_equal)[0].flatten()  # the first one
    tensor([-2.,  0.])
    """
    corr = _scores(corr)
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}; got {form!r}")
    weighting = weighting_of(sigma, temperature, normaliser)
    if form == "lean":
        return _expected(corr, weighting)
    with torch.autocast(corr.device.type, enabled=False):
        return (_compiled() if form == "compiled" else _plain)(corr, weighting)


def hard_argmax(corr: Volume) -> Match:
    """Take the offset of the best score; it has no gradient.

    Args:
        corr: scores (B, P, P, H, W).

    Returns:
        displacement (B, 2, H, W) in whole cells, (dx, dy), and confidence (B, 1, H, W).

    Raises:
        ValueError: for scores that `soft_argmax` refuses.

    Source: the best displacement p* of equation 4.

    >>> corr = torch.zeros(1, 5, 5, 1, 1)
    >>> corr[0, 0, 3] = 1.0
    >>> hard_argmax(corr)[0].flatten()
    tensor([ 1., -2.])
    """
    corr = _scores(corr)
    winner = _winner(corr)
    return winner.flip(1) - corr.shape[1] // 2, _at(corr, winner)


def kernel_weights(
    corr: Volume, sigma: float = 5.0, temperature: float = 0.01, normaliser="none"
) -> Volume:
    """Show the weights by which kernel-soft-argmax averages the offsets.

    Args:
        corr, sigma, temperature, normaliser: see `kernel_soft_argmax`.

    Returns:
        weights (B, P, P, H, W) that sum to one over each window.

    Raises:
        ValueError: as `kernel_soft_argmax`.

    Source: equation 3.

    >>> kernel_weights(torch.rand(1, 3, 3, 2, 2)).sum((1, 2)).allclose(torch.ones(2, 2))
    True
    """
    return _weights(_scores(corr), weighting_of(sigma, temperature, normaliser))


def gaussian_mask(corr: Volume, sigma: float = 5.0, normaliser: str = "none") -> Volume:
    """Show the Gaussian around each best score.

    Args:
        corr, sigma, normaliser: see `kernel_soft_argmax`.

    Returns:
        mask (B, P, P, H, W) without gradient; its peak is the prefactor, 1 for "none".

    Raises:
        ValueError: as `kernel_soft_argmax`.

    Source: equation 4.

    >>> corr = torch.zeros(1, 3, 3, 1, 1)
    >>> corr[0, 1, 1] = 1.0
    >>> gaussian_mask(corr, sigma=1.0)[0, 1, :, 0, 0]  # exp(-1 / 2), 1, exp(-1 / 2)
    tensor([0.6065, 1.0000, 0.6065])
    """
    return _mask(_scores(corr), weighting_of(sigma, 1.0, normaliser))


def peak_margin(corr: Volume) -> Float[Tensor, "b 1 h w"]:
    """Tell by how much the best score beats all but its eight neighbours.

    Args:
        corr: scores (B, P, P, H, W) with P of 3 or more.

    Returns:
        margin (B, 1, H, W), 0 or more: small where several places match.

    Raises:
        ValueError: for scores that `soft_argmax` refuses, or of a window of one cell.

    Source: ours; the paper's confidence cannot see that a match is ambiguous.

    >>> corr = torch.zeros(1, 5, 5, 1, 1)
    >>> corr[0, 0, 0], corr[0, 0, 1], corr[0, 4, 4] = 1.0, 0.9, 0.3
    >>> peak_margin(corr).item()
    0.699999988079071
    """
    corr = _scores(corr)
    size, winner = corr.shape[1], _winner(corr)
    if size < 3:
        raise ValueError(f"a margin needs a window of 3 x 3, got {tuple(corr.shape)}")
    places = torch.arange(size, device=corr.device)[:, None, None]
    near_y, near_x = ((places - at).abs() <= 1 for at in winner.split(1, 1))
    others = corr.masked_fill(near_y[:, :, None] & near_x[:, None], -math.inf)
    return _at(corr, winner) - others.amax((1, 2))[:, None]


def weighting_of(sigma: float, temperature: float, normaliser: str) -> Weighting:
    """Check the settings of kernel-soft-argmax and put the factors into one.

    Args:
        sigma, temperature, normaliser: see `kernel_soft_argmax`.

    Returns:
        The Gaussian's sigma, in cells, and what scores are multiplied with.

    Raises:
        ValueError: for a number that is not positive or an unknown normaliser.

    >>> 1 / weighting_of(5.0, 0.01, "1d").factor  # the temperature it amounts to
    0.12533141373155002
    """
    sigma = positive_number("sigma", sigma)
    temperature = positive_number("temperature", temperature)
    if normaliser not in NORMALISERS:
        choices = ", ".join(NORMALISERS)
        raise ValueError(f"normaliser must be one of {choices}; got {normaliser!r}")
    power = NORMALISERS.index(normaliser)
    prefactor = (math.sqrt(2 * math.pi) * sigma) ** -power
    return Weighting(prefactor / temperature, sigma)


def _expected(corr: Tensor, weighting: Weighting) -> Match:
    with torch.autocast(corr.device.type, enabled=False):
        return expected_displacement(corr, weighting)


def _plain(corr: Tensor, weighting: Weighting) -> Match:
    """The equations, for autograd; pointwise operations and reductions only."""
    weights, along = _weights(corr, weighting), offsets(corr)[:, None, None]
    dx, dy = (weights.sum(1) * along).sum(1), (weights.sum(2) * along).sum(1)
    return torch.stack([dx, dy], 1), _at(corr, _winner(corr))


@functools.cache
def _compiled():
    return torch.compile(_plain)


def _weights(corr: Tensor, weighting: Weighting) -> Tensor:
    logits = _mask(corr, weighting) * corr
    return logits.flatten(1, 2).softmax(1).view(corr.shape)


def _mask(corr: Tensor, weighting: Weighting) -> Tensor:
    assert weighting.sigma is not None
    flat = corr.detach().flatten(3)
    rows, columns = gaussians(flat, _winner(corr).flatten(2), weighting.sigma)
    return (rows[:, :, None] * (columns * weighting.factor)[:, None]).view(corr.shape)


def _winner(corr: Tensor) -> Float[Tensor, "b 2 h w"]:
    """Row and column of the best score in each window; they have no gradient."""
    _, winner = first_best(corr.detach().flatten(3))
    return winner.unflatten(2, corr.shape[3:])


def _at(corr: Tensor, winner: Tensor) -> Float[Tensor, "b 1 h w"]:
    return corr.flatten(1, 2).gather(1, number_of(winner, corr))


def _scores(corr: Tensor) -> Tensor:
    shape = tuple(corr.shape)
    if corr.ndim != 5 or shape[1] != shape[2] or shape[1] % 2 == 0:
        raise ValueError(f"corr must be (B, P, P, H, W) with an odd P, got {shape}")
    if not corr.is_floating_point():
        raise ValueError(f"corr must be floating point, got {corr.dtype}")
    return corr if corr.dtype in (torch.float32, torch.float64) else corr.float()
