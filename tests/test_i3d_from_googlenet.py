"""GoogLeNet's weights in I3D: names, folded scales, and the one pixel of the stem."""

from __future__ import annotations

import pytest
import torch
from test_backbones_image_nets import filled
from torch import nn

from course.backbones.googlenet import BasicConv2d, GoogLeNet
from course.backbones.inception import I3D
from course.i3d.from_googlenet import _fold, inflate_googlenet


def googlenet(seed: int = 0, num_classes: int = 6) -> GoogLeNet:
    """With scales of both signs and, as after training, everything non-trivial."""
    net = filled(GoogLeNet(num_classes), seed)
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if name.endswith("bn.weight"):
            flip = torch.rand(value.shape, generator=generator) < 0.3
            value[flip] *= -1
    return net


def inflated(net: GoogLeNet, taps: str = "mean") -> I3D:
    i3d = I3D(net.fc.out_features)
    i3d.load_state_dict(inflate_googlenet(net.state_dict(), taps))
    return i3d.eval()


def one_pixel_on(image: torch.Tensor) -> torch.Tensor:
    """The image that torchvision's stem must see to sample where I3D's does."""
    shifted = torch.zeros_like(image)
    shifted[..., :-1, :-1] = image[..., 1:, 1:]
    return shifted


def image_without_first_lines(size: int) -> torch.Tensor:
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    image[..., 0, :] = 0
    image[..., :, 0] = 0
    return image


def test_the_state_fits_and_kernels_sum_to_the_image_nets():
    net = googlenet()
    state = inflate_googlenet(net.state_dict())
    own = I3D(6).state_dict()
    assert list(state) != [] and set(state) == set(own)
    assert all(state[name].shape == own[name].shape for name in own)
    flat = net.conv1.conv.weight * net.conv1.bn.weight.sign()[:, None, None, None]
    stem = state["Conv3d_1a_7x7.conv_3d.weight"]
    torch.testing.assert_close(stem.sum(2), flat)
    assert torch.equal(stem[:, :, 0], stem[:, :, 6])


@pytest.mark.parametrize("training", [False, True])
def test_a_folded_unit_is_the_unit_up_to_its_scale(training):
    unit = BasicConv2d(4, 8, 3)
    nn.init.uniform_(unit.bn.weight, -2, 2)
    nn.init.uniform_(unit.bn.bias, -1, 1)
    nn.init.uniform_(unit.bn.running_mean, -0.1, 0.1)
    nn.init.uniform_(unit.bn.running_var, 0.01, 0.1)
    waiting = torch.rand(4) + 0.5
    state = {f"u.{name}": value for name, value in unit.state_dict().items()}
    folded, scale = _fold(state, "u", waiting)
    torch.testing.assert_close(scale, unit.bn.weight.detach().abs())
    x = torch.randn(5, 4, 6, 6)
    y = nn.functional.conv2d(x, folded["weight"], padding=1)
    y = nn.functional.batch_norm(
        y,
        folded["running_mean"].clone(),
        folded["running_var"].clone(),
        bias=folded["bias"],
        training=training,
        eps=1e-3,
    )
    expected = unit.train(training)(x * waiting[:, None, None])
    torch.testing.assert_close(
        torch.relu(y) * scale[:, None, None], expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_all_layers_agree_on_the_shifted_image(training):
    net = googlenet()
    i3d = inflated(net, "centre")
    image = image_without_first_lines(64)
    image = torch.cat([image, 0.5 * image])
    video = image[:, :, None].expand(-1, -1, 16, -1, -1)
    expected = net.train(training).forward_features(one_pixel_on(image))
    features = i3d.train(training).forward_features(video)
    scales = [
        net.get_submodule(f"inception5b.{name}.bn").weight.abs()
        for name in ("branch1", "branch2.1", "branch3.1", "branch4.1")
    ]
    scaled = features * torch.cat(scales)[:, None, None, None]
    for step in range(features.shape[2]):
        torch.testing.assert_close(scaled[:, :, step], expected, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_the_whole_net_agrees_on_the_shifted_image_and_not_on_the_image():
    net = googlenet()
    image = image_without_first_lines(224)
    video = image[:, :, None].expand(-1, -1, 10, -1, -1)
    logits = inflated(net, "centre")(video)
    expected = net(one_pixel_on(image))
    assert expected.std() > 0.05
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)
    assert (logits - net(image)).abs().max() > 0.01


def test_what_cannot_be_converted_is_named():
    state = googlenet().state_dict()
    with pytest.raises(ValueError, match="'first'"):
        inflate_googlenet(state, "first")
    state["inception4c.branch2.0.bn.weight"][:3] = 0
    with pytest.raises(
        ValueError, match="inception4c.branch2.0.bn.weight is zero in 3"
    ):
        inflate_googlenet(state)
    del state["inception3a.branch1.conv.weight"]
    with pytest.raises(ValueError, match="has no inception3a.branch1.conv.weight"):
        inflate_googlenet(state)
