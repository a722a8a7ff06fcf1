"""Q4. Is there a separate step that uses the confidence to find outliers?

No: it is a third channel, and whatever use is made of it is learned.  But could it find
them?  Three scenes, three indicators, and the area under the ROC curve of each: 1 finds
every error, 0.5 knows nothing, 0 trusts precisely the wrong cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from course.motion_squeeze.flow_bench import SCENES, confidence_auc, scene


@dataclass(frozen=True)
class AucRow:
    """One scene: share of outliers, and each indicator's area, mean over the seeds."""

    scene: str
    grain: float
    outliers: float
    correlation: float
    margin: float
    round_trip: float
    spread: float  # the largest standard deviation over the seeds among the areas


def auc_table(
    grains: Sequence[float] = (1.0, 2.0),
    seeds: Sequence[int] = (0, 1, 2),
    *,
    count: int = 8,
) -> list[AucRow]:
    """How well three indicators find errors, by scene and smoothness of the texture.

    The best score does not care for smoothness; the others do.  The margin suffers in
    part because a smooth peak is wider than the 3 x 3 cells that it leaves out.  The
    round trip suffers from motion just beyond the window: its best match is at the
    window's edge both ways, so that a wrong trip ends at home.

    Args:
        grains: of the textures, cells; larger is smoother.
        seeds: at least two.
        count: pairs for each seed.

    Returns:
        a row for each grain and scene.

    Raises:
        ValueError: for fewer than two seeds.

    >>> row = auc_table((1.0,), (0, 1), count=2)[-1]
    >>> row.scene, row.correlation < 0.3, row.margin > 0.8
    ('flat', True, True)
    """
    if len(seeds) < 2:
        raise ValueError(f"a spread needs two seeds or more, got {seeds}")
    rows = []
    for grain in grains:
        for name in SCENES:
            found = [
                confidence_auc(scene(name, count, grain=grain, seed=s)) for s in seeds
            ]
            columns = {key: [f[key] for f in found] for key in found[0]}
            means = {key: fmean(values) for key, values in columns.items()}
            spread = max(stdev(v) for k, v in columns.items() if k != "outliers")
            rows.append(AucRow(name, grain, **means, spread=spread))
    return rows
