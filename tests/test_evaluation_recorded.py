"""Recorded numbers by name: order, pairs, and never a stale one."""

from __future__ import annotations

import math

import pytest

from course import chapters
from course.evaluation import Recorded


def record(hash: str = "now", **seeds: dict) -> dict:
    runs = {seed[1:]: {"metrics": metrics} for seed, metrics in seeds.items()}
    return {"settings_hash": hash, "runs": runs}


RECORDS = {
    "a": record(s12={"m": 0.5, "at_8": 3}, s9={"m": 1.0, "at_4": 2, "at_8": 4}),
    "b": record(s12={"m": 0.25}, s11={"m": 7.0}),
    "old": record("then", s12={"m": 0.9}),
    "empty": record(),
}
REC = Recorded(RECORDS, dict.fromkeys([*RECORDS, "never"], "now"))


def test_values_come_in_the_order_of_the_seeds():
    assert REC.values("a:m") == [1.0, 0.5]  # 9 before 12, as numbers
    assert REC.mean("a:m") == 0.75
    assert REC.curve("a", "at", (4, 8, 16)) == {4: [2.0], 8: [4.0, 3.0], 16: []}


def test_differences_are_paired():
    assert REC.difference("a:m", "b:m") == [0.25]
    assert REC.difference("a:m", "old:m") == []


@pytest.mark.parametrize("name", ["old", "never", "empty"])
def test_what_is_stale_or_absent_is_not_shown(name):
    assert REC.values(f"{name}:m") == []
    assert math.isnan(REC.mean(f"{name}:m"))
    assert not REC.has(name) and not REC.has("a", name) and not REC.has(f"{name}:m")


def test_status():
    assert REC.status("a") == "recorded" and REC.status("old") == "stale"
    assert REC.status("never") == REC.status("empty") == "not recorded"
    assert REC.has("a", "b", "a:m") and not REC.has("a:other")
    assert Recorded(RECORDS, {}).status("a") == "stale"


@pytest.mark.parametrize("name", ["a", "a:", ":m"])
def test_a_number_needs_run_and_metric(name):
    with pytest.raises(ValueError, match=f'"run:metric", got {name!r}'):
        REC.values(name)


def test_a_chapter_s_records():
    rec = chapters.recorded("first_look", "cpu")
    assert len(rec.values("correlated:swapped")) == 5
    assert chapters.recorded("first_look", "full").status("correlated") != "recorded"
