"""The chapter's runs by name: what is trained and measured, seed by seed.

Each takes the settings of a scale, a seed and a device, and returns numbers; claims and
notebook read them from the records.  `SETTINGS` says how much of it at which scale; the
runs themselves are in `course.scene_debias.trials`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from course.scene_debias.methods import METHODS
from course.scene_debias.scales import SETTINGS, Settings
from course.scene_debias.trials.bias import bias
from course.scene_debias.trials.card import card
from course.scene_debias.trials.debiasing import (
    at_strength,
    debias,
    everywhere,
    on_r2plus1d,
)
from course.scene_debias.trials.labels import labeller
from course.scene_debias.trials.videos import debias_videos

__all__ = [
    "CORRELATIONS",
    "RUNS",
    "SETTINGS",
    "STRENGTHS",
    "TOLD_STRENGTHS",
    "VERSION",
    "Settings",
]
VERSION = 1

MAIN = ("baseline", "adversary", "masks", "both")
CORRELATIONS = (0.0, 0.5, 0.8, 0.9, 0.98, 1.0)  # besides the scale's own
STRENGTHS = (0.3, 1.5, 2.0, 4.0)  # besides the scale's own
TOLD_STRENGTHS = (2.0, 4.0)  # of the head that is told the action, besides that


def at(name: str, correlation: float) -> str:
    """The run of a method at another correlation, in hundredths.

    >>> at("baseline", 0.98)
    'baseline_98'
    """
    return f"{name}_{100 * correlation:.0f}"


def times(name: str, strength: float) -> str:
    """The run of a method with another strength of the reversal.

    >>> times("adversary", 0.3)
    'adversary_x0.3'
    """
    return f"{name}_x{strength:g}"


RUNS: dict[str, Callable[..., dict[str, float]]] = {
    "bias": bias,
    "labeller": labeller,
    **{name: partial(everywhere, name) for name in MAIN},
    **{
        at(name, rho): partial(debias, name, correlation=rho)
        for rho in CORRELATIONS
        for name in ("baseline", "adversary")
    },
    **{
        at(name, 1.0): partial(debias, name, correlation=1.0)
        for name in ("masks", "redraw")
    },
    **{
        times(name, strength): partial(at_strength, name, strength)
        for name, strengths in (
            ("adversary", STRENGTHS),
            ("conditional", TOLD_STRENGTHS),
        )
        for strength in strengths
    },
    **{name: partial(debias, name) for name in METHODS if name not in MAIN},
    **{
        f"r2plus1d_{name}": partial(on_r2plus1d, name)
        for name in ("baseline", "adversary", "seen_only", "masks")
    },
    **{
        f"card_{name}": partial(card, name)
        for name in ("untrained", "baseline", "adversary", "masks", "both")
    },
    "debias_videos": debias_videos,
    # Transfer: on other videos, from the weights that COURSE_VIDEO_WEIGHTS names.
    "tune_videos": partial(debias_videos, methods=("baseline",)),
}
