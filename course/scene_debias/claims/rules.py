"""How the chapter's claims are written down."""

from __future__ import annotations

from functools import partial
from typing import Any

from course.evaluation import Claim
from course.evaluation.claim_wording import OURS, UNSTATED
from course.evaluation.claim_wording import greater as _greater
from course.scene_debias.scales import SETTINGS

RHO = SETTINGS["cpu"].correlation
KNOWN = RHO + (1 - RHO) / 8  # share of scenes that the action alone names

# "run" alone means its accuracy with scenes swapped
greater = partial(_greater, metric="swapped")


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
