"""Run a recogniser over a whole data set without training it.

`evaluating` switches a model to eval mode and puts every submodule's own mode back;
`predict` walks over the clips in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Eval mode, no gradients inside the block; every submodule's mode put back after.

    Restoring module by module matters: a deliberately frozen batch norm stays frozen.

    Args:
        model: an nn.Module or a method of one; anything else is left alone.

    >>> net = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3).eval())
    >>> with evaluating(net):
    ...     net[0].training
    False
    >>> net[0].training, net[1].training
    (True, False)
    """
    model = getattr(model, "__self__", model)
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


def as_float_clips(clips: Shaped[Tensor, "B C T H W"]) -> Float[Tensor, "B C T H W"]:
    """Clips as float in [0, 1]; uint8 levels 0 .. 255 are divided by 255.

    Raises:
        ValueError: unless the tensor has five axes.

    >>> as_float_clips(torch.full((1, 3, 2, 4, 4), 255, dtype=torch.uint8)).max().item()
    1.0
    """
    if clips.ndim != 5:
        raise ValueError(f"clips must be (B, C, T, H, W), got {tuple(clips.shape)}")
    return clips.float() / 255 if clips.dtype == torch.uint8 else clips.float()


def clip_input(batch: Mapping[str, Tensor]) -> tuple[Float[Tensor, "B C T H W"]]:
    """What a network that sees the frames alone is given of a batch: "clip", in [0, 1].

    Raises:
        KeyError: if the batch has no "clip".
        ValueError: see `as_float_clips`.

    >>> len(clip_input({"clip": torch.zeros(1, 3, 2, 4, 4), "action": torch.zeros(1)}))
    1
    """
    return (as_float_clips(batch["clip"]),)


def predict(
    model: Callable[[Tensor], Tensor],
    clips: Shaped[Tensor, "N C T H W"],
    batch_size: int = 64,
    device: torch.device | str | None = None,
) -> Float[Tensor, "N K"]:
    """Outputs of a recogniser, or of any function of a batch of clips, for all clips.

    Args:
        model: a recogniser, its `embed`, or any function of clips (B, C, T, H, W) in
            [0, 1].
        clips: float in [0, 1] or uint8.
        batch_size: clips per call.
        device: where the clips are sent; None means the model's own device.

    Returns:
        float32 on the CPU, (N, K) for a recogniser.

    Raises:
        ValueError: for clips of a wrong shape, no clips, or an output of wrong length.

    >>> predict(lambda x: x.mean(dim=(2, 3, 4)), torch.ones(5, 3, 2, 4, 4), 2).shape
    torch.Size([5, 3])
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if len(clips) == 0:
        raise ValueError(f"no clips to predict: shape {tuple(clips.shape)}")
    device = device or device_of(model)
    outputs = []
    with evaluating(model):
        for batch in clips.split(batch_size):
            output = model(as_float_clips(batch.to(device)))
            if len(output) != len(batch):
                shape = tuple(output.shape)
                raise ValueError(f"{len(batch)} clips gave an output of shape {shape}")
            outputs.append(output.float().cpu())
    return torch.cat(outputs)


def device_of(model: Any) -> torch.device:
    """The device of a module's first parameter; the CPU for anything without one.

    >>> device_of(nn.Linear(2, 2)), device_of(len)
    (device(type='cpu'), device(type='cpu'))
    """
    model = getattr(model, "__self__", model)
    parameters = model.parameters() if isinstance(model, nn.Module) else iter(())
    first = next(parameters, None)
    return torch.device("cpu") if first is None else first.device
