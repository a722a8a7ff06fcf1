"""A network of two features and its scene head play 60 steps against each other.

A clip is two noisy numbers, a motion code and a scene code; that of the scene is the
cleaner one, and mostly the scene is the action's own.  The backbone is linear; features
are what it makes of the two numbers and a little noise, so that what is pressed
together is lost.  Backbone and action head have learned actions before the game begins.

In each step the scene head takes `HEAD_STEPS` steps, and the others one, with the
gradient that `reverse_gradient` hands on.  Every gradient is cut to length 1: without
reversal the game would leave all numbers behind.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.evaluation.probes import label_entropy
from course.scene_debias.adversary import ConditionalSceneHead, SceneHead
from course.scene_debias.drawings.toy_clips import Clips, draw_clips
from course.scene_debias.gradient_reversal import (
    Schedule,
    after_warmup,
    constant,
    dann_ramp,
    linear_ramp,
    reverse_gradient,
)
from course.scene_debias.losses import scene_adversarial_loss

STEPS, LEARNED = 60, 30  # of the game, and of learning actions before it
POINTS, CORRELATION = 120, 0.8
RATE, HEAD_RATE, HEAD_STEPS, DECAY = 0.2, 0.5, 3, 0.01
SCHEDULES: dict[str, Callable[[float], Schedule]] = {
    "constant": constant,
    "DANN's ramp": dann_ramp,
    "linear after a warm-up": lambda strength: after_warmup(linear_ramp(strength), 0.3),
}
REVERSED, LITERAL = SIGNS = ("reversed gradient", "literal minus sign")
PLAIN, TOLD = HEADS = ("plain", "told the action")
WIDTHS: dict[str, tuple[int, ...]] = {"linear": (), "8 hidden units": (8,)}


class Moment(NamedTuple):
    """The game before one of its steps; `wanted` and `pushed` are directions to move.

    `wanted` is where the features would have to go to lower the scene head's loss,
    `pushed` where the adversary's gradient, as it arrives, sends them.  `head_turn` is
    the cosine between the head's own step and the way down its loss.
    """

    weights: dict[str, Tensor]
    strength: float
    action_loss: float
    scene_loss: float
    features: Float[Tensor, "n 2"]
    wanted: Float[Tensor, "n 2"]
    pushed: Float[Tensor, "n 2"]
    head_turn: float


class Game(NamedTuple):
    """All moments, the clips, and the entropies of their scenes in nats."""

    moments: list[Moment]
    players: nn.ModuleDict
    clips: Clips
    prior: float  # H(scene)
    given_action: float  # H(scene | action)


@lru_cache(maxsize=64)
def play(
    strength: float, schedule: str, sign: str, head: str, width: str = "linear"
) -> Game:
    """Play the whole game.

    Args:
        strength: lambda, the largest of the schedule.
        schedule: one of `SCHEDULES`.
        sign: one of `SIGNS`: the room's reversal, or L_CE - lambda L_Adv for everybody.
        head: one of `HEADS`.
        width: of the scene head, one of `WIDTHS`.

    Raises:
        ValueError: for an option that does not exist, or a negative strength.

    >>> game = play(0.0, "constant", "reversed gradient", "plain")
    >>> len(game.moments), float(game.moments[9].pushed.abs().max())
    (61, 0.0)
    """
    chosen = ((schedule, SCHEDULES), (sign, SIGNS), (head, HEADS), (width, WIDTHS))
    for value, options in chosen:
        if value not in options:
            raise ValueError(f"{value!r} is none of {', '.join(options)}")
    clips = draw_clips(POINTS, CORRELATION, seed=1)
    table, literal = _table(head, width), sign == LITERAL
    lambdas = SCHEDULES[schedule](strength)
    own = [*table["backbone"].parameters(), *table["action"].parameters()]
    optimizer = torch.optim.SGD(own, RATE, weight_decay=DECAY)
    of_head = list(table["scene"].parameters())
    head_optimizer = torch.optim.SGD(of_head, HEAD_RATE, weight_decay=DECAY)
    moments = []
    for step in range(STEPS + 1):
        now = lambdas(step / STEPS)
        for _ in range(HEAD_STEPS - 1):
            with torch.no_grad():
                features = features_of(table, clips)
            loss = (-now if literal else 1.0) * _scene_loss(table, features, clips)
            _move(of_head, head_optimizer, loss)
        moment, loss = _look(table, clips, now, literal)
        moments.append(moment)
        head_optimizer.zero_grad()
        _move(own, optimizer, loss)
        _cut(of_head)
        head_optimizer.step()
    action, scene = clips.action.numpy(), clips.scene.numpy()
    given = [label_entropy(scene[action == a]) for a in (0, 1)]
    return Game(moments, table, clips, label_entropy(scene), float(np.mean(given)))


def players_at(game: Game, step: int) -> nn.ModuleDict:
    """Backbone, action head and scene head as they were before a step.

    Args:
        game: from `play`.
        step: 0 to `STEPS`.
    """
    players = copy.deepcopy(game.players)
    players.load_state_dict(game.moments[step].weights)
    return players


def features_of(table: nn.ModuleDict, clips: Clips) -> Float[Tensor, "n 2"]:
    """The two features of each clip."""
    return table["backbone"](clips.codes) + clips.noise


def _table(head: str, width: str) -> nn.ModuleDict:
    """The players at their start: actions are learned, the scene head is fresh."""
    kept = torch.get_rng_state()
    torch.manual_seed(0)
    backbone, action_head = nn.Linear(2, 2), nn.Linear(2, 2)
    nn.init.eye_(backbone.weight)
    hidden = WIDTHS[width]
    scene_head = (
        SceneHead(2, 2, hidden, "none")
        if head == PLAIN
        else ConditionalSceneHead(2, 2, 2, hidden, "none")
    )
    torch.set_rng_state(kept)
    own = [*backbone.parameters(), *action_head.parameters()]
    optimizer, clips = torch.optim.SGD(own, RATE), draw_clips(POINTS, CORRELATION, 1)
    for _ in range(LEARNED):
        logits = action_head(backbone(clips.codes) + clips.noise)
        _move(own, optimizer, F.cross_entropy(logits, clips.action))
    players = {"backbone": backbone, "action": action_head, "scene": scene_head}
    return nn.ModuleDict(players)


def _scene_loss(table: nn.ModuleDict, features: Tensor, clips: Clips) -> Tensor:
    head = table["scene"]
    told = (clips.action,) if isinstance(head, ConditionalSceneHead) else ()
    return scene_adversarial_loss(head(features, *told), clips.scene)


def _look(
    table: nn.ModuleDict, clips: Clips, strength: float, literal: bool
) -> tuple[Moment, Tensor]:
    """The moment, all its gradients taken by autograd, and the loss to descend."""
    features = features_of(table, clips)
    action_loss = F.cross_entropy(table["action"](features), clips.action)
    passed = features if literal else reverse_gradient(features, strength)
    scene_loss = _scene_loss(table, passed, clips)
    adversary = -strength * scene_loss if literal else scene_loss
    head = list(table["scene"].parameters())
    plain = _scene_loss(table, features, clips)
    down = torch.autograd.grad(plain, [features, *head], retain_graph=True)
    sent = torch.autograd.grad(adversary, [features, *head], retain_graph=True)
    way, step = (torch.cat([g.flatten() for g in grads[1:]]) for grads in (down, sent))
    weights = {key: value.clone() for key, value in table.state_dict().items()}
    moment = Moment(
        weights, strength, action_loss.item(), scene_loss.item(),
        features.detach(), -down[0], -sent[0], F.cosine_similarity(way, step, 0).item(),
    )  # fmt: skip
    return moment, action_loss + adversary


def _move(parameters: list, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    _cut(parameters)
    optimizer.step()


def _cut(parameters: Iterable[nn.Parameter]) -> None:
    nn.utils.clip_grad_norm_(parameters, 1.0)
