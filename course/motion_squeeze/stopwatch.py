"""How long each rung of the ladder takes on this machine, and what it allocates.

For the notebook: one measurement each.  `make bench` repeats and compares properly.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import torch

from course.motion_squeeze.correlation import normalise
from course.motion_squeeze.ladder import LADDER
from course.motion_squeeze.memory import peak_bytes


class Rung(NamedTuple):
    """Milliseconds of both passes (backward None: not run), bytes at the peak."""

    forward: float
    backward: float | None
    peak: float | None


def measure(
    pairs: int = 7, channels: int = 64, size: int = 28, max_displacement: int = 7
) -> dict[str, Rung]:
    """Run every rung forwards and backwards once, after a warm-up.

    Args:
        pairs: of frames; 7 are a clip of eight frames.
        channels: that are compared.
        size: cells along each side of the map.
        max_displacement: reach of the window, cells.

    Returns:
        rung -> times and memory.  The loops run forwards, on one pair, and count for
        all of them; of their memory nothing is said.

    >>> list(measure(1, 2, 6, 1)) == list(LADDER)
    True
    """
    shape = (pairs, channels, size, size)
    maps = [normalise(torch.rand(shape)).requires_grad_() for _ in range(2)]
    one = [each[:1].detach() for each in maps]
    found = {"loops": Rung(pairs * _milliseconds("loops", one, max_displacement)[0],
                           None, None)}  # fmt: skip
    for rung in LADDER:
        if rung == "loops":
            continue
        _milliseconds(rung, maps, max_displacement)
        forward, backward = _milliseconds(rung, maps, max_displacement)
        call = _both_passes(rung, maps, max_displacement)
        found[rung] = Rung(forward, backward, peak_bytes(call))
    return found


def _milliseconds(
    rung: str, maps: list[torch.Tensor], reach: int
) -> tuple[float, float]:
    begun = time.perf_counter()
    scores = LADDER[rung](*maps, reach)
    forward = time.perf_counter()
    if scores.requires_grad:
        scores.backward(torch.ones_like(scores))
    return 1e3 * (forward - begun), 1e3 * (time.perf_counter() - forward)


def _both_passes(rung: str, maps: list[torch.Tensor], reach: int):
    def call() -> None:
        LADDER[rung](*maps, reach).sum().backward()

    return call
