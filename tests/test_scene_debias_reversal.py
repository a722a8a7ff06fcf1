"""Gradient reversal, its schedules, the losses and the heads, against outside truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.gradcheck import GradcheckError

from course.scene_debias import (
    ConditionalSceneHead,
    SceneHead,
    after_warmup,
    constant,
    dann_ramp,
    entropy,
    human_mask_confusion_loss,
    linear_ramp,
    reverse_gradient,
    scene_adversarial_loss,
)

STRENGTHS = (0.0, 0.1, 0.3, 0.5, 1.0, 2.0, 7.3)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# ------------------------------------------------------------------------ reversal


def two_nets() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    body = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 6))
    return body.double(), SceneHead(6, 4, hidden=(9,), norm="layer").double()


def gradients(layer) -> dict[str, list[torch.Tensor]]:
    """Of an ordinary cross-entropy behind `layer`, in float64."""
    body, head = two_nets()
    clips = torch.linspace(-1, 1, 40, dtype=torch.float64).sin().view(8, 5)
    features = body(clips)
    features.retain_grad()
    F.cross_entropy(head(layer(features)), torch.arange(8) % 4).backward()
    before, after = ([p.grad for p in net.parameters()] for net in (body, head))
    return {"features": [features.grad], "body": before, "head": after}


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_gradient_is_minus_strength_times_the_plain_one(strength):
    plain = gradients(lambda x: x)
    for given_as in (strength, torch.tensor(strength, dtype=torch.float64)):
        turned = gradients(lambda x, s=given_as: reverse_gradient(x, s))
        expected = -strength * plain["features"][0]
        assert torch.equal(turned["features"][0], expected)  # not one bit apart
        # Further back the factor passes through sums, where only powers of two commute
        # with rounding.
        exact = strength in (0.0, 0.5, 1.0, 2.0)
        for found, usual in zip(turned["body"], plain["body"], strict=True):
            largest = (found + strength * usual).abs().max()
            assert largest == 0 if exact else largest < 1e-15
    assert plain["features"][0].abs().max() > 0.01


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_heads_own_gradient_does_not_depend_on_the_strength(strength):
    plain = gradients(lambda x: x)["head"]
    turned = gradients(lambda x: reverse_gradient(x, strength))["head"]
    assert all(torch.equal(a, b) for a, b in zip(turned, plain, strict=True))


def test_a_literal_minus_sign_would_teach_the_head_to_be_wrong():
    body, head = two_nets()
    clips, scenes = torch.rand(8, 5).double(), torch.arange(8) % 4
    loss = scene_adversarial_loss(head(body(clips)), scenes)
    proper = torch.autograd.grad(loss, [*head.parameters()], retain_graph=True)
    literal = torch.autograd.grad(-0.5 * loss, [*head.parameters()])
    assert all(torch.equal(a, -0.5 * b) for a, b in zip(literal, proper, strict=True))


def test_gradcheck_fails_as_it_must():
    x = torch.rand(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: x.view_as(x), (x,))
    for strength in (0.0, 0.5, 1.0, 2.0):  # numerically the derivative is always +1

        def reversal(x, strength=strength):
            return reverse_gradient(x, strength)

        assert not torch.autograd.gradcheck(reversal, (x,), raise_exception=False)
        with pytest.raises(GradcheckError):
            torch.autograd.gradcheck(reversal, (x,))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_other_ways_to_write_it_agree(strength):
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, dtype=torch.float64)

    def hooked(x):
        y = x * 1.0
        y.register_hook(lambda gradient: -strength * gradient)
        return y

    def detached(x):
        return (1 + strength) * x.detach() - strength * x

    found = []
    for layer in (lambda x: reverse_gradient(x, strength), hooked, detached):
        (gradient,) = torch.autograd.grad((layer(x).sin() * weight).sum(), x)
        found.append(gradient)
    assert torch.equal(found[0], found[1])
    assert torch.allclose(found[0], found[2], rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_forward_it_is_the_identity_in_every_shape_and_type(dtype):
    for shape in ((), (3,), (2, 4), (2, 3, 2, 2, 2)):
        x = torch.randn(shape).to(dtype).requires_grad_()
        for strength in (0.5, torch.tensor(0.5), torch.tensor(2)):
            y = reverse_gradient(x, strength)
            assert torch.equal(y, x) and y.dtype == dtype
            (gradient,) = torch.autograd.grad(y.sum(), x)
            assert gradient.dtype == dtype
            assert torch.equal(gradient, torch.full_like(x, -float(strength)))


def test_twice_reversed_is_straight_again():
    x = torch.randn(5, requires_grad=True)
    y = reverse_gradient(reverse_gradient(x, 0.5), 2.0)
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    assert torch.equal(gradient, 2 * x.detach())


def test_it_works_inside_torch_func_and_compile():
    x = torch.randn(4, 3)
    each = torch.func.vmap(torch.func.grad(lambda x: reverse_gradient(x, 0.5).sum()))
    assert torch.equal(each(x), torch.full((4, 3), -0.5))
    compiled = torch.compile(reverse_gradient, backend="aot_eager", fullgraph=True)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(compiled(x, 0.5).sum(), x)
    assert torch.equal(gradient, torch.full((4, 3), -0.5))


@pytest.mark.parametrize(
    ("x", "strength", "message"),
    [
        (torch.ones(2), -0.1, "-0.1"),
        (torch.ones(2), math.nan, "nan"),
        (torch.ones(2), math.inf, "inf"),
        (torch.ones(2), torch.tensor(-1.0), "-1.0"),
        (torch.ones(2), torch.ones(2), r"\(2,\)"),
        (torch.ones(2, dtype=torch.long), 1.0, "int64"),
    ],
)
def test_what_cannot_be_reversed_is_refused(x, strength, message):
    with pytest.raises(ValueError, match=message):
        reverse_gradient(x, strength)


# ----------------------------------------------------------------------- schedules


def test_the_ramp_of_dann_has_its_published_values():
    ramp = dann_ramp(1.0)
    found = [round(ramp(p), 3) for p in (0, 0.1, 0.25, 0.5, 1)]
    assert found == [0, 0.462, 0.848, 0.987, 1.000]
    p = np.linspace(0, 1, 101)
    assert np.allclose([ramp(q) for q in p], np.tanh(5 * p), rtol=0, atol=1e-15)
    # A gentler slope is a stretched ramp: gamma 1 ends where gamma 10 is at a tenth.
    assert dann_ramp(1.0, gamma=1.0)(1.0) == pytest.approx(ramp(0.1), abs=1e-15)
    assert dann_ramp(3.0)(0.2) == 3 * ramp(0.2)


def test_constant_and_linear_are_that():
    for p in (0.0, 0.3, 1.0):
        assert constant(0.7)(p) == 0.7 and constant(0)(p) == 0
        assert linear_ramp(0.7)(p) == 0.7 * p


def test_a_warmup_waits_then_squeezes_the_schedule_in():
    share = 0.3
    late = after_warmup(linear_ramp(2.0), share)
    for p in np.linspace(0, 1, 41):
        assert late(p) == pytest.approx(2 * max(0, (p - share) / (1 - share)))
    sudden = after_warmup(constant(0.5), share)  # as SDN: nothing, then all of it
    assert [sudden(p) for p in (0, 0.299, 0.3, 1)] == [0, 0, 0.5, 0.5]
    assert after_warmup(constant(0.5), 0.0)(0.0) == 0.5
    assert after_warmup(late, 0.5)(1.0) == 2.0  # schedules nest


@given(strength=st.floats(0, 10), share=st.floats(0, 0.9), gamma=st.floats(0.1, 30))
@settings(max_examples=60, deadline=None)
def test_every_schedule_rises_and_stays_within_its_strength(strength, share, gamma):
    kinds = constant(strength), linear_ramp(strength), dann_ramp(strength, gamma)
    for schedule in (*kinds, *(after_warmup(kind, share) for kind in kinds)):
        values = [schedule(p) for p in np.linspace(0, 1, 23)]
        assert all(0 <= v <= strength for v in values)
        assert all(b >= a - 1e-12 for a, b in zip(values, values[1:], strict=False))


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant(-1.0),
        lambda: linear_ramp(math.nan),
        lambda: dann_ramp(math.inf),
        lambda: dann_ramp(1.0, gamma=0.0),
        lambda: after_warmup(constant(1.0), 1.0),
        lambda: after_warmup(constant(1.0), -0.1),
        lambda: constant(1.0)(1.01),
        lambda: linear_ramp(1.0)(-0.01),
        lambda: dann_ramp(1.0)(math.nan),
        lambda: after_warmup(constant(1.0), 0.5)(2.0),
    ],
)
def test_impossible_schedules_and_moments_are_refused(make):
    with pytest.raises(ValueError, match=r"(strength|gamma|share|progress) must be"):
        make()


# -------------------------------------------------------------------------- losses


def distributions(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, dtype=torch.float64).mul(3).softmax(1)


def test_soft_and_hard_targets_are_torchs_cross_entropy():
    logits = torch.randn(6, 5, dtype=torch.float64)
    soft, hard = distributions(6, 5), torch.arange(6) % 5
    by_hand = -(soft * logits.log_softmax(1)).sum(1).mean()
    found = scene_adversarial_loss(logits, soft)
    assert torch.equal(found, F.cross_entropy(logits, soft))
    assert torch.allclose(found, by_hand, rtol=0, atol=1e-15)
    indexed = scene_adversarial_loss(logits, hard)
    assert torch.equal(indexed, F.cross_entropy(logits, hard))
    as_rows = scene_adversarial_loss(logits, F.one_hot(hard, 5).double())
    assert torch.allclose(indexed, as_rows, rtol=0, atol=1e-15)
    assert torch.equal(indexed, scene_adversarial_loss(logits, hard.int()))


def test_a_soft_target_cannot_be_matched_better_than_by_itself():
    soft = distributions(6, 5)
    least = scene_adversarial_loss(soft.log(), soft)
    assert torch.allclose(least, torch.distributions.Categorical(soft).entropy().mean())
    assert scene_adversarial_loss(torch.randn(6, 5).double(), soft) > least


def test_entropy_is_that_of_torch_and_scipy():
    stats = pytest.importorskip("scipy.stats")
    logits = torch.randn(50, 7, dtype=torch.float64) * 5
    found = entropy(logits)
    assert found.shape == (50,)
    torchs = torch.distributions.Categorical(logits=logits).entropy()
    scipys = stats.entropy(logits.softmax(1).numpy(), axis=1)
    assert torch.allclose(found, torchs, rtol=0, atol=1e-14)
    assert np.allclose(found.numpy(), scipys, rtol=0, atol=1e-14)


@pytest.mark.parametrize("classes", [1, 2, 8, 200, 365])
def test_knowing_nothing_is_ln_k(classes):
    found = entropy(torch.full((3, classes), 4.2, dtype=torch.float64))
    assert torch.allclose(found, torch.full_like(found, math.log(classes)), atol=1e-14)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=9))
@settings(max_examples=100, deadline=None)
def test_entropy_stays_between_0_and_ln_k_whatever_the_scores(scores):
    logits = torch.tensor([scores], requires_grad=True)
    found = entropy(logits)
    assert 0 <= found.item() <= math.log(len(scores)) + 1e-6
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert gradient.isfinite().all()
    assert entropy(torch.tensor([[*scores, -math.inf]])).isfinite()


def test_the_gradient_of_entropy_is_the_documented_one():
    logits = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(entropy(logits).sum(), logits)
    p = logits.detach().softmax(1)
    expected = -p * (p.log() + entropy(logits.detach())[:, None])
    assert torch.allclose(found, expected, rtol=0, atol=1e-15)
    assert torch.autograd.gradcheck(entropy, (logits,))
    # It fades at both ends: where nothing is known, and where all seems known.
    steps = torch.tensor([0.0, 2.0, 5.0, 10.0, 20.0], dtype=torch.float64)
    rows = torch.stack([torch.tensor([s, 0.0, 0.0]) for s in steps.tolist()]).double()
    rows.requires_grad_()
    (found,) = torch.autograd.grad(entropy(rows).sum(), rows)
    sizes = found.norm(dim=1)
    assert sizes[0] < 1e-15 and sizes[1] > 0.3 and sizes[4] < 1e-6
    assert (sizes[1:].diff() < 0).all()


def test_mask_confusion_is_minus_the_mean_entropy():
    logits = torch.randn(5, 6, requires_grad=True)
    loss = human_mask_confusion_loss(logits)
    assert loss.ndim == 0 and torch.equal(loss, -entropy(logits).mean())
    assert human_mask_confusion_loss(torch.zeros(2, 6)).item() < loss.item() < 0
    (gradient,) = torch.autograd.grad(loss, logits)
    lower = human_mask_confusion_loss(logits - 0.1 * gradient)
    assert lower < loss  # descending it makes the network less sure
    assert entropy(logits - 0.1 * gradient).mean() > entropy(logits).mean()


def test_half_precision_is_summed_in_full():
    logits = torch.randn(8, 100, dtype=torch.bfloat16) * 4
    full = logits.float()
    target = torch.arange(8)
    soft = distributions(8, 100).float()
    for loss in (entropy, human_mask_confusion_loss):
        assert torch.equal(loss(logits), loss(full))
        assert loss(logits).dtype == torch.float32
    for kind in (target, soft):
        a, b = scene_adversarial_loss(logits, kind), scene_adversarial_loss(full, kind)
        assert torch.equal(a, b)


LOGITS = torch.zeros(3, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy(torch.zeros(4)), r"\(4,\)"),
        (lambda: entropy(torch.zeros(0, 4)), r"\(0, 4\)"),
        (lambda: entropy(torch.zeros(2, 4, dtype=torch.long)), "int64"),
        (lambda: human_mask_confusion_loss(torch.zeros(2, 3, 4)), r"\(2, 3, 4\)"),
        (lambda: scene_adversarial_loss(LOGITS, torch.tensor([0, 1])), "2 scene"),
        (lambda: scene_adversarial_loss(LOGITS, torch.tensor([0, 1, 4])), r"0 \.\. 4"),
        (lambda: scene_adversarial_loss(LOGITS, torch.tensor([0, -1, 2])), r"-1 \.\. "),
        (lambda: scene_adversarial_loss(LOGITS, torch.zeros(3)), "float32"),
        (lambda: scene_adversarial_loss(LOGITS, torch.zeros(3).bool()), "bool"),
        (lambda: scene_adversarial_loss(LOGITS, torch.full((3, 5), 0.2)), r"\(3, 5\)"),
        (lambda: scene_adversarial_loss(LOGITS, torch.ones(3, 4)), "sums 4"),
        (lambda: scene_adversarial_loss(LOGITS, torch.ones(3, 4).long()), "int64"),
        (
            lambda: scene_adversarial_loss(LOGITS, torch.tensor([[2.0, -1, 0, 0]] * 3)),
            "from -1",
        ),
    ],
)
def test_losses_name_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --------------------------------------------------------------------------- heads


def test_the_heads_have_the_released_number_of_parameters():
    assert count(SceneHead(512, 365)) == 978_285
    assert count(SceneHead(512, 200, hidden=(512,))) == 366_280
    kinds = [type(layer) for layer in SceneHead(512, 365).layers]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 3 + [nn.Linear]


def test_options_change_the_layers_as_told():
    assert count(SceneHead(64, 8, (), "none")) == 64 * 8 + 8
    assert count(SceneHead(64, 8, (32,), "none")) == 64 * 32 + 32 + 32 * 8 + 8
    extra = count(SceneHead(64, 8, (32,), "layer")) - count(
        SceneHead(64, 8, (32,), "none")
    )
    assert extra == 2 * 32
    # The action's label costs one more input each.
    told = ConditionalSceneHead(64, 8, 6, (32,), "none")
    assert count(told) == count(SceneHead(64 + 6, 8, (32,), "none"))


def test_a_told_head_ignores_neither_features_nor_label():
    head = ConditionalSceneHead(16, 5, actions=4, hidden=(32,)).eval()
    one, two = torch.randn(2, 1, 16).expand(2, 4, 16).contiguous()
    logits = head(one, torch.arange(4))
    distances = torch.cdist(logits, logits) + 9 * torch.eye(4)
    assert distances.min() > 1e-3  # each label says something else
    moved = head(two, torch.arange(4)) - logits
    assert moved.norm(dim=1).min() > 0.01
    # With a hidden layer the label also changes how the features are read.
    assert (moved - moved[0]).norm(dim=1)[1:].min() > 1e-3


def test_without_hidden_layers_the_label_only_shifts():
    head = ConditionalSceneHead(16, 5, actions=4, hidden=())
    one, two = torch.randn(2, 3, 16)
    labels = torch.tensor([0, 1, 2])
    zero = torch.zeros(3, dtype=torch.long)
    shift = head(one, labels) - head(one, zero)
    assert torch.allclose(shift, head(two, labels) - head(two, zero), atol=1e-6)
    assert shift[1:].abs().max() > 0.01


def test_a_head_that_reads_the_scene_off_the_label_wants_nothing_of_the_features():
    """Where the action gives the scene away, only a plain head presses on features."""
    actions = torch.arange(32) % 4  # the scene is the action
    x = (F.one_hot(actions, 4) + 0.1 * torch.randn(32, 4)).requires_grad_()
    informed = ConditionalSceneHead(4, 4, actions=4, hidden=())
    informed.layers[0].weight.data = torch.cat(
        [torch.zeros(4, 4), 50 * torch.eye(4)], 1
    )
    plain = SceneHead(4, 4, hidden=())
    plain.layers[0].weight.data = 2 * torch.eye(4)
    pressure = []
    for logits in (informed(x, actions), plain(x)):
        loss = scene_adversarial_loss(logits, actions)
        pressure.append(torch.autograd.grad(loss, x)[0].norm())
    assert pressure[0] == 0 and pressure[1] > 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SceneHead(0, 5), r"\(0, 5"),
        (lambda: SceneHead(4, 5, (0,)), r"\(4, 5, 0\)"),
        (lambda: SceneHead(4, 5, norm="group"), "group"),
        (lambda: SceneHead(4, 5)(torch.zeros(2, 3)), r"\(B, 4\), got \(2, 3\)"),
        (lambda: SceneHead(4, 5)(torch.zeros(2, 4, 1)), r"got \(2, 4, 1\)"),
        (lambda: ConditionalSceneHead(4, 5, 0), r"\(4, 5, 0"),
        (lambda: told(torch.tensor([0])), r"whole \(2,\), got \(1,\)"),
        (lambda: told(torch.tensor([0.0, 1.0])), "float32"),
        (lambda: told(torch.tensor([0, 3])), r"0 \.\. 2, got 0 \.\. 3"),
        (lambda: told(torch.tensor([-1, 0])), r"got -1 \.\. 0"),
    ],
)
def test_heads_name_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def told(action):
    return ConditionalSceneHead(4, 5, actions=3)(torch.zeros(2, 4), action)
