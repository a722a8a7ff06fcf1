"""What the prose of notebooks 01 and 01b says of the recorded runs is what they say.

A new recording may turn a verdict round.  Then this fails, and the sentences beside
that verdict must be read again: its number is the question of notebook 01b (0: notebook
01 alone).
"""

from __future__ import annotations

import pytest

from course import chapters
from course.i3d.claims import CLAIMS
from course.i3d.published import tables

PROSE = [
    (0, "few-clips", "holds"),
    (0, "many-clips", "holds"),
    (0, "centre-tap", "holds"),
    (0, "appearance", "holds"),
    (0, "order", "holds"),
    (0, "order-late", "holds"),
    (0, "beats-lstm", "holds"),
    (0, "beats-c3d", "holds"),
    (0, "beats-two-stream", "holds"),
    (0, "beats-fused", "undecided"),
    (0, "both-flow", "fails"),
    (0, "c3d-last", "fails"),
    (0, "c3d-places", "fails"),
    (0, "moving-rgb", "holds"),
    (0, "moving-flow", "holds"),
    (0, "scenery", "holds"),
    (0, "still-start", "holds"),
    (1, "flow-rule", "holds"),
    (1, "flow-random", "undecided"),
    (1, "flow-start", "fails"),
    (2, "early-slow", "holds"),
    (2, "early-fast", "holds"),
    (2, "dropped", "holds"),
    (3, "same-answer", "holds"),
    (3, "zeros-break-it", "holds"),
    (8, "camera-flip", "holds"),
    (8, "unclipped", "fails"),
    (8, "stabilised", "holds"),
    (9, "fewer-classes", "undecided"),
    (9, "more-clips", "holds"),
    (10, "lstm-order", "holds"),
    (10, "c3d-order", "holds"),
    (11, "fixed", "holds"),
    (11, "full", "undecided"),
    (11, "full-rgb", "fails"),
    (11, "fixed-c3d", "holds"),
    (11, "full-c3d", "undecided"),
]


@pytest.fixture(scope="module")
def verdicts():
    return {v.claim.id: v.outcome for v in chapters.decide("i3d", "cpu")}


@pytest.mark.parametrize(("question", "claim", "outcome"), PROSE)
def test_the_prose_agrees_with_the_verdict(verdicts, question, claim, outcome):
    assert verdicts[claim] == outcome, f"read question {question} again"


def test_every_verdict_is_spoken_of_once():
    spoken = [claim for _, claim, _ in PROSE]
    assert len(set(spoken)) == len(spoken)
    assert {c.id for c in CLAIMS} - set(spoken) == {"both-rgb"}


def test_the_averaged_map_helps_the_3d_convnet():
    """Notebook 01: "averaging does it no harm"."""
    rec = chapters.recorded("i3d", "cpu")
    assert min(rec.difference("c3d_averaged:accuracy", "c3d:accuracy")) > 0


def test_shuffling_costs_the_average_of_frames_nothing():
    """Question 10: "a per-frame average has no order to lose"."""
    rec = chapters.recorded("i3d", "cpu")
    gaps = rec.difference("frames:accuracy", "frames:shuffled_accuracy")
    assert max(map(abs, gaps)) < 0.01


def test_question_11_finds_three_breaks_and_one_cell_that_imagenet_hurts():
    breaks = tables.order_violations()
    assert len(breaks) == 3 and {v.earlier for v in breaks} == {"fixed"}
    assert len(tables.imagenet_hurts()) == 1


def test_question_12_splits_the_gain_into_network_and_data():
    two_stream, i3d = tables.same_data("c", "ucf"), tables.same_data("e", "ucf")
    data = tables.transfer("e", "ucf", "full")
    assert round(i3d - two_stream, 1) == 2.2 and round(data - i3d, 1) == 4.6
