"""How much the chapter trains: one table of settings per scale.

The notebook reads it and never branches on the scale.  The world has four pairs of
actions that are each other's reversal in time, in front of a random texture: what
happens can be seen in a still, in which direction of time it happens cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from course.synthetic import Knobs
from course.training import TrainSettings

ACTIONS = (
    "raise_arms", "lower_arms", "sit_down", "stand_up",
    "pick_up", "put_down", "throw", "catch",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What one scale trains on and with; `minutes` is a seed's expected time."""

    knobs: Knobs
    backbone: str  # see `course.motion_squeeze.networks.BACKBONES`
    clips: int
    more_clips: int  # for the question whether the gain is one of few clips
    test_clips: int
    recipe: TrainSettings
    more_recipe: TrainSettings
    long_epochs: float  # on the usual clips, as many steps as `more_recipe` takes
    positions: tuple[str, ...]  # stages after the usual one
    window_size: int  # px, so that the map has 28 x 28 cells
    window_recipe: TrainSettings
    dense: int  # frames of the world between two that the networks see
    minutes: float
    motion: Mapping[str, Any] = field(default_factory=dict)  # of the module
    paper_steps: int | None = None  # of the released training, where it is known

    @property
    def cell_px(self) -> int:
        """Pixels between two cells of the map that the module usually works on."""
        return 2 if self.backbone == "small" else 8


_KNOBS = Knobs(
    frames=5, frame_rate=3.0, size=48, actions=ACTIONS, scenes=("texture",),
    scene_correlation=0.0, camera_pan=0.03, camera_jitter=0.01, noise=0.01,
)  # fmt: skip
_RECIPE = TrainSettings(
    epochs=12, batch_size=32, learning_rate=4e-3, weight_decay=1e-2, log_every=16
)
_CPU = Settings(
    knobs=_KNOBS,
    backbone="small",
    clips=512,
    more_clips=2048,
    test_clips=384,
    recipe=_RECIPE,
    more_recipe=replace(_RECIPE, epochs=6),
    long_epochs=24,
    positions=("layer2", "layer3"),
    window_size=56,
    window_recipe=replace(_RECIPE, epochs=8),
    dense=5,
    minutes=12.0,
)
_GPU_RECIPE = replace(
    _RECIPE, epochs=10, batch_size=48, learning_rate=1e-3, mixed_precision="bf16"
)
# The recipe of the released script for ResNet-18 on Something-Something V1,
# used here for ResNet-50: SGD with momentum, batch 48, rate .01, a tenth at
# epochs 20 and 30 of 40, weight decay 5e-4, gradients below 200.  Left out:
# Nesterov's form of momentum, and twice the rate without decay for biases.
# `paper_steps` is None: steps follow from the number of training clips, and
# that of the released split was not checked.
_FULL_RECIPE = TrainSettings(
    epochs=40, batch_size=48, optimizer="sgd", momentum=0.9, learning_rate=0.01,
    weight_decay=5e-4, schedule="step", milestones=(0.5, 0.75), clip_norm=200.0,
    mixed_precision="bf16", channels_last=True,
)  # fmt: skip
SETTINGS = {
    "cpu": _CPU,
    "gpu": replace(
        _CPU,
        knobs=replace(_KNOBS, frames=8, frame_rate=5.0, size=112),
        backbone="resnet18",
        clips=2048,
        more_clips=4096,
        test_clips=1024,
        recipe=_GPU_RECIPE,
        more_recipe=_GPU_RECIPE,
        long_epochs=20,
        positions=("layer3", "layer4"),
        window_size=224,
        window_recipe=replace(_GPU_RECIPE, epochs=5),
        minutes=30.0,
    ),
    "full": replace(
        _CPU,
        knobs=replace(_KNOBS, frames=8, frame_rate=5.0, size=224),
        backbone="resnet50",
        clips=2048,
        more_clips=8192,
        test_clips=1024,
        recipe=_FULL_RECIPE,
        # Half of the epochs on four times the clips: twice the steps.
        more_recipe=replace(_FULL_RECIPE, epochs=20),
        long_epochs=80,
        positions=("layer3", "layer4"),
        window_size=224,
        window_recipe=replace(_FULL_RECIPE, epochs=10),
        minutes=240.0,
    ),
}  # fmt: skip
