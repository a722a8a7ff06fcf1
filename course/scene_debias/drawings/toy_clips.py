"""Clips as two noisy numbers: what the action's motion and what the scene look like.

The code of the scene is the cleaner one, and mostly the scene is the action's own: a
network that may use both leans on the scene.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

NOISE = (0.7, 0.5, 0.3)  # of motion code, scene code, features


class Clips(NamedTuple):
    """The two numbers of each clip, its labels, and the noise of its features."""

    codes: Float[Tensor, "n 2"]
    action: Int[Tensor, " n"]
    scene: Int[Tensor, " n"]
    noise: Float[Tensor, "n 2"]


def draw_clips(number: int, correlation: float, seed: int) -> Clips:
    """Clips of two actions in two scenes.

    Args:
        number: of clips.
        correlation: rho: the action's own scene with this probability, else any.
        seed: of the draw.

    >>> clips = draw_clips(6, 1.0, seed=0)
    >>> bool((clips.action == clips.scene).all())
    True
    """
    draw = torch.Generator().manual_seed(seed)
    action = torch.arange(number) % 2
    at_home = torch.rand(number, generator=draw) < correlation
    scene = torch.where(at_home, action, torch.randint(2, (number,), generator=draw))
    noise = torch.randn(number, 4, generator=draw)
    codes = 2.0 * torch.stack([action, scene], dim=1) - 1
    codes = codes + noise[:, :2] * torch.tensor(NOISE[:2])
    return Clips(codes, action, scene, NOISE[2] * noise[:, 2:])
