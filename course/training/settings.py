"""What a training is told: `TrainSettings`, the optimiser, the learning rate.

The learning rate is a pure function of the step, so there is no scheduler whose state
could be lost: a resumed run reads the same number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

_OPTIMIZERS = ("adamw", "sgd")
_SCHEDULES = ("one_cycle", "cosine", "constant", "step")
_PRECISIONS = ("no", "bf16")

# These change how a run is watched or how fast it goes, not what it learns.
_NOT_IDENTITY = {
    "workers",
    "log_every",
    "evaluate_every",
    "checkpoint_every",
    "max_minutes",
    "tensorboard",
    "unused_parameters",
}


@dataclass(frozen=True)
class TrainSettings:
    """The recipe of one training; give either `steps` or `epochs`.

    Args:
        batch_size: items the optimiser sees per step, over all processes and all
            accumulated parts; a data set smaller than that is one batch.
        steps: optimiser steps.
        epochs: passes over the data instead (may be a fraction); an epoch drops its
            last, incomplete batch.
        learning_rate: the schedule's highest value.
        weight_decay: decoupled in `adamw`, an L2 term in `sgd`.
        optimizer: `adamw` or `sgd` (Nesterov off).
        momentum: of `sgd`; `adamw` keeps its betas of 0.9 and 0.999.
        schedule: `one_cycle` (PyTorch's shape: lr/25, up, down to almost zero),
            `cosine`, `constant`, or `step` (a tenth at each of `milestones`).
        warmup: share of the steps in which the rate rises; by default 0.3 for
            `one_cycle` and 0 elsewhere, where the rise is linear.
        milestones: shares of the steps at which `step` drops the rate.
        clip_norm: largest gradient norm, or None.
        accumulate: parts a batch is split into to save memory.
        mixed_precision: `no` or `bf16`.
        compile: run `model(...)` through `torch.compile`.
        channels_last: store 4-D and 5-D weights and clips with channels last.
        unused_parameters: several processes only; set it where a step may leave
            parameters without a gradient (a head that is warmed up alone).
        workers: processes that load items; 0 loads in this one.
        log_every: steps per row of the log (a row is the mean over them).
        evaluate_every: steps between calls of `evaluate`; 0 calls it once, at the end.
        checkpoint_every: steps between checkpoints; 0 writes one, at the end.
        max_minutes: end cleanly after that time; `COURSE_MAX_MINUTES` does the same,
            the smaller counts.
        tensorboard: also write TensorBoard logs where a folder is given.

    Raises:
        ValueError: on a value that makes no sense, naming it.

    >>> TrainSettings(batch_size=32, epochs=2).planned_steps(1024)
    64
    """

    batch_size: int = 32
    steps: int | None = None
    epochs: float | None = None
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    optimizer: str = "adamw"
    momentum: float = 0.9
    schedule: str = "one_cycle"
    warmup: float | None = None
    milestones: tuple[float, ...] = (0.6, 0.85)
    clip_norm: float | None = None
    accumulate: int = 1
    mixed_precision: str = "no"
    compile: bool = False
    channels_last: bool = False
    unused_parameters: bool = False
    workers: int = 0
    log_every: int = 10
    evaluate_every: int = 0
    checkpoint_every: int = 0
    max_minutes: float | None = None
    tensorboard: bool = True

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                f"give steps or epochs, one of them; got {self.steps}, {self.epochs}"
            )
        for name, options in (
            ("optimizer", _OPTIMIZERS),
            ("schedule", _SCHEDULES),
            ("mixed_precision", _PRECISIONS),
        ):
            if getattr(self, name) not in options:
                raise ValueError(
                    f"{name} must be one of {options}, got {getattr(self, name)!r}"
                )
        for name in ("batch_size", "accumulate", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, got {getattr(self, name)}"
                )
        for name in ("steps", "epochs", "learning_rate", "clip_norm", "max_minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if self.warmup is not None and not 0 <= self.warmup < 1:
            raise ValueError(
                f"warmup is a share of the steps in [0, 1), got {self.warmup}"
            )

    def steps_per_epoch(self, num_items: int) -> int:
        """Whole batches in one pass over `num_items` items, at least 1."""
        return max(1, num_items // self.batch_size)

    def planned_steps(self, num_items: int) -> int:
        """Optimiser steps of the whole training on `num_items` items."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.epochs or 0) * self.steps_per_epoch(num_items)))

    def identity(self) -> dict:
        """The fields that decide what is learned (those a settings hash is made of)."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _NOT_IDENTITY
        }


def learning_rate_factor(settings: TrainSettings, step: int, planned: int) -> float:
    """The share of the highest learning rate that is used in one step.

    Args:
        settings: the recipe; `schedule`, `warmup` and `milestones` matter here.
        step: optimiser step, counted from 0.
        planned: steps of the whole training.

    Returns:
        A factor in [0, 1].

    >>> settings = TrainSettings(steps=100, schedule="cosine", warmup=0.1)
    >>> [round(learning_rate_factor(settings, s, 100), 2) for s in (0, 9, 55, 99)]
    [0.1, 1.0, 0.5, 0.0]
    """
    share = settings.warmup
    if settings.schedule == "one_cycle":
        peak = (0.3 if share is None else share) * planned - 1
        if step <= peak:
            return _cosine(1 / 25, 1.0, step / peak if peak > 0 else 1.0)
        first = max(peak, 0.0)
        done = (step - first) / max(planned - 1 - first, 1e-9)
        return _cosine(1.0, 1 / 25e4, min(done, 1.0))
    warm = (share or 0.0) * planned
    if step + 1 < warm:
        return (step + 1) / warm
    if settings.schedule == "cosine":
        return _cosine(1.0, 0.0, (step - warm) / max(planned - warm, 1))
    if settings.schedule == "step":
        return 0.1 ** sum(step >= m * planned for m in settings.milestones)
    return 1.0


def _cosine(start: float, end: float, done: float) -> float:
    """From start to end along half a cosine; `done` goes from 0 to 1."""
    return end + (start - end) * 0.5 * (
        1 + math.cos(math.pi * min(max(done, 0.0), 1.0))
    )


def make_optimizer(
    model: nn.Module,
    settings: TrainSettings,
    param_groups: Callable[[nn.Module], Iterable[dict]] | None = None,
) -> torch.optim.Optimizer:
    """The optimiser that the settings name, over the model's trainable parameters.

    Args:
        model: the network.
        settings: the recipe.
        param_groups: optional; gives parameter groups, each a dict with `params` and
        its
            own `lr` or `weight_decay` where they differ.

    Returns:
        A torch optimiser.

    Raises:
        ValueError: if nothing is trainable.
    """
    if param_groups is not None:
        groups = [dict(group) for group in param_groups(model)]
    else:
        groups = [{"params": [p for p in model.parameters() if p.requires_grad]}]
    for group in groups:
        group["params"] = list(group["params"])
    if not any(group["params"] for group in groups):
        raise ValueError("the model has no trainable parameter")
    common: dict[str, Any] = {
        "lr": settings.learning_rate,
        "weight_decay": settings.weight_decay,
    }
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=settings.momentum, **common)
    # One fused kernel instead of a Python loop over parameters, on CPU and CUDA alike.
    return torch.optim.AdamW(groups, fused=True, **common)


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Scale every group's own highest rate (kept in `initial_lr`) by a factor."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
