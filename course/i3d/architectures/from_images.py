"""The five, each started from a trained image network.

Source: section 2.4 for the inflated ones.  What a flow stream does with weights for
three colours is not stated there; see `change_input_channels`.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn

from course.backbones import I3D, InceptionV1, inflate_inception
from course.i3d.architectures.frames import (
    ConvNetLSTM,
    ImageNetwork,
    StreamNetwork,
)
from course.i3d.architectures.paper_size import NAMES
from course.i3d.architectures.two_streams import (
    MOST_FLOW,
    FusedTwoStream,
    TwoStreams,
)
from course.i3d.architectures.volumes import C3D_CLIP, C3D_STAGES, ConvNet3D
from course.i3d.inflation import change_input_channels, inflate
from course.i3d.small_base import SmallNet

HIDDEN = 512  # the paper's LSTM and fused layer; smaller nets have smaller ones


def build_from(
    name: str,
    net2d: ImageNetwork,
    num_classes: int,
    clip: tuple[int, int, int],
    taps: str = "mean",
) -> nn.Module:
    """One of the five that starts from a trained image network.

    Args:
        name: one of `NAMES`, or `c3d_averaged` (see `ConvNet3D`).
        net2d: trained on pictures; all but `c3d` start from its weights.
        num_classes: number of logits.
        clip: (T, H, W) of the clips.
        taps: how `i3d` is inflated.

    Returns:
        The network: `c3d` and `lstm` take frames, the others frames and flow.

    Raises:
        ValueError: for another name.

    >>> net = build_from("fused", SmallNet(10), num_classes=5, clip=(8, 32, 32))
    >>> frames, stacks = torch.zeros(1, 3, 3, 32, 32), torch.zeros(1, 6, 3, 32, 32)
    >>> tuple(net(frames, stacks).shape)
    (1, 5)
    """
    width = net2d.fc.in_features
    if name == "lstm":
        hidden = min(width, HIDDEN)
        return ConvNetLSTM(copy.deepcopy(net2d), width, hidden, num_classes)
    if name in ("c3d", "c3d_averaged"):
        return _volumes(net2d, num_classes, clip, average=name == "c3d_averaged")
    if name == "two_stream":
        flow = make_stream(net2d, num_classes, channels=2 * min(clip[0] - 1, MOST_FLOW))
        return TwoStreams(make_stream(net2d, num_classes), flow)
    if name == "fused":
        rgb, flow = make_stream(net2d, 1), make_stream(net2d, 1, channels=6)
        return FusedTwoStream(rgb, flow, width, min(2 * width, HIDDEN), num_classes)
    if name == "i3d":
        rgb = make_stream(net2d, num_classes, taps=taps, video=True)
        return TwoStreams(rgb, make_stream(net2d, num_classes, 2, taps, video=True))
    raise ValueError(f"architectures are {', '.join(NAMES)}; got {name!r}")


def _volumes(
    net2d: ImageNetwork, num_classes: int, clip: tuple[int, int, int], average: bool
) -> ConvNet3D:
    """C3D's plan at the image network's width; nothing of its weights fits."""
    width = net2d.fc.in_features
    small = ((width // 4,), (width // 2,), (width, width))
    stages = small if isinstance(net2d, SmallNet) else C3D_STAGES
    t, h, w = (min(n, most) for n, most in zip(clip, C3D_CLIP, strict=True))
    return ConvNet3D(num_classes, stages, (t, h, w), 4 * width, average=average)


def make_stream(
    net2d: ImageNetwork,
    num_classes: int,
    channels: int = 3,
    taps: str = "mean",
    video: bool = False,
    channel_rule: str = "mean",
) -> StreamNetwork:
    """A stream that starts from an image network's weights.

    Args:
        net2d: the image network; stays as it is.
        num_classes: of the new last layer.
        channels: of the input; other than 3, the first layer changes by `channel_rule`.
        taps: how kernels are inflated.
        video: inflate it, or leave it an image network.
        channel_rule: see `change_input_channels`.

    Returns:
        The stream, its last layer untrained.  An inflated `SmallNet` still is one, with
        3-D layers; an inflated `InceptionV1` is an `I3D`.

    >>> stream = make_stream(SmallNet(10), num_classes=5, channels=2, video=True)
    >>> tuple(stream(torch.zeros(1, 2, 7, 32, 32)).shape)
    (1, 5)
    """
    if isinstance(net2d, InceptionV1):
        return _inception_stream(
            net2d, num_classes, channels, taps, video, channel_rule
        )
    net = cast(SmallNet, inflate(net2d, taps=taps) if video else copy.deepcopy(net2d))
    if channels != net2d.conv1.in_channels:
        net.conv1 = change_input_channels(net.conv1, channels, channel_rule)
    net.fc = nn.Linear(net2d.fc.in_features, num_classes)
    return net


def _inception_stream(
    net2d: InceptionV1, num_classes: int, channels: int, taps: str, video: bool,
    rule: str,
) -> InceptionV1 | I3D:  # fmt: skip
    """The same for Inception-v1, whose inflated copy is `I3D`, zero padding and all."""
    state: dict[str, Tensor] = net2d.state_dict()
    state = inflate_inception(state) if video else state
    if taps == "centre":
        state = {name: _on_the_middle_tap(value) for name, value in state.items()}
    net = I3D(num_classes) if video else InceptionV1(num_classes)
    net.load_state_dict(
        {k: v for k, v in state.items() if not k.startswith("Logits")}, strict=False
    )
    if channels != 3:
        first = net.get_submodule("Conv3d_1a_7x7")
        first.conv_3d = change_input_channels(first.conv_3d, channels, rule)
        net.in_channels = channels
    return net


def _on_the_middle_tap(weight: Tensor) -> Tensor:
    """A 3-D kernel's sum over time on its middle tap; others stay as they are."""
    if weight.ndim != 5:
        return weight
    moved = torch.zeros_like(weight)
    moved[:, :, (weight.shape[2] - 1) // 2] = weight.sum(2)
    return moved
