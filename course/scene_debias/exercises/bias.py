"""An exercise on RESOUND's scene bias: what a published number leaves unsaid.

B = log(accuracy / chance), accuracy being that of naming the *action* from scene
features. For UCF101 SDN prints 59.7 %, a chance of 1.0 % and B = 4.09. It says neither
the logarithm's base nor whether the rounded chance was divided by, or the exact 1/101;
only one pair fits.
"""

from __future__ import annotations

import math

from course.teaching.diagnosis import told_apart
from course.teaching.exercise import Exercise, Wrong

BASES = (2.0, math.e, 10.0)
UCF101 = (0.597, 101, 4.09)


def _recovered(accuracy, classes, published, bases=BASES):
    for base in bases:
        for chance in (1 / classes, round(100 / classes, 1) / 100):
            if round(math.log(accuracy / chance, base), 2) == published:
                return base, chance, published / math.log(classes, base)
    return None


def _made(accuracy, classes, base, chance):
    return accuracy, classes, round(math.log(accuracy / chance, base), 2)


CASES = (
    UCF101,
    _made(0.41, 30, 2.0, 1 / 30),
    _made(0.81, 48, math.e, 0.021),
    _made(0.57, 30, 10.0, 0.033),
)


def _assumed(base, rounded):
    """Takes a base and a chance for granted, as one does without looking."""

    def answer(accuracy, classes, published):
        chance = round(100 / classes, 1) / 100 if rounded else 1 / classes
        return base, chance, published / math.log(classes, base)

    return answer


def _changed(change):
    """The right answer, spoilt."""
    return lambda *case: change(case, *_recovered(*case))


def _natural_only(accuracy, classes, published):
    return _recovered(accuracy, classes, published, bases=(math.e,))


SLIPS = {
    "takes the exact chance": (
        _assumed(math.e, rounded=False),
        "with the exact 1/K a natural logarithm gives 4.10 for UCF101, not 4.09: is "
        "the chance a rounded one?",
    ),
    "always natural": (
        _assumed(math.e, rounded=True),
        "right for UCF101; other papers take other bases, or the exact chance: try all "
        "six pairs",
    ),
    "chance in whole percent": (
        _changed(lambda case, b, c, share: (b, round(1 / case[1], 2), share)),
        "the chance is rounded to a tenth of a percent: 2.1 % for 48 classes, not 2 %",
    ),
    "base 2": (
        _assumed(2.0, rounded=False),
        "in base 2 UCF101 would have 5.90: try the other bases",
    ),
    "always ln K": (
        _changed(lambda case, b, c, share: (b, c, case[2] / math.log(case[1]))),
        "the ceiling has the base of B: log K in *that* base",
    ),
    "share upside down": (
        _changed(lambda case, b, c, share: (b, c, 1 / share)),
        "the share is B divided by its ceiling, not the other way round",
    ),
    "divides by K": (
        _changed(lambda case, b, c, share: (b, c, case[2] / case[1])),
        "B is at most log K, not K: a perfect guess has accuracy 1",
    ),
    "accuracy as the share": (
        _changed(lambda case, b, c, share: (b, c, case[0])),
        "that is the accuracy. B and its ceiling are logarithms: divide those",
    ),
    "chance in percent": (
        _changed(lambda case, b, c, share: (b, 100 * c, share)),
        "the chance is asked for as a share, such as 0.01, not in percent",
    ),
    "the chance first": (
        _changed(lambda case, b, c, share: (c, b, share)),
        "the order: base, chance, share of the ceiling",
    ),
}


def _check_recovery(recovered) -> None:
    found = {UCF101: recovered(*UCF101)}
    for case in CASES:
        accuracy, classes, published = case
        try:
            found.setdefault(case, recovered(*case))
        except Exception:
            raise Wrong(f"right for UCF101; nothing is found for {case}") from None
        told_apart(
            found[case],
            _recovered(*case),
            {hint: slip(*case) for slip, hint in SLIPS.values()},
            f"accuracy {100 * accuracy:.1f} %, {classes} classes, B = {published}: of "
            "six pairs of base and chance one gives B to both decimals.",
        )
    _, chance, share = found[UCF101]
    print(
        f"UCF101: natural logarithm, chance {100 * chance:.1f} %. B = 4.09 of at most "
        f"ln 101 = {math.log(101):.2f}: {100 * share:.0f} % of the ceiling. With ten "
        f"classes\nthe same share would read B = {share * math.log(10):.2f}, and 4.09 "
        f"could not occur: the ceiling is {math.log(10):.2f}."
    )


RECOVER_BIAS = Exercise(
    id="scene_debias-1",
    title="Which logarithm, and which chance?",
    difficulty=1,
    minutes=10,
    task="RESOUND's bias is `B = log(accuracy / chance)`. For UCF101's 101 classes "
    "SDN prints 59.7 %, chance 1.0 % and B = 4.09, and no base. Write "
    "`recovered(accuracy, classes, published)`: of the bases 2, e, 10 and the chances "
    "1/K exactly or rounded to a tenth of a percent (0.01 for K = 101) find the pair "
    "that gives the published number to two decimals. Return `(base, chance, share)`: "
    "base and chance, and `published` as a share of the highest B that K classes "
    "allow.",
    function="recovered",
    stub="def recovered(accuracy, classes, published):\n    ...  # base, chance, share",
    solution="import math\n\n\n"
    "def recovered(accuracy, classes, published):\n"
    "    for base in (2.0, math.e, 10.0):\n"
    "        for chance in (1 / classes, round(100 / classes, 1) / 100):\n"
    "            if round(math.log(accuracy / chance, base), 2) == published:\n"
    "                ceiling = math.log(classes, base)  # accuracy 1, chance 1 / K\n"
    "                return base, chance, published / ceiling",
    hints=(
        "Six candidates: two loops and one comparison of rounded numbers. (If you are "
        'told "not attempted yet", nothing fitted and your function gave None.)',
        "The ceiling is reached with accuracy 1: log(1 / (1 / K)) = log K, in the base "
        "you found.",
    ),
    test=_check_recovery,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SLIPS.items()},
        "finds nothing for others": _natural_only,
    },
)
