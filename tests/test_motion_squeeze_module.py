"""The MotionSqueeze module: by hand, its counts, its symmetries, what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course.motion_squeeze import module as module_file
from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.module import MotionSqueeze
from course.motion_squeeze.motion_maps import giving, motion_modules
from course.motion_squeeze.networks import msnet

SMALL = {"reduced": 8, "max_displacement": 2, "widths": (4, 6, 8)}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norms with statistics and scales of their own, as after training."""
    draws = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if name.endswith("running_var") or (name.endswith("weight") and value.ndim < 2):
            value.uniform_(0.5, 1.5, generator=draws)
        elif name.endswith(("running_mean", "bias")):
            value.uniform_(-0.3, 0.3, generator=draws)
    return module.eval()


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    """Features as a ResNet's stage gives them: never negative."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draws).relu()


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("channels", "reduce", "transform"), [(128, 8_320, 12_665), (512, 32_896, 38_009)]
)
def test_the_module_adds_exactly_the_published_parameters(channels, reduce, transform):
    module = MotionSqueeze(channels)
    assert (count(module.reduce), count(module.transform)) == (reduce, transform)
    assert count(module) == {128: 20_985, 512: 70_905}[channels]
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [
        *(64, 3, 16, 16, 32, 32, 64, 64, channels)
    ]
    assert not any(m.bias is not None for m in module.modules() if is_conv(m))


def is_conv(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d)


def test_the_papers_form_halves_the_channels():
    assert MotionSqueeze(512, form="paper").reduce[0].out_channels == 256
    assert count(MotionSqueeze(512, form="paper")) == 169_593
    assert count(MotionSqueeze(128, form="paper")) == 20_985


def convolved_by_hand(layers, x):
    """Convolutions, batch norms and ReLUs of a stack from their tensors alone."""
    for conv, norm in zip(layers[0::3], layers[1::3], strict=True):
        padding = conv.weight.shape[-1] // 2
        groups = x.shape[1] // conv.weight.shape[1]
        x = F.conv2d(x, conv.weight, padding=padding, groups=groups)
        numbers = norm.running_mean, norm.running_var, norm.weight, norm.bias
        x = F.relu(F.batch_norm(x, *numbers))
    return x


def matched_by_hand(first, second, reach, sigma, temperature):
    """dx, dy in [-1, 1] and the best score, one cell at a time."""
    height, width = first.shape[1:]
    found = torch.zeros(3, height, width, dtype=first.dtype)
    steps = range(-reach, reach + 1)
    offsets = torch.tensor(list(itertools.product(steps, steps)), dtype=first.dtype)
    for y, x in itertools.product(range(height), range(width)):
        scores = torch.zeros(len(offsets), dtype=first.dtype)
        for number, (dy, dx) in enumerate(offsets.int().tolist()):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                scores[number] = first[:, y, x] @ second[:, y + dy, x + dx]
        best = offsets[scores.argmax()]
        mask = torch.exp(-(offsets - best).square().sum(1) / (2 * sigma**2))
        weights = (mask * scores / temperature).softmax(0)
        dy, dx = weights @ offsets / reach
        found[:, y, x] = torch.stack([dx, dy, scores.max()])
    return found


@torch.no_grad()
def test_the_whole_module_by_hand():
    clips, frames, reach = 2, 3, 2
    module = randomised(MotionSqueeze(12, **SMALL)).double()
    x = features(clips, 12, frames, 5, 6).double()
    expected = torch.empty_like(x)
    for clip in range(clips):
        reduced = convolved_by_hand(module.reduce, x[clip].transpose(0, 1))
        unit = reduced / (reduced.square().sum(1, keepdim=True) + 1e-6).sqrt()
        pairs = zip(unit, unit[1:], strict=False)
        maps = [matched_by_hand(*pair, reach, 5.0, 0.01) for pair in pairs]
        motion = convolved_by_hand(module.transform, torch.stack([*maps, maps[-1]]))
        expected[clip] = x[clip] + motion.transpose(0, 1)
    assert (module(x) - expected).abs().max() < 1e-10


def test_both_layouts_give_the_same():
    module = randomised(MotionSqueeze(12, 3, **SMALL))
    x = features(2, 12, 3, 5, 6)
    flat = module(x.transpose(1, 2).flatten(0, 1))
    assert torch.equal(flat.unflatten(0, (2, 3)).transpose(1, 2), module(x))
    displacement, confidence = module.motion(x)
    assert displacement.shape == (2, 2, 2, 5, 6)
    assert confidence.shape == (2, 2, 5, 6)
    assert displacement.abs().max() <= 2 and 0 <= confidence.min()


def test_motion_is_told_in_cells_right_and_down():
    module = MotionSqueeze(16, reduced=32, max_displacement=4).eval()
    first = features(1, 16, 1, 12, 12)
    second = first.roll((-2, 3), (3, 4))
    displacement, confidence = module.motion(torch.cat([first, second], dim=2))
    inside = displacement[0, :, 0, 4:8, 4:8]
    assert (inside - torch.tensor([3.0, -2.0]).view(2, 1, 1)).abs().max() < 0.1
    assert confidence[0, 0, 4:8, 4:8].min() > 0.999
    assert confidence.max() > 0  # a correlation that computes zeros would go unnoticed


@pytest.mark.parametrize("form", ["official", "paper"])
def test_the_module_can_only_add(form):
    module = MotionSqueeze(12, form=form, **SMALL)
    x = torch.randn(2, 12, 4, 5, 6)
    for mode, least in ((True, 1.0), (False, 0.01)):
        added = module.train(mode)(x) - x
        assert added.min() > -1e-6 and added.max() > least


def test_no_score_is_negative_so_a_relu_after_the_correlation_is_idle():
    module = MotionSqueeze(12, **SMALL)
    unit = normalise(module.reduce(torch.randn(2, 12, 5, 6)))
    assert correlation(unit[:1], unit[1:], 2).min() >= 0


@torch.no_grad()
def test_clips_of_a_batch_do_not_meet():
    module = randomised(MotionSqueeze(12, 3, **SMALL))
    x = features(6, 12, 5, 6)
    other = torch.cat([x[:3], features(3, 12, 5, 6, seed=1)])
    assert torch.equal(module(x)[:3], module(other)[:3])
    alone = [module(part) for part in (x[:3], x[3:])]
    assert torch.allclose(module(x), torch.cat(alone), atol=1e-5)


def test_the_last_frame_takes_over_the_last_pair():
    """Alike in eval mode; in train mode batch norm counts that pair twice, or not."""
    official = MotionSqueeze(12, **SMALL)
    paper = MotionSqueeze(12, form="paper", normaliser="none", **SMALL)
    paper.load_state_dict(official.state_dict())
    x = features(2, 12, 4, 5, 6)
    trained = official(x) - paper(x)
    assert trained.abs().max() > 1e-2
    paper.load_state_dict(official.state_dict())
    in_eval = official.eval()(x)
    assert torch.allclose(in_eval, paper.eval()(x), atol=1e-6)
    motion = in_eval - x
    assert torch.allclose(motion[:, :, -1], motion[:, :, -2], atol=1e-5)


def test_a_normaliser_is_a_higher_temperature():
    x = features(1, 12, 2, 6, 6)
    make = {"sigma": 3.0, **SMALL}
    module = MotionSqueeze(12, normaliser="1d", **make).eval()
    hotter = MotionSqueeze(12, temperature=0.01 * 3.0 * (2 * torch.pi) ** 0.5, **make)
    hotter.load_state_dict(module.state_dict())
    both = [each.eval().motion(x)[0] for each in (module, hotter)]
    assert torch.allclose(*both, atol=1e-5)


@pytest.mark.parametrize("normaliser", ["none", "1d", "2d"])
def test_the_fused_form_gives_the_same(normaliser):
    plain = MotionSqueeze(12, normaliser=normaliser, **SMALL)
    fused = MotionSqueeze(12, normaliser=normaliser, fused=True, **SMALL)
    fused.load_state_dict(plain.state_dict())
    results = []
    for module in (plain, fused):
        x = features(2, 12, 3, 9, 9).requires_grad_()
        out = module(x)
        (out * features(*out.shape, seed=1)).sum().backward()
        gradients = [p.grad for p in module.parameters()]
        results.append([out, *module.motion(x), x.grad, *gradients])
    for one, other in zip(*results, strict=True):
        assert (one - other).abs().max() < 1e-3 * max(1.0, one.abs().max())


@torch.no_grad()
def test_the_compiled_option_reaches_the_soft_argmax(monkeypatch):
    """Nothing is compiled here: that takes a compiler and half a minute."""
    asked, usual = [], module_file.kernel_soft_argmax

    def noted(scores, sigma, temperature, normaliser, form):
        asked.append(form)
        return usual(scores, sigma, temperature, normaliser)

    monkeypatch.setattr(module_file, "kernel_soft_argmax", noted)
    for options in ({}, {"compiled": True}, {"compiled": False}):
        MotionSqueeze(12, **SMALL, **options)(features(1, 12, 2, 5, 6))
    msnet("small", 2, 2, compiled=True)(torch.rand(1, 3, 2, 16, 16))
    assert asked == ["lean", "compiled", "lean", "compiled"]


def test_numpys_numbers_are_numbers():
    numbers = {"reduced": 8, "max_displacement": 2, "kernel_size_first": 3}
    given = {name: np.int64(number) for name, number in numbers.items()}
    module = MotionSqueeze(np.int64(12), np.int64(3), sigma=np.float32(5), **given)
    x = features(3, 12, 5, 6)
    plain = MotionSqueeze(12, 3, **numbers)
    plain.load_state_dict(module.state_dict())
    assert torch.equal(module.eval()(x), plain.eval()(x))


@torch.no_grad()
def test_mirrored_features_have_mirrored_motion():
    module = randomised(MotionSqueeze(12, carries=("confidence",), **SMALL))
    for layer in module.transform:
        if is_conv(layer):  # symmetric kernels mirror as well
            layer.weight.copy_(layer.weight + layer.weight.flip(3))
    x = features(2, 12, 3, 5, 6)
    assert torch.allclose(module(x.flip(4)), module(x).flip(4), atol=1e-5)
    displacement, confidence = module.motion(x)
    mirrored, same = module.motion(x.flip(4))
    assert torch.allclose(mirrored[:, 0], -displacement[:, 0].flip(3), atol=1e-4)
    assert torch.allclose(mirrored[:, 1], displacement[:, 1].flip(3), atol=1e-4)
    assert torch.allclose(same, confidence.flip(3), atol=1e-6)


@pytest.mark.parametrize("estimator", ["kernel", "soft"])
def test_no_features_give_no_motion_and_finite_gradients(estimator):
    module = MotionSqueeze(12, estimator=estimator, **SMALL)
    x = torch.zeros(2, 12, 3, 5, 6, requires_grad=True)
    module(x).square().sum().backward()
    gradients = [x.grad, *(p.grad for p in module.parameters())]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert not module.motion(x)[1].any()


def test_gradients_reach_every_weight_and_the_features():
    module = MotionSqueeze(12, **SMALL)
    x = torch.randn(2, 12, 3, 5, 6, requires_grad=True)
    (module(x) * torch.randn(2, 12, 3, 5, 6)).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in module.parameters())
    assert x.grad is not None and x.grad.isfinite().all()


@torch.no_grad()
@pytest.mark.parametrize("form", ["official", "paper"])
def test_matching_stays_in_float32_under_autocast(form):
    module = randomised(MotionSqueeze(12, form=form, **SMALL))
    x = features(2, 12, 3, 9, 9)
    seen: list[torch.Tensor] = []
    module.reduce.register_forward_hook(lambda *args: seen.append(args[2]))
    with torch.autocast("cpu", torch.bfloat16):
        found = module.motion(x)
        out = module(x)
    rounded = seen[0]
    assert rounded.dtype == torch.bfloat16 and out.isfinite().all()
    module.reduce = nn.Sequential(nn.Identity())
    module.channels = rounded.shape[1]
    frames = rounded.float().unflatten(0, (2, 3)).transpose(1, 2)
    for low, full in zip(found, module.motion(frames), strict=True):
        assert low.dtype == torch.float32 and torch.equal(low, full)


@torch.no_grad()
def test_what_the_transform_does_not_carry_makes_no_difference():
    x, other = features(1, 12, 3, 5, 6), features(1, 12, 3, 5, 6, seed=1)
    differs = {}
    for carries in ((), ("displacement",), ("confidence",)):
        module = randomised(MotionSqueeze(12, carries=carries, **SMALL))
        for weight in module.transform.parameters():
            weight.abs_()  # so that no ReLU stops anything
        assert count(module) == count(MotionSqueeze(12, **SMALL))
        with giving(module, torch.zeros(1, 3, 2, 5, 6)):
            still = module(x) - x
        with giving(module, torch.ones(1, 2, 2, 5, 6)):
            moving = module(x) - x
        differs[carries] = bool((still - moving).abs().max() > 1e-3)
        motion = (module(x) - x, module(other) - other)
        assert torch.allclose(*motion, atol=1e-6) == (carries == ())
    assert differs == {(): False, ("displacement",): True, ("confidence",): True}


@torch.no_grad()
def test_its_own_motion_given_back_changes_nothing():
    module = randomised(MotionSqueeze(12, **SMALL))
    x = features(2, 12, 3, 5, 6)
    displacement, confidence = module.motion(x)
    expected = module(x)
    with giving(module, torch.cat([displacement, confidence[:, None]], dim=1)):
        assert torch.allclose(module(x), expected, atol=1e-6)
    assert module.given is None and torch.equal(module(x), expected)
    with (
        pytest.raises(ValueError, match="2 or 3.*got .2, 2, 3, 5, 6"),
        giving(module, torch.zeros(2, 2, 3, 5, 6)),
    ):
        module(x)
    assert module.given is None  # after an error as well


@torch.no_grad()
def test_shuffled_frames_are_matched_in_another_order():
    module = randomised(MotionSqueeze(12, shuffled=True, **SMALL))
    x = features(2, 12, 6, 5, 6)
    torch.manual_seed(0)
    once, again = module(x), module(x)
    torch.manual_seed(0)
    assert not torch.allclose(once, again) and torch.equal(once, module(x))
    still = x[:, :, :1].expand(-1, -1, 6, -1, -1)
    module.shuffled, shuffled = False, module(still)
    assert torch.allclose(shuffled, module(still), atol=1e-5)


def test_networks_without_the_module_are_refused():
    with pytest.raises(ValueError, match="Linear has no MotionSqueeze"):
        motion_modules(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("shape", "frames", "message"),
    [
        ((2, 12, 1, 5, 6), None, "one frame has no pair"),
        ((2, 12, 5, 6), 1, "one frame has no pair"),
        ((2, 12, 5, 6), None, r"must be \(B, C, T, H, W\), got \(2, 12, 5, 6\)"),
        ((4, 12, 5, 6), 3, r"or \(B \* 3, C, H, W\), got \(4, 12, 5, 6\)"),
        ((12, 5, 6), 3, r"got \(12, 5, 6\)"),
        ((2, 9, 3, 5, 6), None, "expected 12 channels, got 9"),
    ],
)
def test_features_that_do_not_fit_are_refused(shape, frames, message):
    with pytest.raises(ValueError, match=message):
        MotionSqueeze(12, frames, **SMALL)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "code"}, "form must be one of .*got 'code'"),
        ({"estimator": "hard"}, "estimator is kernel or soft, got 'hard'"),
        ({"carries": ("flow",)}, "carries may name .*got .'flow'"),
        ({"carries": "motion"}, "carries may name .*got 'motion'"),
        ({"normaliser": "3d"}, "normaliser is one of .*got '3d'"),
        ({"last_frame": "first"}, "last_frame is one of .*got 'first'"),
        ({"max_displacement": 0}, "max_displacement must be .* >= 1, got 0"),
        ({"max_displacement": "7"}, "max_displacement must be .* >= 1, got '7'"),
        ({"max_displacement": 1.5}, "max_displacement must be .* >= 1, got 1.5"),
        ({"reduced": 0}, "reduced must be a whole number >= 1, got 0"),
        ({"reduced": "half"}, "reduced must be a whole number >= 1, got 'half'"),
        ({"num_frames": "8"}, "num_frames must be a whole number >= 1, got '8'"),
        ({"widths": (16, "32", 64)}, "widths must be a whole number >= 1, got '32'"),
        ({"temperature": 0.0}, "temperature must be .* greater than 0, got 0.0"),
        ({"temperature": "cold"}, "temperature must be .* than 0, got 'cold'"),
        ({"sigma": float("nan")}, "sigma must be a number greater than 0, got nan"),
        ({"kernel_size_first": 4}, "must be odd, got 4"),
        ({"kernel_size_first": "7"}, "kernel_size_first must be .* >= 1, got '7'"),
        ({"fused": True, "estimator": "soft"}, "fused and compiled know .* 'kernel'"),
        ({"compiled": True, "estimator": "soft"}, "fused and compiled know"),
        ({"fused": True, "compiled": True}, "two forms of one step, got both"),
    ],
)
def test_options_that_do_not_exist_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MotionSqueeze(12, **options)


def test_channels_and_features_of_another_kind_are_refused():
    for channels, form in (("128", "official"), ("128", "paper"), (12.5, "paper")):
        with pytest.raises(ValueError, match=f"channels must be .* got .?{channels}"):
            MotionSqueeze(channels, form=form)
    with pytest.raises(ValueError, match="floating point, got torch.int64"):
        MotionSqueeze(12, **SMALL)(torch.ones(2, 12, 3, 5, 6, dtype=torch.long))
