"""Class activation maps (Zhou et al., CVPR 2016): where does a class's evidence lie?

For a network that ends in a global average pool and one linear layer,

    logit_c = sum_d w_cd mean(A_d) + b_c = mean(M_c) + b_c,    M_c = sum_d w_cd A_d

so the map M_c, one number per cell of the last feature map A, is an exact account of
the logit: nothing is approximated until the map is enlarged to the size of the clip.
Any recogniser with `forward_features(clips)` (B, D, T', H', W') and a linear layer `fc`
fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course.evaluation.inference import as_float_clips, evaluating


def class_activation_map(
    model: Any,
    clips: Float[Tensor, "B C T H W"],
    classes: Int[Tensor, " B"] | int | None = None,
) -> Float[Tensor, "B t h w"]:
    """The map whose mean plus the class's bias is the class's logit.

    Runs in eval mode without gradients and leaves the model in the mode it was in.

    Args:
        model: a recogniser with `forward_features` and `fc`.
        clips: float in [0, 1] or uint8, on the model's device.
        classes: one class per clip, one for all, or None for the predicted ones.

    Returns:
        One map per clip at the size of the last feature map, in logits.

    Raises:
        ValueError: for classes that do not fit the clips or `fc`, or a feature map that
            is not (B, D, T', H', W') with the width of `fc`.

    >>> from torch import nn
    >>> class Tiny(nn.Module):
    ...     fc = nn.Linear(3, 2)
    ...     def forward_features(self, clips):
    ...         return clips[:, :, ::2, ::4, ::4]
    >>> class_activation_map(Tiny(), torch.rand(5, 3, 4, 8, 8), 1).shape
    torch.Size([5, 2, 2, 2])
    """
    with evaluating(model):
        features = model.forward_features(as_float_clips(clips))
        weight = model.fc.weight
        if features.ndim != 5 or features.shape[1] != weight.shape[1]:
            shapes = tuple(features.shape), tuple(weight.shape)
            raise ValueError(f"features and fc.weight do not fit: {shapes}")
        if classes is None:
            classes = model.fc(features.mean(dim=(2, 3, 4))).argmax(dim=1)
        rows = weight[_one_per_clip(classes, len(clips), len(weight)).to(weight.device)]
        return torch.einsum("bd,bdthw->bthw", rows, features)


def upsample_map(
    maps: Float[Tensor, "B t h w"], size: Sequence[int]
) -> Float[Tensor, "B T H W"]:
    """Maps enlarged to the clip by trilinear interpolation between cell centres.

    Args:
        maps: from `class_activation_map`.
        size: (T, H, W) of the clip.

    Returns:
        Maps on the clip's pixels, still in logits (no clipping, no scaling).

    Raises:
        ValueError: unless the maps have four axes and the size three numbers.

    >>> upsample_map(torch.ones(2, 1, 4, 4), (8, 32, 32)).shape
    torch.Size([2, 8, 32, 32])
    """
    if maps.ndim != 4 or len(size) != 3:
        shape = tuple(maps.shape)
        raise ValueError(
            f"expected maps (B, T', H', W'), size (T, H, W): {shape}, {size}"
        )
    large = F.interpolate(maps[:, None], size=tuple(size), mode="trilinear")
    return large[:, 0]


def energy_inside(
    maps: Float[Tensor, "B T H W"], masks: Bool[Tensor, "B T H W"]
) -> Float[Tensor, " B"]:
    """Share of a map's positive values that lies inside a mask.

    Negative values are evidence against the class and are left out.  A map without any
    positive value points nowhere: its share is nan, to be left out of means.  Compare
    with the mask's share of the pixels, which is what a flat map scores.

    Args:
        maps: maps on the clip's pixels.
        masks: where the actor is.

    Returns:
        One share in [0, 1] per clip, or nan.

    Raises:
        ValueError: if shapes differ or the masks are not bool.

    >>> maps = torch.tensor([[[[3.0, 1.0, -5.0]]]])
    >>> energy_inside(maps, torch.tensor([[[[True, False, True]]]]))
    tensor([0.7500])
    """
    if maps.ndim != 4 or maps.shape != masks.shape:
        shapes = tuple(maps.shape), tuple(masks.shape)
        raise ValueError(f"maps and masks must both be (B, T, H, W), got {shapes}")
    if masks.dtype != torch.bool:
        raise ValueError(f"masks must be bool, got {masks.dtype}")
    energy = maps.clamp(min=0)
    return (energy * masks).sum(dim=(1, 2, 3)) / energy.sum(dim=(1, 2, 3))


def _one_per_clip(classes: Tensor | int, count: int, num_classes: int) -> Tensor:
    index = torch.as_tensor(classes)
    if index.ndim == 0:
        index = index.expand(count)
    if index.shape != (count,) or index.is_floating_point():
        raise ValueError(f"{count} clips need {count} whole classes, got {classes}")
    if count and not 0 <= int(index.min()) <= int(index.max()) < num_classes:
        raise ValueError(f"classes must be in 0 .. {num_classes - 1}, got {classes}")
    return index
