"""Keeps a run: everything its continuation needs goes into one checkpoint and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course.training import checkpoint, processes


def as_parts(state: object | None) -> dict[str, object]:
    """The user's state as a dict of objects that can be saved and loaded.

    Raises:
        ValueError: if one of them lacks `state_dict` or `load_state_dict`.
    """
    parts = dict(state) if isinstance(state, Mapping) else {"state": state}
    parts = {key: value for key, value in parts.items() if value is not None}
    for key, value in parts.items():
        if not (hasattr(value, "state_dict") and hasattr(value, "load_state_dict")):
            raise ValueError(
                f"{key} in state needs state_dict and load_state_dict: {type(value)}"
            )
    return parts


class Keeper:
    """Saves and restores one run, and gathers the means of its current log row.

    Args:
        folder: where the checkpoint lives; None saves and restores nothing.
        identity: plain values that a run to be continued must share.
        model: the network.
        optimizer: its optimiser.
        parts: further objects with a state (see `as_parts`).
        device: the device whose random generator is saved too.
    """

    def __init__(
        self,
        folder: str | os.PathLike | None,
        identity: Mapping,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        parts: Mapping[str, Any],
        device: torch.device,
    ):
        self.path = Path(folder) / checkpoint.FILE_NAME if folder is not None else None
        self.identity, self.model, self.optimizer = identity, model, optimizer
        self.parts, self.device = parts, device
        self.notes: list[str] = []
        self._sums: dict[str, list[float]] = {}  # total and count since the last row

    def count(self, scalars: Mapping[str, float]) -> None:
        """Add one step's scalars to the current log row."""
        for key, value in scalars.items():
            total, steps = self._sums.get(key, (0.0, 0))
            self._sums[key] = [total + value, steps + 1]

    def means(self) -> dict[str, float]:
        """The current log row's means; the next row starts empty."""
        means = {key: total / steps for key, (total, steps) in self._sums.items()}
        self._sums = {}
        return means

    def restore(self) -> int:
        """Go back to the folder's checkpoint, if there is one.

        Returns:
            Steps done; 0 where nothing was saved.

        Raises:
            CheckpointError: if it is damaged or belongs to another run, or if `parts`
            give
                values that could not be read back.
        """
        if self.path is None:
            return 0
        if not self.path.exists():
            checkpoint.check_readable(self._states())
            return 0
        saved = checkpoint.load_checkpoint(self.path)
        checkpoint.check_identity(saved["identity"], self.identity, self.path)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        for key, part in self.parts.items():
            part.load_state_dict(saved["state"][key])
        self._sums = saved["sums"]
        rank = processes.rank()
        if rank < len(saved["random"]):
            checkpoint.restore_random_state(saved["random"][rank], self.device)
        return saved["step"]

    def _states(self) -> dict:
        return {key: part.state_dict() for key, part in self.parts.items()}

    def save(self, step: int) -> None:
        """Write the checkpoint of `step` steps done; a disk that refuses is only noted.

        Hours of training are worth more than one checkpoint: the previous one stays and
        the run goes on.
        """
        if self.path is None:
            return
        random = processes.gather_objects(checkpoint.random_state(self.device))
        if not processes.is_main_process():
            return
        content = {
            "format": 1,
            "identity": self.identity,
            "step": step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "state": self._states(),
            "sums": self._sums,
            "random": random,
        }
        try:
            checkpoint.save_checkpoint(self.path, content)
        except checkpoint.CheckpointError as error:
            self.notes.append(f"step {step}: {error}")
            print(f"\n{self.notes[-1]}; training goes on")
