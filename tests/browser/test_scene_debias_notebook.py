"""The scene-debiasing notebook in a real browser: its text, pictures, three panels.

Only the cells that these need are run, so nothing is trained here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from short_notebook import keys, shortened

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NEEDED = (  # words of the cells to run; each stands in one cell only
    "course.start(",
    "from course.scene_debias import panels, pictures",
    "pictures.sdn_schematic()",
    "panels.bias_panel()",
    "panels.reversal_panel()",
    "panels.mask_panel()",
)


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene_debias")
    path = shortened(NOTEBOOKS / "03_scene_debias.ipynb", NEEDED, folder)
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)


def test_the_cells_ran_and_their_pictures_are_there(page):
    page.assert_clean()
    images = page.page.locator(".jp-RenderedImage img")
    assert images.count() == 2  # four clips, the schematic
    assert images.evaluate_all("all => all.every(i => i.naturalWidth > 100)")


def test_bias(page):
    panel = page.panel("How much of the action does the scene tell?")
    assert "rho + (1 - rho) / 8" in panel.text()
    assert "(unlimited clips: 91.2 %" in panel.text()  # .9 + .1 / 8
    assert "The ceiling is ln 8 = 2.08" in panel.text()
    panel.press("scenes M", *["ArrowLeft"] * 4)
    assert "rho 4 / 8 + (1 - rho) / 8" in panel.text()
    panel.press("scenes M", "Home")
    assert "B = ln(12.5 % / 12.5 %) = 0.00 nats" in panel.text()  # one scene for all
    panel.press("rho: in its own scene, else in any", "Home").press("scenes M", "End")
    panel.press("scenes M", *["ArrowLeft"] * 8)
    keys(panel, "clips", "Home")
    panel.press("draw of the clips", *["ArrowRight"] * 4)
    assert "of 64 new clips" in panel.text()
    assert "Below 0: worse than guessing, by luck." in panel.text()
    keys(panel, "scenes are named by", "End")
    panel.press("share of right names, with errors", "Home")
    assert "The scene is named rightly in 0 % of the clips" in panel.text()
    assert "confusable errors" in panel.alts()[0] and panel.pictures_loaded()
    page.assert_clean()


def test_reversal(page):
    panel = page.panel("What does a reversed gradient do?")
    assert "Step 5, lambda now 1.00" in panel.text() and "180°" in panel.text()
    assert "The head itself steps down its own loss." in panel.text()
    panel.press("step of the game", "End")
    assert "Step 60, lambda now 1.00" in panel.text()
    keys(panel, "turned round by", "End")
    assert "UP its own loss (no reversal" in panel.text()
    keys(panel, "turned round by", "Home")
    keys(panel, "scene head", "End")
    assert "head that knows only the action" in panel.text()
    panel.press("strength lambda", "Home")
    assert "nothing arrives" in panel.text() and panel.pictures_loaded()
    assert "lambda 0, constant" in panel.alts()[0]
    page.assert_clean()


def test_masks(page):
    panel = page.panel("Is the human gone?")
    assert "8 of 8 frames have a hole" in panel.text()
    assert "a linear probe names the action of" in panel.text()
    panel.press("grown by, px", "ArrowRight")
    assert "0.0 % of them (0 px) can still be seen" in panel.text()
    keys(panel, "filled with", "End")
    assert "0 of 255 levels: it cannot be seen and tells nothing" in panel.text()
    panel.press("frames without a mask (probability)", "End")
    assert "0 of 8 frames have a hole" in panel.text()
    assert "100.0 % of them" in panel.text()
    keys(panel, "covered", "End")
    panel.press("clip", "End")
    assert "(box, filled with the background)" in panel.alts()[0]
    assert panel.pictures_loaded()
    page.assert_clean()
