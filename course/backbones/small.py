"""A small R(2+1)D network: the recogniser of the cpu scale.

Tran et al. (CVPR 2018) factor a 3-D convolution into one over space and one over time.
Three such blocks learn the synthetic world in half a minute on two cores.  Shared face
of every recogniser of the course: `forward`, `forward_features`, `embed` and a linear
`fc`, so that probes and class activation maps work on all of them.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class R2Plus1DBlock(nn.Module):
    """Convolution over space, then over time, each with batch norm and ReLU.

    Args:
        in_channels, out_channels: widths.
        stride: stride of the convolution over space.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__()
        self.conv_space = nn.Conv3d(
            in_channels,
            out_channels,
            (1, 3, 3),
            (1, stride, stride),
            (0, 1, 1),
            bias=False,
        )
        self.bn_space = nn.BatchNorm3d(out_channels)
        self.conv_time = nn.Conv3d(
            out_channels, out_channels, (3, 1, 1), padding=(1, 0, 0), bias=False
        )
        self.bn_time = nn.BatchNorm3d(out_channels)

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b d t h2 w2"]:
        x = torch.relu(self.bn_space(self.conv_space(x)))
        return torch.relu(self.bn_time(self.conv_time(x)))


class SmallR2Plus1D(nn.Module):
    """See `small_r2plus1d`."""

    def __init__(self, num_classes: int, widths: tuple[int, ...]):
        super().__init__()
        pairs = zip((3, *widths[:-1]), widths, strict=True)
        self.blocks = nn.Sequential(*(R2Plus1DBlock(a, b, stride=2) for a, b in pairs))
        self.fc = nn.Linear(widths[-1], num_classes)

    def forward_features(
        self, clips: Float[Tensor, "b 3 t h w"]
    ) -> Float[Tensor, "b d t h2 w2"]:
        """The last feature map, before pooling; clips are in [0, 1]."""
        if clips.ndim != 5 or clips.shape[1] != 3:
            raise ValueError(f"clips must be (B, 3, T, H, W), got {tuple(clips.shape)}")
        return self.blocks(2.0 * clips - 1.0)

    def embed(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """The feature map's mean over time and space."""
        return self.forward_features(clips).mean(dim=(2, 3, 4))

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.embed(clips))


def small_r2plus1d(
    num_classes: int, widths: tuple[int, ...] = (16, 32, 64)
) -> SmallR2Plus1D:
    """A stack of R(2+1)D blocks, each halving height and width, with a linear head.

    Args:
        num_classes: number of logits.
        widths: channels of each block.

    Returns:
        Module from clips (B, 3, T, H, W) in [0, 1] to logits (B, num_classes).

    Raises:
        ValueError: if a clip batch has another shape.

    >>> net = small_r2plus1d(8)
    >>> tuple(net(torch.rand(2, 3, 8, 32, 32)).shape)
    (2, 8)
    """
    if num_classes < 1 or not widths:
        raise ValueError(f"needs classes and widths, got {num_classes} and {widths}")
    return SmallR2Plus1D(num_classes, widths)
