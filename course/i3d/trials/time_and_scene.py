"""Two more questions: when may time be thinned out, and how much is scenery?

Source of the first: section 2.4, which prints no ablation; see `course.i3d.thinning`.
The second is asked of every recogniser of the course.
"""

from __future__ import annotations

import torch

from course.evaluation import REPORT_CARD, report_card
from course.evaluation.frozen_world import report_card_world
from course.evaluation.order import logits_of
from course.i3d.heads import CourseClips, with_new_head
from course.i3d.inputs import course_clip, rgb_clip
from course.i3d.scales import SETTINGS, Settings
from course.i3d.thinning import ThinnedNet, drifting_dots
from course.i3d.trainings import video_network
from course.scale import seed_everything
from course.training import TrainSettings, fit
from course.training.classify import classify

DOT_CLIPS = 256


def thinning(
    kind: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Which way do the dots drift?  Accuracy at each speed.

    Args:
        kind: one of `THINNINGS`.
        settings: of the scale; `speeds` in px per frame.
        seed: of dots and weights.
        device: where to train.

    Returns:
        `speed_2`, `speed_3`, ...: share of right answers.
    """
    found = {}
    for speed in settings.speeds:
        data = drifting_dots(DOT_CLIPS, speed, seed)
        test = drifting_dots(DOT_CLIPS, speed, seed + 100)
        seed_everything(seed)
        net = ThinnedNet(kind)
        recipe, step = settings.dots_recipe, classify(rgb_clip)
        fit(net, data, step, recipe, seed=seed, device=device, progress=False)
        logits = logits_of(net, test, rgb_clip)
        right = (logits.argmax(1) == test["action"]).float().mean()
        found[f"speed_{speed}"] = float(right)
    return found


def card(
    start: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """The course's report card of the small inflated network, or the same from scratch.

    Its world and recipe are the card's own, whatever the scale.

    Args:
        start: see `video_network`.
        settings: not read.
        seed: of the card's world and the weights.
        device: where to train.

    Returns:
        The card's numbers by name.
    """
    world = report_card_world("train", seed)
    classes = len(world.action_names)
    stream = video_network(SETTINGS["cpu"], seed, start, device=device)
    net = CourseClips(with_new_head(stream, classes))
    data, step = world.tensors(("clip", "action")), classify(course_clip)
    recipe = TrainSettings(**REPORT_CARD.recipe)
    fit(net, data, step, recipe, seed=seed, device=device, progress=False)
    return report_card(net, seed).as_metrics()
