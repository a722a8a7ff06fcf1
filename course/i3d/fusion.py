"""One answer from many: two streams fused, several time steps averaged.

Carreira & Zisserman (CVPR 2017).  The paper says that the two streams' *predictions*
are averaged at test; the released code adds their *logits* and takes the softmax of
the sum.  Both are here, because they differ: a sum of logits multiplies the streams'
probabilities, so what either stream excludes stays excluded, while a mean of
probabilities lets one doubtful stream keep a class alive.  Over time the code averages
logits; "last" is what ConvNet+LSTM reads out at test.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def sum_of_logits(a: Float[Tensor, "*b k"], b: Float[Tensor, "*b k"]) -> Tensor:
    """Fuse two streams as the released code does: add the logits.

    Args:
        a, b: each stream's logits (..., K), classes in the same order.

    Returns:
        joint logits (..., K); their softmax is the normalised product of the streams'
        probabilities.

    Raises:
        ValueError: the shapes differ.

    Source: google-deepmind/kinetics-i3d, evaluate_sample.py.

    >>> import torch
    >>> sum_of_logits(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 3.0]]))
    tensor([[3., 3.]])
    """
    _check_pair(a, b)
    return a + b


def mean_of_probabilities(a: Float[Tensor, "*b k"], b: Float[Tensor, "*b k"]) -> Tensor:
    """Fuse two streams as the paper's text says: average the predictions.

    Args:
        a, b: each stream's logits (..., K), classes in the same order.

    Returns:
        probabilities (..., K) that sum to one.

    Raises:
        ValueError: the shapes differ.

    Source: the paper's section on the two-stream I3D.

    >>> import torch
    >>> mean_of_probabilities(torch.tensor([0.0, 0.0]), torch.tensor([0.0, -1e9]))
    tensor([0.7500, 0.2500])
    """
    _check_pair(a, b)
    return (a.softmax(-1) + b.softmax(-1)) / 2


def average_over_time(
    logits_per_step: Float[Tensor, "b k t"], how: str = "mean"
) -> Float[Tensor, "b k"]:
    """Make one score a class out of one score a class and time step.

    Args:
        logits_per_step: logits (B, K, T'), one column for about eight frames in I3D.
        how: "mean" (I3D), "max" (the class's best moment) or "last" (ConvNet+LSTM).

    Returns:
        logits (B, K).

    Raises:
        ValueError: another `how`, another number of axes, or no time step.

    Source: the paper's test protocol; i3d.py averages before the softmax.

    >>> import torch
    >>> average_over_time(torch.tensor([[[1.0, 5.0, 0.0]]]), "max")
    tensor([[5.]])
    """
    if logits_per_step.ndim != 3 or logits_per_step.shape[2] == 0:
        shape = tuple(logits_per_step.shape)
        raise ValueError(f"logits must be (B, K, T') with T' of 1 or more, got {shape}")
    if how == "mean":
        return logits_per_step.mean(2)
    if how == "max":
        return logits_per_step.amax(2)
    if how == "last":
        return logits_per_step[:, :, -1]
    raise ValueError(f"how must be mean, max or last, got {how!r}")


def _check_pair(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise ValueError(f"both streams need logits of one shape, got {shapes}")
