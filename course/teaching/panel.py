"""The panel: controls, what they change, one question, and a line where errors show.

A panel has three forms. Live, it is a box of core ipywidgets that the keyboard reaches.
In a stored notebook it is one still picture with alt text. To a comparison of notebooks
it is one fixed sentence, so no object number, no pixel and no timing can make two runs
differ. An exception in a callback never gets lost in the kernel's log: it stands in the
panel's own error line until the next good redraw.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from course.teaching.errors import ErrorLine
from course.teaching.figures import Picture
from course.teaching.lettering import still

Outputs = Picture | str | list[Picture | str]

# Colours come from JupyterLab's theme where there is one, so dark themes stay readable;
# pictures bring their own white ground.
STYLE = """<style>
.course-panel{border:1px solid var(--jp-border-color2,#d1d5db);border-radius:8px;
 padding:10px 14px;max-width:960px;color:var(--jp-ui-font-color1,inherit)}
.course-panel .course-title{font-size:1.15em;font-weight:600;line-height:1.4}
.course-panel .course-question{border-left:3px solid #0072B2;padding:2px 10px}
.course-panel .course-error:not(:empty){border-left:3px solid #D55E00;padding:2px 10px;
 background:var(--jp-layout-color2,#fdf2e9)}
.course-panel .course-picture img{max-width:100%;border-radius:4px;background:#fff;
 image-rendering:auto}
.course-panel .widget-html>.widget-html-content{height:auto;white-space:normal;
 line-height:1.5}
.course-panel .widget-radio-box label{height:auto;line-height:1.4;white-space:normal}
</style>"""


class Panel:
    """Controls, a drawing made from their values, a control question.

    Give it a `draw` function, or subclass it and write `draw` as a method.

    Args:
        title: a short heading.
        question: the control question: what a learner can say after playing with it.
        controls: core ipywidgets with a `value`, by the names of `draw`'s arguments.
        draw: called with the controls' values; returns a `Picture`, an HTML text, or a
            list of them, always the same kinds in the same order.
        sentence: the fixed text/plain form; made from title and question by default.
        answer: an answer to the question, folded away below it.
        play: name of an integer slider that gets play and stop buttons.
        fps: steps a second of these.

    Raises:
        ValueError: title or question is empty, a control has no value, or `play` names
            none of the controls.
    """

    def __init__(
        self,
        title: str,
        question: str,
        controls: Mapping[str, Any],
        draw: Callable[..., Outputs] | None = None,
        sentence: str | None = None,
        answer: str | None = None,
        play: str | None = None,
        fps: float = 4.0,
    ):
        if not title.strip() or not question.strip():
            raise ValueError(
                f"a panel needs a title and a question: {title!r}, {question!r}"
            )
        for name, control in controls.items():
            if not hasattr(control, "value"):
                raise ValueError(
                    f"control {name!r} has no value: {type(control).__name__}"
                )
        if play is not None and play not in controls:
            raise ValueError(f"play names {play!r}; the controls are {list(controls)}")
        self.title, self.question, self.answer = title, question, answer
        self.sentence = sentence or f"Panel: {title}. Question: {question}"
        self.controls = dict(controls)
        if draw is not None:
            self.draw = draw  # type: ignore[method-assign]
        self.outputs: list[Picture | str] = []
        self.errors = ErrorLine()
        self._seconds: list[float] = []
        self._worked: list[float] = []
        self._held = False
        self._build(play, fps)
        self.redraw()
        for control in self.controls.values():
            control.observe(self._on_change, names="value")

    def draw(self, **values) -> Outputs:
        """What the controls' values look like; to be given or overridden."""
        raise NotImplementedError("the panel has no draw function")

    # -- the live box
    # -------------------------------------------------------------------

    def _build(self, play: str | None, fps: float) -> None:
        self._view = widgets.HBox(
            layout=widgets.Layout(flex_flow="row wrap", grid_gap="10px")
        )
        rows = []
        for name, control in self.controls.items():
            control.style.description_width = "initial"
            if isinstance(
                control,
                (
                    widgets.IntSlider,
                    widgets.FloatSlider,
                    widgets.IntRangeSlider,
                    widgets.FloatRangeSlider,
                    widgets.SelectionSlider,
                ),
            ):
                control.layout.width = control.layout.width or "420px"
            rows.append(self._with_play(control, fps) if name == play else control)
        head = f'{STYLE}<div class="course-title">{html.escape(self.title)}</div>'
        foot = f"<strong>Question.</strong> {html.escape(self.question)}"
        if self.answer:
            answer = html.escape(self.answer)
            foot += f"<details><summary>Answer</summary>{answer}</details>"
        self.box = widgets.VBox(
            [
                widgets.HTML(head),
                *rows,
                self._view,
                self.errors.widget,
                widgets.HTML(f'<div class="course-question">{foot}</div>'),
            ]
        )
        self.box.add_class("course-panel")

    @staticmethod
    def _with_play(slider, fps: float):
        """The slider beside play buttons, linked to them in the browser."""
        play = widgets.Play(
            min=slider.min,
            max=slider.max,
            value=slider.value,
            interval=int(1000 / fps),
            show_repeat=False,
        )
        play.repeat = True
        widgets.jslink((play, "value"), (slider, "value"))
        return widgets.HBox([play, slider])

    def _show(self, outputs: list[Picture | str]) -> None:
        """New values into the old widgets, so that the page does not jump."""
        kinds = [isinstance(o, Picture) for o in outputs]
        if kinds != [isinstance(o, Picture) for o in self.outputs]:
            self._view.children = [widgets.HTML() for _ in kinds]
            for child, is_picture in zip(self._view.children, kinds, strict=True):
                child.add_class("course-picture" if is_picture else "course-text")
        for child, output in zip(self._view.children, outputs, strict=True):
            child.value = output.html() if isinstance(output, Picture) else output
        self.outputs = outputs

    # -- behaviour
    # ----------------------------------------------------------------------

    def values(self) -> dict[str, Any]:
        """The controls' present values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> Panel:
        """Set several controls as a learner would, then redraw once.

        Raises:
            ValueError: there is no such control.
        """
        unknown = set(values) - set(self.controls)
        if unknown:
            raise ValueError(
                f"no control {sorted(unknown)}; there are {list(self.controls)}"
            )
        self._held = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._held = False
        self.redraw()
        return self

    def redraw(self) -> None:
        """Draw for the present values; an exception goes to the error line."""
        start, worked = time.perf_counter(), time.thread_time()
        self.errors.guarded(self._draw_and_show)()
        self._seconds.append(time.perf_counter() - start)
        self._worked.append(time.thread_time() - worked)

    def _draw_and_show(self) -> None:
        drawn = self.draw(**self.values())
        outputs = list(drawn) if isinstance(drawn, (list, tuple)) else [drawn]
        for output in outputs:
            if not isinstance(output, (Picture, str)):
                kind = type(output).__name__
                raise TypeError(f"draw must return Picture or HTML text, not {kind}")
        self._show(outputs)

    def _on_change(self, _change) -> None:
        if not self._held:
            self.redraw()

    def guarded(self, callback: Callable) -> Callable:
        """The callback for a further widget (a button), with its errors shown here."""
        return self.errors.guarded(callback)

    # -- for tests and for the page
    # -----------------------------------------------------

    @property
    def error(self) -> str:
        """The words of the error line; empty when all is well."""
        return self.errors.message

    @property
    def traceback(self) -> str:
        """The whole story of that error, for tests and the curious."""
        return self.errors.traceback

    @property
    def pictures(self) -> list[Picture]:
        """The pictures shown now."""
        return [o for o in self.outputs if isinstance(o, Picture)]

    @property
    def texts(self) -> list[str]:
        """The HTML texts shown now."""
        return [o for o in self.outputs if isinstance(o, str)]

    def response_times(self, working: bool = False) -> list[float]:
        """Seconds of every redraw so far, the first one included.

        Args:
            working: count only the time this thread had the processor, which a busy
                machine does not change.
        """
        return list(self._worked if working else self._seconds)

    def state(self) -> str:
        """The controls' values in words, as the still picture names them."""
        parts = []
        for name, control in self.controls.items():
            value = getattr(control, "label", None) or control.value
            if isinstance(value, tuple):
                value = " to ".join(
                    f"{v:g}" if isinstance(v, float) else str(v) for v in value
                )
            value = f"{value:g}" if isinstance(value, float) else value
            # Some descriptions have commas: "N, taps in time".
            parts.append(f"{control.description or name}: {value}")
        return "; ".join(parts) or "rest"

    def still(self) -> Picture:
        """The whole panel as one picture."""
        return still(self.title, self.state(), self.outputs, self.question)

    def _repr_mimebundle_(self, include=None, exclude=None):
        # An error belongs into the compared text: a stored notebook must not hide it.
        sentence = self.sentence + (f" Panel error: {self.error}" if self.error else "")
        data, about = self.still()._repr_mimebundle_()
        view = self.box._repr_mimebundle_() or {}
        data.update({k: v for k, v in view.items() if "widget-view" in k})
        return {**data, "text/plain": sentence}, about

    def __repr__(self) -> str:
        return self.sentence
