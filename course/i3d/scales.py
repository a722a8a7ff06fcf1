"""How much the chapter trains: one table of settings per scale.

The notebook reads it and never branches on the scale.  Scenes tell nothing about the
action here (scene correlation 0), except in the report cards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from course.synthetic import Knobs
from course.training import TrainSettings


@dataclass(frozen=True)
class Settings:
    """What one scale trains on and with; `minutes` is a seed's expected time."""

    knobs: Knobs
    base: str  # "small" or "inception"
    widths: tuple[int, ...]
    stills: int  # clips whose frames the image network learns from
    image_recipe: TrainSettings
    sizes: tuple[int, ...]  # numbers of clips of the inflation curve
    few: int  # clips for the five architectures
    many: int  # clips for the camera runs
    source: int  # clips of the first data set of the transfer
    target: int  # clips of the second one
    test_clips: int
    recipe: TrainSettings
    source_steps: int
    camera: tuple[tuple[float, float], ...]  # (pan, jitter): at rest, some, much
    speeds: tuple[int, ...]  # px per frame of the drifting dots
    dots_recipe: TrainSettings
    minutes: float
    paper_steps: int | None = None


_KNOBS = Knobs(num_actions=16, num_scenes=8, scene_correlation=0.0)
_RECIPE = TrainSettings(
    steps=200, batch_size=16, learning_rate=3e-3, weight_decay=1e-2, log_every=20
)
_CPU = Settings(
    knobs=_KNOBS,
    base="small",
    widths=(16, 32, 64),
    stills=2048,
    image_recipe=replace(_RECIPE, steps=None, epochs=4, batch_size=64),
    sizes=(64, 128, 256, 512, 1024),
    few=128,
    many=512,
    source=1024,
    target=48,
    test_clips=512,
    recipe=_RECIPE,
    source_steps=400,
    camera=((0.01, 0.0), (0.3, 0.05), (0.6, 0.1)),
    speeds=(2, 3, 4, 5, 6),
    dots_recipe=replace(_RECIPE, steps=100, learning_rate=1e-2),
    minutes=12.0,
)
SETTINGS = {
    "cpu": _CPU,
    "gpu": replace(
        _CPU,
        knobs=replace(_KNOBS, frames=16, frame_rate=10.0, size=64, num_scenes=16),
        widths=(32, 64, 128, 256),
        stills=4096,
        sizes=(128, 512, 2048, 8192),
        few=512,
        many=2048,
        source=8192,
        target=256,
        recipe=replace(
            _RECIPE, steps=1000, batch_size=32, learning_rate=2e-3,
            mixed_precision="bf16",
        ),
        source_steps=3000,
        minutes=25.0,
    ),
    "full": replace(
        _CPU,
        knobs=replace(_KNOBS, frames=64, frame_rate=25.0, size=224, num_scenes=16),
        base="inception",
        stills=256,
        image_recipe=replace(
            _RECIPE, steps=1500, batch_size=64, learning_rate=1e-3,
            mixed_precision="bf16",
        ),
        sizes=(256, 1024),
        few=1024,
        many=1024,
        source=1024,
        target=128,
        test_clips=256,
        # The paper: SGD, momentum 0.9, rate 0.1, weight decay 1e-7, batch 64 x 6.
        recipe=TrainSettings(
            steps=1500, batch_size=32, optimizer="sgd", momentum=0.9,
            learning_rate=0.03, weight_decay=1e-7, schedule="step",
            milestones=(0.84, 0.94), warmup=0.02, mixed_precision="bf16",
            channels_last=True,
        ),
        source_steps=1500,
        minutes=60.0,
        paper_steps=110_000,
    ),
}  # fmt: skip
