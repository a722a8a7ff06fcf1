"""What a method is given: scene labels, masked clips, other backgrounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor

from course.evaluation.inference import as_float_clips
from course.scene_debias.human_masks import degrade, mask_clip
from course.scene_debias.labeller import frame_probabilities, scene_labeller
from course.scene_debias.methods import Masks, Method
from course.scene_debias.scales import Settings
from course.scene_debias.scene_labels import (
    calibrated,
    confusable_noise,
    draw_names,
    hard_label,
    merged,
    soft_label,
    uniform_noise,
)
from course.synthetic import SynthActions

Data = dict[str, Tensor]
LABELLER_SEED = 500  # added to the run's seed: other light, other furniture


def training_data(
    world: SynthActions, method: Method, settings: Settings, seed: int
) -> Data:
    """A world's clips with the labels and masked clips that a method is given.

    Args:
        world: the split to learn from.
        method: how it will be used.
        settings: of the scale.
        seed: of wrong labels and missed frames.

    Returns:
        `clip` uint8 (N, 3, T, H, W), `action` (N,), `scene` (N,) or distributions (N,
        M); with masks `masked`, another clip's without its human; for re-drawn
        backgrounds `mask` and `background`.

    >>> from course.scene_debias.methods import METHODS
    >>> from course.scene_debias.scales import SETTINGS
    >>> from course.scene_debias.trainings import make_world
    >>> world = make_world(SETTINGS["cpu"], "train", seed=3, clips=4, size=16)
    >>> data = training_data(world, METHODS["both"], SETTINGS["cpu"], seed=3)
    >>> sorted(data), tuple(data["masked"].shape)
    (['action', 'clip', 'masked', 'scene'], (4, 3, 8, 16, 16))
    """
    keys = {"clip", "action", "scene"}
    if method.masks != "none" or method.redraw:
        keys |= {"mask", "background"}
    data = world.tensors(tuple(sorted(keys)))
    if method.masks != "none":
        masked = hide_humans(data, method.masks, settings, seed)
        # Item i carries the masked clip of another video.  Labels come in turns, so an
        # odd shift, or all of these would have the item's own action.
        data["masked"] = masked.roll(len(masked) // 2 + 1, 0)
    if not method.redraw:
        data = {k: v for k, v in data.items() if k not in ("mask", "background")}
    named = scene_names(data["scene"], data["clip"], method, settings, seed)
    return data | {"scene": named}


def hide_humans(data: Data, kind: str, settings: Settings, seed: int) -> Tensor:
    """Clips without their human, as well as masks of a kind (see `Method`) can do it.

    Args:
        data: `clip`, `mask` and `background`.
        kind: "erased", "silhouette", "box" or "missing".
        settings: of the scale.
        seed: of the frames that are missed.

    Returns:
        uint8 (N, 3, T, H, W).

    Raises:
        ValueError: for another kind.
    """
    if kind not in get_args(Masks) or kind == "none":
        raise ValueError(f"masks are {get_args(Masks)[1:]}, got {kind!r}")
    if kind in ("silhouette", "box"):
        form = "true" if kind == "silhouette" else "box"
        return mask_clip(data["clip"], degrade(data["mask"], grow=1), form)
    missing = settings.missing if kind == "missing" else 0.0
    mask = degrade(data["mask"], grow=1, missing=missing, seed=seed)
    return mask_clip(data["clip"], mask, "true", "background", data["background"])


def scene_names(
    scene: Tensor, clips: Tensor, method: Method, settings: Settings, seed: int
) -> Tensor:
    """Scene labels as the method gives them.

    Args:
        scene: the true ones (N,).
        clips: uint8 (N, 3, T, H, W), for a labeller that has to look.
        method: says how.
        settings: of the scale.
        seed: of the errors, or of what the labeller learns from.

    Returns:
        Indices (N,), or with `soft` distributions (N, M).
    """
    scenes = len(settings.knobs.scene_names)
    if method.labels == "labeller":
        return _labelled(clips, method.soft, settings, seed)
    tables = {
        "exact": torch.eye(scenes),
        "uniform": uniform_noise(scenes, settings.noise),
        "confusable": confusable_noise(scenes, settings.noise),
        "merged": merged(scenes),
    }
    table = tables[method.labels]
    named = draw_names(scene, table, seed)
    return calibrated(named, table) if method.soft else named


def _labelled(clips: Tensor, soft: bool, settings: Settings, seed: int) -> Tensor:
    """What a weak classifier of pictures makes of the frames."""
    pictures = settings.labeller_pictures
    net = scene_labeller(settings.knobs, seed + LABELLER_SEED, pictures)
    said = frame_probabilities(net, clips)
    return soft_label(said) if soft else hard_label(said)


def clips_of(batch: Mapping[str, Tensor]) -> Tensor:
    """The batch's clips in [0, 1]."""
    return as_float_clips(batch["clip"])


def masked_of(batch: Mapping[str, Tensor], most: int) -> Tensor:
    """Masked clips in [0, 1], so many of the batch's."""
    return as_float_clips(batch["masked"][:most])


def redrawn(batch: Mapping[str, Tensor]) -> Tensor:
    """Every actor in front of the background of its neighbour in the batch."""
    mask = batch["mask"][:, None]
    behind = as_float_clips(batch["background"].roll(1, 0))
    return torch.where(mask, as_float_clips(batch["clip"]), behind)
