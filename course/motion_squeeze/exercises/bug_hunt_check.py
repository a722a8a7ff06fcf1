"""The exercise of the bug hunt: which repair was tried, and what it does."""

from __future__ import annotations

import torch

from course.motion_squeeze.exercises.bug_hunt import (
    FUNCTION,
    READ,
    REPAIRED,
    SOURCE,
    broken,
    moved_pair,
    repaired,
    variant,
)
from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong

SUMS = "sums = volume.float()"


def _noisy_pair(kind):
    """A pair whose matches are near-ties, so that rounded scores show."""
    f1, f2 = moved_pair(seed=3)
    noise = drawn(*f2.shape, seed=4).float()
    return f1.to(kind), (f2 + 0.5 * noise).relu().to(kind)


def _refuses(f1, f2, reach=3, temperature=0.01):
    if f1.dtype != torch.float32:
        raise TypeError(f"32 bits only, got {f1.dtype}")
    return repaired(f1, f2, reach, temperature)


SLIPS = {
    "only lets it run": (
        broken,
        "the symptom is still there: in 16 bits all is zero. Print the largest entry "
        "of `volume` after the loop, once for each number of bits",
    ),
    "writes it back in 16 bits": (
        variant(READ, "volume.copy_(sums).relu()"),
        "found! But now the finished scores are rounded to 16 bits before they are "
        "divided by 0.01, and near-ties flip: keep 32 bits up to the softmax",
    ),
    "hides the zeros": (
        variant(".amax(dim=1, keepdim=True)", ".amax(dim=1, keepdim=True).clamp(0.01)"),
        "a small confidence instead of none hides the symptom; the scores are still "
        "zero",
    ),
    "in 16 bits throughout": (
        variant(SUMS, "sums = volume"),
        "found! But now the finished scores are rounded to 16 bits before they are "
        "divided by 0.01, and near-ties flip: keep 32 bits up to the softmax",
    ),
    "no division by the length": (
        variant(
            "f / (f.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()", "f", REPAIRED
        ),
        "the scores are no cosines any more: dividing by the length was right",
    ),
    "the border repeated": (
        variant("(reach,) * 4)", '(reach,) * 4, mode="replicate")', REPAIRED),
        "places outside now repeat the border: zeros there were right",
    ),
    "turned around": (
        variant("(reach)\n", "(reach)\n    steps = -steps\n", REPAIRED),
        "all motion is reversed now: the offsets were right",
    ),
    "another temperature": (
        variant("scores / temperature", "scores", REPAIRED),
        "the temperature is gone: it was right, and in 32 bits all was well with it",
    ),
}


def _check_repair(squeeze) -> None:
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        name = str(kind).removeprefix("torch.")
        for f1, f2 in (
            tuple(f.to(kind) for f in moved_pair()),
            _noisy_pair(kind),
        ):
            try:
                got = squeeze(f1, f2)
            except (NotImplementedError, Wrong):
                raise
            except Exception as error:
                raise Wrong(
                    f"{name} features end in a {type(error).__name__}: honest, but the "
                    "network is to run in 16 bits too"
                ) from None
            told_apart(
                got,
                repaired(f1, f2),
                {hint: slip(f1, f2) for slip, hint in SLIPS.values()},
                f"{name}: compare with what 32 bits give on the same features.",
                # an answer that is returned in 16 bits is fine
                0.02 if got.dtype == torch.bfloat16 else 2e-3,
            )
    f1, f2 = (f.bfloat16().requires_grad_() for f in moved_pair(seed=5))
    if not squeeze(f1, f2).requires_grad:
        raise Wrong("right numbers, but no gradient reaches the features any more")


BUG_HUNT = Exercise(
    id="motion_squeeze-bug",
    title="The matcher that says nothing",
    difficulty=2,
    minutes=15,
    task="`squeeze` passes its author's tests. On the GPU, where features come in 16 "
    "bits, the network with it trains smoothly and ends as good as the one without it. "
    "Nothing raises an error. One line is to blame: find it, repair it (scores stay in "
    "32 bits up to the softmax), and take out the line that stops the function. "
    f"`print(symptom({FUNCTION}))` shows what your version says.",
    function=FUNCTION,
    stub=SOURCE.replace(
        "    if f1.shape",
        "    raise NotImplementedError  # take this line out when you have found it\n"
        "    if f1.shape",
    ),
    solution=REPAIRED,
    hints=(
        "Nowhere does a number get lost in rounding: it is exactly zero. Which tensor "
        "is written to, and which one is read?",
        "`x.float() is x` is true for 32 bits. And for 16? So what does the loop fill?",
    ),
    test=_check_repair,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SLIPS.items()},
        "refuses 16 bits": _refuses,
        "cuts the gradient": variant("sums.relu()", "sums.detach().relu()", REPAIRED),
    },
)
