"""Exercises on matching: the correlation of two feature maps, and what it costs.

MotionSqueeze, equation (1): s(x, p) is the dot product of frame t's features at x and
frame t + 1's at x + p. The official code gives 0 where x + p lies outside.
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize, pad

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong, same


def _scores(f1, f2, reach, mode="constant"):
    """Equation (1) by shifted slices, (B, P, P, H, W)."""
    span, (height, width) = range(2 * reach + 1), f1.shape[2:]
    wide = pad(f2, (reach,) * 4, mode=mode)
    rows = [
        [(f1 * wide[..., i : i + height, j : j + width]).sum(1) for j in span]
        for i in span
    ]
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def _differences(f1, f2, reach):
    square = f1.square().sum(1)[:, None, None] + _scores(
        torch.ones_like(f2), f2.square(), reach
    )
    return 2 * _scores(f1, f2, reach) - square


CORRELATION_SLIPS = {
    "sign flipped": (
        lambda a, b, n: _scores(a, b, n).flip(1, 2),
        "this looks at x - p: what has moved right by 2 must score at dx = +2, index "
        "reach + 2",
    ),
    "dx and dy swapped": (
        lambda a, b, n: _scores(a, b, n).transpose(1, 2),
        "dx and dy are swapped: the first window axis is dy, down",
    ),
    "the other frame stays": (
        lambda a, b, n: _scores(b, a, n),
        "the frames are swapped: x is a place in frame 1, x + p one in frame 2",
    ),
    "wraps around": (
        lambda a, b, n: _scores(a, b, n, "circular"),
        "what leaves on the right comes back on the left: `roll` wraps around. "
        "Outside the map the score is 0",
    ),
    "repeats the border": (
        lambda a, b, n: _scores(a, b, n, "replicate"),
        "beyond the border you repeat it, and outside becomes a fine match. There the "
        "score is 0",
    ),
    "divided by C": (
        lambda a, b, n: _scores(a, b, n) / a.shape[1],
        "divided by C: equation (1) is a plain sum over the channels",
    ),
    "cosines": (
        lambda a, b, n: _scores(normalize(a), normalize(b), n),
        "these are cosines. Normalising is a step of its own, before; here it is the "
        "plain dot product",
    ),
    "differences": (
        _differences,
        "this is a (squared) difference of features. Equation (1) is a product, "
        "summed over channels",
    ),
}


def _check_correlation(correlation) -> None:
    for reach, shape in ((2, (2, 3, 4, 6)), (1, (1, 5, 3, 2))):
        f1, f2 = drawn(*shape), drawn(*shape, seed=1)
        right = _scores(f1, f2, reach)
        mistakes = {
            hint: slip(f1, f2, reach) for slip, hint in CORRELATION_SLIPS.values()
        }
        mistakes["the order of the axes is (B, P, P, H, W): window first, map last"] = (
            right.permute(0, 3, 4, 1, 2)
        )
        mistakes["the window reaches to *both* sides: P = 2 reach + 1"] = right[
            :, reach:, reach:
        ]
        size, (count, _, height, width) = 2 * reach + 1, shape
        told_apart(
            correlation(f1, f2, reach),
            right,
            mistakes,
            f"reach {reach}, map {height} x {width}: "
            f"{(count, size, size, height, width)} scores.",
        )
    out = correlation(f1.requires_grad_(), f2, 1)
    if not out.requires_grad:
        raise Wrong(
            "the scores are right, but no gradient reaches the features: `.item()`, "
            "`float()` and `.detach()` cut it off"
        )


CORRELATION = Exercise(
    id="motion_squeeze-2",
    title="Compare every place with its neighbourhood",
    difficulty=2,
    minutes=12,
    task="Write `correlation(f1, f2, reach)` for two feature maps `(B, C, H, W)`: "
    "scores `(B, P, P, H, W)` with `P = 2 * reach + 1`, where entry `[b, reach + dy, "
    "reach + dx, y, x]` is the dot product over channels of `f1` at `(y, x)` and `f2` "
    "at `(y + dy, x + dx)`, or 0 if that place is outside. Loops are welcome.",
    function="correlation",
    stub="def correlation(f1, f2, reach):\n    ...  # (B, P, P, H, W)",
    solution="import torch\nfrom torch.nn.functional import pad\n\n\n"
    "def correlation(f1, f2, reach):\n"
    "    (B, C, H, W), P = f1.shape, 2 * reach + 1\n"
    "    wide = pad(f2, (reach,) * 4)  # zeros all around\n"
    "    scores = f1.new_zeros(B, P, P, H, W)\n"
    "    for i in range(P):  # dy = i - reach\n"
    "        for j in range(P):  # dx = j - reach\n"
    "            moved = wide[:, :, i : i + H, j : j + W]\n"
    "            scores[:, i, j] = (f1 * moved).sum(dim=1)\n"
    "    return scores",
    hints=(
        "One offset at a time: all places at once. Shift frame 2 so that what was at x "
        "+ p lies at x, multiply, sum over channels.",
        "Pad `f2` with `reach` zeros on each side. The slice that starts at row `i` "
        "and column `j` of the padded map is the shift by (i - reach, j - reach).",
    ),
    test=_check_correlation,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in CORRELATION_SLIPS.items()},
        "window last": lambda a, b, n: _scores(a, b, n).permute(0, 3, 4, 1, 2),
        "half a window": lambda a, b, n: _scores(a, b, n)[:, n:, n:],
        "no gradient": lambda a, b, n: _scores(a.detach(), b.detach(), n),
    },
)


def _cost(clips, frames, channels, height, width, reach):
    numbers = clips * (frames - 1) * height * width * (2 * reach + 1) ** 2
    return numbers * channels, 4 * numbers


def _inside(n: int, reach: int) -> int:
    """How many (place, offset) pairs on an axis of n stay inside."""
    return sum(max(n - abs(d), 0) for d in range(-reach, reach + 1))


def _cost_slips(clips, frames, channels, height, width, reach):
    work, size = _cost(clips, frames, channels, height, width, reach)
    side = 2 * reach + 1
    kept = _inside(height, reach) * _inside(width, reach)
    cells = height * width
    whole = clips * (frames - 1) * cells**2
    half = _cost(clips, frames, channels, height, width, 0)
    return {
        "P offsets down *and* P across: each place has P * P scores, not P": (
            work // side,
            size // side,
        ),
        "the window reaches to both sides: P = 2 reach + 1": (
            half[0] * reach**2,
            half[1] * reach**2,
        ),
        "with P = 2 reach the middle, no motion at all, is missing": (
            half[0] * (2 * reach) ** 2,
            half[1] * (2 * reach) ** 2,
        ),
        "T frames make T - 1 pairs": (
            work // (frames - 1) * frames,
            size // (frames - 1) * frames,
        ),
        "that is one clip: every clip has its own pairs": (
            work // clips,
            size // clips,
        ),
        "this compares all places with all places; the window is P x P": (
            whole * channels,
            4 * whole,
        ),
        "a multiply-add is one multiplication *and* one addition: count it once": (
            2 * work,
            size,
        ),
        "the work is right; the channels are summed up, so the scores have none": (
            work,
            size * channels,
        ),
        "the work is right; a 32-bit number has 4 bytes": (work, size // 4),
        "places outside count too: their zeros are computed and stored": (
            work // (cells * side**2) * kept,
            size // (cells * side**2) * kept,
        ),
        "the other way round: first multiply-adds, then bytes": (size, work),
    }


def _check_cost(cost) -> None:
    for case in ((1, 8, 64, 28, 28, 7), (48, 16, 32, 14, 10, 3)):
        names = "clips, frames, channels, height, width, reach"
        told_apart(cost(*case), _cost(*case), _cost_slips(*case), f"{names} = {case}.")
    same(cost(1, 2, 1, 1, 1, 0), (1, 4), "One pair of single numbers.")


def _slip(position: int):
    return lambda *case: list(_cost_slips(*case).values())[position]


COST = Exercise(
    id="motion_squeeze-6",
    title="What does matching cost?",
    difficulty=2,
    minutes=8,
    task="Write `matching_cost(clips, frames, channels, height, width, reach)`: a pair "
    "of whole numbers, the multiply-adds of the correlation of all neighbouring frames "
    "and the bytes of all its scores in 32 bits. Count every place and every offset, "
    "also those outside.",
    function="matching_cost",
    stub="def matching_cost(clips, frames, channels, height, width, reach):\n"
    "    ...  # (multiply-adds, bytes)",
    solution="def matching_cost(clips, frames, channels, height, width, reach):\n"
    "    pairs = clips * (frames - 1)\n"
    "    scores = pairs * height * width * (2 * reach + 1) ** 2\n"
    "    return scores * channels, scores * 4",
    hints=(
        "How many scores has one place of one pair? And how many pairs has a clip?",
        "One score is a dot product: as many multiply-adds as channels. What is kept "
        "of it is one number.",
    ),
    test=_check_cost,
    wrong_answers={
        "P instead of P squared": _slip(0),
        "reach instead of P": _slip(1),
        "P = 2 reach": _slip(2),
        "frames instead of pairs": _slip(3),
        "one clip": _slip(4),
        "all pairs of places": _slip(5),
        "counts twice": _slip(6),
        "stores the channels": _slip(7),
        "numbers, not bytes": _slip(8),
        "inside only": _slip(9),
        "bytes first": _slip(10),
    },
)

MATCHING = (CORRELATION, COST)
