"""The five at the paper's size, for table 1 and for whoever has the hardware."""

from __future__ import annotations

from torch import nn

from course.backbones import I3D, InceptionV1
from course.backbones.inception_layers import OffsetBatchNorm
from course.i3d.architectures.frames import ConvNetLSTM
from course.i3d.architectures.two_streams import FusedTwoStream, TwoStreams
from course.i3d.architectures.volumes import C3D_CLIP, C3D_STAGES, ConvNet3D

NAMES = ("lstm", "c3d", "two_stream", "fused", "i3d")


def build(name: str, num_classes: int = 400) -> nn.Module:
    """One of the five at the paper's size, on Inception-v1, with fresh weights.

    Args:
        name: one of `NAMES`.
        num_classes: number of logits.

    Returns:
        The network; under `torch.device("meta")` it costs no memory.

    Raises:
        ValueError: for another name.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in build("i3d").parameters())
    25358016
    """
    if name == "lstm":
        return ConvNetLSTM(_trunk(3), 1024, 512, num_classes, OffsetBatchNorm)
    if name == "c3d":
        norms = (OffsetBatchNorm, OffsetBatchNorm)
        return ConvNet3D(num_classes, C3D_STAGES, C3D_CLIP, 4096, *norms)
    if name == "two_stream":
        return TwoStreams(InceptionV1(num_classes), InceptionV1(num_classes, 20))
    if name == "fused":
        return FusedTwoStream(_trunk(3), _trunk(20), 1024, 512, num_classes)
    if name == "i3d":
        return TwoStreams(I3D(num_classes), I3D(num_classes, 2))
    raise ValueError(f"architectures are {', '.join(NAMES)}; got {name!r}")


def _trunk(in_channels: int) -> InceptionV1:
    """Inception-v1 without its classifier."""
    net = InceptionV1(1, in_channels)
    del net.Logits
    return net
