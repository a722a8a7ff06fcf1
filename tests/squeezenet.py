"""SqueezeNet v1.0 and a reader of its published compressed ImageNet weights.

Real weights of a real image net, small enough to keep beside the tests: they check
inflation on something that we did not train.  Format: 26 counts of kept weights; for
each layer a codebook of 256 values, the biases, a code per kept weight, and 4-bit gaps
between kept weights, two a byte; every other weight has code 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

# (squeeze, expand) widths; "pool" halves the map.
FIRES = [(16, 64), (16, 64), (32, 128), "pool", (32, 128), (48, 192), (48, 192)]
FIRES += [(64, 256), "pool", (64, 256)]
MEAN_BGR = (104.0, 117.0, 123.0)
SIZE = 227


class Fire(nn.Module):
    """A 1 x 1 convolution that squeezes, then 1 x 1 and 3 x 3 side by side."""

    def __init__(self, in_channels: int, squeeze: int, expand: int):
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


def squeezenet() -> nn.Sequential:
    """As published: pools round up, and the last 1 x 1 convolution has padding 1."""
    layers: list[nn.Module] = [nn.Conv2d(3, 96, 7, 2), nn.ReLU(), _pool()]
    channels = 96
    for fire in FIRES:
        if isinstance(fire, str):
            layers.append(_pool())
        else:
            layers.append(Fire(channels, *fire))
            channels = 2 * fire[1]
    layers += [nn.Dropout(0.5), nn.Conv2d(channels, 1000, 1, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def read_weights(path: Path) -> nn.Sequential:
    """The network with its published weights, in eval mode."""
    net, data = squeezenet(), path.read_bytes()
    convs = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    counts = np.frombuffer(data, "<u4", len(convs))
    at = counts.nbytes

    def take(kind: str, count: int) -> np.ndarray:
        nonlocal at
        values = np.frombuffer(data, kind, count, at)
        at += values.nbytes
        return values

    for conv, count in zip(convs, counts, strict=True):
        codebook, bias = take("<f4", 256), take("<f4", conv.out_channels)
        codes, pairs = take("u1", count), take("u1", (int(count) + 1) // 2)
        gaps = np.stack([pairs & 15, pairs >> 4], 1).reshape(-1)[:count]
        weight = np.full(conv.weight.numel(), codebook[0])
        weight[np.cumsum(gaps.astype(int) + 1) - 1] = codebook[codes]
        conv.load_state_dict(
            {
                "weight": torch.tensor(weight).reshape(conv.weight.shape),
                "bias": torch.tensor(bias),
            }
        )
    if at != len(data):
        raise ValueError(f"{path} has {len(data)} bytes, of which {at} were read")
    return net.eval()


def prepare(frames: np.ndarray) -> torch.Tensor:
    """RGB frames (T, H, W, 3) in 0..255 to BGR minus the mean, (T, 3, 227, 227).

    The largest centred square is resized, as cropping alone would cut the actor off.
    """
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[:, top : top + side, left : left + side, ::-1].astype(np.float32)
    images = torch.from_numpy(square.copy()).permute(0, 3, 1, 2)
    images = nn.functional.interpolate(
        images, size=(SIZE, SIZE), mode="bilinear", antialias=True
    )
    return images - torch.tensor(MEAN_BGR)[:, None, None]


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, ceil_mode=True)
