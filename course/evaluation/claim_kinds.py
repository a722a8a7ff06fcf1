"""The five kinds of claim, each as a function of the numbers recorded for it.

A decider takes the claim and a table, one row of numbers per reference and one column
per seed, and returns the outcome, the effect with its 95 % t interval, and the finding
in words.  One rule serves all: if the whole interval makes the claim's sentence true,
it holds; if no point of it does, it fails; else it is undecided.  (Only `exact` looks
at the seeds themselves: one seed that differs refutes it.)

For `equal` this is two one-sided tests at 2.5 % each, stricter than the customary 5 %.

The peak of a sweep: for every seed, the best setting inside and the best outside the
range are chosen on the *other* seeds and compared on this one, so that the winner's
luck does not count.  The comparisons of different seeds share choices, which makes the
interval an approximation: on flat sweeps of 4 to 8 settings with 2 to 8 seeds, 2 to 6 %
of the claims held where 2.5 % should; comparing each seed's own best gave up to 49 %.
"""

from __future__ import annotations

import math

from course.evaluation.claim import Claim
from course.evaluation.intervals import Interval, t_interval

Table = list[list[float]]
Decision = tuple[str, Interval, str]


def _outcome(true_everywhere: bool, true_nowhere: bool) -> str:
    return "holds" if true_everywhere else "fails" if true_nowhere else "undecided"


def _differences(claim: Claim, table: Table) -> list[float]:
    """a - b, a - value, or (a - b) - (c - d), seed by seed."""
    if claim.value is not None:
        return [x - claim.value for x in table[0]]
    if claim.kind == "greater" and claim.c is not None:
        return [a - b - (c - d) for a, b, c, d in zip(*table, strict=True)]
    return [x - y for x, y in zip(table[0], table[1], strict=True)]


def _greater(claim: Claim, table: Table) -> Decision:
    effect = t_interval(_differences(claim, table))
    outcome = _outcome(effect.low > claim.least, effect.high <= claim.least)
    goal = f"above {_number(claim.least, claim.digits)}"
    return outcome, effect, _difference_text(claim, table, effect, goal)


def _equal(claim: Claim, table: Table) -> Decision:
    margin = claim.margin or 0.0
    effect = t_interval(_differences(claim, table))
    equal = -margin < effect.low and effect.high < margin
    apart = effect.low >= margin or effect.high <= -margin
    goal = f"within {margin:.{claim.digits}f}"
    return _outcome(equal, apart), effect, _difference_text(claim, table, effect, goal)


def _exact(claim: Claim, table: Table) -> Decision:
    differences = _differences(claim, table)
    effect = t_interval(differences)
    same = all(difference == 0.0 for difference in differences)
    goal = "exactly equal"
    return (
        _outcome(same, not same),
        effect,
        _difference_text(claim, table, effect, goal),
    )


def _inside(claim: Claim, table: Table) -> Decision:
    if claim.sweep:
        return _peak(claim, table)
    low, high = claim.range
    effect = t_interval(table[0])
    within = low <= effect.low and effect.high <= high
    outcome = _outcome(within, effect.high < low or effect.low > high)
    text = f"{claim.a} {_spread(effect, claim.digits, '')} {_over(table)}"
    return outcome, effect, f"{text}, claimed {_range_text(claim)}"


def _peak(claim: Claim, table: Table) -> Decision:
    low, high = claim.range
    settings = [x for x, _ in claim.sweep]
    inside = [row for x, row in zip(settings, table, strict=True) if low <= x <= high]
    outside = [r for x, r in zip(settings, table, strict=True) if not low <= x <= high]
    gaps = [
        _chosen_elsewhere(inside, seed) - _chosen_elsewhere(outside, seed)
        for seed in range(len(table[0]))
    ]
    effect = t_interval(gaps)
    best = max(zip(map(math.fsum, table), settings, strict=True))[1]
    text = f"best mean at {best:g}; best inside minus best outside the range "
    text += f"{_spread(effect, claim.digits)} {_over(table)}, "
    text += f"claimed peak {_range_text(claim)}"
    return _outcome(effect.low > 0.0, effect.high <= 0.0), effect, text


def _chosen_elsewhere(rows: Table, seed: int) -> float:
    """This seed's value at the setting that is best on average over the other seeds."""
    return max(rows, key=lambda row: math.fsum(row[:seed] + row[seed + 1 :]))[seed]


def _sign_flip(claim: Claim, table: Table) -> Decision:
    up = t_interval([x - y for x, y in zip(table[0], table[1], strict=True)])
    down = t_interval([y - x for x, y in zip(table[2], table[3], strict=True)])
    outcomes = [
        _outcome(side.low > claim.least, side.high <= claim.least)
        for side in (up, down)
    ]
    both, either = outcomes == ["holds", "holds"], "fails" in outcomes
    there = Interval(-down.estimate, -down.high, -down.low)
    text = f"{claim.a} minus {claim.b} {_spread(up, claim.digits)}, "
    text += f"{claim.c} minus {claim.d} {_spread(there, claim.digits)} {_over(table)}, "
    text += f"claimed above {_number(claim.least, claim.digits)}"
    text += f" and below {_number(-claim.least, claim.digits)}"
    return _outcome(both, either), min(up, down, key=lambda side: side.low), text


DECIDERS = {
    "greater": _greater,
    "equal": _equal,
    "exact": _exact,
    "inside": _inside,
    "sign_flip": _sign_flip,
}


def _range_text(claim: Claim) -> str:
    if claim.upper is None:
        return f"at {claim.lower:g} or above"
    if claim.lower is None:
        return f"at {claim.upper:g} or below"
    return f"from {claim.lower:g} to {claim.upper:g}"


def _over(table: Table) -> str:
    return f"over {len(table[0])} seeds"


def _number(x: float, digits: int) -> str:
    """A signed number; zero without sign or decimals."""
    return f"{x:+z.{digits}f}" if x else "0"


def _spread(interval: Interval, digits: int, sign: str = "+") -> str:
    mean, low, high = (f"{x:{sign}z.{digits}f}" for x in interval)
    return f"{mean} [{low}, {high}]"


def _difference_text(claim: Claim, table: Table, effect: Interval, goal: str) -> str:
    means = [math.fsum(row) / len(row) for row in table]
    if claim.c is not None:
        gain, rival = (x - y for x, y in (means[:2], means[2:]))
        text = f"{claim.a} minus {claim.b} {gain:+.{claim.digits}f}, "
        text += f"{claim.c} minus {claim.d} {rival:+.{claim.digits}f}; difference "
        return f"{text}{_spread(effect, claim.digits)} {_over(table)}, claimed {goal}"
    first, second = means[0], means[-1]
    other = "the fixed value" if claim.b is None else claim.b
    second = second if claim.value is None else claim.value
    text = f"{claim.a} {first:.{claim.digits}f}, {other} {second:.{claim.digits}f}; "
    text += f"difference {_spread(effect, claim.digits)} {_over(table)}"
    return f"{text}, claimed {goal}"
