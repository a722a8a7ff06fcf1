"""What the runs share: worlds, the networks to start from, how one is trained.

"ImageNet" at cpu scale are still frames of other actors in other clips of the same
world, labelled with their scene and with what the actor does, *without* its direction
in time: sitting down and standing up are one label, since a still cannot tell them
apart.  So whatever the image network brings along, it cannot bring the order of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from course.backbones import InceptionV1
from course.evaluation.order import Inputs, families
from course.i3d.architectures import ImageNetwork, StreamNetwork, make_stream
from course.i3d.inputs import to_rgb
from course.i3d.scales import Settings
from course.i3d.small_base import SmallNet
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.training import FitResult, fit
from course.training.classify import classify

KEYS = ("clip", "action", "flow")
STILLS_SEED = 5000  # added to a world's seed: the stills show other actors


def make_world(
    settings: Settings, split: str, seed: int, clips: int | None = None,
    device: torch.device | str = "cpu", **knobs,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned."""
    clips = clips or settings.test_clips
    return SynthActions(split, clips, seed, device, settings.knobs, **knobs)


def tested_on(settings: Settings, seed: int, **knobs) -> dict[str, Tensor]:
    """The test split as tensors."""
    return make_world(settings, "test", seed, **knobs).tensors(KEYS)


def trained_on(settings: Settings, seed: int, clips: int, **knobs) -> dict[str, Tensor]:
    """A training split of so many clips as tensors; smaller ones are its beginnings."""
    return make_world(settings, "train", seed, clips, **knobs).tensors(KEYS)


def stills(world: SynthActions) -> tuple[dict[str, Tensor], int]:
    """The frames of a world, labelled family x scene.

    Returns:
        `clip` (N T, 3, 1, H, W) uint8 and `label` (N T,); the number of labels.

    >>> data, labels = stills(SynthActions("train", 3, frames=2, size=16))
    >>> tuple(data["clip"].shape), tuple(data["label"].shape)
    ((6, 3, 1, 16, 16), (6,))
    """
    data = world.tensors(("clip", "action", "scene"))
    kinds = families(world.action_names)
    count = len(world.scene_names)
    label = kinds[data["action"]] * count + data["scene"]
    frames = data["clip"].transpose(1, 2).flatten(0, 1)
    label = label.repeat_interleave(world.knobs.frames)
    # Five axes, so that the loop takes them for pictures and scales them.
    return {"clip": frames[:, :, None], "label": label}, count * int(kinds.max() + 1)


@lru_cache(maxsize=2)
def image_network(
    settings: Settings, seed: int, device: torch.device | str = "cpu"
) -> ImageNetwork:
    """The network trained on stills, our stand-in for ImageNet weights.

    Trained once per settings and seed, then remembered: copy it before changing it.
    """
    world = make_world(settings, "train", seed + STILLS_SEED, settings.stills)
    data, labels = stills(world)
    net = fresh_base(settings, labels, seed)
    fit(
        net, data, classify(_still, "label"), settings.image_recipe, seed=seed,
        device=torch.device(device), progress=False,
    )  # fmt: skip
    return net.eval()


def fresh_base(settings: Settings, num_classes: int, seed: int) -> ImageNetwork:
    """The scale's image network with random weights."""
    seed_everything(seed)
    if settings.base == "inception":
        return InceptionV1(num_classes)
    return SmallNet(num_classes, 3, settings.widths)


def video_network(
    settings: Settings, seed: int, start: str = "mean", channels: int = 3,
    device: torch.device | str = "cpu",
) -> StreamNetwork:  # fmt: skip
    """The inflated network with a new last layer.

    Args:
        settings: of the scale.
        seed: of the image network and of what is drawn anew.
        start: "mean" or "centre" taps of the trained image network, or "scratch": the
            same architecture with every weight drawn anew.
        channels: 3 for frames, 2 for flow.
        device: where the image network is trained.
    """
    classes = len(settings.knobs.action_names)
    if start == "scratch":
        net = make_stream(fresh_base(settings, 1, seed), classes, channels, video=True)
        seed_everything(seed)
        for layer in net.modules():
            if isinstance(layer, nn.Conv3d):  # equal taps are no random draw
                layer.reset_parameters()
        return net
    base = image_network(settings, seed, device)
    seed_everything(seed)
    return make_stream(base, classes, channels, start, video=True)


def train(
    model: nn.Module, data, inputs: Inputs, settings: Settings, seed: int,
    device: torch.device | str, folder: Path | None = None, progress: bool = False,
    **changes,
) -> FitResult:  # fmt: skip
    """Train a network by the scale's recipe.

    Args:
        model: trained in place.
        data: dict of tensors, or a data set.
        inputs: see `classify`.
        settings: of the scale.
        seed: of order and dropout.
        device: where to.
        folder: for checkpoints and logs.
        progress: show a bar.
        **changes: to the recipe.

    Returns:
        A FitResult.
    """
    recipe = replace(settings.recipe, **changes)
    return fit(
        model, data, classify(inputs), recipe, seed=seed, device=torch.device(device),
        folder=folder, progress=progress, identity={"inputs": _name(inputs)},
    )  # fmt: skip


def _name(inputs: Inputs) -> str:
    return getattr(inputs, "__name__", type(inputs).__name__)


def _still(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    return (to_rgb(batch["clip"][:, :, 0]),)
