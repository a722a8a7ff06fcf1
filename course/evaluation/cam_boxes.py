"""Boxes cut out of class activation maps: does a recogniser find the actor by itself?

Zhou et al. (CVPR 2016) turn a class activation map into a box without a box ever having
been seen in training: keep the cells above 20 % of the map's maximum, take the largest
connected component, draw the box around it.  It is right if it overlaps the true box
with an IoU of at least 0.5.  Here this is done frame by frame, and the true box is the
one around the actor's mask, which the synthetic world knows.

It is a **proxy**.  The scene-debiasing paper's detection experiment trains a detector
on annotated boxes, starting from its pre-trained network, and measures that detector.
Nothing here is trained on boxes, so the numbers of the two cannot be compared; only the
question is the same: does the network without scene bias know better where the actor
is?  Zhou's 20 % were chosen for maps of photographs and are as much of a choice here.

A box is (left, top, right, bottom) in pixels, right and bottom exclusive, so that its
area is (right - left) * (bottom - top); an empty mask has the box (0, 0, 0, 0).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor


def mask_boxes(masks: Bool[Tensor, "*N H W"]) -> Int[Tensor, "*N 4"]:
    """The smallest box around everything that a mask marks.

    Args:
        masks: bool masks.

    Returns:
        int64 (left, top, right, bottom) of each mask, in pixels; zeros if it is empty.

    Raises:
        ValueError: for masks that are not bool or have fewer than two axes.

    >>> mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> mask[0, 1:3, 2] = mask[0, 2, 5] = True
    >>> mask_boxes(mask).tolist()
    [[2, 1, 6, 3]]
    """
    _check_masks(masks)
    left, right = _span(masks.any(dim=-2))
    top, bottom = _span(masks.any(dim=-1))
    return torch.stack([left, top, right, bottom], dim=-1)


def largest_component(masks: Bool[Tensor, "*N H W"]) -> Bool[Tensor, "*N H W"]:
    """The connected component with the most pixels; corners connect.

    Every marked pixel starts as a group with a number of its own.  Each group joins the
    highest number that one of its pixels has next to it, or the group which that one
    joins, and so on, until nothing changes; a group is then a component.  Of components
    of equal size the one with the highest number stays, which is the one that reaches
    furthest down the frame.

    Args:
        masks: bool masks.

    Returns:
        Masks of the same shape with at most one component each.

    Raises:
        ValueError: as `mask_boxes`.

    >>> mask = torch.tensor([[[1, 0, 1, 0], [0, 0, 0, 1]]]).bool()
    >>> largest_component(mask).int().tolist()
    [[[0, 0, 1, 0], [0, 0, 0, 1]]]
    """
    _check_masks(masks)
    height, width = masks.shape[-2:]
    if masks.numel() == 0:
        return masks.clone()
    inside = masks.reshape(-1, 1, height, width)
    # Numbers up to H * W are exact in float32 for frames of up to 4096 x 4096 pixels.
    own = torch.arange(1, height * width + 1, device=masks.device).float()
    labels = (own.view(height, width) * inside).flatten(1).long()
    nothing = labels.new_zeros(len(labels), height * width + 1)
    while True:
        number = labels.view(inside.shape).float()
        seen = F.max_pool2d(number, kernel_size=3, stride=1, padding=1) * inside
        joins = nothing.scatter_reduce(1, labels, seen.flatten(1).long(), "amax")
        while not torch.equal(further := joins.gather(1, joins), joins):
            joins = further
        merged = joins.gather(1, labels)
        if torch.equal(merged, labels):
            break
        labels = merged
    pixels = nothing.scatter_add(1, labels, (labels > 0).long())
    rank = pixels * pixels.shape[1] + torch.arange(pixels.shape[1]).to(pixels)
    rank[:, 0] = -1
    largest = rank.argmax(dim=1, keepdim=True)
    return ((labels == largest) & (labels > 0)).view(masks.shape)


def cam_boxes(
    maps: Float[Tensor, "B T H W"], share: float = 0.2
) -> Int[Tensor, "B T 4"]:
    """The box of a map's strongest region, frame by frame.

    Args:
        maps: class activation maps on the clip's pixels (`upsample_map`), in logits.
        share: pixels above this share of their frame's maximum belong to the region.

    Returns:
        Boxes as `mask_boxes`; zeros for a frame without any positive evidence.

    Raises:
        ValueError: for maps that are not finite or not (B, T, H, W), or a share outside
            [0, 1).

    >>> maps = torch.tensor([[[[0.0, 1.0, 4.0, 3.0], [0.5, 0.0, 3.0, 0.0]]]])
    >>> cam_boxes(maps).tolist(), cam_boxes(maps, share=0.5).tolist()
    ([[[1, 0, 4, 2]]], [[[2, 0, 4, 2]]])
    """
    if maps.ndim != 4 or not maps.isfinite().all():
        raise ValueError(f"maps must be finite (B, T, H, W), got {tuple(maps.shape)}")
    if not 0.0 <= share < 1.0:
        raise ValueError(f"share must be in [0, 1), got {share}")
    highest = maps.amax(dim=(2, 3), keepdim=True)
    return mask_boxes(largest_component((maps > share * highest) & (highest > 0)))


def box_iou(a: Int[Tensor, "*N 4"], b: Int[Tensor, "*N 4"]) -> Float[Tensor, " *N"]:
    """Intersection over union of boxes, one with one; 0 where both are empty.

    Args:
        a, b: (left, top, right, bottom) in pixels, right and bottom exclusive.

    Returns:
        float32 in [0, 1].

    Raises:
        ValueError: for shapes that differ or do not end in 4, or a box whose right or
            bottom lies before its left or top.

    >>> box_iou(torch.tensor([[0, 0, 4, 2]]), torch.tensor([[2, 0, 6, 2]])).tolist()
    [0.3333333432674408]
    """
    if a.shape != b.shape or a.shape[-1:] != (4,):
        raise ValueError(
            f"boxes must be (..., 4), got {tuple(a.shape)}, {tuple(b.shape)}"
        )
    for boxes in (a, b):
        bad = (boxes[..., 2:] < boxes[..., :2]).any(dim=-1)
        if bad.any():
            raise ValueError(f"not a box: {boxes[bad][0].tolist()}")
    corner = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(
        a[..., :2], b[..., :2]
    )
    shared = corner.clamp(min=0).prod(dim=-1)
    areas = [(x[..., 2:] - x[..., :2]).prod(dim=-1) for x in (a, b)]
    union = (areas[0] + areas[1] - shared).float()
    return torch.where(union > 0, shared.float() / union, 0.0)


def box_accuracy(
    maps: Float[Tensor, "B T H W"],
    masks: Bool[Tensor, "B T H W"],
    threshold: float = 0.5,
    share: float = 0.2,
) -> float:
    """Share of the frames with an actor in which the map's box is right.

    A weakly supervised proxy for detection, see the module.  Compare with what a flat
    map scores, `box_accuracy(torch.ones_like(maps), masks)`: the whole frame as a box
    is right wherever the actor's box fills half of it.

    Args:
        maps: class activation maps on the clip's pixels, in logits.
        masks: where the actor is; frames in which it is nowhere do not count.
        threshold: IoU from which on a box is right, in (0, 1].
        share: see `cam_boxes`.

    Returns:
        A share in [0, 1].

    Raises:
        ValueError: as `cam_boxes`, for masks that are not bool or of another shape, no
            frame with an actor, or a threshold outside (0, 1].

    >>> masks = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    >>> masks[..., :2, :2] = True
    >>> maps = torch.stack([masks[:, 0].float(), torch.ones(1, 4, 4)], dim=1)
    >>> box_accuracy(maps, masks)
    0.5
    """
    if maps.shape != masks.shape:
        shapes = tuple(maps.shape), tuple(masks.shape)
        raise ValueError(f"maps and masks must both be (B, T, H, W), got {shapes}")
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold must be in (0, 1], got {threshold}")
    true = mask_boxes(masks)
    visible = masks.flatten(2).any(dim=2)
    if not visible.any():
        raise ValueError(f"no frame of the masks {tuple(masks.shape)} has an actor")
    right = box_iou(cam_boxes(maps, share), true)[visible] >= threshold
    return int(right.sum()) / right.numel()


def _span(
    marked: Bool[Tensor, "*N L"],
) -> tuple[Int[Tensor, " *N"], Int[Tensor, " *N"]]:
    """First marked place and the one after the last; 0, 0 if there is none."""
    length = marked.shape[-1]
    place = torch.arange(length, device=marked.device)
    first = torch.where(marked, place, length).amin(dim=-1)
    after = torch.where(marked, place + 1, 0).amax(dim=-1)
    return torch.where(marked.any(dim=-1), first, 0), after


def _check_masks(masks: Tensor) -> None:
    if masks.dtype != torch.bool or masks.ndim < 2 or 0 in masks.shape[-2:]:
        shape = tuple(masks.shape)
        raise ValueError(f"masks must be bool (..., H, W), got {masks.dtype}, {shape}")
