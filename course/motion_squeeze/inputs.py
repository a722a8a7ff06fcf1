"""What each network sees of a batch: frames, or flow in one of several forms.

Flow is given in [-1, 1], with an eighth of the frame's width at +-1, and a field for
each frame, since a network that averages over frames wants one for each: the last frame
has no next one and gets the last pair's, as in the module.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from course.evaluation.inference import as_float_clips, clip_input

frames = clip_input  # the clips themselves, in [0, 1]

FLOW_BOUND = 0.125  # of the frame's width
STACK = 5  # flow fields that the second stream sees of each segment


def backwards(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The same clips, played backwards."""
    return (as_float_clips(batch["clip"]).flip(2),)


def unit_flow(flow: Float[Tensor, "b 2 t h w"]) -> Float[Tensor, "b 2 t h w"]:
    """Flow in px, scaled so that an eighth of the frame's width is 1, clipped there.

    >>> unit_flow(torch.full((1, 2, 1, 4, 48), 3.0)).max().item()
    0.5
    """
    return (flow.float() / (FLOW_BOUND * flow.shape[-1])).clamp(-1, 1)


def flow_to_next(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """From each frame that the networks see to the next such frame."""
    flow = unit_flow(batch["flow"])
    return (torch.cat((flow, flow[:, :, -1:]), dim=2),)


def one_flow(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """From the middle frame of each segment to the world's very next frame.

    Args:
        batch: `dense_flow` (B, 2, 5 S - 1, H, W) in px, (dx, dy), of S segments of five
            frames, from each frame to the next.

    Returns:
        One input (B, 2, S, H, W) in [-1, 1]: a fortieth of the frame's width is 1.

    Raises:
        ValueError: for flow of another shape, or of frames that are no whole segments.

    Source: "8 + (8 x 1)" of the comparison with two-stream networks.

    >>> dense = torch.zeros(1, 2, 9, 4, 40)  # two segments
    >>> dense[:, 0, 7] = 0.5  # from frame 7, the second one's middle
    >>> one_flow({"dense_flow": dense})[0][0, 0, :, 0, 0]
    tensor([0.0000, 0.5000])
    """
    return (_segments(batch["dense_flow"])[:, :, :, STACK // 2],)


def five_flows(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All five flow fields of each segment as ten channels.

    Args:
        batch: `dense_flow` as for `one_flow`.

    Returns:
        One input (B, 10, S, H, W) in [-1, 1], scaled as in `one_flow`; channels dx and
        dy of the segment's first field, then of its second, and so on.

    Raises:
        ValueError: as `one_flow`.

    Source: "8 + (8 x 5)" of the comparison with two-stream networks.

    >>> dense = torch.zeros(1, 2, 9, 4, 40)  # two segments
    >>> dense[:, 1, 1] = 0.5  # down, from the first one's second frame
    >>> five_flows({"dense_flow": dense})[0][0, :, 0, 0, 0].nonzero().flatten()
    tensor([3])
    """
    stacked = _segments(batch["dense_flow"])  # (B, 2, S, 5, H, W)
    return (stacked.permute(0, 3, 1, 2, 4, 5).flatten(1, 2),)


def _segments(flow: Float[Tensor, "b 2 t h w"]) -> Float[Tensor, "b 2 s n h w"]:
    """Cut into segments of five; the clip's last frame has no flow, so one repeats.

    Such flow is short, a fifth of a step: it is enlarged five times to fill [-1, 1].
    """
    if flow.ndim != 5 or flow.shape[1] != 2 or (flow.shape[2] + 1) % STACK:
        expected = f"(B, 2, {STACK} * S - 1, H, W)"
        raise ValueError(f"dense_flow must be {expected}, got {tuple(flow.shape)}")
    flow = unit_flow(STACK * flow)
    full = torch.cat((flow, flow[:, :, -1:]), dim=2)
    return full.unflatten(2, (-1, STACK))
