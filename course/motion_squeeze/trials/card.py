"""The course's report card: the same world, recipe and seeds as in every chapter."""

from __future__ import annotations

import torch

from course.evaluation import REPORT_CARD, report_card
from course.evaluation.frozen_world import report_card_world
from course.motion_squeeze.inputs import frames
from course.motion_squeeze.networks import msnet, tsm, tsn
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.trainings import train
from course.scale import seed_everything
from course.training import TrainSettings

MAKE = {"tsn": tsn, "tsm": tsm, "msnet": msnet}


def card(
    name: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """The small network, trained and examined as every recogniser of the course.

    Args:
        name: "tsn", "tsm" or "msnet".
        settings: not read.
        seed: of the card's world and the weights.
        device: where to train.

    Returns:
        The card's numbers by name.
    """
    world = report_card_world("train", seed)
    seed_everything(seed)
    net = MAKE[name]("small", len(world.action_names), world.knobs.frames)
    recipe = TrainSettings(**REPORT_CARD.recipe)
    train(net, world.tensors(("clip", "action")), frames, recipe, seed, device)
    return report_card(net, seed).as_metrics()
