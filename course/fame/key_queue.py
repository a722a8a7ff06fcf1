"""The queue of keys: many negatives for the price of one batch.

Source: MoCo (He et al., CVPR 2020), with which FAME (CVPR 2022) trains: 65,536 keys on
Kinetics-400, 2,048 on UCF101.

How long should it be?  A data set of N videos has only N - 1 true negatives.  If the
queue reaches back R videos, a video may meet a former key of *itself* as a negative.
With a new order every epoch that befalls a share of R^2 / (2 N^2) of the queries (R up
to N): one in eight where it reaches back half the data set, every second where all of
it.  `KeyQueue` remembers whose key it holds, so these can be left out.

Known differences from the official code: a batch need not divide the queue; owners;
keys of several processes are gathered here.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course.fame.contrast import unit_vectors
from course.training import gather_rows
from course.training.processes import derive_seed


class KeyQueue(nn.Module):
    """The last K keys, a ring of buffers that a state dict saves and restores.

    It starts with random unit vectors: easy negatives, so the loss *rises* while real
    keys replace them.  They depend on K and D alone, so every process starts alike (a
    training on several copies the weights of the first one, but not its buffers).

    Args:
        size: K, the number of keys.
        dim: their width D.

    Attributes:
        keys: (K, D), unit vectors.
        owners: (K,), the video of each key, -1 where unknown.
        place: (), the slot that is written next.

    Raises:
        ValueError: for sizes below 1.

    >>> queue = KeyQueue(size=3, dim=2)
    >>> queue.push(torch.eye(2), owners=torch.tensor([7, 8]))
    >>> queue.owners.tolist(), queue.place.item()
    ([7, 8, -1], 2)
    """

    keys: Tensor
    owners: Tensor
    place: Tensor

    def __init__(self, size: int, dim: int):
        super().__init__()
        if min(size, dim) < 1:
            raise ValueError(f"a queue needs keys, got {size} of width {dim}")
        generator = torch.Generator().manual_seed(derive_seed("queue", size, dim))
        keys = torch.randn(size, dim, generator=generator)
        self.register_buffer("keys", unit_vectors(keys))
        self.register_buffer("owners", torch.full((size,), -1))
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    def __len__(self) -> int:
        return len(self.keys)

    @torch.no_grad()
    def push(
        self, keys: Float[Tensor, "n d"], owners: Int[Tensor, " n"] | None = None
    ) -> None:
        """Write keys over the oldest ones; of several processes those of all.

        Args:
            keys: (N, D); normalised here.  Of more than K the last K stay.
            owners: index of each key's video, at least 0.

        Raises:
            ValueError: for shapes that do not fit.
        """
        if keys.ndim != 2 or keys.shape[1] != self.keys.shape[1]:
            raise ValueError(
                f"keys must be (N, {self.keys.shape[1]}), got {tuple(keys.shape)}"
            )
        if owners is None:
            owners = self.owners.new_full((len(keys),), -1)
        elif owners.shape != keys.shape[:1] or owners.is_floating_point():
            raise ValueError(
                f"owners must be {len(keys)} indices, got {tuple(owners.shape)} "
                f"{owners.dtype}"
            )
        # Rows in order of rank: the queue is the same everywhere.
        keys = gather_rows(unit_vectors(keys)).to(self.keys)
        owners = gather_rows(owners.to(self.owners))
        self._write(keys, owners)

    def _write(self, keys: Tensor, owners: Tensor) -> None:
        pushed, size = len(keys), len(self.keys)
        first = max(0, pushed - size)  # the ones before would be overwritten at once
        # Slots are computed where the queue lives: reading `place` would make a GPU
        # wait once a step.
        slots = (self.place + torch.arange(first, pushed, device=keys.device)) % size
        self.keys.index_copy_(0, slots, keys[first:])
        self.owners.index_copy_(0, slots, owners[first:])
        self.place.add_(pushed).remainder_(size)

    def owned_by(self, index: Int[Tensor, " b"]) -> Bool[Tensor, "b k"]:
        """Which keys belong to which query's own video.

        Args:
            index: the queries' videos, (B,), at least 0.

        Returns:
            (B, K), true where query and key are of one video.
        """
        return index.to(self.owners)[:, None] == self.owners
