"""The ladder of implementations: how long each rung takes and what it allocates."""

from __future__ import annotations

from collections.abc import Mapping

from course.motion_squeeze.stopwatch import Rung
from course.teaching import figures
from course.teaching.figures import Picture


def ladder_picture(rungs: Mapping[str, Rung]) -> Picture:
    """Time and memory of every rung, as bars on logarithmic axes.

    Args:
        rungs: name -> what was measured, in climbing order.

    >>> picture = ladder_picture({"shifts": Rung(30.0, 150.0, 3e8)})
    >>> "shifts" in picture.alt
    True
    """
    fig, axes = figures.figure(1, 2, width=9.0, height=0.55 * len(rungs) + 1.3)
    places = range(len(rungs) - 1, -1, -1)
    for place, rung in zip(places, rungs.values(), strict=True):
        total = rung.forward + (rung.backward or 0.0)
        axes[0].barh(place, total, color=figures.CYCLE[0], height=0.6)
        axes[0].text(1.1 * total, place, f"{total:,.0f} ms", va="center", size=9)
        if rung.peak is not None:
            size = rung.peak / 2**20
            axes[1].barh(place, size, color=figures.CYCLE[1], height=0.6)
            axes[1].text(1.1 * size, place, f"{size:,.0f} MiB", va="center", size=9)
    for axis, title in zip(axes, ("time", "memory at the peak"), strict=True):
        axis.set_yticks(list(places), list(rungs))
        axis.set_xscale("log")
        axis.set_xlim(right=6 * axis.get_xlim()[1])
        axis.set_title(title)
    axes[1].set_yticklabels([])
    alt = f"Time and peak memory of the correlation by {', '.join(rungs)}"
    return figures.picture_of(fig, alt)
