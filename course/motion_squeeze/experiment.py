"""The chapter's runs by name: what is trained and measured, seed by seed.

Each takes the settings of a scale, a seed and a device, and returns numbers; claims and
notebook read them from the records.  `SETTINGS` says how much of it at which scale; the
runs themselves are in `course.motion_squeeze.trials`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from course.motion_squeeze.scales import SETTINGS, Settings
from course.motion_squeeze.trials.card import card
from course.motion_squeeze.trials.cost import cost
from course.motion_squeeze.trials.matching import matching
from course.motion_squeeze.trials.module import position, true_flow, variant, window
from course.motion_squeeze.trials.recognition import recognise
from course.motion_squeeze.trials.speed import speed
from course.motion_squeeze.trials.two_streams import estimated_flow, true_flows
from course.motion_squeeze.trials.videos import msnet_videos

__all__ = ["RUNS", "SETTINGS", "VERSION", "Settings"]
VERSION = 1
REACHES = (1, 3, 7)  # cells, on the map of 28 x 28

RUNS: dict[str, Callable[..., dict[str, float]]] = {
    "matching": matching,
    "cost": cost,
    "speed": speed,
    "tsn": partial(recognise, "tsn"),
    "tsm": partial(recognise, "tsm"),
    "msnet": partial(recognise, "msnet"),
    "two_streams": true_flows,
    "tsn_motion": partial(recognise, "tsn_motion"),
    "displacement_only": partial(variant, carries=("displacement",)),
    "confidence_only": partial(variant, carries=("confidence",)),
    "shuffled": partial(variant, shuffled=True),
    "soft_argmax": partial(variant, estimator="soft"),
    "true_flow": true_flow,
    "tsm_long": partial(recognise, "tsm", schedule="long"),
    "tsm_more": partial(recognise, "tsm", schedule="more"),
    "msnet_more": partial(recognise, "msnet", schedule="more"),
    "position_2": partial(position, 0),
    "position_3": partial(position, 1),
    "two_streams_tvl1": estimated_flow,
    **{f"window_{reach}": partial(window, reach) for reach in REACHES},
    "card_tsn": partial(card, "tsn"),
    "card_tsm": partial(card, "tsm"),
    "card_msnet": partial(card, "msnet"),
    "r2plus1d": partial(recognise, "r2plus1d"),
    "r2plus1d_motion": partial(recognise, "r2plus1d_motion"),
    "msnet_videos": msnet_videos,
}
