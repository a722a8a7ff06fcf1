"""The exercises of chapter 2: each check tells right from wrong, and says what."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from notebook_cells import code_cells, from_library, left_behind, read

from course.motion_squeeze.exercises import EXERCISES, bug_hunt, quiz
from course.teaching import prove
from course.teaching.exercise import NOT_ATTEMPTED

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# What the hint on a mistake must speak of.
FITTING = {
    ("1", "the other way round"): "directions are swapped",
    ("1", "across clips"): "from the next clip",
    ("1", "wraps around"): "wraps around",
    ("1", "repeats the end frames"): "puts zeros",
    ("1", "one direction only"): "has not moved",
    ("1", "too many channels"): "twice as many",
    ("1", "loses the rest"): "stay as they were",
    ("1", "frames first"): "(B, T)",
    ("1", "changes x"): "still needs it",
    ("1", "keeps the clips apart"): "expected shape (8, 16, 3, 2)",
    ("2", "sign flipped"): "x - p",
    ("2", "dx and dy swapped"): "dx and dy are swapped",
    ("2", "the other frame stays"): "frames are swapped",
    ("2", "wraps around"): "wraps around",
    ("2", "repeats the border"): "beyond the border",
    ("2", "divided by C"): "plain sum",
    ("2", "cosines"): "cosines",
    ("2", "differences"): "difference of features",
    ("2", "window last"): "order of the axes",
    ("2", "half a window"): "both",
    ("2", "no gradient"): "gradient",
    ("3", "takes the argmax"): "whole numbers",
    ("3", "forgets the centre"): "from -reach to +reach",
    ("3", "(dy, dx)"): "channels are swapped",
    ("3", "no temperature"): "temperature is missing",
    ("3", "multiplies"): "divide by the temperature",
    ("3", "rows apart"): "sum to P",
    ("3", "over the places"): "over the places",
    ("3", "not divided by the sum"): "do not sum to one",
    ("3", "the scores' mean"): "coordinates",
    ("3", "in [-1, 1]"): "asked for are cells",
    ("3", "bare exponentials"): "nan",
    ("4", "across only"): "across only",
    ("4", "down only"): "downwards only",
    ("4", "centred on no motion"): "middle of the window",
    ("4", "centred on the mean"): "not the soft-argmax",
    ("4", "one peak for the map"): "share one centre",
    ("4", "a density on a line"): "sqrt(2 pi) sigma",
    ("4", "a density in the plane"): "2 pi sigma^2",
    ("4", "sums to one"): "not the sum",
    ("4", "sigma not squared"): "sigma must be squared",
    ("4", "the two is missing"): "the 2 of 2 sigma^2",
    ("4", "distance not squared"): "distance must be squared",
    ("4", "steps, not distance"): "diagonal",
    ("4", "best row, best column"): "need not meet",
    ("4", "already multiplied"): "mask alone",
    ("4", "gradient through the centre"): "gradient runs",
    ("5", "pairs across clips"): "first frame of clip 2",
    ("5", "copies the first map"): "*first* map",
    ("5", "copy at the front"): "off by one",
    ("5", "zeros at the end"): "got zeros",
    ("5", "compares it with itself"): "with itself",
    ("5", "round to the first frame"): "no ring",
    ("5", "frames swapped"): "earlier frame comes first",
    ("5", "one map a pair"): "every frame needs one",
    ("5", "nothing said of T = 1"): "RuntimeError",
    ("5", "T = 1 gives zeros"): "leaves no pair",
    ("6", "P instead of P squared"): "P * P",
    ("6", "reach instead of P"): "both sides",
    ("6", "P = 2 reach"): "the middle",
    ("6", "frames instead of pairs"): "T - 1 pairs",
    ("6", "one clip"): "every clip",
    ("6", "all pairs of places"): "all places with all places",
    ("6", "counts twice"): "count it once",
    ("6", "stores the channels"): "summed up",
    ("6", "numbers, not bytes"): "4 bytes",
    ("6", "inside only"): "outside count too",
    ("6", "bytes first"): "first multiply-adds",
    ("7", "it cancels"): "does not cancel",
    ("7", "multiplies"): "divide by the factor",
    ("7", "the factor"): "factor itself",
    ("7", "the inverse"): "inverse temperature",
    ("7", "one root too few"): "sqrt(2 pi)",
    ("7", "sigma squared on a line"): "a line has sigma",
    ("8", "cells"): "these are cells",
    ("8", "the stride only"): "`reach` cells",
    ("8", "nothing at all"): "stays white",
    ("8", "the window's width"): "not the whole window",
    ("8", "(dy, dx)"): "channels are swapped",
    ("8", "tiles"): "tiled",
    ("8", "smoothed"): "mixed between cells",
    ("8", "the small map"): "as large",
    ("8", "with the confidence"): "third channel",
    ("9", "forgets the mean"): "q - d, not q",
    ("9", "from the best match"): "from the estimate d",
    ("9", "the sign"): "towards",
    ("9", "forgets the temperature"): "1 / temperature",
    ("9", "multiplies by the temperature"): "should divide",
    ("9", "forgets the mask"): "g is missing",
    ("9", "weights without the mask"): "masked scores",
    ("9", "forgets the weights"): "weight w is missing",
    ("9", "(dy, dx)"): "parts are swapped",
    ("bug", "only lets it run"): "still there",
    ("bug", "writes it back in 16 bits"): "rounded to 16 bits",
    ("bug", "in 16 bits throughout"): "rounded to 16 bits",
    ("bug", "hides the zeros"): "hides the symptom",
    ("bug", "no division by the length"): "no cosines",
    ("bug", "the border repeated"): "repeat the border",
    ("bug", "turned around"): "reversed",
    ("bug", "another temperature"): "temperature is gone",
    ("bug", "refuses 16 bits"): "honest",
    ("bug", "cuts the gradient"): "gradient",
    ("check", "only 32 bits"): "zeros in 16 bits only",
    ("check", "only confidence"): "no motion, full confidence",
    ("check", "only motion"): "zero confidence",
    ("check", "nothing moves"): "no motion",
    ("check", "diagonal motion"): "right and down swapped",
    ("check", "the border too"): "inner cells",
    ("check", "shape and no nan"): "zeros in 16 bits only",
    ("check", "trusts everything"): "gets through",
    ("check", "trusts nothing"): "turns down a right one",
}


def _named(short: str):
    return EXERCISES[f"motion_squeeze-{short}"]


@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_tells_right_from_wrong(name):
    prove(EXERCISES[name], wrong_answers=6)


def test_every_planted_mistake_has_its_hint_listed():
    planted = {
        (name.removeprefix("motion_squeeze-"), mistake)
        for name, exercise in EXERCISES.items()
        for mistake in exercise.wrong_answers
    }
    assert planted == set(FITTING)


@pytest.mark.parametrize(("short", "mistake"), FITTING)
def test_the_hint_fits_the_mistake(short, mistake):
    verdict = _named(short).verdict(_named(short).wrong_answers[mistake])
    assert FITTING[short, mistake] in verdict


def test_they_are_eleven_in_order_and_make_notebook_cells(capsys):
    endings = [*map(str, range(1, 10)), "bug", "check"]
    assert list(EXERCISES) == [f"motion_squeeze-{end}" for end in endings]
    difficulties = [exercise.difficulty for exercise in EXERCISES.values()]
    assert difficulties[:-2] == sorted(difficulties[:-2])
    for name, exercise in EXERCISES.items():
        assert exercise.id == name
        exec(exercise.stub_cell(), {"exercises": EXERCISES})
        assert capsys.readouterr().out.strip().endswith(NOT_ATTEMPTED)
        lines = exercise.solution.splitlines() + exercise.stub.splitlines()
        assert max(map(len, lines)) <= 88


@pytest.mark.parametrize(
    "notebook", ["02_motion_squeeze.ipynb", "02b_motion_squeeze_questions.ipynb"]
)
def test_no_exercise_hides_what_the_notebook_uses_later(notebook, capsys):
    """A stub says nothing and a solution is slow: no later cell may run on either."""
    own, rest = left_behind(EXERCISES)
    assert {exercise.function for exercise in EXERCISES.values()} <= own
    hidden: set[str] = set()
    for tree, stub in code_cells(NOTEBOOKS / notebook):
        assert not from_library(tree) & (hidden | rest)
        if stub:
            hidden |= {node.name for node in tree.body if hasattr(node, "name")}
        else:
            assert not read(tree) & hidden
    assert hidden and hidden <= own


def test_the_quiz_can_be_won():
    live = quiz()
    for question, choice in zip(live.questions, live.choices, strict=True):
        choice.index = question.answer
    assert live.score() == len(live.questions) == 7
    assert {question.answer for question in live.questions} != {1}


def _shift_by_pad(x, num_frames, fraction=8):
    clips = x.unflatten(0, (-1, num_frames))
    n = x.shape[1] // fraction
    zero = torch.zeros_like(clips[:, :1])
    later, earlier = torch.cat([clips, zero], 1), torch.cat([zero, clips], 1)
    parts = later[:, 1:, :n], earlier[:, :-1, n : 2 * n], clips[:, :, 2 * n :]
    return torch.cat(parts, 2).flatten(0, 1)


def _correlation_by_loops(f1, f2, reach):
    (count, _, height, width), side = f1.shape, 2 * reach + 1
    out = f1.new_zeros(count, side, side, height, width)
    for y in range(height):
        for x in range(width):
            for i in range(side):
                for j in range(side):
                    v, u = y + i - reach, x + j - reach
                    if 0 <= v < height and 0 <= u < width:
                        out[:, i, j, y, x] = (f1[..., y, x] * f2[..., v, u]).sum(1)
    return out


def _gradient_by_autograd(scores, mask, temperature):
    def estimate(s):
        w = (mask * s / temperature).flatten().softmax(0).view_as(s)
        steps = torch.arange(len(s), dtype=s.dtype) - len(s) // 2
        return torch.stack([(w.sum(0) * steps).sum(), (w.sum(1) * steps).sum()])

    return torch.autograd.functional.jacobian(estimate, scores)


def _one_pair_at_a_time(features, num_frames, compare):
    if num_frames == 1:
        raise ValueError("one frame")
    maps = []
    for clip in features.split(num_frames):
        d = [
            compare(clip[t : t + 1], clip[t + 1 : t + 2]) for t in range(len(clip) - 1)
        ]
        maps += [*d, d[-1]]
    return torch.cat(maps)


def test_another_right_way_is_accepted():
    """Exercises ask for a result, not for our way to it."""
    for short, answer in {
        "1": _shift_by_pad,
        "2": _correlation_by_loops,
        "5": _one_pair_at_a_time,
        "6": lambda b, t, c, h, w, n: tuple(
            (t * b - b) * h * w * (n + n + 1) ** 2 * k for k in (c, 4)
        ),
        "7": lambda t, sigma, n: (
            t * (2 * torch.pi * sigma**2) ** {"none": 0, "1d": 0.5, "2d": 1}[n]
        ),
        "8": lambda d, reach=7, stride=8: (
            reach
            * stride
            * torch.nn.functional.interpolate(d[:, :2], scale_factor=stride)
        ),
        "9": _gradient_by_autograd,
        "bug": bug_hunt.variant(bug_hunt.READ, "sums.relu()"),
    }.items():
        assert _named(short).verdict(answer) == "correct", short


def test_more_ways_to_repair_the_matcher():
    kept = bug_hunt.variant(
        "new_zeros(B, P, P, H, W)", "new_zeros(B, P, P, H, W, dtype=torch.float32)"
    )
    assert _named("bug").verdict(kept) == "correct"
    whole = bug_hunt.REPAIRED.replace("], dim=1)\n", "], dim=1).to(f1.dtype)\n")
    assert whole != bug_hunt.REPAIRED
    assert _named("bug").verdict(bug_hunt.compiled(whole)) == "correct"


def test_a_check_of_assertions_is_accepted():
    fair = _named("check").solved()

    def asserting(squeeze):
        assert fair(squeeze)
        return True

    assert _named("check").verdict(asserting) == "correct"
    for seed in range(20):  # the learner's features are random
        torch.manual_seed(seed)
        assert fair(bug_hunt.repaired) and not fair(bug_hunt.broken)


def test_the_bug_shows_and_the_repair_cures_it():
    told = bug_hunt.symptom().splitlines()
    cured = bug_hunt.symptom(_named("bug").solved()).splitlines()
    assert told[0] == cured[0]
    for line in told[1:]:
        assert line.endswith("right 0.0  down 0.0  confidence 0.0")
    for line in cured:
        assert line.endswith("right 2.0  down -1.0  confidence 1.0")
    assert 18 <= len(bug_hunt.SOURCE.strip().splitlines()) <= 32
    assert len(bug_hunt.REPAIRED.splitlines()) <= len(bug_hunt.SOURCE.splitlines())


def test_the_silent_matcher_gives_no_gradient_and_no_error():
    f1, f2 = (f.bfloat16().requires_grad_() for f in bug_hunt.moved_pair())
    assert not bug_hunt.broken(f1, f2).requires_grad
    assert bug_hunt.broken(f1.float(), f2.float()).requires_grad


def test_a_piece_that_does_not_occur_is_refused():
    with pytest.raises(ValueError, match="not in the source"):
        bug_hunt.variant("nonsense", "")


def test_the_solutions_agree_with_the_library():
    from course.backbones.tsm import temporal_shift
    from course.motion_squeeze.correlation import correlation, normalise
    from course.motion_squeeze.soft_argmax import (
        gaussian_mask,
        kernel_soft_argmax,
        soft_argmax,
    )

    torch.manual_seed(0)
    x = torch.randn(6, 16, 4, 5)
    assert torch.equal(_named("1").solved()(x, 3), temporal_shift(x, 3))
    f1, f2 = (normalise(torch.randn(2, 8, 6, 7).relu()) for _ in range(2))
    scores = correlation(f1, f2, 2)
    assert torch.allclose(_named("2").solved()(f1, f2, 2), scores, atol=1e-6)
    for temperature in (0.01, 0.1):
        ours = _named("3").solved()(scores, temperature)
        assert torch.allclose(ours, soft_argmax(scores, temperature)[0], atol=1e-4)
    mask = _named("4").solved()(scores, 5.0)
    assert torch.allclose(mask, gaussian_mask(scores, 5.0, "none"), atol=1e-6)
    for normaliser in ("1d", "2d"):
        tau = _named("7").solved()(0.01, 5.0, normaliser)
        ours = kernel_soft_argmax(scores, 5.0, tau)[0]
        theirs = kernel_soft_argmax(scores, 5.0, 0.01, normaliser)[0]
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_the_gradient_is_the_library_s():
    from course.motion_squeeze.soft_argmax import gaussian_mask, kernel_soft_argmax

    generator = torch.Generator().manual_seed(0)
    s = torch.rand(1, 5, 5, 1, 1, generator=generator, dtype=torch.float64)
    mask = gaussian_mask(s, 2.0)[0, :, :, 0, 0]
    s.requires_grad_()
    d = kernel_soft_argmax(s, 2.0, 0.1)[0].flatten()
    theirs = [torch.autograd.grad(x, s, retain_graph=True)[0].squeeze() for x in d]
    ours = _named("9").solved()(s.detach()[0, :, :, 0, 0], mask, 0.1)
    assert torch.allclose(ours, torch.stack(theirs), atol=1e-9)


def test_counts_of_the_published_setting():
    """7 pairs, 64 channels, 28 x 28 places, a window of 15 x 15."""
    cost = _named("6").solved()
    assert cost(1, 8, 64, 28, 28, 7) == (79_027_200, 4_939_200)
    assert round(cost(48, 8, 64, 28, 28, 7)[1] / 2**20) == 226
    tau = _named("7").solved()
    assert round(tau(0.01, 5.0, "1d"), 3) == 0.125
    assert round(tau(0.01, 5.0, "2d"), 2) == 1.57
