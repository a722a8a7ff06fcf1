"""Several processes, one training: what accelerate is asked for, and small helpers.

Each process takes its own part of every batch and the gradients are averaged, so two
processes make the step of one.  Batch normalisation is the exception: its statistics
are those of a process's own part (and its running averages those of the first process).
Where that matters, compare in eval mode, or make the parts large.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor, nn

from course.training.settings import TrainSettings


def _active() -> bool:
    return dist.is_available() and dist.is_initialized()


def world_size() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if _active() else 1


def rank() -> int:
    """This process's number among them, from 0."""
    return dist.get_rank() if _active() else 0


def is_main_process() -> bool:
    """Whether this process writes the files and prints."""
    return rank() == 0


def gather_rows(x: Shaped[Tensor, "n ..."]) -> Shaped[Tensor, "world*n ..."]:
    """Rows of all processes, in order of rank; without gradient, equal everywhere.

    Args:
        x: this process's rows; every process brings the same shape.

    Returns:
        All rows; `x` itself, detached, where one process trains alone.

    >>> gather_rows(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    x = x.detach()
    if world_size() == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(world_size())]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


def gather_objects(value: object) -> list:
    """One object of each process, in order of rank."""
    if world_size() == 1:
        return [value]
    values: list = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over the processes, for a net that a room steps by itself.

    `fit` does this for the model.  A net with an optimiser of its own (an adversary
    that takes several steps per step) calls it between its `backward()` and its
    `step()`.

    Args:
        parameters: the net's parameters; those without a gradient are left out.
    """
    if world_size() == 1:
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= world_size()


def same_start(module: nn.Module) -> None:
    """Give every process the first one's weights and buffers."""
    if world_size() > 1:
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.data, src=0)


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2^63) that depends on all parts and on nothing else.

    >>> derive_seed(0, "epoch", 1) == derive_seed(0, "epoch", 1)
    True
    """
    text = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


@contextlib.contextmanager
def accelerator_for(device: torch.device, settings: TrainSettings) -> Iterator:
    """An `Accelerator` of its own for one training.

    accelerate keeps device and precision once per Python process; a notebook trains
    many times, with others.  So its shared state is set aside and put back afterwards.

    Args:
        device: `cpu` keeps accelerate off a GPU that exists.
        settings: gives the precision, and whether parameters may lack a gradient.

    Returns:
        A context manager that yields the accelerator.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState, PartialState
    from accelerate.utils import DistributedDataParallelKwargs

    shared = [c._shared_state for c in (AcceleratorState, GradientState, PartialState)]
    kept = [dict(state) for state in shared]
    for state in shared:
        state.clear()
    try:
        yield Accelerator(
            cpu=device.type == "cpu",
            mixed_precision=settings.mixed_precision,
            device_placement=False,
            kwargs_handlers=[
                DistributedDataParallelKwargs(
                    broadcast_buffers=False,
                    find_unused_parameters=settings.unused_parameters,
                )
            ],
        )
    finally:
        for state, old in zip(shared, kept, strict=True):
            state.clear()
            state.update(old)
