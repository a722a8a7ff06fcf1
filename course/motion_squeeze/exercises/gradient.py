"""An exercise on the gradient of the kernel-soft-argmax, MotionSqueeze, equation (3).

The centre of the mask, an argmax, is a constant; so learning flows only through the
scores whose weights are not zero.
"""

from __future__ import annotations

import torch

from course.motion_squeeze.exercises.window import offsets
from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise


def _jacobian(scores, mask, temperature, centre=True, weigh=True):
    """d(dx, dy) / d scores, (2, P, P)."""
    where = offsets(len(scores) // 2)
    weights = (mask * scores / temperature).flatten().softmax(0).view_as(scores)
    mean = (weights * where).sum((1, 2), keepdim=True) if centre else 0.0
    return mask * (weights if weigh else 1.0) * (where - mean) / temperature


def _from_the_peak(scores, mask, temperature):
    side, best = len(scores), int(scores.argmax())
    peak = torch.tensor([best % side - side // 2, best // side - side // 2])
    shift = peak[:, None, None] - offsets(side // 2)
    weights = (mask * scores / temperature).flatten().softmax(0).view_as(scores)
    return -mask * weights * shift / temperature


def _unmasked(scores, mask, temperature):
    return mask * _jacobian(scores, torch.ones_like(mask), temperature)


JACOBIAN_SLIPS = {
    "forgets the mean": (
        lambda s, g, t: _jacobian(s, g, t, centre=False),
        "raising one score lowers all other weights: q - d, not q",
    ),
    "from the best match": (
        _from_the_peak,
        "the distance counts from the estimate d, not from the best offset",
    ),
    "the sign": (
        lambda s, g, t: -_jacobian(s, g, t),
        "the sign: a higher score at q pulls the estimate *towards* q",
    ),
    "forgets the temperature": (
        lambda s, g, t: _jacobian(s, g, t) * t,
        "1 / temperature is missing: the chain rule through s / temperature",
    ),
    "multiplies by the temperature": (
        lambda s, g, t: _jacobian(s, g, t) * t**2,
        "you multiply by the temperature where you should divide",
    ),
    "forgets the mask": (
        lambda s, g, t: _jacobian(s, g, t) / g,
        "g is missing in front: the chain rule through g s",
    ),
    "weights without the mask": (
        _unmasked,
        "the weights themselves come from the masked scores, g s",
    ),
    "forgets the weights": (
        lambda s, g, t: _jacobian(s, g, t, weigh=False),
        "the weight w is missing: an offset that nearly no one believes in has nearly "
        "no pull",
    ),
    "(dy, dx)": (
        lambda s, g, t: _jacobian(s, g, t).flip(0),
        "the two parts are swapped: first d dx / d s, then d dy / d s",
    ),
}


def _check_jacobian(gradient) -> None:
    s, g = drawn(5, 5).sigmoid(), drawn(5, 5, seed=1).sigmoid()
    for temperature in (0.5, 0.1):
        told_apart(
            gradient(s, g, temperature),
            _jacobian(s, g, temperature),
            {hint: slip(s, g, temperature) for slip, hint in JACOBIAN_SLIPS.values()},
            "w = softmax(g s / tau), d = sum of w q. Differentiate d by one score.",
        )


GRADIENT = Exercise(
    id="motion_squeeze-9",
    title="Where does the gradient go?",
    difficulty=3,
    minutes=15,
    task="One place: `scores` and `mask`, both `(P, P)`, window axes (dy, dx). The "
    "estimate is $d = \\sum_q w_q\\, q$ with $w = \\mathrm{softmax}(g s / \\tau)$ over "
    "all offsets $q$; the mask $g$ is a constant. Write `displacement_gradient(scores, "
    "mask, temperature)`: $\\partial d / \\partial s_q$ for every $q$, `(2, P, P)`, "
    "first of dx, then of dy. By hand, without autograd, if you can.",
    function="displacement_gradient",
    stub="def displacement_gradient(scores, mask, temperature):\n    ...  # (2, P, P)",
    solution="import torch\n\n\n"
    "def displacement_gradient(scores, mask, temperature):\n"
    "    P = len(scores)\n"
    "    w = (mask * scores / temperature).flatten().softmax(dim=0).view(P, P)\n"
    "    steps = torch.arange(P, dtype=scores.dtype) - P // 2\n"
    "    down, right = torch.meshgrid(steps, steps, indexing='ij')\n"
    "    q = torch.stack([right, down])  # (2, P, P)\n"
    "    d = (w * q).sum(dim=(1, 2), keepdim=True)\n"
    "    return mask * w * (q - d) / temperature",
    hints=(
        "Softmax: dw_r / dz_q = w_r (1[r = q] - w_q), with z = g s / tau. Put that "
        "into the sum over r.",
        "The sum becomes w_q (q - d). What is dz_q / ds_q?",
    ),
    test=_check_jacobian,
    wrong_answers={mistake: slip for mistake, (slip, _) in JACOBIAN_SLIPS.items()},
)
