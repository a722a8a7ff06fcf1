"""A moment of the toy game, drawn and said: features, arrows, losses.

Two colours are the two actions, two marks the two scenes.  Of each of the four groups
two arrows start: where the scene head would like its features (grey), and where the
adversary's gradient sends them (purple).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from course.scene_debias.adversary import ConditionalSceneHead
from course.scene_debias.drawings.toy_game import (
    LITERAL,
    STEPS,
    TOLD,
    Game,
    Moment,
    play,
    players_at,
)
from course.scene_debias.drawings.toy_reading import read
from course.teaching import charts, figures
from course.teaching.figures import COLOURS, Picture
from course.teaching.pixels import image_png

ACTIONS = (COLOURS["blue"], COLOURS["orange"])
MARKS = ("o", "^")
HEAD, SENT = "#4B5563", "#8E3B6F"  # grey and purple
SENT_RGB = (142, 59, 111)
TALL = 3.7  # inches
ARROW, TOP = 0.3, 1.5  # longest grey arrow in half-widths of the plane; nats shown


class Turn(NamedTuple):
    """What the adversary's gradient is beside the head's: angle and length."""

    degrees: float | None  # None: nothing arrives
    ratio: float


def turn_of(moment: Moment) -> Turn:
    """The angle between both arrows and the ratio of their lengths, over all points.

    Args:
        moment: of a game.

    >>> from course.scene_debias.drawings.toy_game import play
    >>> turn = turn_of(play(0.5, "constant", "reversed gradient", "plain").moments[3])
    >>> round(turn.degrees), round(turn.ratio, 3)
    (180, 0.5)
    """
    wanted, pushed = moment.wanted.double(), moment.pushed.double()
    lengths = wanted.norm(), pushed.norm()
    ratio = float(lengths[1] / lengths[0])
    if ratio == 0:
        return Turn(None, ratio)
    cosine = float((wanted * pushed).sum() / (lengths[0] * lengths[1]))
    return Turn(math.degrees(math.acos(max(-1.0, min(1.0, cosine)))), ratio)


def game_picture(setting: tuple, step: int, alt: str) -> Picture:
    """The feature plane before a step, and the losses of the whole game.

    Args:
        setting: of the game, the arguments of `toy_game.play`.
        step: 0 to 60.
        alt: what the picture shows.
    """
    fig, axis = figures.figure(width=4.7, height=TALL, quick=True)
    _plane(axis, play(*setting), step)
    losses, left, right = _losses_pane(setting)
    losses = losses.copy()
    at = round(left + (right - left) * step / STEPS)
    losses[130:-50, at - 1 : at + 1] = SENT_RGB  # below the names
    page = np.concatenate([_pixels(fig), losses], axis=1)
    return Picture(image_png(page), alt, page.shape[1])


@lru_cache(maxsize=64)
def _losses_pane(setting: tuple) -> tuple[np.ndarray, float, float]:
    """The right half, drawn once a game, and where its x axis begins and ends."""
    fig, axis = figures.figure(width=3.7, height=TALL, quick=True)
    _losses(axis, play(*setting))
    box = axis.get_window_extent()
    return _pixels(fig), box.x0, box.x1


def _pixels(fig) -> np.ndarray:
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba())[..., :3]


def _plane(axis, game: Game, step: int) -> None:
    moment, clips = game.moments[step], game.clips
    features = moment.features.numpy()
    half = 3.0 * 2.0 ** max(0, math.ceil(math.log2(np.abs(features).max() / 4.5)))
    groups = [
        ((clips.action == a) & (clips.scene == s)).numpy()
        for a in (0, 1)
        for s in (0, 1)
    ]
    wanted, pushed = (
        np.array([arrows.numpy()[rows].mean(0) for rows in groups])
        for arrows in (moment.wanted, moment.pushed)
    )
    longest = float(np.linalg.norm(wanted, axis=1).max()) or 1.0
    scale = ARROW * 2 * half / longest
    for i, rows in enumerate(groups):
        x, y = features[rows].T
        axis.plot(x, y, MARKS[i % 2], color=ACTIONS[i // 2], markersize=4.5, alpha=0.55,
                  markeredgewidth=0)  # fmt: skip
    starts = np.array([features[rows].mean(0) for rows in groups])
    for arrows, colour, width in ((wanted, HEAD, 0.008), (pushed, SENT, 0.013)):
        # A strength above 1 may leave the plane: it is the ratio that counts.
        axis.quiver(*starts.T, *(scale * arrows).T, color=colour, angles="xy", scale=1,
                    scale_units="xy", width=width, zorder=4)  # fmt: skip
    _boundaries(axis, game, step, half)
    axis.set(xlim=(-half, half), ylim=(-half, half))
    axis.set(xticks=(-half, 0, half), yticks=(-half, 0, half))
    charts.label(axis, f"Features before step {step}", "feature 1", "feature 2")


def _boundaries(axis, game: Game, step: int, half: float) -> None:
    """Where the heads are undecided: the action's solid, the scene's dashed."""
    players, line = players_at(game, step), torch.linspace(-half, half, 25)
    grid = torch.cartesian_prod(line, line)
    with torch.no_grad():
        found = [(players["action"](grid), "-", "black")]
        head = players["scene"]
        if _is_told(game):
            for action in (0, 1):
                told = torch.full((len(grid),), action)
                found.append((head(grid, told), "--", ACTIONS[action]))
        else:
            found.append((head(grid), "--", HEAD))
    for logits, style, colour in found:
        score = (logits[:, 1] - logits[:, 0]).view(25, 25).T.numpy()
        if score.min() < 0 < score.max():
            axis.contour(line, line, score, [0.0], colors=[colour], linestyles=style)


def _losses(axis, game: Game) -> None:
    steps, told = range(STEPS + 1), _is_told(game)
    scene = [moment.scene_loss for moment in game.moments]
    action = [moment.action_loss for moment in game.moments]
    gone = " (leaves the picture)" if max(scene) > TOP else ""
    axis.plot(steps, np.minimum(scene, 2 * TOP), "--", color=HEAD)
    axis.plot(steps, np.minimum(action, 2 * TOP), color="black")
    axis.text(2, 0.91 * TOP, "-- scene head's loss" + gone, color=HEAD)
    axis.text(2, 0.81 * TOP, "— action's loss", color="black")
    floor = game.given_action if told else game.prior
    axis.axhline(floor, color=COLOURS["green"], linestyle=":", linewidth=1.5)
    words = "entropy of the scene" + (", action known" if told else "")
    axis.text(2, 0.71 * TOP, f"··· {words}", color="#00684C")
    axis.set(
        xlim=(0, STEPS), ylim=(0, TOP), xticks=(0, 30, 60), yticks=(0, 0.5, 1, 1.5)
    )
    charts.label(axis, "Losses in nats", "step of the game")


def _is_told(game: Game) -> bool:
    return isinstance(game.players["scene"], ConditionalSceneHead)


def game_sentence(setting: tuple, step: int) -> str:
    """The arrows, both losses and what the features know, as HTML.

    Args:
        setting: of the game, the arguments of `toy_game.play`.
        step: 0 to 60.
    """
    game, (sign, head) = play(*setting), setting[2:4]
    moment, turn, seen = (
        game.moments[step],
        turn_of(game.moments[step]),
        read(game, step),
    )
    floor = game.given_action if head == TOLD else game.prior
    knows = "that knows only the action" if head == TOLD else "that sees nothing"
    better = "better" if moment.scene_loss < floor else "worse"
    angle = "nothing arrives" if turn.degrees is None else f"{turn.degrees:.0f}°"
    own = {1: "down its own loss", -1: "UP its own loss", 0: "nowhere"}
    lean = {True: "leans on the scene", False: "holds the scene against the action"}
    words = lean[seen.leans > 0] if abs(seen.leans) >= 0.05 else "ignores the scene"
    minus = " (no reversal: the minus sign reaches the head)" if sign == LITERAL else ""
    return (
        f"<p>Step {step}, lambda now {moment.strength:.2f}. Between the grey and the "
        f"purple arrows: <b>{angle}</b>; the purple ones are {turn.ratio:.2f} times as "
        f"long. The head itself steps {own[round(moment.head_turn)]}{minus}.</p>"
        f"<p>Scene head's loss <b>{moment.scene_loss:.2f}</b> nats, {better} than a "
        f"head {knows} ({floor:.2f}). Action's loss {moment.action_loss:.2f}. The "
        f"action's score {words}: weight {seen.leans:+.2f} for the scene code, per "
        f"motion code. New clips named rightly: at home {100 * seen.at_home:.0f} %, "
        f"scenes swapped {100 * seen.swapped:.0f} %. A fresh probe names the scene of "
        f"{100 * seen.probe:.0f} % (chance 50 %).</p><p><em>Colours are actions, marks "
        "are scenes; lines: where the action head (solid) and the scene head (dashed) "
        "are undecided.</em></p>"
    )
