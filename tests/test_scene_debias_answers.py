"""What the prose of notebooks 03 and 03b says is what the runs, or arithmetic, say.

A new recording may turn a verdict round.  Then this fails, and the sentences beside
that verdict must be read again: its number is the question of notebook 03b (0: notebook
03 alone).
"""

from __future__ import annotations

import ast
import copy
import json
import math
from pathlib import Path

import pytest
from scene_debias_runs import METRICS

from course import chapters
from course.evaluation import Recorded, paired_t_interval, scene_bias_interval
from course.scale import seed_everything
from course.scene_debias import results
from course.scene_debias.claims import CLAIMS
from course.scene_debias.claims.rules import KNOWN
from course.scene_debias.drawings import bias_meter
from course.scene_debias.scales import SETTINGS

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("03_scene_debias", "03b_scene_debias_questions")
CPU, IDS = SETTINGS["cpu"], {claim.id for claim in CLAIMS}

PROSE = [  # (question, claim, outcome)
    (0, "bias-network", "fails"),
    (0, "no-bias", "holds"),
    (0, "bias-actor", "holds"),
    (0, "bias-hidden", "holds"),
    (0, "bias-hurts", "holds"),
    (0, "background-wins", "holds"),
    (0, "head-knows", "holds"),
    (0, "head-and-probe", "holds"),
    (0, "presence-not-use", "holds"),
    (0, "use-at-zero", "holds"),
    (0, "leakage-stays", "holds"),
    (0, "adversary", "holds"),
    (0, "masks", "holds"),
    (0, "masks-ahead", "undecided"),
    (0, "only-seen", "holds"),
    (0, "seen-helps", "undecided"),
    (0, "both", "holds"),
    (0, "masks-unsure", "holds"),
    (0, "box", "holds"),
    (0, "silhouette", "holds"),
    (0, "missing", "holds"),
    (0, "released-wiring", "holds"),
    (0, "network", "holds"),
    (0, "r2plus1d-order", "holds"),
    (0, "r2plus1d-masks", "holds"),
    (0, "transfer", "undecided"),
    (0, "transfer-frozen", "holds"),
    (0, "transfer-where", "holds"),
    (0, "localisation", "holds"),
    (0, "snippets", "undecided"),
    (0, "cam", "undecided"),
    (0, "boxes", "holds"),
    (0, "boxes-blind", "fails"),
    (0, "rho-one-adversary", "holds"),
    (0, "rho-one-masks", "undecided"),
    (0, "rho-one-redraw", "holds"),
    (0, "redraw", "holds"),
    (0, "redraw-no-cost", "fails"),
    (0, "card-untrained", "holds"),
    (0, "card-swapped", "holds"),
    (1, "labels-labeller", "holds"),
    (1, "labeller-sure", "holds"),
    (1, "labels-uniform", "holds"),
    (1, "soft-labeller", "undecided"),
    (1, "soft-uniform", "undecided"),
    (1, "soft-confusable", "undecided"),
    (1, "soft-merged", "undecided"),
    (2, "adversary-98", "holds"),
    (3, "edge", "undecided"),
    (3, "near-edge", "undecided"),
    (3, "too-strong", "holds"),
    (3, "conditional-two", "holds"),
    (3, "conditional-window", "holds"),
    (3, "conditional-peak", "undecided"),
    (3, "fast-ramp", "holds"),
    (4, "no-cost", "holds"),
    (0, "transfer-biased", "holds"),
    (0, "leakage-lower", "undecided"),
    (1, "labels-confusable", "undecided"),
    (1, "labels-merged", "undecided"),
    (2, "adversary-0", "holds"),
    (2, "adversary-50", "holds"),
    (2, "adversary-90", "holds"),
]
SILENT = {  # claims that stand in tables only
    "bias-grows",
    "bias-half",
    "adversary-80",
    "too-weak",
    "r2plus1d-cam",
    "redraw-leakage",
    "card-adversary",
    "card-masks",
    "card-leakage",
}


# Words with the means that stand in them, in percent.
NUMBERS = [
    (NAMES[0], "{} % right in distribution, {} % with scenes swapped; {} % of the",
     "baseline:in_distribution baseline:swapped baseline:background_action"),
    (NAMES[0], "names {} % of the scenes at strength 4, and a fresh probe {} %",
     "adversary_x4:head_uncorrelated adversary_x4:leakage"),
    (NAMES[0], "{} % of the scenes at strength 1 and {} % at strength 4",
     "adversary:head_uncorrelated adversary_x4:head_uncorrelated"),
    (NAMES[0], "have fallen from {} to {} %). A fresh probe names {} and {} %",
     "adversary:in_distribution adversary_x4:in_distribution adversary:leakage "
     "adversary_x4:leakage"),
    (NAMES[0], "reads {} % of the scenes, and that network names the background's "
     "action in {} %", "baseline_0:leakage baseline_0:background_action"),
    (NAMES[0], "at {} % of ln K the largest of nearly equal answers is still the right "
     "action in {} %", "masks:background_entropy masks:background_only"),
    (NAMES[0], "({} % right with scenes swapped, the baseline {} %)",
     "released:swapped baseline:swapped"),
    (NAMES[0], "{} against {} %; still {} % of the swapped clips",
     "r2plus1d_masks:swapped r2plus1d_seen_only:swapped "
     "r2plus1d_masks:background_action"),
    (NAMES[0], "{} against {} %: our actors", "both:centre_boxes both:cam_boxes"),
    (NAMES[0], "({} → {} %), and gain more there",
     "baseline:linear_unbiased both:linear_unbiased"),
    (NAMES[0], "(mAP {} → {} %)", "baseline:map_30 both:map_30"),
    (NAMES[0], "mask confusion, at {} %", "masks_100:swapped"),
    (NAMES[0], "gets {} % of the swapped clips right, both losses {} %",
     "redraw:swapped both:swapped"),
    (NAMES[0], "{} % become {} %, as for the network trained at $\\rho = 0$ ({} %)",
     "baseline:in_distribution redraw:in_distribution baseline_0:in_distribution"),
    (NAMES[0], "even more ({} %) than the baseline's ({} %)",
     "card_untrained:scene_leakage card_baseline:scene_leakage"),
    (NAMES[1], "{} % of the frames agree, {} % of the names are right",
     "labeller:agreement labeller:hard"),
    (NAMES[1], "({} → {} % at $\\rho = 0.98$, {} → {} at 0.9)",
     "baseline_98:swapped adversary_98:swapped baseline_90:swapped "
     "adversary_90:swapped"),
    (NAMES[1], "({} %, at 1 {} %), at 4 most of it is gone ({} %, the baseline {} %)",
     "conditional_x2:swapped conditional:swapped conditional_x4:swapped "
     "baseline:swapped"),
    (NAMES[1], "costs more ({} → {} %)",
     "baseline:in_distribution redraw:in_distribution"),
    (NAMES[1], "({} → {} %), together with the actions ({} → {} %)",
     "adversary:head adversary_x4:head adversary:in_distribution "
     "adversary_x4:in_distribution"),
    (NAMES[1], "frozen gain holds ({} → {} %), the fine-tuned one is undecided "
     "({} → {} %)", "baseline:linear_unbiased both:linear_unbiased "
     "baseline:tuned_unbiased both:tuned_unbiased"),
]  # fmt: skip


def cells(name: str) -> list[str]:
    """The code of a notebook, cell by cell."""
    content = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    kept = [c for c in content["cells"] if c["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in kept]


def calls(name: str, function: str) -> list[tuple]:
    """The arguments of every call of a function, a loop's name as the loop's values."""
    found = []
    for code in cells(name):
        if "run_line_magic" in code:
            continue
        tree = ast.parse(code)
        looped = {
            loop.target.id: ast.literal_eval(loop.iter)
            for loop in ast.walk(tree)
            if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name)
            and isinstance(loop.iter, ast.Tuple)
            and all(isinstance(e, ast.Constant) for e in loop.iter.elts)
        }  # fmt: skip
        found += [
            tuple(looped[a.id] if isinstance(a, ast.Name) else ast.literal_eval(a)
                  for a in node.args)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == function
        ]  # fmt: skip
    return found


# What the prose says of records


@pytest.fixture(scope="module")
def verdicts():
    return {v.claim.id: v.outcome for v in chapters.decide("scene_debias", "cpu")}


@pytest.mark.parametrize(("question", "claim", "outcome"), PROSE)
def test_the_prose_agrees_with_the_verdict(verdicts, question, claim, outcome):
    assert verdicts[claim] == outcome, f"read question {question} again"


def test_every_verdict_is_spoken_of_once():
    spoken = [claim for _, claim, _ in PROSE]
    assert len(set(spoken)) == len(spoken)
    assert IDS - set(spoken) == SILENT


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_print_verdicts_that_exist(name):
    said = {claim for given in calls(name, "say") for claim in given}
    assert said and said <= IDS, sorted(said - IDS)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_print_means_that_are_measured(name):
    asked = calls(name, "means")
    assert asked
    for metrics, *runs in asked:
        for metric in (metrics,) if isinstance(metrics, str) else metrics:
            unknown = {run for run in runs if metric not in METRICS.get(run, ())}
            assert not unknown, (metric, unknown)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_show_figures_that_exist(name):
    trees = [ast.parse(code) for code in cells(name) if "run_line_magic" not in code]
    shown = {
        node.attr for tree in trees for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id == "results"
    }  # fmt: skip
    assert shown and all(hasattr(results, figure) for figure in shown), shown


def test_the_trade_off_panel_offers_runs_that_exist():
    (code,) = [code for code in cells(NAMES[1]) if "trade_off_panel(" in code]
    groups = ast.literal_eval(ast.parse(code).body[0].value)
    assert {run for group in groups.values() for run in group} <= set(METRICS)


@pytest.mark.parametrize(("name", "words", "references"), NUMBERS)
def test_the_prose_prints_recorded_means(name, words, references):
    mean = chapters.recorded("scene_debias", "cpu").mean
    content = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(cell["source"]) for cell in content["cells"])
    said = words.format(*(f"{100 * mean(ref):.0f}" for ref in references.split()))
    assert said in text


def test_the_prose_agrees_with_the_recorded_means():
    """Numbers that the text puts in words."""
    mean = chapters.recorded("scene_debias", "cpu").mean
    # "by half, the presence by a tenth"
    use, presence = (
        1 - mean(f"adversary:{metric}") / mean(f"baseline:{metric}")
        for metric in ("background_action", "leakage")
    )
    assert 0.4 < use < 0.6 and 0.05 < presence < 0.15
    # question 1: "a quarter of its names are wrong"
    assert 0.2 < 1 - mean("labeller:hard") < 0.3
    # question 3: "27 points in the mean"
    lost = mean("adversary:in_distribution") - mean("adversary_x2:in_distribution")
    assert round(100 * lost) == 27
    # question 4: "chance"
    assert mean("redraw:static") == pytest.approx(1 / 8, abs=0.02)


# What it says of arithmetic


def information(rho):
    """What the action tells of the scene, nats."""
    here, other = rho + (1 - rho) / 8, (1 - rho) / 8
    inside = sum(p * math.log(p) for p in [here] + 7 * [other] if p > 0)
    return math.log(8) + inside


def test_at_half_bias_stands_high_and_repair_low():
    """Step 1: "seven tenths of its ceiling", and "hardly begun to rise"."""
    half = bias_meter.exact(0.5, 8, 8)
    assert half.bias / math.log(8) == pytest.approx(0.7, abs=0.03)
    assert half.repair == pytest.approx(information(0.5) / math.log(8))
    assert half.repair < 0.3


def test_the_usual_strength_is_inside_the_window_and_the_strong_ones_outside():
    """Question 3: lambda < ln K / I(A; S)."""
    edge = math.log(8) / information(CPU.correlation)
    assert CPU.strength < edge < 2.0
    assert math.log(8) / information(1.0) == pytest.approx(1.0)


def test_the_claims_know_what_the_action_gives_away():
    assert KNOWN == pytest.approx(CPU.correlation + (1 - CPU.correlation) / 8)


def test_published_and_recomputed_numbers():
    """Questions 1, 3, 5 and 6."""
    assert [round(100 - error, 1) for error in (44.82, 14.71)] == [55.2, 85.3]
    assert round(math.log(365), 2) == 5.90
    assert round(math.log(59.7 / 1.0), 2) == 4.09 != round(math.log(0.597 * 101), 2)
    found = scene_bias_interval(round(0.009 * 3783), 3783, 0.01)
    assert found.low < math.log(0.9) < 0 < found.high


def test_question_7_one_gain_stands_clear_and_one_does_not():
    (code,) = [code for code in cells(NAMES[1]) if "tested_again = " in code]
    table = ast.literal_eval(ast.parse(code).body[0].value)
    gains = {name: paired_t_interval(new, old) for name, (old, new) in table.items()}
    assert gains["HMDB51"].low > 0 > gains["UCF101"].low


# What it computes, for every pair of readers


class Notebook(dict):
    """The names of a notebook whose cells are run one by one, at another seed.

    Figures of records are left out; what `confirm` is told must be true.
    """

    def __init__(self, name: str, seed: int):
        super().__init__()
        self.cells, self.denied = cells(name), []
        self["settings"] = settings = copy.copy(SETTINGS["cpu"])
        object.__setattr__(settings, "seed", seed)  # as `course.start` does
        object.__setattr__(settings, "scale", "cpu")
        seed_everything(seed)

    def run(self, words: str) -> Notebook:
        (code,) = [cell for cell in self.cells if words in cell]
        exec(compile(code, words, "exec"), self)  # the notebook's own cells
        self["confirm"] = lambda said, fact: fact or self.denied.append(said)
        self["show"] = self["say"] = self["means"] = lambda *what: None
        return self


@pytest.fixture
def no_records(monkeypatch):
    monkeypatch.setattr(chapters, "decide", lambda *_: [])
    monkeypatch.setattr(chapters, "recorded", lambda *_: Recorded({}, {}))


COMPUTED = ("def soft_by_hand", "def told_by(table)", "worlds = {",
            "def beyond_action", "readings = {", "def below_zero", "def halves(",
            "within, across = ", "tested_again = ", "rates = {}")  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_03b_confirms_its_sentences_at_every_pairs_seed(seed, no_records):
    notebook = Notebook(NAMES[1], seed).run("def counted(")
    for words in ("frame_agreement, merged", *COMPUTED):
        notebook.run(words)
    assert notebook.denied == []


def test_03b_confirms_how_the_game_ends(no_records):
    notebook = Notebook(NAMES[1], 0).run("def counted(")
    notebook.run("toy_game import").run("without reversal the head gets below")
    assert notebook.denied == []


@pytest.mark.slow
def test_03_confirms_its_sentences_before_anything_is_trained(no_records):
    notebook = Notebook(NAMES[0], 1).run("home, away = ")
    for words in ("def bias_by_hand", "def commonest_action",
                  "def adversary_loss_by_hand", "class Reverse(", "def both_losses",
                  "def confusion_loss_by_hand", "def box_by_hand", "def edges(",
                  "def step_by_hand", "moves = {", "gradcheck("):  # fmt: skip
        notebook.run(words)
    assert notebook.denied == []


@pytest.mark.parametrize("name", NAMES)
def test_no_note_to_the_authors_is_left(name):
    content = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(c["source"]) for c in content["cells"])
    assert "To be written" not in text and "(From the records" not in text
