"""The module's displacement beside the world's true one, cell by cell.

A cell is a place of the feature map.  Where does it lie in the frame?  Every layer here
that thins out space (convolution or pooling of odd kernel k, stride s) pads by k // 2,
so its cell i is centred on place s * i of its input; the centres of a chain are at
pixel S * i, S being the product of its strides.  So the truth is read off at every S-th
pixel, starting with pixel 0: neither at the middle of an S x S block nor averaged over
one.  (Layers padded otherwise, such as TensorFlow's "same", have other centres.)

Displacements here are in cells.  The released code's are cells / 7, so in [-1, 1].
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.evaluation import (
    end_point_error,
    end_point_error_map,
    flow_cosine,
    outlier_auc,
)
from course.motion_squeeze.checks import whole_number

MOVING = 0.75  # cells: what moves less is at rest for the score
WRONG = 1.0  # cells: an error above it is an outlier


def flow_at_cells(
    flow: Float[Tensor, "B 2 T H W"], valid: Bool[Tensor, "B T H W"], stride: int
) -> tuple[Float[Tensor, "B 2 T h w"], Bool[Tensor, "B T h w"]]:
    """The true displacement at the centre of every cell, in cells.

    Args:
        flow: px, (dx, dy), from each frame to the next.
        valid: pixels whose flow is defined.
        stride: px between two cells, the product of the strides up to the feature map.

    Returns:
        flow in cells and its validity; h = ceil(H / stride), w likewise, as many as the
        network has.

    Raises:
        ValueError: for shapes that do not fit or a stride below 1.

    Source: cell i of a layer padded by k // 2 is centred on place stride * i.

    >>> flow, valid = torch.ones(1, 2, 3, 32, 32), torch.ones(1, 3, 32, 32) > 0
    >>> cells, _ = flow_at_cells(flow, valid, stride=4)
    >>> tuple(cells.shape), cells.max().item()
    ((1, 2, 3, 8, 8), 0.25)
    """
    whole_number("stride", stride, 1)
    expected = (*flow.shape[:1], *flow.shape[2:])
    if flow.ndim != 5 or flow.shape[1] != 2 or valid.shape != expected:
        shapes = tuple(flow.shape), tuple(valid.shape)
        raise ValueError(f"flow (B, 2, T, H, W), valid (B, T, H, W); got {shapes}")
    thinned = flow[..., ::stride, ::stride]
    return thinned.float() / stride, valid[..., ::stride, ::stride]


def mask_at_cells(
    mask: Bool[Tensor, "B T H W"], stride: int
) -> Bool[Tensor, "B S h w"]:
    """Cells of the first frame of each pair whose centre is in the mask.

    Args:
        mask: of all T frames.
        stride: px between two cells.

    Returns:
        for the frames 0 .. T-2, so S = T - 1.

    Raises:
        ValueError: for another shape, fewer than two frames or a stride below 1.

    >>> tuple(mask_at_cells(torch.ones(1, 4, 30, 30) > 0, stride=4).shape)
    (1, 3, 8, 8)
    """
    whole_number("stride", stride, 1)
    if mask.ndim != 4 or mask.shape[1] < 2:
        raise ValueError(f"mask must be (B, T >= 2, H, W), got {tuple(mask.shape)}")
    return mask[:, :-1, ::stride, ::stride]


def cells_to_pixels(
    flow: Float[Tensor, "*B 2 T h w"], stride: int
) -> Float[Tensor, "*B 2 T h w"]:
    """A displacement in px of the frame instead of cells, still one for each cell.

    >>> cells_to_pixels(torch.ones(2, 1, 1, 1), stride=8).flatten().tolist()
    [8.0, 8.0]
    """
    whole_number("stride", stride, 1)
    return flow * stride


def score_displacement(
    displacement: Float[Tensor, "B 2 T h w"],
    confidence: Float[Tensor, "B T h w"],
    truth: Float[Tensor, "B 2 T h w"],
    valid: Bool[Tensor, "B T h w"],
    actor_mask: Bool[Tensor, "B T h w"],
) -> dict[str, float]:
    """How good is a displacement, on what moves and on what rests?

    Args:
        displacement: estimate, cells, from each frame to the next.
        confidence: higher means surer.
        truth, valid: from `flow_at_cells`.
        actor_mask: from `mask_at_cells`.

    Returns:
        `error_P` for each part P of the valid cells (`actor`, `background`, and
        `moving`: true motion above 0.75 cells), the mean end-point error in cells, and
        `still_P`, the error of always saying "no motion", which an estimate has to
        beat; `cosine_moving`: the direction alone, 1 is right; `wrong`: the share of
        valid cells with an error above one cell; `auc`: how well low confidence finds
        those.  A part without cells and an `auc` without both kinds of cells are left
        out, so no value is ever nan.

    Raises:
        ValueError: for shapes that do not fit, no valid cell, or an estimate that is
            not finite.

    >>> truth = torch.zeros(1, 2, 1, 2, 2)
    >>> truth[0, 0, 0, 0] = 2.0
    >>> everywhere, top = torch.ones(1, 1, 2, 2) > 0, truth[:, 0] > 0
    >>> scores = score_displacement(truth / 2, truth[:, 0], truth, everywhere, top)
    >>> scores["error_actor"], scores["still_actor"], scores["cosine_moving"]
    (1.0, 2.0, 1.0)
    """
    _check_cells(displacement, confidence, truth, valid, actor_mask)
    rest = torch.zeros_like(truth)
    moving = torch.linalg.vector_norm(truth, dim=1) > MOVING
    parts = {
        "actor": valid & actor_mask,
        "background": valid & ~actor_mask,
        "moving": valid & moving,
    }
    scores: dict[str, float] = {}
    for name, cells in parts.items():
        if cells.any():
            scores[f"error_{name}"] = end_point_error(displacement, truth, cells)
            scores[f"still_{name}"] = end_point_error(rest, truth, cells)
    if parts["moving"].any():
        scores["cosine_moving"] = flow_cosine(displacement, truth, parts["moving"])
    wrong = end_point_error_map(displacement, truth) > WRONG
    scores["wrong"] = wrong[valid].float().mean().item()
    if 0 < scores["wrong"] < 1:
        scores["auc"] = outlier_auc(confidence, wrong, valid)
    return scores


def _check_cells(
    displacement: Tensor,
    confidence: Tensor,
    truth: Tensor,
    valid: Tensor,
    actor_mask: Tensor,
) -> None:
    cells = (*truth.shape[:1], *truth.shape[2:])
    named = {
        "displacement": (displacement, tuple(truth.shape)),
        "confidence": (confidence, cells),
        "valid": (valid, cells),
        "actor_mask": (actor_mask, cells),
    }
    if truth.ndim != 5 or truth.shape[1] != 2:
        raise ValueError(f"truth must be (B, 2, T, h, w), got {tuple(truth.shape)}")
    for name, (tensor, shape) in named.items():
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must be {shape}, got {tuple(tensor.shape)}")
    for name in ("valid", "actor_mask"):
        if named[name][0].dtype != torch.bool:
            raise ValueError(f"{name} must be bool, got {named[name][0].dtype}")
    if not valid.any():
        raise ValueError(f"no valid cell among {tuple(valid.shape)}")
    if not (displacement.isfinite().all() and confidence.isfinite().all()):
        raise ValueError("displacement and confidence must be finite")
