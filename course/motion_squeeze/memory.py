"""How many bytes a computation holds at its worst moment.

Measured with `torch.profiler`, which sees every allocation of torch's own allocator:
those inside an operator, and those of a backward pass, as well.  What existed before
the call is not counted.  On a GPU the same numbers count bytes there and on the CPU
together; `torch.cuda.max_memory_allocated` tells them apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def peak_bytes(call: Callable[[], object]) -> int:
    """Run a call once and tell the most memory that it held at one time.

    Args:
        call: without arguments; run it once before if it fills a cache.

    Returns:
        bytes beyond what was held before, the result included.

    Raises:
        RuntimeError: this torch does not report allocations.

    >>> import torch
    >>> peak_bytes(lambda: torch.zeros(1000) + torch.zeros(1000))  # three at once
    12000
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else it logs its start and stop
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorder:
        result = call()
    del result
    if recorder.profiler is None or recorder.profiler.kineto_results is None:
        raise RuntimeError("this torch does not report allocations")
    events = recorder.profiler.kineto_results.events()
    steps = [(e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"]
    held = most = 0
    for _, change in sorted(steps, key=lambda step: step[0]):
        held += change
        most = max(most, held)
    return most
