"""What the module costs: parameters and multiply-adds, exactly.

Source: counted here, and held against the notebook of counts that comes with the
official code of Kwon et al., ECCV 2020.  A multiply-add (MAC) is one product and its
sum; batch norm, ReLU, pooling and the softmax are not counted, nor is the last linear
layer ("conv GMAC").  Authors differ in what they call a FLOP, so percentages of one way
of counting are what can be compared.

Known differences from the authors' notebook: it counts 2 C - 1 operations for a dot
product of C channels (products and sums each), here C.  Its networks own a batch norm
of 128 channels that nothing uses (`UNUSED_IN_OFFICIAL` parameters), ours do not.
Multiply-adds are not time: matching waits for memory, as the benchmarks show.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course.motion_squeeze.module import MotionSqueeze

UNUSED_IN_OFFICIAL = 256
STACKED_FLOWS = 5


@dataclass(frozen=True)
class Cost:
    """Parameters, and multiply-adds of one clip.

    >>> Cost(100, 2_000) + Cost(1, 500)
    Cost(parameters=101, macs=2500)
    """

    parameters: int
    macs: int

    @property
    def gmacs(self) -> float:
        """Multiply-adds in 10^9."""
        return self.macs / 1e9

    def above(self, other: Cost) -> float:
        """Multiply-adds more than another's, as a share of the other's."""
        return self.macs / other.macs - 1

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs)


def module_cost(
    module: MotionSqueeze, num_frames: int, size: tuple[int, int]
) -> dict[str, Cost]:
    """The parts of a MotionSqueeze module: reduce, correlation, transform.

    Args:
        module: of any options.
        num_frames: T; the correlation has T - 1 pairs.
        size: (h, w) of the feature map in cells.

    Returns:
        `Cost` by part.

    Raises:
        ValueError: for fewer than two frames.

    Source: counted; equation 1 takes P * P dot products a cell.

    >>> parts = module_cost(MotionSqueeze(128), num_frames=8, size=(28, 28))
    >>> {name: cost.parameters for name, cost in parts.items()}
    {'reduce': 8320, 'correlation': 0, 'transform': 12665}
    >>> parts["correlation"].macs
    79027200
    """
    if num_frames < 2:
        raise ValueError(f"a clip needs two frames or more, got {num_frames}")
    cells, pairs = size[0] * size[1], num_frames - 1
    window = (2 * module.max_displacement + 1) ** 2
    maps = num_frames if module.last_frame == "displacement" else pairs
    per_cell = {
        "reduce": num_frames * _kernel_sizes(module.reduce),
        "correlation": pairs * module.reduced * window,
        "transform": maps * _kernel_sizes(module.transform),
    }
    owned = {"reduce": module.reduce, "transform": module.transform}
    return {
        name: Cost(_parameters(owned[name]) if name in owned else 0, cells * macs)
        for name, macs in per_cell.items()
    }


def network_cost(net: nn.Module, clip: tuple[int, int, int, int]) -> Cost:
    """A whole network's cost for one clip, its MotionSqueeze modules included.

    Args:
        net: takes clips (B, C, T, H, W), as `FrameNetwork` and the small R(2+1)D do.
        clip: (C, T, H, W).

    Returns:
        All parameters; the multiply-adds of all convolutions and correlations.

    Raises:
        ValueError: for clips that the network cannot take.

    Source: counted from the shapes on torch's meta device, which computes nothing.

    >>> from course.motion_squeeze.networks import msnet, tsm
    >>> clip = (3, 8, 224, 224)
    >>> f"+{network_cost(msnet(), clip).above(network_cost(tsm(), clip)):.2%}"
    '+1.42%'
    """
    shadow = copy.deepcopy(net).to("meta").eval()
    counted: list[int] = []
    _count_into(counted, shadow)
    with torch.no_grad():
        shadow(torch.zeros(1, *clip, device="meta"))
    return Cost(_parameters(net), sum(counted))


def two_stream_cost(
    rgb: nn.Module, flow: nn.Module, size: tuple[int, int], num_frames: int = 8
) -> Cost:
    """Both networks of a two-stream pair; the optical flow itself is not counted.

    Args:
        rgb: sees colours.
        flow: sees `STACKED_FLOWS` fields a frame, ten channels, or any other number.
        size: (H, W) of the frames.
        num_frames: T of both.

    Returns:
        The sum of both.

    Source: the "8 + (8 x 5)" of the paper's comparison with two-stream networks.

    >>> from course.motion_squeeze.networks import tsm
    >>> pair = tsm(), tsm(in_channels=2 * STACKED_FLOWS)
    >>> pair_cost = two_stream_cost(*pair, size=(224, 224))
    >>> round(pair_cost.gmacs, 2)
    31.22
    """
    total = Cost(0, 0)
    for net in (rgb, flow):
        kernel = next(p for p in net.parameters() if p.ndim > 3)
        total += network_cost(net, (kernel.shape[1], num_frames, *size))
    return total


class _Passing(nn.Module):
    """Stands in for a MotionSqueeze module: counts by formula, keeps the shape."""

    def __init__(self, module: MotionSqueeze, counted: list[int]):
        super().__init__()
        self.num_frames, self.channels = module.num_frames, module.channels
        self.of, self.counted = functools.partial(module_cost, module), counted

    def forward(self, x: Tensor) -> Tensor:
        frames = x.shape[2] if x.ndim == 5 else self.num_frames or 0
        height, width = x.shape[-2:]
        clips = x.numel() // (frames * self.channels * height * width)
        parts = self.of(frames, (height, width)).values()
        self.counted.append(clips * sum(part.macs for part in parts))
        return x


def _count_into(counted: list[int], net: nn.Module) -> None:
    """Let a network note the multiply-adds of convolutions and matching as it runs."""

    def convolved(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        kernel = module.get_parameter("weight")
        counted.append(output.shape[0] * output[0, 0].numel() * kernel.numel())

    for name, module in list(net.named_modules()):
        if isinstance(module, MotionSqueeze):
            net.set_submodule(name, _Passing(module, counted))
    for module in net.modules():
        if _is_convolution(module):
            module.register_forward_hook(convolved)


def _is_convolution(module: nn.Module) -> bool:
    """A layer whose own kernel has axes over space: shifted ones as well."""
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.ndim > 3


def _kernel_sizes(layers: nn.Module) -> int:
    """Multiply-adds per cell of convolutions that keep the map's size."""
    kernels = (p for p in layers.parameters() if p.ndim == 4)
    return sum(kernel.numel() for kernel in kernels)


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
