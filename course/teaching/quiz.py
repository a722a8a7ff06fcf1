"""A multiple-choice quiz: live with feedback, stored with folded answers.

Its stored form is plain HTML made from the questions alone, so strict nbval compares it
and it never differs; the answers stay folded until a reader opens them.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from course.teaching.errors import ErrorLine
from course.teaching.panel import STYLE

_LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Question:
    """One question with one right option.

    Args:
        text: the question.
        options: two to eight answers.
        answer: index of the right one.
        explanation: why it is right and what is tempting about the others.

    Raises:
        ValueError: too few options, equal ones, or an index outside.
    """

    text: str
    options: Sequence[str]
    answer: int
    explanation: str

    def __post_init__(self):
        if not 2 <= len(self.options) <= 8 or len(set(self.options)) < len(
            self.options
        ):
            raise ValueError(f"{self.text!r}: needs 2 to 8 different options")
        if not 0 <= self.answer < len(self.options):
            raise ValueError(f"{self.text!r}: no option {self.answer}")

    def right(self) -> str:
        """The right option with its letter."""
        return f"{_LETTERS[self.answer]}: {self.options[self.answer]}"


class Quiz:
    """Questions to answer in the notebook; display it in a cell.

    Args:
        questions: in order.
        title: a heading.

    Raises:
        ValueError: there is no question.
    """

    def __init__(self, questions: Sequence[Question], title: str = "Quiz"):
        if not questions:
            raise ValueError("a quiz needs at least one question")
        self.questions, self.title = list(questions), title
        self.choices = [self._radio(q) for q in self.questions]
        self.feedback = [widgets.HTML("") for _ in self.questions]
        self._score, self.errors = widgets.HTML(""), ErrorLine()
        for number, choice in enumerate(self.choices):
            choice.observe(self._answered(number), names="index")
        self._build()

    @staticmethod
    def _radio(question: Question):
        options = [f"{_LETTERS[i]}: {text}" for i, text in enumerate(question.options)]
        wide = widgets.Layout(width="auto")
        return widgets.RadioButtons(options=options, index=None, layout=wide)

    def _build(self) -> None:
        rows = [
            widgets.HTML(
                f'{STYLE}<div class="course-title">{html.escape(self.title)}</div>'
            )
        ]
        for number, question in enumerate(self.questions):
            text = f"<strong>{number + 1}.</strong> {html.escape(question.text)}"
            rows += [widgets.HTML(text), self.choices[number], self.feedback[number]]
        self.box = widgets.VBox([*rows, self._score, self.errors.widget])
        self.box.add_class("course-panel")
        self._tell()

    def _answered(self, number: int):
        return self.errors.guarded(lambda _change: self._respond(number))

    def _respond(self, number: int) -> None:
        question, index = self.questions[number], self.choices[number].index
        if index is not None:
            word = "Right." if index == question.answer else "Not quite; try another."
            more = f" {question.explanation}" if index == question.answer else ""
            text = html.escape(f"{word}{more}")
            self.feedback[number].value = f'<div role="status">{text}</div>'
        self._tell()

    def _tell(self) -> None:
        text = f"{self.score()} of {len(self.questions)} right"
        self._score.value = f'<div role="status" class="course-score">{text}</div>'

    def score(self) -> int:
        """Questions answered rightly at present."""
        pairs = zip(self.questions, self.choices, strict=True)
        return sum(choice.index == question.answer for question, choice in pairs)

    @property
    def error(self) -> str:
        """The words of the error line; empty when all is well."""
        return self.errors.message

    def html(self) -> str:
        """The stored form: questions and options, each answer folded."""
        parts = [f"<p><strong>{html.escape(self.title)}</strong></p><ol>"]
        for question in self.questions:
            options = "".join(
                f"<li>{_LETTERS[i]}: {html.escape(option)}</li>"
                for i, option in enumerate(question.options)
            )
            answer = html.escape(f"{question.right()}. {question.explanation}")
            parts.append(
                f'<li>{html.escape(question.text)}<ul style="list-style:none">{options}'
                f"</ul><details><summary>Answer</summary>{answer}</details></li>"
            )
        return "".join(parts) + "</ol>"

    def __repr__(self) -> str:
        lines = [self.title]
        for number, question in enumerate(self.questions, 1):
            lines.append(f"{number}. {question.text}")
            lines += [f"   {_LETTERS[i]}: {o}" for i, o in enumerate(question.options)]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"text/plain": repr(self), "text/html": self.html()}
        view = self.box._repr_mimebundle_() or {}
        return {**data, **{k: v for k, v in view.items() if "widget-view" in k}}
