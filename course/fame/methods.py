"""The ways of pre-training that the chapter compares: one row of options each.

Records do not know what a method was: raise `experiment.VERSION` when one changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

Mask = Literal[
    "none", "fame", "official", "seed", "gauss", "grid", "blob", "union", "true"
]  # fmt: skip
Background = Literal["other", "same_video", "still", "shuffled", "empty"]
Views = Literal["first", "both"]
Contrast = Literal["in_batch", "momentum"]


@dataclass(frozen=True)
class Method:
    """How two views of a video are made, and what they are contrasted with.

    Args:
        mask: which pixels are foreground: FAME's by the paper's equations or as
            released; the motion seed alone; a Gaussian in the middle; the seed's
            strongest cells of a grid; a random blob; every pixel that the actor
            touches, or its outline frame by frame, as a perfect segmenter would give
            them; none, and nothing is merged.
        background: what stands behind the foreground: another clip as it moves; the
            video's own other clip; one frame of another clip; another clip's frames in
            any order; another clip with its actor erased.
        views: merge the first view alone, or both.
        beta: share of pixels that the mask keeps; None is the scale's own.
        erasing: gamma of Background Erasing: so much of a still frame of the clip is
            added to its first view, at most; 0 adds nothing.
        same_video_negative: Background Erasing's further negative.
        contrast: with the batch, or with a queue of a momentum encoder's keys.

    >>> METHODS["fame"].mask, METHODS["fame"].background
    ('fame', 'other')
    """

    mask: Mask = "none"
    background: Background = "other"
    views: Views = "first"
    beta: float | None = None
    erasing: float = 0.0
    same_video_negative: bool = False
    contrast: Contrast = "in_batch"

    def __post_init__(self) -> None:
        kinds = {
            "mask": Mask, "background": Background, "views": Views,
            "contrast": Contrast,
        }  # fmt: skip
        for name, kind in kinds.items():
            value, options = getattr(self, name), get_args(kind)
            if value not in options:
                raise ValueError(f"{name} is one of {options}, got {value!r}")
        if self.mask == "none" and (self.background, self.views) != ("other", "first"):
            raise ValueError(f"without a mask nothing is merged: {self}")
        if not 0 <= self.erasing <= 1:
            raise ValueError(f"erasing is a share from 0 to 1, got {self.erasing}")


_FAME = Method("fame")
METHODS: dict[str, Method] = {
    "plain": Method(),
    "erasing": Method(erasing=0.3),
    "erasing_negative": Method(erasing=0.3, same_video_negative=True),
    "fame": _FAME,
    "official": Method("official"),
    "seed": Method("seed"),
    "gauss": Method("gauss"),
    "grid": Method("grid"),
    "blob": Method("blob"),
    "union": Method("union"),
    "true": Method("true"),
    "both_views": replace(_FAME, views="both"),
    "same_video": replace(_FAME, background="same_video"),
    "still": replace(_FAME, background="still"),
    "shuffled": replace(_FAME, background="shuffled"),
    "empty": replace(_FAME, background="empty"),
    "plain_momentum": Method(contrast="momentum"),
    "fame_momentum": replace(_FAME, contrast="momentum"),
}


def with_share(name: str, beta: float) -> Method:
    """A method of `METHODS` whose mask keeps another share of the pixels."""
    return replace(METHODS[name], beta=beta)
