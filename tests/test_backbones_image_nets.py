"""ResNet and GoogLeNet: torchvision's names, sizes and arithmetic; they inflate."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from course.backbones.googlenet import GoogLeNet
from course.backbones.resnet import resnet18, resnet50
from course.i3d.inflation import inflate

NETS = {"resnet18": resnet18, "resnet50": resnet50, "googlenet": GoogLeNet}


def filled(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Batch norms with statistics and scales of their own, as after training."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if name.endswith(("running_var", "bn.weight", "bn1.weight")):
            value.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith(("running_mean", "bias")):
            value.uniform_(-0.3, 0.3, generator=generator)
        elif value.ndim == 4:
            std = (2 / value[0].numel()) ** 0.5
            value.normal_(0, std, generator=generator)
    return net.eval()


@pytest.mark.parametrize(
    ("name", "parameters", "tensors", "last"),
    [
        ("resnet18", 11_689_512, 122, "layer4.1.bn2.weight"),
        ("resnet50", 25_557_032, 320, "layer4.2.conv3.weight"),
        ("googlenet", 6_624_904, 344, "inception5b.branch4.1.bn.running_var"),
    ],
)
def test_sizes_and_names_are_torchvisions(name, parameters, tensors, last):
    net = NETS[name]()
    assert sum(p.numel() for p in net.parameters()) == parameters
    state = net.state_dict()
    assert len(state) == tensors and last in state and "fc.weight" in state
    bottleneck = {"conv1.weight", "layer1.0.downsample.1.running_mean"}
    assert name != "resnet50" or bottleneck <= set(state)


def resnet18_by_hand(state, x):
    """The paper's Table 1 and Figure 2 from nothing but the state dict's names."""

    def norm(x, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in names))

    x = F.relu(norm(F.conv2d(x, state["conv1.weight"], None, 2, 3), "bn1"))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            out = F.conv2d(x, state[f"{at}.conv1.weight"], None, stride, 1)
            out = F.conv2d(
                F.relu(norm(out, f"{at}.bn1")), state[f"{at}.conv2.weight"], padding=1
            )
            if f"{at}.downsample.0.weight" in state:
                short = F.conv2d(x, state[f"{at}.downsample.0.weight"], None, stride)
                x = norm(short, f"{at}.downsample.1")
            x = F.relu(norm(out, f"{at}.bn2") + x)
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def googlenet_by_hand(state, x):
    def conv(x, name, stride=1):
        weight = state[f"{name}.conv.weight"]
        x = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2)
        names = ("running_mean", "running_var", "weight", "bias")
        parts = (state[f"{name}.bn.{part}"] for part in names)
        return F.relu(F.batch_norm(x, *parts, eps=1e-3))

    def pool(x, size):
        return F.max_pool2d(x, size, 2, ceil_mode=True)

    x = conv(conv(pool(conv(x, "conv1", 2), 3), "conv2"), "conv3")
    x = pool(x, 3)
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        x = pool(x, {"4a": 3, "5a": 2}[name]) if name in ("4a", "5a") else x
        at = f"inception{name}.branch"
        second = conv(conv(x, f"{at}2.0"), f"{at}2.1")
        third = conv(conv(x, f"{at}3.0"), f"{at}3.1")
        fourth = conv(F.max_pool2d(x, 3, 1, 1), f"{at}4.1")
        x = torch.cat([conv(x, f"{at}1"), second, third, fourth], 1)
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize("size", [64, 75])
@pytest.mark.parametrize(
    ("net", "by_hand"),
    [(resnet18, resnet18_by_hand), (GoogLeNet, googlenet_by_hand)],
    ids=["resnet18", "googlenet"],
)
@torch.no_grad()
def test_forward_follows_the_layer_table(net, by_hand, size):
    made, images = filled(net(7)), torch.randn(2, 3, size, size + 5)
    expected = by_hand(made.state_dict(), images)
    assert expected.std() > 1e-3
    torch.testing.assert_close(made(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_shared_face(name):
    net = NETS[name](5).eval()
    image = torch.rand(1, 3, 224, 224)
    features = net.forward_features(image)
    assert features.shape == (1, net.fc.in_features, 7, 7)
    torch.testing.assert_close(net.embed(image), features.mean((2, 3)))
    torch.testing.assert_close(net(image), net.fc(net.embed(image)))
    assert NETS[name](5, in_channels=2)(torch.rand(2, 2, 64, 64)).shape == (2, 5)


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_they_inflate(name):
    net = filled(NETS[name](5))
    image = torch.randn(1, 3, 64, 64)
    video = image[:, :, None].expand(-1, -1, 5, -1, -1)
    torch.testing.assert_close(inflate(net)(video), net(image), rtol=1e-3, atol=1e-4)


def test_a_module_can_follow_a_stage():
    net = resnet18(5).eval()
    image = torch.rand(1, 3, 64, 64)
    before = net(image)
    net.layer2.add_module("2", torch.nn.ReLU6())
    assert torch.allclose(net(image), before) and net(image).shape == (1, 5)


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_other_inputs_are_refused_by_shape(name):
    net = NETS[name](5)
    for shape in [(3, 64, 64), (1, 4, 64, 64), (1, 3, 4, 64, 64)]:
        with pytest.raises(ValueError, match=rf"got \({shape[0]}"):
            net(torch.rand(shape))
    with pytest.raises(ValueError, match="input must"):
        inflate(net)(torch.rand(1, 3, 64, 64))
