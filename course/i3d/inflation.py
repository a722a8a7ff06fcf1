"""Inflation: a 2-D image network becomes a 3-D video network, weights included.

Source: Carreira & Zisserman, CVPR 2017, section 2.4.  A kernel w of N x N becomes
W[t] = w / N for t = 1..N.  On a "boring" video, one frame repeated, the N taps add up
to w again, and ReLU, batch norm in eval mode and pooling keep a constant sequence
constant: the inflated net gives the image net's answer.

Known differences from the official code: DeepMind's net pads time with zeros ("SAME"),
so even a boring video changes at its ends; here the default repeats the end frames and
`time_padding="zeros"` gives theirs.  The paper does not say how three input channels
became two for flow; `change_input_channels` offers the usual rules.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from course.i3d.inflated_layers import (
    inflate_layer,
    keeps_any_axes,
    same_mode,
    zeros_around,
)

TIME_PADDINGS = ("replicate", "zeros")
TAPS = ("mean", "centre")
CHANNEL_RULES = ("mean", "sum", "first", "random")


class InflatedConv3d(nn.Conv3d):
    """A 3-D convolution that can pad unevenly and by repetition; see `inflate_conv`."""

    def __init__(self, *args, time_padding: str, surplus: tuple[int, int], **kwargs):
        super().__init__(*args, **kwargs)
        self.time_padding = time_padding
        self.surplus = surplus  # zeros right and below beyond the even padding

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b d t2 h2 w2"]:
        if x.ndim != 5:
            raise ValueError(f"clips must be (B, C, T, H, W), got {tuple(x.shape)}")
        before, after = (self.kernel_size[0] - 1) // 2, self.kernel_size[0] // 2
        right, below = self.surplus
        if self.time_padding == "replicate" and after:
            # Slices and `cat`: F.pad's backward pass is not deterministic on CUDA.
            x = torch.cat([x[:, :, :1]] * before + [x] + [x[:, :, -1:]] * after, dim=2)
            after = before = 0
        if right or below or after > before:
            x = pad(x, (0, right, 0, below, 0, after - before))
        return super().forward(x)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, time_padding={self.time_padding}"


def inflate_conv(
    conv2d: nn.Conv2d,
    time: int | None = None,
    *,
    time_stride: int = 1,
    time_padding: str = "replicate",
    taps: str = "mean",
) -> InflatedConv3d:
    """Give a 2-D convolution a time axis.

    Args:
        conv2d: stays as it is; bias, groups, stride and dilation are taken over.
        time: taps in time; None takes as many as the (square) kernel is wide.
        time_stride: step in time, frames.
        time_padding: "replicate" repeats the end frames, "zeros" adds empty ones:
            (time - 1) // 2 before and time // 2 after, so T frames stay T at stride 1.
        taps: "mean" puts w / time on each tap, "centre" all of w on the middle one.

    Returns:
        An `nn.Conv3d` with weight (out, in / groups, time, height, width).

    Raises:
        ValueError: an unknown choice, a kernel that is not square without `time`, or a
            spatial padding other than zeros.

    Source: section 2.4, "Bootstrapping 3D filters from 2D Filters".

    >>> conv = nn.Conv2d(3, 8, 3, padding=1)
    >>> image = torch.rand(1, 3, 5, 5)
    >>> video = image[:, :, None].expand(-1, -1, 4, -1, -1)
    >>> torch.allclose(inflate_conv(conv)(video)[:, :, 2], conv(image), atol=1e-6)
    True
    """
    _one_of("taps", taps, TAPS)
    _one_of("time_padding", time_padding, TIME_PADDINGS)
    plain = type(conv2d) is nn.Conv2d and set(conv2d.state_dict()) <= {"weight", "bias"}
    if not plain or conv2d.padding_mode != "zeros":
        raise ValueError(f"only a plain, zero-padded nn.Conv2d inflates, not {conv2d}")
    time = _spatial_size(conv2d) if time is None else time
    if time < 1 or time_stride < 1:
        raise ValueError(f"time and time_stride must be >= 1: {time}, {time_stride}")
    spatial_padding, surplus = zeros_around(conv2d)
    conv3d = InflatedConv3d(
        conv2d.in_channels,
        conv2d.out_channels,
        (time, *conv2d.kernel_size),
        (time_stride, *conv2d.stride),
        ((time - 1) // 2 if time_padding == "zeros" else 0, *spatial_padding),
        dilation=(1, *conv2d.dilation),
        groups=conv2d.groups,
        bias=conv2d.bias is not None,
        time_padding=time_padding,
        surplus=surplus,
        device=conv2d.weight.device,
        dtype=conv2d.weight.dtype,
    )
    weight = conv2d.weight.detach()[:, :, None].repeat(1, 1, time, 1, 1) / time
    if taps == "centre":
        weight.zero_()[:, :, (time - 1) // 2] = conv2d.weight.detach()
    state = {**conv2d.state_dict(), "weight": weight}
    conv3d.load_state_dict({name: value.clone() for name, value in state.items()})
    return same_mode(conv3d, conv2d)


def inflate(
    model2d: nn.Module,
    time: int | None | Mapping[str, int] = None,
    time_padding: str = "replicate",
    taps: str = "mean",
    time_strides: Mapping[str, int] | None = None,
    time_pools: Mapping[str, tuple[int, int]] | None = None,
) -> nn.Module:
    """Inflate every layer of an image network; names and `forward` stay.

    The network must not look at the number of axes: `torch.flatten(x, 1)` is fine,
    `x.mean((2, 3))` is not.  `AdaptiveAvgPool2d(1)` averages over time as well.

    Args:
        model2d: stays as it is.
        time: taps in time of each convolution: a number, None for its spatial size, or
            some by name (the others by their size).  1 x 1 convolutions keep one tap
            unless they are named.
        time_padding, taps: see `inflate_conv`.
        time_strides: steps in time of convolutions, by name; the others have 1.
        time_pools: (kernel, stride) in time of max and average pools, by name; the
            others leave time alone.  A max pool pads time by (kernel - 1) // 2, an
            average pool does not.

    Returns:
        A copy that takes (B, C, T, H, W).

    Raises:
        ValueError: a layer that is 2-D and has no inflation here, or a name that no
            such layer has.

    >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    >>> video_net = inflate(net)
    >>> tuple(video_net(torch.rand(2, 3, 8, 16, 16)).shape)
    (2, 4, 8, 14, 14)
    """
    times = dict(time) if isinstance(time, Mapping) else {}
    default = None if isinstance(time, Mapping) else time
    strides, pools = dict(time_strides or {}), dict(time_pools or {})
    _check_names(model2d, [*times, *strides], (nn.Conv2d,))
    _check_names(model2d, list(pools), (nn.MaxPool2d, nn.AvgPool2d))

    def convert(name: str, layer: nn.Module) -> nn.Module:
        if not isinstance(layer, nn.Conv2d):
            return inflate_layer(layer, pools.get(name, (1, 1)))
        taps_in_time = times.get(name, 1 if max(layer.kernel_size) == 1 else default)
        return inflate_conv(
            layer,
            taps_in_time,
            time_stride=strides.get(name, 1),
            time_padding=time_padding,
            taps=taps,
        )

    return _replace_layers(copy.deepcopy(model2d), convert)


def change_input_channels(conv, channels: int, rule: str = "mean"):
    """Adapt a first convolution to another number of channels, as for optical flow.

    Args:
        conv: `nn.Conv2d` or `nn.Conv3d` without groups; stays as it is.
        channels: new number of input channels.
        rule: "mean" copies the mean over the old channels to each new one, keeping the
            scale per channel; "sum" copies sum / channels, keeping the response to grey
            (for 3 -> 2 channels 1.5 times the mean); "first" keeps the first ones;
            "random" draws new weights.  The bias is always kept.

    Returns:
        A copy of the layer with weight (out, channels, ...).

    Raises:
        ValueError: an unknown rule, groups, or too few channels to keep the first ones.

    Source: Wang et al., 2015 and TSN, 2016 ("mean"); I3D does not say what it did.

    >>> conv = nn.Conv2d(3, 8, 7)
    >>> flow = change_input_channels(conv, 2)
    >>> torch.equal(flow.weight[:, 1], conv.weight.mean(1))
    True
    """
    _one_of("rule", rule, CHANNEL_RULES)
    if not isinstance(conv, (nn.Conv2d, nn.Conv3d)) or conv.groups != 1:
        raise ValueError(f"needs a Conv2d or Conv3d without groups, got {conv}")
    if channels < 1 or (rule == "first" and channels > conv.in_channels):
        raise ValueError(f"cannot make {channels} channels of {conv.in_channels}")
    old = conv.weight.detach()
    if rule == "first":
        weight = old[:, :channels].clone()
    else:
        total = old.sum(1, keepdim=True)
        scale = channels if rule == "sum" else conv.in_channels
        weight = (total / scale).repeat_interleave(channels, dim=1)
    if rule == "random":
        nn.init.kaiming_uniform_(weight, a=5**0.5)  # as torch draws its layers
    adapted = copy.deepcopy(conv)
    adapted.in_channels = channels
    adapted.weight = nn.Parameter(weight, requires_grad=conv.weight.requires_grad)
    return adapted


def _replace_layers(model: nn.Module, convert) -> nn.Module:
    """Convert a model's layers in place; one used twice is converted once."""
    done: dict[int, nn.Module] = {}
    for name, layer in list(model.named_modules(remove_duplicate=False)):
        try:
            if id(layer) not in done and not keeps_any_axes(layer):
                done[id(layer)] = convert(name, layer)
        except ValueError as error:
            raise ValueError(f"cannot inflate {name or 'the model'}: {error}") from None
        if id(layer) in done:
            parent, _, own_name = name.rpartition(".")
            if not name:
                return done[id(layer)]
            setattr(model.get_submodule(parent), own_name, done[id(layer)])
    return model


def _check_names(model: nn.Module, names: list[str], kinds: tuple[type, ...]) -> None:
    known = {name for name, layer in model.named_modules() if isinstance(layer, kinds)}
    if unknown := sorted(set(names) - known):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"no {wanted} is called {', '.join(unknown)}")


def _spatial_size(conv: nn.Conv2d) -> int:
    if len(set(conv.kernel_size)) > 1:
        raise ValueError(f"kernel {conv.kernel_size} is not square: give its `time`")
    return conv.kernel_size[0]


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value
