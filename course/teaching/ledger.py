"""The claims table as a reader sees it: sentence, live run, recorded runs, paper,
verdict.

This file only displays. Verdicts come computed (`course.evaluation.claims.verdict`) and
are read by their fields, so any object with those fields will do. A live number is
*not* printed, since processors differ in it: the table says whether it lies inside the
recorded runs' spread, a statement that survives that.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOT_RECORDED = "not recorded"
_MARKS = {
    "holds": "✓ holds",
    "fails": "✗ fails",
    "undecided": "? undecided",
    "stale": "⟳ stale",
    NOT_RECORDED: "– not yet recorded",
}
HEAD = ("claim", "this run", "recorded", "paper", "verdict")


@dataclass(frozen=True)
class Row:
    """One claim to be shown; `found` is the sentence computed from the records."""

    sentence: str
    live: str
    recorded: str
    paper: str
    outcome: str
    source: str = ""
    note: str = ""
    found: str = ""


def number(value: float, digits: int = 3) -> str:
    """A number at a few significant digits with a real minus sign.

    >>> number(-0.12345)
    '−0.123'
    """
    return f"{value:.{digits}g}".replace("-", "−")


def row_of(
    verdict: Any, live: float | None = None, digits: int = 3, margin: float = 0.0
) -> Row:
    """A computed verdict as a table row.

    Args:
        verdict: has `outcome`, `estimate`, `low`, `high`, `seeds` (their number, or
            the seeds) and `sentence`; `source`, `paper_value` and `note` where known,
            on itself or on its `claim`.
        live: the same quantity from the run in this notebook.
        digits: significant digits of recorded numbers.
        margin: how far outside the interval a live number still counts as inside, in
            the claim's own unit: what single seeds scatter by (the interval is that
            of their mean) and more than what processors differ by.

    Returns:
        the row; its outcome is "not recorded" where the verdict names none.
    """
    low, high = _field(verdict, "low"), _field(verdict, "high")
    claim = getattr(verdict, "claim", None) or verdict
    paper = _field(verdict, "paper_value")
    if isinstance(paper, (int, float)):
        paper = number(paper, 4)
    return Row(
        sentence=str(_field(claim, "sentence") or ""),
        live=_live(live, low, high, margin),
        recorded=_recorded(verdict, digits),
        paper="direction only, number not verified" if paper is None else str(paper),
        outcome=str(_field(verdict, "outcome") or NOT_RECORDED),
        source=str(_field(verdict, "source") or ""),
        note=str(_field(verdict, "note") or ""),
        found="" if claim is verdict else str(getattr(verdict, "sentence", "")),
    )


def _field(verdict: Any, name: str) -> Any:
    """A field of the verdict, or of the claim it judges; None where neither has it."""
    for holder in (verdict, getattr(verdict, "claim", None)):
        if isinstance(holder, Mapping) and holder.get(name) is not None:
            return holder[name]
        if holder is not None and getattr(holder, name, None) is not None:
            return getattr(holder, name)
    return None


def _recorded(verdict: Any, digits: int) -> str:
    estimate, seeds = _field(verdict, "estimate"), _field(verdict, "seeds")
    if estimate is None:
        return "–"
    low, high = _field(verdict, "low"), _field(verdict, "high")
    count = seeds if isinstance(seeds, int) else len(seeds or ())
    text = number(estimate, digits)
    if low is not None and high is not None:
        text += f" [{number(low, digits)}, {number(high, digits)}]"
    text += f", {count} seed{'s' if count != 1 else ''}"
    return text + (", shortened schedule" if _field(verdict, "shortened") else "")


def _live(live, low, high, margin: float) -> str:
    if live is None:
        return "–"
    if low is None or high is None:
        return "nothing to compare with"
    where = "the recorded interval"
    if low - margin <= live <= high + margin:
        return f"within {margin:g} of {where}" if margin else f"inside {where}"
    side = "above" if live > high else "below"
    return f"more than {margin:g} {side} {where}" if margin else f"{side} {where}"


class Ledger:
    """A table of claims; display it in a cell.

    Args:
        rows: from `row_of`.
        title: a heading.

    >>> verdict = {"sentence": "a beats b", "outcome": "holds", "estimate": 0.2,
    ...            "low": 0.1, "high": 0.3, "seeds": 5, "paper_value": 0.25}
    >>> print(Ledger([row_of(verdict)], "Claims"))
    Claims
    a beats b
      recorded 0.2 [0.1, 0.3], 5 seeds | paper 0.25 | this run – | holds
    """

    def __init__(self, rows: Sequence[Row], title: str = "Claims"):
        self.rows, self.title = list(rows), title

    def summary(self) -> str:
        """How many claims have which outcome, as one sentence."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.outcome] = counts.get(row.outcome, 0) + 1
        parts = [f"{counts[o]} {o}" for o in _MARKS if o in counts]
        return f"{len(self.rows)} claims: {', '.join(parts) or 'none'}."

    def html(self) -> str:
        """The table; verdicts are words with a mark, so nothing hangs on a colour."""
        heads = "".join(
            f'<th scope="col" style="text-align:left">{h}</th>' for h in HEAD
        )
        body = "".join(self._html_row(row) for row in self.rows)
        return (
            f"<table><caption><strong>{html.escape(self.title)}</strong>. "
            f"{html.escape(self.summary())}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )

    @staticmethod
    def _html_row(row: Row) -> str:
        sentence = html.escape(row.sentence)
        for more in filter(None, (row.source, row.found, row.note)):
            sentence += f"<br><small>{html.escape(more)}</small>"
        mark = _MARKS.get(row.outcome, row.outcome)
        cells = "".join(
            f'<td style="text-align:left">{html.escape(text)}</td>'
            for text in (row.live, row.recorded, row.paper, mark)
        )
        return (
            f'<tr><th scope="row" style="text-align:left;font-weight:normal">'
            f"{sentence}</th>{cells}</tr>"
        )

    def __repr__(self) -> str:
        lines = [self.title]
        for row in self.rows:
            lines += [
                row.sentence,
                f"  recorded {row.recorded} | paper {row.paper} | "
                f"this run {row.live} | {row.outcome}",
            ]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self.html()}
