"""What the module costs: multiply-adds, counted exactly, and time, measured.

Source: the paper's tables print FLOPs; time is ours.  Both at the paper's size, one
clip of 8 frames of 224 x 224 px, whatever the scale.
"""

from __future__ import annotations

import time

import torch
from torch import nn

from course.motion_squeeze.cost import network_cost
from course.motion_squeeze.networks import msnet, tsm
from course.motion_squeeze.scales import Settings
from course.scale import seed_everything

CLIP = (3, 8, 224, 224)
ROUNDS = 10


def cost(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Shares that MotionSqueeze adds to TSM.

    Returns:
        `added_macs_BACKBONE` and `added_parameters_BACKBONE` for ResNet-18 and -50, as
        shares and as a count; `added_seconds`: the share of time that a ResNet-18's
        forward pass takes longer: the quickest of interleaved rounds, on a CPU in
        processor time, so that what else the machine does counts less.
    """
    found = {}
    for backbone in ("resnet18", "resnet50"):
        plain = network_cost(tsm(backbone), CLIP)
        motion = network_cost(msnet(backbone), CLIP)
        found[f"added_macs_{backbone}"] = motion.above(plain)
        more = motion.parameters - plain.parameters
        found[f"added_parameters_{backbone}"] = float(more)
    return found | {"added_seconds": _added_seconds(seed, device)}


@torch.no_grad()
def _added_seconds(seed: int, device: torch.device) -> float:
    seed_everything(seed)
    clip = torch.rand(1, *CLIP, device=device)
    nets = [make("resnet18").to(device).eval() for make in (tsm, msnet)]
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS + 1):  # the first warms up
        for net, seconds in zip(nets, times, strict=True):
            seconds.append(_seconds(net, clip))
    plain, with_motion = (min(each[1:]) for each in times)
    return with_motion / plain - 1.0


def _seconds(net: nn.Module, clip: torch.Tensor) -> float:
    clock = time.perf_counter if clip.is_cuda else time.process_time
    begun = clock()
    net(clip)
    if clip.is_cuda:
        torch.cuda.synchronize()
    return clock() - begun
