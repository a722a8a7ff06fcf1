"""Two streams, frames and flow: fused inside, or added at the end.

Source: sections 2.3 and 2.4 (c, d and e of figure 2); the stack of flow frames is
Simonyan & Zisserman's, 2014.
"""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from course.i3d.architectures.frames import StreamNetwork, features_per_frame

MOST_FLOW = 10  # flow frames that a two-stream network stacks


def stack_flow(flow: Float[Tensor, "b 2 t h w"]) -> Float[Tensor, "b c h w"]:
    """Flow frames as channels (u1, v1, u2, v2, ...), as two-stream networks read them.

    >>> stack_flow(torch.rand(1, 2, 10, 8, 8)).shape
    torch.Size([1, 20, 8, 8])
    """
    if flow.ndim != 5 or flow.shape[1] != 2:
        raise ValueError(f"flow must be (B, 2, T, H, W), got {tuple(flow.shape)}")
    return rearrange(flow, "b c t h w -> b (t c) h w")


class FusedTwoStream(nn.Module):
    """(d) Both streams' maps at several moments, joined by a 3-D convolution.

    Args:
        rgb, flow: image networks with maps of `channels` channels; `flow` reads stacks.
        channels: of each stream's map.
        hidden: channels of the 3-D convolution.
        num_classes: number of logits.
    """

    def __init__(
        self,
        rgb: StreamNetwork,
        flow: StreamNetwork,
        channels: int,
        hidden: int,
        num_classes: int,
    ):
        super().__init__()
        self.rgb, self.flow = rgb, flow
        self.conv = nn.Conv3d(2 * channels, hidden, 3, padding=1, bias=False)
        self.pool = nn.MaxPool3d(3, stride=2, padding=1)
        self.fc = nn.Linear(hidden, num_classes, bias=False)

    def forward(
        self, rgb: Float[Tensor, "b 3 s h w"], flow: Float[Tensor, "b c s h w"]
    ) -> Float[Tensor, "b k"]:
        """Class scores from frames and the flow stacks around them, S moments each."""
        both = (features_per_frame(self.rgb, rgb), features_per_frame(self.flow, flow))
        maps = self.pool(self.conv(torch.cat(both, dim=1)))
        return self.fc(maps.mean((2, 3, 4)))


class TwoStreams(nn.Module):
    """(c, e) Two networks trained apart; at test their logits are added.

    Args:
        rgb, flow: networks with the same classes.

    The paper says the predictions are averaged; its released code adds logits.
    """

    def __init__(self, rgb: nn.Module, flow: nn.Module):
        super().__init__()
        self.rgb, self.flow = rgb, flow

    def forward(
        self, rgb: Float[Tensor, "b 3 ..."], flow: Float[Tensor, "b c ..."]
    ) -> Float[Tensor, "b k"]:
        """Sum of the two streams' class scores."""
        return self.rgb(rgb) + self.flow(flow)
