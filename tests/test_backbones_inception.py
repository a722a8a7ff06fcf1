"""SAME padding, Inception-v1 and I3D against torch and the published checkpoint."""

from __future__ import annotations

import csv
from math import ceil

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course.backbones import (
    I3D,
    I3D_ENDPOINTS,
    I3DRecogniser,
    InceptionV1,
    inflate_inception,
)
from course.backbones.inception_layers import OffsetBatchNorm
from course.backbones.same_padding import max_pool_same, pad_same, same_padding

AXIS = st.tuples(st.integers(1, 12), st.integers(1, 7), st.integers(1, 4))
FLOW = {"in_channels": 2}


@pytest.fixture(scope="module")
def i3d():
    torch.manual_seed(0)
    return I3D(num_classes=7).eval()


def padded_by_hand(x, kernel, stride, value):
    """An array filled with `value`, the input written into its middle."""
    pairs = [same_padding(*a) for a in zip(x.shape[2:], kernel, stride, strict=True)]
    sizes = [n + a + b for n, (a, b) in zip(x.shape[2:], pairs, strict=True)]
    out = x.new_full((*x.shape[:2], *sizes), value)
    inner = [slice(a, a + n) for n, (a, _) in zip(x.shape[2:], pairs, strict=True)]
    out[(slice(None), slice(None), *inner)] = x
    return out


# SAME padding


@given(AXIS)
def test_padding_gives_the_size_law_with_the_least_cells(axis):
    n, k, s = axis
    before, after = same_padding(n, k, s)
    assert after - before in (0, 1)
    outputs = -(-n // s)
    assert (n + before + after - k) // s + 1 == outputs or (k < s and outputs >= 1)
    if before + after:  # one cell less would lose an output
        assert (n + before + after - 1 - k) // s + 1 < outputs
    assert before + after == max((outputs - 1) * s + k - n, 0)


@given(st.lists(AXIS, min_size=2, max_size=3), st.integers(0, 99))
def test_padding_and_pooling_agree_with_torch_on_padded_input(axes, seed):
    sizes, kernel, stride = (tuple(column) for column in zip(*axes, strict=True))
    torch.manual_seed(seed)
    x = torch.randn(1, 2, *sizes)
    two = len(sizes) == 2
    outputs = tuple(-(-n // s) for n, s in zip(sizes, stride, strict=True))

    pooled = max_pool_same(x, kernel, stride)
    by_hand = padded_by_hand(x, kernel, stride, float("-inf"))
    pool = F.max_pool2d if two else F.max_pool3d
    assert torch.equal(pooled, pool(by_hand, kernel, stride))
    assert pooled.shape[2:] == outputs and pooled.isfinite().all()

    weight = torch.randn(3, 2, *kernel)
    conv = F.conv2d if two else F.conv3d
    result = conv(pad_same(x, kernel, stride), weight, stride=stride)
    assert result.shape[2:] == outputs
    zeros = padded_by_hand(x, kernel, stride, 0.0)
    assert torch.equal(result, conv(zeros, weight, stride=stride))


def test_known_amounts():
    assert [same_padding(n, 7, 2) for n in (224, 79)] == [(2, 3), (3, 3)]
    assert [same_padding(n, 3, 2) for n in (112, 7)] == [(0, 1), (1, 1)]
    assert [same_padding(n, 2, 2) for n in (14, 7)] == [(0, 0), (0, 1)]
    assert same_padding(9, 3, 1) == (1, 1) and same_padding(9, 1, 1) == (0, 0)


def test_padding_refuses_nonsense():
    x = torch.zeros(1, 1, 4, 4)
    assert pad_same(x, (1, 1), (1, 1)) is x
    with pytest.raises(ValueError, match="got 4, 0, 1"):
        same_padding(4, 0, 1)
    with pytest.raises(ValueError, match=r"\(3, 3, 3\).*\(1, 1, 4, 4\)"):
        max_pool_same(x, (3, 3, 3), (1, 1, 1))
    with pytest.raises(ValueError, match="must name the axes"):
        pad_same(torch.zeros(4), (), ())


# The published checkpoint


def published(repository, checkpoint):
    path = repository / "tests" / "golden" / "i3d_checkpoint_index.csv"
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["checkpoint"] == checkpoint]
    return {
        r["tensor"]: tuple(int(n) for n in r["shape"].split("x") if n) for r in rows
    }


def tf_name_and_shape(name, tensor, prefix):
    """Our tensor as TensorFlow names it and lays it out."""
    parts = {
        "conv_3d.weight": "conv_3d/w",
        "conv_3d.bias": "conv_3d/b",
        "batch_norm.bias": "batch_norm/beta",
        "batch_norm.running_mean": "batch_norm/moving_mean",
        "batch_norm.running_var": "batch_norm/moving_variance",
    }
    layer, own = name.rsplit(".", 2)[0], ".".join(name.rsplit(".", 2)[1:])
    if tensor.ndim == 5:
        tensor = tensor.permute(2, 3, 4, 1, 0)
    full = f"{prefix}/inception_i3d/{layer.replace('.', '/')}/{parts[own]}"
    return full, tuple(tensor.shape)


@pytest.mark.parametrize(
    ("checkpoint", "prefix", "channels"),
    [
        ("rgb_imagenet", "RGB", 3),
        ("rgb_scratch", "RGB", 3),
        ("flow_imagenet", "Flow", 2),
        ("flow_scratch", "Flow", 2),
    ],
)
def test_names_and_shapes_are_the_published_ones(
    repository, checkpoint, prefix, channels
):
    with torch.device("meta"):
        state = I3D(in_channels=channels).state_dict()
    ours = dict(tf_name_and_shape(k, v, prefix) for k, v in state.items())
    theirs = published(repository, checkpoint)
    assert len(state) == len(ours) == len(theirs) == 230
    assert ours == theirs


@pytest.mark.parametrize(
    ("channels", "everything", "trainable"),
    [(3, 12_704_544, 12_689_984), (2, 12_682_592, 12_668_032)],
)
def test_published_totals(channels, everything, trainable):
    with torch.device("meta"):
        net = I3D(in_channels=channels)
    assert sum(v.numel() for v in net.state_dict().values()) == everything
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == trainable
    norms = [m for m in net.modules() if isinstance(m, OffsetBatchNorm)]
    assert len(norms) == 57 and sum(len(m.bias) for m in norms) == 7280
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv3d)]
    assert len(convolutions) == 58
    weights = [m.weight for m in convolutions if m.bias is None]
    assert sum(w.numel() for w in weights) + 409_600 == everything - 3 * 7280 - 400


# Shapes


def endpoint_shapes(net, x):
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in net.named_children():
        layer.register_forward_hook(
            lambda _, __, y, name=name: shapes.__setitem__(name, tuple(y.shape[1:]))
        )
    return shapes, net(x)


@pytest.mark.parametrize(("frames", "steps"), [(64, 7), (79, 9)])
def test_every_layer_at_224(frames, steps):
    """The published layer table, without computing anything."""
    with torch.device("meta"):
        net = I3D().eval()
        x = torch.empty(5, 3, frames, 224, 224)
    shapes, logits = endpoint_shapes(net, x)
    half, quarter, eighth = (-(-frames // 2**i) for i in (1, 2, 3))
    assert shapes["Conv3d_1a_7x7"] == (64, half, 112, 112)
    assert shapes["MaxPool3d_2a_3x3"] == (64, half, 56, 56)
    assert shapes["Conv3d_2c_3x3"] == (192, half, 56, 56)
    assert shapes["MaxPool3d_3a_3x3"] == (192, half, 28, 28)
    widths = [shapes[f"Mixed_{n}"] for n in ("3b", "3c")]
    assert widths == [(c, half, 28, 28) for c in (256, 480)]
    widths = [shapes[f"Mixed_4{n}"] for n in "bcdef"]
    assert widths == [(c, quarter, 14, 14) for c in (512, 512, 512, 528, 832)]
    widths = [shapes[f"Mixed_5{n}"] for n in "bc"]
    assert widths == [(c, eighth, 7, 7) for c in (832, 1024)]
    assert shapes["Logits"] == (400, steps, 1, 1) and logits.shape == (5, 400)


def test_the_law_of_the_time_steps():
    with torch.device("meta"):
        net = I3D(num_classes=3).eval()
        for frames in (*range(9, 19), 31, 32, 33, 64, 79, 250):
            x = torch.empty(1, 3, frames, 32, 32)
            steps = ceil(ceil(ceil(frames / 2) / 2) / 2) - 1
            assert net.logits_per_step(x).shape == (1, 3, steps), frames


def test_published_step_counts():
    with torch.device("meta"):
        net = I3D(num_classes=3).eval()
        clips = (torch.empty(1, 3, t, 224, 224) for t in (16, 32, 64, 79, 250))
        steps = [net.logits_per_step(clip).shape[2] for clip in clips]
    assert steps == [1, 3, 7, 9, 31]


def test_a_real_forward(i3d):
    x = torch.rand(2, 3, 17, 56, 40) * 2 - 1
    with torch.no_grad():
        features = i3d.forward_features(x)
        logits, steps, embedding = i3d(x), i3d.logits_per_step(x), i3d.embed(x)
        assert torch.allclose(i3d(x[1:])[0], logits[1], atol=1e-5)
    assert features.shape == (2, 1024, 3, 2, 2) and embedding.shape == (2, 1024)
    assert steps.shape == (2, 7, 2)
    assert torch.allclose(steps.mean(2), logits, atol=1e-6)
    assert torch.allclose(i3d.fc(embedding), logits, atol=1e-5)
    halves = (features[:, :, :-1] + features[:, :, 1:]) / 2
    assert torch.allclose(halves.mean((2, 3, 4)), embedding, atol=1e-6)


@pytest.mark.slow
def test_a_real_forward_at_224(i3d):
    with torch.no_grad():
        assert i3d(torch.zeros(1, 3, 9, 224, 224)).shape == (1, 7)


def test_odd_and_even_sizes_look_at_the_right_cells(i3d):
    """The stem's first output sees 2 cells of padding for an even size, 3 for odd."""
    stem = i3d.Conv3d_1a_7x7
    weight = stem.conv_3d.weight
    for n, before in ((32, 2), (33, 3)):
        x = torch.zeros(1, 3, 10, n, n)
        x[0, 0, 0, 0, 0] = 1.0
        y = stem.conv_3d(pad_same(x, (7, 7, 7), (2, 2, 2)))
        assert y.shape[3:] == (-(-n // 2),) * 2
        assert torch.allclose(y[0, :, 0, 0, 0], weight[:, 0, 2, before, before])
        expected = torch.relu(stem.batch_norm(y))
        assert torch.equal(stem(x), expected)


# Batch norm


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_torchs_without_scale(training):
    torch.manual_seed(1)
    ours = OffsetBatchNorm(4).train(training)
    peer = nn.BatchNorm3d(4, eps=1e-3, momentum=1e-3).train(training)
    with torch.no_grad():
        ours.bias.normal_()
        ours.running_mean.normal_()
        ours.running_var.uniform_(0.5, 2.0)
    peer.load_state_dict(ours.state_dict(), strict=False)
    before = ours.running_var.clone()
    x = torch.randn(3, 4, 2, 5, 5) * 2 + 1
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    for _ in range(2):
        y, z = ours(a), peer(b)
    assert torch.equal(y, z)
    grads = [
        torch.autograd.grad((out**2).sum(), (inp, net.bias))
        for out, inp, net in ((y, a, ours), (z, b, peer))
    ]
    assert all(torch.equal(g, h) for g, h in zip(*grads, strict=True))
    state = peer.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in ours.state_dict().items())
    assert torch.equal(ours.running_var, before) != training


# Training, precision, errors


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = I3D(num_classes=3, **FLOW).train()
    x = torch.randn(2, 2, 16, 32, 32)
    F.cross_entropy(net(x), torch.tensor([0, 2])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name
    assert net.get_buffer("Conv3d_1a_7x7.batch_norm.running_mean").abs().sum() > 0


def test_bf16_autocast(i3d):
    x = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = i3d(x)
    with torch.no_grad():
        exact = i3d(x)
    assert rough.dtype == torch.bfloat16
    assert torch.allclose(rough.float(), exact, atol=0.05)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 8, 32, 32), r"9 frames or more, got \(1, 3, 8, 32, 32\)"),
        ((1, 3, 16, 31, 64), r">= 32 px, got \(1, 3, 16, 31, 64\)"),
        ((1, 2, 16, 32, 32), r"C = 3; got \(1, 2, 16, 32, 32\)"),
        ((3, 16, 32, 32), r"clips \(B, C, T, H, W\)"),
    ],
)
def test_clips_that_do_not_fit(i3d, shape, message):
    with pytest.raises(ValueError, match=message):
        i3d(torch.zeros(shape))


def test_counts_that_make_no_sense():
    with pytest.raises(ValueError, match="0, 3"):
        I3D(num_classes=0)
    with pytest.raises(ValueError, match="5, 0"):
        InceptionV1(5, in_channels=0)
    with pytest.raises(ValueError, match=r"pictures \(B, C, H, W\)"):
        InceptionV1(5)(torch.zeros(1, 3, 16, 64, 64))


# The picture network


def test_the_twin_has_the_same_names():
    with torch.device("meta"):
        flat, deep = InceptionV1(400).state_dict(), I3D().state_dict()
        assert InceptionV1()(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
        features = InceptionV1().forward_features(torch.empty(2, 3, 224, 224))
    assert features.shape == (2, 1024, 7, 7)
    assert flat.keys() == deep.keys()
    assert all(
        v.shape == flat[k].shape[:2] + flat[k].shape[-1:] + flat[k].shape[2:]
        for k, v in deep.items()
        if v.ndim == 5
    )


def perturb(net):
    """Weights and statistics under which every layer does something."""
    torch.manual_seed(3)
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.05, 0.2)
        elif tensor.ndim == 1:
            tensor.normal_(std=0.1)
    return net.eval()


@torch.no_grad()
def test_inflation_answers_like_the_picture_network():
    """Where no time padding reaches, an unchanging video gives the picture's maps."""
    flat = perturb(InceptionV1(5))
    deep = I3D(5).eval()
    deep.load_state_dict(inflate_inception(flat.state_dict()))
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    video = x[:, :, None].expand(-1, -1, 64, -1, -1)
    for name in ("Conv3d_1a_7x7", "MaxPool3d_2a_3x3", "Conv3d_2b_1x1", "Conv3d_2c_3x3"):
        x, video = flat.get_submodule(name)(x), deep.get_submodule(name)(video)
        assert torch.allclose(video[:, :, video.shape[2] // 2], x, atol=1e-4), name
    assert not torch.allclose(video[:, :, 0], x, atol=1e-2)  # zeros before the clip


@torch.no_grad()
def test_inflation_is_exact_far_from_the_ends():
    """128 frames leave untouched middle steps: the network sees 99 frames at 5c."""
    flat = perturb(InceptionV1(5))
    deep = I3D(5).eval()
    deep.load_state_dict(inflate_inception(flat.state_dict()))
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    video = x[:, :, None].expand(-1, -1, 128, -1, -1)
    steps = deep.logits_per_step(video)[0]
    wanted = flat(x)[0]
    assert steps.shape == (5, 15)
    assert torch.allclose(steps[:, 7], wanted, atol=1e-4)
    assert not torch.allclose(steps[:, 0], wanted, atol=1e-3)


# For receptive fields and report cards


def test_endpoints_name_the_networks_layers(i3d):
    names = [name for name, _, _ in I3D_ENDPOINTS]
    children = [n for n, _ in i3d.named_children() if n not in ("dropout", "Logits")]
    assert names == [*children, "AvgPool3d_6a_7x7", "Conv3d_0c_1x1"]
    field, jump, seen = [1] * 3, [1] * 3, {}
    for name, kernel, stride in I3D_ENDPOINTS:
        field = [f + (k - 1) * j for f, k, j in zip(field, kernel, jump, strict=True)]
        jump = [j * s for j, s in zip(jump, stride, strict=True)]
        seen[name] = tuple(field)
    assert seen["MaxPool3d_2a_3x3"] == (7, 11, 11)  # these three as Fig. 3 prints them
    assert seen["MaxPool3d_3a_3x3"] == (11, 27, 27)
    assert seen["MaxPool3d_4a_3x3"] == (23, 75, 75)
    assert seen["MaxPool3d_5a_2x2"] == (67, 251, 251)
    assert seen["Conv3d_0c_1x1"] == (107, 571, 571)


def test_as_a_recogniser_of_the_course(i3d):
    from course.evaluation.cam import class_activation_map

    model = I3DRecogniser(i3d, size=(32, 64, 64))
    clips = torch.rand(2, 3, 8, 32, 32)
    maps = class_activation_map(model, clips, 1)
    assert maps.shape == (2, 3, 2, 2)
    with torch.no_grad():
        logits = model(clips)[:, 1]
    total = maps.mean((1, 2, 3)) + model.fc.bias[1]
    assert torch.allclose(total, logits, atol=1e-5)
    assert not model.fc.weight.requires_grad and len(model.state_dict()) == 230
    same = I3DRecogniser(i3d).prepare(clips)
    assert torch.equal(same, 2 * clips - 1)


@pytest.mark.slow
def test_a_report_card_of_i3d():
    from course.evaluation import report_card

    model = I3DRecogniser(I3D(num_classes=8), size=(16, 64, 64))
    card = report_card(model, seed=0, test_clips=8, probe_clips=16)
    assert len(card.as_metrics()) >= 7 and card.scene_leakage is not None
