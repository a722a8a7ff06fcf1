"""The window of offsets, as the exercises' own answers need it."""

from __future__ import annotations

import torch


def offsets(reach: int) -> torch.Tensor:
    """The window's offsets (2, P, P), first how far right, then how far down.

    Args:
        reach: largest displacement in cells; P = 2 reach + 1.

    >>> offsets(1)[:, 0, 2].tolist()  # the corner at the top right
    [1.0, -1.0]
    """
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([right, down])
