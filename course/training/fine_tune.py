"""Fine-tuning: a trained network with a new last layer learns another task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from course.scale import seed_everything
from course.training.classify import classify
from course.training.loop import fit
from course.training.settings import TrainSettings


def fine_tune(
    net: Any,
    data: Mapping[str, Tensor] | object,
    classes: int,
    settings: TrainSettings,
    inputs: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]],
    *,
    seed: int = 0,
    device: torch.device | str | None = None,
    label: str = "action",
    progress: bool = False,
) -> Any:
    """Train a copy of a network, all its layers and a new last one, on labelled clips.

    Args:
        net: has a linear `fc`; stays as it is.
        data: a map-style data set of dict items, or a dict of whole tensors.
        classes: of the new task.
        settings: the recipe.
        inputs: makes the network's arguments of a batch, such as
            `course.evaluation.inference.clip_input`.
        seed: of the new layer's weights, the order and the dropout.
        device: where to train; None is the scale's.
        label: the batch's key of the classes.
        progress: show a bar.

    Returns:
        The trained copy, in eval mode.

    Raises:
        ValueError: for fewer than one class, or a network whose last layer is not a
            linear `fc`; see also `fit`.

    >>> net = nn.Sequential()
    >>> net.fc = nn.Linear(2, 5)
    >>> data = {"x": torch.eye(2), "action": torch.tensor([0, 1])}
    >>> recipe = TrainSettings(batch_size=2, steps=1)
    >>> fine_tune(net, data, 3, recipe, lambda b: (b["x"],), device="cpu").fc
    Linear(in_features=2, out_features=3, bias=True)
    """
    old = getattr(net, "fc", None)
    if classes < 1 or not isinstance(old, nn.Linear):
        raise ValueError(f"needs classes and a linear `fc`, got {classes} and {old}")
    seed_everything(seed)  # new weights do not depend on what was drawn before
    tuned = copy.deepcopy(net)
    tuned.fc = nn.Linear(old.in_features, classes, old.bias is not None)
    where = None if device is None else torch.device(device)
    step = classify(inputs, label)
    fit(tuned, data, step, settings, seed=seed, device=where, progress=progress)
    return tuned
