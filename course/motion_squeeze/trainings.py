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
from course.motion_squeeze.inputs import frames
from course.motion_squeeze.networks import SMALL_MOTION, add_motion, msnet, tsm, tsn
from course.motion_squeeze.scales import Settings
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.training import FitResult, TrainSettings, fit
from course.training.classify import classify

KEYS = ("clip", "action")
WITH_FLOW = (*KEYS, "flow")  # flow weighs more than the clips: only for who needs it
NETWORKS = ("tsn", "tsm", "msnet", "tsn_motion", "r2plus1d", "r2plus1d_motion")


def make_world(
    settings: Settings, split: str, seed: int, clips: int | None = None,
    device: torch.device | str = "cpu", **knobs,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned.

    Args:
        settings: of the scale.
        split: "train", "test" or another of `course.synthetic.SPLITS`.
        seed: of the world; the same seed gives the same clips.
        clips: how many; None is the scale's number of test clips.
        device: that renders.
        **knobs: see `course.synthetic.Knobs`.

    Returns:
        The split, nothing rendered yet.

    Raises:
        ValueError: for a split, a number of clips or a knob that does not exist or fit.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> world = make_world(SETTINGS["cpu"], "test", seed=3, clips=2, frames=4, size=16)
    >>> len(world), tuple(world[0]["clip"].shape)
    (2, (3, 4, 16, 16))
    """
    clips = settings.test_clips if clips is None else clips
    return SynthActions(split, clips, seed, device, settings.knobs, **knobs)


def trained_on(
    settings: Settings, seed: int, clips: int | None = None, keys=KEYS, **knobs
) -> dict[str, Tensor]:
    """A training split as tensors.

    Args:
        settings: of the scale.
        seed: of the world.
        clips: how many; None is the scale's usual number.
        keys: what of them; `WITH_FLOW` adds the true flow (px, float16).
        **knobs: see `make_world`.

    Returns:
        By key: `clip` (N, 3, T, H, W) uint8, `action` (N,), `flow` (N, 2, T - 1, H, W).

    Raises:
        ValueError: as `make_world`.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> data = trained_on(SETTINGS["cpu"], 3, clips=2, frames=4, size=16)
    >>> {key: tuple(value.shape) for key, value in data.items()}
    {'clip': (2, 3, 4, 16, 16), 'action': (2,)}
    """
    clips = settings.clips if clips is None else clips
    return make_world(settings, "train", seed, clips, **knobs).tensors(keys)


def tested_on(settings: Settings, seed: int, keys=KEYS, **knobs) -> dict[str, Tensor]:
    """The test split as tensors: as `trained_on`, other performances.

    >>> from dataclasses import replace
    >>> from course.motion_squeeze.scales import SETTINGS
    >>> few = replace(SETTINGS["cpu"], test_clips=2)
    >>> tuple(tested_on(few, 3, WITH_FLOW, frames=4, size=16)["flow"].shape)
    (2, 2, 3, 16, 16)
    """
    return make_world(settings, "test", seed, **knobs).tensors(keys)


def dense_flow(settings: Settings, split: str, seed: int, clips: int) -> Tensor:
    """True flow of the same performances, filmed several times as often.

    The camera shakes from frame to frame; so that it does not shake n times as much for
    each pixel that things move, its shake is an n-th.

    Args:
        settings: of the scale; n is its `dense`, 5.
        split, seed, clips: see `make_world`.

    Returns:
        px, (dx, dy), float16, (N, 2, n T - 1, H, W); frame n // 2 + n i of these is
        frame i of the usual clips, but for the camera.

    Raises:
        ValueError: as `make_world`.
    """
    knobs, times = settings.knobs, settings.dense
    often: dict[str, Any] = {
        "frames": times * knobs.frames,
        "frame_rate": times * knobs.frame_rate,
        "camera_jitter": knobs.camera_jitter / times,
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

    Returns:
        Module from clips (B, in_channels, T, H, W) to logits (B, actions), on the CPU.

    Raises:
        ValueError: for another name, or options that the module refuses.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> net = network("msnet", SETTINGS["cpu"], seed=3)
    >>> sum(p.numel() for p in net.parameters())
    82289
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
    """Train a network to name actions.

    Args:
        model: trained in place, moved to the device.
        data: dict of tensors, or a data set.
        inputs: makes the network's arguments of a batch.
        recipe: steps or epochs, learning rate and the like.
        seed: of order and dropout.
        device: where to.
        folder: for checkpoints and logs.
        progress: show a bar.
        **changes: to the recipe.

    Returns:
        What `course.training.fit` tells: steps, seconds, a row of losses now and then.

    Raises:
        ValueError: for data or settings that cannot be used; see also `fit`.

    >>> data = {"clip": torch.rand(8, 3, 2, 8, 8), "action": torch.arange(8) % 2}
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 2 * 8 * 8, 2))
    >>> train(net, data, frames, TrainSettings(steps=2, batch_size=4), 0, "cpu").steps
    2
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
    """Test a network.

    Args:
        net: left in eval mode.
        test: `action` (N,) and what `inputs` reads, such as `clip`.
        settings: of the scale, for the actions' names.
        inputs: makes the network's arguments of a batch.
        prefix: put before the names.

    Returns:
        `accuracy`, `family` and `order`, shares (see `order_scores`).

    Raises:
        ValueError: without a clip.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> clips, actions = torch.zeros(4, 3, 5, 8, 8), torch.tensor([0, 0, 1, 3])
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 5 * 8 * 8, 8))
    >>> net[1].bias = nn.Parameter(torch.arange(8.0).flip(0))  # for the first action
    >>> score(net, {"clip": clips, "action": actions}, SETTINGS["cpu"], prefix="rgb_")
    {'rgb_accuracy': 0.5, 'rgb_family': 0.75, 'rgb_order': 0.5}
    """
    logits = logits_of(net, test, inputs)
    values = order_scores(logits, test["action"], settings.knobs.action_names)
    return {f"{prefix}{key}": value for key, value in values.items()}
