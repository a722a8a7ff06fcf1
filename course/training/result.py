"""What `fit` returns, and the clock behind its numbers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch


@dataclass
class FitResult:
    """What a training did.

    Args:
        steps: optimiser steps done in all, earlier parts of a resumed run included.
        planned_steps: steps of the whole schedule.
        rows: the log; a dict per row with `step`, `epoch`, `learning_rate`, `loss`, the
            training step's own scalars and what `evaluate` returned.
        seconds: time of this call's loop, without evaluation.
        items_per_second: throughput of this call.
        data_wait: share of `seconds` spent waiting for batches.
        peak_memory: bytes on the GPU, or None.
        resumed_from: the step this call started at.
        notes: what went wrong without stopping the run (a full disk, no TensorBoard).
    """

    steps: int
    planned_steps: int
    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    items_per_second: float = 0.0
    data_wait: float = 0.0
    peak_memory: int | None = None
    resumed_from: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def shortened(self) -> bool:
        """Whether a time limit ended the run before its plan."""
        return self.steps < self.planned_steps

    def curve(self, key: str) -> tuple[list[int], list[float]]:
        """Steps and values of one logged quantity.

        >>> FitResult(2, 2, [{"step": 1, "loss": 3.0}, {"step": 2}]).curve("loss")
        ([1], [3.0])
        """
        rows = [row for row in self.rows if key in row]
        return [int(row["step"]) for row in rows], [row[key] for row in rows]

    def report(self) -> str:
        """One line: steps, speed, share of time spent waiting for data, memory."""
        text = f"{self.steps} of {self.planned_steps} steps"
        if self.resumed_from:
            text += f" (resumed at {self.resumed_from})"
        text += f", {self.seconds:.1f} s, {self.items_per_second:.0f} items/s"
        text += f", waited for data {100 * self.data_wait:.1f} % of the time"
        if self.peak_memory is not None:
            text += f", {self.peak_memory / 2**30:.2f} GiB on the GPU"
        return text


class Clock:
    """Measures a loop: its time without pauses, and how much of it waits for data."""

    def __init__(self, device: torch.device):
        self.device, self.waited, self._paused = device, 0.0, 0.0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self._start = time.perf_counter()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Time in here counts as waiting for data."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.waited += time.perf_counter() - start

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Time in here does not count."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - start

    def fill(self, result: FitResult, items: int) -> FitResult:
        """Write the measurements into a result; `items` is how many were trained on."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            result.peak_memory = torch.cuda.max_memory_allocated(self.device)
        result.seconds = time.perf_counter() - self._start - self._paused
        result.items_per_second = items / max(result.seconds, 1e-9)
        result.data_wait = self.waited / max(result.seconds, 1e-9)
        return result
