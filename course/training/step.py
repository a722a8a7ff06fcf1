"""One step's gradients: forward and backward over a batch, split and spread as told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.training.batches import Order
from course.training.processes import gather_rows
from course.training.result import Clock


class NonFiniteLossError(ArithmeticError):
    """Loss or gradient became NaN or infinite; `step` (from 1), `items` say where."""

    def __init__(self, what: str, step: int, items: list[int]):
        listed = ", ".join(map(str, items[:16])) + (", ..." if len(items) > 16 else "")
        super().__init__(
            f"{what} at step {step}, on the batch of items {listed}; "
            "the weights are still those before this step"
        )
        self.step, self.items = step, items


class StepModule(nn.Module):
    """A training step as a module's forward.

    It is wrapped as a whole for several processes and for autocast, so a room may call
    any method of the bare model, as often as it likes.
    """

    def __init__(self, model: nn.Module, training_step: Callable):
        super().__init__()
        self.model = model
        self.call = [training_step]  # in a list, a module's parameters stay its own

    def forward(self, batch: dict, step: int) -> dict[str, Tensor]:
        """The training step's scalars; all but the loss without gradient."""
        result = self.call[0](self.model, batch, step)
        if not isinstance(result, Mapping) or "loss" not in result:
            raise ValueError(
                f"training_step must return a dict with loss, got {result}"
            )
        scalars = {}
        for key, value in result.items():
            value = torch.as_tensor(value)
            if value.numel() != 1:
                raise ValueError(
                    f"{key} must be a scalar, got shape {tuple(value.shape)}"
                )
            scalars[key] = value if key == "loss" else value.detach()
        return scalars


class Gradients:
    """Fills the parameters' gradients with those of one whole batch.

    Args:
        accelerator: does backward, and averages over processes.
        module: the prepared StepModule.
        stream: this process's parts of batches, in order.
        order: names the items of every part on every process.
        clock: told how long batches were waited for.
    """

    def __init__(
        self,
        accelerator,
        module: nn.Module,
        stream: Iterator,
        order: Order,
        clock: Clock,
    ):
        self.accelerator, self.module = accelerator, module
        self.stream, self.order, self.clock = stream, order, clock

    def __call__(self, step: int) -> dict[str, float]:
        """Backward through all parts.

        Args:
            step: optimiser step, from 0.

        Returns:
            The scalars' means over parts and processes.

        Raises:
            NonFiniteLossError: if a part's loss on any process is NaN or infinite.
        """
        rows, parts = [], self.order.parts
        for part in range(parts):
            with self.clock.waiting():
                batch = next(self.stream)
            # Processes need to average once a step, after the last part.
            last = part == parts - 1
            later = nullcontext() if last else self.accelerator.no_sync(self.module)
            with later:
                scalars = self.module(batch, step)
                self.accelerator.backward(scalars["loss"] / parts)
            device = scalars["loss"].device
            rows.append({k: v.detach().float().to(device) for k, v in scalars.items()})
        return self._means(rows, step)

    def _means(self, rows: list[dict[str, Tensor]], step: int) -> dict[str, float]:
        keys = list(rows[0])
        table = torch.stack([_row(row, keys) for row in rows])
        # One read of the device a step: it serves the log and the check alike.  Rows
        # come in order of process, then part, and everyone knows everyone's items.
        values = gather_rows(table).tolist()
        for place, row in enumerate(values):
            loss = row[keys.index("loss")]
            if not math.isfinite(loss):
                process, part = divmod(place, self.order.parts)
                items = self.order.items(step, part, process)
                raise NonFiniteLossError(f"the loss is {loss}", step + 1, items)
        columns = zip(*values, strict=True)
        return {k: sum(c) / len(c) for k, c in zip(keys, columns, strict=True)}

    def clip(self, largest: float, step: int) -> float:
        """Shorten the gradient to a norm; return the norm it had.

        Raises:
            NonFiniteLossError: if the norm is NaN or infinite though the loss was not.
        """
        norm = self.accelerator.clip_grad_norm_(self.module.parameters(), largest)
        if not math.isfinite(norm):
            parts, world = self.order.parts, self.order.world
            places = [(p, r) for p in range(parts) for r in range(world)]
            items = [i for p, r in places for i in self.order.items(step, p, r)]
            raise NonFiniteLossError(f"the gradient's norm is {norm}", step + 1, items)
        return float(norm)


def _row(scalars: dict[str, Tensor], keys: list[str]) -> Float[Tensor, " keys"]:
    """One part's scalars in a fixed order."""
    if set(scalars) != set(keys):
        raise ValueError(
            f"parts of a batch log different scalars: {keys}, {[*scalars]}"
        )
    return torch.stack([scalars[key].reshape(()) for key in keys])
