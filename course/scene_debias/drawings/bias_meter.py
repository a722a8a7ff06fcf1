"""How much of the action does a scene label tell?  Measured on drawn labels alone.

Source: RESOUND's B = ln(accuracy / chance), as SDN's equation 1 writes it, and REPAIR's
1 - R / H (see `course.evaluation.scene_bias`).  A world of K actions and M scenes: an
action is in its own scene with probability rho, else in any of the M.  With fewer
scenes than actions several actions share one.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from course.draws import Draws
from course.evaluation.probes import one_hot
from course.evaluation.scene_bias import SceneBias, dataset_scene_bias
from course.scene_debias.scene_labels import (
    confusable_noise,
    draw_names,
    uniform_noise,
)
from course.teaching import charts, figures
from course.teaching.figures import COLOURS, GREY, Picture

LABELLERS = ("the true scene", "uniform errors", "confusable errors")
RHOS = tuple(i / 40 for i in range(41))


class Exact(NamedTuple):
    """What unlimited clips would give, from the probabilities alone."""

    accuracy: float  # of naming the action by the best rule
    bias: float  # nats
    repair: float  # information about the action, as a share of its entropy


def confusion_of(
    labeller: str, scenes: int, accuracy: float
) -> Float[torch.Tensor, "m m"]:
    """How a scene classifier of some accuracy errs.

    Args:
        labeller: one of `LABELLERS`.
        scenes: number of scenes M.
        accuracy: share of right names; errors that are uniform leave at least 1 / M
            right, and a single scene has no other name.

    Returns:
        The table of confusion.

    Raises:
        ValueError: an unknown labeller, or an accuracy outside [0, 1].

    >>> confusion_of("uniform errors", 2, 0.75).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    if labeller not in LABELLERS or not 0 <= accuracy <= 1:
        raise ValueError(f"no {labeller!r} of accuracy {accuracy}; see {LABELLERS}")
    if labeller == "uniform errors" and scenes > 1:
        return uniform_noise(scenes, min(1.0, (1 - accuracy) / (1 - 1 / scenes)))
    share = 1 - accuracy if labeller == "confusable errors" else 0.0
    return confusable_noise(scenes, share)


def draw_labels(
    rho: float, actions: int, scenes: int, clips: int, seed: int
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Actions, equally frequent, and the scenes they are seen in.

    Args:
        rho: the own scene with this probability, else any.
        actions, scenes: K and M; action a's own scene is a mod M.
        clips: how many.
        seed: of the draw.  A clip that is at home stays there under any higher rho.

    Raises:
        ValueError: for a rho outside [0, 1], or fewer clips than actions.

    >>> [labels.tolist() for labels in draw_labels(1.0, 4, 2, 4, seed=0)]
    [[0, 1, 2, 3], [0, 1, 0, 1]]
    """
    if not 0 <= rho <= 1 or clips < actions:
        raise ValueError(f"needs rho in [0, 1], {actions} clips; got {rho}, {clips}")
    draws = Draws(seed, np.arange(clips), "bias meter/")
    action = np.arange(clips) % actions
    anywhere = draws.integer("anywhere", scenes)
    scene = np.where(draws.bernoulli("at_home", rho), action % scenes, anywhere)
    return action, scene


@lru_cache(maxsize=256)
def measured(
    rho: float, actions: int, scenes: int, clips: int, seed: int,
    labeller: str = LABELLERS[0], accuracy: float = 1.0,
) -> SceneBias:  # fmt: skip
    """A linear probe from the named scene to the action, on as many new clips again.

    Args:
        rho, actions, scenes, clips, seed: as `draw_labels`; for training and for test.
        labeller, accuracy: who names the scenes, as `confusion_of`.

    Raises:
        ValueError: as these.
    """
    table = confusion_of(labeller, scenes, accuracy)
    seen, actions_of = [], []
    for place in (2 * seed, 2 * seed + 1):
        action, scene = draw_labels(rho, actions, scenes, clips, place)
        named = draw_names(torch.from_numpy(scene), table, place).numpy()
        seen.append(one_hot(named, scenes))
        actions_of.append(action)
    return dataset_scene_bias(
        seen[0], actions_of[0], seen[1], actions_of[1], num_actions=actions
    )


def exact(
    rho: float, actions: int, scenes: int, labeller: str = LABELLERS[0],
    accuracy: float = 1.0,
) -> Exact:  # fmt: skip
    """The numbers of unlimited clips.

    For the true scene the best rule is right with probability
    (min(K, M) rho + 1 - rho) / K, which is rho + (1 - rho) / K if M >= K.

    Args:
        rho, actions, scenes: as `draw_labels`.
        labeller, accuracy: as `confusion_of`.

    >>> round(exact(0.9, 8, 8).accuracy, 4), exact(0.9, 8, 1).bias
    (0.9125, 0.0)
    """
    own = np.eye(scenes)[np.arange(actions) % scenes]
    seen = (rho * own + (1 - rho) / scenes) / actions
    joint = seen @ confusion_of(labeller, scenes, accuracy).double().numpy()
    best = float(joint.max(axis=0).sum())
    apart = np.outer(joint.sum(1), joint.sum(0))
    found = joint > 0
    told = float((joint[found] * np.log(joint[found] / apart[found])).sum())
    repair = max(0.0, told / math.log(actions))
    return Exact(best, max(0.0, math.log(best * actions)), repair)


def meter_picture(
    seen: SceneBias, rho: float, actions: int, scenes: int, labeller: str,
    accuracy: float, alt: str,
) -> Picture:  # fmt: skip
    """B and REPAIR's bias over rho, as shares of what is possible, and the measured.

    Args:
        seen: what `measured` found.
        rho, actions, scenes, labeller, accuracy: its settings.
        alt: what the picture shows.
    """
    fig, axis = figures.figure(width=7.2, height=3.2, quick=True)
    fig.subplots_adjust(left=0.17)
    ceiling = math.log(actions)
    if labeller != LABELLERS[0]:
        axis.plot(RHOS, _curves(actions, scenes)[0], ":", color=GREY)
        axis.text(0.02, 0.64, "┄ B of the true scene", color=GREY)
    found = seen.bias.estimate / ceiling, seen.repair
    low, high = (max(end / ceiling, -0.5) for end in seen.bias[1:])
    axis.plot([rho, rho], [low, high], color=COLOURS["blue"], linewidth=4, alpha=0.4)
    curves = _curves(actions, scenes, labeller, accuracy)
    for i, name in enumerate(("● B and its interval", "◆ REPAIR's bias")):
        colour = (COLOURS["blue"], COLOURS["red"])[i]
        axis.plot(RHOS, curves[i], charts.DASHES[i], color=colour)
        axis.plot([rho], [max(found[i], -0.5)], "oD"[i], color=colour, markersize=9,
                  markeredgecolor="black")  # fmt: skip
        axis.text(0.02, 0.88 - 0.12 * i, name, color=colour)
    for line in (0, 1):
        axis.axhline(line, color="black", linewidth=0.8)
    ticks = (0.0, 0.5, 1.0)
    axis.set_yticks(ticks, [f"{tick:g}   {tick * ceiling:.2f} nats" for tick in ticks])
    axis.set_xticks((0, 0.25, 0.5, 0.75, 1))
    axis.set(ylim=(min(-0.2, low - 0.03), 1.06), xlim=(-0.03, 1.03))
    charts.label(axis, "Share of the ceiling; curves: unlimited clips", "rho")
    return figures.picture_of(fig, alt)


@lru_cache(maxsize=64)
def _curves(*setting) -> tuple[list[float], list[float]]:
    """B as a share of its ceiling, and REPAIR's bias, at all `RHOS`."""
    points = [exact(rho, *setting) for rho in RHOS]
    return [p.bias / math.log(setting[0]) for p in points], [p.repair for p in points]


def meter_sentence(
    seen: SceneBias, rho: float, actions: int, scenes: int, labeller: str,
    accuracy: float, clips: int,
) -> str:  # fmt: skip
    """What was measured and what unlimited clips would give, as HTML.

    >>> seen = measured(1.0, 4, 4, 64, 0)
    >>> text = meter_sentence(seen, 1.0, 4, 4, LABELLERS[0], 1.0, 64)
    >>> "B = ln(100.0 % / 25.0 %) = <b>1.39</b>" in text
    True
    """
    best = exact(rho, actions, scenes, labeller, accuracy)
    bias, chance = seen.bias, 100 * seen.chance
    table = confusion_of(labeller, scenes, accuracy)
    right = 100 * float(table.diagonal().mean())
    luck = " <b>Below 0: worse than guessing, by luck.</b>" if bias.estimate < 0 else ""
    number = min(actions, scenes)
    own = "rho" if number == actions else f"rho {number} / {actions}"
    form = f"; for the true scene {own} + (1 - rho) / {actions}"
    form = form if labeller == LABELLERS[0] else ""
    return (
        f"<p>The scene is named rightly in {right:.0f} % of the clips. From its name a "
        f"linear probe tells the action in {100 * seen.accuracy.estimate:.1f} % of "
        f"{clips} new clips (unlimited clips: {100 * best.accuracy:.1f} %{form}).</p>"
        f"<p>B = ln({100 * seen.accuracy.estimate:.1f} % / {chance:.1f} %) = "
        f"<b>{_nats(bias.estimate)}</b> nats, 95 % interval {_nats(bias.low)} to "
        f"{_nats(bias.high)} (unlimited clips: {best.bias:.2f}).{luck} The ceiling is "
        f"ln {actions} = {seen.ceiling:.2f}; B is "
        f"{_percent(bias.estimate / seen.ceiling)} of it. REPAIR's bias is "
        f"<b>{seen.repair:.2f}</b> (unlimited clips: {best.repair:.2f}).</p>"
    )


def _nats(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "minus infinity"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "minus infinity"
