"""Exercises: the check tells stub, right and wrong apart, and never raises."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from course.teaching.exercise import Case, Exercise, Wrong, prove, same


def example(**changes):
    def positive(mean):
        if not mean([-1.0, -3.0]) < 0:
            raise Wrong("What happens to the sign of negative numbers?")

    parts = {
        "id": "demo-1", "title": "the mean", "difficulty": 1, "minutes": 3,
        "task": "Return the mean of a list.", "function": "mean",
        "stub": "def mean(values):\n    ...  # your line",
        "solution": "def mean(values):\n    return sum(values) / len(values)",
        "hints": ("Add first.", "Then divide by how many there are."),
        "cases": [Case(([1.0, 2.0, 6.0],), 3.0, "Divide by the number of values.")],
        "test": positive,
        "wrong_answers": {
            "sum": sum,
            "median": lambda v: sorted(v)[len(v) // 2],
            "off by one": lambda v: sum(v) / (len(v) + 1),
            "absolute": lambda v: sum(map(abs, v)) / len(v),
            "list": lambda v: [sum(v) / len(v)],
        },
    }  # fmt: skip
    return Exercise(**{**parts, **changes})


def test_prove_accepts_a_good_exercise():
    prove(example())


@pytest.mark.parametrize(("changes", "message"), [
    ({"solution": "def mean(values):\n    return sum(values)"}, "its solution"),
    ({"stub": "def mean(values):\n    return 3.0"}, "its stub"),
    ({"wrong_answers": {}}, "0 wrong answers"),
    ({"test": None}, "'absolute' is judged 'correct'"),
    ({"cases": [Case(([1.0, 2.0, 6.0],), 3.0, "")]}, "real hint"),
])  # fmt: skip
def test_prove_refuses_a_check_that_cannot_tell(changes, message):
    with pytest.raises(AssertionError, match=message):
        prove(example(**changes))


def raising(values):
    raise NotImplementedError


@pytest.mark.parametrize("stub", [lambda v: None, lambda v: ..., raising, None, ...])
def test_stubs_of_every_form_are_not_attempted(stub, capsys):
    example().check(stub)
    assert capsys.readouterr().out == "demo-1 the mean: not attempted yet\n"


def test_answers_get_one_line_each(capsys):
    exercise = example()
    exercise.check(lambda v: sum(v) / len(v))
    exercise.check(sum)
    exercise.check(lambda v: v.mean())
    assert capsys.readouterr().out.splitlines() == [
        "demo-1 the mean: correct",
        "demo-1 the mean: not yet: got 9. Divide by the number of values.",
        "demo-1 the mean: not yet: it raised AttributeError: "
        "'list' object has no attribute 'mean'",
    ]


def test_bare_values_can_be_answers():
    exercise = example(cases=[Case((), 4, "Count again.")], test=None)
    assert exercise.verdict(4) == "correct"
    assert exercise.verdict(5) == "not yet: got 5. Count again."
    assert exercise.verdict(...) == "not attempted yet"


@pytest.mark.parametrize(("got", "expected", "message"), [
    (np.zeros((2, 3)), np.zeros((3, 2)), r"expected shape \(3, 2\), got \(2, 3\)"),
    (torch.ones(4), torch.zeros(4), "4 of 4 values"),
    ((1, 2), (1, 2, 3), "expected 3 results, got 2"),
    (7, (1, 2), "got int"),
    ({"a": 1}, {"b": 1}, r"keys \['b'\], got \['a'\]"),
    ({"a": 1}, {"a": 2}, "got 1"),
    ("left", "right", "got 'left'"),
    ("text", 3.0, "expected numbers, got str"),
    ([1, [2]], [1.0, 2.0], "expected numbers"),
    (float("nan"), 1.0, "got nan"),
])  # fmt: skip
def test_same_says_how_results_differ(got, expected, message):
    with pytest.raises(Wrong, match=message):
        same(got, expected, "Look.")


def test_same_accepts_equal_things_of_other_kinds():
    same(torch.tensor([1.0, 2.0]), [1, 2], "")
    same((torch.ones(2), "a"), (np.ones(2), "a"), "")
    same(1.0 + 1e-7, 1, "")
    same(torch.tensor(2.0, requires_grad=True), 2.0, "")
    same(np.nan, np.nan, "")


@pytest.mark.parametrize("changes", [
    {"difficulty": 4}, {"minutes": 0}, {"hints": ("one",)}, {"cases": (), "test": None},
    {"function": "median"},
])  # fmt: skip
def test_incomplete_exercises_are_refused(changes):
    with pytest.raises(ValueError, match="demo-1"):
        example(**changes)


def test_cells_hold_everything_and_run(capsys):
    exercise = example()
    assert "★☆☆" in exercise.task_cell() and "3 minutes" in exercise.task_cell()
    folded = exercise.folded_cell()
    assert folded.count("<details>") == folded.count("</details>") == 3
    assert exercise.solution in folded
    exec(exercise.stub_cell(), {"exercises": {"demo-1": exercise}})
    assert "not attempted yet" in capsys.readouterr().out
    assert dataclasses.is_dataclass(exercise)
