"""Intervals against scipy, statsmodels' textbook values and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course.evaluation.intervals import (
    paired_t_interval,
    t_interval,
    t_quantile,
    wilson_interval,
)

numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12)


@pytest.mark.parametrize("degrees, printed", [(1, 12.706), (4, 2.776), (9, 2.262)])
def test_t_quantile_is_the_printed_table(degrees, printed):
    assert round(t_quantile(0.975, degrees), 3) == printed


@given(numbers, st.sampled_from([0.8, 0.95, 0.99]))
def test_t_interval_is_scipys(values, confidence):
    ours = t_interval(values, confidence)
    if np.std(values) == 0:
        assert ours.low == ours.high == ours.estimate
        return
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
    scale = 1e-9 + 1e-6 * max(map(abs, values))
    assert ours.low == pytest.approx(theirs.low, rel=1e-6, abs=scale)
    assert ours.high == pytest.approx(theirs.high, rel=1e-6, abs=scale)


def test_paired_interval_is_scipys_and_beats_the_unpaired_one():
    rng = np.random.default_rng(0)
    world = rng.normal(size=6)
    a, b = world + 0.5 + 0.1 * rng.normal(size=6), world + 0.1 * rng.normal(size=6)
    ours = paired_t_interval(a, b)
    theirs = stats.ttest_rel(a, b).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    unpaired = stats.ttest_ind(a, b).confidence_interval()
    assert ours.high - ours.low < 0.5 * (unpaired.high - unpaired.low)


def test_t_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(3.0, 2.0, size=(2000, 3))
    hits = [low <= 3.0 <= high for _, low, high in map(t_interval, draws)]
    assert 0.935 < np.mean(hits) < 0.965


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys_and_stays_inside(counts):
    share, low, high = wilson_interval(*counts)
    theirs = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0.0 <= low <= share <= high <= 1.0


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_numbers_that_decide_nothing_are_refused(values):
    with pytest.raises(ValueError, match="t interval needs"):
        t_interval(values)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="2 and 3"):
        paired_t_interval([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="5 successes of 4"):
        wilson_interval(5, 4)
    with pytest.raises(ValueError, match="0 successes of 0"):
        wilson_interval(0, 0)
    with pytest.raises(ValueError, match=r"1\.5"):
        t_quantile(1.5, 3)
    with pytest.raises(ValueError, match="confidence"):
        t_interval([1, 2], confidence=95)
