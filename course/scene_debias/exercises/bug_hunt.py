"""A bug to find: a residual network whose shortcuts let no gradient through.

The released code of SDN builds its shortcuts of type A from `.data`. Values are right,
training runs, and no gradient, reversed or not, takes the short way back through a
stage that changes the map's size. The planted bug is the same slip in another guise: a
write to `.data`, which autograd does not see.
"""

from __future__ import annotations

from collections.abc import Callable

SOURCE = '''\
import torch
from torch import nn


class Block(nn.Module):
    """Two 3 x 3 x 3 convolutions, and around them a shortcut without parameters."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.width, self.stride = width, stride
        self.conv1 = nn.Conv3d(channels, width, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm3d(width)

    def shortcut(self, x):  # type A: every other cell, new channels are zero
        kept = x[:, :, :: self.stride, :: self.stride, :: self.stride]
        wide = kept.data.new_zeros(len(x), self.width, *kept.shape[2:])
        wide.data[:, : kept.shape[1]] = kept
        return wide

    def forward(self, x):
        out = torch.relu(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        return torch.relu(out + self.shortcut(x))


def residual_stages(widths=(4, 8, 16)):
    """Stages that halve the map: (B, widths[0], T, H, W) -> (B, widths[-1], ...)."""
    pairs = zip(widths, widths[1:])
    return nn.Sequential(*[Block(a, b, stride=2) for a, b in pairs])
'''
FUNCTION = "residual_stages"
BUG = "        wide.data[:, : kept.shape[1]] = kept\n"
REPAIR = "        wide[:, : kept.shape[1]] = kept  # `.data` hides this from autograd\n"
REPAIRED = SOURCE.replace(BUG, REPAIR)


def compiled(source: str) -> Callable:
    """The `residual_stages` that a source defines.

    Args:
        source: Python; defines it.
    """
    space: dict = {"__name__": FUNCTION}
    exec(compile(source, f"<{FUNCTION}>", "exec"), space)
    return space[FUNCTION]


def variant(old: str, new: str, source: str = SOURCE) -> Callable:
    """The function with one piece of its source replaced.

    Args:
        old: a piece that occurs.
        new: what comes in its place.
        source: the broken one, or another.

    Raises:
        ValueError: it does not occur.
    """
    if old not in source:
        raise ValueError(f"{old!r} is not in the source")
    return compiled(source.replace(old, new))


broken, repaired = compiled(SOURCE), compiled(REPAIRED)


def built(stages: Callable, widths=(4, 8, 16), seed: int = 0):
    """The network in double precision, in train mode; always the same weights.

    Args:
        stages: makes it.
        widths: of its maps.
        seed: of its weights.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return stages(widths).double()


def slopes(stage, x, seed: int = 1):
    """How fast a stage's output changes along a random direction, found in two ways.

    Args:
        stage: a module.
        x: its input, double precision.
        seed: of the direction, and of how the outputs are weighed.

    Returns:
        the slope by finite differences, and by backward; 0 if nothing comes back.
    """
    import torch

    from course.teaching.diagnosis import drawn

    direction, step = drawn(*x.shape, seed=seed), 1e-6
    with torch.no_grad():
        ahead, behind = stage(x + step * direction), stage(x - step * direction)
        weights = drawn(*ahead.shape, seed=seed + 1)
        by_hand = ((ahead - behind) * weights).sum() / (2 * step)
    x = x.detach().requires_grad_()
    out = (stage(x) * weights).sum()
    if not out.requires_grad:
        return float(by_hand), 0.0
    (gradient,) = torch.autograd.grad(out, x, allow_unused=True)
    found = 0.0 if gradient is None else float((gradient * direction).sum())
    return float(by_hand), found


def symptom(stages: Callable = broken) -> str:
    """Is the gradient the slope?  Each stage asked by hand and by backward.

    Args:
        stages: makes the network.

    Returns:
        a line for each stage.

    >>> print(symptom(repaired))  # doctest: +ELLIPSIS
    stage 1: ... by hand, ... by backward
    stage 2: ... by hand, ... by backward
    """
    from course.teaching.diagnosis import drawn

    net, x = built(stages), drawn(2, 4, 8, 8, 8)
    lines = []
    for number, stage in enumerate(net, 1):
        by_hand, found = slopes(stage, x)
        lines.append(f"stage {number}: {by_hand:.2f} by hand, {found:.2f} by backward")
        x = stage(x).detach()
    return "\n".join(lines)
