"""Bars of two streams' probabilities and of what becomes of them when fused.

Source: the printed outputs of Carreira & Zisserman's released networks for one sample
clip; `course.i3d.drawings.fusion_bounds` says what they fix and what they leave open.
"""

from __future__ import annotations

from collections.abc import Mapping

from course.i3d.drawings.fusion_bounds import (
    CLASSES,
    Chance,
    chance_text,
    fused_chances,
    log_normaliser,
    stream_chances,
)
from course.i3d.published.artefacts import Reference
from course.teaching import figures
from course.teaching.figures import COLOURS, Picture

SMALLEST = 1e-12  # left end of the logarithmic axis
SHOWN = 7


def three_chances(
    rgb: Reference, flow: Reference, rule: str, weight: float, temperature: float
) -> dict[str, dict[str, Chance]]:
    """RGB, flow and fused probabilities of the classes that do best when fused.

    Returns:
        "RGB", "flow", "fused" -> class -> interval, the same classes in the same order.
    """
    fused = fused_chances(rgb, flow, rule, weight, temperature)
    best = sorted(fused, key=lambda name: (-fused[name].high, -fused[name].low))[:SHOWN]
    table = {}
    for label, stream in (("RGB", rgb), ("flow", flow)):
        known = stream_chances(stream, temperature)
        unseen = Chance(0.0, known[stream.names[-1]].high)
        table[label] = {name: known.get(name, unseen) for name in best}
    return {**table, "fused": {name: fused[name] for name in best}}


def fusion_sentence(
    table: Mapping[str, Mapping[str, Chance]], rgb: Reference, flow: Reference
) -> str:
    """The winner, the runner-up, the normalisers and what is not known, as HTML."""
    names = list(table["fused"])
    first, second = names[:2]
    each = ", ".join(f"{label} {chance_text(table[label][first])}" for label in table)
    both = len(set(rgb.names) & set(flow.names))
    either = len(set(rgb.names) | set(flow.names))
    return (
        f"<p><b>{first}</b>: {each}. Next, fused: {second}, "
        f"{chance_text(table['fused'][second])}.</p><p>The normaliser of all {CLASSES} "
        f"logits follows from any printed row at temperature 1: ln Z = logit - ln p = "
        f"{log_normaliser(rgb):.3f} (RGB), {log_normaliser(flow):.3f} (flow). Only 20 "
        f"classes a stream are printed, {both} of these {either} in both lists; a "
        f"missing logit is at most the list's 20th ({rgb.logits[-1]:.2f} and "
        f"{flow.logits[-1]:.2f}). Pale: possible, not known.</p>"
    )


def fusion_picture(
    table: Mapping[str, Mapping[str, Chance]], logarithmic: bool, alt: str
) -> Picture:
    """Three bars a class: solid up to what is certain, pale up to what is possible.

    Args:
        table: from `three_chances`.
        logarithmic: axis in powers of ten, from `SMALLEST` on.
        alt: what the picture shows.
    """
    colours = (COLOURS["blue"], COLOURS["orange"], COLOURS["black"])
    names = list(table["fused"])
    fig, axis = figures.figure(width=8.4, height=4.1, quick=True)
    fig.subplots_adjust(0.27, 0.12, 0.94, 0.92)
    left = SMALLEST if logarithmic else 0.0
    for i, (label, row) in enumerate(table.items()):
        places = [k + (i - 1) * 0.27 for k in range(len(names))]
        low = [max(left, c.low) for c in row.values()]
        high = [max(left, c.high) for c in row.values()]
        certain = _bars(places, [left] * len(names), low, colours[i])
        axis.add_collection(certain, autolim=False).set_label(label)
        possible = _bars(places, low, high, colours[i], alpha=0.25)
        axis.add_collection(possible, autolim=False)
    axis.set_yticks([])  # texts: a tick is made of five parts and takes as much time
    for place, name in enumerate(names):
        spot = {"transform": axis.get_yaxis_transform(), "fontsize": 9}
        axis.text(-0.012, place, name, ha="right", va="center_baseline", **spot)
    axis.set_ylim(len(names) - 0.5, -0.5)
    if logarithmic:
        axis.set_xscale("log")
        axis.minorticks_off()
        ends = (0, -3, -6, -9, -12)
        axis.set_xticks([10.0**e for e in ends], ["1", *(f"1e{e}" for e in ends[1:])])
    axis.set_xlim(left, 1.0)
    axis.set_xlabel("probability" + (", in powers of ten" if logarithmic else ""))
    axis.legend(
        loc="lower center", bbox_to_anchor=(0.5, 0.99), ncols=3, frameon=False,
        borderaxespad=0,
    )  # fmt: skip
    return figures.picture_of(fig, alt)


def _bars(places: list, starts: list, ends: list, colour: str, **style):
    """Bars across as one collection: twenty patches each would take twice the time."""
    from matplotlib.collections import PolyCollection

    corners = [
        [(a, y - 0.125), (a, y + 0.125), (b, y + 0.125), (b, y - 0.125)]
        for y, a, b in zip(places, starts, ends, strict=True)
    ]
    return PolyCollection(corners, facecolors=colour, linewidths=0, **style)
