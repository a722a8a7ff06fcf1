"""A small data set after a large one: from nothing, frozen features, fine-tuning.

Source: table 4, whose columns are called Original, Fixed and Full-FT.  Here the large
data set is twelve actions in eight scenes; the small one is eight actions, four of them
new, in the other scenes with other actors.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course.evaluation import accuracy
from course.evaluation.order import Inputs, logits_of
from course.i3d.architectures import build_from
from course.i3d.heads import features_of, with_new_head
from course.i3d.scales import Settings
from course.i3d.trainings import image_network, tested_on, train, trained_on
from course.i3d.trials.architectures import INPUTS, clip_size, parts, together
from course.scale import seed_everything
from course.synthetic import ACTIONS
from course.synthetic.knobs import DEFAULT_SCENES

PROTOCOLS = ("original", "fixed", "full")
SOURCE = {"actions": tuple(ACTIONS)[:12], "scenes": DEFAULT_SCENES[:8]}
TARGET = {"actions": tuple(ACTIONS)[8:16], "scenes": DEFAULT_SCENES[8:]}
TARGET_SEED = 1000  # added to the run's seed: another world's actors
Data = dict[str, Tensor]


@dataclass(frozen=True)
class Stream:
    """One network of an architecture in one run: its number among them, its setting."""

    name: str
    number: int
    settings: Settings
    seed: int
    device: torch.device

    @property
    def inputs(self) -> Inputs:
        """What it sees."""
        return INPUTS[self.name][self.number]

    def fresh(self, classes: int) -> nn.Module:
        """It before any training on video."""
        base = image_network(self.settings, self.seed, self.device)
        seed_everything(self.seed)
        net = build_from(self.name, base, classes, clip_size(self.settings))
        return parts(net)[self.number]

    def ready_for(self, classes: int, trained: nn.Module) -> nn.Module:
        """A copy of it, trained before, with a last layer for other classes."""
        seed_everything(self.seed)
        return with_new_head(copy.deepcopy(trained), classes)

    def train(self, net: nn.Module, data: Data, **changes) -> None:
        """Train it by the scale's recipe."""
        train(net, data, self.inputs, self.settings, self.seed, self.device, **changes)


def transfer(
    name: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Original, Fixed and Full-FT on a small data set after a large one.

    Args:
        name: `c3d` or `i3d`.
        settings: of the scale; `source` and `target` are the numbers of clips.
        seed: of everything.
        device: where to train.

    Returns:
        The accuracy of each protocol by its name, and of each stream: `rgb_full`,
        `flow_full`, or `only_full` where there is but one.
    """
    source = trained_on(settings, seed, settings.source, **SOURCE)
    target = trained_on(settings, seed + TARGET_SEED, settings.target, **TARGET)
    test = tested_on(settings, seed + TARGET_SEED, **TARGET)
    found: dict[str, float] = {}
    answers: dict[str, list[Tensor]] = {protocol: [] for protocol in PROTOCOLS}
    for number, part in enumerate(_names(name)):
        stream = Stream(name, number, settings, seed, device)
        pretrained = stream.fresh(len(SOURCE["actions"]))
        stream.train(pretrained, source, steps=settings.source_steps)
        for protocol in PROTOCOLS:
            logits = _answers(protocol, stream, pretrained, target, test)
            answers[protocol].append(logits)
            found[f"{part}_{protocol}"] = accuracy(logits, test["action"])
    for protocol, streams in answers.items():
        found[protocol] = accuracy(together(streams), test["action"])
    return found


def _names(name: str) -> tuple[str, ...]:
    return ("rgb", "flow") if len(INPUTS[name]) == 2 else ("only",)


def _answers(
    protocol: str, stream: Stream, pretrained: nn.Module, target: Data, test: Data
) -> Tensor:
    """The test clips' logits after training by one of `PROTOCOLS`."""
    classes = len(TARGET["actions"])
    if protocol == "original":
        net = stream.fresh(classes)
    else:
        net = stream.ready_for(classes, pretrained)
    if protocol == "fixed":
        return _linear_on(net, stream, target, test)
    stream.train(net, target)
    return logits_of(net, test, stream.inputs)


def _linear_on(net: nn.Module, stream: Stream, target: Data, test: Data) -> Tensor:
    """Logits of a new softmax layer on a frozen network's normalised features."""
    learn = features_of(net, target, stream.inputs)
    seen = features_of(net, test, stream.inputs)
    mean, spread = learn.mean(0), learn.std(0) + 1e-3
    data = {"x": (learn - mean) / spread, "action": target["action"]}
    head = nn.Linear(seen.shape[1], int(test["action"].max()) + 1)
    settings, seed, device = stream.settings, stream.seed, stream.device
    train(head, data, _features, settings, seed, device, mixed_precision="no")
    with torch.no_grad():
        return head.cpu()((seen - mean) / spread)


def _features(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    return (batch["x"],)
