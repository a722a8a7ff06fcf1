"""How much of the action does the scene alone tell?  RESOUND's and REPAIR's numbers.

As the papers do it: a network that has learned to name *scenes* (here from the world's
empty ones, with other seeds) gives features of the clips, and a linear classifier names
the action from these.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from course.evaluation.inference import clip_input, device_of, predict
from course.evaluation.probes import one_hot
from course.evaluation.scene_bias import SceneBias, dataset_scene_bias
from course.scene_debias.examine import HEARD, PROBE_SEED, split_of
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import make_world, network
from course.training import fit
from course.training.classify import classify

EMPTY_SEED = 500  # added to the run's seed: other light, other furniture
LABELLED = 16_384  # clips whose labels alone are looked at


def bias(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Scene bias of the world at every correlation of the scale.

    Args:
        settings: of the scale.
        seed: of the world and the scene network.
        device: where to train.

    Returns:
        For rho in hundredths: `bias_RHO` (RESOUND's B, nats), `repair_RHO` (REPAIR's,
        a share) and `accuracy_RHO` from the scene network's features; `true_RHO`, B
        from the true scene; `erased`, B from the features of clips without their actor
        at rho 0; and `scenes`, the scene network's own accuracy.
    """
    net = scene_network(settings, seed, device)
    found = {}
    for rho in settings.correlations:
        name = f"{100 * rho:.0f}"
        data = split_of(settings, "test", seed + PROBE_SEED, rho, settings.probe_clips)
        score = _from_features(net, data, settings)
        found[f"bias_{name}"] = float(score.bias.estimate)
        found[f"repair_{name}"] = float(score.repair)
        found[f"accuracy_{name}"] = float(score.accuracy.estimate)
        found[f"true_{name}"] = true_bias(settings, seed, rho)
    split = "background_only"
    empty = split_of(settings, split, seed + PROBE_SEED, 0.0, settings.probe_clips)
    found["erased"] = float(_from_features(net, empty, settings).bias.estimate)
    named = predict(net, data["clip"], device=device_of(net)).argmax(dim=1)
    return found | {"scenes": (named == data["scene"]).float().mean().item()}


def true_bias(settings: Settings, seed: int, correlation: float) -> float:
    """B from the true scene.  No pixel is needed, so many clips are asked.

    Args:
        settings: of the scale.
        seed: of the run.
        correlation: rho.

    Returns:
        nats.

    >>> from course.scene_debias.scales import SETTINGS
    >>> round(true_bias(SETTINGS["cpu"], 1, 1.0), 3)  # ln 8
    2.079
    """
    world = make_world(
        settings, "test", seed + PROBE_SEED, LABELLED, scene_correlation=correlation
    )
    scenes = one_hot(world.scenes, len(world.scene_names))
    return float(_score(scenes, world.actions, settings).bias.estimate)


def _from_features(net: nn.Module, data: dict, settings: Settings) -> SceneBias:
    features = predict(net.embed, data["clip"], device=device_of(net))  # type: ignore[arg-type]
    return _score(features.numpy(), data["action"].numpy(), settings)


def _score(x: np.ndarray, actions: np.ndarray, settings: Settings) -> SceneBias:
    """Learned from the first five of eight clips, and tested on the others."""
    cut, count = int(HEARD * len(actions)), len(settings.knobs.action_names)
    return dataset_scene_bias(x[:cut], actions[:cut], x[cut:], actions[cut:], count)


def scene_network(settings: Settings, seed: int, device: torch.device) -> nn.Module:
    """The scale's network, trained to name scenes in which nobody is."""
    world = make_world(
        settings, "background_only", seed + EMPTY_SEED, settings.clips // 2,
        scene_correlation=0.0,
    )  # fmt: skip
    data = world.tensors(("clip", "scene"))
    net = network(settings, seed, len(world.scene_names))
    step = classify(clip_input, "scene")
    fit(net, data, step, settings.recipe, seed=seed, device=device, progress=False)
    return net
