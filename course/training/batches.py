"""Batches that are a function of (seed, step): no sampler can lose its place.

Every epoch has its own seeded order, and every batch its own seeded generator: a
resumed run, another number of workers or a faster data path meets the same items and
the same draws.  Data is either a map-style data set of dict items or a dict of whole
tensors.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from course.training.processes import derive_seed, rank, world_size
from course.training.settings import TrainSettings

Place = tuple[int, int]  # step, part of its batch


class Order:
    """Which items step `step` takes: seeded, without replacement within an epoch.

    Args:
        num_items: size of the data set.
        settings: gives batch size and number of parts.
        seed: of the order.
        rank: this process's number.
        world: number of processes.

    Raises:
        ValueError: if there is no item, or a batch cannot be split evenly.

    >>> order = Order(10, TrainSettings(batch_size=4, steps=1, accumulate=2), seed=0)
    >>> [len(order.items(step=0, part=p)) for p in range(2)]
    [2, 2]
    """

    def __init__(
        self,
        num_items: int,
        settings: TrainSettings,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ):
        self.parts, self.rank, self.world = settings.accumulate, rank, world
        split = self.parts * world
        if settings.batch_size % split:
            raise ValueError(
                f"batch_size {settings.batch_size} cannot be split evenly into "
                f"{self.parts} accumulated parts on {world} processes"
            )
        if num_items < split:
            raise ValueError(
                f"{num_items} items are too few for {split} parts of a batch"
            )
        self.num_items, self.seed = num_items, seed
        self.batch_size = min(settings.batch_size, num_items // split * split)
        self.steps_per_epoch = num_items // self.batch_size
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def epoch(self, step: int) -> int:
        """The pass over the data that a step belongs to, from 0."""
        return step // self.steps_per_epoch

    def items(self, step: int, part: int, rank: int | None = None) -> list[int]:
        """Item indices of one part of a step's batch, for this process or another."""
        epoch = self.epoch(step)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(
                derive_seed(self.seed, "order", epoch)
            )
            self._permutation = torch.randperm(self.num_items, generator=generator)
            self._epoch = epoch
        size = self.batch_size // (self.parts * self.world)
        place = part * self.world + (self.rank if rank is None else rank)
        first = step % self.steps_per_epoch * self.batch_size + place * size
        return self._permutation[first : first + size].tolist()


class Batches:
    """Streams this process's parts of batches onto the device.

    A batch is the collated item dict plus `index` (item indices, (B,)) and `generator`
    (a torch.Generator on the device, seeded for this batch: for augmentation).  uint8
    tensors of four axes and more are pictures or clips and arrive as float in [0, 1].

    Args:
        data: a map-style data set of dicts, or a dict of tensors of equal length.
        settings: the recipe.
        seed: of order and augmentation.
        device: where batches go.
        collate: joins a list of items; torch's default without it.

    Raises:
        ValueError: if the data is neither of the two forms, or is empty.
    """

    def __init__(
        self,
        data: Any,
        settings: TrainSettings,
        seed: int,
        device: torch.device,
        collate: Callable | None = None,
    ):
        self.tensors = _check_tensors(data) if isinstance(data, Mapping) else None
        if self.tensors is None and not hasattr(data, "__getitem__"):
            raise ValueError(f"data must be a data set or a dict, got {type(data)}")
        num_items = len(data if self.tensors is None else [*self.tensors.values()][0])
        self.order = Order(num_items, settings, seed, rank(), world_size())
        self.data, self.settings, self.seed = data, settings, seed
        self.device, self.collate = device, collate or default_collate
        self.generator = torch.Generator(device)
        if self.tensors is not None:
            self.held_on = _home(self.tensors, device)
            self.tensors = {k: v.to(self.held_on) for k, v in self.tensors.items()}

    def stream(self, start: int, stop: int) -> Generator[dict, None, None]:
        """Parts of the batches of steps start .. stop - 1, one after the other."""
        places = ((s, p) for s in range(start, stop) for p in range(self.order.parts))
        source = self._loaded(places) if self.tensors is None else self._sliced(places)
        for (step, part), items, batch in source:
            batch = {key: self._on_device(value) for key, value in batch.items()}
            batch.setdefault("index", self._on_device(torch.tensor(items)))
            place = (step, part, self.order.rank)
            batch["generator"] = self.generator.manual_seed(
                derive_seed(self.seed, "batch", *place)
            )
            yield batch

    def _sliced(self, places: Iterable[Place]) -> Iterator[tuple[Place, list, dict]]:
        for place in places:
            items = self.order.items(*place)
            index = torch.tensor(items, device=self.held_on)
            tensors = self.tensors or {}
            batch = {k: v.index_select(0, index) for k, v in tensors.items()}
            yield place, items, batch

    def _loaded(self, places: Iterable[Place]) -> Iterator[tuple[Place, list, dict]]:
        ahead: deque = deque()  # asked of the workers and not yet handed out

        def requests() -> Iterator[list[tuple[int, int]]]:
            for place in places:
                ahead.append((place, self.order.items(*place)))
                yield [(self.order.epoch(place[0]), item) for item in ahead[-1][1]]

        loader: DataLoader = DataLoader(
            _SeededItems(self.data, self.seed),
            batch_sampler=_Once(requests()),
            num_workers=self.settings.workers,
            collate_fn=self.collate,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else it would draw from the global stream
        )
        for batch in loader:
            if not isinstance(batch, Mapping):
                raise ValueError(f"an item must be a dict, got a batch {type(batch)}")
            yield *ahead.popleft(), batch

    def _on_device(self, value: object) -> object:
        if not isinstance(value, Tensor):
            return value
        value = value.to(self.device, non_blocking=True)
        if value.dtype == torch.uint8 and value.ndim >= 4:
            value = value.float().div_(255)
        last = self.settings.channels_last and value.is_floating_point()
        if last and value.ndim in (4, 5):
            value = value.contiguous(memory_format=memory_format(value))
        return value


def memory_format(x: Tensor) -> torch.memory_format:
    """The channels-last layout of a picture (4 axes) or clip (5 axes)."""
    return torch.channels_last if x.ndim == 4 else torch.channels_last_3d


class _SeededItems(Dataset):
    """Seeds the global generators before items are made, and puts them back afterwards.

    So what a data set draws depends on (seed, epoch, item), not on the worker that
    loads it, nor on where a run was resumed.
    """

    def __init__(self, data: Any, seed: int):
        self.data, self.seed = data, seed

    def __getitems__(self, places: list[tuple[int, int]]) -> list:
        kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            if hasattr(self.data, "__getitems__"):  # renders or reads a batch at once
                self._seed(*places[0])
                return self.data.__getitems__([item for _, item in places])
            items = []
            for epoch, item in places:
                self._seed(epoch, item)
                if hasattr(self.data, "item_of_epoch"):  # has draws of its own
                    items.append(self.data.item_of_epoch(item, epoch))
                else:
                    items.append(self.data[item])
            return items
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            torch.set_rng_state(kept[2])

    def _seed(self, epoch: int, item: int) -> None:
        seed = derive_seed(self.seed, "item", epoch, item)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.default_generator.manual_seed(seed)


def _check_tensors(data: Mapping[str, Tensor]) -> dict[str, Tensor]:
    lengths = {key: len(value) for key, value in data.items()}
    if not lengths or len(set(lengths.values())) != 1:
        raise ValueError(f"tensors must have one common length, got {lengths}")
    return {key: torch.as_tensor(value) for key, value in data.items()}


def _home(tensors: dict[str, Tensor], device: torch.device) -> torch.device:
    """Where whole tensors wait: on a GPU if they fill at most a quarter of it."""
    if device.type != "cuda":
        return torch.device("cpu")
    size = sum(value.numel() * value.element_size() for value in tensors.values())
    small = size <= torch.cuda.mem_get_info(device)[0] // 4
    return device if small else torch.device("cpu")


class _Once:
    """Hands a generator of index lists to a DataLoader, which asks for it once."""

    def __init__(self, requests: Iterator[list]):
        self.requests = requests

    def __iter__(self) -> Iterator[list]:
        return self.requests
