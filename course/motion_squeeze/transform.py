"""From motion, three numbers a cell, to features: four separable convolutions.

Source: Kwon et al., ECCV 2020, equation 6; widths and order are the released code's:
3 -> 16 -> 32 -> 64 -> C channels, the first convolution over space 7 x 7, the other
three 3 x 3.  Each part, over space and over channels, has batch norm and ReLU, no bias.
"""

from __future__ import annotations

from torch import nn


def convolution(
    in_channels: int, out_channels: int, kernel: int, groups: int = 1
) -> list[nn.Module]:
    """Convolution without bias, batch norm, ReLU; the map keeps its size.

    Args:
        in_channels, out_channels: of the maps.
        kernel: cells, odd.
        groups: in_channels for a convolution over space alone.

    Returns:
        Three modules.

    >>> len(convolution(128, 64, 1))
    3
    """
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        padding=kernel // 2,
        groups=groups,
        bias=False,
    )
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


def separable_stack(widths: tuple[int, ...], kernel_size_first: int) -> nn.Sequential:
    """Depthwise-separable convolutions: each channel over space, then all channels.

    Args:
        widths: channels before the first and after each of them.
        kernel_size_first: of the first; the others have 3 x 3 cells.

    Returns:
        Module from (B, widths[0], H, W) to (B, widths[-1], H, W), never negative.

    Source: equation 6; the released code's layers.

    >>> sum(p.numel() for p in separable_stack((3, 16, 32, 64, 128), 7).parameters())
    12665
    """
    layers: list[nn.Module] = []
    for number, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
        kernel = kernel_size_first if number == 0 else 3
        layers += convolution(a, a, kernel, groups=a) + convolution(a, b, 1)
    return nn.Sequential(*layers)
