"""What the chapter's runs share: their worlds, their networks, how one is trained."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from course.i3d import streams
from course.i3d.architectures import ImageNetwork, make_stream
from course.i3d.scales import Settings
from course.i3d.small_base import SmallNet
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.training import FitResult, fit

KEYS = ("clip", "action", "flow")


def make_world(
    settings: Settings, split: str, seed: int, clips: int | None = None,
    device: torch.device | str = "cpu", **knobs,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned."""
    clips = clips or settings.test_clips
    return SynthActions(split, clips, seed, device, settings.knobs, **knobs)


@lru_cache(maxsize=2)
def image_network(
    settings: Settings, seed: int, device: torch.device | str = "cpu"
) -> ImageNetwork:
    """The network trained on stills, our stand-in for ImageNet weights.

    Trained once per settings and seed, then remembered: copy it before changing it.
    """
    world = make_world(settings, "train", seed + streams.STILLS_SEED, settings.stills)
    data, labels = streams.stills(world)
    net = fresh_base(settings, labels, seed)
    step = streams.classify(_still, "label")
    fit(
        net, data, step, settings.image_recipe, seed=seed, device=device, progress=False
    )
    return net.eval()


def fresh_base(settings: Settings, num_classes: int, seed: int) -> ImageNetwork:
    """The scale's image network with random weights."""
    seed_everything(seed)
    if settings.base == "inception":
        from course.backbones import InceptionV1

        return InceptionV1(num_classes)
    return SmallNet(num_classes, 3, settings.widths)


def video_network(
    settings: Settings, seed: int, start: str = "mean", channels: int = 3,
    device: torch.device | str = "cpu",
) -> nn.Module:  # fmt: skip
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


# -------------------------------------------------------------- training and testing
def train(
    model: nn.Module, data, inputs: streams.Inputs, settings: Settings, seed: int,
    device, folder: Path | None = None, progress: bool = False, **changes,
) -> FitResult:  # fmt: skip
    """Train a network by the scale's recipe (or a changed one)."""
    recipe = replace(settings.recipe, **changes)
    step = streams.classify(inputs)
    return fit(
        model, data, step, recipe, seed=seed, device=device, folder=folder,
        progress=progress, identity={"inputs": inputs.__name__},
    )  # fmt: skip


def tested_on(settings: Settings, seed: int, **knobs) -> dict[str, Tensor]:
    """The test split as tensors."""
    return make_world(settings, "test", seed, **knobs).tensors(KEYS)


def trained_on(settings: Settings, seed: int, clips: int, **knobs) -> dict[str, Tensor]:
    """A training split of so many clips as tensors; smaller ones are its beginnings."""
    return make_world(settings, "train", seed, clips, **knobs).tensors(KEYS)


def _still(batch: dict) -> tuple[Tensor, ...]:
    return (streams.to_rgb(batch["clip"][:, :, 0]),)
