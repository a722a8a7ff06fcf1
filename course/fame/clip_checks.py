"""What clips and shares must be; what they are instead is named in the error.

Reading a value of a tensor on a GPU makes the processor wait for it, once a training
step.  So the range of the values is looked at on a CPU only; on a GPU values that are
out of range end in the outermost colour cells, and nothing is written out of bounds.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# Resizing may leave [0, 1] by a rounding error; normalised clips leave it by far.
SLACK = 1e-3


def check_clips(clips: Float[Tensor, "B C T H W"], channels: int | None = None) -> None:
    """Refuse what is no batch of clips with at least two frames.

    Args:
        clips: anything.
        channels: how many it must have; None leaves it open.

    Raises:
        ValueError: naming type and shape.

    >>> check_clips(torch.zeros(2, 3, 1, 8, 8))
    Traceback (most recent call last):
    ValueError: motion needs two frames or more, got 1 in a clip of (2, 3, 1, 8, 8)
    """
    if not isinstance(clips, Tensor) or not clips.is_floating_point():
        found = clips.dtype if isinstance(clips, Tensor) else type(clips).__name__
        raise ValueError(f"clips must be a floating point tensor, got {found}")
    shape = tuple(clips.shape)
    if clips.ndim != 5 or 0 in shape[1:]:
        raise ValueError(f"clips must be (B, C, T, H, W), got {shape}")
    if channels is not None and shape[1] != channels:
        raise ValueError(f"clips must have {channels} channels, got {shape}")
    if shape[2] < 2:
        raise ValueError(
            f"motion needs two frames or more, got {shape[2]} in a clip of {shape}"
        )


def check_rgb(clips: Float[Tensor, "B 3 T H W"]) -> None:
    """Refuse clips that are not RGB in [0, 1], for instance normalised ones.

    Args:
        clips: anything; the values are looked at on a CPU only.

    Raises:
        ValueError: naming type, shape or the range of the values.

    >>> check_rgb(torch.full((1, 3, 2, 1, 1), -1.0))
    Traceback (most recent call last):
    ValueError: clips must be in [0, 1], before any normalisation; these span -1 to -1
    """
    check_clips(clips, channels=3)
    if clips.device.type != "cpu" or clips.numel() == 0:
        return
    least, most = (float(x) for x in clips.detach().aminmax())
    if not (least >= -SLACK and most <= 1 + SLACK):  # so that NaN is refused
        raise ValueError(
            "clips must be in [0, 1], before any normalisation; these span "
            f"{least:.4g} to {most:.4g}"
        )


def check_share(name: str, value: float) -> float:
    """Refuse what is no share from 0 to 1.

    Args:
        name: of the argument, for the message.
        value: what was given.

    Returns:
        The share as a Python float.

    Raises:
        ValueError: for anything but a number in [0, 1].

    >>> check_share("beta", 50)
    Traceback (most recent call last):
    ValueError: beta is a share in [0, 1], got 50
    """
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = float("nan")
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is a share in [0, 1], got {value!r}")
    return share


def wide(tensor: Tensor) -> Tensor:
    """Take a tensor to float64, or to float32 on Apple's GPUs, which have no float64.

    Args:
        tensor: any type and shape.

    Returns:
        The same numbers.  What is computed with them and rounded to float32 at the end
        is the same on every processor, whatever the order of its sums.

    >>> wide(torch.arange(2)).dtype
    torch.float64
    """
    return tensor.to(torch.float32 if tensor.device.type == "mps" else torch.float64)
