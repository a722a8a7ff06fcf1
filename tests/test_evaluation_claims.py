"""The claims engine: every kind's outcomes, staleness, what is missing, honesty."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.evaluation import KINDS, OUTCOMES, Claim, missing_runs, verdict


def record(*values, metric="m", hash="now", first=0, **run):
    """A record with one value a seed."""
    runs = {
        str(first + seed): {"metrics": {metric: value}, **run}
        for seed, value in enumerate(values)
    }
    return {"format": 1, "name": "-", "settings_hash": hash, "runs": runs}


def claim(kind="greater", **fields):
    fields = {"metric": "m", "a": "a", "b": "b"} | fields
    fields = {k: v for k, v in fields.items() if v is not None}
    return Claim("id", "a sentence", "ours", kind, **fields)


def decide(made, *rows, **options):
    """Outcome on records called a, b, c, d."""
    records = {name: record(*row) for name, row in zip("abcd", rows, strict=False)}
    return verdict(made, records, **options)


BASE = (0.50, 0.42, 0.61, 0.38, 0.55)


def shifted(by, wobble=0.01):
    return [x + by + wobble * (-1) ** i for i, x in enumerate(BASE)]


@pytest.mark.parametrize(
    "by, least, outcome",
    [
        (0.10, 0.05, "holds"),
        (0.10, 0.00, "holds"),
        (0.10, 0.10, "undecided"),
        (0.02, 0.05, "fails"),
        (-0.1, 0.00, "fails"),
        (-0.01, -0.05, "holds"),
    ],
)
def test_greater(by, least, outcome):
    found = decide(claim(least=least), shifted(by), BASE)
    assert found.outcome == outcome
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(by + 0.002)


@pytest.mark.parametrize(
    "gain, other, outcome",
    [(0.3, 0.1, "holds"), (0.1, 0.1, "undecided"), (0.1, 0.3, "fails")],
)
def test_a_gain_over_a_gain(gain, other, outcome):
    rows = shifted(gain), BASE, shifted(other, wobble=-0.01), BASE
    found = decide(claim(c="c", d="d"), *rows)
    assert found.outcome == outcome
    by_hand = [a - b - c + d for a, b, c, d in zip(*rows, strict=True)]
    assert found.estimate == pytest.approx(sum(by_hand) / len(by_hand))
    words = (
        rf"a minus b \{gain + 0.002:+.3f}, c minus d \{other - 0.002:+.3f}; difference"
    )
    assert re.search(words, found.sentence), found.sentence


def test_pairing_decides_what_means_alone_would_not():
    found = decide(claim(), shifted(0.03), BASE)
    assert found.outcome == "holds" and np.std(BASE) > 0.08
    unpaired = decide(claim(), sorted(shifted(0.03)), sorted(BASE, reverse=True))
    assert unpaired.outcome == "undecided"


@pytest.mark.parametrize(
    "by, margin, outcome",
    [
        (0.0, 0.05, "holds"),
        (0.2, 0.05, "fails"),
        (-0.2, 0.05, "fails"),
        (0.05, 0.05, "undecided"),
        (0.0, 0.01, "undecided"),
    ],
)
def test_equal(by, margin, outcome):
    assert decide(claim("equal", margin=margin), shifted(by), BASE).outcome == outcome


def test_exact_is_about_every_seed():
    assert decide(claim("exact"), BASE, BASE).outcome == "holds"
    assert decide(claim("exact"), (*BASE[:4], 0.55000001), BASE).outcome == "fails"
    made = claim("exact", b=None, value=20985.0)
    assert decide(made, (20985, 20985)).outcome == "holds"
    assert decide(made, (20985, 20986)).outcome == "fails"


def test_a_fixed_number_may_stand_for_b():
    made = claim(b=None, value=0.9, least=0.05)
    assert decide(made, (0.97, 0.98, 0.97)).outcome == "holds"
    assert decide(made, (0.91, 0.92, 0.91)).outcome == "fails"
    near = claim("equal", b=None, value=0.5, margin=0.02)
    assert decide(near, (0.5, 0.501, 0.499)).outcome == "holds"


@pytest.mark.parametrize(
    "values, outcome",
    [
        ((0.30, 0.31, 0.32), "holds"),
        ((0.10, 0.11, 0.12), "fails"),
        ((0.60, 0.61, 0.62), "fails"),
        ((0.39, 0.40, 0.41), "undecided"),
        ((0.40, 0.40, 0.40), "holds"),
    ],
)
def test_value_inside_a_range(values, outcome):
    made = claim("inside", b=None, lower=0.2, upper=0.4)
    assert decide(made, values).outcome == outcome


def test_open_ranges():
    below = claim("inside", b=None, upper=0.5)
    assert decide(below, (0.3, 0.31)).outcome == "holds"
    assert decide(below, (0.7, 0.71)).outcome == "fails"
    above = claim("inside", b=None, lower=0.5)
    assert decide(above, (0.3, 0.31)).outcome == "fails"


SWEEP = ((0.1, "x1"), (0.3, "x3"), (1.0, "x10"), (3.0, "x30"))
PEAK = {"a": None, "b": None, "sweep": SWEEP, "lower": 0.2, "upper": 2.0}


def sweep_records(curve, spread=0.01, seeds=5):
    """One record a setting; a seed moves the whole curve, and every point a little."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.2, seeds) + rng.normal(0, spread, (len(curve), seeds))
    rows = np.asarray(curve)[:, None] + noise
    return {n: record(*r.tolist()) for (_, n), r in zip(SWEEP, rows, strict=True)}


@pytest.mark.parametrize(
    "curve, outcome, peak",
    [
        ((0.2, 0.5, 0.4, 0.1), "holds", "0.3"),
        ((0.2, 0.4, 0.5, 0.1), "holds", "1"),
        ((0.1, 0.2, 0.3, 0.4), "fails", "3"),
        ((0.6, 0.5, 0.4, 0.3), "fails", "0.1"),
    ],
)
def test_peak_of_a_sweep(curve, outcome, peak):
    found = verdict(claim("inside", **PEAK), sweep_records(curve))
    assert found.outcome == outcome
    assert found.sentence.startswith(f"best mean at {peak};")
    assert len(found.sides) == 4


def test_a_flat_sweep_has_no_peak_whoever_wins_by_luck():
    made = claim("inside", **PEAK | {"lower": 0.0, "upper": 2.0})
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        rows = rng.normal(0.5, 0.05, (4, 8)).tolist()
        records = {n: record(*r) for (_, n), r in zip(SWEEP, rows, strict=True)}
        held += verdict(made, records).outcome == "holds"
    assert held / 400 < 0.06


def test_a_setting_is_chosen_on_the_other_seeds():
    sweep = ((1, "a"), (2, "b"), (9, "c"))
    made = claim("inside", a=None, b=None, sweep=sweep, upper=5.0)
    found = decide(made, (1.0, 0.0), (0.0, 1.0), (0.4, 0.4))
    assert found.outcome == "fails" and found.estimate == pytest.approx(-0.4)


FLIP = {"c": "c", "d": "d", "least": 0.02}


@pytest.mark.parametrize(
    "here, there, outcome",
    [
        (0.1, -0.1, "holds"),
        (0.1, 0.1, "fails"),
        (-0.1, -0.1, "fails"),
        (-0.1, 0.1, "fails"),
        (0.1, -0.02, "undecided"),
        (0.02, -0.1, "undecided"),
    ],
)
def test_sign_flip(here, there, outcome):
    made = claim("sign_flip", **FLIP)
    found = decide(made, shifted(here), BASE, shifted(there), BASE)
    assert found.outcome == outcome


def test_a_flip_reports_its_weaker_side():
    made = claim("sign_flip", **FLIP)
    found = decide(made, shifted(0.3), BASE, shifted(-0.1), BASE)
    assert found.estimate == pytest.approx(0.1 - 0.002)
    assert "a minus b +0.302" in found.sentence and "c minus d -0.098" in found.sentence


def test_the_sentence_is_computed():
    found = decide(claim(least=0.05), (0.8, 0.82, 0.84), (0.5, 0.52, 0.56))
    assert found.sentence == (
        "a 0.820, b 0.527; difference +0.293 [+0.265, +0.322] over 3 seeds, "
        "claimed above +0.050: holds"
    )
    again = decide(claim(least=0.4), (0.8, 0.82, 0.84), (0.5, 0.52, 0.56))
    assert again.sentence.endswith("claimed above +0.400: fails")
    digits = decide(claim("exact", digits=0), (3.0, 3.0), (3.0, 3.0))
    assert digits.sentence == (
        "a 3, b 3; difference +0 [+0, +0] over 2 seeds, claimed exactly equal: holds"
    )


def test_zero_spread_is_a_point():
    assert decide(claim(least=0.25), (0.5, 0.5), (0.0, 0.0)).outcome == "holds"
    found = decide(claim(least=0.5), (0.5, 0.5), (0.0, 0.0))
    assert found.outcome == "fails" and found.low == found.high == 0.5
    assert decide(claim("equal", margin=0.5), (0.5, 0.5), (0.0, 0.0)).outcome == "fails"


def test_seeds_are_matched_not_lined_up():
    records = {"a": record(9.0, 1.0, 2.0, 3.0), "b": record(0.5, 1.5, 2.5, first=1)}
    found = verdict(claim(), records)
    assert found.seeds == (1, 2, 3)
    assert found.estimate == pytest.approx(0.5) and found.outcome == "holds"
    assert verdict(claim(), records, seeds=[2, 3, 8]).seeds == (2, 3)


def test_seeds_are_numbers_not_text():
    assert decide(claim(), range(12), [-1] * 12).seeds == tuple(range(12))


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_decides_nothing(kind):
    fields = {
        "greater": {},
        "equal": {"margin": 0.1},
        "exact": {},
        "inside": {"b": None, "lower": 0.0},
        "sign_flip": {"c": "c", "d": "d"},
    }[kind]
    found = decide(claim(kind, **fields), [1.0], [0.0], [0.0], [1.0])
    assert found.outcome == "undecided" and found.estimate is None
    assert found.sentence == "1 common seed: two are needed"


def test_no_common_seed_and_no_number():
    apart = {"a": record(1.0, 1.0), "b": record(0.0, 0.0, first=5)}
    assert verdict(claim(), apart).sentence == "0 common seeds: two are needed"
    found = decide(claim(), (1.0, math.nan, 1.0), (0.0, 0.0, 0.0))
    assert found.outcome == "undecided" and found.sentence.endswith("at seed 1")


def test_not_recorded_names_what_lacks():
    found = verdict(claim(), {"a": record(1.0, 1.0)})
    assert (found.outcome, found.sentence) == ("not recorded", "no run of b (m)")
    records = {"a": record(1.0, 1.0), "b": record(1.0, 1.0, metric="other")}
    assert verdict(claim(), records).outcome == "not recorded"
    assert verdict(claim(b="b:other"), records).outcome == "fails"
    assert decide(claim(), (1, 1), (0, 0), seeds=[7]).outcome == "not recorded"


def test_stale_is_never_a_result():
    records = {"a": record(1.0, 1.0), "b": record(0.0, 0.0, hash="then")}
    found = verdict(claim(), records, {"a": "now", "b": "now"})
    assert found.outcome == "stale" and "b" in found.sentence
    assert found.estimate is found.low is None and found.seeds == ()
    fresh = verdict(claim(), records, {"a": "now", "b": "then"})
    assert fresh.outcome == verdict(claim(), records).outcome == "holds"
    assert verdict(claim(), records, {"a": "now"}).outcome == "stale"
    assert verdict(claim(), {"a": records["a"]}, {"a": "now"}).outcome == "not recorded"
    nameless = {"a": record(1.0, 1.0, hash=None), "b": record(0.0, 0.0, hash=None)}
    assert verdict(claim(), nameless, {}).outcome == "stale"


def test_a_shortened_run_is_passed_on():
    records = {"a": record(1.0, 1.0), "b": record(0.0, 0.0, shortened=True)}
    assert verdict(claim(), records).shortened
    assert not decide(claim(), (1, 1), (0, 0)).shortened


def test_records_may_be_objects():
    class Saved:
        settings_hash = "now"
        runs = record(1.0, 1.0)["runs"]

    records = {"a": Saved(), "b": record(0.0, 0.0)}
    hashes = {"a": "now", "b": "now"}
    assert verdict(claim(), records, hashes).outcome == "holds"
    assert missing_runs([claim()], records, [0, 2], hashes) == [("a", 2), ("b", 2)]


def test_missing_runs_by_seed_then_name():
    claims = [claim(), claim(a="c:n", b="b"), claim("inside", **PEAK)]
    records = {"a": record(1.0, 1.0), "c": record(1.0, 1.0)}
    everything = missing_runs(claims, {}, [0, 1])
    names = ["a", "b", "c", "x1", "x3", "x10", "x30"]
    assert everything == [(n, s) for s in (0, 1) for n in names]
    assert ("a", 0) not in missing_runs(claims, records, [0, 1])
    assert ("c", 0) in missing_runs(claims, records, [0, 1])  # lacks the metric n
    stale = missing_runs([claim()], records, [0], {"a": "new", "b": "new"})
    assert stale == [("a", 0), ("b", 0)]
    assert missing_runs([claim(b="a")], records, [0, 1], {"a": "now"}) == []


def test_doing_what_is_missing_ends():
    claims, records = [claim(), claim("sign_flip", **FLIP)], {}
    for name, seed in missing_runs(claims, records, [0, 1]):
        one = records.setdefault(name, {"settings_hash": "now", "runs": {}})
        one["runs"][str(seed)] = {"metrics": {"m": 1.0}}
    assert missing_runs(claims, records, [0, 1], dict.fromkeys("abcd", "now")) == []
    assert all(verdict(c, records).outcome in ("holds", "fails") for c in claims)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=8),
    st.floats(-0.5, 0.5),
)
def test_a_claim_and_its_opposite_never_both_hold(pairs, least):
    a, b = zip(*pairs, strict=True)
    one = decide(claim(least=least), a, b).outcome
    other = decide(claim(least=-least), b, a).outcome
    assert one in OUTCOMES and (one, other) != ("holds", "holds")
    if one == "holds":
        assert other == "fails"


def test_a_true_nothing_seldom_holds():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.5, 0.1, (1000, 2, 5)).tolist()
    outcomes = [decide(claim(), a, b).outcome for a, b in draws]
    assert 0.01 < np.mean([o == "holds" for o in outcomes]) < 0.04
    assert 0.01 < np.mean([o == "fails" for o in outcomes]) < 0.04


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"kind": "better"}, "kind must be one of greater"),
        ({"b": None}, "needs a \\+ b or a \\+ value or a \\+ b \\+ c \\+ d; got a"),
        ({"value": 1.0}, "got a \\+ b \\+ value"),
        ({"kind": "equal"}, "margin"),
        ({"kind": "equal", "margin": 0.0}, "must be positive, got 0.0"),
        ({"kind": "equal", "margin": 0.1, "least": 0.1}, "least is of no use"),
        ({"kind": "inside", "b": None}, "lower"),
        (
            {"kind": "inside", "b": None, "lower": 2, "upper": 1},
            "lower 2 is above upper 1",
        ),
        ({"kind": "sign_flip", "c": "c"}, "a \\+ b \\+ c \\+ d; got a \\+ b \\+ c"),
        ({"kind": "sign_flip", "c": "c", "d": "d", "least": -1.0}, "at least 0"),
        ({"kind": "inside", **PEAK, "lower": 0.0, "upper": 9.0}, "inside and outside"),
        ({"kind": "inside", **PEAK, "sweep": SWEEP + SWEEP[:1]}, "different settings"),
        ({"least": math.nan}, "finite"),
        ({"metric": ""}, "a record and a metric"),
        ({"a": "a:"}, "a record and a metric"),
        ({"digits": -1}, "digits"),
    ],
)
def test_a_claim_that_cannot_be_decided_cannot_be_made(fields, message):
    with pytest.raises(ValueError, match=message):
        claim(**fields)


def test_a_claim_cannot_be_changed_after_the_runs():
    with pytest.raises(AttributeError):
        claim().least = 0.5
