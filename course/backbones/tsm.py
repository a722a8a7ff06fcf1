"""The temporal shift: a 2-D network exchanges channels with its neighbours in time.

Source: Lin, Gan & Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
ICCV 2019, offline (two-sided) form, in the residual branch, with the arithmetic of the
public code (mit-han-lab/temporal-shift-module): of C channels the first C // 8 come
from the next frame, the following C // 8 from the one before, zeros where the clip
ends, the rest stays.  It costs no parameter and no multiplication.

Known difference: the public code puts a wrapper named `net` into each block, so that
its checkpoints say `conv1.net.weight`; here every parameter keeps the image network's
name, and an ImageNet state dict loads as it is.
"""

from __future__ import annotations

from numbers import Integral

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones.googlenet import Inception


def temporal_shift(
    x: Float[Tensor, "bt c h w"], num_frames: int, fraction: int = 8
) -> Float[Tensor, "bt c h w"]:
    """Take some channels from the next frame and some from the one before.

    Args:
        x: maps (B*T, C, H, W), the frames of a clip one after another.
        num_frames: T.
        fraction: C // fraction channels come from each side.

    Returns:
        Maps of the same shape; what would come from outside the clip is 0.

    Raises:
        ValueError: for another number of axes, rows that are no whole clips, a number
            that is not whole, or a fraction below 2, for which there are not channels
            enough.

    Source: Lin et al., ICCV 2019; the public code's `shift`.

    >>> clip = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1).expand(3, 4, 1, 1)
    >>> temporal_shift(clip, num_frames=3, fraction=4).flatten(1).T
    tensor([[2., 3., 0.],
            [0., 1., 2.],
            [1., 2., 3.],
            [1., 2., 3.]])
    """
    if x.ndim != 4 or not _at_least(1, num_frames) or len(x) % num_frames:
        shape = tuple(x.shape)
        raise ValueError(f"expected (B * {num_frames!r}, C, H, W), got {shape}")
    if not _at_least(2, fraction):
        raise ValueError(f"fraction must be 2 or more, got {fraction!r}")
    fold = x.shape[1] // fraction
    clips = x.unflatten(0, (-1, num_frames))
    ahead, behind, still = clips.split((fold, fold, x.shape[1] - 2 * fold), dim=2)
    from_next = F.pad(ahead[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    from_last = F.pad(behind[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat((from_next, from_last, still), dim=2).flatten(0, 1)


class ShiftedConv2d(nn.Module):
    """A convolution that looks at shifted frames; it takes over another's parameters.

    Args:
        conv: the convolution; its `weight` and `bias` become this module's.
        num_frames: T of the clips.
        fraction: see `temporal_shift`.

    Takes maps (B*T, C, H, W), the frames of a clip one after another, and gives
    (B*T, D, H', W') as the convolution would.

    Raises:
        ValueError: in `forward`, as `temporal_shift`.

    Source: Lin et al., ICCV 2019; the public code puts the same before `conv1`.

    >>> conv = nn.Conv2d(16, 4, 1)
    >>> shifted = ShiftedConv2d(conv, num_frames=3)
    >>> maps = torch.rand(6, 16, 2, 2)
    >>> torch.equal(shifted(maps), conv(temporal_shift(maps, num_frames=3)))
    True
    >>> shifted.weight is conv.weight
    True
    """

    def __init__(self, conv: nn.Conv2d, num_frames: int, fraction: int = 8):
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = conv.stride, conv.padding
        self.dilation, self.groups = conv.dilation, conv.groups
        self.num_frames, self.fraction = num_frames, fraction

    def forward(self, x: Float[Tensor, "bt c h w"]) -> Float[Tensor, "bt d h2 w2"]:
        x = temporal_shift(x, self.num_frames, self.fraction)
        weight, bias = self.weight, self.bias
        return F.conv2d(
            x, weight, bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        out, per_group, *kernel = self.weight.shape
        return (
            f"{per_group * self.groups}, {out}, {tuple(kernel)}, stride={self.stride}, "
            f"num_frames={self.num_frames}, fraction={self.fraction}"
        )


def add_temporal_shift(
    model2d: nn.Module, num_frames: int, fraction: int = 8
) -> nn.Module:
    """Shift before the first convolution of every residual block.

    A residual block is what has two convolutions `conv1` and `conv2`, as ours and
    torchvision's have.  The shortcut is not shifted, so that each frame's own features
    pass on.  An `Inception` block has no shortcut: there the two branches that reduce
    their channels first are shifted (`branch2`, `branch3`), the other two are not; this
    is our choice, not TSM's.

    Args:
        model2d: an image network; changed in place.
        num_frames: T of the clips it will see, as (B*T, C, H, W).
        fraction: see `temporal_shift`.

    Returns:
        The same network; names and shapes of its parameters are as before.

    Raises:
        ValueError: if there is nothing to shift, or a number is out of range.

    >>> from course.backbones import resnet18
    >>> net = add_temporal_shift(resnet18(5), num_frames=4)
    >>> net.layer1[0].conv1
    ShiftedConv2d(64, 64, (3, 3), stride=(1, 1), num_frames=4, fraction=8)
    """
    if not (_at_least(1, num_frames) and _at_least(2, fraction)):
        given = f"{num_frames!r}, {fraction!r}"
        raise ValueError(f"needs num_frames >= 1 and fraction >= 2, got {given}")
    places = _places(model2d)
    if not places:
        raise ValueError(f"{type(model2d).__name__} has no residual block to shift in")
    for owner, name in places:
        conv = owner.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        setattr(owner, name, ShiftedConv2d(conv, num_frames, fraction))
    return model2d


def _at_least(least: int, value: object) -> bool:
    """Whether it is a whole number, Python's or numpy's, and no smaller."""
    return isinstance(value, Integral) and int(value) >= least


def _places(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """(module, name) of every convolution that a shift goes in front of."""
    found: list[tuple[nn.Module, str]] = []
    for module in model.modules():
        pair = getattr(module, "conv1", None), getattr(module, "conv2", None)
        if all(isinstance(conv, nn.Conv2d) for conv in pair):
            found.append((module, "conv1"))
        elif isinstance(module, Inception):
            firsts = module.branch2[0], module.branch3[0]
            found += [
                (layer, "conv") for layer in firsts if isinstance(layer.conv, nn.Conv2d)
            ]
    return found
