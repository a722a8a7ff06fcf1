"""3-D ResNet-18: published sizes and names, its arithmetic by hand, both shortcuts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course.backbones import ResNet3D, resnet3d18, small_r2plus1d, small_resnet3d
from course.backbones.resnet3d import ACTIVITYNET_MEAN, BasicBlock3d, _convolved
from course.evaluation.cam import class_activation_map

TINY = {"widths": (4, 6, 6, 8), "kernel": 5}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def on_paper(make, *args) -> nn.Module:
    """A network without memory, for shapes and counts."""
    with torch.device("meta"):
        return make(*args)


def filled(net: nn.Module) -> nn.Module:
    """Batch norms with statistics and scales of their own, as after training."""
    draws = torch.Generator().manual_seed(0)
    for name, value in net.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and value.ndim < 2):
            value.uniform_(0.5, 1.5, generator=draws)
        elif name.endswith(("running_mean", "bias")):
            value.uniform_(-0.3, 0.3, generator=draws)
    net.get_submodule("bn1").running_var.mul_(1e4)  # the first map's values are large
    return net.eval()


def parameters_by_formula(
    widths=(64, 128, 256, 512), kernel=7, depth=2, shortcut="A"
) -> int:
    """Convolutions without bias, and two numbers a channel for each batch norm."""
    total, before = 3 * widths[0] * kernel**3 + 2 * widths[0], widths[0]
    for number, width in enumerate(widths):
        convolutions = before + (2 * depth - 1) * width
        total += 27 * width * convolutions + 2 * depth * 2 * width
        total += (before * width + 2 * width) if shortcut == "B" and number else 0
        before = width
    return total


@pytest.mark.parametrize(("shortcut", "size"), [("A", 33_030_080), ("B", 33_203_904)])
def test_parameter_counts_follow_the_layer_table(shortcut, size):
    net = on_paper(resnet3d18, 400, shortcut)
    assert count(net) - count(net.fc) == size
    assert parameters_by_formula(shortcut=shortcut) == size


def test_counts_agree_with_two_published_ones():
    """The released model, 34.48 million with its three heads; torchvision's r3d_18."""
    scene_head, mask_head = 978_285, 366_280
    whole = count(on_paper(resnet3d18, 200)) + scene_head + mask_head
    assert round(whole / 1e6, 2) == 34.48
    stem = 3 * 64 * (7**3 - 3 * 7 * 7)  # r3d_18 begins with 3 x 7 x 7
    assert count(on_paper(resnet3d18, 400, "B")) - stem == 33_371_472


def test_names_are_those_of_the_released_weights():
    plain, names = (
        on_paper(resnet3d18, 200),
        set(on_paper(resnet3d18, 200, "B").state_dict()),
    )
    assert {"conv1.weight", "layer1.0.conv1.weight", "layer4.1.bn2.running_var"} < names
    extra = {name for name in names if "downsample" in name}
    assert extra >= {"layer2.0.downsample.0.weight", "layer4.0.downsample.1.bias"}
    assert set(plain.state_dict()) == names - extra
    assert {name.split(".")[0] for name in extra} == {"layer2", "layer3", "layer4"}
    assert plain.state_dict()["conv1.weight"].shape == (64, 3, 7, 7, 7)


def test_the_papers_clip_becomes_512_numbers():
    net = on_paper(resnet3d18, 200)
    clips = torch.zeros(2, 3, 16, 112, 112, device="meta")
    assert net.forward_features(clips).shape == (2, 512, 1, 4, 4)
    assert net.embed(clips).shape == (2, 512) and net(clips).shape == (2, 200)


def by_hand(state, clips, strides, depth):
    """The layer table from nothing but the state dict's names."""

    def norm(x, name):
        parts = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in parts))

    x = 255 * clips - torch.tensor(ACTIVITYNET_MEAN)[:, None, None, None]
    weight = state["conv1.weight"]
    x = F.conv3d(x, weight, None, (1, 2, 2), weight.shape[2] // 2)
    x = F.max_pool3d(F.relu(norm(x, "bn1")), 3, 2, 1)
    for stage, first in enumerate(strides, start=1):
        for block in range(depth):
            at, stride = f"layer{stage}.{block}", first if block == 0 else 1
            out = F.conv3d(x, state[f"{at}.conv1.weight"], None, stride, 1)
            out = F.relu(norm(out, f"{at}.bn1"))
            out = norm(
                F.conv3d(out, state[f"{at}.conv2.weight"], None, 1, 1), f"{at}.bn2"
            )
            if f"{at}.downsample.0.weight" in state:
                short = F.conv3d(x, state[f"{at}.downsample.0.weight"], None, stride)
                short = norm(short, f"{at}.downsample.1")
            else:
                short = torch.zeros_like(out)
                short[:, : x.shape[1]] = F.avg_pool3d(x, 1, stride)
            x = F.relu(out + short)
    return F.linear(x.mean((2, 3, 4)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize("shortcut", ["A", "B", "A detached"])
@pytest.mark.parametrize(
    ("options", "strides", "depth"),
    [({}, (1, 2, 2, 2), 2), ({"depth": 1, "strides": (1, 2, 2, 1)}, (1, 2, 2, 1), 1)],
)
@torch.no_grad()
def test_forward_follows_the_layer_table(shortcut, options, strides, depth):
    net = filled(ResNet3D(5, shortcut=shortcut, **TINY, **options))
    clips = torch.rand(2, 3, 9, 37, 32)
    expected = by_hand(net.state_dict(), clips, strides, depth)
    assert expected.std() > 1e-2
    torch.testing.assert_close(net(clips), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_small_form():
    net = filled(small_resnet3d(5))
    head = 64 * 5 + 5
    assert count(net) == parameters_by_formula((16, 32, 64), 3, depth=1) + head
    clips = torch.rand(2, 3, 8, 32, 32)
    assert net.forward_features(clips).shape == (2, 64, 2, 4, 4)
    expected = by_hand(net.state_dict(), clips, (1, 2, 1), 1)
    torch.testing.assert_close(net(clips), expected, rtol=1e-4, atol=1e-4)
    assert small_resnet3d(5, (8,))(clips).shape == (2, 5)
    assert small_resnet3d(5, (8, 4), "B")(clips).shape == (2, 5)


@pytest.mark.parametrize("make", [small_resnet3d, lambda k: ResNet3D(k, **TINY)])
@torch.no_grad()
def test_shared_face(make):
    net, clips = filled(make(5)), torch.rand(3, 3, 8, 32, 32)
    features = net.forward_features(clips)
    assert features.shape[:2] == (3, net.fc.in_features)
    torch.testing.assert_close(net.embed(clips), features.mean((2, 3, 4)))
    torch.testing.assert_close(net(clips), net.fc(net.embed(clips)))
    alone = torch.cat([net(clip[None]) for clip in clips])
    torch.testing.assert_close(net(clips), alone, rtol=1e-4, atol=1e-4)
    maps = class_activation_map(net, clips, 2)
    logits = maps.mean((1, 2, 3)) + net.fc.bias[2]
    torch.testing.assert_close(logits, net(clips)[:, 2], rtol=1e-4, atol=1e-4)
    assert all(hasattr(small_r2plus1d(5), name) for name in ("embed", "fc"))


def only_the_shortcut(shortcut: str) -> BasicBlock3d:
    """A block whose convolutions contribute nothing."""
    block = BasicBlock3d(3, 5, 2, shortcut).eval()
    nn.init.zeros_(block.bn2.weight)
    return block


@pytest.mark.parametrize(("shortcut", "flows"), [("A", True), ("A detached", False)])
def test_type_a_keeps_every_second_cell_and_lets_the_gradient_through(shortcut, flows):
    x = torch.rand(2, 3, 4, 6, 6, requires_grad=True)
    out = only_the_shortcut(shortcut)(x)
    assert torch.equal(out[:, :3], x[:, :, ::2, ::2, ::2]) and not out[:, 3:].any()
    out.sum().backward()
    expected = torch.zeros_like(x)
    expected[:, :, ::2, ::2, ::2] = float(flows)
    assert torch.equal(x.grad, expected)


def test_the_released_type_a_computes_the_same_and_learns_otherwise():
    clips, outputs, gradients = torch.rand(2, 3, 8, 32, 32), [], []
    for shortcut in ("A", "A detached"):
        torch.manual_seed(1)
        net = filled(ResNet3D(5, shortcut=shortcut, **TINY))
        outputs.append(net(clips))
        outputs[-1].square().sum().backward()
        gradients.append(dict(net.named_parameters()))
    assert torch.equal(*outputs)
    whole, cut = gradients
    apart = {
        name for name in whole if not torch.equal(whole[name].grad, cut[name].grad)
    }
    assert {"conv1.weight", "layer1.0.conv2.weight", "layer3.1.conv2.weight"} <= apart
    # The last stage lies behind all three shortcuts, so nothing of it is lost.
    assert not any(name.startswith(("layer4", "fc")) for name in apart)


@pytest.mark.parametrize(("kernel", "cells"), [(3, 4), (7, 14)])
@pytest.mark.parametrize("frames", [1, 2, 3, 6, 7])
def test_bf16_gradients_are_right_for_the_shortest_clips(kernel, cells, frames):
    """torch 2.13 alone is wrong by more than half of them from 2 to kernel - 1."""
    conv = nn.Conv3d(4, 6, kernel, padding=kernel // 2, bias=False)
    x, gradients = torch.randn(2, 4, frames, cells, cells), []
    for half in (False, True):
        conv.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = _convolved(conv, x).float()
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        gradients.append(conv.weight.grad.clone())
    assert (gradients[0] - gradients[1]).norm() < 0.02 * gradients[0].norm()


@pytest.mark.parametrize("half", [False, True])
def test_it_learns(half):
    net, clips = small_resnet3d(2, (4, 8)), torch.rand(8, 3, 8, 16, 16)
    clips[4:, :, 4:] = clips[4:, :, 3:4]  # these stand still half of the time
    optimizer = torch.optim.AdamW(net.parameters(), 0.02)
    for _ in range(15):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = F.cross_entropy(net(clips), torch.arange(8) // 4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_what_does_not_fit_is_refused():
    net = small_resnet3d(5)
    for shape in [(3, 8, 32, 32), (2, 1, 8, 32, 32), (2, 3, 32, 32)]:
        with pytest.raises(ValueError, match=rf"got \({shape[0]}, {shape[1]}"):
            net(torch.rand(shape))
    with pytest.raises(ValueError, match="shortcut must be one of .*got 'C'"):
        resnet3d18(5, "C")
    with pytest.raises(ValueError, match="only add channels, got widths"):
        small_resnet3d(5, (8, 4))
    for classes, widths in [(0, (4,)), (5, ())]:
        with pytest.raises(ValueError, match=rf"got {classes} and"):
            small_resnet3d(classes, widths)
