"""To other data sets: new actions in new scenes, few clips, frozen or fine-tuned.

The paper goes from Mini-Kinetics to UCF101, HMDB51 and Diving48, whose scenes tell more
or less of the action.  Here one target is as biased as the source, in the other scenes
tell nothing; both have the actions and scenes that the source does not have.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from course.evaluation.inference import clip_input, device_of, predict
from course.evaluation.probes import linear_probe
from course.scene_debias.scales import TARGET, Settings
from course.scene_debias.trainings import make_world
from course.synthetic import SynthActions, make_knobs
from course.training.fine_tune import fine_tune

TARGETS = {"biased": None, "unbiased": 0.0}  # rho; None is the source's
TARGET_SEED = 2000  # added to the run's seed: other actors


def transfer(
    net: nn.Module, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Accuracy on both targets of a linear classifier, and after fine-tuning.

    Args:
        net: trained on the source; stays as it is.
        settings: of the scale.
        seed: of everything.
        device: where to train.

    Returns:
        `linear_biased`, `linear_unbiased`, `tuned_biased`, `tuned_unbiased`.
    """
    found = {}
    for name, correlation in TARGETS.items():
        rho = settings.correlation if correlation is None else correlation
        train, test = (
            target(settings, split, seed, rho) for split in ("train", "test")
        )
        keys = ("clip", "action")
        learned, asked = train.tensors(keys), test.tensors(keys)
        found[f"linear_{name}"] = _linear(net, learned, asked)
        tuned = fine_tune(
            net, learned, len(TARGET["actions"]), settings.target_recipe, clip_input,
            seed=seed, device=device,
        )  # fmt: skip
        logits = predict(tuned, asked["clip"], device=device_of(tuned))
        right = logits.argmax(dim=1) == asked["action"]
        found[f"tuned_{name}"] = right.float().mean().item()
    return found


def target(
    settings: Settings, split: str, seed: int, correlation: float
) -> SynthActions:
    """One split of a target world: other actions, scenes and actors.

    Args:
        settings: of the scale; the training split has its `target_clips`.
        split: "train" or "test".
        seed: of the run.
        correlation: rho.

    >>> from course.scene_debias.scales import SETTINGS
    >>> world = target(SETTINGS["cpu"], "train", seed=3, correlation=0.0)
    >>> set(world.action_names) & set(SETTINGS["cpu"].knobs.action_names)
    set()
    """
    clips = settings.target_clips if split == "train" else None
    moved = replace(settings, knobs=make_knobs(settings.knobs, **TARGET))
    seed += TARGET_SEED
    return make_world(moved, split, seed, clips, scene_correlation=correlation)


def _linear(net: nn.Module, learned: dict, asked: dict) -> float:
    device = device_of(net)
    features = [
        predict(net.embed, data["clip"], device=device)  # type: ignore[arg-type]
        for data in (learned, asked)
    ]
    probe = linear_probe(features[0], learned["action"], features[1], asked["action"])
    return probe.accuracy.estimate
