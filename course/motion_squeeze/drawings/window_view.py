"""Which motions does a window reach at a stage of a ResNet, and what does it cost?

Source: the released code of Kwon et al., ECCV 2020, searches 15 x 15 cells after the
stage of stride 8 of a 224 px input.  A cell of a later stage is more pixels wide, so
that the same window reaches further and small motions vanish inside a cell.  The
motions are the synthetic world's true ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course.teaching import figures
from course.teaching.figures import COLOURS, GREY, Picture

INPUT = 224  # px, the released code's
CHANNELS = 64  # of the features that are compared
STAGES = {"res2": 4, "res3": 8, "res4": 16, "res5": 32}  # px of a cell
SECONDS = 1.6  # of world time that a clip shows, however many frames are kept
LEAST = 1.0  # px: less is not called a motion
EDGES = 2.0 ** np.arange(0, 8.01, 0.5)  # px, of the histogram


class Reach(NamedTuple):
    """A window at a stage: geometry, shares of the motions, cost of one pair."""

    cell: int  # px
    side: int  # cells of the map
    pixels: int  # to the window's edge
    under: float  # share of motions below half a cell
    inside: float
    beyond: float
    multiply_adds: int
    volume_bytes: int  # float32


@lru_cache(maxsize=32)
def motions_of(frames: int) -> dict[str, np.ndarray]:
    """How far the actors' pixels move between neighbouring frames, by action.

    Args:
        frames: kept of a clip of 1.6 s, in equal distances.

    Returns:
        the larger of |dx| and |dy| of each pixel on the actor whose motion is known,
        px of a 224 px picture; those below 1 px are left out.

    Raises:
        ValueError: fewer than two frames, which have no motion.

    >>> moved = motions_of(2)
    >>> len(moved), bool(min(m.min() for m in moved.values()) >= 1.0)
    (16, True)
    """
    from course.synthetic import ACTIONS, SynthActions

    if frames < 2:
        raise ValueError(f"motion needs two frames, got {frames}")
    size = 32
    world = SynthActions(
        "actor_only", len(ACTIONS), seed=5, frames=frames, size=size,
        num_actions=len(ACTIONS), num_scenes=1, frame_rate=frames / SECONDS, noise=0.0,
    )  # fmt: skip
    keys = ("flow", "flow_valid", "mask", "action")
    rows = world.render(range(len(ACTIONS)), keys)
    found = {}
    for flow, valid, mask, action in zip(*(rows[k] for k in keys), strict=True):
        length = flow.abs().amax(0)[valid & mask[:-1]] * (INPUT / size)
        found[world.action_names[int(action)]] = length[length >= LEAST].numpy()
    return found


def reach_of(motions: np.ndarray, stage: str, max_displacement: int) -> Reach:
    """Compare motions with a window.

    Args:
        motions: px, from `motions_of`.
        stage: one of `STAGES`.
        max_displacement: cells, l.

    Raises:
        ValueError: an unknown stage, no motion, or a window of a single cell.

    >>> seen = reach_of(np.array([3.0, 20.0, 50.0, 60.0]), "res3", 7)
    >>> seen.pixels, seen.under, seen.inside, seen.multiply_adds
    (56, 0.25, 0.5, 11289600)
    """
    if stage not in STAGES:
        raise ValueError(f"stages are {', '.join(STAGES)}; got {stage!r}")
    if max_displacement < 1:
        raise ValueError(f"a window reaches a cell or more, got {max_displacement}")
    if len(motions) == 0:
        raise ValueError("motions is empty: nothing to reach")
    cell = STAGES[stage]
    side, pixels = INPUT // cell, max_displacement * cell
    under = float((motions < cell / 2).mean())
    beyond = float((motions > pixels).mean())
    volume = side**2 * (2 * max_displacement + 1) ** 2
    return Reach(cell, side, pixels, under, 1 - under - beyond, beyond,
                 CHANNELS * volume, 4 * volume)  # fmt: skip


def reach_sentence(seen: Reach, max_displacement: int, frames: int) -> str:
    """Shares and cost in words, as HTML.

    >>> seen = reach_of(np.array([3.0, 20.0, 50.0, 60.0]), "res3", 7)
    >>> "50 % in reach" in reach_sentence(seen, 7, 8)
    True
    """
    window = 2 * max_displacement + 1
    pairs = frames - 1
    return (
        f"<p>A cell is {seen.cell} px wide and the window reaches ±{seen.pixels} px. "
        f"Of the motions between neighbouring frames <b>{_share(seen.inside)} in "
        f"reach</b>, {_share(seen.under)} under half a cell, "
        f"{_share(seen.beyond)} beyond the window. One pair: {seen.side} x "
        f"{seen.side} cells x {window} x {window} offsets x {CHANNELS} channels = "
        f"<b>{seen.multiply_adds / 1e6:.1f} M multiply-adds</b>, and "
        f"{seen.volume_bytes / 2**20:.2f} MiB of scores; {frames} frames have "
        f"{pairs} pair{'s' if pairs > 1 else ''}: "
        f"{pairs * seen.multiply_adds / 1e6:.1f} M and "
        f"{pairs * seen.volume_bytes / 2**20:.2f} MiB.</p>"
    )


def _share(share: float) -> str:
    """Per cent, with a digit where it is small.

    >>> _share(0.615), _share(0.0031), _share(0.0)
    ('62 %', '0.3 %', '0 %')
    """
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < 1 else f"{percent:.0f} %"


def reach_picture(motions: np.ndarray, seen: Reach, alt: str) -> Picture:
    """The motions as a histogram, with half a cell and the window's edge.

    Args:
        motions: px.
        seen: what the window makes of them.
        alt: what the picture shows.
    """
    share, _ = np.histogram(np.clip(motions, EDGES[0], EDGES[-1] - 1e-3), EDGES)
    share = 100 * share / max(len(motions), 1)
    fig, axis = figures.figure(width=7.2, height=3.0, quick=True)
    places = np.arange(len(share)) / 2
    middle = 2.0 ** (places + 0.25)
    kinds = np.where(middle < seen.cell / 2, 0, np.where(middle > seen.pixels, 2, 1))
    colours = np.array([GREY, COLOURS["blue"], COLOURS["orange"]])[kinds]
    axis.bar(places + 0.25, share, width=0.44, color=colours)
    top = max(5.0, 1.3 * float(share.max()))
    edges = {"half a cell": seen.cell / 2, "window": seen.pixels}
    for text, at in edges.items():
        x = float(np.clip(np.log2(at), -0.4, 8.2))
        axis.axvline(x, color="black", linestyle="--", linewidth=1)
        side = "right" if text == "half a cell" else "left"
        pad = -0.06 if side == "right" else 0.06
        axis.text(x + pad, 0.93 * top, f"{text}, {at:g} px", ha=side, fontsize=9)
    axis.set(xlim=(-1.6, 9.6), ylim=(0, top), xlabel="motion (px of a 224 px picture)",
             ylabel="share of motions (%)")  # fmt: skip
    axis.set_xticks(range(0, 9, 2), [f"{2**i}" for i in range(0, 9, 2)])
    axis.grid(axis="x", visible=False)
    return figures.picture_of(fig, alt)
