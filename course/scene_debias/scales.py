"""How much the chapter trains: one table of settings per scale.

The notebook reads it and never branches on the scale.  `SETTINGS` at cpu scale keep to
what small experiments found: an actor that fills a good part of the frame, a camera
that is almost still, a head that learns before it is obeyed, and a ramp of the reversal
that ends with the training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from course.backbones import Backbone
from course.scene_debias.adversary import Norm
from course.scene_debias.debiasing import Optimisation
from course.synthetic import ACTIONS, Knobs
from course.synthetic.knobs import DEFAULT_SCENES
from course.training import TrainSettings

# The source has the first actions and scenes; what comes after it has the others.
SOURCE = {"actions": tuple(ACTIONS)[:8], "scenes": DEFAULT_SCENES[:8]}
TARGET = {"actions": tuple(ACTIONS)[8:16], "scenes": DEFAULT_SCENES[8:16]}


@dataclass(frozen=True)
class Settings:
    """What one scale trains on and with; `minutes` is a seed's expected time."""

    knobs: Knobs
    backbone: Backbone
    clips: int
    test_clips: int
    probe_clips: int  # 5 of 8 to learn from, the others to be tested
    recipe: TrainSettings
    correlations: tuple[float, ...]  # whose bias is measured
    correlation: float  # of everything else
    strength: float  # of the reversal
    warmup: float  # share of the steps in which only the head learns from the head
    head_hidden: tuple[int, ...]
    head_norm: Norm
    head_rate: float
    head_steps: int
    masked: int  # masked clips in each batch
    confusion: float  # mu, weight of their loss
    labeller_pictures: int  # empty scenes that the weak labeller learns from
    noise: float  # share of scene labels that are drawn anew, or confused
    missing: float  # share of frames in which the detector misses the human
    target_clips: int
    target_recipe: TrainSettings
    videos: int  # untrimmed, to learn from and to be tested on
    time_scale: float  # of their length
    stride: int  # frames from snippet to snippet
    minutes: float
    optimisation: Optimisation = "one_step"
    paper_steps: int | None = None


_KNOBS = Knobs(frames=8, size=32, **SOURCE)  # type: ignore[arg-type]
_RECIPE = TrainSettings(
    epochs=10, batch_size=32, learning_rate=4e-3, weight_decay=1e-2, log_every=16
)
_CPU = Settings(
    knobs=_KNOBS,
    backbone="small_resnet3d",
    clips=1024,
    test_clips=512,
    probe_clips=1024,
    recipe=_RECIPE,
    correlations=(0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0),
    correlation=0.95,
    strength=1.0,
    warmup=0.3,
    head_hidden=(128, 128),
    head_norm="none",
    head_rate=2e-3,
    head_steps=3,
    masked=16,
    confusion=1.0,
    labeller_pictures=16,
    noise=0.4,
    missing=0.3,
    target_clips=256,
    target_recipe=replace(_RECIPE, epochs=8),
    videos=48,
    time_scale=0.5,
    stride=4,
    minutes=10.0,
)
# From nothing.  The released rate, 1e-4 with dampening, suits weights that have learned
# before (`COURSE_VIDEO_WEIGHTS`).  `paper_steps` is None: the number of Mini-Kinetics's
# training clips, which they follow from, was not checked.
_LARGE_RECIPE = replace(
    _RECIPE, epochs=10, learning_rate=1e-3, mixed_precision="bf16", channels_last=True
)
_GPU = replace(
    _CPU,
    knobs=replace(_KNOBS, frames=16, frame_rate=10.0, size=112),
    backbone="resnet3d18",
    clips=2048,
    recipe=_LARGE_RECIPE,
    head_hidden=(512, 512, 512),
    head_norm="batch",
    target_recipe=replace(_LARGE_RECIPE, epochs=5),
    stride=8,
    minutes=30.0,
)
# The paper's network, clip and losses in turn, as released: every second step is on
# masked clips.
SETTINGS = {
    "cpu": _CPU,
    "gpu": _GPU,
    "full": replace(
        _GPU,
        clips=8192,
        test_clips=1024,
        recipe=replace(_LARGE_RECIPE, epochs=30),
        target_clips=1024,
        videos=100,
        time_scale=1.0,
        optimisation="two_steps",
        minutes=120.0,
    ),
}
