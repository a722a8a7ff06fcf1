"""One training by one method, and everything that is asked of the network after it."""

from __future__ import annotations

from dataclasses import replace

import torch

from course.scene_debias.examine import examine
from course.scene_debias.methods import METHODS, Method
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import Trained, learn, with_strength
from course.scene_debias.trials.localisation import localise
from course.scene_debias.trials.transfer import transfer


def debias(
    method: str | Method, settings: Settings, seed: int, device: torch.device,
    correlation: float | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train by a method and examine.

    Args:
        method: of `METHODS` by name, or another.
        settings: of the scale.
        seed: of everything.
        device: where to train.
        correlation: rho; None is the scale's.

    Returns:
        What `examine` gives, and `seconds` of training, disturbed by whatever else the
        machine did.
    """
    trained = learn(method, settings, seed, device, correlation)
    return _examined(trained, settings, seed, correlation)


def at_strength(
    name: str, strength: float, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """A method with another strength of the reversal, else as `debias`."""
    return debias(with_strength(name, strength), settings, seed, device)


def on_r2plus1d(
    name: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Another network, which splits its filters into space and time; as `debias`."""
    return debias(name, replace(settings, backbone="small_r2plus1d"), seed, device)


def everywhere(
    name: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Train by a method, examine, and take the network to other tasks.

    Returns:
        What `debias`, `transfer` and `localise` give.
    """
    trained = learn(METHODS[name], settings, seed, device)
    return {
        **_examined(trained, settings, seed),
        **transfer(trained.net, settings, seed, device),
        **localise(trained.net, settings, seed),
    }


def _examined(
    trained: Trained, settings: Settings, seed: int, correlation: float | None = None
) -> dict[str, float]:
    found = examine(trained.net, settings, seed, correlation, trained.head)
    return {**found, "seconds": trained.result.seconds}
