"""Records of random numbers, for figures that read records."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

from course.evaluation import Recorded


def made_records(
    metrics: Mapping[str, Collection[str]],
    draw: int = 0,
    without: str = "",
    stale: str = "",
    seeds: int = 5,
    fewer: str = "",
) -> Recorded:
    """Some numbers for every run and metric, the same for the same draw.

    Args:
        metrics: run -> names of its numbers.
        draw: of the numbers.
        without: a run that is not recorded.
        stale: a run of other settings.
        seeds: how many seeds there are, from 11 on.
        fewer: a run that has one seed less.
    """
    numbers = random.Random(draw)
    records = {
        name: {
            "settings_hash": "then" if name == stale else "now",
            "runs": {
                str(11 + seed): {
                    "metrics": {key: numbers.random() for key in sorted(keys)}
                }
                for seed in range(seeds - (name == fewer))
            },
        }
        for name, keys in metrics.items()
        if name != without
    }
    return Recorded(records, dict.fromkeys(metrics, "now"))
