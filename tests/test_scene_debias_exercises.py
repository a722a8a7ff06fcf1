"""The exercises of chapter 3: each check tells right from wrong, and says what."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from notebook_cells import code_cells, from_library, left_behind, read
from torch.nn.functional import cross_entropy, kl_div

from course.scene_debias.exercises import EXERCISES, bias, bug_hunt, probe, quiz
from course.teaching import prove
from course.teaching.exercise import NOT_ATTEMPTED

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CHAPTER = ("03_scene_debias.ipynb", "03b_scene_debias_questions.ipynb")
# What the hint on a mistake must speak of.
FITTING = {
    ("1", "takes the exact chance"): "gives 4.10",
    ("1", "always natural"): "other papers take other bases",
    ("1", "chance in whole percent"): "2.1 % for 48",
    ("1", "base 2"): "would have 5.90",
    ("1", "always ln K"): "in *that* base",
    ("1", "share upside down"): "not the other way round",
    ("1", "divides by K"): "at most log K, not K",
    ("1", "accuracy as the share"): "that is the accuracy",
    ("1", "chance in percent"): "not in percent",
    ("1", "the chance first"): "the order",
    ("1", "finds nothing for others"): "right for UCF101; nothing",
    ("2", "only rho"): "own one again",
    ("2", "the others only"): "not K - 1",
    ("2", "forgets to weigh"): "above 1",
    ("2", "the share of others"): "*another* scene",
    ("2", "chance everywhere"): "tells a lot",
    ("2", "swapped is chance"): "worse than chance",
    ("2", "guesses the others"): "knows of the swap",
    ("2", "still rho when uncorrelated"): "means rho = 0",
    ("3", "the sum"): "not its sum",
    ("3", "the mean of everything"): "clips *and* scenes",
    ("3", "the sign"): "*minimise*",
    ("3", "the likeliest scene only"): "used as a hard one",
    ("3", "minus the target's entropy"): "KL divergence",
    ("3", "swapped"): "are swapped",
    ("3", "over the batch"): "dim=1",
    ("3", "yes or no for each scene"): "yes or no",
    ("3", "no softmax"): "first log-softmax",
    ("3", "no logarithm"): "no logarithm",
    ("3", "softmax, then log"): "in one piece",
    ("3", "no gradient"): "no gradient reaches",
    ("4", "forgets the minus"): "minus is missing",
    ("4", "forgets the strength"): "not scaled",
    ("4", "an ordinary layer"): "unchanged",
    ("4", "ignores the gradient"): "multiply it with",
    ("4", "divides"): "should multiply",
    ("4", "keeps the sign only"): "keep its size",
    ("4", "turns the values"): "*values*",
    ("4", "one gradient only"): "two. The strength gets None",
    ("4", "returns nothing"): "what does `backward` return",
    ("4", "detaches"): "cuts the gradient off",
    ("4", "off at zero"): "at strength 0",
    ("4", "a hook on x"): "to the action head",
    ("4", "in place"): "in place",
    ("4", "a gradient for the strength"): "its gradient is None",
    ("5", "minus lambda"): "*head* is turned round",
    ("5", "both"): "two turns are none",
    ("5", "no reversal"): "nothing is turned",
    ("5", "lambda for the head"): "scales the head's learning",
    ("5", "lambda twice"): "lambda squared",
    ("5", "reversed for both"): "unlearn actions",
    ("5", "reversed behind the head"): "reversal behind the head",
    ("5", "features detached"): "are detached",
    ("5", "the adversary alone"): "action head gets nothing",
    ("5", "no adversary"): "scene head gets nothing",
    ("6", "the entropy itself"): "goes *down*",
    ("6", "the sum"): "not the sum",
    ("6", "the mean over actions too"): "over clips only",
    ("6", "in bits"): "in nats",
    ("6", "the scene head"): "*action* is to be",
    ("6", "through a uniform target"): "uniform target",
    ("6", "entropy of the mean"): "Entropy first",
    ("6", "without the probabilities"): "not weighed",
    ("6", "no softmax"): "softmax first",
    ("6", "zeros in the logarithm"): "becomes nan",
    ("6", "features detached"): "no detach",
    ("6", "head frozen"): "action head learns nothing",
    ("6", "the released sign"): "opposite gradient",
    ("6", "no gradient at all"): "no gradient at all",
    ("7", "black"): "are black",
    ("7", "the clip's mean"): "for the whole clip",
    ("7", "grey"): "a grey",
    ("7", "mean without the hole"): "human included",
    ("7", "mean of the hole"): "human's own colour",
    ("7", "one box for all frames"): "one box for all",
    ("7", "the mask itself"): "silhouette",
    ("7", "a pixel short"): "last row and column",
    ("7", "inside out"): "inside out",
    ("7", "empty frames too"): "covered whole",
    ("7", "stumbles over an empty frame"): "there is nobody",
    ("7", "changes the clip"): "changed the clip",
    ("8", "asks the adversary"): "adversary's own accuracy",
    ("8", "tests on what it learned"): "clips it learned from",
    ("8", "on the training clips"): "clips it learned from",
    ("8", "correlated clips"): "rho = 0",
    ("8", "learns on correlated clips"): "leans on it",
    ("8", "names the action"): "names the *action*",
    ("8", "never looks at the features"): "`embed`",
    ("8", "too few clips"): "How many clips",
    ("8", "in percent"): "from 0 to 1",
    ("8", "the error"): "1 - accuracy",
    ("9", "starts at once"): "starts at once",
    ("9", "jumps"): "it jumps",
    ("9", "never arrives"): "Divide by",
    ("9", "arrives too early"): "too early",
    ("9", "negative first"): "below 0",
    ("9", "constant"): "as SDN has it",
    ("9", "runs down"): "runs down",
    ("9", "a plain sigmoid"): "0.5 where the ramp begins",
    ("9", "minus one inside"): "outside the fraction",
    ("9", "gamma forgotten"): "ends at 0.46",
    ("9", "sign of the exponent"): "sign in the exponent",
    ("bug", "only lets it run"): "still there",
    ("bug", "the harmless one"): "still there",
    ("bug", "asks for a gradient"): "still there",
    ("bug", "a copy of it"): "still there",
    ("bug", "detach instead"): "still there",
    ("bug", "no shortcut"): "lost its shortcut",
    ("bug", "zeros first"): "old channels first",
    ("bug", "means of cells"): "every other cell",
    ("bug", "a convolution"): "other parameters",
    ("bug", "twice the gradient"): "once",
    ("bug", "the input cut off"): "Each of the two ways",
}


def _named(short: str):
    return EXERCISES[f"scene_debias-{short}"]


@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_tells_right_from_wrong(name):
    prove(EXERCISES[name], wrong_answers=8)


def test_every_planted_mistake_has_its_hint_listed():
    planted = {
        (name.removeprefix("scene_debias-"), mistake)
        for name, exercise in EXERCISES.items()
        for mistake in exercise.wrong_answers
    }
    assert planted == set(FITTING)


@pytest.mark.parametrize(("short", "mistake"), FITTING)
def test_the_hint_fits_the_mistake(short, mistake):
    verdict = _named(short).verdict(_named(short).wrong_answers[mistake])
    assert FITTING[short, mistake] in verdict


def test_they_are_ten_in_order_and_make_notebook_cells(capsys):
    endings = [*map(str, range(1, 10)), "bug"]
    assert list(EXERCISES) == [f"scene_debias-{end}" for end in endings]
    for name, exercise in EXERCISES.items():
        assert exercise.id == name
        exec(exercise.stub_cell(), {"exercises": EXERCISES, "__name__": "cell"})
        assert capsys.readouterr().out.strip().endswith(NOT_ATTEMPTED)
        lines = exercise.solution.splitlines() + exercise.stub.splitlines()
        assert max(map(len, lines)) <= 88


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solved_exercise_says_what_it_shows(name, capsys):
    EXERCISES[name].check(EXERCISES[name].solved())
    *told, last = capsys.readouterr().out.strip().splitlines()
    assert told and last.endswith(": correct")
    assert any(character.isdigit() for character in "".join(told))
    assert max(map(len, told)) <= 125


def test_a_wrong_answer_gets_one_line(capsys):
    for exercise in EXERCISES.values():
        exercise.check(next(iter(exercise.wrong_answers.values())))
        assert capsys.readouterr().out.count("\n") == 1


def test_no_exercise_hides_a_name_of_the_library():
    import course.scene_debias as library

    own, rest = left_behind(EXERCISES)
    assert {exercise.function for exercise in EXERCISES.values()} <= own
    assert not (own | rest) & set(library.__all__)


@pytest.mark.parametrize("notebook", CHAPTER)
def test_no_exercise_hides_what_the_notebook_uses_later(notebook, capsys):
    """A stub says nothing and a solution is slow: no later cell may run on either."""
    own, rest = left_behind(EXERCISES)
    hidden: set[str] = set()
    for tree, stub in code_cells(NOTEBOOKS / notebook):
        assert not from_library(tree) & (hidden | rest)
        if stub:
            hidden |= {node.name for node in tree.body if hasattr(node, "name")}
        else:
            assert not read(tree) & hidden
    assert hidden <= own


def test_the_numbers_follow_the_notebooks():
    texts = [(NOTEBOOKS / name).read_text(encoding="utf-8") for name in CHAPTER]
    placed = re.findall(r'EXERCISES\[\\"scene_debias-(\w+)\\"\]\.check', "".join(texts))
    numbers = [end for end in placed if end != "bug"]  # the hunt stands where it fits
    assert numbers == [*map(str, range(1, 10))] and len(placed) == 10


def test_the_quiz_can_be_won():
    live = quiz()
    for question, choice in zip(live.questions, live.choices, strict=True):
        choice.index = question.answer
    assert live.score() == len(live.questions) == 8
    assert {question.answer for question in live.questions} == {0, 1, 2}


def _loss_of_the_library(logits, target):
    if target.ndim == 1:
        return cross_entropy(logits, target)
    entropy = -torch.xlogy(target, target).sum(1).mean()
    return kl_div(logits.log_softmax(1), target, reduction="batchmean") + entropy


def _reversal_without_a_layer(x, strength):
    return (1 + strength) * x.detach() - strength * x


def _box_by_cumsum(clip, mask):
    def span(line):
        return (line.cumsum(-1) > 0) & (line.flip(-1).cumsum(-1).flip(-1) > 0)

    hole = span(mask.any(2)).unsqueeze(2) & span(mask.any(1)).unsqueeze(1)
    return torch.where(hole, clip.mean((2, 3), keepdim=True), clip)


def _loss_with_two_minuses(features, heads, labels, strength, reverse):
    """No reversal at all: another way to the same three gradients."""
    action_head, scene_head = heads
    first = cross_entropy(action_head(features), labels[0])
    learned = cross_entropy(scene_head(features.detach()), labels[1])
    frozen = scene_head.weight.detach()
    return first + learned - strength * cross_entropy(features @ frozen.T, labels[1])


def _probe_by_least_squares(embed, adversary, draw):
    clips = draw(1000, 0.0, 5)
    x = embed(clips["clip"]).double()
    x = torch.cat([(x - x.mean(0)) / x.std(0), torch.ones(len(x), 1)], 1)
    wanted = torch.nn.functional.one_hot(clips["scene"], 8).double()
    ridge = x[:600].T @ x[:600] + torch.eye(x.shape[1])
    weights = torch.linalg.solve(ridge, x[:600].T @ wanted[:600])
    guess = (x[600:] @ weights).argmax(1)
    return (guess == clips["scene"][600:]).double().mean()


def test_another_right_way_is_accepted():
    """Exercises ask for a result, not for our way to it."""
    for short, answer in {
        "2": lambda rho, k: [(1 + (k - 1) * rho) / k, 1 / k, 0],
        "3": _loss_of_the_library,
        "4": _reversal_without_a_layer,
        "5": _loss_with_two_minuses,
        "6": lambda features, action, scene: (
            -torch.distributions.Categorical(logits=action(features)).entropy().mean()
        ),
        "7": _box_by_cumsum,
        "8": _probe_by_least_squares,
        "9": lambda p, strength, w, shape: (
            strength
            * {"linear": float, "dann": lambda q: math.tanh(5 * q)}[shape](
                max(0, p - w) / (1 - w)
            )
        ),
        "bug": bug_hunt.variant(
            bug_hunt.BUG,
            "        extra = (0, 0) * 3 + (0, self.width - kept.shape[1])\n"
            "        return nn.functional.pad(kept, extra)\n",
        ),
    }.items():
        assert _named(short).verdict(answer) == "correct", short


def test_only_one_pair_fits_each_published_number():
    for accuracy, classes, published in bias.CASES:
        chances = (1 / classes, round(100 / classes, 1) / 100)
        fits = [
            (base, chance)
            for base in (2.0, math.e, 10.0)
            for chance in chances
            if round(math.log(accuracy / chance, base), 2) == published
        ]
        assert len(fits) == 1
    base, chance, share = _named("1").solved()(*bias.UCF101)
    assert (base, chance, round(share, 2)) == (math.e, 0.01, 0.89)


def test_the_toy_world_is_what_it_says():
    for correlation in (0.0, 0.9):
        clips = probe.draw(1000, correlation, 3)
        own = (clips["action"] == clips["scene"]).float().mean()
        assert abs(own - (correlation + (1 - correlation) / 8)) < 0.04
    again = probe.draw(1000, 0.9, 3)["clip"]
    assert torch.equal(again, clips["clip"])
    for count, correlation in ((0, 0.5), (1001, 0.5), (10, 1.5)):
        with pytest.raises(ValueError, match="1 to 1000 clips"):
            probe.draw(count, correlation, 0)


def test_the_bug_shows_and_the_repair_cures_it():
    for stages, agree in ((bug_hunt.broken, False), (bug_hunt.repaired, True)):
        for line in bug_hunt.symptom(stages).splitlines():
            by_hand, backward = (
                float(part.split()[-3]) if part.endswith("hand") else float(part)
                for part in line.removesuffix(" by backward").split(", ")
            )
            assert (abs(by_hand - backward) < 0.02) == agree
    assert 18 <= len(bug_hunt.SOURCE.strip().splitlines()) <= 36
    with pytest.raises(ValueError, match="not in the source"):
        bug_hunt.variant("nonsense", "")


def test_the_bug_is_the_released_one():
    """The library offers the released shortcut on purpose: the same gradient."""
    from course.backbones.resnet3d import ZeroPadded

    x = torch.rand(1, 4, 4, 4, 4, requires_grad=True)
    for stages, detached in ((bug_hunt.broken, True), (bug_hunt.repaired, False)):
        ours = stages((4, 8))[0].shortcut(x)
        theirs = ZeroPadded(4, 2, detached)(x)
        assert torch.equal(ours, theirs)
        assert ours.requires_grad == theirs.requires_grad == (not detached)


def test_the_solutions_agree_with_the_library():
    import course.scene_debias as library
    from course.evaluation.probes import scene_probe

    torch.manual_seed(0)
    logits, hard = torch.randn(5, 4), torch.arange(5) % 4
    for target in (hard, torch.randn(5, 4).softmax(1)):
        ours = _named("3").solved()(logits, target)
        assert torch.allclose(ours, library.scene_adversarial_loss(logits, target))
    ours = _named("6").solved()(logits, torch.nn.Identity(), None)
    assert torch.allclose(ours, library.human_mask_confusion_loss(logits))
    clip, mask = torch.rand(3, 4, 9, 9), torch.rand(4, 9, 9) > 0.95
    theirs = library.mask_clip(clip, mask, kind="box", fill="mean")
    assert torch.allclose(_named("7").solved()(clip, mask), theirs)
    schedules = {"linear": library.linear_ramp, "dann": library.dann_ramp}
    for shape, ramp in schedules.items():
        theirs = library.after_warmup(ramp(0.5), 0.3)
        for p in (0.0, 0.2, 0.3, 0.7, 1.0):
            ours = _named("9").solved()(p, 0.5, 0.3, shape)
            assert math.isclose(ours, theirs(p), abs_tol=1e-12)
    learn, test = probe.draw(1000, 0.0, 1), probe.draw(1000, 0.0, 2)
    features = [probe.BOTH.embed(clips["clip"]) for clips in (learn, test)]
    theirs = scene_probe(features[0], learn["scene"], features[1], test["scene"])
    ours = _named("8").solved()(probe.BOTH.embed, probe.fooled, probe.draw)
    assert abs(ours - theirs) < 0.02


def test_reversals_agree_with_the_library_s():
    from course.scene_debias import reverse_gradient

    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, dtype=torch.float64)
    for layer in (_named("4").solved(), reverse_gradient):
        (gradient,) = torch.autograd.grad((layer(x, 0.7) * weights).sum(), x)
        assert torch.equal(gradient, -0.7 * weights)
        with pytest.raises(RuntimeError, match="Jacobian mismatch"):
            torch.autograd.gradcheck(lambda x, layer=layer: layer(x, 0.7), x)
