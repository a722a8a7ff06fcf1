"""The panels of the scene-debiasing chapter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ipywidgets import Dropdown, FloatSlider, IntSlider
from torch import nn

from course.evaluation import Recorded
from course.scene_debias.drawings import (
    bias_meter,
    cam_view,
    game_view,
    masked_view,
    toy_game,
    trade_off,
)
from course.scene_debias.human_masks import FILLS, KINDS
from course.synthetic import SynthActions
from course.teaching import Panel, Picture

CHAPTER = "scene_debias"


def _slider(
    low: float, high: float, value: float, step: float, text: str
) -> FloatSlider:
    return FloatSlider(value, min=low, max=high, step=step, description=text)


def bias_panel() -> Panel:
    """The bias meter: RESOUND's and REPAIR's bias of drawn labels."""

    def draw(
        rho: float, actions: int, scenes: int, clips: int, labeller: str,
        accuracy: float, seed: int,
    ) -> list[Picture | str]:  # fmt: skip
        world, named = (rho, actions, scenes), (labeller, accuracy)
        seen = bias_meter.measured(*world, clips, seed, *named)
        alt = (
            f"RESOUND's B and REPAIR's bias over rho for {actions} actions and {scenes}"
            f" scenes named by {labeller}, and both as measured at rho {rho:g}"
        )
        return [
            bias_meter.meter_picture(seen, *world, *named, alt),
            bias_meter.meter_sentence(seen, *world, *named, clips),
        ]

    return Panel(
        "How much of the action does the scene tell?",
        "rho 0: can B be negative? rho 0.9, labels right in half of the clips: which "
        "measure notices whether errors are uniform or confusable? And if all actions "
        "share one scene?",
        {
            "rho": _slider(0, 1, 0.9, 0.05, "rho: in its own scene, else in any"),
            "actions": IntSlider(8, 2, 16, description="actions K"),
            "scenes": IntSlider(8, 1, 16, description="scenes M"),
            "clips": Dropdown(options=[64, 256, 1024], value=256, description="clips"),
            "labeller": Dropdown(
                options=bias_meter.LABELLERS, description="scenes are named by"
            ),
            "accuracy": _slider(0, 1, 0.5, 0.05, "share of right names, with errors"),
            "seed": IntSlider(0, 0, 9, description="draw of the clips"),
        },
        draw,
        answer="Yes, by luck: with 64 clips, draw 4 gives -0.13 and an interval around "
        "0; draw 6 gives +0.63 and one above 0, as a few of a hundred draws do. More "
        "clips, less luck. B counts only how often the probe is right, and with half "
        "of the names wrong that is 46 % with either kind of error: B is 1.31 twice. "
        "REPAIR's bias is 0.17 for uniform errors and 0.50 for confusable ones, which "
        "still tell which pair it was. (No name right, look-alikes always exchanged: "
        "all is known again. Both measure what a name tells, not whether it is the "
        "right one.) One scene for all: B is 0. A scene that is always the same tells "
        "nothing, so a low B does not mean that actions and scenes were shuffled.",
    )


def reversal_panel() -> Panel:
    """The gradient reversal under the microscope: two features, a game of 60 steps."""

    def draw(
        strength: float, step: int, schedule: str, sign: str, head: str, width: str
    ) -> list[Picture | str]:
        setting = (strength, schedule, sign, head, width)
        alt = (
            f"Left: two features of every clip before step {step}, arrows from each "
            "group's mean to where the scene head wants it and where the adversary's "
            f"gradient sends it. Right: both losses over the game. {sign}, lambda "
            f"{strength:g}, {schedule}; scene head {head}, {width}"
        )
        return [
            game_view.game_picture(setting, step, alt),
            game_view.game_sentence(setting, step),
        ]

    return Panel(
        "What does a reversed gradient do?",
        "lambda 2, constant, last step: swapped scenes are named splendidly. What did "
        "it cost, and which head avoids that? And what does a literal minus sign do to "
        "the head, and to the features?",
        {
            "strength": _slider(0, 4, 1, 0.25, "strength lambda"),
            "step": IntSlider(5, 0, toy_game.STEPS, description="step of the game"),
            "schedule": Dropdown(
                options=list(toy_game.SCHEDULES), description="schedule"
            ),
            "sign": Dropdown(options=toy_game.SIGNS, description="turned round by"),
            "head": Dropdown(options=toy_game.HEADS, description="scene head"),
            "width": Dropdown(options=list(toy_game.WIDTHS), description="its layers"),
        },
        draw,
        answer="Swapped clips: 98 %. Clips at home: 68 %, from 99 %. To leave a plain "
        "head nothing to read, the features must also cancel what the action itself "
        "tells of the scene: the score turns against the scene, which pays where the "
        "scene is always the other one. A head that is told the action is paid only "
        "for what the scene adds: 91 % at home, 95 % swapped. The literal minus sign "
        "turns the head round as well: it climbs its own loss, hundreds of nats within "
        "30 steps, by being sure of the wrong scene. Features that help it pull the "
        "scenes apart: the action leans on the scene more than before, and a fresh "
        "probe reads it. (Lambda scales the purple arrows, never the head's own step.)",
        play="step",
        fps=6.0,
    )


def mask_panel() -> Panel:
    """Clips without their human: what is still to be seen, and what the hole tells."""

    def draw(
        action: str, number: int, kind: str, fill: str, grow: int, right: int,
        down: int, missing: float,
    ) -> list[Picture | str]:  # fmt: skip
        clip = masked_view.clip_of(action, number)
        hidden = masked_view.hide(clip, kind, fill, grow, right, down, missing)
        alt = (
            f"Looping: a clip of {action}, the same with its human covered ({kind}, "
            f"filled with the {fill}), and what is left of the actor"
        )
        film = masked_view.masked_film(clip, hidden, fill, alt)
        return [film, masked_view.masked_sentence(hidden, kind, fill)]

    return Panel(
        "Is the human gone?",
        "Which setting leaves nothing, neither of the actor nor of the hole? With the "
        "mean colour: what does a silhouette still tell, and is a box safer?",
        {
            "action": Dropdown(
                options=masked_view.action_names(), value="wave", description="action"
            ),
            "number": IntSlider(0, 0, masked_view.CLIPS - 1, description="clip"),
            "kind": Dropdown(
                options=[("the true mask", KINDS[0]), ("its box", KINDS[1])],
                description="covered",
            ),
            "fill": Dropdown(
                options=[("the frame's mean colour", FILLS[0]),
                         ("the true background", FILLS[1])],
                description="filled with",
            ),
            "grow": IntSlider(0, -2, 3, description="grown by, px"),
            "right": IntSlider(0, -6, 6, description="moved to the right, px"),
            "down": IntSlider(0, -6, 6, description="moved down, px"),
            "missing": _slider(0, 1, 0, 0.1, "frames without a mask (probability)"),
        },
        draw,
        answer="The true background, and a mask grown by 1 px or its box grown by 1: "
        "pixels that the actor covers by less than half are not in the mask, and they "
        "are a rim of about a fifth of all that it changes. A mask that is moved by "
        "a few px, or missing in some frames, lets the actor out again. With the mean "
        "colour the actor's pixels are gone and its shape is not: silhouettes alone "
        "name about nine of ten actions. Boxes are not safe either: how wide and how "
        "tall they are, and where, still names about three of four.",
    )  # fmt: skip


def cam_panel(
    baseline: nn.Module,
    debiased: nn.Module,
    world: SynthActions,
    count: int = 16,
    names: tuple[str, str] = ("baseline", "debiased"),
) -> Panel:
    """Where two trained networks look on clips in another action's scene.

    Args:
        baseline, debiased: recognisers with `forward_features` and `fc`.
        world: the swapped split that they are tested on.
        count: how many of its first clips to offer.
        names: of the networks, as the panel shows them.

    Raises:
        ValueError: for another split, or a network of another number of actions.
    """
    clips = cam_view.swapped_clips(world, min(count, len(world)))
    networks = dict(zip(names, (baseline, debiased), strict=True))

    @lru_cache
    def look(name: str, chosen: str) -> cam_view.Look:
        return cam_view.look(networks[name], clips, chosen)

    for name in names:
        look(name, cam_view.PREDICTED)  # raises here, not in the panel's error line

    def draw(number: int, chosen: str) -> list[Picture | str]:
        looks = {name: look(name, chosen) for name in names}
        alt = (
            f"Looping: swapped clip {number} of {len(clips.clips)} and the class "
            f"activation maps of {' and '.join(names)} for the {chosen} action over it,"
            " with the actor's outline"
        )
        row = number - 1
        film = cam_view.cam_film(clips, row, looks, alt)
        return [film, cam_view.cam_sentence(clips, row, looks, chosen)]

    return Panel(
        "Where does the evidence lie?",
        "Find a clip that shows what you would like to show. Do all clips together say "
        "the same? And where lies what speaks for the background's action?",
        {
            "number": IntSlider(1, 1, len(clips.clips), description="clip"),
            "chosen": Dropdown(options=cam_view.CLASSES, description="action"),
        },
        draw,
        answer="Nearly every network has a clip that flatters it: compare the numbers "
        "over all clips, each with what a flat map scores, the actor's share of the "
        "pixels. A map is an exact account of one logit (its mean is the logit but for "
        "the bias), but on few cells, and each cell has seen much of its surroundings. "
        "Evidence beside the actor is no proof of scene bias, and evidence on it no "
        "proof of the opposite: accuracy with scenes swapped decides.",
    )


def trade_off_panel(
    rec: Recorded, settings: Any, groups: Mapping[str, Mapping[str, str]]
) -> Panel:
    """Recorded runs as dots: accuracy against leakage, or any two of their numbers.

    Args:
        rec: the chapter's records.
        settings: of the scale that they were recorded at.
        groups: name of a comparison -> {run: its label}.

    Raises:
        ValueError: there is no group, or an empty one.
    """
    if not groups or not all(groups.values()):
        raise ValueError(f"every group needs runs, got {dict(groups)}")

    def draw(group: str, x: str, y: str) -> list[Picture | str]:
        values = trade_off.pairs_of(rec, groups[group], x, y)
        alt = (
            f"Recorded runs, {group}: {trade_off.METRICS[x].words} across, "
            f"{trade_off.METRICS[y].words} up; one dot a seed, a large mark for a mean:"
            f" {'; '.join(groups[group].values())}"
        )
        return [
            trade_off.trade_off_picture(values, x, y, settings, alt),
            trade_off.trade_off_sentence(values, x, y, CHAPTER, settings),
        ]

    metrics = [(metric.words, name) for name, metric in trade_off.METRICS.items()]
    return Panel(
        "Accuracy against leakage",
        "Does less leakage always come with more accuracy where scenes are swapped? "
        "Which runs are beaten in both? And who pays in distribution?",
        {
            "group": Dropdown(options=list(groups), description="runs"),
            "x": Dropdown(options=metrics, value="leakage", description="across"),
            "y": Dropdown(options=metrics, value="swapped", description="up"),
        },
        draw,
        answer="Not by itself: a network that knows nothing leaks nothing, so look at "
        "the accuracy in distribution before you praise a low leakage. And a probe "
        "that still reads the scene does not say that the network uses it: 'named as "
        "the background's action' does. Where the dots of two runs mix, the seeds "
        "decide nothing; the claims compare them pair by pair.",
    )
