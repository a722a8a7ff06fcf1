"""What a trained network knows and uses: scenes swapped, erased, read by a probe."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

from course.evaluation.cam import class_activation_map, energy_inside, upsample_map
from course.evaluation.cam_boxes import box_accuracy, box_iou, mask_boxes
from course.evaluation.inference import (
    as_float_clips,
    device_of,
    evaluating,
    predict,
)
from course.evaluation.probes import scene_probe
from course.scene_debias.losses import entropy
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import make_world

PROBE_SEED = 1000  # added to the run's seed: other actors than any training's
HEARD = 5 / 8  # of the probe's clips it learns from
CAM_SHARE = 0.65  # of a map's largest value, above which a box holds it; seed 1's best


def examine(
    net: nn.Module, settings: Settings, seed: int, correlation: float | None = None,
    head: nn.Module | None = None,
) -> dict[str, float]:  # fmt: skip
    """Test a recogniser of the chapter's world.

    Args:
        net: has `forward`, `embed`, `forward_features` and `fc`; left in its mode.
        settings: of the scale.
        seed: of the world that it was trained in.
        correlation: rho of that world; None is the scale's.
        head: a plain scene head that it was trained against.

    Returns:
        Shares: `in_distribution`, `swapped`, `uncorrelated`, `static` and
        `background_only` accuracy; `background_action`, swapped clips named as the
        action that the scene belongs to; `leakage`, of scenes a fresh linear probe
        names from the features of uncorrelated clips; `background_entropy` of the
        answers to erased clips, as a share of ln K; `cam_energy` on the actor, whose
        share of the pixels is `actor_area`, and `cam_boxes` that meet its box by half,
        as do `centre_boxes`, one fixed box (swapped clips, the true action's map); and
        what the training's own head names right: `head` on clips in distribution,
        `head_uncorrelated` where the action does not tell the scene.

    Raises:
        ValueError: for outputs that do not fit the world.

    >>> from dataclasses import replace
    >>> from course.scene_debias.scales import SETTINGS
    >>> from course.scene_debias.trainings import network
    >>> small = replace(SETTINGS["cpu"], test_clips=8, probe_clips=16)
    >>> found = examine(network(small, seed=0), small, seed=0)
    >>> "leakage" in found, 0.1 < found["actor_area"] < 0.3
    (True, True)
    """
    rho = settings.correlation if correlation is None else correlation
    device = device_of(net)
    found = {}
    plain = {"in_distribution": ("test", rho), "static": ("static", rho),
             "uncorrelated": ("uncorrelated", 0.0)}  # fmt: skip
    for name, (split, correlation) in plain.items():
        data = split_of(settings, split, seed, correlation)
        logits = predict(net, data["clip"], device=device)
        found[name] = _accuracy(logits, data["action"])
    erased = split_of(settings, "background_only", seed, rho)
    logits = predict(net, erased["clip"], device=device)
    found["background_only"] = _accuracy(logits, erased["action"])
    unsure = entropy(logits).mean().item() / math.log(logits.shape[1])
    found["background_entropy"] = unsure
    found |= _swapped(net, settings, seed)
    found["leakage"] = leakage(net, settings, seed)
    if head is not None:
        home = split_of(settings, "test", seed, rho)
        away = split_of(settings, "uncorrelated", seed, 0.0)
        found["head"] = _head_accuracy(net, head, home)
        found["head_uncorrelated"] = _head_accuracy(net, head, away)
    return found


def leakage(net: nn.Module, settings: Settings, seed: int) -> float:
    """Scenes named by a fresh linear probe on frozen features of uncorrelated clips.

    Args:
        net: has `embed`.
        settings: of the scale.
        seed: of the world; the probe's clips come from another.

    Returns:
        A share in [0, 1]; chance is 1 / scenes.
    """
    clips = settings.probe_clips
    data = split_of(settings, "uncorrelated", seed + PROBE_SEED, 0.0, clips)
    features = predict(net.embed, data["clip"], device=device_of(net))  # type: ignore[arg-type]
    cut, scenes = int(HEARD * clips), data["scene"]
    return scene_probe(features[:cut], scenes[:cut], features[cut:], scenes[cut:])


@lru_cache(maxsize=12)
def split_of(
    settings: Settings, split: str, seed: int, correlation: float,
    clips: int | None = None,
) -> dict[str, Tensor]:  # fmt: skip
    """A test split as tensors; the last few are kept for the seed's other networks.

    Args:
        settings: of the scale.
        split: of `course.synthetic.SPLITS`.
        seed: of the world.
        correlation: rho.
        clips: how many; None is the scale's number.

    Returns:
        `clip`, `action`, `scene` and `mask` (see `SynthActions.render`), and
        `own_scene` (K,), the scene that each action belongs to.
    """
    world = make_world(settings, split, seed, clips, scene_correlation=correlation)
    data = world.tensors(("clip", "action", "scene", "mask"))
    return data | {"own_scene": torch.as_tensor(world.own_scene)}


def _swapped(net: nn.Module, settings: Settings, seed: int) -> dict[str, float]:
    data = split_of(settings, "swapped", seed, 0.0)
    device = device_of(net)
    predicted = predict(net, data["clip"], device=device).argmax(dim=1)
    return {
        "swapped": (predicted == data["action"]).float().mean().item(),
        "background_action": (data["own_scene"][predicted] == data["scene"])
        .float().mean().item(),
        **_pointing(net, data, device),
    }  # fmt: skip


def _pointing(net: nn.Module, data: dict, device: torch.device) -> dict[str, float]:
    """Where the true action's evidence lies, beside answers that look at nothing."""
    maps, mask = [], data["mask"]
    for rows in torch.arange(len(data["clip"])).split(64):
        clips = as_float_clips(data["clip"][rows].to(device))
        found = class_activation_map(net, clips, data["action"][rows].to(device))
        maps.append(upsample_map(found, clips.shape[2:]).float().cpu())
    every = torch.cat(maps)
    energy = energy_inside(every, mask)
    return {
        "cam_energy": energy[~energy.isnan()].mean().item(),
        "actor_area": mask.float().mean().item(),
        "cam_boxes": float(box_accuracy(every, mask, share=CAM_SHARE)),
        "centre_boxes": _centre_accuracy(mask),
    }


def _centre_accuracy(mask: Tensor) -> float:
    """Frames whose actor is met by one box, in the middle, of the actors' mean size."""
    boxes = mask_boxes(mask[mask.any(-1).any(-1)])
    side = (boxes[:, 2:] - boxes[:, :2]).float().mean(0)
    middle = torch.tensor([mask.shape[-1], mask.shape[-2]]) / 2
    fixed = torch.cat([middle - side / 2, middle + side / 2]).round().long()
    return (box_iou(boxes, fixed.expand_as(boxes)) >= 0.5).float().mean().item()


def _head_accuracy(net: nn.Module, head: nn.Module, data: dict) -> float:
    features = predict(net.embed, data["clip"], device=device_of(net))  # type: ignore[arg-type]
    told = (data["action"],) if hasattr(head, "actions") else ()
    where = device_of(head)
    with evaluating(head):
        guess = head(features.to(where), *(t.to(where) for t in told)).cpu()
    return _accuracy(guess, data["scene"])


def _accuracy(logits: Tensor, target: Tensor) -> float:
    return (logits.argmax(dim=1) == target).float().mean().item()
