"""The exercises of chapter 1: each check tells right from wrong, and says what."""

from __future__ import annotations

import pytest
import torch

from course.i3d.exercises import EXERCISES, bug_hunt, quiz
from course.i3d.exercises.geometry import MODULE, TIME_TO_3A
from course.teaching import prove
from course.teaching.exercise import NOT_ATTEMPTED

# What the hint on a mistake must speak of.
FITTING = {
    ("i3d-1", "forgets to divide"): "times the answer",
    ("i3d-1", "divides by the channels"): "input channels",
    ("i3d-1", "divides by the height"): "kernel's height",
    ("i3d-1", "divides twice"): "one division",
    ("i3d-1", "time at the end"): "(O, I, n, H, W)",
    ("i3d-1", "changes w"): "still needs it",
    ("i3d-1", "the middle tap only"): "same share",
    ("i3d-2", "the same on both sides"): "both sides",
    ("i3d-2", "one more before"): "goes after",
    ("i3d-2", "all of it after"): "share it",
    ("i3d-2", "blind to the length"): "79 is odd",
    ("i3d-2", "may be negative"): "negative",
    ("i3d-3", "stride before kernel"): "*next*",
    ("i3d-3", "ignores the jump"): "one jump apart",
    ("i3d-3", "adds the whole kernel"): "there already",
    ("i3d-3", "starts at nothing"): "one input, not none",
    ("i3d-3", "adds the strides"): "multiply",
    ("i3d-3", "last layer first"): "Two layers",
    ("i3d-3", "the field only"): "the jump too",
    ("i3d-4", "forgets the average pool"): "average pool",
    ("i3d-4", "rounds down"): "round up",
    ("i3d-4", "five strides"): "leave time alone",
    ("i3d-4", "zero answers for 8 frames"): "you return 0",
    ("i3d-4", "at least one answer"): "you return 1",
    ("i3d-5", "counts frames"): "counts steps",
    ("i3d-5", "any step will do"): "some step",
    ("i3d-5", "averages probabilities"): "averages probabilities",
    ("i3d-5", "lets the steps vote"): "vote",
    ("i3d-5", "the loudest step"): "largest",
    ("i3d-5", "the last step"): "last step",
    ("i3d-5", "the k worst"): "lowest",
    ("i3d-5", "a count"): "divide by the clips",
    ("i3d-5", "top-1 whatever k"): "3 best",
    ("i3d-6", "averages probabilities"): "Add the logits",
    ("i3d-6", "averages the logits"): "by half",
    ("i3d-6", "over the clips"): "not the columns",
    ("i3d-6", "product of 32-bit probabilities"): "nan",
    ("i3d-7", "copies the mean"): "2/3",
    ("i3d-7", "copies the sum"): "twice",
    ("i3d-7", "drops blue"): "drops blue",
    ("i3d-7", "all in one channel"): "alike",
    ("i3d-8", "leaves gamma out"): "still missing",
    ("i3d-8", "forgets the mean"): "running mean",
    ("i3d-8", "scales the inputs"): "first axis",
    ("i3d-8", "divides by gamma"): "multiplies",
    ("i3d-8", "forgets eps"): "eps",
    ("i3d-8", "loses the sign"): "sign",
    ("i3d-8", "folds it twice"): "twice",
    ("i3d-8", "changes the network"): "itself",
    ("i3d-8", "the weight only"): "three tensors",
    ("i3d-bug", "only lets it run"): "better camera",
    ("i3d-bug", "grows instead of shrinks"): "grow or shrink",
    ("i3d-bug", "directions swapped"): "channel 0",
    ("i3d-bug", "the width for both"): "right across",
    ("i3d-bug", "the height for both"): "right down",
    ("i3d-bug", "after the clamp"): "too late",
    ("i3d-bug", "the fastest becomes one"): "speed is lost",
    ("i3d-bug", "no clamp"): "lost the clamp",
    ("i3d-bug", "averages probabilities"): "logits to the answer",
    ("i3d-bug", "frames in [0, 1]"): "frames reached",
    ("i3d-bug", "the frames only"): "both networks",
}


@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_tells_right_from_wrong(name):
    prove(EXERCISES[name], wrong_answers=6)


@pytest.mark.parametrize(("name", "mistake"), FITTING)
def test_the_hint_fits_the_mistake(name, mistake):
    verdict = EXERCISES[name].verdict(EXERCISES[name].wrong_answers[mistake])
    assert FITTING[name, mistake] in verdict


def test_they_are_nine_in_order_and_make_notebook_cells(capsys):
    assert list(EXERCISES) == [*(f"i3d-{k}" for k in range(1, 9)), "i3d-bug"]
    for name, exercise in EXERCISES.items():
        assert exercise.id == name
        exec(exercise.stub_cell(), {"exercises": EXERCISES})
        assert capsys.readouterr().out.strip().endswith(NOT_ATTEMPTED)
        lines = exercise.solution.splitlines() + exercise.stub.splitlines()
        assert max(map(len, lines)) <= 88


def test_the_quiz_can_be_won():
    live = quiz()
    for question, choice in zip(live.questions, live.choices, strict=True):
        choice.index = question.answer
    assert live.score() == len(live.questions) == 5


def test_another_right_way_is_accepted():
    """Exercises ask for a result, not for our way to it."""

    def into_the_variance(weight, bn):
        gamma, sign = bn.weight, bn.weight.sign()
        var = (bn.running_var + bn.eps) / gamma**2 - bn.eps
        return sign.view(-1, 1, 1, 1) * weight, sign * bn.running_mean, var

    def backwards(layers):
        rf, jump = 1, 1
        for kernel, stride in layers[::-1]:
            rf, jump = (rf - 1) * stride + kernel, jump * stride
        return rf, jump

    def by_ranks(logits, labels, k):
        mean = logits.mean(1)
        own = mean[torch.arange(len(labels)), labels]
        return ((mean > own[:, None]).sum(1) < k).double().mean()

    def in_logarithms(a, b):
        return (a.log_softmax(1) + b.log_softmax(1)).softmax(1)

    def one_ceiling(frames):
        if frames < 9:
            raise ValueError(frames)
        return -(-frames // 8) - 1

    for name, answer in {
        "i3d-1": lambda w, n: torch.stack([w / n] * n, 2),
        "i3d-2": lambda n, k, s: _by_remainder(n, k, s),
        "i3d-3": backwards,
        "i3d-4": one_ceiling,
        "i3d-5": by_ranks,
        "i3d-6": in_logarithms,
        "i3d-7": lambda w: 1.5 * w.mean(1, keepdim=True).expand(-1, 2, -1, -1),
        "i3d-8": into_the_variance,
    }.items():
        assert EXERCISES[name].verdict(answer) == "correct", name


def _by_remainder(n, k, s):
    """TensorFlow's own wording of the rule."""
    total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
    return total // 2, total - total // 2


def test_the_solutions_agree_with_the_library():
    from course.backbones.same_padding import same_padding
    from course.i3d.fusion import sum_of_logits
    from course.i3d.inflation import change_input_channels, inflate_conv
    from course.i3d.receptive_field import receptive_field

    solved = {name: exercise.solved() for name, exercise in EXERCISES.items()}
    conv = torch.nn.Conv2d(3, 4, 5, bias=False)
    ours = solved["i3d-1"](conv.weight, 7)
    assert torch.allclose(ours, inflate_conv(conv, 7).weight)
    ours = solved["i3d-7"](conv.weight)
    assert torch.allclose(ours, change_input_channels(conv, 2, "sum").weight)
    for n in range(1, 90):
        for k, s in ((7, 2), (3, 2), (3, 1), (2, 2), (1, 1), (5, 3)):
            assert solved["i3d-2"](n, k, s) == tuple(same_padding(n, k, s))
    layers = [("a", 7, 2), ("b", 3, 1), ("c", 2, 2)]
    last = receptive_field([(n, (k,) * 3, (s,) * 3) for n, k, s in layers])[-1]
    assert solved["i3d-3"]([x[1:] for x in layers]) == (last.size[0], last.jump[0])
    a, b = torch.randn(2, 5), torch.randn(2, 5)
    assert torch.allclose(solved["i3d-6"](a, b), sum_of_logits(a, b).softmax(1))


def test_receptive_fields_of_the_figure():
    """Four stage-4 modules give the paper's printed 59; the network has five."""
    field = EXERCISES["i3d-3"].solved()
    four = [*TIME_TO_3A, *2 * MODULE, (3, 2), *4 * MODULE, (2, 2)]
    assert field(four) == (59, 8)
    assert field([*four, *2 * MODULE, (2, 1)]) == (99, 8)


def test_the_bug_shows_and_the_repair_cures_it():
    assert "64 pixels wide: running" in bug_hunt.symptom()
    cured = bug_hunt.symptom(EXERCISES["i3d-bug"].solved()).splitlines()
    assert len(cured) == 3 and all("walking" in line for line in cured)
    assert bug_hunt.symptom().splitlines()[0] == cured[0]
    assert 18 <= len(bug_hunt.SOURCE.strip().splitlines()) <= 30


def test_the_film_is_one_performance_with_true_flow():
    small, flow = bug_hunt.film(32)
    large, larger_flow = bug_hunt.film(96)
    assert torch.equal(large[:, ::3, ::3], small)
    assert torch.equal(larger_flow[:, ::3, ::3], 3 * flow)
    step = int(flow.max())
    assert torch.equal(small[1], small[0].roll(step, 1))
    with pytest.raises(ValueError, match="got 40"):
        bug_hunt.film(40)


def test_a_piece_that_does_not_occur_is_refused():
    with pytest.raises(ValueError, match="not in the source"):
        bug_hunt.variant("nonsense", "")
