"""What the runs share: the world as tensors, the network, training by a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from course.backbones import backbone_of
from course.scale import seed_everything
from course.scene_debias.adversary import ConditionalSceneHead, SceneHead
from course.scene_debias.debiasing import Debiasing
from course.scene_debias.gradient_reversal import (
    Schedule,
    after_warmup,
    dann_ramp,
    linear_ramp,
)
from course.scene_debias.inputs import clips_of, masked_of, redrawn, training_data
from course.scene_debias.methods import METHODS, Method
from course.scene_debias.scales import Settings
from course.synthetic import SynthActions
from course.training import FitResult, TrainSettings, fit


class Trained(NamedTuple):
    """A network after its training, and the scene head it trained against, if any."""

    net: nn.Module
    result: FitResult
    head: nn.Module | None


def make_world(
    settings: Settings, split: str, seed: int, clips: int | None = None,
    device: torch.device | str = "cpu", **knobs: Any,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned.

    Args:
        settings: of the scale.
        split: "train", "test" or another of `course.synthetic.SPLITS`.
        seed: of the world; the same seed gives the same clips.
        clips: how many; None is the scale's number of training or test clips.
        device: that renders.
        **knobs: see `course.synthetic.Knobs`; without `scene_correlation` it is the
            scale's own.

    Returns:
        The split, nothing rendered yet.

    Raises:
        ValueError: for a split, a number of clips or a knob that does not exist or fit.

    >>> from course.scene_debias.scales import SETTINGS
    >>> world = make_world(SETTINGS["cpu"], "test", seed=3, clips=2, size=16)
    >>> len(world), tuple(world[0]["clip"].shape)
    (2, (3, 8, 16, 16))
    """
    usual = settings.clips if split in ("train", "val") else settings.test_clips
    knobs = {"scene_correlation": settings.correlation} | knobs
    number = usual if clips is None else clips
    return SynthActions(split, number, seed, device, settings.knobs, **knobs)


def network(settings: Settings, seed: int, classes: int | None = None) -> nn.Module:
    """The scale's 3-D network with the weights that the seed draws, on the CPU.

    Args:
        settings: of the scale.
        seed: of the weights.
        classes: number of actions; None is that of the scale's world.
    """
    seed_everything(seed)
    count = len(settings.knobs.action_names) if classes is None else classes
    return backbone_of(settings.backbone, count)


def learn(
    method: str | Method, settings: Settings, seed: int,
    device: torch.device | str = "cpu", correlation: float | None = None,
    folder: Path | None = None, progress: bool = False,
) -> Trained:  # fmt: skip
    """Train the scale's network by a method, in a world of some correlation.

    Args:
        method: of `METHODS` by name, or another.
        settings: of the scale.
        seed: of world, weights, order and label noise.
        device: where to train.
        correlation: rho, with which an action is in its own scene; None is the scale's.
        folder: for checkpoints and logs.
        progress: show a bar.

    Returns:
        The network in eval mode, what `fit` tells, and the scene head.

    Raises:
        ValueError: for a method or a correlation that does not exist.
    """
    if isinstance(method, str) and method not in METHODS:
        raise ValueError(f"methods are {', '.join(METHODS)}; got {method!r}")
    method = METHODS[method] if isinstance(method, str) else method
    rho = settings.correlation if correlation is None else correlation
    world = make_world(settings, "train", seed, scene_correlation=rho)
    data = training_data(world, method, settings, seed)
    return train(network(settings, seed), data, method, settings, seed, device,
                 len(world.scene_names), folder, progress)  # fmt: skip


def train(
    net: nn.Module, data: Any, method: Method, settings: Settings, seed: int,
    device: torch.device | str, scenes: int, folder: Path | None = None,
    progress: bool = False,
) -> Trained:  # fmt: skip
    """Train a network by a method on given clips.

    Args:
        net: has `embed` and `fc`; trained in place.
        data: a dict of tensors or a data set with `clip`, `action`, and what the method
            needs of `scene`, `masked`, `mask` and `background`.
        method: how.
        settings: of the scale.
        seed: of order and heads.
        device: where to train.
        scenes: number of scene labels.
        folder: for checkpoints and logs.
        progress: show a bar.

    Returns:
        The network in eval mode, what `fit` tells, and the scene head.
    """
    items = len(data["clip"]) if isinstance(data, Mapping) else len(data)
    recipe = _recipe(settings, method)
    steps = recipe.planned_steps(items)
    seed_everything(seed + 1)  # heads do not depend on how the network was drawn
    debiasing = stepping(net, method, settings, steps, scenes)
    result = fit(
        net, data, debiasing, recipe, seed=seed, state=debiasing.state,
        identity={"debiasing": debiasing}, device=torch.device(device), folder=folder,
        progress=progress,
    )  # fmt: skip
    return Trained(net, result, debiasing.scene_head)


def stepping(
    net: Any, method: Method, settings: Settings, steps: int, scenes: int
) -> Debiasing:
    """The training step of a method.

    Args:
        net: that will be trained.
        method: how.
        settings: of the scale.
        steps: of the training.
        scenes: number of scene labels.
    """
    width, classes = net.fc.in_features, net.fc.out_features
    hidden, norm = settings.head_hidden, settings.head_norm
    makes: dict[str, Callable[[], nn.Module | None]] = {
        "none": lambda: None,
        "plain": lambda: SceneHead(width, scenes, hidden, norm),
        "conditional": lambda: ConditionalSceneHead(
            width, scenes, classes, hidden, norm
        ),
    }
    head = makes[method.adversary]()
    masked = method.masks != "none"
    released = masked and method.wiring == "released"
    second = SceneHead(width, classes, hidden[:1], norm) if released else None
    own = partial(torch.optim.AdamW, lr=settings.head_rate)
    return Debiasing(
        steps,
        scene_head=head,
        strength=schedule_of(method, settings),
        head_optimizer=own if head or second else None,
        head_steps=settings.head_steps if head or second else 1,
        masked=partial(masked_of, most=settings.masked) if masked else None,
        confusion=method.confusion * settings.confusion,
        wiring=method.wiring,
        mask_head=second,
        optimisation=settings.optimisation,
        clips=redrawn if method.redraw else clips_of,
    )


def schedule_of(method: Method, settings: Settings) -> Schedule:
    """How strong the reversal is at each share of the training."""
    strength = settings.strength if method.strength is None else method.strength
    if method.schedule == "fast":
        return dann_ramp(strength)
    return after_warmup(linear_ramp(strength), settings.warmup)


def with_strength(name: str, strength: float) -> Method:
    """A method of `METHODS` with another strength of the reversal."""
    return replace(METHODS[name], strength=strength)


def _recipe(settings: Settings, method: Method) -> TrainSettings:
    """Twice the steps if every second one is on masked clips: as many on the others."""
    recipe = settings.recipe
    if method.masks == "none" or settings.optimisation == "one_step":
        return recipe
    if recipe.steps is not None:
        return replace(recipe, steps=2 * recipe.steps)
    return replace(recipe, epochs=2 * (recipe.epochs or 0))
