"""Colour changes and blur for clips, a different amount for every clip of a batch."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


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
    # In place where the values are this function's own: memory decides the speed.
    out = (clips * brightness).clamp_(0, 1)
    mean = greyscale(out).mean(dim=(2, 3, 4), keepdim=True)
    out = (out * contrast).add_(mean * (1 - contrast)).clamp_(0, 1)
    out = (out * saturation).add_(greyscale(out) * (1 - saturation)).clamp_(0, 1)
    return rotate_hue(out, turn)


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
    red, green, blue = clips.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    chroma = value - least
    # The hue without a branch a sector.  From red to cyan, 0 .. 3 sixths of a turn, on
    # either side of the circle, red's lead over the others' mean falls from 1 to -1:
    # by a half a sixth at both ends, by one in the middle.  Green or blue: which side.
    lead = torch.sub(red, green + blue, alpha=0.5).div_(chroma.clamp(min=1e-6))
    sixths = lead.clamp(-0.5, 0.5).sub_(lead, alpha=2).add_(1.5)
    hue = (torch.copysign(sixths, green - blue) / 6).add_(turn[:, 0])
    sixths = (hue - hue.floor()).mul_(6)
    # Each channel is a trapezoid over the circle, a third apart.
    shares = (
        (sixths - 3).abs_().sub_(1),
        (sixths - 2).abs_().neg_().add_(2),
        (sixths - 4).abs_().neg_().add_(2),
    )
    channels = [torch.addcmul(least, chroma, share.clamp_(0, 1)) for share in shares]
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
    height, width = clips.shape[-2:]
    spread = sigma.to(clips)
    down = _blurring(spread, height)
    across = down if width == height else _blurring(spread, width)
    frames = clips.flatten(1, 2)
    out = torch.einsum("bij,bnjk,blk->bnil", down, frames, across)
    return out.reshape(clips.shape)


def _blurring(sigma: Float[Tensor, " B"], side: int) -> Float[Tensor, "B side side"]:
    """The blur of a line as a matrix: row i holds the weights that make pixel i.

    The Gaussian is cut off at three deviations.  What would lie beyond an edge comes
    from its mirror image; the edge itself is not repeated.
    """
    place = torch.arange(side, device=sigma.device)
    here, there, last = place[:, None], place[None, :], side - 1
    nowhere = 4 * side
    offsets = torch.stack(
        [
            there - here,
            torch.where(there > 0, -there - here, nowhere),
            torch.where(there < last, 2 * last - there - here, nowhere),
        ]
    )
    wide = sigma.clamp(min=1e-3)[:, None, None, None]
    reach = (3 * wide).ceil().clamp(max=last)
    weights = torch.exp(-0.5 * (offsets / wide) ** 2) * (offsets.abs() <= reach)
    weights = weights.sum(1)
    return weights / weights.sum(2, keepdim=True)
