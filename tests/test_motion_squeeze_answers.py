"""What the prose of notebooks 02 and 02b says of the recorded runs is what they say.

A new recording may turn a verdict round.  Then this fails, and the sentences beside
that verdict must be read again: its number is the question of notebook 02b (0: notebook
02 alone).
"""

from __future__ import annotations

import pytest

from course import chapters
from course.motion_squeeze.claims import CLAIMS

PROSE = [
    (0, "shift", "holds"),
    (0, "motion", "holds"),
    (0, "no-order", "holds"),
    (0, "order", "holds"),
    (0, "backwards", "holds"),
    (0, "backwards-tsn", "holds"),
    (0, "in-order", "holds"),
    (0, "confidence-alone", "undecided"),
    (0, "displacement", "undecided"),
    (0, "confidence", "undecided"),
    (0, "kernel", "holds"),
    (0, "true-flow", "holds"),
    (0, "poor-flow", "holds"),
    (0, "background", "holds"),
    (0, "direction", "holds"),
    (0, "learned-flow", "undecided"),
    (0, "doubt", "holds"),
    (0, "flow-ahead", "holds"),
    (0, "flow-tvl1", "holds"),
    (0, "five-flows", "fails"),
    (0, "flow-alone", "holds"),
    (0, "extraction", "holds"),
    (0, "place", "holds"),
    (0, "place-late", "holds"),
    (0, "window-small", "undecided"),
    (0, "window-large", "undecided"),
    (0, "on-tsn", "holds"),
    (0, "on-3d", "holds"),
    (0, "add-up", "holds"),
    (0, "longer", "undecided"),
    (0, "more-clips", "holds"),
    (0, "clips-or-module", "holds"),
    (0, "scenery", "holds"),
    (0, "motion-not-scenery", "holds"),
    (0, "tsn-scenery", "undecided"),
    (1, "kernel-error", "holds"),
    (1, "normaliser", "holds"),
    (4, "no-match", "holds"),
    (4, "many-matches", "holds"),
    (4, "margin", "holds"),
]
SILENT = {"out-of-range", "flops-18", "flops-50", "parameters", "time"}  # tables only


@pytest.fixture(scope="module")
def verdicts():
    return {v.claim.id: v.outcome for v in chapters.decide("motion_squeeze", "cpu")}


@pytest.mark.parametrize(("question", "claim", "outcome"), PROSE)
def test_the_prose_agrees_with_the_verdict(verdicts, question, claim, outcome):
    assert verdicts[claim] == outcome, f"read question {question} again"


def test_every_verdict_is_spoken_of_once():
    spoken = [claim for _, claim, _ in PROSE]
    assert len(set(spoken)) == len(spoken)
    assert {c.id for c in CLAIMS} - set(spoken) == SILENT


def test_what_the_prose_says_of_means():
    """Part 5: shuffled no better than TSM, each map most of the gain, frozen clips."""
    rec = chapters.recorded("motion_squeeze", "cpu")

    def mean(name):
        return rec.mean(name)

    assert mean("shuffled:accuracy") < mean("tsm:accuracy")
    gain = mean("msnet:accuracy") - mean("tsm:accuracy")
    for run in ("displacement_only", "confidence_only"):
        assert mean(f"{run}:accuracy") - mean("tsm:accuracy") > gain / 2
    assert mean("position_3:accuracy") < mean("tsm:accuracy")
    assert mean("window_7:accuracy") < mean("window_3:accuracy")
    assert min(mean("tsm_more:accuracy"), mean("msnet_more:accuracy")) > 0.99
    assert mean("card_msnet:static") < 0.2 < 0.8 < mean("card_tsm:static")
    slower = rec.mean("speed:extraction_seconds") / rec.mean(
        "speed:train_seconds_msnet"
    )
    assert slower > 3
