"""The 2-D network that stands in for Inception-v1 at cpu scale.

A stem and two residual blocks, each halving height and width: the five architectures
are compared on this one base as the paper compares them on Inception-v1.  Its `forward`
never looks at the number of axes, so the inflated copy runs the same code on clips.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ResidualBlock2d(nn.Module):
    """Two 3 x 3 convolutions and a strided 1 x 1 shortcut, with batch norm (ResNet)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 2):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b d *smaller"]:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.bn3(self.shortcut(x)))


class SmallNet(nn.Module):
    """A stem and residual blocks that halve the picture at each width.

    Args:
        num_classes: number of logits.
        in_channels: of the input (3 colours, or 2 for each frame of flow).
        widths: channels of the stem and of each block.

    Input in [-1, 1], (B, C, H, W); once inflated, (B, C, T, H, W).

    >>> net = SmallNet(10)
    >>> tuple(net(torch.rand(2, 3, 32, 32)).shape)
    (2, 10)
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        widths: tuple[int, ...] = (16, 32, 64),
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, widths[0], 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        pairs = zip(widths, widths[1:], strict=False)
        self.blocks = nn.Sequential(*(ResidualBlock2d(a, b) for a, b in pairs))
        self.fc = nn.Linear(widths[-1], num_classes)

    def forward_features(
        self, x: Float[Tensor, "b c *space"]
    ) -> Float[Tensor, "b d *smaller"]:
        """The last feature map."""
        return self.blocks(torch.relu(self.bn1(self.conv1(x))))

    def embed(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b d"]:
        """Its mean over all places (and times)."""
        return self.forward_features(x).flatten(2).mean(2)

    def forward(self, x: Float[Tensor, "b c *space"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.embed(x))
