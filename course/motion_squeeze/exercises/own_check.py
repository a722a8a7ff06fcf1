"""An exercise on checking: which test would have caught the matcher that says nothing?

Two questions catch it, and most of its relatives: is any confidence above zero, and is
a motion that we made ourselves found again?  Both in every number type that is used.
"""

from __future__ import annotations

import torch

from course.motion_squeeze.exercises.bug_hunt import (
    SOURCE,
    broken,
    compiled,
    repaired,
)
from course.teaching.exercise import Exercise, Wrong

KINDS = (torch.float32, torch.bfloat16)


def _stuck(f1, f2, *options):
    """No motion, full confidence, whatever comes."""
    return torch.cat([0 * f1[:, :2], 0 * f1[:, :1] + 1], 1)


def _after(change):
    """The right answer, spoilt."""
    return lambda f1, f2, *options: change(repaired(f1, f2, *options))


def _no_confidence(d):
    return torch.cat([d[:, :2], 0 * d[:, 2:]], 1)


def _swapped(d):
    return d[:, [1, 0, 2]]


def _mirrored(d):
    return torch.cat([-d[:, :2], d[:, 2:]], 1)


def _halved(d):
    return torch.cat([d[:, :2] / 3, d[:, 2:]], 1)


RIGHT = {
    "a right one": repaired,
    "a right one that returns the type it was given": lambda a, b, *o: repaired(
        a, b, *o
    ).to(a.dtype),
}
WRONG = {
    "zeros in 16 bits only": broken,
    "zeros always": compiled(SOURCE.replace("volume.relu()", "(0 * volume).relu()")),
    "no motion, full confidence": _stuck,
    "right motion, zero confidence": _after(_no_confidence),
    "right and down swapped": _after(_swapped),
    "everything reversed": _after(_mirrored),
    "motion in thirds of a cell": _after(_halved),
    "not a number": _after(lambda d: d * float("nan")),
}


def _trusts(trustworthy, squeeze) -> bool:
    """The verdict of a learner's check; to raise is to turn down."""
    try:
        return bool(trustworthy(squeeze))
    except Exception:
        return False


def _check_the_check(trustworthy) -> None:
    trustworthy(repaired)  # tells a stub, or a check that cannot run at all
    for name, squeeze in RIGHT.items():
        if not _trusts(trustworthy, squeeze):
            raise Wrong(
                f"your check turns down {name}. At the border the counterpart is "
                "outside: look at the inner cells, and leave 16 bits some room "
                "(0.1 cells)"
            )
    for name, squeeze in WRONG.items():
        if _trusts(trustworthy, squeeze):
            raise Wrong(f"a matcher gets through your check that gives: {name}")


def _verdict(kinds=KINDS, right=2, down=-1, confident=True, moves=True, crop=3):
    """A learner's check, with some of its questions left out."""

    def trustworthy(squeeze):
        f1 = torch.rand(1, 64, 12, 12, generator=torch.Generator().manual_seed(1))
        f1 = (f1 - 0.5).relu()
        f2 = f1.roll((down, right), (2, 3))
        for kind in kinds:
            d = squeeze(f1.to(kind), f2.to(kind)).float()
            d = d[:, :, crop : 12 - crop, crop : 12 - crop]
            wrong = max((d[:, 0] - right).abs().max(), (d[:, 1] - down).abs().max())
            if moves and not wrong < 0.1:
                return False
            if confident and not d[:, 2].min() > 0:
                return False
        return True

    return trustworthy


def _looks_fine(squeeze):
    d = squeeze(torch.rand(1, 8, 9, 9), torch.rand(1, 8, 9, 9))
    return d.shape == (1, 3, 9, 9) and bool(d.isfinite().all())


OWN_CHECK = Exercise(
    id="motion_squeeze-check",
    title="The check that would have caught it",
    difficulty=3,
    minutes=12,
    task="Write `trustworthy(squeeze)`: return `True` if a function like the one of "
    "the bug hunt can be trusted, `False` if not (a failing `assert` will do). It "
    "takes two feature maps `(B, C, H, W)` and gives `(B, 3, H, W)`: right, down (in "
    "cells, at most 3), confidence. We try your check on two right functions (one "
    "answers in 16 bits) and on eight wrong ones. Make your own features and move them "
    "yourself.",
    function="trustworthy",
    stub="def trustworthy(squeeze):\n    ...  # True or False",
    solution="import torch\n\n\n"
    "def trustworthy(squeeze):\n"
    "    f1 = torch.randn(1, 64, 12, 12).relu()\n"
    "    f2 = f1.roll((-1, 2), dims=(2, 3))  # 1 up, 2 to the right\n"
    "    for kind in (torch.float32, torch.bfloat16):\n"
    "        d = squeeze(f1.to(kind), f2.to(kind)).float()[:, :, 3:-3, 3:-3]\n"
    "        right, down, confidence = d.unbind(dim=1)\n"
    "        found = (right - 2).abs().max() < 0.1 and (down + 1).abs().max() < 0.1\n"
    "        if not (found and confidence.min() > 0):\n"
    "            return False\n"
    "    return True",
    hints=(
        "Roll random features by a vector of your own: then you know what must come "
        "out. Which vector can tell right from down, and a sign from its opposite?",
        "Three questions, for `torch.float32` *and* `torch.bfloat16`, away from the "
        "border: dx found? dy found? confidence above 0? (A nan fails `<`, so ask "
        "whether the error is small, not whether it is large.)",
    ),
    test=_check_the_check,
    wrong_answers={
        "only 32 bits": _verdict(kinds=(torch.float32,)),
        "only confidence": _verdict(moves=False),
        "only motion": _verdict(confident=False),
        "nothing moves": _verdict(right=0, down=0),
        "diagonal motion": _verdict(right=2, down=2),
        "the border too": _verdict(crop=0),
        "shape and no nan": _looks_fine,
        "trusts everything": lambda squeeze: True,
        "trusts nothing": lambda squeeze: False,
    },
)
