"""Train a small recogniser where every action has its own scene, then examine it.

One table of settings per scale; the notebook reads it and never branches on the scale.
At `cpu` scale the world and the recipe are those of the report card, so the numbers of
this room compare with every chapter's card.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from course.backbones import small_r2plus1d
from course.evaluation import REPORT_CARD, ReportCard, report_card
from course.scale import seed_everything
from course.synthetic import Knobs, SynthActions
from course.training import FitResult, TrainSettings, fit

VERSION = 2  # 2: every network is examined in the same world


@dataclass(frozen=True)
class Settings:
    """What one scale trains on and with; `minutes` is a run's expected time."""

    knobs: Knobs
    train_clips: int
    test_clips: int
    probe_clips: int
    widths: tuple[int, ...]
    recipe: TrainSettings
    minutes: float


SETTINGS = {
    "cpu": Settings(
        knobs=Knobs(**REPORT_CARD.world),
        train_clips=REPORT_CARD.train_clips,
        test_clips=REPORT_CARD.test_clips,
        probe_clips=REPORT_CARD.probe_clips,
        widths=(16, 32, 64),
        recipe=TrainSettings(**REPORT_CARD.recipe),
        minutes=1.0,
    ),
    "gpu": Settings(
        knobs=Knobs(frames=16, frame_rate=10.0, size=64, num_actions=16, num_scenes=16),
        train_clips=8192, test_clips=2048, probe_clips=2048,
        widths=(32, 64, 128, 256),
        recipe=TrainSettings(
            epochs=15, batch_size=64, learning_rate=4e-3, mixed_precision="bf16"
        ),
        minutes=10.0,
    ),
    "full": Settings(
        knobs=Knobs(
            frames=16, frame_rate=10.0, size=112, num_actions=16, num_scenes=16
        ),
        train_clips=16384, test_clips=2048, probe_clips=2048,
        widths=(64, 128, 256, 512),
        recipe=TrainSettings(
            epochs=15, batch_size=64, learning_rate=2e-3, mixed_precision="bf16"
        ),
        minutes=15.0,
    ),
}  # fmt: skip


def make_world(
    settings: Settings, split: str, seed: int, num_clips: int | None = None,
    device: torch.device | str = "cpu", **knobs,
) -> SynthActions:  # fmt: skip
    """One split of this scale's world, with further knobs turned."""
    usual = settings.train_clips if split in ("train", "val") else settings.test_clips
    return SynthActions(
        split, num_clips or usual, seed, device, settings.knobs, **knobs
    )  # fmt: skip


def make_network(settings: Settings, seed: int) -> nn.Module:
    """A fresh network; the seed decides its weights."""
    seed_everything(seed)
    return small_r2plus1d(len(settings.knobs.action_names), settings.widths)


def training_step(model: nn.Module, batch: dict, step: int) -> dict:
    """Cross-entropy and accuracy of a batch."""
    logits = model(batch["clip"])
    right = (logits.argmax(1) == batch["action"]).float().mean()
    return {"loss": F.cross_entropy(logits, batch["action"]), "accuracy": right}


def train(
    settings: Settings, seed: int, device: torch.device, folder=None,
    progress: bool = True, **knobs,
) -> tuple[nn.Module, FitResult]:  # fmt: skip
    """Train a fresh network on this scale's world.

    Args:
        settings: of the scale.
        seed: of the world, the weights and the order of clips.
        device: where to train (and to render).
        folder: for checkpoints and logs.
        progress: show a bar.
        **knobs: of the world, such as `scene_correlation=0.0`.

    Returns:
        (network, what `course.training.fit` says of the training).
    """
    world = make_world(settings, "train", seed, device=device, **knobs)
    data = world.tensors(("clip", "action"))
    model = make_network(settings, seed)
    result = fit(
        model, data, training_step, settings.recipe, seed=seed, device=device,
        folder=folder, identity={"world": world.settings()}, progress=progress,
    )  # fmt: skip
    return model, result


def examine(model: nn.Module, settings: Settings, seed: int) -> ReportCard:
    """The report card of a network in this scale's world, however it was trained."""

    device = next(model.parameters()).device

    def world(split: str, seed: int, num_clips: int) -> SynthActions:
        return make_world(settings, split, seed, num_clips, device)

    return report_card(
        model, seed, world=world, test_clips=settings.test_clips,
        probe_clips=settings.probe_clips,
    )  # fmt: skip


def _trained(settings: Settings, seed: int, device, folder, **knobs) -> dict:
    model, result = train(settings, seed, device, folder, progress=False, **knobs)
    card = examine(model, settings, seed).as_metrics()
    return {**card, "steps": result.steps, "planned_steps": result.planned_steps}


def correlated(settings: Settings, seed: int, device, folder=None) -> dict:
    """Trained where nine of ten clips show the action in its own scene."""
    return _trained(settings, seed, device, folder)


def uncorrelated(settings: Settings, seed: int, device, folder=None) -> dict:
    """Trained where the scene says nothing about the action."""
    return _trained(settings, seed, device, folder, scene_correlation=0.0)


def untrained(settings: Settings, seed: int, device) -> dict:
    """The reference row: random weights."""
    model = make_network(settings, seed).to(device)
    return examine(model, settings, seed).as_metrics()


RUNS = {"correlated": correlated, "uncorrelated": uncorrelated, "untrained": untrained}
