"""The scene head: what tries to read the scene out of the features.

Source: SDN (Choi et al., NeurIPS 2019), its released code (vt-vl-lab/SDN): on 512
features three blocks [linear 512, batch norm, ReLU] and a linear layer to 365 scenes.
`SceneHead(512, 200, hidden=(512,))` is the released code's second head, which only its
masked clips reach.  A head does not reverse anything itself.

`ConditionalSceneHead` is not SDN's.  It also sees the action label, so that it is paid
only for scene information *beyond* the action.  That is the fairer opponent where the
action itself tells the scene: no network can recognise the action and hide from a plain
head what the action gives away.  (Zhang, Lemoine and Mitchell, AIES 2018, show an
adversary the label for the same reason.)

`HeadTraining` is how heads learn.  Released: by the model's optimiser, one step each.
Or by several steps of an optimiser of their own before each step of the model, so that
the features climb against a head that knows them.

Known differences from the official code: width, depth and norm are arguments; heads may
have their own optimiser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course.training import average_gradients

Norm = Literal["batch", "layer", "none"]
MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class SceneHead(nn.Module):
    """A small classifier of the scene on pooled features.

    Args:
        features: width of the features.
        scenes: number of scenes M.
        hidden: widths of the hidden layers; () is a linear classifier.
        norm: after each hidden layer: "batch" as released, "layer" or "none".  Batch
            norm needs two clips in train mode.

    Takes features (B, D) and gives scene logits (B, M).

    Raises:
        ValueError: for sizes below 1 or an unknown norm; for features of another shape.

    Source: the released code's numbers are the defaults.

    >>> sum(p.numel() for p in SceneHead(512, 365).parameters())
    978285
    """

    def __init__(
        self,
        features: int,
        scenes: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        norm: Norm = "batch",
    ):
        super().__init__()
        _check_sizes(features, scenes, *hidden)
        self.features = features
        self.layers = _layers(features, scenes, hidden, norm)

    def forward(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b m"]:
        """Scene logits."""
        return self.layers(_checked(features, self.features))


class ConditionalSceneHead(nn.Module):
    """A scene head that is also told the action.

    Args:
        features: width of the features.
        scenes: number of scenes M.
        actions: number of actions N; the label enters as N further features, one-hot.
        hidden: widths of the hidden layers.  With () the label shifts the logits
            whatever the features are; a hidden layer lets it change how they are read.
        norm: as for `SceneHead`.

    Takes features (B, D) and actions (B,) and gives scene logits (B, M).

    Raises:
        ValueError: as `SceneHead`; for labels of another shape or, on a CPU, outside
            0 .. N - 1.

    >>> head = ConditionalSceneHead(64, 8, actions=6, hidden=(32,))
    >>> tuple(head(torch.rand(5, 64), torch.arange(5)).shape)
    (5, 8)
    """

    def __init__(
        self,
        features: int,
        scenes: int,
        actions: int,
        hidden: tuple[int, ...] = (512, 512, 512),
        norm: Norm = "batch",
    ):
        super().__init__()
        _check_sizes(features, scenes, actions, *hidden)
        self.features, self.actions = features, actions
        self.layers = _layers(features + actions, scenes, hidden, norm)

    def forward(
        self, features: Float[Tensor, "b d"], action: Int[Tensor, " b"]
    ) -> Float[Tensor, "b m"]:
        """Scene logits."""
        features = _checked(features, self.features)
        label = self._one_hot(action, len(features)).to(features.dtype)
        return self.layers(torch.cat([features, label], dim=1))

    def _one_hot(self, action: Tensor, clips: int) -> Int[Tensor, "b n"]:
        if action.shape != (clips,) or action.is_floating_point():
            shape = tuple(action.shape)
            raise ValueError(
                f"actions must be whole ({clips},), got {shape} {action.dtype}"
            )
        if action.device.type == "cpu" and clips:
            low, high = action.min().item(), action.max().item()
            if low < 0 or high >= self.actions:
                last = self.actions - 1
                raise ValueError(f"actions are 0 .. {last}, got {low} .. {high}")
        return F.one_hot(action.long(), self.actions)


class HeadTraining:
    """How heads learn: with the model, or by steps of an optimiser of their own.

    Args:
        heads: by name.
        make_optimizer: gets all heads' parameters and gives the optimiser; None where
            the heads are modules of the model, whose optimiser steps them.
        steps: of that optimiser whenever a head is to improve.

    Raises:
        ValueError: for steps without an optimiser, or an optimiser without heads.

    >>> head = SceneHead(4, 2, hidden=())
    >>> training = HeadTraining({"scene_head": head}, torch.optim.AdamW, steps=3)
    >>> x = torch.rand(6, 4)
    >>> training.improve(lambda: F.cross_entropy(head(x), torch.arange(6) % 2))
    >>> sorted(training.state)
    ['optimizer', 'scene_head']
    """

    def __init__(
        self,
        heads: Mapping[str, nn.Module],
        make_optimizer: MakeOptimizer | None = None,
        steps: int = 1,
    ):
        self.by_name, self.steps = dict(heads), steps
        self.parameters = [p for head in heads.values() for p in head.parameters()]
        if steps < 1 or (steps > 1 and make_optimizer is None):
            raise ValueError(f"{steps} head steps: at least 1, more need an optimiser")
        if make_optimizer is not None and not self.parameters:
            raise ValueError("an optimiser of the heads' own needs a head")
        self.optimizer = make_optimizer and make_optimizer(self.parameters)

    @property
    def state(self) -> dict[str, Any]:
        """What `fit` must save besides the model; nothing for heads inside it."""
        return {**self.by_name, "optimizer": self.optimizer} if self.optimizer else {}

    def improve(self, loss: Callable[[], Tensor]) -> None:
        """Let the heads' own optimiser, if there is one, take its steps.

        Args:
            loss: gives the loss afresh for each step; of detached features.
        """
        if self.optimizer is None:
            return
        for _ in range(self.steps):
            self.optimizer.zero_grad(set_to_none=True)
            loss().backward()
            average_gradients(self.parameters)
            self.optimizer.step()
            # Autocast would go on with its half-precision copies of the old weights.
            torch.clear_autocast_cache()

    @contextmanager
    def passed_through(self) -> Iterator[None]:
        """Inside, heads that have had their own steps get no gradient themselves."""
        kept = [p for p in self.parameters if self.optimizer and p.requires_grad]
        for parameter in kept:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in kept:
                parameter.requires_grad_(True)

    def check(self, model: nn.Module) -> None:
        """Make sure that every head is stepped, and by one optimiser.

        Raises:
            ValueError: if a head without an own optimiser is no module of the model, or
                one with it is.
        """
        held = {id(parameter) for parameter in model.parameters()}
        inside = [id(parameter) in held for parameter in self.parameters]
        if self.optimizer is None and not all(inside):
            raise ValueError(
                "a head without an optimiser of its own must be a module of the model "
                "(model.scene_head = head), or nothing would train it"
            )
        if self.optimizer is not None and any(inside):
            raise ValueError(
                "a head with an optimiser of its own must not be a module of the model,"
                " or it would be stepped twice"
            )


def _layers(
    inputs: int, outputs: int, hidden: tuple[int, ...], norm: Norm
) -> nn.Sequential:
    """[linear, norm, ReLU] for each hidden width, then a linear layer."""
    if norm not in get_args(Norm):
        raise ValueError(f"norm is one of {get_args(Norm)}, got {norm!r}")
    norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "none": None}
    layers: list[nn.Module] = []
    for width in hidden:
        make = norms[norm]
        block = [nn.Linear(inputs, width), make and make(width), nn.ReLU()]
        layers += [layer for layer in block if layer is not None]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def _check_sizes(*sizes: int) -> None:
    if min(sizes) < 1:
        raise ValueError(f"all sizes must be at least 1, got {sizes}")


def _checked(features: Tensor, width: int) -> Tensor:
    if features.ndim != 2 or features.shape[1] != width:
        shape = tuple(features.shape)
        raise ValueError(f"features must be (B, {width}), got {shape}")
    return features
