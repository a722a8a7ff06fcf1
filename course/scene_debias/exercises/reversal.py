"""An exercise on gradient reversal (Ganin and Lempitsky, ICML 2015) in PyTorch.

Forward the identity, backward minus `strength` times the gradient that comes.
"""

from __future__ import annotations

import torch

from course.teaching.diagnosis import drawn, equal, told_apart
from course.teaching.exercise import Exercise, Wrong


def _layer(backward, forward=lambda x: x.view_as(x)):
    """A layer from its backward (gradient, strength), as a learner would write it."""

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, strength):
            ctx.strength = strength
            return forward(x)

        @staticmethod
        def backward(ctx, gradient):
            return backward(gradient, ctx.strength)

    return Layer.apply


def _by_a_hook(x, strength):
    x.register_hook(lambda gradient: -strength * gradient)
    return x


def _off_at_zero(x, strength):
    right = _layer(lambda g, s: (-s * g, None))
    return right(x, strength) if strength else x


BACKWARD_SLIPS = {
    "forgets the minus": (
        lambda g, s: s * g,
        "the minus is missing: the features still *help* the scene head, only at "
        "another speed",
    ),
    "forgets the strength": (
        lambda g, s: -g,
        "turned round, but not scaled: the strength is missing",
    ),
    "an ordinary layer": (
        lambda g, s: g,
        "the gradient comes back unchanged: an identity, forward and backward",
    ),
    "ignores the gradient": (
        lambda g, s: -s * torch.ones_like(g),
        "-strength itself comes back, whatever came in: multiply it with the gradient",
    ),
    "divides": (
        lambda g, s: -g / s if s else g * 0,
        "you divide by the strength where you should multiply",
    ),
    "keeps the sign only": (
        lambda g, s: -s * g.sign(),
        "only the gradient's sign is left: keep its size",
    ),
}


IN_PLACE = (
    "you change the incoming gradient in place; autograd hands the same tensor to "
    "others. Return a new one"
)
NO_GRADIENT = "the strength is a setting: its gradient is None"


def _sent_back(layer, strength):
    """The gradient that arrives at x, and the one that was sent in."""
    x = drawn(3, 4).requires_grad_()
    out = layer(x, strength)
    sent = drawn(3, 4, seed=1)
    try:
        out.backward(sent.clone())
    except RuntimeError as error:
        if "different than None" in str(error):
            raise Wrong(NO_GRADIENT) from None
        if "incorrect number of gradients" in str(error):
            raise Wrong(
                "`backward` returns one gradient for each input of `forward`: two. "
                "The strength gets None"
            ) from None
        if "does not require grad" in str(error):
            raise Wrong("forward cuts the gradient off: nothing comes back") from None
        raise
    if x.grad is None:
        raise Wrong("no gradient arrives: what does `backward` return?")
    return x.grad, sent


def _check_reversal(layer) -> None:
    told_apart(
        layer(drawn(3, 4).requires_grad_(), 2.0),
        drawn(3, 4),
        {"forward turns the *values* round; they pass unchanged": -drawn(3, 4)},
        "forward the values pass unchanged, whatever the strength.",
    )
    for strength in (0.5, 2.0):
        found, sent = _sent_back(layer, strength)
        slips = {hint: slip(sent, strength) for slip, hint in BACKWARD_SLIPS.values()}
        told_apart(
            found,
            -strength * sent,
            slips,
            f"strength {strength}: back comes -{strength} times what is sent in.",
        )
    if _sent_back(layer, 0.0)[0].any():
        raise Wrong(
            "at strength 0 nothing may come back: a plain identity lets the whole "
            "gradient through, and the features *help* the head"
        )
    _check_neighbours(layer)
    _check_strength_input(layer)
    _tell(layer)


def _check_neighbours(layer) -> None:
    """Features go to the action head too, and gradients are shared."""
    weights = drawn(3, 4, seed=1)
    for order in (1, -1):
        a, b = drawn(3, 4).requires_grad_(), drawn(3, 4).requires_grad_()
        parts = [b * 1, layer(a * 1, 0.5)][::order]
        ((parts[0] + parts[1]) * weights).sum().backward()
        if not equal(b.grad, weights):
            raise Wrong(IN_PLACE)
    leaf = drawn(3, 4).requires_grad_()
    features = 1 * leaf
    ((features + layer(features, 0.5)) * weights).sum().backward()
    if not equal(leaf.grad, 0.5 * weights):
        raise Wrong(
            "beside the reversed copy the features also go to the action head, whose "
            "gradient must come back as it is: you changed `x` itself, or its gradient"
        )


def _check_strength_input(layer) -> None:
    strength = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    _sent_back(layer, strength)
    if strength.grad is not None and strength.grad.abs() > 1e-9:
        raise Wrong(NO_GRADIENT)


def _tell(layer) -> None:
    x = drawn(3).requires_grad_()
    try:
        torch.autograd.gradcheck(lambda x: layer(x, 0.5), x)
    except RuntimeError:
        print(
            "gradcheck compares a layer with finite differences: these say +1, yours "
            "says -0.5,\nand it fails. So it must: no function with these values has "
            "this derivative."
        )


REVERSAL = Exercise(
    id="scene_debias-4",
    title="A layer whose derivative is a lie",
    difficulty=2,
    minutes=12,
    task="Write the gradient reversal: `reversal(x, strength)` gives the values of "
    "`x`; on the way back the gradient is multiplied by `-strength`. Strength 0 lets "
    "nothing back; the strength itself gets no gradient. Fill the two methods of the "
    "`torch.autograd.Function` (or do it your own way).",
    function="reversal",
    stub="import torch\n\n\n"
    "class Reversal(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, x, strength):\n"
    "        ...  # keep in ctx what backward needs; return x, as a view\n\n"
    "    @staticmethod\n"
    "    def backward(ctx, gradient):\n"
    "        ...  # a gradient for each input of forward\n\n\n"
    "def reversal(x, strength):\n"
    "    return Reversal.apply(x, strength)",
    solution="import torch\n\n\n"
    "class Reversal(torch.autograd.Function):\n"
    "    @staticmethod\n"
    "    def forward(ctx, x, strength):\n"
    "        ctx.strength = strength\n"
    "        return x.view_as(x)\n\n"
    "    @staticmethod\n"
    "    def backward(ctx, gradient):\n"
    "        return -ctx.strength * gradient, None\n\n\n"
    "def reversal(x, strength):\n"
    "    return Reversal.apply(x, strength)",
    hints=(
        "`ctx` is the same object in both methods: `ctx.strength = strength`.",
        "`forward` has two inputs, x and strength, so `backward` returns two things: "
        "`-ctx.strength * gradient` and `None`.",
    ),
    test=_check_reversal,
    wrong_answers={
        **{
            mistake: _layer(lambda g, s, slip=slip: (slip(g, s), None))
            for mistake, (slip, _) in BACKWARD_SLIPS.items()
        },
        "turns the values": _layer(lambda g, s: (-s * g, None), lambda x: -x),
        "one gradient only": _layer(lambda g, s: -s * g),
        "returns nothing": _layer(lambda g, s: (None, None)),
        "detaches": lambda x, strength: x.detach(),
        "off at zero": _off_at_zero,
        "a hook on x": _by_a_hook,
        "in place": _layer(lambda g, s: (g.neg_().mul_(s), None)),
        "a gradient for the strength": _layer(lambda g, s: (-s * g, g.sum())),
    },
)
