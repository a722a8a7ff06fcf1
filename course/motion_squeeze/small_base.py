"""The 2-D network that stands in for a ResNet at cpu scale.

A 5 x 5 stem and three stages of one residual block each, with a ResNet's names, so
that the temporal shift and the MotionSqueeze module find their places.  A picture of
32 px has 16 x 16 cells after `layer1` (a cell is 2 px wide), then 8 x 8, then 4 x 4.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones.resnet import BasicBlock

STAGES = ("layer1", "layer2", "layer3")


class SmallResNet(nn.Module):
    """A stem and three residual blocks, 16, 32 and 64 channels wide.

    Args:
        num_classes: number of logits.
        in_channels: of the picture.
        widths: channels of `layer1` (and the stem), `layer2` and `layer3`.

    Takes pictures (B, C, H, W) in [-1, 1] and gives logits (B, num_classes).

    Raises:
        ValueError: for widths that do not name the three stages, or pictures with
            another number of axes or channels.

    >>> tuple(SmallResNet(8)(torch.rand(2, 3, 32, 32)).shape)
    (2, 8)
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        widths: tuple[int, ...] = (16, 32, 64),
    ):
        super().__init__()
        if len(widths) != len(STAGES) or num_classes < 1:
            raise ValueError(
                f"needs classes and three widths, got {num_classes} and {widths}"
            )
        self.conv1 = nn.Conv2d(in_channels, widths[0], 5, 2, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        channels = widths[0]
        for name, width in zip(STAGES, widths, strict=True):
            stride = 1 if name == "layer1" else 2
            self.add_module(name, nn.Sequential(BasicBlock(channels, width, stride)))
            channels = width
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(channels, num_classes)

    def forward_features(
        self, images: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b d h2 w2"]:
        """The last feature map, 1/8 of the picture's height and width."""
        if images.ndim != 4 or images.shape[1] != self.conv1.in_channels:
            expected = f"(B, {self.conv1.in_channels}, H, W)"
            raise ValueError(f"images must be {expected}, got {tuple(images.shape)}")
        x = torch.relu(self.bn1(self.conv1(images)))
        for name in STAGES:
            x = self.get_submodule(name)(x)
        return x

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """The feature map's mean over space."""
        return self.forward_features(images).mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.dropout(self.embed(images)))
