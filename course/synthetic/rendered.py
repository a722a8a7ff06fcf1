"""Clips of the world for a `DataLoader`, for data sets that are too large to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.utils.data import Dataset

from course.synthetic.clips import TENSOR_KEYS, SynthActions

Batch = dict[str, Tensor]


class Rendered(Dataset):
    """Clips of the world, rendered a batch at a time when asked for; none is kept.

    Args:
        world: computes pixels on its own device, and they come back on the CPU.
        keys: of `SynthActions.render`, whose numbers an item has: `clip` and the like
            are uint8, not floats as in the world's own items.
        change: what to make of each rendered batch, on the world's device.

    Raises:
        ValueError: for keys that the world does not have.

    >>> clips = Rendered(SynthActions("test", num_clips=4, frames=3, size=16))
    >>> len(clips), tuple(clips[1]["clip"].shape), clips[1]["clip"].dtype
    (4, (3, 3, 16, 16), torch.uint8)
    """

    def __init__(
        self,
        world: SynthActions,
        keys: Sequence[str] = ("clip", "action"),
        change: Callable[[Batch], Batch] | None = None,
    ):
        if unknown := set(keys) - set(TENSOR_KEYS):
            raise ValueError(f"unknown keys {sorted(unknown)}; known: {TENSOR_KEYS}")
        self.world, self.keys, self.change = world, tuple(keys), change

    def __len__(self) -> int:
        return len(self.world)

    def __getitems__(self, indices: Sequence[int]) -> list[Batch]:
        batch = self.world.render(indices, self.keys)
        if self.change is not None:
            batch = self.change(batch)
        columns = (value.cpu().unbind() for value in batch.values())
        return [
            dict(zip(batch, row, strict=True)) for row in zip(*columns, strict=True)
        ]

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])[0]
