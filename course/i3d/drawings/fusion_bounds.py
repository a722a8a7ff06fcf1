"""Fusing two streams of which only the twenty best classes are printed.

DeepMind printed, for each stream and one sample clip, the best 20 of 400 classes with
logit and probability.  That fixes much: ln Z = logit - ln p is the normaliser of all
400, so the other 380 together have 1 - sum(p), and each of their logits is at most the
20th.  What is not fixed stays an interval here; nothing is guessed.

Carreira & Zisserman, CVPR 2017: the paper averages the streams' predictions, its
released code adds their logits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from course.i3d.published.artefacts import Reference

CLASSES = 400
ROUNDING = 2e-6  # of a sum of twenty printed probabilities
RULES = ("sum of logits", "mean of probabilities")


class Chance(NamedTuple):
    """A probability, known to lie from `low` to `high`."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether both ends agree to one per cent."""
        return self.high - self.low <= 0.01 * self.low


def log_normaliser(stream: Reference) -> float:
    """ln of the sum of exp over all 400 logits: the mean of logit - ln p.

    >>> from course.i3d.published.artefacts import reference_outputs
    >>> round(log_normaliser(reference_outputs()["imagenet_rgb"]), 4)
    25.8566
    """
    rows = zip(stream.logits, stream.probabilities, strict=True)
    return sum(logit - math.log(p) for logit, p in rows) / len(stream.logits)


def tail(stream: Reference, temperature: float = 1.0) -> tuple[float, float]:
    """Least and most that exp(logit / T) of the 380 unprinted classes can add up to.

    Args:
        stream: printed logits and probabilities.
        temperature: T; at 1 the sum is known up to rounding.

    Returns:
        both ends, in units of the 20th class's own exp(logit / T).

    With s = the sum at T = 1 in that unit, every term x lies in [0, 1], and the sum of
    x^(1/T) is extreme where all terms are equal or where as few as possible are full.
    """
    count = CLASSES - len(stream.logits)
    left = 1.0 - sum(stream.probabilities)
    unit = math.exp(stream.logits[-1] - log_normaliser(stream))
    ends = [min(count, max(0.0, left + e) / unit) for e in (-ROUNDING, ROUNDING)]

    def equal(s: float) -> float:
        return count * (s / count) ** (1 / temperature)

    def few(s: float) -> float:
        return math.floor(s) + (s - math.floor(s)) ** (1 / temperature)

    low, high = ends
    return min(equal(low), few(low)), max(equal(high), few(high))


def stream_chances(stream: Reference, temperature: float = 1.0) -> dict[str, Chance]:
    """The printed classes' probabilities at a temperature, as intervals.

    Args:
        stream: printed logits and probabilities.
        temperature: divides the logits.

    Raises:
        ValueError: a temperature that is not positive.

    >>> from course.i3d.published.artefacts import reference_outputs
    >>> chances = stream_chances(reference_outputs()["imagenet_flow"])
    >>> f"{chances['playing cricket'].low:.4f}"
    '0.9478'
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    if temperature == 1:  # as printed
        pairs = zip(stream.names, stream.probabilities, strict=True)
        return {name: Chance(p, p) for name, p in pairs}
    last = stream.logits[-1]
    powers = [math.exp((logit - last) / temperature) for logit in stream.logits]
    low, high = tail(stream, temperature)
    total = sum(powers)
    return {
        name: Chance(power / (total + high), power / (total + low))
        for name, power in zip(stream.names, powers, strict=True)
    }


def fused_chances(
    rgb: Reference,
    flow: Reference,
    rule: str = "sum of logits",
    weight: float = 0.5,
    temperature: float = 1.0,
) -> dict[str, Chance]:
    """The fused probabilities of every class that is in at least one list.

    Args:
        rgb, flow: printed logits and probabilities.
        rule: "sum of logits" (released code): softmax of 2 (w a + (1 - w) b) / T;
            "mean of probabilities" (paper): w p + (1 - w) q.
        weight: w, of RGB; 0.5 is the plain rule.
        temperature: T, divides the logits.

    Returns:
        intervals: a logit that is not printed lies anywhere below the list's 20th.

    Raises:
        ValueError: an unknown rule, or a weight outside [0, 1].

    >>> from course.i3d.published.artefacts import reference_outputs
    >>> outputs = reference_outputs()
    >>> streams = outputs["imagenet_rgb"], outputs["imagenet_flow"]
    >>> fused = fused_chances(*streams, "mean of probabilities")
    >>> f"{fused['playing cricket'].low:.3f}"
    '0.974'
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}; got {rule!r}")
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight must be in [0, 1], got {weight}")
    if rule == "sum of logits":
        return _sum_of_logits(rgb, flow, weight, temperature)
    return _mean_of_probabilities(rgb, flow, weight, temperature)


def _mean_of_probabilities(
    rgb: Reference, flow: Reference, weight: float, temperature: float
) -> dict[str, Chance]:
    chances = [stream_chances(stream, temperature) for stream in (rgb, flow)]
    both = zip(chances, (rgb, flow), strict=True)
    unseen = [Chance(0.0, c[s.names[-1]].high) for c, s in both]
    fused = {}
    for name in dict.fromkeys((*rgb.names, *flow.names)):
        p, q = (c.get(name, u) for c, u in zip(chances, unseen, strict=True))
        ends = zip(p, q, strict=True)
        fused[name] = Chance(*(weight * a + (1 - weight) * b for a, b in ends))
    return fused


def _sum_of_logits(
    rgb: Reference, flow: Reference, weight: float, temperature: float
) -> dict[str, Chance]:
    logits = [dict(zip(s.names, s.logits, strict=True)) for s in (rgb, flow)]
    shares = (2 * weight / temperature, 2 * (1 - weight) / temperature)
    names = list(dict.fromkeys((*rgb.names, *flow.names)))
    rows = list(zip(logits, (rgb, flow), shares, strict=True))
    highest = {n: sum(k * d.get(n, s.logits[-1]) for d, s, k in rows) for n in names}
    # A stream without weight need not be known.
    exact = {n for n in names if all(n in d or k == 0 for d, _, k in rows)}
    top = max(highest.values())
    powers = {n: math.exp(score - top) for n, score in highest.items()}
    certain = sum(powers[n] for n in exact)
    cap = math.exp(sum(k * s.logits[-1] for _, s, k in rows) - top)
    most = sum(powers.values()) + (CLASSES - len(names)) * cap
    return {
        n: Chance(
            powers[n] / most if n in exact else 0.0,
            powers[n] / (certain if n in exact else certain + powers[n]),
        )
        for n in names
    }


def chance_text(chance: Chance) -> str:
    """An interval in words, with what is missing to 1 where that says more.

    >>> chance_text(Chance(0.97388, 0.97388)), chance_text(Chance(0.0, 3e-8))
    ('0.974', 'at most 3.0e-08')
    >>> chance_text(Chance(1 - 2e-9, 1 - 1.8e-9))
    '1 - 2e-09'
    """
    low, high = chance
    if low == 0.0:
        return f"at most {_number(high)}"
    if chance.known:
        return _number(low)
    return f"{_number(low)} to {_number(high)}"


def _number(p: float) -> str:
    if 0.9995 < p < 1.0:
        return f"1 - {1 - p:.0e}"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"
