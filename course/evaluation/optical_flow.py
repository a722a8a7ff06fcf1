"""Scores of an estimated displacement field against the true one, and warping by it.

A flow is (2, T-1, H, W) or (B, 2, T-1, H, W) in pixels, channels (dx, dy): the pixel at
(x, y) of frame t is found at (x + dx, y + dy) of frame t + 1.  `valid` (without the
channel axis) marks the pixels whose truth is defined; scores are means over those.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor


def end_point_error_map(
    flow: Float[Tensor, "*B 2 T H W"], truth: Float[Tensor, "*B 2 T H W"]
) -> Float[Tensor, "*B T H W"]:
    """Length of the difference of two flows at each pixel, in pixels.

    >>> a = torch.zeros(2, 1, 1, 1)
    >>> end_point_error_map(a, torch.tensor([3.0, 4.0]).reshape(2, 1, 1, 1)).item()
    5.0
    """
    _check_flows(flow, truth)
    return torch.linalg.vector_norm(flow - truth, dim=-4)


def end_point_error(
    flow: Float[Tensor, "*B 2 T H W"],
    truth: Float[Tensor, "*B 2 T H W"],
    valid: Bool[Tensor, "*B T H W"] | None = None,
) -> float:
    """Mean end-point error over the valid pixels, in pixels.

    Args:
        flow, truth: estimated and true displacements, (dx, dy).
        valid: pixels that count; None means all.

    Returns:
        The mean error.

    Raises:
        ValueError: for shapes that do not fit, or if no pixel is valid.

    >>> end_point_error(torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 3.0))
    4.242640972137451
    """
    error = end_point_error_map(flow, truth)
    return _valid_pixels(error, valid).mean().item()


def flow_cosine(
    flow: Float[Tensor, "*B 2 T H W"],
    truth: Float[Tensor, "*B 2 T H W"],
    valid: Bool[Tensor, "*B T H W"] | None = None,
    least_motion: float = 0.1,
) -> float:
    """Mean cosine of the angle between flow and truth: the direction, not the length.

    Args:
        flow, truth: estimated and true displacements.
        valid: pixels that count; None means all.
        least_motion: pixels whose true motion is shorter (in pixels) are left out,
            since rest has no direction.  An estimate of no motion scores 0.

    Returns:
        The mean, in [-1, 1].

    Raises:
        ValueError: for shapes that do not fit, or if no valid pixel moves.

    >>> right = torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1)
    >>> flow_cosine(5 * right, right), flow_cosine(-right, right)
    (1.0, -1.0)
    """
    _check_flows(flow, truth)
    moving = torch.linalg.vector_norm(truth, dim=-4) >= least_motion
    cosine = F.cosine_similarity(flow, truth, dim=-4)
    _check_valid(cosine, valid)
    kept = moving if valid is None else moving & valid
    return _valid_pixels(cosine, kept).mean().item()


def outliers(
    flow: Float[Tensor, "*B 2 T H W"],
    truth: Float[Tensor, "*B 2 T H W"],
    threshold: float = 3.0,
    relative: float = 0.05,
) -> Bool[Tensor, "*B T H W"]:
    """Pixels whose error exceeds `threshold` pixels and a share of the true motion.

    3 px and 5 % are the KITTI 2015 benchmark's; small worlds want a smaller threshold.

    >>> outliers(torch.full((2, 1, 1, 1), 4.0), torch.zeros(2, 1, 1, 1)).item()
    True
    """
    error = end_point_error_map(flow, truth)
    length = torch.linalg.vector_norm(truth, dim=-4)
    return (error > threshold) & (error > relative * length)


def outlier_share(
    flow: Float[Tensor, "*B 2 T H W"],
    truth: Float[Tensor, "*B 2 T H W"],
    valid: Bool[Tensor, "*B T H W"] | None = None,
    threshold: float = 3.0,
    relative: float = 0.05,
) -> float:
    """Share of the valid pixels that are `outliers`, in [0, 1].

    >>> outlier_share(torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 1, 1))
    0.0
    """
    wrong = outliers(flow, truth, threshold, relative)
    return _valid_pixels(wrong, valid).float().mean().item()


def outlier_auc(
    confidence: Float[Tensor, "*B T H W"],
    outlier: Bool[Tensor, "*B T H W"],
    valid: Bool[Tensor, "*B T H W"] | None = None,
) -> float:
    """How well low confidence points out the outliers: area under the ROC curve.

    It is the chance that a random outlier has a lower confidence than a random good
    pixel (ties count half): 0.5 for a confidence that knows nothing.

    Args:
        confidence: higher means surer.
        outlier: from `outliers`.
        valid: pixels that count; None means all.

    Returns:
        The area, in [0, 1].

    Raises:
        ValueError: for shapes that differ, or unless both kinds of pixels are there.

    >>> outlier_auc(torch.tensor([[[0.9, 0.1]]]), torch.tensor([[[False, True]]]))
    1.0
    """
    from sklearn.metrics import roc_auc_score

    if confidence.shape != outlier.shape:
        shapes = tuple(confidence.shape), tuple(outlier.shape)
        raise ValueError(f"confidence and outlier differ in shape: {shapes}")
    wrong = _valid_pixels(outlier, valid).cpu()
    if wrong.all() or not wrong.any():
        raise ValueError(f"{int(wrong.sum())} of {wrong.numel()} pixels are outliers")
    doubt = -_valid_pixels(confidence, valid).float().cpu()
    return float(roc_auc_score(wrong.numpy(), doubt.numpy()))


def warp(
    frames_t1: Float[Tensor, "B C T H W"], flow: Float[Tensor, "B 2 T H W"]
) -> Float[Tensor, "B C T H W"]:
    """Pull the next frames back along the flow, so that they look like these frames.

    Bilinear sampling of frame t + 1 at (x + dx, y + dy); beyond the border the nearest
    pixel is taken (see `lands_inside`).  Differentiable in both arguments.

    Args:
        frames_t1: frames 1 .. T-1 of clips, `clips[:, :, 1:]`.
        flow: their displacements from frames 0 .. T-2, pixels.

    Returns:
        An estimate of `clips[:, :, :-1]`.

    Raises:
        ValueError: for shapes that do not fit.

    >>> frames = torch.arange(4.0).reshape(1, 1, 1, 1, 4)
    >>> flow = torch.zeros(1, 2, 1, 1, 4)
    >>> flow[:, 0] = 1.0
    >>> warp(frames, flow).flatten()
    tensor([1., 2., 3., 3.])
    """
    expected = (len(frames_t1), 2, *frames_t1.shape[2:])
    if frames_t1.ndim != 5 or tuple(flow.shape) != expected:
        shapes = tuple(frames_t1.shape), tuple(flow.shape)
        raise ValueError(f"frames (B, C, T, H, W), flow (B, 2, T, H, W); got {shapes}")
    height, width = frames_t1.shape[-2:]
    x, y = _landing_points(flow)
    # align_corners=False: the pixel centre i lies at (2 i + 1) / size - 1.
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    images = rearrange(frames_t1, "b c t h w -> (b t) c h w").to(grid.dtype)
    grid = rearrange(grid, "b t h w xy -> (b t) h w xy")
    warped = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return rearrange(warped, "(b t) c h w -> b c t h w", b=len(frames_t1))


def lands_inside(flow: Float[Tensor, "*B 2 T H W"]) -> Bool[Tensor, "*B T H W"]:
    """Pixels whose displacement ends inside the next frame.

    >>> lands_inside(torch.ones(2, 1, 2, 2)).flatten().tolist()
    [True, False, False, False]
    """
    _check_flows(flow, flow)
    height, width = flow.shape[-2:]
    x, y = _landing_points(flow)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _landing_points(flow: Tensor) -> tuple[Tensor, Tensor]:
    height, width = flow.shape[-2:]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)
    dx, dy = flow.unbind(dim=-4)
    return columns + dx, rows[:, None] + dy


def _check_flows(flow: Tensor, truth: Tensor) -> None:
    if flow.shape != truth.shape or flow.ndim not in (4, 5) or flow.shape[-4] != 2:
        shapes = tuple(flow.shape), tuple(truth.shape)
        raise ValueError(f"flows must have one shape (..., 2, T, H, W), got {shapes}")


def _check_valid(values: Tensor, valid: Tensor | None) -> None:
    if valid is not None and (valid.shape != values.shape or valid.dtype != torch.bool):
        found = tuple(valid.shape), valid.dtype
        raise ValueError(f"valid must be bool {tuple(values.shape)}, got {found}")


def _valid_pixels(values: Tensor, valid: Tensor | None) -> Tensor:
    _check_valid(values, valid)
    kept = values.flatten() if valid is None else values[valid]
    if kept.numel() == 0:
        raise ValueError(f"no valid pixel among {tuple(values.shape)}")
    return kept
