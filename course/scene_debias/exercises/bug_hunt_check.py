"""The exercise of the bug hunt: which repair was tried, and what it does."""

from __future__ import annotations

import torch

from course.scene_debias.exercises.bug_hunt import (
    BUG,
    FUNCTION,
    REPAIRED,
    SOURCE,
    broken,
    built,
    repaired,
    slopes,
    variant,
)
from course.teaching.diagnosis import drawn, equal
from course.teaching.exercise import Exercise, Wrong

WIDTHS = (3, 7, 8)
WRITE = BUG.strip()
STILL = (
    "the symptom is still there: what backward says of a stage is not its slope. Ask "
    "`shortcut` alone: has its result `requires_grad`?"
)


def _by_convolution(widths=(4, 8, 16)):
    net = repaired(widths)
    for block in net:
        narrow, wide = block.conv1.in_channels, block.width
        block.match = torch.nn.Conv3d(narrow, wide, 1, block.stride, bias=False)
        block.shortcut = block.match
    return net


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def _doubled(widths=(4, 8, 16)):
    net = repaired(widths)
    for block in net:
        right = block.shortcut
        block.shortcut = lambda x, right=right: _Doubled.apply(right(x))
    return net


def _same_network(stages):
    """The learner's network with the weights of the right one, and the right one."""
    net, right = built(stages, WIDTHS), built(repaired, WIDTHS)
    try:
        net.load_state_dict(right.state_dict())
    except RuntimeError:
        raise Wrong(
            "the network has other parameters now. A shortcut of type A has none, and "
            "that was right"
        ) from None
    return net, right


def _check_repair(stages) -> None:
    net, right = _same_network(stages)
    x = drawn(2, 3, 6, 8, 8)
    for number, (stage, wanted) in enumerate(zip(net, right, strict=True), 1):
        _check_stage(stage, wanted, x, f"stage {number}")
        x = wanted(x).detach()
    _tell(stages)


def _check_stage(stage, wanted, x, name) -> None:
    found, values = stage(x), wanted(x)
    if found.shape != values.shape or not equal(found, values):
        without = torch.relu(wanted.norm2(wanted.conv2(_first(wanted, x))))
        if equal(found, without):
            raise Wrong(
                f"{name} has lost its shortcut: its values are gone with the bug"
            )
        raise Wrong(
            f"{name} gives other values now. The values were right: every other cell, "
            "old channels first, zeros behind them"
        )
    by_hand, gradient = slopes(stage, x)
    if abs(gradient - by_hand) < 1e-4 * max(1.0, abs(by_hand)):
        return
    if abs(gradient - _without_shortcut(wanted, x)) < 1e-4:
        raise Wrong(STILL)
    raise Wrong(
        f"{name}: the gradient has changed, and still is not the slope: {by_hand:.2f} "
        f"by hand, {gradient:.2f} by backward. Each of the two ways carries its own, "
        "once"
    )


def _first(block, x):
    return torch.relu(block.norm1(block.conv1(x)))


def _without_shortcut(block, x) -> float:
    """The slope that backward says when only the convolutions let a gradient back."""
    right = block.shortcut
    block.shortcut = lambda x: right(x).detach()
    try:
        return slopes(block, x)[1]
    finally:
        del block.shortcut


def _tell(stages) -> None:
    found = []
    for make in (broken, stages):
        net = built(make)
        x = drawn(2, 4, 8, 8, 8).requires_grad_()
        (gradient,) = torch.autograd.grad((net(x) * drawn(2, 16, 2, 2, 2)).sum(), x)
        found.append(gradient.flatten())
    before, now = found
    angle = torch.rad2deg(torch.cosine_similarity(before, now, dim=0).acos())
    print(
        f"Before, the gradient behind two such stages was {angle:.0f} degrees off, at "
        f"{before.norm() / now.norm():.2f} of its length.\nThe action's and the "
        "reversed one alike: the network trained on, and nobody noticed."
    )


BUG_HUNT = Exercise(
    id="scene_debias-bug",
    title="The short way back",
    difficulty=3,
    minutes=15,
    task="These residual stages compute the right values, train without an error and "
    "pass every test of shapes. But behind a gradient reversal the early layers hear "
    "the scene head only in part. One line is to blame: find it, repair it (values and "
    "parameters stay as they are), and take out the line that stops the function. "
    f"`print(symptom({FUNCTION}))` compares, for each stage, how fast its output "
    "really changes with what backward says.",
    function=FUNCTION,
    stub=SOURCE.replace(
        "    pairs = zip",
        "    raise NotImplementedError  # take this line out when you have found it\n"
        "    pairs = zip",
    ),
    solution=REPAIRED,
    hints=(
        "A block has two ways back: through its convolutions and around them. Switch "
        "one off. Does `block.shortcut(x)` require a gradient when `x` does?",
        "`.data` occurs twice; one use is harmless. Which one passes on numbers that "
        "depend on x?",
    ),
    test=_check_repair,
    wrong_answers={
        "only lets it run": broken,
        "the harmless one": variant("kept.data.new_zeros", "kept.new_zeros"),
        "asks for a gradient": variant(
            "        return wide\n", "        return wide.requires_grad_()\n"
        ),
        "a copy of it": variant(WRITE, WRITE + ".clone()"),
        "detach instead": variant(
            WRITE, "wide[:, : kept.shape[1]] = kept.detach()  # safer than .data"
        ),
        "no shortcut": variant("out + self.shortcut(x)", "out"),
        "zeros first": variant(
            WRITE, "wide[:, self.width - kept.shape[1] :] = kept", SOURCE
        ),
        "means of cells": variant(
            "x[:, :, :: self.stride, :: self.stride, :: self.stride]",
            "nn.functional.avg_pool3d(x, self.stride)",
            REPAIRED,
        ),
        "a convolution": _by_convolution,
        "twice the gradient": _doubled,
        "the input cut off": variant(
            "self.conv1(x)", "self.conv1(x.detach())", REPAIRED
        ),
    },
)
