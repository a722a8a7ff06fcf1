"""TSN, TSM, MSNet and ensembles: names, weights, scores, and what they cost."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course.backbones import GoogLeNet, resnet18, small_r2plus1d
from course.evaluation import class_activation_map
from course.motion_squeeze.cost import (
    STACKED_FLOWS,
    UNUSED_IN_OFFICIAL,
    Cost,
    module_cost,
    network_cost,
    two_stream_cost,
)
from course.motion_squeeze.module import MotionSqueeze
from course.motion_squeeze.motion_maps import motion_modules, motion_of
from course.motion_squeeze.networks import (
    BACKBONES,
    PLACES,
    SMALL_MOTION,
    Ensemble,
    add_motion,
    evenly_spaced,
    msnet,
    tsm,
    tsn,
)
from course.motion_squeeze.small_base import SmallResNet

CLIP = (3, 8, 224, 224)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def alive(net: nn.Module) -> nn.Module:
    """In eval mode, with kernels that keep the size of what passes through."""
    for weight in net.parameters():
        if weight.ndim > 3:
            nn.init.kaiming_normal_(weight)
    return net.eval()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_network_runs_and_learns(backbone):
    net = msnet(backbone, num_classes=5, num_frames=4)
    logits = net(torch.rand(2, 3, 4, 64, 64))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    (module,) = motion_modules(net)
    assert module.reduce[0].weight.grad.any()
    maps = {"resnet18": 8, "resnet50": 8, "googlenet": 8, "small": 32}[backbone]
    displacement, confidence = motion_of(net, torch.rand(2, 3, 4, 64, 64))
    assert displacement.shape == (2, 2, 3, maps, maps)
    assert confidence.shape == (2, 3, maps, maps) and net.training


@pytest.mark.parametrize("backbone", ["resnet18", "googlenet", "small"])
def test_scores_are_the_mean_of_the_frames_and_linear_in_the_embedding(backbone):
    net = alive(tsn(backbone, 5, num_frames=3))
    clips = torch.rand(2, 3, 3, 64, 64)
    with torch.no_grad():
        logits = net(clips)
        alone = [net.net2d((f - net.mean) / net.std) for f in clips.unbind(2)]
        assert torch.allclose(logits, torch.stack(alone).mean(0), atol=1e-5)
        assert torch.allclose(logits, net.fc(net.embed(clips)), atol=1e-5)
        features = net.forward_features(clips)
        assert features.shape[:3] == (2, net.fc.in_features, 3)
        maps = class_activation_map(net, clips, 1)
    account = maps.mean(dim=(1, 2, 3)) + net.fc.bias[1]
    assert torch.allclose(account, logits[:, 1], atol=1e-5)


def test_a_clip_is_normalised_as_the_backbone_expects():
    assert tsn("small", 5).mean.flatten().tolist() == [0.5]
    assert tsn("googlenet", 5).std.flatten().tolist() == [0.5]
    assert tsn("resnet18", 5).mean.shape == (3, 1, 1)
    assert tsn("small", 5, in_channels=10).std.item() == 1
    assert [tsn(name, 5).dropout.p for name in ("small", "resnet18")] == [0.2, 0.5]
    assert tsn("small", 5, dropout=0.0).dropout.p == 0


@pytest.mark.parametrize("backbone", ["resnet18", "googlenet"])
def test_an_image_networks_weights_load(backbone, tmp_path):
    state = {"resnet18": resnet18, "googlenet": GoogLeNet}[backbone]().state_dict()
    torch.save(state, tmp_path / "weights.pth")
    net = msnet(backbone, 5, num_frames=4, pretrained=tmp_path / "weights.pth")
    own = net.net2d.state_dict()
    new = {name for name in own if name not in state}
    assert all(name.startswith(f"{PLACES[backbone]}.motion.") for name in new) and new
    assert set(state) <= set(own) and own["fc.weight"].shape[0] == 5
    kept = [k for k in state if not k.startswith("fc.")]
    assert all(torch.equal(own[k], state[k]) for k in kept)


def test_the_last_layer_stays_new_even_where_it_would_fit(tmp_path):
    state = SmallResNet(5).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    net = tsn("small", 5, in_channels=10, pretrained=tmp_path / "weights.pth").net2d
    assert not torch.equal(net.fc.weight, state["fc.weight"])
    first = net.conv1.weight
    assert torch.allclose(first, state["conv1.weight"].mean(1, True).expand_as(first))


@pytest.mark.parametrize("place", ["layer1", "layer2", "layer3"])
def test_a_module_follows_any_stage_and_keeps_all_names(place):
    plain = SmallResNet(5)
    net = add_motion(SmallResNet(5), place, 4, **SMALL_MOTION)
    own = set(net.state_dict())
    assert set(plain.state_dict()) <= own
    assert all(".motion." in name for name in own - set(plain.state_dict()))
    channels = {"layer1": 16, "layer2": 32, "layer3": 64}[place]
    assert net.get_submodule(f"{place}.motion").channels == channels


def test_several_modules_and_none():
    stages = ("layer1", "layer2")
    assert len(motion_modules(msnet("small", 5, 4, motion_after=stages))) == 2
    plain = msnet("small", 5, 4, motion_after=(), shift=False)
    assert set(plain.state_dict()) == set(tsn("small", 5, 4).state_dict())


@pytest.mark.parametrize("make", [small_r2plus1d, GoogLeNet])
def test_a_stage_that_is_no_sequence_hands_its_map_on(make):
    """Through a forward hook, which copies of the network keep."""
    stage = {small_r2plus1d: "blocks.0", GoogLeNet: "inception3b"}[make]
    shape = (2, 3, 4, 32, 32) if make is small_r2plus1d else (8, 3, 32, 32)
    net, clips = alive(make(5)), torch.rand(shape)
    with torch.no_grad():
        before = net(clips)
        names = set(net.state_dict())
        net = add_motion(net, stage, 4, reduced=8, max_displacement=2).eval()
        assert names <= set(net.state_dict()) and not torch.equal(net(clips), before)
        twin = copy.deepcopy(net)
        twin.load_state_dict(net.state_dict())
        assert torch.equal(twin(clips), net(clips))
        twin.get_submodule(f"{stage}.motion.transform")[-2].weight.zero_()
        assert torch.allclose(twin(clips), before, atol=1e-5)
        assert not torch.equal(net(clips), before)  # the original has its own


@torch.no_grad()
def test_an_ensemble_averages_logits_of_evenly_spaced_frames():
    few, many = (msnet("small", 5, num_frames=n).eval() for n in (8, 16))
    clips = torch.rand(2, 3, 16, 32, 32)
    expected = (few(clips[:, :, 1::2]) + many(clips)) / 2
    assert torch.allclose(Ensemble([few, many])(clips), expected, atol=1e-6)
    with pytest.raises(ValueError, match="cannot take 16 of 8 frames"):
        Ensemble([few, many])(clips[:, :, :8])
    with pytest.raises(ValueError, match="at least one network"):
        Ensemble([])


def test_frames_are_spaced_evenly():
    clip = torch.arange(10.0).view(1, 1, 10, 1, 1)
    for count, places in ((1, [5]), (3, [1, 5, 8]), (10, list(range(10)))):
        assert evenly_spaced(clip, count).flatten().tolist() == places


def test_only_a_network_with_time_knows_the_order_of_frames():
    clips = torch.rand(2, 3, 8, 32, 32)
    with torch.no_grad():
        for make, knows in ((tsn, False), (tsm, True), (msnet, True)):
            net = make("small", 5).eval()
            same = torch.allclose(net(clips), net(clips.flip(2)), atol=1e-5)
            assert same != knows


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="backbones are resnet18, .*got 'vgg'"):
        tsn("vgg")
    with pytest.raises(ValueError, match="SmallResNet has no stage 'layer4'"):
        msnet("small", 5, motion_after=("layer4",))
    with pytest.raises(ValueError, match="layer1 is followed by a MotionSqueeze"):
        msnet("small", 5, motion_after=("layer1", "layer1"))
    net = tsn("small", 5, num_frames=4)
    for shape in ((2, 3, 8, 32, 32), (8, 3, 32, 32)):
        with pytest.raises(ValueError, match=r"clips must be \(B, C, 4, H, W\)"):
            net(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"images must be \(B, 3, H, W\)"):
        net(torch.zeros(2, 2, 4, 32, 32))
    with pytest.raises(ValueError, match="three widths, got 5 and"):
        SmallResNet(5, widths=(16, 32))


def test_bfloat16_autocast_trains():
    net = msnet("small", 5, num_frames=4)
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(torch.rand(2, 3, 4, 32, 32)).float().square().sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


# What was measured on the released code, 8 frames of 224 px and 174 classes.
TABLE = [
    ("resnet18", 128, 11_266_030, 20_985, "14.51", ("0.051", "0.075", "0.079")),
    ("resnet50", 512, 23_864_814, 70_905, "32.70", ("0.206", "0.229", "0.079")),
]


@pytest.mark.parametrize(
    ("backbone", "channels", "parameters", "added", "gmacs", "parts"), TABLE
)
def test_the_cost_is_that_of_the_released_code(
    backbone, channels, parameters, added, gmacs, parts
):
    base, motion = (network_cost(make(backbone), CLIP) for make in (tsm, msnet))
    assert base.parameters + UNUSED_IN_OFFICIAL == parameters
    assert motion.parameters - base.parameters == added
    assert f"{base.gmacs:.2f}" == gmacs
    own = module_cost(MotionSqueeze(channels), num_frames=8, size=(28, 28))
    names = ("reduce", "transform", "correlation")
    assert tuple(f"{own[name].gmacs:.3f}" for name in names) == parts
    assert motion.macs - base.macs == sum(part.macs for part in own.values())
    assert 0.014 < motion.above(base) < 0.016


def test_sixteen_frames_cost_twice_the_backbone_and_a_pair_more():
    eight, sixteen = (
        network_cost(tsm(num_frames=n), (3, n, 224, 224)) for n in (8, 16)
    )
    assert sixteen == Cost(eight.parameters, 2 * eight.macs)
    matching = [
        module_cost(MotionSqueeze(128), n, (28, 28))["correlation"] for n in (8, 16)
    ]
    assert 7 * matching[1].macs == 15 * matching[0].macs == 7 * 15 * 11_289_600


@pytest.mark.parametrize("backbone", ["resnet18", "googlenet", "small"])
def test_torch_counts_as_many_multiplications(backbone):
    clip = (3, 4, 64, 64)
    net = msnet(backbone, 5, num_frames=4).eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        net(torch.zeros(1, *clip))
    flops = counter.get_flop_counts()["Global"][torch.ops.aten.convolution]
    (module,) = motion_modules(net)
    size = (32, 32) if backbone == "small" else (8, 8)
    matching = module_cost(module, 4, size)["correlation"].macs
    assert network_cost(net, clip).macs == flops // 2 + matching


def test_a_second_stream_costs_more_than_the_module():
    base = network_cost(tsm(), CLIP)
    motion = network_cost(msnet(), CLIP)
    flow = tsm(in_channels=2 * STACKED_FLOWS)
    pair = two_stream_cost(tsm(), flow, size=(224, 224))
    wider = 8 * 112 * 112 * 64 * 7 * 7 * (2 * STACKED_FLOWS - 3)
    assert pair.macs == 2 * base.macs + wider
    assert pair.parameters == 2 * base.parameters + 64 * 7 * 7 * 7
    assert pair.above(base) > 1 > 50 * motion.above(base)


def test_a_network_in_three_dimensions_has_a_cost_as_well():
    net = small_r2plus1d(5)
    base = network_cost(net, (3, 8, 32, 32))
    motion = network_cost(add_motion(net, "blocks.0", 8), (3, 8, 32, 32))
    module = module_cost(MotionSqueeze(16), 8, (16, 16)).values()
    assert motion.macs - base.macs == sum(part.macs for part in module)
    with pytest.raises(ValueError, match="two frames or more, got 1"):
        module_cost(MotionSqueeze(16), 1, (16, 16))
