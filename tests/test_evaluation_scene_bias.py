"""Scene bias: the published number, closed forms, scikit-learn as a judge."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import log_loss

from course.evaluation import (
    dataset_scene_bias,
    label_entropy,
    linear_probe,
    majority_rate,
    one_hot,
    repair_bias,
    scene_bias,
    scene_bias_ceiling,
    scene_bias_interval,
    scene_probe,
)


def test_ucf101_as_published():
    assert round(scene_bias(0.597, 0.010), 2) == 4.09
    assert round(scene_bias(0.597, 1 / 101), 2) == 4.10
    assert scene_bias(0.597, 0.01) < scene_bias_ceiling(101) == math.log(101)


def test_published_biases_read_as_natural_logarithms_stay_below_their_ceilings():
    """4.09 of 101 classes says more than 3.96 of 400: by the ceiling, and by accuracy.

    In base 2 or 10 the first would be an accuracy of .17, or one beyond 100 %.
    """
    ucf101, kinetics = 4.09, 3.96
    shares = ucf101 / scene_bias_ceiling(101), kinetics / scene_bias_ceiling(400)
    assert [round(share, 2) for share in shares] == [0.89, 0.66]
    accuracies = math.exp(ucf101) / 101, math.exp(kinetics) / 400
    assert [round(accuracy, 3) for accuracy in accuracies] == [0.591, 0.131]
    assert scene_bias(accuracies[1], 1 / 400) == pytest.approx(kinetics)
    assert round(2**ucf101 * 0.01, 2) == 0.17 and 10**ucf101 * 0.01 > 1


@given(st.floats(1e-6, 1.0), st.integers(2, 1000))
def test_bias_is_zero_at_chance_and_at_most_ln_k(accuracy, classes):
    assert scene_bias(1 / classes, 1 / classes) == 0.0
    assert scene_bias(accuracy, 1 / classes) <= scene_bias_ceiling(classes) + 1e-9


@pytest.mark.parametrize(
    "accuracy, chance", [(0, 0.1), (1.1, 0.1), (0.5, 0), (59.7, 1)]
)
def test_shares_outside_their_range_are_refused(accuracy, chance):
    with pytest.raises(ValueError, match=r"must be in \(0, 1\]"):
        scene_bias(accuracy, chance)


def test_interval_holds_zero_for_a_guesser_and_knows_minus_infinity():
    low, high = scene_bias_interval(13, 100, 0.125)[1:]
    assert low < 0 < high
    assert scene_bias_interval(0, 10, 0.5)[:2] == (-math.inf, -math.inf)
    with pytest.raises(ValueError, match="chance"):
        scene_bias_interval(1, 10, 0.0)


def test_repair_bias_is_bounded():
    labels = np.random.default_rng(0).integers(0, 4, 200)
    prior = np.bincount(labels) / 200
    assert label_entropy(labels) == pytest.approx(entropy(prior))
    ignorant = log_loss(labels, np.tile(prior, (200, 1)))
    assert repair_bias(ignorant, label_entropy(labels)) == pytest.approx(0.0, abs=1e-12)
    assert repair_bias(0.0, 1.0) == 1.0
    assert repair_bias(9.0, 1.0) == 0.0
    for bad in [(-0.1, 1.0), (0.5, 0.0), (math.nan, 1.0)]:
        with pytest.raises(ValueError, match="must be"):
            repair_bias(*bad)


def world(rho: float, count: int, seed: int, classes: int = 8):
    """Labels of a world: the own scene with probability rho, else any."""
    rng = np.random.default_rng(seed)
    actions = np.arange(count) % classes
    anywhere = rng.integers(0, classes, count)
    return actions, np.where(rng.random(count) < rho, actions, anywhere)


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_perfect_scene_knowledge_reaches_the_closed_form(rho):
    (a, s), (at, st_) = world(rho, 4000, 0), world(rho, 4000, 1)
    found = dataset_scene_bias(one_hot(s, 8), a, one_hot(st_, 8), at, num_actions=8)
    closed = rho + (1 - rho) / 8
    assert found.accuracy.low - 0.01 <= closed <= found.accuracy.high + 0.01
    assert found.bias.estimate == pytest.approx(math.log(8 * closed), abs=0.06)
    assert found.bias.estimate < found.ceiling == math.log(8)
    assert 0.0 < found.repair < 1.0


def test_without_correlation_there_is_no_bias():
    (a, s), (at, st_) = world(0.0, 4000, 0), world(0.0, 4000, 1)
    found = dataset_scene_bias(one_hot(s, 8), a, one_hot(st_, 8), at, num_actions=8)
    assert found.bias.low - 0.1 < 0 < found.bias.high + 0.1
    assert found.repair < 0.01


def test_probe_scores_are_scikit_learns():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 5)) * 2
    y = rng.integers(0, 3, 300)
    x = centres[y] + rng.normal(size=(300, 5))
    probe = linear_probe(x[:200], y[:200], x[200:], y[200:])
    from sklearn.linear_model import LogisticRegression

    mean, std = x[:200].mean(0), x[:200].std(0)
    judge = LogisticRegression(max_iter=5000).fit((x[:200] - mean) / std, y[:200])
    test = (x[200:] - mean) / std
    assert probe.accuracy.estimate == judge.score(test, y[200:])
    assert probe.cross_entropy == pytest.approx(
        log_loss(y[200:], judge.predict_proba(test)), rel=1e-6
    )
    tensors = [torch.as_tensor(v) for v in (x[:200], y[:200], x[200:], y[200:])]
    assert scene_probe(*tensors) == probe.accuracy.estimate


def test_a_label_never_seen_counts_as_wrong():
    x = np.arange(4.0)[:, None]
    probe = linear_probe(x, [0, 0, 1, 1], x, [0, 0, 1, 2])
    assert probe.correct == 3 and probe.cross_entropy == math.inf


def test_scale_of_the_features_does_not_matter():
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    x = rng.normal(size=(100, 2)) + y[:, None] * [3.0, 0.0]
    scaled = x * [1e-4, 1e4]
    assert scene_probe(x, y, x, y) == scene_probe(scaled, y, scaled, y) > 0.85


def test_errors_name_the_shapes():
    x, y = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"training.*\(4, 2\), \(3,\)"):
        linear_probe(x, y[:3], x, y)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        linear_probe(x, y, np.zeros((4, 3)), y)
    with pytest.raises(ValueError, match="test: 8 features are not finite"):
        linear_probe(x, y, x + np.nan, y)
    with pytest.raises(ValueError, match="two classes"):
        linear_probe(x, y * 0, x, y)
    with pytest.raises(ValueError, match="num_classes"):
        scene_bias_ceiling(1)
    with pytest.raises(ValueError, match=r"0 \.\. 1"):
        one_hot(np.array([2]), 2)
    assert majority_rate(np.array([0, 0, 1])) == pytest.approx(2 / 3)
