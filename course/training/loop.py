"""The course's one training loop, on Hugging Face accelerate.

A room brings a model, data and a `training_step`; the loop brings everything that must
not go wrong: seeds, order, several processes, mixed precision, logs, atomic
checkpoints, resuming, time limits.  On a CPU a killed and resumed run ends in the very
same weights; on a GPU only up to the reordering of floating-point sums.  Batch
normalisation sees one process's part of a batch at a time (see `processes`).
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from course.scale import device_for, seed_everything
from course.training import processes
from course.training.batches import Batches, memory_format
from course.training.hashing import plain
from course.training.keeper import Keeper, as_parts
from course.training.logs import Log, in_notebook, progress_bar
from course.training.result import Clock, FitResult
from course.training.settings import (
    TrainSettings,
    learning_rate_factor,
    make_optimizer,
    set_learning_rate,
)
from course.training.step import Gradients, StepModule


def fit(
    model: nn.Module,
    data: Mapping[str, Tensor] | object,
    training_step: Callable[[nn.Module, dict, int], Mapping],
    settings: TrainSettings,
    *,
    seed: int = 0,
    state: object | None = None,
    param_groups: Callable[[nn.Module], Iterable[dict]] | None = None,
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
    collate: Callable | None = None,
    folder: str | os.PathLike | None = None,
    identity: Mapping | None = None,
    device: torch.device | None = None,
    progress: bool = True,
    name: str = "train",
) -> FitResult:
    """Train a model; go on where a folder's checkpoint stopped.

    `training_step(model, batch, step)` gets the bare model (any of its methods may be
    called, several times), a batch on the device and the step from 0.  It returns a
    dict: `loss`, a scalar to descend, and any other scalars to log.  The batch is the
    data's own dict plus `index` (B,) and `generator`, a seeded generator for
    augmentation.  It runs under autocast where the settings say bf16.

    A momentum encoder is a part of the model whose parameters need no gradient; a queue
    is a buffer of the model.  A net with an optimiser of its own (an adversary) stays
    outside the model: put net and optimiser into `state`, step them inside
    `training_step`, and call `average_gradients` before that optimiser's step.

    Args:
        model: trained in place and left in eval mode.
        data: a map-style data set of dict items, or a dict of whole tensors (N, ...);
            uint8 clips (N, 3, T, H, W) become float in [0, 1] on the device.
        training_step: as above.
        settings: the recipe.
        seed: of order, augmentation and dropout (the caller seeds the model's weights).
        state: what else a checkpoint must hold: an object with `state_dict` and
            `load_state_dict`, or a dict of such; modules in it go to the device.
        param_groups: gives the optimiser's parameter groups; default: one, of all
            trainable parameters.
        optimizer: makes the optimiser, instead of the settings' one.
        evaluate: called in eval mode without gradients; its scalars go to the log.
            Of several processes each one calls it, and the first one's count.
        on_step: called after each optimiser step with the steps done and the scalars,
            while the gradients are still there (momentum updates, live plots).
        collate: joins a list of items to a batch; default: torch's.
        folder: for checkpoint.pt, log.csv and tensorboard/; None writes nothing.
        identity: plain values that also decide what is learned (the room's own
            settings); a folder is resumed only if they and the recipe agree.
        device: default: the scale's.
        progress: show a bar (and, outside a notebook, a closing report).
        name: of the bar.

    Returns:
        A FitResult.

    Raises:
        NonFiniteLossError: naming step and items; weights stay as before that step.
        CheckpointError: if the folder holds another run or a damaged checkpoint.
        ValueError: on data, scalars or settings that cannot be used.

    >>> model = nn.Linear(1, 1)
    >>> data = {"x": torch.ones(8, 1), "y": torch.zeros(8, 1)}
    >>> def step(model, batch, step):
    ...     return {"loss": ((model(batch["x"]) - batch["y"]) ** 2).mean()}
    >>> settings = TrainSettings(batch_size=4, steps=50, learning_rate=0.1)
    >>> result = fit(model, data, step, settings, device="cpu", progress=False)
    >>> result.steps, result.rows[-1]["loss"] < 0.1
    (50, True)
    """
    device = device_for() if device is None else torch.device(device)
    deadline = time.monotonic() + 60 * _minutes(settings)
    folder = None if folder is None else Path(folder)
    with processes.accelerator_for(device, settings) as accelerator:
        if processes.world_size() > 1:
            device = accelerator.device
        batches = Batches(data, settings, seed, device, collate)
        order, planned = batches.order, settings.planned_steps(batches.order.num_items)
        seed_everything(processes.derive_seed(seed, "process", processes.rank()))
        parts = _prepare(model, as_parts(state), settings, device)
        make = optimizer or partial(
            make_optimizer, settings=settings, param_groups=param_groups
        )
        opt = make(model)
        who = _identity(settings, seed, order.num_items, model, identity)
        keeper = Keeper(folder, who, model, opt, parts, device)
        start = done = keeper.restore()
        log = Log(
            folder if processes.is_main_process() else None,
            settings.tensorboard,
            upto=start,
        )
        shown = progress and processes.is_main_process()
        bar = progress_bar(name, planned, start, shown)
        module = accelerator.prepare(StepModule(model, training_step))
        clock, stream = Clock(device), batches.stream(start, planned)
        gradients = Gradients(accelerator, module, stream, order, clock)
        try:
            for step in range(start, planned):
                set_learning_rate(opt, learning_rate_factor(settings, step, planned))
                scalars = gradients(step)
                if settings.clip_norm:
                    scalars["gradient_norm"] = gradients.clip(settings.clip_norm, step)
                opt.step()
                done = step + 1
                keeper.count(scalars)
                if on_step:
                    on_step(done, scalars)
                opt.zero_grad(set_to_none=True)
                bar.update()

                last = done == planned
                evaluates = (
                    evaluate if _due(done, settings.evaluate_every, last) else None
                )
                if evaluates or _due(done, settings.log_every, last):
                    row = {"step": done, "epoch": done / order.steps_per_epoch}
                    row["learning_rate"] = opt.param_groups[0]["lr"]
                    row |= keeper.means()
                    if evaluates:
                        with clock.paused():
                            row |= _evaluate(model, evaluates)
                    log.add(row)
                    bar.set_postfix_str(f"loss {row['loss']:.4g}", refresh=False)
                late = _anyone(time.monotonic() > deadline, deadline, device)
                if late or _due(done, settings.checkpoint_every, last):
                    keeper.save(done)
                if late:
                    break
        finally:
            stream.close()
            bar.close()
            log.close()
            if settings.compile:
                model._compiled_call_impl = None
    model.eval()
    notes = log.notes + keeper.notes
    result = FitResult(done, planned, log.rows, resumed_from=start, notes=notes)
    clock.fill(result, items=(done - start) * order.batch_size)
    if shown and not in_notebook():
        print(result.report())
    return result


def _prepare(
    model: nn.Module, parts: dict, settings: TrainSettings, device: torch.device
) -> dict:
    """Put the model and the modules of the state where and how they will be trained."""
    model.to(device).train()
    for part in parts.values():
        if isinstance(part, nn.Module):
            processes.same_start(part.to(device))
    if settings.channels_last:
        for parameter in model.parameters():
            if parameter.ndim in (4, 5):
                layout = memory_format(parameter)
                parameter.data = parameter.data.contiguous(memory_format=layout)
    if settings.compile:
        model.compile()
    return parts


def _identity(
    settings: TrainSettings,
    seed: int,
    num_items: int,
    model: nn.Module,
    extra: Mapping | None,
) -> dict:
    """What must agree before a checkpoint is continued: a flat dict."""
    shapes = [(key, tuple(value.shape)) for key, value in model.state_dict().items()]
    weights = hashlib.sha256(repr(shapes).encode()).hexdigest()[:12]
    own = {"seed": seed, "items": num_items, "weights": weights}
    return {
        key: plain(value)
        for key, value in {**settings.identity(), **own, **(extra or {})}.items()
    }


def _evaluate(model: nn.Module, evaluate: Callable) -> dict[str, float]:
    """Call `evaluate` in eval mode; put modes and random streams back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng():
            return {key: float(value) for key, value in evaluate(model).items()}
    finally:
        for module, mode in modes:
            module.training = mode


def _due(done: int, every: int, last: bool) -> bool:
    """Whether something that happens every so many steps, and at the end, is due."""
    return last or (every > 0 and done % every == 0)


def _minutes(settings: TrainSettings) -> float:
    """The time limit in minutes: the settings' or COURSE_MAX_MINUTES, or infinity."""
    limit = math.inf if settings.max_minutes is None else settings.max_minutes
    text = os.environ.get("COURSE_MAX_MINUTES", "")
    if not text:
        return limit
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not minutes > 0:
        raise ValueError(f"COURSE_MAX_MINUTES must be a positive number, got {text!r}")
    return min(limit, minutes)


def _anyone(flag: bool, deadline: float, device: torch.device) -> bool:
    """Whether any process is late: all must stop after the same step."""
    if math.isinf(deadline) or processes.world_size() == 1:
        return flag
    return bool(processes.gather_rows(torch.tensor([flag], device=device)).any())
