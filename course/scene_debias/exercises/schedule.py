"""An exercise on when the reversal sets in: a warm-up, then a ramp.

SDN has a warm-up and then a constant. The sigmoid ramp is Ganin and Lempitsky's (ICML
2015): 2 / (1 + exp(-gamma p)) - 1. The straight one is slower.
"""

from __future__ import annotations

import math

from course.teaching.diagnosis import told_apart
from course.teaching.exercise import Exercise

SHAPES = ("linear", "dann")
GAMMA = 10.0


def _ramp(q, shape):
    return q if shape == "linear" else 2 / (1 + math.exp(-GAMMA * q)) - 1


def _strength(p, strength, warmup, shape):
    if p < warmup:
        return 0.0
    return strength * _ramp((p - warmup) / (1 - warmup), shape)


def _dann_as(formula):
    """The right schedule with another formula for the sigmoid."""

    def answer(p, strength, warmup, shape):
        if p < warmup or shape == "linear":
            return _strength(p, strength, warmup, shape)
        return strength * formula((p - warmup) / (1 - warmup))

    return answer


SLIPS = {  # in this order: at p = 0.5 a jump looks like no warm-up
    "jumps": (
        lambda p, s, w, shape: 0.0 if p < w else s * _ramp(p, shape),
        "after the warm-up it jumps to where a ramp without warm-up would be; the ramp "
        "begins at 0 there",
    ),
    "starts at once": (
        lambda p, s, w, shape: s * _ramp(p, shape),
        "it starts at once: during the warm-up the strength is 0",
    ),
    "never arrives": (
        lambda p, s, w, shape: s * _ramp(max(p - w, 0.0), shape),
        "it never arrives: what is left after the warm-up is shorter than 1. Divide by "
        "1 - warmup",
    ),
    "arrives too early": (
        lambda p, s, w, shape: s * _ramp(min(max(p - w, 0.0) / w, 1.0), shape),
        "it arrives too early: the ramp lasts 1 - warmup, not as long as the warm-up",
    ),
    "negative first": (
        lambda p, s, w, shape: s * _ramp((p - w) / (1 - w), shape),
        "below 0 during the warm-up: a negative strength *helps* the scene head. "
        "There it is 0",
    ),
    "constant": (
        lambda p, s, w, shape: 0.0 if p < w else s,
        "a warm-up and then a constant, as SDN has it; here a ramp is asked for",
    ),
    "runs down": (
        lambda p, s, w, shape: 0.0 if p < w else s - _strength(p, s, w, shape),
        "it runs down: begin at 0 and end at the full strength",
    ),
    "a plain sigmoid": (
        _dann_as(lambda q: 1 / (1 + math.exp(-GAMMA * q))),
        "a plain sigmoid is 0.5 where the ramp begins; 2 sigmoid - 1 begins at 0",
    ),
    "minus one inside": (
        _dann_as(lambda q: 2 / (1 + math.exp(-GAMMA * q) - 1)),
        "the - 1 stands outside the fraction: 2 / (1 + exp(-10 q)) - 1",
    ),
    "gamma forgotten": (
        _dann_as(lambda q: 2 / (1 + math.exp(-q)) - 1),
        "gamma = 10 is missing: without it the ramp ends at 0.46",
    ),
    "sign of the exponent": (
        _dann_as(lambda q: 2 / (1 + math.exp(GAMMA * q)) - 1),
        "the sign in the exponent: yours falls to -1 instead of rising to 1",
    ),
}


def _check_strength(strength_at) -> None:
    for shape in SHAPES:
        for p in (0.15, 0.5, 0.65, 1.0, 0.0, 0.3):
            asked = (p, 0.5, 0.3, shape)
            told_apart(
                strength_at(*asked),
                _strength(*asked),
                {hint: slip(*asked) for slip, hint in SLIPS.values()},
                f"p = {p}, strength 0.5, warm-up 0.3, {shape}: at 0.3 it is 0, at 1 "
                "it is 0.5 (the sigmoid: nearly).",
                1e-6,
            )
        told_apart(
            strength_at(0.25, 2.0, 0.0, shape),
            _strength(0.25, 2.0, 0.0, shape),
            {},
            f"strength 2, no warm-up, {shape}, p = 0.25.",
            1e-6,
        )
    half = [strength_at(0.5, 1.0, 0.3, shape) for shape in SHAPES]
    print(
        f"Warm-up 0.3, half of the training done: the straight ramp is at "
        f"{half[0]:.2f}, the sigmoid at {half[1]:.2f}.\nThe learning rate is still "
        "high then: a steep ramp can cost the actions along with the scenes."
    )


SCHEDULE = Exercise(
    id="scene_debias-9",
    title="First let the head learn, then reverse",
    difficulty=1,
    minutes=8,
    task="`p` in [0, 1] is the share of the training that is done. Write "
    "`strength_at(p, strength, warmup, shape)`: 0 as long as `p < warmup`; from there "
    "a ramp that begins at 0 and takes all the time that is left. With `q` from 0 to "
    '1 along the ramp: `shape` "linear" is `strength * q`, "dann" is `strength * (2 / '
    "(1 + exp(-10 q)) - 1)`.",
    function="strength_at",
    stub="def strength_at(p, strength, warmup, shape):\n    ...  # a number",
    solution="import math\n\n\n"
    "def strength_at(p, strength, warmup, shape):\n"
    "    if p < warmup:\n"
    "        return 0.0\n"
    "    q = (p - warmup) / (1 - warmup)\n"
    '    if shape == "linear":\n'
    "        return strength * q\n"
    "    return strength * (2 / (1 + math.exp(-10 * q)) - 1)",
    hints=(
        "First compute q: 0 where the warm-up ends, 1 where the training ends.",
        "q = (p - warmup) / (1 - warmup).",
    ),
    test=_check_strength,
    wrong_answers={mistake: slip for mistake, (slip, _) in SLIPS.items()},
)
