"""The scene-debiasing notebooks in a real browser: text, pictures, all five panels.

Only the cells that these need are run, so nothing is trained here: the networks are as
the seed draws them, the records made up.
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
    "panels.cam_panel(",
)
UNTRAINED = """
from course.evaluation import Recorded
from course.scene_debias import results
names = ("baseline", "adversary", "masks")
nets = {name: trainings.network(settings, seed) for seed, name in enumerate(names)}
rec, say = Recorded({}, {}), lambda *claims: None
"""
# The later a run, the more it leaks, and the better it is; of the others there is none.
MADE_UP = """
from course.evaluation import Recorded
from course.scene_debias.drawings.trade_off import METRICS
records = {}
for i, name in enumerate(("baseline", "adversary", "masks")):
    numbers = [dict.fromkeys(METRICS, 0.2 + 0.2 * i + 0.01 * seed) for seed in range(3)]
    seeds = {str(11 + seed): {"metrics": row} for seed, row in enumerate(numbers)}
    records[name] = {"settings_hash": "x", "runs": seeds}
rec = Recorded(records, dict.fromkeys(records, "x"))
"""


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene_debias")
    before = {"panels.cam_panel(": UNTRAINED}
    path = shortened(NOTEBOOKS / "03_scene_debias.ipynb", NEEDED, folder, before)
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)


@pytest.fixture(scope="module")
def questions(lab, tmp_path_factory):
    needed = ("course.start(", "from course.scene_debias import panels",
              "panels.trade_off_panel(")  # fmt: skip
    folder = tmp_path_factory.mktemp("scene_debias_questions")
    path = NOTEBOOKS / "03b_scene_debias_questions.ipynb"
    path = shortened(path, needed, folder, {"panels.trade_off_panel(": MADE_UP})
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


def test_activation_maps(page):
    panel = page.panel("Where does the evidence lie?")
    assert "swapped clip 1 of 16" in panel.alts()[0] and panel.value("clip") == "1"
    assert "the class activation maps of baseline and masks" in panel.alts()[0]
    assert "Evidence for the predicted action" in panel.text()
    for name in ("baseline", "masks"):
        assert f"{name} says" in panel.text()
    assert panel.text().count("Over all 16 clips") == 2
    first = panel.text()
    panel.press("clip", "End")
    assert "swapped clip 16 of 16" in panel.alts()[0] and panel.text() != first
    keys(panel, "action", "ArrowDown")
    assert "for the true action over it" in panel.alts()[0]
    keys(panel, "action", "End")
    assert "Evidence for the background's action" in panel.text()
    panel.press("clip", "Home", "ArrowRight")
    assert "swapped clip 2 of 16" in panel.alts()[0] and panel.pictures_loaded()
    page.assert_clean()


def test_recorded_runs_as_dots(questions):
    panel = questions.panel("Accuracy against leakage")
    assert "baseline: 21 ± 1 % and 21 ± 1 % (3 seeds)" in panel.text()
    assert "masks: 61 ± 1 % and 61 ± 1 % (3 seeds)" in panel.text()
    assert "Missing: both, background re-drawn." in panel.text()
    assert "python -m course claims scene_debias --scale cpu" in panel.text()
    best = "No other run is better in both means than: "
    assert f"{best}baseline, adversary, masks." in panel.text()
    assert "scene leakage (fresh probe) across" in panel.alts()[0]
    keys(panel, "across", "Home")
    assert "accuracy, scenes swapped across" in panel.alts()[0]
    assert f"{best}masks." in panel.text()
    keys(panel, "up", "ArrowDown")
    assert "accuracy, in distribution up" in panel.alts()[0]
    keys(panel, "runs", "End")
    assert "Recorded runs, adversaries:" in panel.alts()[0]
    assert "Missing: told the action, plain, DANN's ramp." in panel.text()
    assert panel.pictures_loaded()
    questions.assert_clean()
