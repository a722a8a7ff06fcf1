"""The start notebook in a real browser: every cell runs, every control moves."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "00_start.ipynb"


@pytest.fixture(scope="module")
def page(lab):
    with lab.open(NOTEBOOK) as opened:
        yield opened.run_all(seconds=900)


def test_every_cell_ran(page):
    page.assert_clean()


def test_player(page):
    panel = page.panel("A clip and its truth")
    panel.press("frame", "ArrowRight", "ArrowRight")
    for view in ("mask outline", "motion as colour", "motion as arrows"):
        panel.choose("view", view)
    assert panel.alts() == ["A clip and its truth, motion as arrows, frame 3 of 8"]
    page.assert_clean()


def test_world_knobs(page):
    panel = page.panel("The world and its knobs")
    panel.choose("action", "kick").choose("scene", "beach").choose("view", "motion")
    assert "kick in the scene beach, shown as motion" in panel.alts()[0]
    for label in (
        "clip (clothes, place)", "actor size", "stripes on clothes",
        "clothes like scenery", "scenery contrast", "scenery motion",
        "camera pan", "camera shake", "noise",
    ):  # fmt: skip
        panel.press(label, "End")
    panel.choose("post in front", "yes")
    assert "px on the actor" in panel.text() and panel.pictures_loaded()
    page.assert_clean()


def test_correlation_table(page):
    panel = page.panel("How much does the scene give away?")
    panel.press("scene correlation", "Home")
    assert "= 0.00 nats" in panel.text()
    panel.press("scene correlation", "End")
    assert "100 % of the clips" in panel.text()
    page.assert_clean()


def test_attention(page):
    panel = page.panel("Where does the network look?")
    panel.press("clip", "ArrowRight")
    panel.choose("network", "uncorrelated")
    panel.choose("test clips", "as in training")
    assert "The network says" in panel.text() and panel.pictures_loaded()
    page.assert_clean()


def test_frame_differences(page):
    panel = page.panel("Frame differences of clip_of_the_world.mp4")
    panel.press("frame", "ArrowRight", "ArrowRight")
    panel.press("frames apart", "End")
    panel.press("threshold", "End")
    assert "% of the pixels changed by more than 0.50" in panel.text()
    page.assert_clean()


def test_quiz(page):
    quiz = page.panel("Three questions to take along")
    for question, answer in enumerate((2, 0, 1)):
        quiz.pick(answer, question=question)
    assert "3 of 3 right" in quiz.text()
    page.assert_clean()
