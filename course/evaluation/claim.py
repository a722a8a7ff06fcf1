"""A claim: a sentence with the rule that will decide it, fixed before any run.

Each kind names the effects that would make the sentence true:

    greater    a - b is above `least`
    equal      a - b is strictly between -margin and +margin
    exact      a - b is 0 for every seed
    inside     a is in [lower, upper]; or, with a `sweep` of records, the metric is best
               at a setting in [lower, upper]
    sign_flip  a - b is above `least` and c - d is below -least

Where a kind has `b` and nothing more, a fixed number `value` may stand for it.  Where
less is better, exchange a and b.  `course.evaluation.claims` decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

KINDS = ("greater", "equal", "exact", "inside", "sign_flip")

# The fields beside id, sentence, ... that each kind needs: exactly one of these sets.
_RANGES = ({"lower"}, {"upper"}, {"lower", "upper"})
_FIELDS: dict[str, list[set[str]]] = {
    "greater": [{"a", "b"}, {"a", "value"}, {"a", "b", "c", "d"}],
    "equal": [{"a", "b", "margin"}, {"a", "value", "margin"}],
    "exact": [{"a", "b"}, {"a", "value"}],
    "inside": [{side} | ends for side in ("a", "sweep") for ends in _RANGES],
    "sign_flip": [{"a", "b", "c", "d"}],
}
_OPTIONAL = ("a", "b", "c", "d", "value", "margin", "lower", "upper")


@dataclass(frozen=True)
class Claim:
    """A sentence that recorded runs can prove or refute, its kind fixed beforehand.

    Args:
        id: short name, unique in its chapter.
        sentence: what is claimed, in words.
        source: where it comes from (paper, table, review).
        kind: one of `KINDS`.
        metric: the metric compared, unless a reference names its own.
        a, b, c, d: references to records: "name" or "name:metric".  With all four,
            greater is about a gain over a gain, (a - b) - (c - d).
        value: a fixed number in the place of b.
        sweep: for a peak: pairs (setting, reference), one per setting tried.
        least: greater, sign_flip: the least effect that counts.
        margin: equal: the largest difference that counts as equal.
        lower, upper: inside: the range, ends included; None means open.
        paper_value: the paper's number as it prints it; None if it was not verified.
        note: a remark to show beside the verdict.
        digits: decimals in the computed sentence.

    Raises:
        ValueError: if a field that the kind needs is missing, or one it cannot use is
            given.

    >>> Claim("bias", "scenery decides", "ours", "greater", "accuracy",
    ...       a="plain:iid", b="plain:swapped", least=0.2).references
    (('plain', 'iid'), ('plain', 'swapped'))
    """

    id: str
    sentence: str
    source: str
    kind: str
    metric: str
    a: str | None = None
    b: str | None = None
    least: float = 0.0
    margin: float | None = None
    lower: float | None = None
    upper: float | None = None
    paper_value: float | str | None = None
    note: str = ""
    value: float | None = None
    c: str | None = None
    d: str | None = None
    sweep: tuple[tuple[float, str], ...] = ()
    digits: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "sweep", tuple((float(x), r) for x, r in self.sweep))
        problem = _problem(self)
        if problem:
            raise ValueError(f"claim {self.id!r} ({self.kind!r}): {problem}")

    @property
    def references(self) -> tuple[tuple[str, str], ...]:
        """Every (record name, metric) the claim reads, in order."""
        plain = [r for r in (self.a, self.b, self.c, self.d) if r is not None]
        return tuple(self.split(r) for r in plain + [r for _, r in self.sweep])

    @property
    def range(self) -> tuple[float, float]:
        """`lower` and `upper`, infinite where open."""
        low = -math.inf if self.lower is None else self.lower
        return low, math.inf if self.upper is None else self.upper

    def split(self, reference: str) -> tuple[str, str]:
        """A reference as (record name, metric)."""
        name, colon, metric = reference.partition(":")
        return name, metric if colon else self.metric


def _problem(claim: Claim) -> str | None:
    """Why a claim cannot be decided by any record, or None if it can."""
    if claim.kind not in KINDS:
        return f"kind must be one of {', '.join(KINDS)}"
    if not claim.id or not claim.sentence:
        return f"needs an id and a sentence, got {claim.id!r}, {claim.sentence!r}"
    if not isinstance(claim.digits, int) or claim.digits < 0:
        return f"digits must be a whole number from 0, got {claim.digits}"
    given = {f for f in _OPTIONAL if getattr(claim, f) is not None}
    given |= {"sweep"} if claim.sweep else set()
    choices = _FIELDS[claim.kind]
    if given not in choices:
        wanted = " or ".join(" + ".join(sorted(choice)) for choice in choices)
        return f"needs {wanted}; got {' + '.join(sorted(given)) or 'nothing'}"
    numbers = [getattr(claim, f) for f in ("margin", "lower", "upper", "value")]
    numbers += [claim.least] + [x for x, _ in claim.sweep]
    if not all(math.isfinite(x) for x in numbers if x is not None):
        return f"numbers must be finite, got {numbers}"
    if not all(name and metric for name, metric in claim.references):
        return f"a reference needs a record and a metric, got {claim.references}"
    return _problem_of_numbers(claim)


def _problem_of_numbers(claim: Claim) -> str | None:
    if claim.least and claim.kind not in ("greater", "sign_flip"):
        return f"least is of no use here, got {claim.least}"
    if claim.kind == "sign_flip" and claim.least < 0:
        return f"least must be at least 0, got {claim.least}"
    if claim.margin is not None and claim.margin <= 0:
        return f"margin must be positive, got {claim.margin}"
    low, high = claim.range
    if low > high:
        return f"lower {low} is above upper {high}"
    if claim.sweep:
        places = [low <= x <= high for x, _ in claim.sweep]
        if all(places) or not any(places):
            return "a sweep needs settings inside and outside the range"
        if len({x for x, _ in claim.sweep}) < len(places):
            return f"a sweep needs different settings, got {claim.sweep}"
    return None
