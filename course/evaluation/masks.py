"""Scores of a predicted foreground mask against the true one.

With P predicted, T true and |.| counting pixels,

    IoU = |P and T| / |P or T|   precision = |P and T| / |P|   recall = |P and T| / |T|

A quotient 0/0 counts as 1 everywhere: an empty mask that should be empty is right,
nothing predicted means nothing was wrongly marked, nothing true means nothing missed.
Every score is pooled per "frame", per "clip" (pixels of all its frames together; a long
blank stretch does not count) or over the whole "batch".
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_POOLED = {"frame": (-2, -1), "clip": (-3, -2, -1), "batch": None}


def mask_iou(
    predicted: Bool[Tensor, "B T H W"],
    truth: Bool[Tensor, "B T H W"],
    per: str = "clip",
) -> Float[Tensor, " ..."]:
    """Intersection over union; 1 where both masks are empty.

    Args:
        predicted, truth: masks of equal shape, (B, T, H, W) or (T, H, W).
        per: "frame" -> (B, T), "clip" -> (B,), "batch" -> a single number.

    Returns:
        float32 in [0, 1].

    Raises:
        ValueError: for masks that are not bool, shapes that differ, an unknown `per`.

    >>> a, b = torch.zeros(2, 1, 1, 4, 4, dtype=torch.bool)
    >>> a[..., :2] = True; b[..., 1:3] = True
    >>> round(mask_iou(a, b, per="batch").item(), 4)
    0.3333
    """
    _check(predicted, truth, per)
    return _share(predicted & truth, predicted | truth, per)


def mask_precision(
    predicted: Bool[Tensor, "B T H W"],
    truth: Bool[Tensor, "B T H W"],
    per: str = "clip",
) -> Float[Tensor, " ..."]:
    """Share of the predicted pixels that are true; 1 where nothing is predicted.

    Arguments, result and errors as `mask_iou`.

    >>> p, t = torch.tensor([[[[True, True]]], [[[True, False]]]]).split(1)
    >>> mask_precision(p, t).item()
    0.5
    """
    _check(predicted, truth, per)
    return _share(predicted & truth, predicted, per)


def mask_recall(
    predicted: Bool[Tensor, "B T H W"],
    truth: Bool[Tensor, "B T H W"],
    per: str = "clip",
) -> Float[Tensor, " ..."]:
    """Share of the true pixels that are predicted; 1 where nothing is true.

    Arguments, result and errors as `mask_iou`.

    >>> p, t = torch.tensor([[[[True, True]]], [[[True, False]]]]).split(1)
    >>> mask_recall(p, t).item()
    1.0
    """
    _check(predicted, truth, per)
    return _share(predicted & truth, truth, per)


def _share(part: Tensor, whole: Tensor, per: str) -> Tensor:
    """|part| / |whole|, 1 where the whole is empty."""
    dims = _POOLED[per] or tuple(range(part.ndim))
    count = whole.sum(dim=dims)
    share = part.sum(dim=dims).float() / count.clamp(min=1)
    return share.masked_fill(count == 0, 1.0)


def _check(predicted: Tensor, truth: Tensor, per: str) -> None:
    if per not in _POOLED:
        raise ValueError(f"per must be one of {', '.join(_POOLED)}; got {per!r}")
    if predicted.shape != truth.shape or predicted.ndim not in (3, 4):
        shapes = tuple(predicted.shape), tuple(truth.shape)
        raise ValueError(f"masks must have one shape (B, T, H, W), got {shapes}")
    if predicted.dtype != torch.bool or truth.dtype != torch.bool:
        raise ValueError(f"masks must be bool, got {predicted.dtype}, {truth.dtype}")
