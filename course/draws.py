"""Random numbers that are a function, not a stream.

A number depends only on (seed, item index, name of the draw): it is the same on every
machine, in every batch, in every worker, and adding a new draw never moves an old one.
So two worlds that differ in one knob share everything else, item by item, which is what
makes a *paired* comparison possible.  The generator is splitmix64 on hashed counters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


def _mix(state: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser: a bijection of 64-bit words that scatters its input."""
    with np.errstate(over="ignore"):
        z = state + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX1
        z = (z ^ (z >> np.uint64(27))) * _MIX2
        return z ^ (z >> np.uint64(31))


def _key(*parts: object) -> np.uint64:
    """64 bits of a stable hash of the parts' text (Python's own hash() is salted)."""
    text = "\x1f".join(str(part) for part in parts)
    return np.uint64(
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
    )


class Draws:
    """Named random numbers for a set of item indices.

    Args:
        seed: the world's seed (any int).
        indices: item indices, shape (N,), non-negative.

    >>> a = Draws(0, [3, 4]).uniform("actor.size", 0.5, 1.0)
    >>> b = Draws(0, [4]).uniform("actor.size", 0.5, 1.0)
    >>> bool(a[1] == b[0])
    True
    """

    def __init__(self, seed: int, indices: Sequence[int] | np.ndarray, scope: str = ""):
        self.seed, self.scope = seed, scope
        self.indices = np.atleast_1d(np.asarray(indices, dtype=np.uint64))

    def child(self, name: str) -> Draws:
        """The same items under a prefix, so that equal names do not collide."""
        return Draws(self.seed, self.indices, f"{self.scope}{name}/")

    def grouped(self, size: int) -> Draws:
        """One draw for every `size` neighbouring items (clips of one video)."""
        if size < 1:
            raise ValueError(f"group size must be at least 1, got {size}")
        return Draws(self.seed, self.indices // np.uint64(size), self.scope + "group/")

    def __len__(self) -> int:
        return len(self.indices)

    def _bits(self, name: str) -> np.ndarray:
        return _mix(_mix(self.indices ^ _key(self.seed, self.scope, name)))

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Uniform numbers in [low, high), float64 (N,)."""
        unit = (self._bits(name) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * unit

    def normal(self, name: str) -> np.ndarray:
        """Standard normal numbers by Box-Muller, float64 (N,)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(name + ".radius")))
        return radius * np.cos(2.0 * np.pi * self.uniform(name + ".angle"))

    def integer(self, name: str, count: int) -> np.ndarray:
        """Whole numbers 0 .. count - 1, int64 (N,)."""
        if count < 1:
            raise ValueError(
                f"{name}: needs at least one value to draw from, got {count}"
            )
        return np.floor(self.uniform(name) * count).astype(np.int64)

    def bernoulli(self, name: str, probability: float) -> np.ndarray:
        """True with the given probability, bool (N,)."""
        if not 0.0 <= probability <= 1.0:
            raise ValueError(
                f"{name}: probability must be in [0, 1], got {probability}"
            )
        return self.uniform(name) < probability

    def choice(self, name: str, options: Sequence) -> np.ndarray:
        """One of the options for each item, (N,)."""
        return np.asarray(options)[self.integer(name, len(options))]
