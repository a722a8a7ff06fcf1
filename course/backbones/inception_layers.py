"""The layers of Inception-v1 and I3D: one table, and what its rows are made of.

Source: the published network (google-deepmind/kinetics-i3d) of Carreira & Zisserman,
CVPR 2017 (arXiv 1705.07750, Fig. 3).  A row says time, height and width; the picture
network leaves time out.  Every convolution has SAME padding, batch norm with an offset
but no scale, and a ReLU; where Inception-v1 had 5 x 5 kernels there are 3 x 3 ones.

Known differences: in training, TensorFlow's moving variance collects the biased
variance of a batch, torch's the unbiased one.  Convolutions start with torch's own
initial weights.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones.same_padding import max_pool_same, pad_same

Triple = tuple[int, int, int]


class Layer(NamedTuple):
    """A row of the table: kernel and stride are (time, height, width).

    One width is a convolution, six are an inception module, none is a max-pool.
    """

    name: str
    kernel: Triple
    stride: Triple
    widths: tuple[int, ...] = ()


# Module widths: 1x1 | 1x1, then 3x3 | 1x1, then 3x3 | 1x1 after the max-pool.
LAYERS = (
    Layer("Conv3d_1a_7x7", (7, 7, 7), (2, 2, 2), (64,)),
    Layer("MaxPool3d_2a_3x3", (1, 3, 3), (1, 2, 2)),
    Layer("Conv3d_2b_1x1", (1, 1, 1), (1, 1, 1), (64,)),
    Layer("Conv3d_2c_3x3", (3, 3, 3), (1, 1, 1), (192,)),
    Layer("MaxPool3d_3a_3x3", (1, 3, 3), (1, 2, 2)),
    Layer("Mixed_3b", (3, 3, 3), (1, 1, 1), (64, 96, 128, 16, 32, 32)),
    Layer("Mixed_3c", (3, 3, 3), (1, 1, 1), (128, 128, 192, 32, 96, 64)),
    Layer("MaxPool3d_4a_3x3", (3, 3, 3), (2, 2, 2)),
    Layer("Mixed_4b", (3, 3, 3), (1, 1, 1), (192, 96, 208, 16, 48, 64)),
    Layer("Mixed_4c", (3, 3, 3), (1, 1, 1), (160, 112, 224, 24, 64, 64)),
    Layer("Mixed_4d", (3, 3, 3), (1, 1, 1), (128, 128, 256, 24, 64, 64)),
    Layer("Mixed_4e", (3, 3, 3), (1, 1, 1), (112, 144, 288, 32, 64, 64)),
    Layer("Mixed_4f", (3, 3, 3), (1, 1, 1), (256, 160, 320, 32, 128, 128)),
    Layer("MaxPool3d_5a_2x2", (2, 2, 2), (2, 2, 2)),
    Layer("Mixed_5b", (3, 3, 3), (1, 1, 1), (256, 160, 320, 32, 128, 128)),
    Layer("Mixed_5c", (3, 3, 3), (1, 1, 1), (384, 192, 384, 48, 128, 128)),
)


class OffsetBatchNorm(nn.Module):
    """Batch norm with an offset (`bias`) but no scale, over any number of axes.

    Epsilon and momentum are the published ones (moving averages decay by 0.999).  For
    the same batches TensorFlow's moving variance is (n - 1) / n times torch's, n values
    per channel: it is the biased variance.  Matters in training only.
    """

    ones: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-3, momentum: float = 1e-3):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        # cuDNN's batch norm wants a scale; it is neither learned nor saved.
        self.register_buffer("ones", torch.ones(channels), persistent=False)

    def forward(self, x: Float[Tensor, "b c *size"]) -> Float[Tensor, "b c *size"]:
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.ones,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )


class ConvUnit(nn.Module):
    """Convolution with SAME padding, batch norm, ReLU.

    With stride 1 an odd kernel is padded evenly whatever the size: the convolution does
    that itself, at no cost.  Only the strided stem has to look at its input.

    Args:
        axes: 2 for pictures, 3 for clips.
        in_channels, out_channels: widths.
        kernel, stride: the same on all axes; the kernel is odd.
    """

    def __init__(
        self, axes: int, in_channels: int, out_channels: int, kernel: int, stride=1
    ):
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv_3d = convolution(axes)(
            in_channels, out_channels, kernel, stride, padding, bias=False
        )
        self.batch_norm = OffsetBatchNorm(out_channels)

    def forward(self, x: Float[Tensor, "b c *size"]) -> Float[Tensor, "b d *size2"]:
        conv = self.conv_3d
        if max(conv.stride) > 1:
            x = pad_same(x, conv.kernel_size, conv.stride)
        return torch.relu(self.batch_norm(conv(x)))


class MaxPool(nn.Module):
    """Max-pooling with SAME padding; kernel and stride name each axis."""

    def __init__(self, kernel: tuple[int, ...], stride: tuple[int, ...]):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Float[Tensor, "b c *size"]) -> Float[Tensor, "b c *size2"]:
        return max_pool_same(x, self.kernel, self.stride)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}"


class Mixed(nn.Module):
    """An inception module: four branches see the same map and are stacked.

    Args:
        axes: 2 for pictures, 3 for clips.
        in_channels: of the map.
        widths: of the six convolutions, see `LAYERS`.
        second: name of branch 2's second convolution.
    """

    def __init__(self, axes: int, in_channels: int, widths, second="Conv3d_0b_3x3"):
        super().__init__()
        alone, before_1, wide, before_2, narrow, pooled = widths
        self.Branch_0 = nn.Sequential()
        self.Branch_0.Conv3d_0a_1x1 = ConvUnit(axes, in_channels, alone, 1)
        self.Branch_1 = nn.Sequential()
        self.Branch_1.Conv3d_0a_1x1 = ConvUnit(axes, in_channels, before_1, 1)
        self.Branch_1.Conv3d_0b_3x3 = ConvUnit(axes, before_1, wide, 3)
        self.Branch_2 = nn.Sequential()
        self.Branch_2.Conv3d_0a_1x1 = ConvUnit(axes, in_channels, before_2, 1)
        self.Branch_2.add_module(second, ConvUnit(axes, before_2, narrow, 3))
        self.Branch_3 = nn.Sequential()
        self.Branch_3.MaxPool3d_0a_3x3 = MaxPool((3,) * axes, (1,) * axes)
        self.Branch_3.Conv3d_0b_1x1 = ConvUnit(axes, in_channels, pooled, 1)

    def forward(self, x: Float[Tensor, "b c *size"]) -> Float[Tensor, "b d *size"]:
        branches = (self.Branch_0, self.Branch_1, self.Branch_2, self.Branch_3)
        return torch.cat([branch(x) for branch in branches], dim=1)


def add_trunk(net: nn.Module, axes: int, channels: int) -> None:
    """Add every layer of the table to a network, under its published name."""
    for layer in LAYERS:
        if not layer.widths:
            pool = MaxPool(layer.kernel[-axes:], layer.stride[-axes:])
            net.add_module(layer.name, pool)
        elif len(layer.widths) == 1:
            unit = channels, layer.widths[0], layer.kernel[-1], layer.stride[-1]
            net.add_module(layer.name, ConvUnit(axes, *unit))
            channels = layer.widths[0]
        else:
            slip = {"second": "Conv3d_0a_3x3"} if layer.name == "Mixed_5b" else {}
            module = Mixed(axes, channels, layer.widths, **slip)
            net.add_module(layer.name, module)
            channels = sum(layer.widths[i] for i in (0, 2, 4, 5))


def run_trunk(net: nn.Module, x: Tensor) -> Tensor:
    """The table's layers one after the other."""
    for layer in LAYERS:
        x = net.get_submodule(layer.name)(x)
    return x


def convolution(axes: int) -> type[nn.Conv2d] | type[nn.Conv3d]:
    """torch's convolution over 2 or 3 axes."""
    return nn.Conv2d if axes == 2 else nn.Conv3d
