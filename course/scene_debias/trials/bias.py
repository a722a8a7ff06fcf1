"""How much of the action does the scene alone tell?  RESOUND's and REPAIR's numbers.

As the papers do it: a network that has learned to name *scenes* (here from the world's
empty ones, with other seeds) gives features of the clips, and a linear classifier names
the action from these.
"""

from __future__ import annotations

import torch
from torch import nn

from course.evaluation.inference import as_float_clips, device_of, predict
from course.evaluation.probes import one_hot
from course.evaluation.scene_bias import dataset_scene_bias
from course.scene_debias.examine import HEARD, PROBE_SEED, split_of
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import make_world, network
from course.training import fit
from course.training.classify import classify

EMPTY_SEED = 500  # added to the run's seed: other light, other furniture


def bias(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Scene bias of the world at every correlation of the scale.

    Args:
        settings: of the scale.
        seed: of the world and the scene network.
        device: where to train.

    Returns:
        For rho in hundredths: `bias_RHO` (RESOUND's B, nats), `repair_RHO` (REPAIR's,
        a share) and `accuracy_RHO` from the scene network's features; `true_RHO`, B
        from the true scene; and `scenes`, the scene network's own accuracy.
    """
    net = scene_network(settings, seed, device)
    found = {}
    for rho in settings.correlations:
        name = f"{100 * rho:.0f}"
        data = split_of(settings, "test", seed + PROBE_SEED, rho, settings.probe_clips)
        features = predict(net.embed, data["clip"], device=device_of(net))  # type: ignore[arg-type]
        scenes, actions = data["scene"], data["action"]
        cut, count = int(HEARD * len(actions)), len(settings.knobs.action_names)
        seen = one_hot(scenes.numpy(), len(settings.knobs.scene_names))
        for x, prefix in ((features.numpy(), "bias"), (seen, "true")):
            score = dataset_scene_bias(
                x[:cut], actions[:cut], x[cut:], actions[cut:], count
            )
            found[f"{prefix}_{name}"] = float(score.bias.estimate)
            if prefix == "bias":
                found[f"repair_{name}"] = float(score.repair)
                found[f"accuracy_{name}"] = float(score.accuracy.estimate)
    logits = predict(net, data["clip"], device=device_of(net))
    return found | {"scenes": (logits.argmax(1) == scenes).float().mean().item()}


def scene_network(settings: Settings, seed: int, device: torch.device) -> nn.Module:
    """The scale's network, trained to name scenes in which nobody is."""
    world = make_world(
        settings, "background_only", seed + EMPTY_SEED, settings.clips // 2,
        scene_correlation=0.0,
    )  # fmt: skip
    data = world.tensors(("clip", "scene"))
    net = network(settings, seed, len(world.scene_names))
    step = classify(lambda batch: (as_float_clips(batch["clip"]),), "scene")
    fit(net, data, step, settings.recipe, seed=seed, device=device, progress=False)
    return net
