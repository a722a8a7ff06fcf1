"""Clips without their human: true masks, boxes, and masks as imperfect as a detector's.

SDN (Choi et al., NeurIPS 2019), its method section: on clips whose humans are masked
out the action should be unknowable (`losses.human_mask_confusion_loss`).

As in the official code, the hole is filled with that frame's own mean colour, the
human's pixels among those averaged, and a frame without a mask stays as it is.  There
the masks are the boxes of a person detector: `kind="box"`.  A box leaves a rectangle
that tells where the human was and how large.  The mean of uint8 clips is rounded.

A true mask leaves a rim: pixels that the actor covers by less than half are not in it.
`degrade(mask, grow=1)` holds them as well; on the world's own background nothing of the
actor is left then.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Shaped
from torch import Tensor

from course.draws import Draws

KINDS = ("true", "box")
FILLS = ("mean", "background")


def box_of(mask: Bool[Tensor, "*b h w"]) -> Bool[Tensor, "*b h w"]:
    """Each frame's smallest upright box around its mask; no mask, no box.

    Args:
        mask: of one frame, a clip (T, H, W) or a batch (B, T, H, W).

    Returns:
        The filled boxes, in the mask's shape.

    Raises:
        ValueError: for a mask that is not bool or has no picture axes.

    >>> box_of(torch.eye(3, dtype=torch.bool)).all().item()
    True
    """
    if mask.dtype != torch.bool or mask.ndim < 2:
        found = f"{mask.dtype} {tuple(mask.shape)}"
        raise ValueError(f"mask must be bool (..., H, W), got {found}")
    return _spanned(mask.any(-1))[..., None] & _spanned(mask.any(-2))[..., None, :]


def mask_clip(
    clip: Shaped[Tensor, "*b c t h w"],
    mask: Bool[Tensor, "*b t h w"],
    kind: str = "true",
    fill: str = "mean",
    background: Shaped[Tensor, "*b c t h w"] | None = None,
) -> Shaped[Tensor, "*b c t h w"]:
    """Cover the human of a clip, or of a batch of clips.

    Args:
        clip: (C, T, H, W) or (B, C, T, H, W), float or uint8.
        mask: where the human is, (T, H, W) or (B, T, H, W).
        kind: "true" covers the mask itself, "box" each frame's box around it.
        fill: "mean", the mean colour of the whole frame, as released; "background",
            what a perfect painter would put there.
        background: the clip without its human (the synthetic world's `background`);
            only for that fill.

    Returns:
        A new clip of the same shape and type; outside the mask nothing changes.

    Raises:
        ValueError: for shapes that do not fit, an unknown kind or fill, or a background
            that is missing, of another shape, or not asked for.

    Source: SDN, its method section and released code.

    >>> clip = torch.arange(4.0).view(1, 1, 1, 4)
    >>> mask_clip(clip, clip[0] > 2).flatten().tolist()
    [0.0, 1.0, 2.0, 1.5]
    """
    _check(clip, mask, kind, fill, background)
    hole = box_of(mask) if kind == "box" else mask
    filling = _frame_means(clip) if background is None else background
    return torch.where(hole.unsqueeze(-4), filling, clip)


def degrade(
    mask: Bool[Tensor, "*b t h w"],
    grow: int = 0,
    shift: tuple[int, int] = (0, 0),
    missing: float = 0.0,
    seed: int = 0,
) -> Bool[Tensor, "*b t h w"]:
    """Make true masks as imperfect as a detector's: first grown, then moved, then lost.

    Args:
        mask: of a clip (T, H, W) or a batch (B, T, H, W).
        grow: px added on every side, in the shape of a square; negative numbers erode,
            and the frame's border does not.
        shift: px to the right and down; what leaves the frame is gone.
        missing: probability that a frame loses its mask.  A frame that is lost stays
            lost under any higher probability.
        seed: of the frames that are lost.

    Returns:
        New masks of the same shape.

    Raises:
        ValueError: for a mask that is not bool, or a probability outside [0, 1].

    >>> mask = torch.zeros(1, 5, 5, dtype=torch.bool)
    >>> mask[0, 2, 2] = True
    >>> int(degrade(mask, grow=1).sum()), int(degrade(mask, shift=(3, 0)).sum())
    (9, 0)
    """
    if mask.dtype != torch.bool or mask.ndim < 3:
        found = f"{mask.dtype} {tuple(mask.shape)}"
        raise ValueError(f"mask must be bool (..., T, H, W), got {found}")
    if not 0 <= missing <= 1:
        raise ValueError(f"missing is a probability in [0, 1], got {missing}")
    grown = _dilated(mask, grow) if grow >= 0 else ~_dilated(~mask, -grow)
    return _shifted(grown, *shift) & ~_lost(mask, missing, seed)[..., None, None]


def _spanned(line: Tensor) -> Tensor:
    """True from the first to the last True along the last axis."""
    begun = line.cumsum(-1) > 0
    unfinished = line.flip(-1).cumsum(-1).flip(-1) > 0
    return begun & unfinished


def _frame_means(clip: Tensor) -> Tensor:
    """The mean colour of each frame, in the clip's type, (..., C, T, 1, 1)."""
    exact = clip if clip.dtype in (torch.float32, torch.float64) else clip.float()
    means = exact.mean(dim=(-2, -1), keepdim=True)
    return (means if clip.is_floating_point() else means.round()).to(clip.dtype)


def _dilated(mask: Tensor, by: int) -> Tensor:
    if by == 0 or mask.numel() == 0:
        return mask
    flat = mask.flatten(0, -3)[:, None].float()
    return (F.max_pool2d(flat, 2 * by + 1, 1, by) > 0)[:, 0].view(mask.shape)


def _shifted(mask: Tensor, right: int, down: int) -> Tensor:
    height, width = mask.shape[-2:]
    # Padding on one side and cutting on the other: nothing comes in again.
    moved = F.pad(mask, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    top, left = max(-down, 0), max(-right, 0)
    return moved[..., top : top + height, left : left + width]


def _lost(mask: Tensor, missing: float, seed: int) -> Tensor:
    """Which frames lose their mask, (..., T); by place, whatever the device."""
    frames = mask.shape[:-2]
    draws = Draws(seed, np.arange(frames.numel()), "lost masks/")
    lost = torch.from_numpy(draws.bernoulli("lost", missing))
    return lost.view(frames).to(mask.device)


def _check(clip, mask, kind, fill, background) -> None:
    if kind not in KINDS or fill not in FILLS:
        options = f"kind is one of {KINDS}, fill one of {FILLS}"
        raise ValueError(f"{options}; got {kind!r} and {fill!r}")
    fits = clip.ndim in (4, 5) and mask.shape == clip.shape[:-4] + clip.shape[-3:]
    if mask.dtype != torch.bool or not fits:
        found = f"{tuple(clip.shape)} and {mask.dtype} {tuple(mask.shape)}"
        wanted = "clip (B, C, T, H, W) and bool mask (B, T, H, W), B in both or none"
        raise ValueError(f"needs {wanted}; got {found}")
    if (fill == "background") != (background is not None):
        raise ValueError(f"a background goes with fill='background', got fill={fill!r}")
    if background is not None:
        wanted, found = (f"{x.dtype} {tuple(x.shape)}" for x in (clip, background))
        if wanted != found:
            raise ValueError(f"background must be as the clip, {wanted}; got {found}")
