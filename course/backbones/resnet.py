"""2-D ResNet-18 and ResNet-50 with torchvision's parameter names and arithmetic.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.  As in
torchvision, the bottleneck block strides in its 3 x 3 convolution, not in the first
1 x 1 one as the paper does; a torchvision state dict loads strictly.

Inflation (course.i3d) turns these nets into video nets: their `forward` treats all axes
behind the channels alike.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

STAGES = ("layer1", "layer2", "layer3", "layer4")
WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut around them.

    Args:
        in_channels: of the map that comes in.
        width: channels of the convolutions and of the map that goes out.
        stride: of the first convolution and the shortcut.
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(in_channels, width, stride)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up to four times the width, and a shortcut.

    Args:
        in_channels: of the map that comes in.
        width: channels of the 3 x 3 convolution; four times as many go out.
        stride: of the 3 x 3 convolution and the shortcut.
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1):
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = _shortcut(in_channels, out_channels, stride)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        return torch.relu(self.bn3(self.conv3(out)) + self.downsample(x))


class ResNet(nn.Module):
    """A residual network; see `resnet18` and `resnet50`.

    `conv1`, `bn1`, `maxpool`, then the stages `layer1` to `layer4`, each an
    `nn.Sequential` of blocks, which a later module can follow, then `avgpool` and `fc`.

    Args:
        block: `BasicBlock` or `Bottleneck`.
        depths: number of blocks in each of the four stages.
        num_classes: number of logits.
        in_channels: of the image.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        num_classes: int = 1000,
        in_channels: int = 3,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for name, width, depth in zip(STAGES, WIDTHS, depths, strict=True):
            stride = 1 if name == "layer1" else 2
            blocks = [block(channels, width, stride)]
            channels = width * block.expansion
            blocks += [block(channels, width) for _ in range(depth - 1)]
            self.add_module(name, nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward_features(
        self, images: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b d h2 w2"]:
        """The last feature map, 1/32 of the image's height and width."""
        _check(images, self.conv1.weight)
        x = self.maxpool(torch.relu(self.bn1(self.conv1(images))))
        for name in STAGES:
            x = self.get_submodule(name)(x)
        return x

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """The feature map's mean over space."""
        return torch.flatten(self.avgpool(self.forward_features(images)), 1)

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.embed(images))


def resnet18(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """ResNet-18: two basic blocks a stage, 11,689,512 parameters with 1000 classes.

    Args:
        num_classes: number of logits.
        in_channels: of the image.

    Returns:
        Module from images (B, C, H, W) to logits (B, num_classes), newly initialised.
        torchvision's weights expect RGB in [0, 1] minus (0.485, 0.456, 0.406), divided
        by (0.229, 0.224, 0.225).

    Raises:
        ValueError: if the images have another number of axes or channels.

    Source: He et al., CVPR 2016, Table 1.

    >>> tuple(resnet18(8)(torch.rand(2, 3, 32, 32)).shape)
    (2, 8)
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes, in_channels)


def resnet50(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """ResNet-50: bottleneck blocks, 25,557,032 parameters with 1000 classes.

    Args:
        num_classes: number of logits.
        in_channels: of the image.

    Returns:
        Module from images (B, C, H, W) to logits (B, num_classes); see `resnet18`.

    Raises:
        ValueError: if the images have another number of axes or channels.

    Source: He et al., CVPR 2016, Table 1.

    >>> resnet50(8).fc.in_features
    2048
    """
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, in_channels)


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """A 1 x 1 convolution where the map changes its size, else nothing."""
    if stride == 1 and in_channels == out_channels:
        return nn.Sequential()  # passes its input on and has no parameters
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def _check(images: Tensor, kernel: Tensor) -> None:
    # The axes are those of the kernel, so that an inflated net checks for videos.
    if images.ndim != kernel.ndim or images.shape[1] != kernel.shape[1]:
        names = "(B, C, H, W)" if kernel.ndim == 4 else "(B, C, T, H, W)"
        expected = f"{names} with C = {kernel.shape[1]}"
        raise ValueError(f"input must be {expected}, got {tuple(images.shape)}")
