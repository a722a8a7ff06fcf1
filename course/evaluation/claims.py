"""The claims ledger's engine: from a claim and recorded numbers to a verdict.

A claim is written down *before* the runs; `verdict` then decides it from the records
alone, by the 95 % t interval over the seeds that all its records share.  Differences
are paired, because a seed changes the world and the weights of both sides.

    holds         the whole interval makes the claim's sentence true
    fails         no point of the interval does
    undecided     anything else: more seeds may tell; also fewer than two common seeds,
                  or a number that is not finite
    not recorded  a record, or its metric, has no run
    stale         a record was made by other settings than today's code has

Nothing here reads a file: a record is a `course.training.Record` or the dictionary of
one.
`Claim` is in `claim.py`, the five kinds are in `claim_kinds.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course.evaluation.claim import KINDS, Claim
from course.evaluation.claim_kinds import DECIDERS

__all__ = ["KINDS", "OUTCOMES", "Claim", "Verdict", "missing_runs", "verdict"]

OUTCOMES = ("holds", "fails", "undecided", "not recorded", "stale")

Records = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the records say about a claim.

    `estimate`, `low`, `high` are the effect and its 95 % interval (of the weaker side
    of a sign flip, turned so that positive speaks for the claim), None where nothing
    could be computed.  `sides` are the mean values compared, in the order of
    `claim.references`.  `shortened` is true if any run used was a shortened schedule.
    """

    claim: Claim
    outcome: str
    sentence: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: tuple[int, ...] = ()
    sides: tuple[float, ...] = ()
    shortened: bool = False


def verdict(
    claim: Claim,
    records: Records,
    current_hashes: Mapping[str, str] | None = None,
    seeds: Iterable[int] | None = None,
) -> Verdict:
    """Decide a claim from recorded runs.

    Args:
        claim: the claim.
        records: record name -> record, as saved by `course.training`.
        current_hashes: record name -> settings hash of today's code.  A record whose
            hash differs, or whose name is absent, is stale and never used as a result.
            None skips the check.
        seeds: use only these seeds; None means all that were recorded.

    Returns:
        A `Verdict`; its sentence is computed from the numbers.

    >>> runs = lambda *v: {"runs": {str(s): {"metrics": {"m": x}}
    ...                             for s, x in enumerate(v)}}
    >>> claim = Claim("id", "a beats b", "ours", "greater", "m", a="a", b="b", digits=1)
    >>> result = verdict(claim, {"a": runs(0.8, 0.9, 0.8), "b": runs(0.2, 0.3, 0.3)})
    >>> result.outcome
    'holds'
    >>> result.sentence
    'a 0.8, b 0.3; difference +0.6 [+0.4, +0.7] over 3 seeds, claimed above 0: holds'
    """
    names = list(dict.fromkeys(name for name, _ in claim.references))
    if current_hashes is not None:
        known = [name for name in names if name in records]
        stale = [name for name in known if _stale(name, records, current_hashes)]
        if stale:
            text = f"recorded with other settings than today's: {', '.join(stale)}"
            return Verdict(claim, "stale", text)
    allowed = None if seeds is None else set(seeds)
    columns = [_values(records, name, metric) for name, metric in claim.references]
    missing = [
        f"{name} ({metric})"
        for (name, metric), column in zip(claim.references, columns, strict=True)
        if not (column.keys() if allowed is None else column.keys() & allowed)
    ]
    if missing:
        return Verdict(claim, "not recorded", f"no run of {', '.join(missing)}")
    common = set.intersection(*(set(column) for column in columns))
    used = tuple(sorted(common if allowed is None else common & allowed))
    table = [[column[seed] for seed in used] for column in columns]
    return _decide(claim, used, table, _any_shortened(names, records, used))


def live_effect(
    claim: Claim, metrics: Mapping[str, Mapping[str, float]]
) -> float | None:
    """The claim's quantity in a single live run, to set beside its verdict.

    Args:
        claim: the claim.
        metrics: record name -> metrics of the run that stands for it.

    Returns:
        a - b (or a - value, or a alone), or None where a run is missing or the claim
        compares more than two.

    >>> claim = Claim("id", "a beats b", "ours", "greater", "m", a="a", b="b")
    >>> live_effect(claim, {"a": {"m": 3.0}, "b": {"m": 1.0}})
    2.0
    """
    found = [metrics.get(name, {}).get(metric) for name, metric in claim.references]
    if None in found or len(found) > 2 or claim.sweep:
        return None
    other = found[1] if len(found) == 2 else claim.value or 0.0
    return found[0] - other  # type: ignore[operator]


def missing_runs(
    claims: Iterable[Claim],
    records: Records,
    seeds: Sequence[int],
    current_hashes: Mapping[str, str] | None = None,
) -> list[tuple[str, int]]:
    """The runs that claims still need, in a good order to do them.

    A run is missing if its record is absent or stale, if it has no run of the seed, or
    if that run lacks a metric that some claim reads.  All records come for the first
    seed, then all for the second: what is done when time is up is complete in pairs.

    Args:
        claims: the claims to decide.
        records: record name -> record.
        seeds: the seeds that are reported.
        current_hashes: as for `verdict`.

    Returns:
        Pairs (record name, seed), without repetition.

    >>> claim = Claim("id", "a beats b", "ours", "greater", "m", a="a", b="b")
    >>> missing_runs([claim], {"a": {"runs": {"0": {"metrics": {"m": 1.0}}}}}, [0, 1])
    [('b', 0), ('a', 1), ('b', 1)]
    """
    needed = dict.fromkeys(r for claim in claims for r in claim.references)
    runs: dict[tuple[str, int], None] = {}
    for seed in seeds:
        for name, metric in needed:
            if current_hashes is not None and _stale(name, records, current_hashes):
                runs[name, seed] = None
            elif seed not in _values(records, name, metric):
                runs[name, seed] = None
    return list(runs)


def _values(records: Records, name: str, metric: str) -> dict[int, float]:
    """Seed -> recorded number of one metric; empty if there is none."""
    return {
        seed: float(run["metrics"][metric])
        for seed, run in _runs(records, name).items()
        if run.get("metrics", {}).get(metric) is not None
    }


def _runs(records: Records, name: str) -> dict[int, Mapping[str, Any]]:
    """Seed -> run of one record."""
    runs = _part(records, name, "runs") or {}
    return {int(seed): run for seed, run in runs.items()}


def _part(records: Records, name: str, key: str) -> Any:
    """A field of a record, be it a dictionary or an object; None if there is none."""
    record = records.get(name, {})
    if isinstance(record, Mapping):
        return record.get(key)
    return getattr(record, key, None)


def _stale(name: str, records: Records, current_hashes: Mapping[str, str]) -> bool:
    recorded = _part(records, name, "settings_hash")
    return recorded is None or recorded != current_hashes.get(name)


def _any_shortened(names: list[str], records: Records, seeds: tuple[int, ...]) -> bool:
    runs = [_runs(records, name) for name in names]
    return any(bool(one[seed].get("shortened")) for one in runs for seed in seeds)


def _decide(
    claim: Claim, seeds: tuple[int, ...], table: list[list[float]], shortened: bool
) -> Verdict:
    if len(seeds) < 2:
        text = f"{len(seeds)} common seed{'s' * (len(seeds) != 1)}: two are needed"
        return Verdict(claim, "undecided", text, seeds=seeds, shortened=shortened)
    rows = zip(seeds, *table, strict=True)
    bad = [seed for seed, *row in rows if not all(map(math.isfinite, row))]
    if bad:
        text = f"a number is not finite at seed {', '.join(map(str, bad))}"
        return Verdict(claim, "undecided", text, seeds=seeds, shortened=shortened)
    outcome, effect, found = DECIDERS[claim.kind](claim, table)
    sides = tuple(math.fsum(row) / len(row) for row in table)
    sentence = f"{found}: {outcome}"
    return Verdict(claim, outcome, sentence, *effect, seeds, sides, shortened)
