"""What the network of the toy game knows at a moment, tested on new clips."""

from __future__ import annotations

from typing import NamedTuple

import torch

from course.evaluation.probes import scene_probe
from course.scene_debias.drawings.toy_clips import draw_clips
from course.scene_debias.drawings.toy_game import Game, features_of, players_at

CLIPS = 400  # half of them teach the probe
NAMES = ("backbone", "action")


class Reading(NamedTuple):
    """Numbers of a moment; accuracies are of clips whose scene is any."""

    leans: float  # weight of the scene code in the action's score, per motion code
    at_home: float  # action accuracy in the action's own scene
    swapped: float  # and in the other one's
    probe: float  # a fresh linear probe's scene accuracy


def read(game: Game, step: int) -> Reading:
    """Test the network of a moment, and its features by a fresh probe.

    Args:
        game: from `play`.
        step: of the game.

    >>> from course.scene_debias.drawings.toy_game import play
    >>> game = play(0.0, "constant", "reversed gradient", "plain")
    >>> read(game, 0).at_home > read(game, 0).swapped
    True
    """
    table, test = players_at(game, step), draw_clips(CLIPS, 0.0, seed=2)
    with torch.no_grad():
        features = features_of(table, test)
        right = (table["action"](features).argmax(1) == test.action).float()
        backbone, head = (table[name].get_parameter("weight") for name in NAMES)
        motion, scenery = ((head[1] - head[0]) @ backbone).tolist()
    half, home = CLIPS // 2, test.action == test.scene
    probe = scene_probe(
        features[:half], test.scene[:half], features[half:], test.scene[half:]
    )
    return Reading(
        scenery / motion, float(right[home].mean()), float(right[~home].mean()), probe
    )
