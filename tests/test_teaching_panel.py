"""Panels: traits driven in Python, error line, fixed sentence, response time."""

from __future__ import annotations

import time

import ipywidgets as widgets
import numpy as np
import pytest
from panel_driver import drive, values_to_try

from course.teaching import Panel, Picture
from course.teaching.figures import figure, image_png, picture_of
from course.teaching.player import Player


def slider(value=3, **options):
    return widgets.IntSlider(value=value, min=0, max=9, description="motion", **options)


def draw(motion):
    if motion == 7:
        raise ValueError("seven is <too> far")
    image = np.full((20, 30), motion / 9)
    return [Picture(image_png(image), f"grey {motion}"), f"<p>motion {motion}</p>"]


def make(**options):
    return Panel("Window", "Where does it end?", {"motion": slider()}, draw, **options)


def test_a_trait_redraws_pictures_and_texts():
    panel = make()
    before = panel.pictures[0].png
    panel.controls["motion"].value = 5
    assert panel.texts == ["<p>motion 5</p>"] and panel.pictures[0].alt == "grey 5"
    assert panel.pictures[0].png != before
    assert "motion 5" in panel._view.children[1].value
    assert 'alt="grey 5"' in panel._view.children[0].value


def test_old_widgets_are_reused():
    panel = make()
    before = panel._view.children
    panel.set(motion=4)
    assert panel._view.children is before


def test_an_exception_is_shown_escaped_and_then_cleared():
    panel = make()
    panel.controls["motion"].value = 7  # does not raise
    assert panel.error == "ValueError: seven is <too> far"
    assert "line" in panel.traceback
    line = panel.errors.widget.value
    assert 'role="alert"' in line and "&lt;too&gt;" in line
    assert panel.texts == ["<p>motion 3</p>"]  # what was there stays
    assert "Panel error: ValueError" in panel._repr_mimebundle_()[0]["text/plain"]
    panel.controls["motion"].value = 2
    assert panel.error == "" and panel.texts == ["<p>motion 2</p>"]


def test_a_draw_that_fails_at_the_start_still_gives_a_panel():
    panel = Panel("t", "q?", {"motion": slider(7)}, draw)
    data, _ = panel._repr_mimebundle_()
    assert "seven" in data["text/plain"] and "image/png" in data
    assert panel.set(motion=1).error == ""


@pytest.mark.parametrize("result", [3, None, [b"png"]])
def test_a_wrong_kind_of_output_is_an_error_of_the_panel(result):
    panel = Panel("t", "q?", {"motion": slider()}, lambda motion: result)
    assert panel.error.startswith("TypeError: draw must return")


def test_guarded_callbacks_end_in_the_error_line():
    panel, button = make(), widgets.Button(description="break")
    button.on_click(panel.guarded(lambda _: 1 / 0))
    button.click()
    assert panel.error == "ZeroDivisionError: division by zero"


def test_keyboard_interrupts_are_not_swallowed():
    def interrupted(motion):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Panel("t", "q?", {"motion": slider()}, interrupted)


def test_plain_form_is_fixed_and_the_rest_is_there():
    first, second = make(), make()
    second.set(motion=8)
    a, about = first._repr_mimebundle_()
    b, _ = second._repr_mimebundle_()
    sentence = "Panel: Window. Question: Where does it end?"
    assert a["text/plain"] == b["text/plain"] == sentence == repr(first)
    assert set(a) == {
        "text/plain",
        "image/png",
        "application/vnd.jupyter.widget-view+json",
    }
    alt = about["image/png"]["alt"]
    assert "Window" in alt and "motion: 3" in alt and "grey 3" in alt


def test_set_redraws_once_and_refuses_unknown_names():
    panel = make()
    count = len(panel.response_times())
    panel.set(motion=6)
    assert len(panel.response_times()) == count + 1
    with pytest.raises(ValueError, match="speed"):
        panel.set(speed=1)


def test_bad_panels_are_refused():
    with pytest.raises(ValueError, match="title and a question"):
        Panel("", "q?", {}, draw)
    with pytest.raises(ValueError, match="has no value"):
        Panel("t", "q?", {"go": widgets.Button()}, draw)
    with pytest.raises(ValueError, match="play"):
        make(play="speed")


def test_a_subclass_may_bring_its_own_draw():
    class Grey(Panel):
        def draw(self, motion):
            return f"motion {motion} of {self.title}"

    assert Grey("G", "q?", {"motion": slider()}).texts == ["motion 3 of G"]


def test_the_driver_accepts_a_good_panel_and_names_what_is_wrong():
    def good(motion):
        return f"{motion}"

    assert len(drive(Panel("t", "q?", {"motion": slider()}, good))) == 6
    with pytest.raises(AssertionError, match="seven"):
        drive(make(), {"motion": [7]})
    with pytest.raises(AssertionError, match="changes nothing"):
        drive(Panel("t", "q?", {"motion": slider()}, lambda motion: "same"))

    def slow(motion):
        end = time.thread_time() + 0.12
        while time.thread_time() < end:
            pass
        return str(motion)

    with pytest.raises(AssertionError, match="median answer"):
        drive(Panel("t", "q?", {"motion": slider()}, slow))


def test_the_driver_tries_ends_and_options():
    assert values_to_try(slider())[:5] == [0, 2, 4, 6, 9]
    assert values_to_try(widgets.Dropdown(options=[("a", 1), ("b", 2)])) == [1, 2, 1]
    assert values_to_try(widgets.Checkbox(value=False)) == [True, False]
    spans = widgets.FloatRangeSlider(value=(0.1, 0.3), min=0, max=1)
    assert values_to_try(spans)[0] == (0.0, 1.0)


def test_a_matplotlib_panel_answers_in_time():
    def chart(motion):
        fig, axis = figure(quick=True)
        axis.plot(range(100), [motion * x for x in range(100)])
        return picture_of(fig, f"slope {motion}")

    drive(Panel("Chart", "How steep?", {"motion": slider()}, chart))


def test_a_player_answers_in_time():
    rng = np.random.default_rng(0)
    clip = rng.random((16, 112, 112, 3))
    drive(
        Player(clip, flow=rng.normal(size=(2, 15, 112, 112)), mask=clip[..., 0] > 0.5)
    )
