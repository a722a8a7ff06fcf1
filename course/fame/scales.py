"""How much the chapter trains: one table of settings per scale.

The notebook reads it and never branches on the scale.  `SETTINGS` at cpu scale keep to
what small experiments found: two outfits in the whole world (or clothes would be the
next shortcut), a large actor, a camera that is almost still, contrast inside the batch,
and steps enough for FAME to get away from the start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from course.backbones import Backbone
from course.fame.augmentations import LIGHT, PAPER, Augmentation
from course.fame.recipes import RECIPES, Recipe
from course.synthetic import ACTIONS, Knobs
from course.synthetic.knobs import DEFAULT_SCENES
from course.training import TrainSettings

# Pre-trained on the first actions and scenes; the other target has the others.
SOURCE = {"actions": tuple(ACTIONS)[:8], "scenes": DEFAULT_SCENES[:8]}
TARGET = {"actions": tuple(ACTIONS)[8:16], "scenes": DEFAULT_SCENES[8:16]}


@dataclass(frozen=True)
class Settings:
    """What one scale trains on and with; `minutes` is a seed's expected time."""

    knobs: Knobs  # of the videos that are pre-trained on, two clips each
    backbone: Backbone
    videos: int
    recipe: TrainSettings
    augmentation: Augmentation
    dim: int  # of the head's output
    temperature: float
    mask: Recipe
    beta: float
    queue: int  # keys; of the momentum contrast alone, as are the next two
    momentum: float
    parts: int
    probe_clips: int  # with labels, of each target
    test_clips: int
    correlation: float  # rho of the labelled clips
    target_recipe: TrainSettings
    minutes: float
    paper_steps: int | None = None


_KNOBS = Knobs(
    frames=8, size=32, scene_correlation=0.0, clips_per_video=2, outfits=2,
    actor_size=(0.84, 0.94), actor_place=0.1, place_drift=0.05,
    **SOURCE,  # type: ignore[arg-type]
)  # fmt: skip
_RECIPE = TrainSettings(
    steps=1200, batch_size=32, learning_rate=3e-3, weight_decay=1e-4, log_every=40
)
_CPU = Settings(
    knobs=_KNOBS,
    backbone="small_r2plus1d",
    videos=1536,
    recipe=_RECIPE,
    augmentation=LIGHT,
    dim=64,
    temperature=0.1,
    mask=replace(
        RECIPES["paper"],
        foreground_share=0.3,
        background_share=0.2,
        colours="rgb",
        bins=8,
        smooth_seed=True,
        smooth_posterior=True,
        kernel=5,
    ),  # fmt: skip
    beta=0.25,
    queue=512,
    momentum=0.99,
    parts=4,
    probe_clips=1024,
    test_clips=768,
    correlation=0.9,
    target_recipe=TrainSettings(
        epochs=8, batch_size=32, learning_rate=3e-3, weight_decay=1e-2, log_every=16
    ),
    minutes=2.0,
)
_LARGE_RECIPE = TrainSettings(
    epochs=200, batch_size=64, learning_rate=0.01, weight_decay=1e-4, momentum=0.9,
    optimizer="sgd", schedule="cosine", mixed_precision="bf16", channels_last=True,
)  # fmt: skip
SETTINGS = {
    "cpu": _CPU,
    "gpu": replace(
        _CPU,
        knobs=replace(_KNOBS, frames=16, frame_rate=10.0, size=112),
        backbone="resnet3d18",
        videos=4096,
        recipe=replace(_LARGE_RECIPE, epochs=20),
        augmentation=PAPER,
        dim=128,
        mask=RECIPES["official"],
        beta=0.5,
        queue=2048,
        momentum=0.999,
        minutes=60.0,
    ),
}
