"""MSNet on a reader's own videos, or on the synthetic world.

Source: the official code, as run on Something-Something: a video is cut into as many
parts as the network has frames; training takes a random frame of each, the test the
middle one.

Known differences from the official code: frames are scaled by their short side and cut
to the square in the middle (there: multi-scale crops and, but for classes with a left
or right in them, flips).  Kinetics is sampled in the same way (there: a window of 64
frames at training, ten of them in three crops at the test).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course.datasets.splits import train_and_test
from course.evaluation.order import accuracy_on
from course.motion_squeeze.inputs import frames
from course.motion_squeeze.networks import msnet
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.trainings import make_world, train
from course.scale import seed_everything
from course.synthetic import Rendered
from course.training.utilisation import efficiency


def msnet_videos(
    settings: Settings, seed: int, device: torch.device, folder: Path | None = None,
    data: Path | None = None,
) -> dict[str, float]:  # fmt: skip
    """MSNet with the scale's backbone, on a manifest's videos or the synthetic world.

    Args:
        settings: of the scale.
        seed: of everything.
        device: where to train.
        folder: for checkpoints and logs.
        data: a manifest with a split `train` and one `test` or `val`; None means the
            scale's own world, with `more_clips` to train on.

    Returns:
        `accuracy`; `clips_per_second`; `gflops_per_clip` (forward and backward); on a
        GPU `peak_memory_gib` and, if its speed is known, `utilisation`; the steps done,
        planned and (where the scale names them) of the paper.
    """
    train_set, test_set, classes = _videos(settings, seed, device, data)
    net = starting_network(settings, seed, classes)
    recipe = settings.recipe
    result = train(net, train_set, frames, recipe, seed, device, folder, progress=True)
    shape = (3, settings.knobs.frames, *settings.knobs.frame_size)
    found = {"accuracy": accuracy_on(net, test_set, frames)}
    found |= efficiency(net, result, shape)
    found |= {"steps": result.steps, "planned_steps": result.planned_steps}
    paper = settings.paper_steps
    return found | {"paper_steps": paper} if paper else found


def starting_network(settings: Settings, seed: int, classes: int) -> nn.Module:
    """MSNet with random weights, or with the image weights that the user names.

    `COURSE_IMAGE_WEIGHTS` is the path of a state dict of the scale's backbone, or
    `resnet18` or `resnet50` (fetched, checksummed).  The module and the last layer
    start from random weights in any case.

    Raises:
        ValueError: if weights are named that do not fit the scale's backbone.
    """
    seed_everything(seed)
    weights = os.environ.get("COURSE_IMAGE_WEIGHTS") or None
    times = settings.knobs.frames
    try:
        return msnet(
            settings.backbone, classes, times, pretrained=weights, **settings.motion
        )
    except ValueError as error:
        if weights is None:
            raise
        raise ValueError(
            f"COURSE_IMAGE_WEIGHTS={weights} does not fit {settings.backbone!r}, the "
            f"scale's backbone: {error}"
        ) from error


def _videos(
    settings: Settings, seed: int, device: torch.device, data: Path | None
) -> tuple[Any, Any, int]:
    """Training set, test set and number of classes."""
    if data is None:
        # Loading processes cannot share a GPU that the first one has begun to use.
        on = "cpu" if settings.recipe.workers else device
        world = make_world(settings, "train", seed, settings.more_clips, on)
        test = make_world(settings, "test", seed, device=on)
        return Rendered(world), Rendered(test), len(world.action_names)
    size, times = settings.knobs.frame_size[0], settings.knobs.frames
    shape: dict[str, Any] = {"frames": times, "size": size, "seed": seed}
    train_set, test_set = train_and_test(data, "segments", "segment_centres", **shape)
    return train_set, test_set, len(train_set.classes)
