"""The quiz and the claims table: what they show live, stored and as plain text."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from course.teaching import Ledger, Question, Quiz, row_of


def quiz():
    return Quiz([
        Question("Is 2 < 3?", ["yes", "no"], 0, "Two is less."),
        Question("Odd?", ["2", "3", "4"], 1, "Three is."),
    ])  # fmt: skip


def test_answers_give_feedback_and_a_score():
    q = quiz()
    assert q.score() == 0
    q.choices[0].index = 1
    assert "Not quite" in q.feedback[0].value and "less" not in q.feedback[0].value
    q.choices[0].index = 0
    assert "Right. Two is less." in q.feedback[0].value
    q.choices[1].index = 1
    assert q.score() == 2 and "2 of 2 right" in q._score.value and q.error == ""


def test_an_exception_goes_to_the_error_line():
    q = quiz()
    q.feedback = []
    q.choices[0].index = 1
    assert q.error.startswith("IndexError")


def test_the_stored_form_folds_answers_and_never_differs():
    a, b = quiz(), quiz()
    b.choices[0].index = 0
    first, second = a._repr_mimebundle_(), b._repr_mimebundle_()
    for kind in ("text/plain", "text/html"):
        assert first[kind] == second[kind]
    page = first["text/html"]
    assert "Is 2 &lt; 3?" in page and page.count("<details>") == 2
    unfolded = re.sub(r"<details>.*?</details>", "", page)
    assert "Two is less" not in unfolded and "Two is less" not in first["text/plain"]
    assert "B: 3" in first["text/plain"]


@pytest.mark.parametrize("parts", [
    (["only"], 0), (["a", "a"], 0), (["a", "b"], 2), (["a", "b"], -1),
])  # fmt: skip
def test_bad_questions_are_refused(parts):
    with pytest.raises(ValueError, match="Why"):
        Question("Why?", *parts, "Because.")
    with pytest.raises(ValueError, match="at least one"):
        Quiz([])


def verdict(**changes):
    claim = SimpleNamespace(sentence="a beats <b>", source="Table 2", paper_value=12.5,
                            note="")  # fmt: skip
    fields = {"outcome": "holds", "estimate": 0.2134, "low": 0.11, "high": -0.0 + 0.31,
              "seeds": (0, 1, 2, 3, 4), "claim": claim}  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


def test_a_row_shows_recorded_numbers_and_places_the_live_one():
    row = row_of(verdict(), live=0.2)
    assert row.recorded == "0.213 [0.11, 0.31], 5 seeds"
    assert row.live == "inside the recorded interval"
    assert row.paper == "12.5" and row.outcome == "holds" and row.source == "Table 2"
    assert row_of(verdict(), live=0.4).live == "above the recorded interval"
    assert row_of(verdict(), live=0.1).live == "below the recorded interval"
    near = row_of(verdict(), live=0.1, margin=0.02).live
    assert near == "within 0.02 of the recorded interval"
    far = row_of(verdict(), live=0.4, margin=0.02).live
    assert far == "more than 0.02 above the recorded interval"
    assert row_of(verdict()).live == "–"


def test_what_is_missing_is_said():
    row = row_of({"sentence": "c > d"}, live=1.0)
    assert row.outcome == "not recorded" and row.recorded == "–"
    assert row.paper == "direction only, number not verified"
    assert row.live == "nothing to compare with"
    assert row_of(verdict(outcome="stale", estimate=None)).outcome == "stale"
    assert (
        "−0.5" in row_of(verdict(estimate=-0.5, low=None, high=None, seeds=1)).recorded
    )


def test_the_table_is_escaped_counted_and_plain():
    ledger = Ledger([row_of(verdict()), row_of(verdict(outcome="fails")),
                     row_of({"sentence": "x"})], "Claims")  # fmt: skip
    page = ledger.html()
    assert "a beats &lt;b&gt;" in page and "✗ fails" in page
    assert "3 claims: 1 holds, 1 fails, 1 not recorded." in page
    assert page.count("<tr>") == 4 and page.count('scope="row"') == 3
    assert set(ledger._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert "a beats <b>" in repr(ledger)


def test_the_verdicts_of_the_engine_fit():
    from course.evaluation.claims import Claim
    from course.evaluation.claims import verdict as decide

    claim = Claim("c", "scenery hurts", "Table 1", "greater", "top1", a="plain:iid",
                  b="plain:swapped", least=0.2)  # fmt: skip
    missing = row_of(decide(claim, {}))
    assert (missing.sentence, missing.outcome) == ("scenery hurts", "not recorded")
    assert missing.recorded == "–" and "no run of" in missing.found
    runs = {
        str(s): {"metrics": {"iid": 0.97, "swapped": 0.3 + s / 100}} for s in range(4)
    }
    row = row_of(decide(claim, {"plain": {"runs": runs}}), live=0.66)
    assert row.outcome == "holds" and row.recorded.endswith("4 seeds")
    assert row.live == "inside the recorded interval" and row.found
    assert "✓ holds" in Ledger([row]).html() and "not yet" in Ledger([missing]).html()
