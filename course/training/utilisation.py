"""How much of a GPU's arithmetic a training uses (model-FLOPs utilisation).

Counted are the multiplications and additions that the model needs, forward and, twice
that, backward; what a machine does beside them does not count as use.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from course.training.result import FitResult

# Dense bf16 (T4: fp16) operations per second, as their makers state them.
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12}
BACKWARD = 2  # a backward pass costs about two forward passes


def training_flops(model: nn.Module, *inputs: Tensor) -> float:
    """Operations of one forward and backward pass, in eval mode.

    Args:
        model: any network; its mode is put back.
        inputs: one batch.

    Returns:
        Floating-point operations, three times those of the forward pass.

    >>> training_flops(nn.Linear(10, 5, bias=False), torch.zeros(2, 10))
    600.0
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(*inputs)
    finally:
        model.train(training)
    return float((1 + BACKWARD) * counter.get_total_flops())


def efficiency(
    model: nn.Module, result: FitResult, shape: tuple[int, ...]
) -> dict[str, float]:
    """How fast a training went, and how much of the machine that took.

    Args:
        model: the network that was trained, where it was trained.
        result: of the training.
        shape: of one clip, (C, T, H, W).

    Returns:
        `clips_per_second`; `gflops_per_clip`, forward and backward; on a GPU
        `peak_memory_gib` and, where the GPU's speed is known, `utilisation`, a share.

    >>> net = nn.Conv3d(3, 8, 1, bias=False)
    >>> efficiency(net, FitResult(2, 2, items_per_second=5.0), (3, 10, 100, 100))
    {'clips_per_second': 5.0, 'gflops_per_clip': 0.0144}
    """
    device = next(model.parameters()).device
    flops = training_flops(model, torch.zeros(1, *shape, device=device))
    speed = result.items_per_second
    found = {"clips_per_second": speed, "gflops_per_clip": flops / 1e9}
    if result.peak_memory is not None:
        found["peak_memory_gib"] = result.peak_memory / 2**30
    peak = peak_of(device)
    return found | ({"utilisation": speed * flops / peak} if peak else {})


def peak_of(device: torch.device) -> float | None:
    """Operations per second that a GPU's maker states; None if it is not listed.

    >>> peak_of(torch.device("cpu")) is None
    True
    """
    if device.type != "cuda":
        return None
    words = torch.cuda.get_device_name(device).replace("-", " ").split()
    return next((peak for name, peak in PEAK.items() if name in words), None)
