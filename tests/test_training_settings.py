"""The recipe: the schedules' shapes, the optimisers, and what is refused."""

import pytest
import torch
from torch import nn

from course.training import TrainSettings, learning_rate_factor
from course.training.settings import make_optimizer, set_learning_rate


def factors(planned, **changes):
    settings = TrainSettings(steps=planned, **changes)
    return [learning_rate_factor(settings, s, planned) for s in range(planned)]


@pytest.mark.parametrize("planned", [10, 37, 1000])
def test_one_cycle_is_pytorchs(planned):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=planned, cycle_momentum=False
    )
    expected = []
    for _ in range(planned):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step() if len(expected) < planned else None
    assert factors(planned) == pytest.approx(expected, abs=1e-9)


def test_cosine_is_pytorchs_and_warms_up():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    expected = []
    for _ in range(50):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert factors(50, schedule="cosine") == pytest.approx(expected)
    warm = factors(50, schedule="cosine", warmup=0.2)
    assert warm[:10] == pytest.approx([(s + 1) / 10 for s in range(10)])
    assert warm[10:] == pytest.approx(factors(40, schedule="cosine"))


def test_step_and_constant():
    assert factors(10, schedule="constant") == [1.0] * 10
    steps = factors(10, schedule="step", milestones=(0.5, 0.8))
    assert steps == pytest.approx([1.0] * 5 + [0.1] * 3 + [0.01] * 2)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant", "step"])
@pytest.mark.parametrize("planned", [1, 2, 3])
def test_the_shortest_runs_have_a_rate(schedule, planned):
    for warmup in (None, 0.0, 0.9):
        rates = factors(planned, schedule=schedule, warmup=warmup)
        assert all(0 <= rate <= 1 for rate in rates)


def test_groups_keep_their_own_highest_rate():
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    model = nn.ParameterList([a, b])
    settings = TrainSettings(steps=1, optimizer="sgd", learning_rate=0.1)
    optimizer = make_optimizer(
        model, settings, lambda m: [{"params": [a]}, {"params": [b], "lr": 0.4}]
    )
    for factor in (0.5, 0.25):  # not compounded
        set_learning_rate(optimizer, factor)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([0.1 * factor, 0.4 * factor])
    assert optimizer.defaults["momentum"] == 0.9


def test_frozen_parameters_stay_out():
    model = nn.Linear(2, 2)
    model.weight.requires_grad = False
    optimizer = make_optimizer(model, TrainSettings(steps=1))
    assert [p.shape for p in optimizer.param_groups[0]["params"]] == [(2,)]
    model.bias.requires_grad = False
    with pytest.raises(ValueError, match="no trainable parameter"):
        make_optimizer(model, TrainSettings(steps=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "steps or epochs"),
        ({"steps": 1, "epochs": 1}, "steps or epochs"),
        ({"steps": 0}, "steps must be positive, got 0"),
        ({"steps": 1, "optimizer": "lamb"}, "'lamb'"),
        ({"steps": 1, "schedule": "linear"}, "'linear'"),
        ({"steps": 1, "mixed_precision": "fp16"}, "'fp16'"),
        ({"steps": 1, "accumulate": 0}, "accumulate must be at least 1"),
        ({"steps": 1, "warmup": 5}, "share of the steps.*got 5"),
        ({"steps": 1, "learning_rate": float("nan")}, "learning_rate must be positive"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainSettings(**changes)


def test_identity_leaves_out_how_a_run_is_watched():
    a = TrainSettings(steps=5, log_every=1, workers=3, checkpoint_every=2)
    assert a.identity() == TrainSettings(steps=5).identity()
    assert a.identity() != TrainSettings(steps=6).identity()
