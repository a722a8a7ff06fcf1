"""Recorded numbers by name, without ever showing those of other settings.

A number is named as in a claim: "run:metric".  A record whose settings hash is not the
one that today's code would write is stale: here it counts as absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


class Recorded:
    """A chapter's records at one scale, read by "run:metric".

    Args:
        records: run name -> record, as `course.chapters.load_results` gives them: a
            dict with `runs` (seed -> dict with `metrics`) and `settings_hash`.
        hashes: run name -> settings hash of today's code, as
            `course.chapters.current_hashes` gives them.

    >>> runs = {"11": {"metrics": {"accuracy": 0.5}}, "9": {"metrics": {"accuracy": 1}}}
    >>> rec = Recorded({"net": {"runs": runs, "settings_hash": "ab"}}, {"net": "ab"})
    >>> rec.values("net:accuracy"), rec.mean("net:accuracy")
    ([1.0, 0.5], 0.75)
    >>> rec.values("net:loss"), rec.status("other")
    ([], 'not recorded')
    """

    def __init__(self, records: Mapping[str, Any], hashes: Mapping[str, str]):
        self._runs: dict[str, dict[int, Mapping[str, float]]] = {}
        self._stale = set()
        for name, record in records.items():
            if record["settings_hash"] != hashes.get(name):
                self._stale.add(name)
            elif record["runs"]:
                self._runs[name] = {
                    int(seed): run["metrics"] for seed, run in record["runs"].items()
                }

    def status(self, run: str) -> str:
        """How it stands with a run: "recorded", "stale" or "not recorded"."""
        if run in self._runs:
            return "recorded"
        return "stale" if run in self._stale else "not recorded"

    def has(self, *names: str) -> bool:
        """Whether each of some runs ("run") or numbers ("run:metric") is recorded."""
        return all(
            bool(self.values(name)) if ":" in name else self.status(name) == "recorded"
            for name in names
        )

    def values(self, name: str) -> list[float]:
        """The numbers called "run:metric", in the order of their seeds; maybe none.

        Raises:
            ValueError: the name has no colon between run and metric.
        """
        return list(self._by_seed(name).values())

    def mean(self, name: str) -> float:
        """The mean over the seeds, nan if there are none."""
        values = self.values(name)
        return math.fsum(values) / len(values) if values else math.nan

    def difference(self, a: str, b: str) -> list[float]:
        """a - b, seed by seed, for the seeds that both have.

        >>> seeds = lambda **v: {"settings_hash": "x", "runs": {
        ...     seed[1:]: {"metrics": {"m": value}} for seed, value in v.items()}}
        >>> records = {"a": seeds(s1=0.5, s2=0.75), "b": seeds(s2=0.25, s3=1.0)}
        >>> Recorded(records, {"a": "x", "b": "x"}).difference("a:m", "b:m")
        [0.5]
        """
        return [x - y for x, y in zip(*self.paired(a, b), strict=True)]

    def paired(self, a: str, b: str) -> tuple[list[float], list[float]]:
        """The numbers a and b, in the order of the seeds that both have."""
        first, second = self._by_seed(a), self._by_seed(b)
        both = [seed for seed in first if seed in second]
        return [first[seed] for seed in both], [second[seed] for seed in both]

    def curve(self, run: str, metric: str, xs: Iterable[Any]) -> dict[Any, list[float]]:
        """The numbers "run:metric_x" of each x: a curve with one value a seed."""
        return {x: self.values(f"{run}:{metric}_{x}") for x in xs}

    def _by_seed(self, name: str) -> dict[int, float]:
        run, colon, metric = name.partition(":")
        if not (run and colon and metric):
            raise ValueError(f'a number is named "run:metric", got {name!r}')
        rows = sorted(self._runs.get(run, {}).items())
        return {
            seed: float(metrics[metric])
            for seed, metrics in rows
            if metrics.get(metric) is not None
        }
