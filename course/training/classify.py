"""The training step of every recogniser: cross-entropy of its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn


@runtime_checkable
class AnswersPerStep(Protocol):
    """A network that answers at several moments of a clip."""

    def logits_per_step(self, *given: Tensor) -> Tensor: ...


def classify(
    inputs: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]], label: str = "action"
) -> Callable[[nn.Module, dict, int], dict[str, Tensor]]:
    """A training step: cross-entropy of what the network says of `inputs`.

    Args:
        inputs: makes the network's arguments of a batch.
        label: the batch's key of the classes (B,).

    Returns:
        A step for `course.training.fit`; its `accuracy` is the batch's.  A network with
        `logits_per_step` is trained on every step's answer, and scored on the last.

    >>> import torch
    >>> step = classify(lambda batch: (batch["clip"],))
    >>> batch = {"clip": torch.eye(2), "action": torch.tensor([0, 0])}
    >>> step(nn.Identity(), batch, 0)["accuracy"].item()
    0.5
    """

    def step(model: nn.Module, batch: dict, number: int) -> dict[str, Tensor]:
        target, given = batch[label], inputs(batch)
        if isinstance(model, AnswersPerStep):
            steps = model.logits_per_step(*given)
            logits = steps[:, :, -1]
            loss = F.cross_entropy(steps, target[:, None].expand(-1, steps.shape[2]))
        else:
            logits = model(*given)
            loss = F.cross_entropy(logits, target)
        right = (logits.argmax(1) == target).float().mean()
        return {"loss": loss, "accuracy": right}

    return step
