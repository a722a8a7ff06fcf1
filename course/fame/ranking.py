"""The largest pixels of a map, exactly as many as asked, the same on every device.

FAME ranks pixels three times: for the foreground sample and the background sample
(equation 2) and for the binary mask (equation 6).

Known difference from the official code: of equal pixels, the first in reading order are
taken; there it depends on `topk`, that is on the device, the version and the number of
threads.  Without equal pixels both are the same.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from course.fame.clip_checks import check_share


def top_share(maps: Shaped[Tensor, "B H W"], beta: float) -> Bool[Tensor, "B H W"]:
    """Mark the largest pixels of each map, int(beta * H * W) of them.

    Args:
        maps: one a clip, without NaN.
        beta: share of the frame's area, 0 to 1.

    Returns:
        masks; of equal pixels the first in reading order are in.

    Raises:
        ValueError: for maps that are not (B, H, W) or a share outside [0, 1].

    Source: equation 6.

    >>> top_share(torch.tensor([[[1.0, 3.0], [2.0, 2.0]]]), 0.5).int().tolist()
    [[[0, 1], [1, 0]]]
    """
    pixels = check_maps(maps)
    return top_pixels(maps, int(check_share("beta", beta) * pixels))


def top_pixels(maps: Shaped[Tensor, "B H W"], count: int) -> Bool[Tensor, "B H W"]:
    """Mark the `count` largest pixels of each map.

    Args:
        maps: one a clip, without NaN.
        count: how many, 0 to H * W.

    Returns:
        masks; of equal pixels the first in reading order are in.

    Raises:
        ValueError: for maps that are not (B, H, W) or a count that is out of range.

    >>> top_pixels(torch.zeros(1, 2, 2), 3).int().tolist()
    [[[1, 1], [1, 0]]]
    """
    pixels = check_maps(maps)
    if not 0 <= count <= pixels:
        raise ValueError(f"count must be from 0 to {pixels}, got {count}")
    if count in (0, pixels):
        return torch.full_like(maps, bool(count), dtype=torch.bool)
    flat = maps.flatten(1)
    if flat.dtype in (torch.float16, torch.bfloat16):
        flat = flat.float()  # numpy has no bfloat16
    smallest = _kth_largest(flat, count)
    reached = flat >= smallest
    # Looking whether that is all makes a GPU wait; a CPU is done sooner.
    if flat.device.type != "cpu" or int(reached.sum()) > count * len(flat):
        above = flat > smallest
        left = count - above.sum(1, keepdim=True, dtype=torch.int32)
        equal = reached & ~above  # often hundreds, in a posterior of few colours
        reached = above | (equal & (equal.cumsum(1, dtype=torch.int32) <= left))
    return reached.view(maps.shape)


def check_maps(maps: Shaped[Tensor, "B H W"]) -> int:
    """Refuse what is not one map a clip.

    Args:
        maps: anything.

    Returns:
        the pixels of a map.

    Raises:
        ValueError: naming what was given.

    >>> check_maps(torch.zeros(1, 3, 4))
    12
    """
    if not isinstance(maps, Tensor) or maps.ndim != 3 or 0 in maps.shape[1:]:
        found = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ValueError(f"maps must be (B, H, W), got {found}")
    return maps.shape[1] * maps.shape[2]


def _kth_largest(flat: Tensor, k: int) -> Shaped[Tensor, "B 1"]:
    """The k-th largest number of each row, by the device's fastest way."""
    if flat.device.type == "cpu":
        place = flat.shape[1] - k
        ordered = np.partition(flat.detach().numpy(), place, axis=1)
        return torch.from_numpy(ordered[:, place : place + 1])
    return flat.topk(k, 1, sorted=False).values.amin(1, keepdim=True)
