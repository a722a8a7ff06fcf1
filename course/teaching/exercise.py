"""Exercises: a stub to fill, a check that says what is wrong, a folded solution.

A check prints one line and never raises, so "Run all" gets through a notebook nobody
has worked on yet. Every exercise carries the wrong answers learners give; `prove` holds
the check against them: the solution passes, the stub is "not attempted yet", and each
wrong answer fails with a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course.teaching.pixels import as_array

NOT_ATTEMPTED = "not attempted yet"


class Wrong(Exception):
    """A test raises this with the hint that fits the mistake it found."""


class _NotAttempted(Exception):
    """The answer is still the stub."""


@dataclass(frozen=True)
class Case:
    """One call of the learner's function and what it should give.

    Args:
        arguments: positional arguments.
        expected: a number, text, tensor, array, or a tuple, list or dict of these.
        hint: what to look at when this case is wrong; say why, not what.
        tolerance: largest absolute difference of numbers.
    """

    arguments: tuple
    expected: Any
    hint: str
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    Args:
        id: short and unique in its chapter, such as "fame-1".
        title: what is to be done, in a few words.
        difficulty: 1 (read off the equation), 2 (think) or 3 (design).
        minutes: honest working time.
        task: a sentence or two; markdown.
        function: name of the function to write.
        stub: source of it with the body missing (`...` or `raise NotImplementedError`).
        solution: source of it, complete; may import.
        hints: two of them, the second closer.
        cases: calls with expected results, checked in order.
        test: a further check, given the function; raises `Wrong(hint)`.
        wrong_answers: functions learners write, by what is wrong with them.

    Raises:
        ValueError: a part is missing or out of range.
    """

    id: str
    title: str
    difficulty: int
    minutes: int
    task: str
    function: str
    stub: str
    solution: str
    hints: tuple[str, str]
    cases: Sequence[Case] = ()
    test: Callable[[Callable], None] | None = None
    wrong_answers: Mapping[str, Callable] = field(default_factory=dict)

    def __post_init__(self):
        if self.difficulty not in (1, 2, 3):
            raise ValueError(
                f"{self.id}: difficulty is 1, 2 or 3, got {self.difficulty}"
            )
        if self.minutes < 1 or len(self.hints) != 2:
            raise ValueError(f"{self.id}: needs minutes ({self.minutes}) and two hints")
        if not self.cases and self.test is None:
            raise ValueError(f"{self.id}: has neither cases nor a test")
        for name, source in (("stub", self.stub), ("solution", self.solution)):
            if f"def {self.function}(" not in source:
                raise ValueError(
                    f"{self.id}: the {name} does not define {self.function}"
                )

    def verdict(self, answer: Any) -> str:
        """One line on an answer: not attempted yet, correct, or what is wrong.

        Args:
            answer: the learner's function (a bare value stands for one that returns
                it).

        Returns:
            the line, without the exercise's name.
        """
        call = _attempt(answer)
        try:
            for case in self.cases:
                same(call(*case.arguments), case.expected, case.hint, case.tolerance)
            if self.test is not None:
                self.test(call)
        except (_NotAttempted, NotImplementedError):
            return NOT_ATTEMPTED
        except Wrong as wrong:
            return f"not yet: {wrong}"
        except Exception as error:  # a learner's code may raise anything
            return f"not yet: it raised {type(error).__name__}: {error}"
        return "correct"

    def check(self, answer: Any) -> None:
        """Print what `verdict` says; never raises."""
        print(f"{self.id} {self.title}: {self.verdict(answer)}")

    # -- the three cells of a notebook
    # ---------------------------------------------------

    def task_cell(self) -> str:
        """Markdown that states the task with difficulty and minutes."""
        stars = "★" * self.difficulty + "☆" * (3 - self.difficulty)
        head = f"### Exercise {self.id}: {self.title}\n\n"
        effort = f"{stars} difficulty {self.difficulty} of 3 · {self.minutes} minutes"
        return f"{head}{effort}\n\n{self.task.strip()}"

    def stub_cell(self, exercises: str = "exercises") -> str:
        """Code of the stub and its check; `exercises` is the room's dict of them."""
        return (
            f'{self.stub.strip()}\n\n\n{exercises}["{self.id}"].check({self.function})'
        )

    def folded_cell(self) -> str:
        """Markdown with two hints and the solution, each folded."""
        first, second = self.hints
        return (
            f"<details><summary>Hint 1</summary>\n\n{first}\n\n</details>\n"
            f"<details><summary>Hint 2</summary>\n\n{second}\n\n</details>\n"
            "<details><summary>Solution</summary>\n\n"
            f"```python\n{self.solution.strip()}\n```\n\n</details>"
        )

    def solved(self) -> Callable:
        """The function the solution's source defines."""
        return _defined(self.solution, self.function)


def _attempt(answer: Any) -> Callable:
    """The answer as a function that tells a stub (None, ...) from a value."""
    function = answer if callable(answer) else lambda *_, **__: answer

    def call(*arguments, **options):
        result = function(*arguments, **options)
        if result is None or result is Ellipsis:
            raise _NotAttempted
        return result

    return call


def _defined(source: str, name: str) -> Callable:
    space: dict[str, Any] = {}
    exec(compile(source, f"<{name}>", "exec"), space)
    return space[name]


def same(got: Any, expected: Any, hint: str, tolerance: float = 1e-5) -> None:
    """Raise `Wrong` with the hint unless both agree in kind, shape and value.

    Args:
        got: the learner's result.
        expected: number, text, tensor, array, or a tuple, list or dict of these.
        hint: what to look at.
        tolerance: largest absolute difference of numbers.

    Raises:
        Wrong: they differ; the message says how, then hints.

    >>> same([1.0, 2.0], [1.0, 2.0], "")
    """
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or set(got) != set(expected):
            names = sorted(got) if isinstance(got, Mapping) else type(got).__name__
            raise Wrong(f"expected the keys {sorted(expected)}, got {names}. {hint}")
        for key in expected:
            same(got[key], expected[key], hint, tolerance)
    elif isinstance(expected, tuple):
        if not isinstance(got, (tuple, list)) or len(got) != len(expected):
            count = len(got) if isinstance(got, (tuple, list)) else type(got).__name__
            raise Wrong(f"expected {len(expected)} results, got {count}. {hint}")
        for one, other in zip(got, expected, strict=True):
            same(one, other, hint, tolerance)
    elif isinstance(expected, (str, bytes)):
        if got != expected:
            raise Wrong(f"got {got!r}. {hint}")
    else:
        _same_numbers(got, expected, hint, tolerance)


def _same_numbers(got: Any, expected: Any, hint: str, tolerance: float) -> None:
    wanted = as_array(expected)
    try:
        found = as_array(got).astype(np.float64)
    except (TypeError, ValueError):
        raise Wrong(f"expected numbers, got {type(got).__name__}. {hint}") from None
    if found.shape != wanted.shape:
        raise Wrong(f"expected shape {wanted.shape}, got {found.shape}. {hint}")
    close = np.isclose(
        found, wanted.astype(np.float64), rtol=0, atol=tolerance, equal_nan=True
    )
    if not close.all():
        if found.ndim == 0:
            raise Wrong(f"got {float(found):.4g}. {hint}")
        raise Wrong(f"{int((~close).sum())} of {close.size} values are wrong. {hint}")


def prove(exercise: Exercise, wrong_answers: int = 5) -> None:
    """Assert that an exercise's check tells right from wrong; for tests.

    Args:
        exercise: the exercise.
        wrong_answers: how many planted wrong answers it must have at least.

    Raises:
        AssertionError: names the exercise and what its check got wrong.
    """
    name = f"exercise {exercise.id}"
    verdict = exercise.verdict(exercise.solved())
    assert verdict == "correct", f"{name}: its solution is judged {verdict!r}"
    stub = exercise.verdict(_defined(exercise.stub, exercise.function))
    assert stub == NOT_ATTEMPTED, f"{name}: its stub is judged {stub!r}"
    found = len(exercise.wrong_answers)
    assert found >= wrong_answers, (
        f"{name}: {found} wrong answers, needs {wrong_answers}"
    )
    for mistake, answer in exercise.wrong_answers.items():
        verdict = exercise.verdict(answer)
        assert verdict.startswith("not yet: "), (
            f"{name}: {mistake!r} is judged {verdict!r}"
        )
        assert len(verdict) > 25, f"{name}: {mistake!r} gets no real hint: {verdict!r}"
