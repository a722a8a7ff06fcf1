"""Who can tell an action from its reversal?  TSN, TSM, MSNet, and other backbones.

Source: the paper's comparisons of networks and of backbones, there on
Something-Something.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor, nn

from course.evaluation.order import logits_of, twins
from course.motion_squeeze.inputs import backwards, frames
from course.motion_squeeze.motion_maps import motion_modules, motion_of
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.scoring import (
    flow_at_cells,
    mask_at_cells,
    score_displacement,
)
from course.motion_squeeze.trainings import (
    make_world,
    network,
    score,
    tested_on,
    train,
    trained_on,
)
from course.training import TrainSettings

SCORED_CLIPS = 128


def recognise(
    name: str, settings: Settings, seed: int, device: torch.device,
    schedule: str = "usual", **options,
) -> dict[str, float]:  # fmt: skip
    """Train one network on the actions and test it, forwards and backwards.

    Args:
        name: see `course.motion_squeeze.trainings.network`.
        settings: of the scale.
        seed: of everything.
        device: where to train.
        schedule: "usual"; "more" clips and steps; or "long", as many steps as "more" on
            the usual clips.
        **options: of the module.

    Returns:
        `accuracy`, `family`, `order`; `named_reversal`: clips of the test set played
        backwards, how many are named as the reversed action, which is the right answer;
        `named_forwards`: how many are still named as if nothing had happened; `seconds`
        of training and `clips_per_second` at the test, disturbed by whatever else the
        machine did (`speed` measures them alone); of a network with the module also
        `field_...`: its displacement against the true flow (cells, see
        `score_displacement`), and `untrained_...`, the same before training.
    """
    clips, recipe = _schedule(schedule, settings)
    data = trained_on(settings, seed, clips)
    net = network(name, settings, seed, **options).to(device)
    before = field_scores(net, settings, seed, "untrained_") if _scored(net) else {}
    begun = time.perf_counter()
    train(net, data, frames, recipe, seed, device)
    found = {"seconds": time.perf_counter() - begun, **before}
    test = tested_on(settings, seed)
    begun = time.perf_counter()
    found |= score(net, test, settings)
    found["clips_per_second"] = len(test["action"]) / (time.perf_counter() - begun)
    found |= played_backwards(net, test, settings)
    return found | (field_scores(net, settings, seed, "field_") if _scored(net) else {})


def _schedule(name: str, settings: Settings) -> tuple[int, TrainSettings]:
    """Number of clips and recipe."""
    if name == "more":
        return settings.more_clips, settings.more_recipe
    if name == "long":
        recipe = replace(settings.recipe, epochs=settings.long_epochs)
        return settings.clips, recipe
    return settings.clips, settings.recipe


def played_backwards(
    net: nn.Module, test: dict[str, Tensor], settings: Settings
) -> dict[str, float]:
    """What a network says of clips played backwards, where every action is another."""
    answers = logits_of(net, test, backwards).argmax(1)
    reversed_ = twins(settings.knobs.action_names)[test["action"]]
    return {
        "named_reversal": float((answers == reversed_).float().mean()),
        "named_forwards": float((answers == test["action"]).float().mean()),
    }


def field_scores(
    net: nn.Module, settings: Settings, seed: int, prefix: str
) -> dict[str, float]:
    """The displacement inside a network against the true flow, cell by cell."""
    world = make_world(settings, "test", seed, SCORED_CLIPS)
    test = world.tensors(("clip", "mask", "flow", "flow_valid"))
    device, maps = next(net.parameters()).device, []
    for part in test["clip"].split(32):
        found = motion_of(net, frames({"clip": part.to(device)})[0])
        maps.append([each.float().cpu() for each in found])
    displacement, confidence = (torch.cat(each) for each in zip(*maps, strict=True))
    stride = settings.knobs.frame_size[0] // displacement.shape[-2]
    truth, valid = flow_at_cells(test["flow"], test["flow_valid"], stride)
    actor = mask_at_cells(test["mask"], stride)
    values = score_displacement(displacement, confidence, truth, valid, actor)
    return {f"{prefix}{key}": value for key, value in values.items()}


def _scored(net: nn.Module) -> bool:
    """Whether the network has a module that matches before its last maps."""
    try:
        motion_modules(net)
    except ValueError:
        return False
    return True
