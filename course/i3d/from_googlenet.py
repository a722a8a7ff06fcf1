"""Start I3D from torchvision's GoogLeNet: published names, batch norm without scale.

Source: Carreira & Zisserman, CVPR 2017, section 2.4.  Their own starting point,
an Inception-v1 in TensorFlow, is not public; torchvision's GoogLeNet has its layers.

I3D's batch norm has no scale (gamma).  A scale moves on through the net instead:
relu(gamma z + beta) = |gamma| relu(sign(gamma) z + beta / |gamma|), maximum and
concatenation keep positive factors apart by channel, and the next convolution's weights
take |gamma| up.  So nothing changes, in training mode as little as in eval mode.

Known difference: on even sizes "SAME" pads the first convolution by 2 before and 3
after, torchvision by 3 on both sides.  I3D therefore looks at the image one pixel
further right and below: a start for training, not the same network.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from course.i3d.inflation import TAPS

STEM = {
    "conv1": "Conv3d_1a_7x7",
    "conv2": "Conv3d_2b_1x1",
    "conv3": "Conv3d_2c_3x3",
}
MODULES = {
    f"inception{number}{old}": f"Mixed_{number}{new}"
    for number, letters in (("3", "ab"), ("4", "abcde"), ("5", "ab"))
    for old, new in zip(letters, "bcdef", strict=False)
}
# torchvision's layers of the four branches, and their names in I3D.
BRANCHES = (
    {"branch1": "Branch_0.Conv3d_0a_1x1"},
    {
        "branch2.0": "Branch_1.Conv3d_0a_1x1",
        "branch2.1": "Branch_1.Conv3d_0b_3x3",
    },
    {
        "branch3.0": "Branch_2.Conv3d_0a_1x1",
        "branch3.1": "Branch_2.Conv3d_0b_3x3",
    },
    {"branch4.1": "Branch_3.Conv3d_0b_1x1"},
)
LOGITS = "Logits.Conv3d_0c_1x1.conv_3d"


def inflate_googlenet(
    state: Mapping[str, Tensor], taps: str = "mean"
) -> dict[str, Tensor]:
    """Turn GoogLeNet's weights into weights of `course.backbones.I3D`.

    Args:
        state: torchvision's names; auxiliary classifiers are ignored.
        taps: "mean" puts w / N on each of N taps in time, "centre" all of w on the
            middle one.

    Returns:
        I3D's 230 tensors, with as many classes as the state has.

    Raises:
        ValueError: a missing tensor, an unknown `taps`, or a scale of zero, whose
            channel is constant and cannot be written without a scale.

    >>> from course.backbones.googlenet import GoogLeNet
    >>> i3d = inflate_googlenet(GoogLeNet().state_dict())
    >>> len(i3d), tuple(i3d["Conv3d_1a_7x7.conv_3d.weight"].shape)
    (230, (64, 3, 7, 7, 7))
    """
    if taps not in TAPS:
        raise ValueError(f"taps must be one of {', '.join(TAPS)}; got {taps!r}")
    made: dict[str, Tensor] = {}

    def put(layers: Mapping[str, str], scale: Tensor) -> Tensor:
        """Convert layers that follow each other; give the scale behind them."""
        for old, new in layers.items():
            unit, scale = _fold(state, old, scale)
            made[f"{new}.conv_3d.weight"] = _give_time(unit.pop("weight"), taps)
            made.update({f"{new}.batch_norm.{name}": t for name, t in unit.items()})
        return scale

    try:
        channels = state["conv1.conv.weight"].shape[1]
        scale = put(STEM, state["conv1.bn.bias"].new_ones(channels))
        for old, new in MODULES.items():
            paths = [
                {f"{old}.{a}": f"{new}.{_with_slip(new, b)}" for a, b in path.items()}
                for path in BRANCHES
            ]
            scale = torch.cat([put(path, scale) for path in paths])
        head = state["fc.weight"].detach() * scale
        made[f"{LOGITS}.weight"] = head[:, :, None, None, None]
        made[f"{LOGITS}.bias"] = state["fc.bias"].detach().clone()
    except KeyError as error:
        raise ValueError(f"the GoogLeNet state has no {error.args[0]}") from None
    return made


def _fold(
    state: Mapping[str, Tensor], layer: str, scale: Float[Tensor, " i"]
) -> tuple[dict[str, Tensor], Float[Tensor, " o"]]:
    """A convolution and its batch norm without gamma, and the scale this leaves over.

    Args:
        state: torchvision's.
        layer: a name such as "inception3a.branch2.0".
        scale: what the incoming channels still have to be multiplied by.
    """
    gamma = state[f"{layer}.bn.weight"].detach()
    if (gamma == 0).any():
        raise ValueError(f"{layer}.bn.weight is zero in {int((gamma == 0).sum())} rows")
    sign = gamma.sign()
    kernel = state[f"{layer}.conv.weight"].detach()
    unit = {
        "weight": kernel * sign[:, None, None, None] * scale[None, :, None, None],
        "bias": state[f"{layer}.bn.bias"].detach() / gamma.abs(),
        "running_mean": state[f"{layer}.bn.running_mean"] * sign,
        "running_var": state[f"{layer}.bn.running_var"].clone(),
    }
    return unit, gamma.abs()


def _give_time(kernel: Float[Tensor, "o i n n"], taps: str) -> Tensor:
    """An N x N kernel with N taps in time, as all of I3D's convolutions have."""
    size = kernel.shape[-1]
    if taps == "mean":
        return (kernel / size)[:, :, None].repeat(1, 1, size, 1, 1)
    inflated = kernel.new_zeros(*kernel.shape[:2], size, size, size)
    inflated[:, :, size // 2] = kernel
    return inflated


def _with_slip(module: str, unit: str) -> str:
    """The published net has one 3 x 3 convolution under a name of its own."""
    if (module, unit) == ("Mixed_5b", "Branch_2.Conv3d_0b_3x3"):
        return "Branch_2.Conv3d_0a_3x3"
    return unit
