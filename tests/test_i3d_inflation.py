"""Inflation: against loops, against the image net, names, ends, channels, errors."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv2d

from course.i3d.inflation import change_input_channels, inflate, inflate_conv

FEW = settings(max_examples=40, deadline=None)
PADDINGS = [0, 1, (2, 0), "same", "valid"]


class TinyNet(nn.Module):
    """An image net with a branch, every kind of pool and a torchvision-like forward."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        self.wide = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.narrow = nn.Conv2d(8, 8, 1)
        self.pool2 = nn.AvgPool2d(2, 2, padding=1, ceil_mode=True)
        self.drop = nn.Dropout2d(0.5)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16, 5)
        nn.init.uniform_(self.bn1.running_mean, -0.5, 0.5)
        nn.init.uniform_(self.bn1.running_var, 0.5, 1.5)
        nn.init.uniform_(self.bn1.weight, 0.5, 1.5)

    def forward(self, x):
        x = self.pool1(torch.relu(self.bn1(self.conv1(x))))
        x = torch.cat([torch.relu(self.wide(x)), self.narrow(x)], 1)
        x = self.drop(self.pool2(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def tiny_net(seed: int = 0) -> TinyNet:
    torch.manual_seed(seed)
    return TinyNet().eval()


def boring(image: torch.Tensor, frames: int) -> torch.Tensor:
    return image[:, :, None].expand(-1, -1, frames, -1, -1)


def conv_by_loop(conv, video, time, stride, zeros, centre):
    """Each output frame as a sum of image convolutions over its window's frames."""
    frames, out = video.shape[2], []
    for start in range(0, frames, stride):
        total = 0
        for tap in range(time):
            t = start + tap - (time - 1) // 2
            frame = video[:, :, min(max(t, 0), frames - 1)]
            if zeros and not 0 <= t < frames:
                frame = torch.zeros_like(frame)
            share = float(tap == (time - 1) // 2) if centre else 1 / time
            weight = conv.weight * share
            total = total + conv2d(
                frame,
                weight,
                None,
                conv.stride,
                conv.padding,
                conv.dilation,
                conv.groups,
            )
        bias = 0 if conv.bias is None else conv.bias[:, None, None]
        out.append(total + bias)
    return torch.stack(out, dim=2)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@FEW
@given(
    time=st.integers(1, 5),
    stride=st.integers(1, 3),
    frames=st.integers(1, 7),
    kernel=st.sampled_from([(1, 1), (2, 2), (3, 3), (4, 4), (2, 3)]),
    padding=st.sampled_from(PADDINGS),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    bias=st.booleans(),
    zeros=st.booleans(),
    centre=st.booleans(),
)
def test_an_inflated_convolution_is_a_loop_over_frames(
    time, stride, frames, kernel, padding, dilation, groups, bias, zeros, centre
):
    conv = nn.Conv2d(
        4, 6, kernel, 1, padding, dilation=dilation, groups=groups, bias=bias
    ).double()
    video = torch.randn(2, 4, frames, 8, 9, dtype=torch.double)
    conv3d = inflate_conv(
        conv,
        time,
        time_stride=stride,
        time_padding="zeros" if zeros else "replicate",
        taps="centre" if centre else "mean",
    )
    expected = conv_by_loop(conv, video, time, stride, zeros, centre)
    assert expected.shape[2] == -(-frames // stride)
    torch.testing.assert_close(conv3d(video), expected, rtol=1e-10, atol=1e-10)


def test_the_weight_is_shared_among_the_taps():
    conv = nn.Conv2d(2, 3, 5, stride=(2, 1), padding=(2, 1))
    conv3d = inflate_conv(conv)
    assert isinstance(conv3d, nn.Conv3d) and conv3d.weight.shape == (3, 2, 5, 5, 5)
    for tap in conv3d.weight.unbind(2):
        torch.testing.assert_close(tap, conv.weight / 5)
    assert conv3d.stride == (1, 2, 1) and torch.equal(conv3d.bias, conv.bias)
    centre = inflate_conv(conv, 4, taps="centre").weight
    assert torch.equal(centre[:, :, 1], conv.weight)
    assert centre[:, :, [0, 2, 3]].count_nonzero() == 0
    assert torch.equal(inflate_conv(conv, 1).weight[:, :, 0], conv.weight)


def test_gradients_are_exact_and_reach_every_tap():
    conv = nn.Conv2d(2, 2, 2, padding="same").double()
    for time_padding in ("replicate", "zeros"):
        conv3d = inflate_conv(conv, 4, time_padding=time_padding)
        video = torch.randn(1, 2, 3, 3, 3, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(conv3d, (video,))
        conv3d(video).square().sum().backward()
        assert (conv3d.weight.grad.abs().sum(dim=(0, 1, 3, 4)) > 0).all()
    assert conv.weight.grad is None


@settings(max_examples=25, deadline=None)
@given(
    frames=st.integers(1, 9),
    time=st.sampled_from([None, 1, 2, 5, {"wide": 2, "narrow": 3}]),
    strides=st.sampled_from([None, {"conv1": 2}, {"conv1": 2, "wide": 2, "narrow": 2}]),
    pools=st.sampled_from([None, {"pool1": (3, 2)}, {"pool1": (2, 1)}]),
    taps=st.sampled_from(["mean", "centre"]),
    size=st.integers(20, 33),
)
def test_a_boring_video_gives_the_images_answer(
    frames, time, strides, pools, taps, size
):
    net, image = tiny_net(), torch.randn(1, 3, size, size)
    if pools and pools["pool1"][0] == 2 and strides:
        frames += 6  # an even pool needs two frames and has no padding
    frames += 1 if pools else 0
    video_net = inflate(net, time, taps=taps, time_strides=strides, time_pools=pools)
    answer = video_net(boring(image, frames))
    torch.testing.assert_close(answer, net(image), rtol=1e-4, atol=1e-5)


def test_zero_padding_breaks_the_ends_and_only_there():
    net, image = tiny_net(), torch.randn(1, 3, 32, 32)
    features = nn.Sequential(net.conv1, net.bn1, nn.ReLU(), net.pool1, net.wide)
    expected = features(image)[:, :, None]
    zeros = inflate(features, time_padding="zeros")(boring(image, 12))
    error = (zeros - expected).abs().amax(dim=(0, 1, 3, 4))
    reach = 3 + 1  # half of the kernels' 7 and 3 frames
    assert (error[:reach] > 1e-2).all() and (error[-reach:] > 1e-2).all()
    assert (error[reach:-reach] < 1e-5).all()
    centre = inflate(features, time_padding="zeros", taps="centre")(boring(image, 12))
    torch.testing.assert_close(centre, expected.expand_as(centre), rtol=1e-4, atol=1e-5)


def test_names_stay_and_the_image_net_is_untouched():
    net = tiny_net().train()
    net.fc.weight.requires_grad_(False)
    net.bn1.bias.requires_grad_(False)
    net.bn1.eval()
    before = copy.deepcopy(net.state_dict())
    video_net = inflate(net)
    assert list(video_net.state_dict()) == list(before)
    for name, value in video_net.state_dict().items():
        assert value.ndim == before[name].ndim or value.ndim == before[name].ndim + 1
        value.fill_(7)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    frozen = {n for n, p in video_net.named_parameters() if not p.requires_grad}
    assert frozen == {"fc.weight", "bn1.bias"}
    assert video_net.conv1.training and not video_net.bn1.training
    assert type(net.conv1) is nn.Conv2d


def test_layers_keep_their_settings():
    net = tiny_net()
    video_net = inflate(net)
    bn = video_net.bn1
    assert type(bn) is nn.BatchNorm3d and (bn.eps, bn.momentum) == (1e-3, 0.01)
    for name, value in net.bn1.state_dict().items():
        assert torch.equal(bn.state_dict()[name], value), name
    assert video_net.pool1.ceil_mode and video_net.pool1.kernel_size == (1, 3, 3)
    assert video_net.pool2.stride == (1, 2, 2) and video_net.pool2.ceil_mode
    assert type(video_net.drop) is nn.Dropout3d
    assert type(video_net.avgpool) is nn.AdaptiveAvgPool3d
    assert video_net.narrow.weight.shape[2] == 1 and video_net.wide.weight.shape[2] == 3
    named = inflate(net, {"narrow": 3, "conv1": 5})
    taps = [m.weight.shape[2] for m in (named.conv1, named.wide, named.narrow)]
    assert taps == [5, 3, 3]
    pools = inflate(net, time_pools={"pool2": (2, 2), "pool1": (3, 2)})
    assert pools.pool2.kernel_size == (2, 2, 2) and pools.pool1.padding == (1, 1, 1)


def test_a_pool_with_a_size_leaves_time_alone():
    pooled = inflate(nn.AdaptiveAvgPool2d((2, 3)))(torch.rand(1, 2, 5, 8, 9))
    assert pooled.shape == (1, 2, 5, 2, 3)
    pool = nn.AvgPool2d(3, 2, divisor_override=4)
    image = torch.rand(1, 1, 7, 7)
    video = inflate(nn.Sequential(pool), time_pools={"0": (2, 1)})(boring(image, 3))
    torch.testing.assert_close(video, boring(pool(image), 2))


def test_a_layer_used_twice_stays_one_layer():
    shared = nn.Conv2d(3, 3, 3, padding=1)
    video_net = inflate(nn.Sequential(shared, nn.ReLU(), shared))
    assert video_net[0] is video_net[2] and type(shared) is nn.Conv2d


def test_precision_and_half_precision():
    net = tiny_net().double()
    assert inflate(net).conv1.weight.dtype == torch.double
    video_net = inflate(tiny_net())
    with torch.autocast("cpu", torch.bfloat16):
        assert video_net(torch.rand(1, 3, 4, 24, 24)).isfinite().all()


class LookAlikeBatchNorm2d(nn.Module):
    """Without layers inside, and with a name that says it looks at four axes."""


class OwnConv(nn.Conv2d):
    """A convolution whose own `forward` an inflation would lose."""


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(3, 3, 2),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.LayerNorm([8, 8]),
        nn.InstanceNorm2d(3),
        nn.PixelShuffle(2),
        nn.ZeroPad2d(1),
        nn.Softmax2d(),
        nn.LPPool2d(2, 2),
        nn.MaxPool2d(2, return_indices=True),
        nn.AdaptiveMaxPool2d(2, return_indices=True),
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 3, (1, 7)),
        nn.LazyConv2d(3, 3),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 3)),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 3)),
        LookAlikeBatchNorm2d(),
        OwnConv(3, 3, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_without_an_inflation_is_named(layer):
    net = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Sequential(nn.ReLU(), layer))
    with pytest.raises(ValueError, match=r"cannot inflate 1\.1: .*"):
        inflate(net)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": 0}, "conv1.*>= 1"),
        ({"time": {"fc": 3}}, "no Conv2d is called fc"),
        ({"time_strides": {"cnv": 2}}, "no Conv2d is called cnv"),
        ({"time_strides": {"conv1": 0}}, ">= 1"),
        ({"time_pools": {"avgpool": (2, 2)}}, "no MaxPool2d or AvgPool2d"),
        ({"time_pools": {"pool1": (0, 2)}}, "pool1.*>= 1"),
        ({"time_padding": "reflect"}, "replicate, zeros.*'reflect'"),
        ({"taps": "first"}, "mean, centre.*'first'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        inflate(tiny_net(), **options)


def test_an_image_is_refused_by_the_video_net():
    with pytest.raises(ValueError, match=r"\(B, C, T, H, W\), got \(1, 3, 32, 32\)"):
        inflate(tiny_net())(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize("channels", [1, 2, 3, 20])
@pytest.mark.parametrize("inflated", [False, True])
def test_new_input_channels(channels, inflated):
    conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    layer = inflate_conv(conv) if inflated else conv
    grey = torch.rand(2, 1, 4, 8, 8) if inflated else torch.rand(2, 1, 8, 8)

    def response(rule, width=channels):
        changed = change_input_channels(layer, width, rule)
        assert changed.in_channels == width and type(changed) is type(layer)
        assert torch.equal(changed.bias, layer.bias)
        shape = [-1, width, *[-1] * (grey.ndim - 2)]
        return changed(grey.expand(shape)) - changed(
            torch.zeros_like(grey).expand(shape)
        )

    colour = response("first", 3)
    torch.testing.assert_close(response("sum"), colour, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        response("mean") * 3 / channels, colour, rtol=1e-4, atol=1e-5
    )


def test_rules_for_new_channels():
    conv = nn.Conv2d(3, 4, 3, bias=False)
    mean = change_input_channels(conv, 2, "mean").weight
    assert torch.equal(mean[:, 0], mean[:, 1])
    torch.testing.assert_close(mean[:, 0], conv.weight.mean(1))
    torch.testing.assert_close(change_input_channels(conv, 2, "sum").weight, 1.5 * mean)
    first = change_input_channels(conv, 2, "first").weight
    assert torch.equal(first, conv.weight[:, :2])
    torch.manual_seed(0)
    drawn = change_input_channels(conv, 2, "random").weight
    assert not torch.equal(drawn[:, 0], drawn[:, 1])
    assert drawn.abs().max() <= (2 * 9) ** -0.5  # torch's bound for its fan-in
    assert conv.weight.shape == (4, 3, 3, 3)


@pytest.mark.parametrize(
    ("conv", "channels", "rule", "message"),
    [
        (nn.Conv2d(3, 4, 3), 2, "median", "mean, sum, first, random"),
        (nn.Conv2d(4, 4, 3, groups=2), 2, "mean", "without groups"),
        (nn.Linear(3, 4), 2, "mean", "without groups"),
        (nn.Conv2d(3, 4, 3), 0, "mean", "0 channels of 3"),
        (nn.Conv2d(3, 4, 3), 20, "first", "20 channels of 3"),
    ],
)
def test_impossible_channels_are_named(conv, channels, rule, message):
    with pytest.raises(ValueError, match=message):
        change_input_channels(conv, channels, rule)
