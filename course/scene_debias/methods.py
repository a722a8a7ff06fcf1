"""The ways of training that the chapter compares: one row of options each.

Records do not know what a method was: raise `experiment.VERSION` when one changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

Adversary = Literal["none", "plain", "conditional"]
Schedule = Literal["slow", "fast"]
Labels = Literal["exact", "uniform", "confusable", "merged", "labeller"]
Wiring = Literal["paper", "released"]
Masks = Literal["none", "erased", "silhouette", "box", "missing"]


@dataclass(frozen=True)
class Method:
    """How a network is trained to name actions; by default by cross-entropy alone.

    Args:
        adversary: the scene head: none, plain, or one that is told the action.
        strength: lambda of the reversal; None is the scale's own.
        schedule: "slow" warms the head up first and ends the ramp with the training,
            "fast" is DANN's ramp from the first step on.
        labels: how scenes are named: exactly; with one of three kinds of error; or by
            a weak classifier of pictures, frame by frame, as in the paper.
        soft: a distribution for each clip in the place of a name: of the errors' the
            calibrated one, of the classifier's the mean over the frames.
        masks: how the human of the masked clips is hidden: "erased", as a perfect
            painter would; "silhouette" or "box" filled with the frame's mean colour;
            "missing", erased but for some frames in which the detector missed it.
        confusion: times the scale's weight of the masked clips' entropy; at 0.0 they
            are still seen.
        wiring: of the mask confusion, the paper's or the released code's.
        redraw: paste every actor onto another clip's background instead.

    >>> METHODS["both"].adversary, METHODS["both"].masks
    ('plain', 'erased')
    """

    adversary: Adversary = "none"
    strength: float | None = None
    schedule: Schedule = "slow"
    labels: Labels = "exact"
    soft: bool = False
    masks: Masks = "none"
    confusion: float = 1.0
    wiring: Wiring = "paper"
    redraw: bool = False

    def __post_init__(self) -> None:
        kinds = {
            "adversary": Adversary, "schedule": Schedule, "labels": Labels,
            "masks": Masks, "wiring": Wiring,
        }  # fmt: skip
        for name, kind in kinds.items():
            value, options = getattr(self, name), get_args(kind)
            if value not in options:
                raise ValueError(f"{name} is one of {options}, got {value!r}")
        if self.adversary == "none" and (self.labels != "exact" or self.soft):
            raise ValueError(f"scene labels are of no use without adversary: {self}")
        if self.masks == "none" and self.wiring == "released":
            raise ValueError(f"the released wiring needs masked clips: {self}")


_ADVERSARY = Method("plain")
_MASKS = Method(masks="erased")
_CONDITIONAL = Method("conditional")
_HARD: dict[Labels, Method] = {
    kind: replace(_ADVERSARY, labels=kind)
    for kind in ("uniform", "confusable", "merged", "labeller")
}

METHODS: dict[str, Method] = {
    "baseline": Method(),
    "adversary": _ADVERSARY,
    "masks": _MASKS,
    "both": replace(_ADVERSARY, masks="erased"),
    "conditional": _CONDITIONAL,
    "seen_only": replace(_MASKS, confusion=0.0),
    "adversary_seen": replace(_ADVERSARY, masks="erased", confusion=0.0),
    "released": replace(_MASKS, wiring="released"),
    "silhouette": replace(_MASKS, masks="silhouette"),
    "box": replace(_MASKS, masks="box"),
    "missing": replace(_MASKS, masks="missing"),
    "redraw": Method(redraw=True),
    "fast": replace(_ADVERSARY, schedule="fast"),
    **{f"hard_{kind}": method for kind, method in _HARD.items()},
    **{f"soft_{kind}": replace(method, soft=True) for kind, method in _HARD.items()},
}
