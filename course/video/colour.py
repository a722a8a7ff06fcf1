"""Colour changes and blur for clips, a different amount for every clip of a batch."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad


def greyscale(clips: Float[Tensor, "B 3 T H W"]) -> Float[Tensor, "B 1 T H W"]:
    """Luma of ITU-R BT.601, as televisions and torchvision weigh the colours.

    Args:
        clips: RGB in [0, 1].

    Returns:
        One channel in [0, 1].

    >>> greyscale(torch.ones(1, 3, 1, 1, 1)).item()
    1.0
    """
    red, green, blue = clips.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None].clamp(0, 1)


def adjust_colour(
    clips: Float[Tensor, "B 3 T H W"], changes: Float[Tensor, "B 4"]
) -> Float[Tensor, "B 3 T H W"]:
    """Change brightness, contrast, saturation and hue, in this order.

    Args:
        clips: RGB in [0, 1].
        changes: per clip the three factors (1 changes nothing) and the turn of the hue
            as a share of the colour circle (0 changes nothing).

    Returns:
        RGB in [0, 1].

    >>> clips = torch.rand(1, 3, 2, 4, 4)
    >>> same = adjust_colour(clips, torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
    >>> torch.allclose(same, clips, atol=1e-6)
    True
    """
    wide = changes.to(clips)[:, :, None, None, None, None]
    brightness, contrast, saturation, turn = wide.unbind(1)
    clips = (clips * brightness).clamp(0, 1)
    mean = greyscale(clips).mean(dim=(2, 3, 4), keepdim=True)
    clips = (mean + (clips - mean) * contrast).clamp(0, 1)
    grey = greyscale(clips)
    clips = (grey + (clips - grey) * saturation).clamp(0, 1)
    return torch.where(turn == 0, clips, rotate_hue(clips, turn))


def rotate_hue(
    clips: Float[Tensor, "B 3 T H W"], turn: Float[Tensor, "B 1 1 1 1"]
) -> Float[Tensor, "B 3 T H W"]:
    """Turn the hue in HSV space, leaving saturation and value.

    Args:
        clips: RGB in [0, 1].
        turn: share of the colour circle per clip; 1/3 makes red green.

    Returns:
        RGB in [0, 1].

    >>> red = torch.tensor([1.0, 0, 0]).reshape(1, 3, 1, 1, 1)
    >>> rotate_hue(red, torch.full((1, 1, 1, 1, 1), 1 / 3)).flatten().round(decimals=4)
    tensor([0., 1., 0.])
    """
    value, least = clips.amax(1), clips.amin(1)
    chroma = value - least
    red, green, blue = clips.unbind(1)
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = sector / 6 + turn[:, 0]
    # Each channel is a trapezoid over the circle, a third apart (n = 5, 3, 1).
    channels = []
    for n in (5.0, 3.0, 1.0):
        k = (n + hue * 6) % 6
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)


def gaussian_blur(
    clips: Float[Tensor, "B C T H W"], sigma: Float[Tensor, " B"]
) -> Float[Tensor, "B C T H W"]:
    """Blur each frame, each clip with its own width.

    Args:
        clips: any channels.
        sigma: standard deviation in px per clip; 0 leaves the clip as it is.

    Returns:
        The same shape; edges are mirrored.

    >>> clips = torch.rand(2, 3, 2, 16, 16)
    >>> torch.equal(gaussian_blur(clips, torch.zeros(2)), clips)
    True
    """
    batch, channels, time, height, width = clips.shape
    radius = min(math.ceil(3 * float(sigma.max())), height - 1, width - 1)
    if radius == 0:
        return clips
    offsets = torch.arange(-radius, radius + 1, device=clips.device, dtype=clips.dtype)
    spread = sigma.to(clips).clamp(min=1e-3)[:, None]
    weights = torch.exp(-0.5 * (offsets / spread) ** 2)
    weights = (weights / weights.sum(1, keepdim=True))[:, None, None, :]
    out = clips.reshape(batch, channels * time * height, width)
    out = _blur_rows(out, weights, radius).reshape(-1, channels * time, height, width)
    out = out.transpose(2, 3).reshape(batch, channels * time * width, height)
    out = _blur_rows(out, weights, radius).reshape(-1, channels * time, width, height)
    out = out.transpose(2, 3).reshape(clips.shape)
    return torch.where((sigma.to(clips) > 0)[:, None, None, None, None], out, clips)


def _blur_rows(
    rows: Float[Tensor, "B N W"], weights: Float[Tensor, "B 1 1 k"], radius: int
) -> Float[Tensor, "B N W"]:
    """Convolve along W; the clips of the batch are the groups of one convolution."""
    padded = pad(rows, (radius, radius), mode="reflect")[None]
    return conv2d(padded, weights, groups=len(rows))[0]
