"""The course's report card: the same world, recipe and seeds as in every chapter."""

from __future__ import annotations

from dataclasses import replace

import torch

from course.backbones import small_resnet3d
from course.evaluation import REPORT_CARD, report_card
from course.evaluation.frozen_world import report_card_world
from course.scale import seed_everything
from course.scene_debias.methods import METHODS
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import train, training_data
from course.training import TrainSettings


def card(
    name: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """The small network, trained by a method, examined as every recogniser.

    Args:
        name: of `METHODS`, or "untrained", the reference row.
        settings: of the scale, for head and reversal; the recipe is the card's.
        seed: of the card's world and the weights.
        device: where to train.

    Returns:
        The card's numbers by name.
    """
    world = report_card_world("train", seed)
    settings = replace(settings, recipe=TrainSettings(**REPORT_CARD.recipe))
    if trained := name != "untrained":
        data = training_data(world, METHODS[name], settings, seed)
    seed_everything(seed)
    net = small_resnet3d(len(world.action_names))
    if trained:
        scenes = len(world.scene_names)
        train(net, data, METHODS[name], settings, seed, device, scenes)
    return report_card(net, seed).as_metrics()
