"""What features that saw no label are good for: probes, retrieval, fine-tuning.

Labelled clips come in two targets: the actions and scenes of the pre-training (with
actors of another seed), and others.  In both an action mostly happens in its own scene;
the test clips are at home, swapped, or anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from course.evaluation.inference import device_of, predict
from course.evaluation.probes import linear_probe
from course.evaluation.retrieval import retrieval_recall
from course.fame.pretraining import make_world
from course.fame.scales import TARGET, Settings
from course.synthetic import make_knobs

LABELLED_SEED = 1000  # added to the run's seed: other actors than any pre-training's
KS = (1, 5, 10, 20, 50)
TARGETS: dict[str, dict[str, Any]] = {"own": {}, "other": TARGET}


def examine(net: nn.Module, settings: Settings, seed: int) -> dict[str, float]:
    """Probe and retrieve with frozen features, on both targets.

    Args:
        net: has `embed`; left as it is.
        settings: of the scale.
        seed: of the world that it was pre-trained in.

    Returns:
        For each target (`own`, `other`), as shares: `_action`, named by a linear probe
        that learned from uncorrelated clips, and `_scene` likewise; `_home` and
        `_swapped`, by one that learned from correlated clips; and of the nearest
        neighbour among these `_nearest_home`, `_nearest_swapped` and
        `_nearest_scene`.
    """
    found = {}
    for name in TARGETS:
        for key, value in _on_target(net, settings, seed, name).items():
            found[f"{name}_{key}"] = value
    return found


def _on_target(net: Any, settings: Settings, seed: int, name: str) -> dict[str, float]:
    device = device_of(net)

    def features(split: str, rho: float) -> tuple[Tensor, Tensor, Tensor]:
        data = split_of(settings, name, split, seed, rho)
        embedded = predict(net.embed, data["clip"], device=device)
        return embedded, data["action"], data["scene"]

    rho = settings.correlation
    learned, any_place = features("train", rho), features("train", 0.0)
    home, swapped = features("test", rho), features("swapped", rho)
    anywhere = features("uncorrelated", rho)

    def probe(train: tuple, test: tuple, label: int) -> float:
        fitted = linear_probe(train[0], train[label], test[0], test[label])
        return fitted.accuracy.estimate

    def nearest(test: tuple, label: int) -> float:
        return retrieval_recall(test[0], test[label], learned[0], learned[label], (1,))[
            1
        ]

    return {
        "action": probe(any_place, anywhere, 1),
        "scene": probe(any_place, anywhere, 2),
        "home": probe(learned, home, 1),
        "swapped": probe(learned, swapped, 1),
        "nearest_home": nearest(home, 1),
        "nearest_swapped": nearest(swapped, 1),
        "nearest_scene": nearest(swapped, 2),
    }


@lru_cache(maxsize=12)
def split_of(
    settings: Settings, target: str, split: str, seed: int, correlation: float
) -> dict[str, Tensor]:
    """Labelled clips of a target: one clip a video, actors of another seed.

    Args:
        settings: of the scale.
        target: of `TARGETS`.
        split: "train" or a test split.
        seed: of the run.
        correlation: rho.
    """
    knobs = make_knobs(settings.knobs, clips_per_video=1, **TARGETS[target])
    moved = replace(settings, knobs=knobs)
    clips = settings.probe_clips if split == "train" else settings.test_clips
    world = make_world(
        moved, split, seed + LABELLED_SEED, clips, scene_correlation=correlation
    )
    return world.tensors(("clip", "action", "scene"))
