"""A bug to find: matching that is right in 32 bits and silent in 16.

The planted bug is a view written to a copy: `.float()` gives back the same tensor when
it holds 32 bits already, and a new one when it holds 16. So the scores stay zero on the
path that a GPU takes, the module says "no motion, no confidence" everywhere, and the
network around it trains on as if it were not there. Users of the official code met the
same end by another way: a compiled extension that gave zeros.
"""

from __future__ import annotations

from collections.abc import Callable

SOURCE = '''\
import torch
from torch.nn.functional import pad


def squeeze(f1, f2, reach=3, temperature=0.01):
    """Feature maps, twice (B, C, H, W) -> (B, 3, H, W): right, down, confidence.

    Scores are added up and weighed in 32 bits, whatever the features come in.
    """
    if f1.shape != f2.shape:
        raise ValueError(f"two maps of one shape, got {f1.shape} and {f2.shape}")
    (B, C, H, W), P = f1.shape, 2 * reach + 1

    def unit(f):  # every place's features get length 1
        f = f.float()
        return f / (f.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()

    here, there = unit(f1), pad(unit(f2), (reach,) * 4)  # zeros outside
    volume = f1.new_zeros(B, P, P, H, W)
    sums = volume.float()  # 16 bits are too few for a sum of many products
    for i in range(P):  # i - reach down
        for j in range(P):  # j - reach to the right
            moved = there[:, :, i : i + H, j : j + W]
            sums[:, i, j] = (here * moved).sum(dim=1)
    scores = volume.relu().flatten(1, 2)
    confidence = scores.amax(dim=1, keepdim=True)
    weights = (scores / temperature).softmax(dim=1).view(B, P, P, H, W)
    steps = torch.arange(P, device=f1.device).view(1, P, 1, 1) - float(reach)
    right = (weights.sum(dim=1) * steps).sum(dim=1, keepdim=True)
    down = (weights.sum(dim=2) * steps).sum(dim=1, keepdim=True)
    return torch.cat([right, down, confidence], dim=1)
'''
FUNCTION = "squeeze"
BUG = "    volume = f1.new_zeros(B, P, P, H, W)\n    sums = volume.float()"
REPAIR = (
    "    sums = torch.zeros(B, P, P, H, W, device=f1.device)  # always 32 bits:\n"
    "    # `volume.float()` was `volume` itself in 32 bits and a copy of it in 16.\n"
)
SLIPPED = "  # 16 bits are too few for a sum of many products\n"
READ = "volume.relu()"


def compiled(source: str) -> Callable:
    """The `squeeze` that a source defines.

    Args:
        source: Python; defines `squeeze`.
    """
    space: dict = {}
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


REPAIRED = SOURCE.replace(f"{BUG}{SLIPPED}", REPAIR).replace(READ, "sums.relu()")
broken, repaired = compiled(SOURCE), compiled(REPAIRED)


def moved_pair(right: int = 2, down: int = -1, seed: int = 0):
    """Random features, and the same rolled by a known vector.

    Args:
        right: cells to the right.
        down: cells down.
        seed: another one gives other features.

    Returns:
        f1 and f2, each (2, 32, 12, 14), at least 0.

    >>> f1, f2 = moved_pair(right=2, down=-1)
    >>> bool((f2[:, :, 4, 7] == f1[:, :, 5, 5]).all())
    True
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    f1 = torch.randn(2, 32, 12, 14, generator=generator).relu()
    return f1, f1.roll((down, right), (2, 3))


def symptom(squeeze: Callable = broken) -> str:
    """Everything moves 2 to the right and 1 up: what does the function say?

    Args:
        squeeze: of two feature maps.

    Returns:
        a line for each number of bits.

    >>> print(symptom())
    float32   right 2.0  down -1.0  confidence 1.0
    bfloat16  right 0.0  down 0.0  confidence 0.0
    float16   right 0.0  down 0.0  confidence 0.0
    """
    import torch

    lines = []
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        f1, f2 = (f.to(kind) for f in moved_pair())
        inner = squeeze(f1, f2)[:, :, 3:-3, 3:-3].float().mean((0, 2, 3))
        right, down, confidence = (round(x, 1) + 0.0 for x in inner.tolist())
        name = str(kind).removeprefix("torch.")
        lines.append(f"{name:9} right {right}  down {down}  confidence {confidence}")
    return "\n".join(lines)
