"""What each network sees of a batch: frames, flow, or both, at the size it takes.

Every function here turns a batch of the world, or of videos, into the arguments of a
network: clips in [-1, 1], flow with 20 px of 224 at +-1.  A training is told which one
to use (its `inputs`), and a test asks with the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course.i3d.architectures.two_streams import MOST_FLOW, stack_flow
from course.i3d.architectures.volumes import C3D_CLIP

FLOW_BOUND = 20.0 / 224.0  # the published clip, 20 px, as a share of the frame's width


def to_rgb(clip: Tensor) -> Tensor:
    """Clips in [0, 1] or uint8 to [-1, 1]."""
    return (clip.float() / 127.5 if clip.dtype == torch.uint8 else 2.0 * clip) - 1.0


def to_flow(
    flow: Float[Tensor, "b 2 t h w"], bound: float = FLOW_BOUND
) -> Float[Tensor, "b 2 t h w"]:
    """Flow in px, clipped at 20 px of 224 (2.9 px of 32) and scaled to [-1, 1].

    Args:
        flow: px.
        bound: the clip as a share of the frame's width.

    >>> to_flow(torch.full((1, 2, 1, 4, 224), 10.0)).max().item()
    0.5
    """
    most = bound * flow.shape[-1]
    return flow.float().clamp(-most, most) / most


def rgb_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All frames: what the RGB stream of `i3d` sees."""
    return (to_rgb(batch["clip"]),)


def rgb_sparse(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most 16 frames, evenly spaced: what `lstm` sees."""
    return (to_rgb(_spaced(batch["clip"], 16)),)


def rgb_coarse(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most 16 frames of at most 112 x 112 px: what `c3d` sees."""
    clip = to_rgb(_spaced(batch["clip"], C3D_CLIP[0]))
    size = (clip.shape[2], *(min(n, C3D_CLIP[1]) for n in clip.shape[3:]))
    return (clip if size == clip.shape[2:] else F.interpolate(clip, size, mode="area"),)


def _spaced(clip: Tensor, most: int) -> Tensor:
    """At most so many frames of (B, C, T, H, W), evenly spaced."""
    frames = clip.shape[2]
    if frames <= most:
        return clip
    places = torch.linspace(0, frames - 1, most, device=clip.device)
    return clip[:, :, places.round().long()]


def rgb_frame(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The middle frame: the RGB stream of `two_stream`."""
    clip = batch["clip"]
    return (to_rgb(clip[:, :, clip.shape[2] // 2]),)


def flow_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All flow frames in time: the flow stream of `i3d`."""
    return (to_flow(batch["flow"]),)


def flow_unclipped(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The same with five times the bound, which hardly any flow here exceeds."""
    return (to_flow(batch["flow"], 5.0 * FLOW_BOUND),)


def flow_stabilised(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All flow frames, each without its median motion: a camera's pan is gone."""
    flow = batch["flow"].float()
    frames = flow.flatten(3).contiguous()  # torch's median misreads expanded tensors
    median = frames.median(3).values[..., None, None]
    return (to_flow(flow - median),)


def flow_stack(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The middle flow frames, at most ten, as channels: `two_stream`'s flow stream."""
    flow = to_flow(batch["flow"])
    count = min(flow.shape[2], MOST_FLOW)
    first = (flow.shape[2] - count) // 2
    return (stack_flow(flow[:, :, first : first + count]),)


def frames_and_stacks(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most five frames with the three flow frames around each: for `fused`."""
    clip, flow = to_rgb(batch["clip"]), to_flow(batch["flow"])
    step = max(2, -(-(flow.shape[2] - 2) // 5))
    moments = range(1, flow.shape[2] - 1, step)
    stacks = [stack_flow(flow[:, :, t - 1 : t + 2]) for t in moments]
    return clip[:, :, list(moments)], torch.stack(stacks, dim=2)


def shuffled(batch: Mapping[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """The same clips with their frames in another order, drawn for each clip."""
    clip = batch["clip"]
    draws = torch.Generator().manual_seed(seed)
    order = torch.rand(len(clip), clip.shape[2], generator=draws).argsort(1)
    index = order[:, None, :, None, None].expand_as(clip)
    return {**batch, "clip": clip.gather(2, index)}


def course_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Clips as the course has them, in [0, 1]."""
    return (batch["clip"],)
