"""How far can a measured number be trusted?  Three intervals, all at 95 % by default.

`wilson_interval`  a share of independent trials (an accuracy on N test clips)
`t_interval`       the mean of a few numbers (one per seed)
`paired_t_interval` the mean difference of two conditions run on the same seeds

The first speaks of *which clips* were drawn, the other two of *which seeds* were: a
short interval of the first kind says nothing about the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    """An estimate and the two ends of its confidence interval, all in the same unit."""

    estimate: float
    low: float
    high: float


def t_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t distribution.

    Args:
        probability: in (0, 1).
        degrees: degrees of freedom, at least 1.

    Returns:
        The value that a t-distributed number stays below with this probability.

    Raises:
        ValueError: if an argument is outside its range.

    >>> round(t_quantile(0.975, 4), 4)
    2.7764
    """
    from scipy.special import stdtrit

    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability must be in (0, 1), got {probability}")
    if degrees < 1:
        raise ValueError(f"degrees of freedom must be at least 1, got {degrees}")
    return float(stdtrit(degrees, probability))


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of a few numbers with its t interval, exact for normal numbers, n >= 2.

    Numbers without spread give an interval of width 0.

    Args:
        values: at least two finite numbers.
        confidence: in (0, 1).

    Returns:
        The mean and the ends of the interval.

    Raises:
        ValueError: for fewer than two numbers or a number that is not finite.

    >>> [round(v, 3) for v in t_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    _check_confidence(confidence)
    numbers = [float(v) for v in values]
    if len(numbers) < 2:
        raise ValueError(f"a t interval needs at least two numbers, got {numbers}")
    if not all(math.isfinite(v) for v in numbers):
        raise ValueError(f"a t interval needs finite numbers, got {numbers}")
    if len(set(numbers)) == 1:
        return Interval(numbers[0], numbers[0], numbers[0])
    count = len(numbers)
    mean = math.fsum(numbers) / count
    variance = math.fsum((v - mean) ** 2 for v in numbers) / (count - 1)
    half = t_quantile(0.5 + confidence / 2, count - 1) * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


def paired_t_interval(
    a: Sequence[float], b: Sequence[float], confidence: float = 0.95
) -> Interval:
    """Mean of the differences a - b with its t interval; pairs share a seed.

    Pairing removes what the two conditions of a seed have in common (an easy world, a
    lucky initialisation), which is often most of the spread.

    Args:
        a, b: numbers of the two conditions, in the same order of seeds.
        confidence: in (0, 1).

    Returns:
        The mean difference and the ends of its interval.

    Raises:
        ValueError: if the lengths differ, or for fewer than two pairs.

    >>> [round(v, 3) for v in paired_t_interval([0.9, 0.7, 0.8], [0.6, 0.4, 0.6])]
    [0.267, 0.123, 0.41]
    """
    if len(a) != len(b):
        raise ValueError(f"pairs need equal lengths, got {len(a)} and {len(b)}")
    differences = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    return t_interval(differences, confidence)


def wilson_interval(successes: int, total: int, confidence: float = 0.95) -> Interval:
    """Share of successes with Wilson's score interval, which stays inside [0, 1].

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", J. American Statistical Association 22 (1927).

    Args:
        successes: number of right answers, 0 .. total.
        total: number of independent trials, at least 1.
        confidence: in (0, 1).

    Returns:
        The share and the ends of its interval.

    Raises:
        ValueError: if the counts are impossible.

    >>> [round(v, 3) for v in wilson_interval(9, 10)]
    [0.9, 0.596, 0.982]
    """
    _check_confidence(confidence)
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total} trials is impossible")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    half *= z / (1 + z * z / total)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == total else centre + half
    return Interval(share, low, high)


def _check_confidence(confidence: float) -> None:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
