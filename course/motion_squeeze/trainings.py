"""What the runs share: the world as tensors, a network by name, training, testing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course.backbones import small_r2plus1d
from course.evaluation.order import Inputs, logits_of, order_scores
from course.motion_squeeze.inputs import STACK, frames
from course.motion_squeeze.networks import SMALL_MOTION, add_motion, msnet, tsm, tsn
from course.motion_squeeze.scales import Settings
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.training import FitResult, TrainSettings, fit
from course.training.classify import classify

KEYS = ("clip", "action", "flow")
NETWORKS = ("tsn", "tsm", "msnet", "tsn_motion", "r2plus1d", "r2plus1d_motion")


def make_world(
    settings: Settings, split: str, seed: int, clips: int | None = None,
    device: torch.device | str = "cpu", **knobs,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned."""
    clips = clips or settings.test_clips
    return SynthActions(split, clips, seed, device, settings.knobs, **knobs)


def trained_on(
    settings: Settings, seed: int, clips: int | None = None, keys=KEYS, **knobs
) -> dict[str, Tensor]:
    """A training split as tensors."""
    clips = clips or settings.clips
    return make_world(settings, "train", seed, clips, **knobs).tensors(keys)


def tested_on(settings: Settings, seed: int, keys=KEYS, **knobs) -> dict[str, Tensor]:
    """The test split as tensors."""
    return make_world(settings, "test", seed, **knobs).tensors(keys)


def dense_flow(settings: Settings, split: str, seed: int, clips: int) -> Tensor:
    """True flow of the same performances, filmed five times as often, px.

    The camera shakes from frame to frame; so that it does not shake five times as much
    for each pixel that things move, its shake is a fifth.

    Returns:
        (N, 2, 5 T - 1, H, W); frame 2 + 5 i of these is frame i of the usual clips, but
        for the camera.
    """
    knobs = settings.knobs
    often = {
        "frames": STACK * knobs.frames,
        "frame_rate": STACK * knobs.frame_rate,
        "camera_jitter": knobs.camera_jitter / STACK,
    }
    world = make_world(settings, split, seed, clips, **often)
    return world.tensors(("flow",))["flow"]


def network(
    name: str, settings: Settings, seed: int, in_channels: int = 3, **options: Any
) -> nn.Module:
    """A network with the weights that the seed draws.

    Args:
        name: "tsn", "tsm", "msnet"; "tsn_motion", the module without the shift;
            "r2plus1d" and "r2plus1d_motion", a small 3-D net without and with it.
        settings: of the scale.
        seed: of the weights.
        in_channels: of the clips.
        **options: of the module (see `msnet`).

    Raises:
        ValueError: for another name.
    """
    classes, times = len(settings.knobs.action_names), settings.knobs.frames
    seed_everything(seed)
    kind = (settings.backbone, classes, times)
    if name in ("tsn", "tsm"):
        return {"tsn": tsn, "tsm": tsm}[name](*kind, in_channels=in_channels)
    motion = {**settings.motion, **options}
    if name in ("msnet", "tsn_motion"):
        return msnet(*kind, shift=name == "msnet", in_channels=in_channels, **motion)
    if name not in NETWORKS:
        raise ValueError(f"networks are {', '.join(NETWORKS)}; got {name!r}")
    net = small_r2plus1d(classes)
    if name == "r2plus1d_motion":
        add_motion(net, "blocks.0", times, **SMALL_MOTION)
    return net


def train(
    model: nn.Module, data, inputs: Inputs, recipe: TrainSettings, seed: int,
    device: torch.device | str, folder: Path | None = None, progress: bool = False,
    **changes,
) -> FitResult:  # fmt: skip
    """Train a network.

    Args:
        model: trained in place.
        data: dict of tensors, or a data set.
        inputs: makes the network's arguments of a batch.
        recipe: steps, rate and the like.
        seed: of order and dropout.
        device: where to.
        folder: for checkpoints and logs.
        progress: show a bar.
        **changes: to the recipe.

    Returns:
        A FitResult.
    """
    return fit(
        model, data, classify(inputs), replace(recipe, **changes), seed=seed,
        device=torch.device(device), folder=folder, progress=progress,
        identity={"inputs": inputs.__name__},
    )  # fmt: skip


def score(
    net: nn.Module, test: Mapping[str, Tensor], settings: Settings,
    inputs: Inputs = frames, prefix: str = "",
) -> dict[str, float]:  # fmt: skip
    """`accuracy`, `family` and `order` on a test set (see `order_scores`)."""
    logits = logits_of(net, test, inputs)
    values = order_scores(logits, test["action"], settings.knobs.action_names)
    return {f"{prefix}{key}": value for key, value in values.items()}
