"""Where a network's last map is active, without asking about any class.

FAME (Ding et al., CVPR 2022) shows class-agnostic activation maps: a plain contrastive
network lights up scenery, FAME's lights up the actor.  No label is needed, so a network
can be looked at right after its pre-training.  A picture can be chosen; here the map is
scored: which share of its energy lies inside the true mask of the actor?

A flat map scores the mask's share of the pixels, so always read a share beside that.
The map is enlarged from few cells, whose receptive fields reach far beyond them: it can
not be sharper than that, and even a perfect network leaves energy around the actor.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from course.evaluation.cam import energy_inside, upsample_map
from course.evaluation.inference import as_float_clips, device_of, evaluating

KINDS = ("sum", "norm")


def activation_map(
    model: Any, clips: Shaped[Tensor, "B 3 T H W"], kind: str = "sum"
) -> Float[Tensor, "B t h w"]:
    """How active the last feature map is at each of its cells, over all channels.

    Runs in eval mode without gradients and leaves the model in the mode it was in.

    Args:
        model: has `forward_features` (B, D, t, h, w).
        clips: float in [0, 1] or uint8, on the model's device.
        kind: "sum" of the channels, or their Euclidean "norm", which strong channels
            decide.

    Returns:
        One map per clip at the size of the last feature map.

    Raises:
        ValueError: for another kind, or features that are not (B, D, t, h, w).

    Source: the paper's class-agnostic activation maps.

    >>> class Tiny:
    ...     def forward_features(self, clips):
    ...         return clips[:, :, ::2, ::4, ::4]
    >>> activation_map(Tiny(), torch.ones(1, 3, 4, 8, 8)).unique()
    tensor([3.])
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {KINDS}, got {kind!r}")
    with evaluating(model):
        features = model.forward_features(as_float_clips(clips)).float()
    if features.ndim != 5 or len(features) != len(clips):
        shape = tuple(features.shape)
        raise ValueError(f"features must be ({len(clips)}, D, t, h, w), got {shape}")
    return features.sum(1) if kind == "sum" else features.norm(dim=1)


def activation_share(
    model: Any,
    clips: Shaped[Tensor, "N 3 T H W"],
    masks: Bool[Tensor, "N T H W"],
    kind: str = "sum",
    batch_size: int = 64,
) -> Float[Tensor, " N"]:
    """The share of each clip's activation that lies on the actor.

    Args:
        model: as in `activation_map`; clips are sent to its device.
        clips: float in [0, 1] or uint8.
        masks: where the actor is in each frame.
        kind: as in `activation_map`.
        batch_size: clips per call.

    Returns:
        float32 in [0, 1] on the CPU; nan for a clip on which nothing is active.  A flat
        map scores `masks.float().mean((1, 2, 3))`.

    Raises:
        ValueError: as `activation_map`, for masks that are not bool or not of the
            clips' frames, or no clips.

    >>> class Tiny:
    ...     def forward_features(self, clips):
    ...         return clips
    >>> clips = torch.tensor([1.0, 1.0, 1.0, 5.0]).expand(1, 3, 1, 1, 4)
    >>> activation_share(Tiny(), clips, clips[:, 0] > 4)
    tensor([0.6250])
    """
    if len(clips) == 0 or masks.shape != (len(clips), *clips.shape[2:]):
        shapes = f"{tuple(clips.shape)} and {tuple(masks.shape)}"
        raise ValueError(f"needs clips (N, 3, T, H, W), masks (N, T, H, W): {shapes}")
    device, found = device_of(model), []
    batches = zip(clips.split(batch_size), masks.split(batch_size), strict=True)
    for some, inside in batches:
        maps = activation_map(model, some.to(device), kind)
        large = upsample_map(maps, some.shape[2:])
        found.append(energy_inside(large, inside.to(device)).cpu())
    return torch.cat(found)
