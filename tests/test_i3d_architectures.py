"""The five architectures: table 1's parameters, shapes, and what they start from."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course.backbones import I3D, InceptionV1
from course.i3d.architectures import (
    NAMES,
    ConvNetLSTM,
    TwoStreams,
    build,
    build_from,
    features_per_frame,
    make_stream,
    stack_flow,
)
from course.i3d.small_base import SmallNet

# Our count of the paper's descriptions, and what its table 1 prints, in millions.
EXACT = {
    "lstm": (8_945_600, 9),
    "c3d": (79_634_576, 79),
    "two_stream": (12_058_560, 12),
    "fused": (39_754_912, 39),
    "i3d": (25_358_016, 25),
}

# Clips of the paper's training sizes, a batch of two.
PAPER_INPUTS: dict[str, list[tuple[int, ...]]] = {
    "lstm": [(2, 3, 25, 224, 224)],
    "c3d": [(2, 3, 16, 112, 112)],
    "two_stream": [(2, 3, 224, 224), (2, 20, 224, 224)],
    "fused": [(2, 3, 5, 224, 224), (2, 20, 5, 224, 224)],
    "i3d": [(2, 3, 64, 224, 224), (2, 2, 64, 224, 224)],
}

# Clips of 8 frames of 32 x 32 px for the five that start from a small network.
SMALL_INPUTS: dict[str, list[tuple[int, ...]]] = {
    "lstm": [(2, 3, 8, 32, 32)],
    "c3d": [(2, 3, 8, 32, 32)],
    "two_stream": [(2, 3, 32, 32), (2, 14, 32, 32)],
    "fused": [(2, 3, 3, 32, 32), (2, 6, 3, 32, 32)],
    "i3d": [(2, 3, 8, 32, 32), (2, 2, 7, 32, 32)],
}


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# The paper's sizes


@pytest.mark.parametrize("name", NAMES)
def test_table_1(name):
    """The exact number is our count; the paper vouches for it to within a million."""
    exact, millions = EXACT[name]
    with torch.device("meta"):
        assert count(build(name)) == exact
    assert abs(exact - millions * 10**6) < 10**6


def test_no_one_way_of_rounding_gives_table_1():
    """8.95 became 9 but 79.63 became 79 and 39.75 became 39.

    So the table cannot tell apart readings that differ by some thousand parameters,
    such as a batch norm and a bias more in the fused network.
    """
    cut = {name for name, (exact, m) in EXACT.items() if exact // 10**6 == m}
    nearest = {name for name, (exact, m) in EXACT.items() if round(exact / 1e6) == m}
    assert set(NAMES) - cut == {"lstm"}
    assert set(NAMES) - nearest == {"c3d", "fused"}
    assert (EXACT["fused"][0] + 512 + 400) // 10**6 == 39


def test_where_the_parameters_of_table_1_are():
    with torch.device("meta"):
        nets = {name: build(name) for name in NAMES}
    trunk = count(InceptionV1(1)) - 1024 - 1
    assert count(nets["lstm"].get_submodule("net2d")) == trunk == 5_592_624
    assert count(nets["lstm"]) - trunk == 4 * 512 * (1024 + 512 + 1) + 512 * 400 + 400
    linear = [m for m in nets["c3d"].modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [
        (8192, 4096),
        (4096, 4096),
        (4096, 400),
    ]
    joined = nets["fused"].get_submodule("conv")
    assert count(joined) == 27 * 2048 * 512 == 28_311_552
    streams = [count(nets["i3d"].get_submodule(s)) for s in ("rgb", "flow")]
    assert streams == [12_689_984, 12_668_032]


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_clips_go_through(name):
    with torch.device("meta"):
        net = build(name).eval()
        logits = net(*(torch.empty(shape) for shape in PAPER_INPUTS[name]))
    assert logits.shape == (2, 400)


def test_the_papers_long_clips_go_through():
    """At test: 50 frames for the LSTM, 250 of each kind for I3D."""
    with torch.device("meta"):
        lstm, i3d = build("lstm"), build("i3d")
        assert lstm(torch.empty(1, 3, 50, 224, 224)).shape == (1, 400)
        rgb, flow = torch.empty(1, 3, 250, 224, 224), torch.empty(1, 2, 250, 224, 224)
        assert i3d(rgb, flow).shape == (1, 400)


# Parts


def test_the_lstm_is_torchs_where_nothing_is_normalised():
    torch.manual_seed(0)
    base = SmallNet(3)
    net = ConvNetLSTM(base, 64, 16, 5, lambda _: nn.Identity()).eval()
    peer = nn.LSTM(64, 16, bias=False, batch_first=True)
    order = [0, 1, 3, 2]  # ours: in, forget, out, new; torch's: in, forget, new, out

    def rows(weight):
        return torch.cat([weight.chunk(4)[i] for i in order])

    with torch.no_grad():
        weights = rows(net.from_input.weight), rows(net.from_state.weight)
        names = "weight_ih_l0", "weight_hh_l0"
        peer.load_state_dict(dict(zip(names, weights, strict=True)))
        clips = torch.randn(2, 3, 6, 32, 32)
        features = features_per_frame(base.eval(), clips).mean((3, 4))
        steps = net.fc(peer(features.transpose(1, 2))[0]).transpose(1, 2)
        assert torch.allclose(net.logits_per_step(clips), steps, atol=1e-6)
        assert torch.equal(net(clips), net.logits_per_step(clips)[:, :, -1])


def test_features_per_frame_keep_clips_and_frames_apart():
    torch.manual_seed(0)
    net, clips = SmallNet(3).eval(), torch.randn(2, 3, 4, 16, 16)
    with torch.no_grad():
        maps = features_per_frame(net, clips)
        alone = net.forward_features(clips[1, :, 2][None])
    assert maps.shape[:3] == (2, 64, 4)
    assert torch.allclose(maps[1, :, 2], alone[0], atol=1e-6)


def test_flow_channels_alternate_in_time():
    flow = torch.arange(6.0).view(1, 2, 3, 1, 1)  # u = 0 1 2, v = 3 4 5
    assert stack_flow(flow).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    with pytest.raises(ValueError, match=r"\(1, 3, 4, 8, 8\)"):
        stack_flow(torch.zeros(1, 3, 4, 8, 8))


def test_two_streams_add_their_logits():
    rgb, flow = nn.Linear(2, 3), nn.Linear(4, 3)
    net = TwoStreams(rgb, flow)
    a, b = torch.rand(5, 2), torch.rand(5, 4)
    assert torch.equal(net(a, b), rgb(a) + flow(b))


# Starting from an image network


@pytest.fixture(scope="module")
def image_net():
    torch.manual_seed(1)
    return SmallNet(10)


@pytest.mark.parametrize("name", NAMES)
def test_small_ones_learn(name, image_net):
    before = {k: v.clone() for k, v in image_net.state_dict().items()}
    net = build_from(name, image_net, 5, (8, 32, 32)).train()
    inputs = [torch.randn(shape) for shape in SMALL_INPUTS[name]]
    logits = net(*inputs)
    assert logits.shape == (2, 5)
    F.cross_entropy(logits, torch.tensor([0, 4])).backward()
    unused = {n for n, p in net.named_parameters() if p.grad is None}
    # (a) and (d) keep the classifiers of the networks whose maps they read.
    old_heads = {n for n in unused if ".fc." in n}
    assert unused == (old_heads if name in ("lstm", "fused") else set())
    after = image_net.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())  # it is a copy


@pytest.mark.parametrize("name", ["lstm", "two_stream", "fused", "i3d"])
def test_small_ones_start_from_the_image_network(name, image_net):
    net = build_from(name, image_net, 5, (8, 32, 32))
    stream = net.get_submodule("net2d" if name == "lstm" else "rgb")
    weight, old = stream.state_dict()["conv1.weight"], image_net.conv1.weight
    kept = weight.sum(2) if name == "i3d" else weight
    assert torch.allclose(kept, old, atol=1e-6)
    if name != "lstm":
        flow = net.get_submodule("flow").state_dict()["conv1.weight"]
        flow = flow.sum(2) if name == "i3d" else flow
        mean = old.mean(1, keepdim=True).expand_as(flow)
        assert torch.allclose(flow, mean, atol=1e-6)


@pytest.mark.parametrize("channels", [3, 2])
def test_streams_from_inception(channels):
    torch.manual_seed(2)
    image_net = InceptionV1(7)
    flat = make_stream(image_net, 5, channels)
    deep = make_stream(image_net, 5, channels, video=True)
    assert isinstance(flat, InceptionV1) and isinstance(deep, I3D)
    name = "Conv3d_1a_7x7.conv_3d.weight"
    first = image_net.state_dict()[name]
    if channels != 3:
        first = first.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    assert torch.allclose(flat.state_dict()[name], first, atol=1e-6)
    assert torch.allclose(deep.state_dict()[name].sum(2), first, atol=1e-5)
    with torch.no_grad():
        assert flat.eval()(torch.zeros(1, channels, 32, 32)).shape == (1, 5)
        assert deep.eval()(torch.zeros(1, channels, 9, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize(
    "make", [build, lambda n: build_from(n, SmallNet(2), 2, (8, 32, 32))]
)
def test_other_names_are_refused(make):
    with pytest.raises(ValueError, match="lstm, c3d, two_stream, fused, i3d; got 'x'"):
        make("x")
