"""An exercise on soft-argmax, MotionSqueeze, equation (2): the mean of the offsets."""

from __future__ import annotations

import torch

from course.motion_squeeze.exercises.window import offsets
from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong, same


def reach_of(scores) -> int:
    """Largest displacement of scores (B, P, P, H, W), in cells.

    >>> reach_of(torch.zeros(1, 15, 15, 2, 2))
    7
    """
    return scores.shape[1] // 2


def _mean_offset(weights):
    """Weights (B, P, P, H, W) -> sum of weight times offset, (B, 2, H, W)."""
    where = offsets(reach_of(weights)).to(weights.dtype)
    return torch.einsum("bijhw,cij->bchw", weights, where)


def _weights(scores, temperature=0.01):
    flat = (scores / temperature).flatten(1, 2).softmax(1)
    return flat.view_as(scores)


def soft_estimate(scores, temperature=0.01):
    """Soft-argmax of scores (B, P, P, H, W): (B, 2, H, W), (dx, dy) in cells.

    >>> bool(soft_estimate(torch.zeros(1, 3, 3, 1, 1)).abs().max() < 1e-6)
    True
    """
    return _mean_offset(_weights(scores, temperature))


def peak(scores):
    """Offset of the best match, (B, 2, H, W), (dx, dy).

    >>> peak(torch.eye(9)[2].view(1, 3, 3, 1, 1)).flatten().tolist()  # top right
    [1.0, -1.0]
    """
    side = scores.shape[1]
    best = scores.flatten(1, 2).argmax(1)
    return torch.stack([best % side, best // side], 1).to(scores) - side // 2


def _raw_exponentials(scores, temperature=0.01):
    power = (scores / temperature).exp()
    return _mean_offset(power / power.sum((1, 2), keepdim=True))


def _pooled_scores(scores, temperature=0.01):
    pooled = (_weights(scores, temperature) * scores).sum((1, 2))
    return torch.stack([pooled, pooled], 1)


SOFT_SLIPS = {
    "takes the argmax": (
        lambda s, t=0.01: peak(s),
        "these are whole numbers: you took the argmax. Its gradient is zero, nothing "
        "would be learned; average the offsets",
    ),
    "forgets the centre": (
        lambda s, t=0.01: soft_estimate(s, t) + reach_of(s),
        "offsets run from -reach to +reach, not from 0 to P - 1: standing still must "
        "give (0, 0)",
    ),
    "(dy, dx)": (
        lambda s, t=0.01: soft_estimate(s, t).flip(1),
        "the channels are swapped: first dx, then dy, while the scores have dy before "
        "dx",
    ),
    "no temperature": (
        lambda s, t=0.01: soft_estimate(s, 1.0),
        "the temperature is missing: scores between 0 and 1 give nearly equal weights",
    ),
    "multiplies": (
        lambda s, t=0.01: soft_estimate(s, 1 / t),
        "divide by the temperature: a small one must make the weights *sharper*",
    ),
    "rows apart": (
        lambda s, t=0.01: _mean_offset((s / t).softmax(2)),
        "each row's weights sum to one, so all of them sum to P: one softmax over all "
        "P * P offsets",
    ),
    "over the places": (
        lambda s, t=0.01: _mean_offset((s / t).flatten(3).softmax(3).view_as(s)),
        "this softmax runs over the places: each place needs weights over *its* "
        "window, axes 1 and 2",
    ),
    "not divided by the sum": (
        lambda s, t=0.01: _mean_offset((s / t).exp()),
        "these weights do not sum to one: divide by their sum",
    ),
    "the scores' mean": (
        _pooled_scores,
        "this averages the scores. What is averaged are the *coordinates* of the "
        "offsets",
    ),
    "in [-1, 1]": (
        lambda s, t=0.01: soft_estimate(s, t) / reach_of(s),
        "this is divided by the reach, as in the official code; asked for are cells",
    ),
}


def _check_soft(estimate) -> None:
    s = drawn(2, 5, 5, 3, 4).sigmoid()
    for temperature in (0.2, 0.5):
        told_apart(
            estimate(s, temperature),
            soft_estimate(s, temperature),
            {hint: slip(s, temperature) for slip, hint in SOFT_SLIPS.values()},
            "Weights over the P * P offsets of a place, then the mean of the offsets.",
        )
    sure = torch.zeros(1, 5, 5, 1, 1)
    sure[0, 1, 4] = 1.0  # one up, two right
    out = estimate(sure, 0.01)
    if not torch.isfinite(torch.as_tensor(out)).all():
        raise Wrong(
            "a score of 1 at temperature 0.01 gives nan: e^100 does not fit into 32 "
            "bits. `softmax` subtracts the largest value first"
        )
    same(out.flatten(), [2.0, -1.0], "One sure match: two right, one up.", 1e-4)


SOFT_ARGMAX = Exercise(
    id="motion_squeeze-3",
    title="Soft-argmax by hand",
    difficulty=2,
    minutes=10,
    task="Write `soft_argmax(scores, temperature)` for scores `(B, P, P, H, W)`, "
    "window axes (dy, dx): softmax of `scores / temperature` over the `P * P` offsets "
    "of each place, then the mean of the offsets under these weights. Return `(B, 2, "
    "H, W)` in cells, channels (dx, dy).",
    function="soft_argmax",
    stub="def soft_argmax(scores, temperature=0.01):\n    ...  # (B, 2, H, W)",
    solution="import torch\n\n\n"
    "def soft_argmax(scores, temperature=0.01):\n"
    "    B, P, _, H, W = scores.shape\n"
    "    weights = (scores / temperature).flatten(1, 2).softmax(dim=1)\n"
    "    weights = weights.view(B, P, P, H, W)\n"
    "    steps = torch.arange(P, dtype=scores.dtype, device=scores.device) - P // 2\n"
    "    steps = steps.view(1, P, 1, 1)\n"
    "    dx = (weights.sum(dim=1) * steps).sum(dim=1)  # dy summed out: (B, P, H, W)\n"
    "    dy = (weights.sum(dim=2) * steps).sum(dim=1)\n"
    "    return torch.stack([dx, dy], dim=1)",
    hints=(
        "No argmax anywhere. A place has P * P weights that sum to one; each belongs "
        "to an offset (dy, dx).",
        "`flatten(1, 2).softmax(1)` makes the weights. Sum out dy, multiply by -reach, "
        "..., +reach, sum: that is dx.",
    ),
    test=_check_soft,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SOFT_SLIPS.items()},
        "bare exponentials": _raw_exponentials,
    },
)
