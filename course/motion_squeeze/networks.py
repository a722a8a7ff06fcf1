"""Networks that look at a few frames: TSN, TSM, and MSNet, which adds MotionSqueeze.

Source: Kwon et al., ECCV 2020, as the official code has it: an image network runs on
every frame, shifted in time (TSM) or not (TSN), one MotionSqueeze module follows the
stage with 28 x 28 cells, and the frames' scores are averaged.

Known differences from the official code: the module is a child of its stage,
`layer2.motion.reduce.0.weight`, so that all other names stay an image network's.  The
code's ResNet also owns a batch norm of 128 channels that nothing uses: its printed
parameter counts are 256 higher.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course.backbones import (
    GoogLeNet,
    add_temporal_shift,
    load_into,
    load_state,
    resnet18,
    resnet50,
)
from course.evaluation.inference import evaluating
from course.motion_squeeze.frame_network import (
    Ensemble,
    FrameNetwork,
    evenly_spaced,
)
from course.motion_squeeze.module import MotionSqueeze
from course.motion_squeeze.small_base import SmallResNet

__all__ = [
    "BACKBONES",
    "Ensemble",
    "FrameNetwork",
    "PLACES",
    "SMALL_MOTION",
    "add_motion",
    "evenly_spaced",
    "msnet",
    "tsm",
    "tsn",
]

BACKBONES: Mapping[str, Callable[..., nn.Module]] = {
    "resnet18": resnet18,
    "resnet50": resnet50,
    "googlenet": GoogLeNet,
    "small": SmallResNet,
}
# The stage with 28 x 28 cells (of 224 px); the small net's has 16 x 16 (of 32 px).
PLACES = {
    "resnet18": "layer2",
    "resnet50": "layer2",
    "googlenet": "inception3b",
    "small": "layer1",
}
# The module at cpu scale: 7 cells would be nearly the whole small map.
SMALL_MOTION = {"reduced": 16, "max_displacement": 3, "widths": (16, 32, 32)}
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
TO_ONE = ((0.5,), (0.5,))  # [0, 1] to [-1, 1]
AS_IT_IS = ((0.0,), (1.0,))


def add_motion(
    net: nn.Module, after: str, num_frames: int, **options: Any
) -> nn.Module:
    """Let a MotionSqueeze module follow a stage of a network.

    Args:
        net: an image network, or one whose stages take (B, C, T, H, W); changed in
            place.
        after: the stage's name, such as "layer2" or "blocks.0".
        num_frames: T of the clips.
        options: see `MotionSqueeze`.

    Returns:
        The same network.  The module is the stage's child `motion`; all other names
        stay.

    Raises:
        ValueError: for a stage that is not there or has a module already.

    Source: the official code, which puts one module after `layer2`.

    >>> net = add_motion(SmallResNet(8), "layer1", num_frames=4, max_displacement=3)
    >>> net.layer1.motion.channels
    16
    """
    if after not in dict(net.named_modules()) or not after:
        raise ValueError(f"{type(net).__name__} has no stage {after!r}")
    stage = net.get_submodule(after)
    if hasattr(stage, "motion"):
        raise ValueError(f"{after} is followed by a MotionSqueeze module already")
    channels, kernel = _channels_after(net, stage, num_frames)
    module = MotionSqueeze(channels, num_frames, **options).to(kernel)
    stage.add_module("motion", module.train(stage.training))
    if not isinstance(stage, nn.Sequential):  # which runs a new child by itself
        stage.register_forward_hook(_through_motion)
    return net


def _through_motion(stage: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    """A forward hook: the stage's output, with motion."""
    return stage.get_submodule("motion")(output)


def _channels_after(
    net: nn.Module, stage: nn.Module, num_frames: int
) -> tuple[int, Tensor]:
    """How many channels leave the stage, seen by trying; and the net's first kernel."""
    kernel = next(p for p in net.parameters() if p.ndim > 3)
    flat = kernel.ndim == 4
    lead = (num_frames, kernel.shape[1]) if flat else (1, kernel.shape[1], num_frames)
    seen: list[int] = []
    hook = stage.register_forward_hook(lambda *args: seen.append(args[2].shape[1]))
    try:
        with evaluating(net):
            net(torch.zeros(*lead, 32, 32, dtype=kernel.dtype, device=kernel.device))
    finally:
        hook.remove()
    return seen[0], kernel.detach()


def tsn(
    backbone: str = "resnet18",
    num_classes: int = 174,
    num_frames: int = 8,
    *,
    in_channels: int = 3,
    pretrained: str | Path | None = None,
    dropout: float | None = None,
) -> FrameNetwork:
    """A temporal segment network: every frame alone, the scores averaged.

    Args:
        backbone: "resnet18", "resnet50", "googlenet" or "small".
        num_classes: number of logits.
        num_frames: T of the clips.
        in_channels: 3 for colours in [0, 1]; 2 for a flow field per frame, 10 for five
            stacked, in [-1, 1], which are not normalised further.
        pretrained: an image network's state dict (a path, or a name of `load_state`);
            all but the last layer starts from it.
        dropout: before the last layer; None is 0.5, for the small network 0.2.

    Returns:
        Module from clips (B, in_channels, T, H, W) to logits (B, num_classes).

    Raises:
        ValueError: for another backbone, or weights that do not fit.

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016.

    >>> tuple(tsn("small", 8, num_frames=4)(torch.rand(1, 3, 4, 32, 32)).shape)
    (1, 8)
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbones are {', '.join(BACKBONES)}; got {backbone!r}")
    net2d = BACKBONES[backbone](num_classes, in_channels=in_channels)
    if pretrained is not None:
        _load_all_but_the_head(net2d, load_state(pretrained), in_channels)
    mean, std = IMAGENET if backbone.startswith("resnet") else TO_ONE
    if in_channels != 3:
        mean, std = AS_IT_IS
    usual = 0.2 if backbone == "small" else 0.5
    return FrameNetwork(
        net2d, num_frames, mean, std, usual if dropout is None else dropout
    )


def tsm(
    backbone: str = "resnet18",
    num_classes: int = 174,
    num_frames: int = 8,
    **options: Any,
) -> FrameNetwork:
    """The same with a temporal shift in every residual block.

    Args:
        backbone, num_classes, num_frames, options: see `tsn`.

    Returns:
        Module from clips to logits, with as many parameters as `tsn` has.

    Raises:
        ValueError: as `tsn`.

    Source: Lin et al., ICCV 2019; see `course.backbones.tsm`.

    >>> net = tsm("resnet18")
    >>> sum(p.numel() for p in net.parameters())
    11265774
    """
    net = tsn(backbone, num_classes, num_frames, **options)
    add_temporal_shift(net.net2d, num_frames)
    return net


def msnet(
    backbone: str = "resnet18",
    num_classes: int = 174,
    num_frames: int = 8,
    *,
    motion_after: Sequence[str] | None = None,
    shift: bool = True,
    in_channels: int = 3,
    pretrained: str | Path | None = None,
    dropout: float | None = None,
    **motion: Any,
) -> FrameNetwork:
    """MSNet: TSM (or TSN) with MotionSqueeze modules.

    Args:
        backbone, num_classes, num_frames, in_channels, pretrained, dropout: see `tsn`.
        motion_after: stages that a module follows; None is the one with 28 x 28 cells,
            `layer2` of a ResNet (`PLACES`).
        shift: with the temporal shift (TSM) or without (TSN).
        motion: options of `MotionSqueeze`; the small network's are `SMALL_MOTION`
            unless given.

    Returns:
        Module from clips to logits.

    Raises:
        ValueError: as `tsn`, `add_motion` and `MotionSqueeze`.

    Source: the official code, whose counts these are.

    >>> net = msnet("resnet18")
    >>> sum(p.numel() for p in net.parameters()) - 11265774
    20985
    """
    make = tsm if shift else tsn
    net = make(
        backbone, num_classes, num_frames,
        in_channels=in_channels, pretrained=pretrained, dropout=dropout,
    )  # fmt: skip
    options = {**SMALL_MOTION, **motion} if backbone == "small" else motion
    for stage in (PLACES[backbone],) if motion_after is None else motion_after:
        add_motion(net.net2d, stage, num_frames, **options)
    return net


def _load_all_but_the_head(
    net2d: nn.Module, state: Mapping[str, Tensor], in_channels: int
) -> None:
    """An image network's weights; for other inputs the first kernel's channel mean."""
    kept = {k: v for k, v in state.items() if not k.startswith("fc.")}
    first = next(name for name, p in net2d.named_parameters() if p.ndim == 4)
    if in_channels != 3 and first in kept:
        mean = kept[first].mean(dim=1, keepdim=True)
        kept[first] = mean.expand(-1, in_channels, -1, -1)
    load_into(net2d, kept, new_head="fc")
