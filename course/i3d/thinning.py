"""How early may time be thinned out?  Dots that drift, and a net of three layers.

The paper (section 2.4) leaves time alone in the first two pools and says that it
helped; it prints no ablation.  Here is one whose answer has a reason: random dots drift
left or right by v px per frame, and nothing else tells the two apart.  To see the
drift, a layer must find a dot again in the next moment it is given, v px further on, or
2 v px further on where every second moment is gone.  Its kernel reaches only so far.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

THINNINGS = ("late", "early", "dropped")


def drifting_dots(
    count: int, speed: int, seed: int, frames: int = 8, size: int = 24
) -> dict[str, Tensor]:
    """Clips of random grey dots that drift left (0) or right (1).

    Args:
        count: number of clips.
        speed: px per frame.
        seed: of the dots and directions.
        frames, size: T, and H = W in px.

    Returns:
        dict: `clip` (count, 1, T, H, W) in [0, 1], `action` (count,).

    >>> data = drifting_dots(2, speed=3, seed=0)
    >>> clip = data["clip"][0] if data["action"][0] == 0 else data["clip"][0].flip(1)
    >>> torch.equal(clip[0, 0, :, 3:], clip[0, 1, :, :-3])
    True
    """
    draws = torch.Generator().manual_seed(seed)
    right = torch.randint(0, 2, (count,), generator=draws)
    strip = torch.rand(count, 1, size, size + speed * frames, generator=draws)
    moments = [strip[..., speed * t : speed * t + size] for t in range(frames)]
    left_going = torch.stack(moments, dim=2)
    turn = (right == 1)[:, None, None, None, None]
    clip = torch.where(turn, left_going.flip(2), left_going)
    return {"clip": clip, "action": right}


class ThinnedNet(nn.Module):
    """A layer over space, two over space and time, and one step that halves time.

    Args:
        thinning: "late" pools time by 2 after all layers, "early" before the layers
            over time, "dropped" leaves out every second frame there.
        width: channels.
    """

    def __init__(self, thinning: str, width: int = 8):
        super().__init__()
        if thinning not in THINNINGS:
            raise ValueError(f"thinning is one of {THINNINGS}, got {thinning!r}")
        self.thinning = thinning
        self.space = nn.Conv3d(1, width, (1, 3, 3), padding=(0, 1, 1))
        self.time1 = nn.Conv3d(width, width, 3, padding=1)
        self.time2 = nn.Conv3d(width, width, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm3d(width) for _ in range(3))
        self.pool = nn.MaxPool3d((2, 1, 1))
        self.fc = nn.Linear(width, 2)

    def forward(self, x: Float[Tensor, "b 1 t h w"]) -> Float[Tensor, "b 2"]:
        """Class scores of clips in [-1, 1]."""
        x = torch.relu(self.norms[0](self.space(x)))
        if self.thinning == "early":
            x = self.pool(x)
        if self.thinning == "dropped":
            x = x[:, :, ::2]
        x = torch.relu(self.norms[1](self.time1(x)))
        x = torch.relu(self.norms[2](self.time2(x)))
        if self.thinning == "late":
            x = self.pool(x)
        return self.fc(x.flatten(2).mean(2))
