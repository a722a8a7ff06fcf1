"""How the chapter's claims are written down."""

from __future__ import annotations

from typing import Any

from course.evaluation import Claim
from course.scene_debias.scales import SETTINGS

OURS = "a claim of this course"
UNSTATED = "–"
DIRECTION = "direction only"
RHO = SETTINGS["cpu"].correlation
KNOWN = RHO + (1 - RHO) / 8  # share of scenes that the action alone names


def greater(
    id: str, sentence: str, a: str, b: str, source: str = OURS, paper: str = UNSTATED,
    **more: Any,
) -> Claim:  # fmt: skip
    """a is above b; "run" alone means its accuracy with scenes swapped."""
    return Claim(
        id=id, sentence=sentence, source=source, paper_value=paper, kind="greater",
        metric="swapped", a=a, b=b, **more,
    )  # fmt: skip


def above(id: str, sentence: str, a: str, value: float, **more: Any) -> Claim:
    """a is above a number."""
    return Claim(
        id=id, sentence=sentence, source=OURS, paper_value=UNSTATED, kind="greater",
        metric="swapped", a=a, value=value, **more,
    )  # fmt: skip


def equal(
    id: str, sentence: str, margin: float, a: str, b: str | None = None,
    value: float | None = None, source: str = OURS, paper: str = UNSTATED,
) -> Claim:  # fmt: skip
    """a is b, or a number, within a margin."""
    return Claim(
        id=id, sentence=sentence, source=source, paper_value=paper, kind="equal",
        metric="swapped", a=a, b=b, value=value, margin=margin,
    )  # fmt: skip
