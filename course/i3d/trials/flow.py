"""Flow: what a moving camera does to it, and from which weights a flow stream starts.

Source: section 4, where the authors suspect camera motion behind flow's weak showing on
Kinetics (table 2), and table 3 for flow from inflated weights and from scratch.
"""

from __future__ import annotations

import torch

from course.evaluation.order import logits_of
from course.i3d.architectures import StreamNetwork, make_stream
from course.i3d.inputs import (
    FLOW_BOUND,
    flow_clip,
    flow_stabilised,
    flow_unclipped,
)
from course.i3d.scales import Settings
from course.i3d.trainings import (
    image_network,
    tested_on,
    train,
    trained_on,
    video_network,
)
from course.i3d.trials.architectures import architecture, named
from course.scale import seed_everything

RULES = ("mean", "sum", "random", "scratch")


def camera(
    level: int, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Both streams of I3D while the camera rests (0), moves (1), moves much (2).

    Returns:
        What `architecture` returns for `i3d`; with `stabilised_` in front, the flow
        stream on flow without each frame's median.
    """
    knobs = _moving(level, settings)
    found = architecture("i3d", settings, seed, device, settings.many, **knobs)
    values = _flow_only(flow_stabilised, knobs, settings, seed, device)
    return found | {f"stabilised_{key}": value for key, value in values.items()}


def camera_unclipped(
    settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """The flow stream under the strongest camera motion, its flow hardly ever clipped.

    Returns:
        Its scores, and `beyond`, the share of flow values that the usual clip cuts.
    """
    knobs = _moving(2, settings)
    flow = tested_on(settings, seed, **knobs)["flow"].float()
    beyond = float((flow.abs() > FLOW_BOUND * flow.shape[-1]).float().mean())
    values = _flow_only(flow_unclipped, knobs, settings, seed, device)
    return values | {"beyond": beyond}


def _moving(level: int, settings: Settings) -> dict[str, float]:
    pan, jitter = settings.camera[level]
    return {"camera_pan": pan, "camera_jitter": jitter}


def _flow_only(
    inputs: Inputs, knobs: dict, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """I3D's flow stream alone, on some form of flow."""
    data = trained_on(settings, seed, settings.many, **knobs)
    test = tested_on(settings, seed, **knobs)
    net = _flow_stream("mean", settings, seed, device)
    train(net, data, inputs, settings, seed, device)
    return named(settings, logits_of(net, test, inputs), test)


def flow_start(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Ways to begin a flow stream: the first layer by three rules, or nothing kept."""
    data = trained_on(settings, seed, settings.few)
    test = tested_on(settings, seed)
    found: dict[str, float] = {}
    for rule in RULES:
        net = _flow_stream(rule, settings, seed, device)
        train(net, data, flow_clip, settings, seed, device)
        logits = logits_of(net, test, flow_clip)
        found |= named(settings, logits, test, f"{rule}_")
    return found


def _flow_stream(
    rule: str, settings: Settings, seed: int, device: torch.device
) -> StreamNetwork:
    """I3D's flow stream before training, its first layer by one of `RULES`."""
    if rule == "scratch":
        return video_network(settings, seed, "scratch", channels=2, device=device)
    base = image_network(settings, seed, device)
    classes = len(settings.knobs.action_names)
    seed_everything(seed)
    return make_stream(base, classes, 2, video=True, channel_rule=rule)
