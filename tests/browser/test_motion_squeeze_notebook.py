"""The MotionSqueeze notebooks in a real browser: their text, pictures, three panels.

Only the cells that these need are run, so nothing is trained here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from short_notebook import keys, shortened

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NEEDED = (  # words of the cells to run; each stands in one cell only
    "course.start(",
    "from course.motion_squeeze import panels, pictures",
    "pictures.module_schematic()",
    "pictures.bands_picture(",
    "panels.matching_panel()",
    "panels.field_panel()",
)


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("motion_squeeze")
    path = shortened(NOTEBOOKS / "02_motion_squeeze.ipynb", NEEDED, folder)
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)


@pytest.fixture(scope="module")
def questions(lab, tmp_path_factory):
    needed = ("course.start(", "from course.motion_squeeze import panels",
              "panels.window_panel()")  # fmt: skip
    folder = tmp_path_factory.mktemp("motion_squeeze_questions")
    path = shortened(NOTEBOOKS / "02b_motion_squeeze_questions.ipynb", needed, folder)
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)


def test_the_cells_ran_and_their_pictures_are_there(page):
    page.assert_clean()
    images = page.page.locator(".jp-RenderedImage img")
    assert images.count() == 3  # clips, the module, the bands
    assert images.evaluate_all("all => all.every(i => i.naturalWidth > 100)")


def test_matching(page):
    panel = page.panel("Where did this cell go?")
    assert "Best score at (3, -2), estimate (3.00, -2.00)" in panel.text()
    panel.press("true motion dy, cells", *["ArrowRight"] * 4)
    panel.press("true motion dx, cells", *["ArrowRight"] * 8)
    assert "Truth (7.0, 0.0). Best score at (7, 0)" in panel.text()
    panel.press("true motion dx, cells", "End")
    assert "Truth (12.0, 0.0): beyond the window of ±7" in panel.text()
    keys(panel, "texture", "ArrowDown")
    assert "estimate (-6.88, -6.88)" in panel.text()  # flat: all offsets tie
    assert "(the best score) 1.00" in panel.text()
    keys(panel, "estimator", "End")
    assert "estimate (0.00, 0.00)" in panel.text()
    keys(panel, "texture", "Home")
    keys(panel, "estimator", "Home")
    panel.press("true motion dx, cells", "Home").press("x of the cell", "End")
    assert "Truth (-12.0, 0.0): beyond the window" in panel.text()
    assert "cell (27, 14)" in panel.alts()[0] and panel.pictures_loaded()
    keys(panel, "prefactor of the mask", "End")
    panel.press("noise of the features", "End").press(
        "sigma of the mask, cells", "Home"
    )
    assert len(panel.alts()) == 2 and panel.pictures_loaded()
    page.assert_clean()


def test_field(page):
    panel = page.panel("A field of displacements beside the truth")
    assert "better than saying that nothing moves" in panel.text()
    assert "The window reaches ±14 px" in panel.text()
    panel.press("max. displacement, cells", "Home")
    assert "The window reaches ±2 px" in panel.text()
    keys(panel, "scene", "ArrowDown")
    panel.press("contrast of the scenery", "Home")
    keys(panel, "view", "End")
    assert "as colours" in panel.alts()[0] and panel.pictures_loaded()
    panel.press("camera shake, frame heights", "End")
    assert "cosine with the true direction" in panel.text()
    page.assert_clean()


def test_window(questions):
    panel = questions.panel("Which stage, which window?")
    assert "A cell is 8 px wide and the window reaches ±56 px" in panel.text()
    assert "11.3 M multiply-adds" in panel.text() and "0.67 MiB" in panel.text()
    keys(panel, "stage", "Home")
    assert "A cell is 4 px wide and the window reaches ±28 px" in panel.text()
    assert "45.2 M multiply-adds" in panel.text()
    panel.press("max. displacement, cells", "Home")
    assert "x 3 x 3 offsets" in panel.text()
    panel.press("frames kept of a clip", "Home")
    assert "2 frames have 1 pair:" in panel.text() and panel.pictures_loaded()
    questions.assert_clean()
