"""The RGB stream on a reader's own videos, or on the synthetic world."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course.backbones import I3D, load_state
from course.datasets.splits import train_and_test
from course.evaluation.order import accuracy_on
from course.i3d.architectures import make_stream
from course.i3d.from_googlenet import inflate_googlenet
from course.i3d.inputs import rgb_clip
from course.i3d.scales import Settings
from course.i3d.trainings import image_network, make_world, train
from course.scale import seed_everything
from course.training.utilisation import efficiency


def rgb_stream(
    settings: Settings, seed: int, device: torch.device, folder: Path | None = None,
    data: Path | None = None,
) -> dict[str, float]:  # fmt: skip
    """The RGB stream alone, on a manifest's videos or on the synthetic world.

    Args:
        settings: of the scale.
        seed: of everything.
        device: where to train.
        folder: for checkpoints and logs.
        data: a manifest with a split `train` and one `test` or `val`; None means the
            scale's own world.

    Returns:
        `accuracy`; `clips_per_second`; `gflops_per_clip` (forward and backward); on a
        GPU `peak_memory_gib` and, if its speed is known, `utilisation`; the steps done,
        planned and (where the scale names them) of the paper.
    """
    train_set, test_set, classes = _videos(settings, seed, data)
    net = starting_network(settings, seed, classes, device)
    result = train(
        net, train_set, rgb_clip, settings, seed, device, folder, progress=True
    )
    shape = (3, settings.knobs.frames, *settings.knobs.frame_size)
    found = {"accuracy": accuracy_on(net, test_set, rgb_clip)}
    found |= efficiency(net, result, shape)
    found |= {"steps": result.steps, "planned_steps": result.planned_steps}
    paper = settings.paper_steps
    return found | {"paper_steps": paper} if paper else found


def starting_network(
    settings: Settings, seed: int, classes: int, device: torch.device
) -> nn.Module:
    """The inflated network: from stills, or from the weights that the user names.

    `COURSE_IMAGE_WEIGHTS` is `googlenet` (fetched, checksummed) or the path of its
    state dict; it takes the place of our stills where the base is Inception-v1.

    Raises:
        ValueError: if weights are named but the scale's base is another one.
    """
    weights = os.environ.get("COURSE_IMAGE_WEIGHTS")
    if not weights:
        base = image_network(settings, seed, device)
        seed_everything(seed)
        return make_stream(base, classes, video=True)
    if settings.base != "inception":
        raise ValueError(
            f"COURSE_IMAGE_WEIGHTS={weights} fits Inception-v1, the full scale's base; "
            f"the base here is {settings.base!r}"
        )
    seed_everything(seed)
    net = I3D(classes)
    state = inflate_googlenet(load_state(weights))
    kept = {k: v for k, v in state.items() if not k.startswith("Logits")}
    net.load_state_dict(kept, strict=False)
    return net


def _videos(settings: Settings, seed: int, data: Path | None) -> tuple[Any, Any, int]:
    """Training set, test set and number of classes."""
    if data is None:
        made = make_world(settings, "train", seed, settings.source)
        return made, make_world(settings, "test", seed), len(made.action_names)
    frames, size = settings.knobs.frames, settings.knobs.frame_size[0]
    shape: dict[str, Any] = {"frames": frames, "size": size, "seed": seed}
    train_set, test_set = train_and_test(data, "random", "centre", **shape)
    return train_set, test_set, len(train_set.classes)
