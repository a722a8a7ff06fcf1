"""Flow: what a moving camera does to it, and from which weights a flow stream starts.

Source: section 4, where the authors suspect camera motion behind flow's weak showing on
Kinetics (table 2), and table 3 for flow from inflated weights and from scratch.
"""

from __future__ import annotations

import torch

from course.i3d.architectures import StreamNetwork, make_stream
from course.i3d.inputs import flow_clip, flow_stabilised
from course.i3d.scales import Settings
from course.i3d.scoring import logits_of
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
    pan, jitter = settings.camera[level]
    knobs = {"camera_pan": pan, "camera_jitter": jitter}
    found = architecture("i3d", settings, seed, device, settings.many, **knobs)
    data = trained_on(settings, seed, settings.many, **knobs)
    test = tested_on(settings, seed, **knobs)
    net = _flow_stream("mean", settings, seed, device)
    train(net, data, flow_stabilised, settings, seed, device)
    logits = logits_of(net, test, flow_stabilised)
    return found | named(settings, logits, test, "stabilised_")


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
    base, classes = (
        image_network(settings, seed, device),
        len(settings.knobs.action_names),
    )
    seed_everything(seed)
    return make_stream(base, classes, 2, video=True, channel_rule=rule)
