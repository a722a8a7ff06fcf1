"""Gradient reversal: forward it changes nothing, backward it turns the gradient round.

Source: Ganin and Lempitsky, ICML 2015, which SDN (Choi et al., NeurIPS 2019) puts
between the pooled features and the scene head.  Two players share one backward pass:
the head descends its own loss at full rate, and everything before the reversal climbs
it, `strength` times as fast.  A minus sign in front of the loss would not do: it turns
the head round too, and a head that tries to be wrong hides no scene.

How strong the reversal is at which moment is a schedule: a function of the share p of
the training that is done, from 0 to 1.

Known differences from the official code: SDN has no ramp.  Its strength is a constant
(1.0, then 0.5 in its commands), after epochs in which only new layers learn.  The ramp
of Ganin and Lempitsky is here because it is what most implementations use, the linear
one because it is slower.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Schedule = Callable[[float], float]


def reverse_gradient(
    x: Float[Tensor, "*shape"], strength: float | Float[Tensor, ""]
) -> Float[Tensor, "*shape"]:
    """Hand `x` on as it is, and its gradient back times -strength.

    Args:
        x: features of any shape.
        strength: lambda, at least 0.  A 0-d tensor may live on a GPU, where its value
            is not checked: reading it would make the GPU wait.

    Returns:
        The values of `x`.

    Raises:
        ValueError: if `x` is not floating point, or the strength is negative, not
            finite or not a single number.

    Source: Ganin and Lempitsky's gradient reversal layer.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> reverse_gradient(x, 0.5).sum().backward()
    >>> x.grad
    tensor([-0.5000, -0.5000])
    """
    if not x.is_floating_point():
        raise ValueError(f"only floating-point x has a gradient, got {x.dtype}")
    if isinstance(strength, Tensor):
        if strength.ndim:
            shape = tuple(strength.shape)
            raise ValueError(f"strength must be one number, got shape {shape}")
        if strength.device.type == "cpu":
            _check_strength(float(strength.detach()))
        return _Reversal.apply(x, strength.detach())
    return _Reversal.apply(x, _check_strength(strength))


class _Reversal(torch.autograd.Function):
    """The identity whose derivative is a lie."""

    generate_vmap_rule = True  # so that torch.func's transforms work too

    @staticmethod
    def forward(x: Tensor, strength: float | Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        ctx.strength = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def constant(strength: float) -> Schedule:
    """The same strength all the time, as in SDN.

    Args:
        strength: lambda, at least 0.

    Returns:
        A function of p in [0, 1].

    Raises:
        ValueError: for a negative strength; the function: for p outside [0, 1].

    >>> constant(0.5)(0.9)
    0.5
    """
    _check_strength(strength)

    def same(p: float) -> float:
        _check_progress(p)
        return strength

    return same


def dann_ramp(strength: float, gamma: float = 10.0) -> Schedule:
    """From 0 up along half a sigmoid: strength (2 / (1 + exp(-gamma p)) - 1).

    With the usual gamma of 10 half the strength is there after a tenth of the training.

    Args:
        strength: lambda that is reached in the end (all but 0.01 % of it).
        gamma: steepness, positive.

    Returns:
        A function of p in [0, 1].

    Raises:
        ValueError: for a negative strength or a gamma that is not positive; the
            function: for p outside [0, 1].

    Source: Ganin and Lempitsky's schedule of lambda.

    >>> [round(dann_ramp(1.0)(p), 3) for p in (0.0, 0.1, 0.25, 0.5, 1.0)]
    [0.0, 0.462, 0.848, 0.987, 1.0]
    """
    _check_strength(strength)
    if not 0 < gamma < math.inf:
        raise ValueError(f"gamma must be positive, got {gamma}")
    return lambda p: strength * (2 / (1 + math.exp(-gamma * _check_progress(p))) - 1)


def linear_ramp(strength: float) -> Schedule:
    """In a straight line from 0 to the strength, which is reached at the very end.

    Args:
        strength: lambda at p = 1, at least 0.

    Returns:
        A function of p in [0, 1].

    Raises:
        ValueError: for a negative strength; the function: for p outside [0, 1].

    >>> linear_ramp(2.0)(0.25)
    0.5
    """
    _check_strength(strength)
    return lambda p: strength * _check_progress(p)


def after_warmup(schedule: Schedule, share: float) -> Schedule:
    """Nothing at first, while the scene head learns; then a schedule, squeezed in.

    Args:
        schedule: runs from its p = 0 to its p = 1 in the time that is left.
        share: of the training that is warm-up, in [0, 1).

    Returns:
        A function of p in [0, 1].

    Raises:
        ValueError: for a share outside [0, 1); the function: for p outside [0, 1].

    >>> schedule = after_warmup(linear_ramp(1.0), share=0.2)
    >>> [round(schedule(p), 3) for p in (0.1, 0.2, 0.6, 1.0)]
    [0.0, 0.0, 0.5, 1.0]
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be in [0, 1), got {share}")

    def delayed(p: float) -> float:
        if _check_progress(p) < share:
            return 0.0
        return schedule((p - share) / (1 - share))

    return delayed


def _check_strength(strength: float) -> float:
    if not 0 <= strength < math.inf:
        raise ValueError(f"strength must be a number of at least 0, got {strength}")
    return strength


def _check_progress(p: float) -> float:
    if not 0 <= p <= 1:
        raise ValueError(f"progress must be in [0, 1], got {p}")
    return p
