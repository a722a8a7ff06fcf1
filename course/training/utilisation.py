"""How much of a GPU's arithmetic a training uses (model-FLOPs utilisation).

Counted are the multiplications and additions that the model needs, forward and, twice
that, backward; what a machine does beside them does not count as use.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

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


def peak_of(device: torch.device) -> float | None:
    """Operations per second that a GPU's maker states; None if it is not listed.

    >>> peak_of(torch.device("cpu")) is None
    True
    """
    if device.type != "cuda":
        return None
    words = torch.cuda.get_device_name(device).replace("-", " ").split()
    return next((peak for name, peak in PEAK.items() if name in words), None)
