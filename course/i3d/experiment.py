"""The chapter's runs by name: what is trained and measured, seed by seed.

Each takes the settings of a scale, a seed and a device, and returns numbers; claims and
notebook read them from the records.  `SETTINGS` says how much of it at which scale; the
runs themselves are in `course.i3d.trials`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from course.i3d.scales import SETTINGS, Settings
from course.i3d.thinning import THINNINGS
from course.i3d.trials.architectures import INPUTS, architecture
from course.i3d.trials.flow import camera, camera_unclipped, flow_start
from course.i3d.trials.inflation import eight_classes, growth, same_answer
from course.i3d.trials.time_and_scene import card, thinning
from course.i3d.trials.transfer import transfer
from course.i3d.trials.videos import rgb_stream

__all__ = ["RUNS", "SETTINGS", "VERSION", "Settings"]
VERSION = 1

RUNS: dict[str, Callable[..., dict[str, float]]] = {
    "same_answer": same_answer,
    "scratch": partial(growth, "scratch"),
    "mean_taps": partial(growth, "mean"),
    "centre_taps": partial(growth, "centre"),
    "eight_classes": eight_classes,
    **{name: partial(architecture, name) for name in INPUTS},
    "camera_rests": partial(camera, 0),
    "camera_moves": partial(camera, 1),
    "camera_moves_much": partial(camera, 2),
    "camera_unclipped": camera_unclipped,
    "flow_start": flow_start,
    "transfer_i3d": partial(transfer, "i3d"),
    "transfer_c3d": partial(transfer, "c3d"),
    **{f"thinned_{kind}": partial(thinning, kind) for kind in THINNINGS},
    "card_inflated": partial(card, "mean"),
    "card_scratch": partial(card, "scratch"),
    "rgb_stream": rgb_stream,
}
