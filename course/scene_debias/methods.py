"""The ways of training that the chapter compares: one row of options each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Adversary = Literal["none", "plain", "conditional"]
Schedule = Literal["slow", "fast"]
Labels = Literal["exact", "uniform", "confusable", "merged"]
Masks = Literal["none", "erased", "silhouette", "box", "missing"]


@dataclass(frozen=True)
class Method:
    """How a network is trained to name actions; by default by cross-entropy alone.

    Args:
        adversary: the scene head: none, plain, or one that is told the action.
        strength: lambda of the reversal; None is the scale's own.
        schedule: "slow" warms the head up first and ends the ramp with the training,
            "fast" is DANN's ramp from the first step on.
        labels: how scenes are named: exactly, or with one of the chapter's errors.
        soft: whether the adversary is given each name's calibrated distribution.
        masks: how the human of the masked clips is hidden: "erased", as a perfect
            painter would; "silhouette" or "box" filled with the frame's mean colour;
            "missing", erased but for some frames in which the detector missed it.
        confusion: weight of the masked clips' entropy; 0.0 still shows them.
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
    wiring: Literal["paper", "released"] = "paper"
    redraw: bool = False


_ADVERSARY = Method("plain")
_MASKS = Method(masks="erased")
_CONDITIONAL = Method("conditional")
_HARD = {
    f"hard_{kind}": replace(_ADVERSARY, labels=kind)
    for kind in ("uniform", "confusable")
}

METHODS: dict[str, Method] = {
    "baseline": Method(),
    "adversary": _ADVERSARY,
    "masks": _MASKS,
    "both": replace(_ADVERSARY, masks="erased"),
    "conditional": _CONDITIONAL,
    "seen_only": replace(_MASKS, confusion=0.0),
    "released": replace(_MASKS, wiring="released"),
    "silhouette": replace(_MASKS, masks="silhouette"),
    "box": replace(_MASKS, masks="box"),
    "missing": replace(_MASKS, masks="missing"),
    "redraw": Method(redraw=True),
    "fast": replace(_ADVERSARY, schedule="fast"),
    **_HARD,
    **{
        f"soft_{name[5:]}": replace(method, soft=True) for name, method in _HARD.items()
    },
    "merged": replace(_ADVERSARY, labels="merged"),
}
