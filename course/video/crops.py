"""Cutting frames: random boxes, cut-and-scale on the device, centre and three crops."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import grid_sample


def random_boxes(
    batch: int,
    height: int,
    width: int,
    scale: tuple[float, float] = (0.3, 1.0),
    ratio: tuple[float, float] | None = (3 / 4, 4 / 3),
    generator: Generator | None = None,
) -> Float[Tensor, "B 4"]:
    """Draw a box per clip: area and shape first, then its place.

    Args:
        batch: number of boxes B.
        height, width: of the frame, px.
        scale: share of the area, from, to (drawn uniformly).
        ratio: width / height, from, to (log uniform); None keeps the frame's.
        generator: source of randomness; None uses torch's own.

    Returns:
        (top, left, height, width) in px, real numbers, float32 (B, 4); a box that would
        leave the frame is cut down to it.

    >>> random_boxes(1, 32, 48, (1.0, 1.0), None).tolist()
    [[0.0, 0.0, 32.0, 48.0]]
    """
    device = generator.device if generator is not None else "cpu"
    unit = torch.rand(batch, 4, generator=generator, device=device)
    area = (scale[0] + (scale[1] - scale[0]) * unit[:, 0]) * height * width
    low, high = ratio or (width / height, width / height)
    shape = torch.exp(math.log(low) + math.log(high / low) * unit[:, 1])
    tall = (area / shape).sqrt().clamp(max=float(height))
    wide = (area * shape).sqrt().clamp(max=float(width))
    top, left = unit[:, 2] * (height - tall), unit[:, 3] * (width - wide)
    return torch.stack([top, left, tall, wide], dim=1)


def crop_resize(
    clips: Float[Tensor, "B C T H W"],
    boxes: Float[Tensor, "B 4"],
    size: tuple[int, int],
    mode: str = "bilinear",
) -> Float[Tensor, "B C T h w"]:
    """Cut each clip's box out of all its frames and scale it.

    Args:
        clips: any channels.
        boxes: (top, left, height, width) in px, one per clip.
        size: (height, width) of the output, px.
        mode: "bilinear", or "nearest" for masks.

    Returns:
        Clips of the new size; differentiable.

    Raises:
        ValueError: clips or boxes of another shape.

    >>> clips = torch.arange(16.0).reshape(1, 1, 1, 4, 4)
    >>> crop_resize(clips, torch.tensor([[1.0, 1.0, 2.0, 2.0]]), (2, 2)).flatten()
    tensor([ 5.,  6.,  9., 10.])
    """
    if clips.ndim != 5 or boxes.shape != (len(clips), 4):
        shapes = f"{tuple(clips.shape)} and {tuple(boxes.shape)}"
        raise ValueError(f"need clips (B, C, T, H, W) and boxes (B, 4), got {shapes}")
    batch, channels, time, height, width = clips.shape
    top, left, tall, wide = boxes.to(clips).T[:, :, None]
    y = top + tall * _centres(size[0], clips)
    x = left + wide * _centres(size[1], clips)
    # grid_sample counts from -1 at the frame's outer edge to 1 at the other.
    grid = torch.stack(
        [
            (x / width * 2 - 1)[:, None, :].expand(-1, size[0], -1),
            (y / height * 2 - 1)[:, :, None].expand(-1, -1, size[1]),
        ],
        dim=-1,
    )
    flat = clips.reshape(batch, channels * time, height, width)
    cut = grid_sample(flat, grid, mode, padding_mode="border", align_corners=False)
    return cut.reshape(batch, channels, time, *size)


def _centres(count: int, like: Tensor) -> Float[Tensor, " count"]:
    """Pixel centres as shares of the side: 0.5/n, 1.5/n, ..."""
    steps = torch.arange(count, device=like.device, dtype=like.dtype)
    return (steps + 0.5) / count


def centre_crop(
    clips: Float[Tensor, "B C T H W"], size: int
) -> Float[Tensor, "B C T size size"]:
    """Cut the square in the middle.

    Args:
        clips: also a single clip (C, T, H, W) or any (..., H, W).
        size: side of the square, px, at most the short side.

    Returns:
        (..., size, size).

    Raises:
        ValueError: the frame is smaller than the square.

    >>> centre_crop(torch.rand(1, 3, 4, 32, 48), 24).shape
    torch.Size([1, 3, 4, 24, 24])
    """
    height, width = _room_for(clips, size)
    top, left = (height - size) // 2, (width - size) // 2
    return clips[..., top : top + size, left : left + size]


def three_crop(
    clips: Float[Tensor, "B C T H W"], size: int
) -> Float[Tensor, "B 3 C T size size"]:
    """Cut three squares along the long side: its start, middle and end.

    Args:
        clips: (B, C, T, H, W).
        size: side of the squares, px, at most the short side.

    Returns:
        (B, 3, C, T, size, size): left, middle, right (top, middle, bottom of tall
        frames); flatten the first two axes for the model and average its outputs.

    Raises:
        ValueError: the frame is smaller than the square.

    >>> three_crop(torch.rand(2, 3, 4, 32, 48), 32).shape
    torch.Size([2, 3, 3, 4, 32, 32])
    """
    height, width = _room_for(clips, size)
    crops = []
    for share in (0.0, 0.5, 1.0):
        across, along = (height, width) if width >= height else (width, height)
        middle, place = (across - size) // 2, round((along - size) * share)
        top, left = (middle, place) if width >= height else (place, middle)
        crops.append(clips[..., top : top + size, left : left + size])
    return torch.stack(crops, dim=1)


def _room_for(clips: Tensor, size: int) -> tuple[int, int]:
    height, width = clips.shape[-2:]
    if not 0 < size <= min(height, width):
        raise ValueError(f"cannot cut {size} px squares from {height} x {width} frames")
    return height, width
