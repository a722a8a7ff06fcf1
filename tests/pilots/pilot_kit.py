"""What the four experiments of this folder share.

Each `test_*.py` here is a short script about one effect that a chapter builds on: it
must show in the synthetic world.  `effect(seed)` returns what it measured.  Settings
were chosen on seeds 10 and 11; the tests run seed 0.  By hand, with other seeds:

    python tests/pilots/test_scenery.py 0 1
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from course.evaluation import predict
from course.scale import seed_everything
from course.synthetic import SynthActions
from course.training import TrainSettings, fit


def load(split: str, first: int, count: int, seed: int, keys: str, **knobs) -> dict:
    """Clips first .. first + count - 1 of a split as tensors; nothing is cached."""
    world = SynthActions(split, first + count, seed, **knobs)
    rows = torch.arange(first, first + count).split(64)
    parts = [world.render(r.tolist(), keys.split()) for r in rows]
    return {key: torch.cat([part[key] for part in parts]) for key in keys.split()}


def load_tests(seed: int, **knobs) -> dict[str, dict]:
    """512 clips as in training, and the same actors with scenes swapped."""
    splits = "test", "swapped"
    return {name: load(name, 0, 512, seed, "clip action", **knobs) for name in splits}


def trained(
    make: Callable[[], nn.Module], data: dict, step: Callable, seed: int, **recipe
) -> nn.Module:
    """A fresh network, trained; the seed decides weights, order and augmentation."""
    seed_everything(seed)
    model = make()
    settings = TrainSettings(batch_size=32, **recipe)
    fit(model, data, step, settings, seed=seed, device="cpu", progress=False)
    return model


def classify(model: nn.Module, batch: dict, step: int) -> dict:
    """The training step of a plain recogniser."""
    return {"loss": F.cross_entropy(model(batch["clip"]), batch["action"])}


def accuracies(model: nn.Module, name: str, tests: dict[str, dict]) -> dict[str, float]:
    """Share of clips recognised in each test set, as "name set"."""
    said = {s: predict(model, data["clip"]).argmax(1) for s, data in tests.items()}
    right = {s: (said[s] == data["action"]).float() for s, data in tests.items()}
    return {f"{name} {s}": right[s].mean().item() for s in tests}


def by_hand(effect: Callable[[int], dict[str, float]]) -> None:
    """Measure the effect on the seeds of the command line."""
    torch.set_num_threads(1)
    for seed in sys.argv[1:]:
        begin = time.process_time()
        measured = effect(int(seed))
        shown = ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
        seconds = time.process_time() - begin
        print(f"seed {seed}: {shown}; {seconds:.0f} s", flush=True)
