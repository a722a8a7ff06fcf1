"""GoogLeNet (Inception-v1 with batch norm) with torchvision's names and arithmetic.

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015; batch norm after
Ioffe & Szegedy, 2015.  torchvision's weights were ported from TensorFlow: the branch
that is 5 x 5 in the paper is 3 x 3, batch norm has eps 1e-3, and the pools round their
size up.  The auxiliary classifiers, which help training only, are left out.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Widths of the branches: 1x1 | 1x1 -> 3x3 | 1x1 -> 3x3 | pool -> 1x1.
WIDTHS = {
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
POOL_BEFORE = {"inception4a": "maxpool3", "inception5a": "maxpool4"}


class BasicConv2d(nn.Module):
    """Convolution without bias, batch norm, ReLU; an odd kernel keeps the size.

    Args:
        in_channels, out_channels, kernel, stride: of the convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int = 1
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride, kernel // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3)
        nn.init.trunc_normal_(self.conv.weight, std=0.01)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return torch.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches side by side, their maps stacked as channels.

    Args:
        in_channels: of the map that comes in.
        widths: a row of `WIDTHS`.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...]):
        super().__init__()
        one, small2, big2, small3, big3, pooled = widths
        self.branch1 = BasicConv2d(in_channels, one, 1)
        self.branch2 = nn.Sequential(
            BasicConv2d(in_channels, small2, 1),
            BasicConv2d(small2, big2, 3),
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(in_channels, small3, 1),
            BasicConv2d(small3, big3, 3),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv2d(in_channels, pooled, 1)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


class GoogLeNet(nn.Module):
    """GoogLeNet without auxiliary classifiers: 6,624,904 parameters, 1000 classes.

    Args:
        num_classes: number of logits.
        in_channels: of the image.

    Takes images (B, C, H, W) and gives logits (B, num_classes).  torchvision's weights
    expect RGB in [-1, 1], which is what torchvision's own `transform_input` makes of
    its usual normalisation.

    Raises:
        ValueError: if the images have another number of axes or channels.

    Source: Szegedy et al., CVPR 2015, Table 1.

    >>> tuple(GoogLeNet(8)(torch.rand(2, 3, 64, 64)).shape)
    (2, 8)
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        self.conv1 = BasicConv2d(in_channels, 64, 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, 1)
        self.conv3 = BasicConv2d(64, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        channels = 192
        for name, widths in WIDTHS.items():
            self.add_module(name, Inception(channels, widths))
            channels = widths[0] + widths[2] + widths[4] + widths[5]
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(channels, num_classes)

    def forward_features(
        self, images: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b d h2 w2"]:
        """The last feature map, 1/32 of the image's height and width."""
        kernel: Tensor = self.conv1.conv.weight
        if images.ndim != kernel.ndim or images.shape[1] != kernel.shape[1]:
            expected = f"{kernel.ndim} axes and {kernel.shape[1]} channels"
            raise ValueError(f"input must have {expected}, got {tuple(images.shape)}")
        x = self.conv3(self.conv2(self.maxpool1(self.conv1(images))))
        x = self.maxpool2(x)
        for name in WIDTHS:
            if name in POOL_BEFORE:
                x = self.get_submodule(POOL_BEFORE[name])(x)
            x = self.get_submodule(name)(x)
        return x

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1024"]:
        """The feature map's mean over space."""
        return torch.flatten(self.avgpool(self.forward_features(images)), 1)

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.dropout(self.embed(images)))
