"""Words and a short form that the chapters' tables of claims share."""

from __future__ import annotations

from typing import Any

from course.evaluation.claim import Claim

__all__ = ["DIRECTION", "LATER", "OURS", "UNSTATED", "greater"]

OURS = "a claim of this course"
UNSTATED = "–"  # no paper gives a value
DIRECTION = "direction only"  # the paper's values could not be checked at a source
LATER = "stated after the records had been seen"


def greater(
    id: str, sentence: str, a: str, b: str, source: str = OURS, paper: str = UNSTATED,
    *, metric: str, **more: Any,
) -> Claim:  # fmt: skip
    """A claim that a is above b; "run" alone stands for its `metric`.

    Args:
        id, sentence, a, b, source, metric, more: fields of `Claim`.
        paper: what the paper prints.

    >>> claim = greater("gain", "Looking helps", "looks", "blind", metric="accuracy")
    >>> claim.kind, claim.source, claim.paper_value
    ('greater', 'a claim of this course', '–')
    """
    return Claim(
        id=id, sentence=sentence, source=source, paper_value=paper, kind="greater",
        metric=metric, a=a, b=b, **more,
    )  # fmt: skip
