"""Where two networks look on clips whose scene is another action's.

Source: class activation maps (Zhou et al., CVPR 2016), which SDN (Choi et al., NeurIPS
2019) shows for chosen clips.  Here any clip can be chosen, and every number stands
beside its mean over all of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from course.evaluation.cam import class_activation_map, energy_inside, upsample_map
from course.evaluation.cam_boxes import box_iou, cam_boxes, mask_boxes
from course.evaluation.inference import as_float_clips, device_of, predict
from course.synthetic import SynthActions
from course.teaching.figures import Picture
from course.teaching.looping import animated_png, clip_grid
from course.teaching.overlays import heat_overlay, mask_outline
from course.teaching.pixels import enlarge, frames_of

PREDICTED, TRUE, BACKGROUND = CLASSES = ("predicted", "true", "background's")
WIDE, LARGEST_FILM = 200, 85_000  # px of a film at most; bytes
OUTLINE = (86, 180, 233)  # sky blue, which the heat's colours lack


class Clips(NamedTuple):
    """Swapped clips with their truth."""

    clips: UInt8[Tensor, "n 3 t h w"]
    masks: Bool[Tensor, "n t h w"]
    action: Int[Tensor, " n"]
    background: Int[Tensor, " n"]  # the action that the scene belongs to
    scenes: tuple[str, ...]  # of each clip
    actions: tuple[str, ...]  # of the world


class Look(NamedTuple):
    """What a network says of some clips, and where the evidence lies."""

    predicted: Int[Tensor, " n"]
    maps: Float[Tensor, "n t h w"]  # logits
    energy: Float[Tensor, " n"]  # share on the actor; nan without positive evidence
    overlap: Float[Tensor, " n"]  # of the map's box with the actor's, mean over frames


def swapped_clips(world: SynthActions, count: int) -> Clips:
    """The first clips of a swapped split.

    Args:
        world: split "swapped".
        count: how many.

    Raises:
        ValueError: for another split, or a count that the world does not have.

    >>> world = SynthActions("swapped", 2, frames=2, size=16)
    >>> clips = swapped_clips(world, 2)
    >>> bool((clips.action != clips.background).all())
    True
    """
    if world.split != "swapped" or not 1 <= count <= len(world):
        asked = f"{count} of {len(world)} {world.split} clips"
        raise ValueError(f"needs the swapped split and 1 or more of its clips: {asked}")
    found = world.render(range(count), ("clip", "mask", "action", "scene"))
    scene = found["scene"].cpu()
    own = torch.as_tensor(world.own_scene)
    belongs = (own[None] == scene[:, None]).int().argmax(1)
    names = tuple(world.scene_names[int(s)] for s in scene)
    clip, mask, action = (found[key].cpu() for key in ("clip", "mask", "action"))
    return Clips(clip, mask, action, belongs, names, world.action_names)


def look(net: Any, clips: Clips, chosen: str) -> Look:
    """Ask a network for its answers and for the evidence of one class a clip.

    Args:
        net: a recogniser with `forward_features` and `fc`; left in its mode.
        clips: from `swapped_clips`.
        chosen: whose evidence, one of `CLASSES`.

    Raises:
        ValueError: an unknown choice, or a network of other classes.
    """
    device = device_of(net)
    logits = predict(net, clips.clips, device=device)
    if logits.shape[1] != len(clips.actions):
        shape = tuple(logits.shape)
        raise ValueError(f"logits {shape} for a world of {len(clips.actions)} actions")
    predicted = logits.argmax(1)
    classes = {PREDICTED: predicted, TRUE: clips.action, BACKGROUND: clips.background}
    if chosen not in classes:
        raise ValueError(f"the class is one of {CLASSES}, got {chosen!r}")
    floats = as_float_clips(clips.clips)
    small = class_activation_map(net, floats.to(device), classes[chosen].to(device))
    maps = upsample_map(small, floats.shape[2:]).float().cpu()
    overlap = box_iou(cam_boxes(maps), mask_boxes(clips.masks)).mean(1)
    return Look(predicted, maps, energy_inside(maps, clips.masks), overlap)


def cam_film(clips: Clips, number: int, looks: dict[str, Look], alt: str) -> Picture:
    """A clip, and each network's map over it, with the actor's outline, looping.

    A map's colours go from its least to its largest positive value in the clip.

    Args:
        clips: from `swapped_clips`.
        number: of the clip.
        looks: name of a network -> what it says.
        alt: what the picture shows.
    """
    frames, mask = frames_of(clips.clips[number]), clips.masks[number].numpy()
    films = {f"{clips.actions[clips.action[number]]}, {clips.scenes[number]}": frames}
    for name, seen in looks.items():
        heat = seen.maps[number].clamp(min=0).numpy()
        said = clips.actions[seen.predicted[number]]
        warm = mask_outline(heat_overlay(frames, heat), mask, OUTLINE)
        films[f"{name}: {said} ({verdict(clips, seen, number)})"] = warm
    scale = max(1, WIDE // frames.shape[2])
    page = clip_grid([enlarge(f, scale) for f in films.values()], list(films), 3)
    return Picture(animated_png(page, 4.0, LARGEST_FILM), alt, page.shape[2])


def verdict(clips: Clips, seen: Look, number: int) -> str:
    """Whether a clip's answer is right, or the background's action, or else wrong."""
    said = int(seen.predicted[number])
    if said == int(clips.action[number]):
        return "right"
    background = said == int(clips.background[number])
    return "wrong: the background's action" if background else "wrong"


def cam_sentence(clips: Clips, number: int, looks: dict[str, Look], chosen: str) -> str:
    """Answers, energy on the actor and boxes, of this clip and of all, as HTML.

    Args:
        clips: from `swapped_clips`.
        number: of the clip.
        looks: name of a network -> what it says.
        chosen: whose evidence is shown.
    """
    names, scene = clips.actions, clips.scenes[number]
    area = 100 * float(clips.masks[number].float().mean())
    every = 100 * float(clips.masks.float().mean())
    head = (
        f"<p>Truth: {names[clips.action[number]]}; the {scene} belongs to "
        f"{names[clips.background[number]]}. Evidence for the {chosen} action. The "
        f"actor covers {area:.0f} % of the pixels (of all clips {every:.0f} %), which "
        "is what a flat map has on it.</p>"
    )
    return head + "".join(
        _line(clips, number, name, seen) for name, seen in looks.items()
    )


def _line(clips: Clips, number: int, name: str, seen: Look) -> str:
    energy, count = seen.energy.numpy(), len(seen.energy)
    known = energy[~np.isnan(energy)]
    mean = f"{100 * known.mean():.0f} %" if len(known) else "none"
    own = "none" if np.isnan(energy[number]) else f"{100 * energy[number]:.0f} %"
    right = int((seen.predicted == clips.action).sum())
    fooled = int((seen.predicted == clips.background).sum())
    overlap, every = 100 * float(seen.overlap[number]), 100 * float(seen.overlap.mean())
    return (
        f"<p><b>{name}</b> says {clips.actions[seen.predicted[number]]}: "
        f"{verdict(clips, seen, number)}. Positive evidence on the actor <b>{own}</b>; "
        f"its box meets the actor's by {overlap:.0f} % (IoU). Over all {count} clips: "
        f"{mean} and {every:.0f} %, {right} right, {fooled} named as the background's "
        "action.</p>"
    )
