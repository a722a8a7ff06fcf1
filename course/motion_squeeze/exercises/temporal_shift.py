"""An exercise on TSM's shift: some channels come from a neighbouring frame.

Temporal shift module, Lin et al., ICCV 2019; MSNet shifts in every residual block.
"""

from __future__ import annotations

import torch

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _move(part, by: int, edge: str):
    """Frame t gets frame t - by; what enters at the clip's end is `edge`."""
    out = part.roll(by, 1)
    end = 0 if by > 0 else -1
    if by and edge == "zeros":
        out[:, end] = 0
    if by and edge == "repeat":
        out[:, end] = part[:, end]
    return out


def _shifted(x, num_frames, fraction=8, by=(-1, 1), edge="zeros"):
    clips = x.unflatten(0, (-1, num_frames))
    fold = x.shape[1] // fraction
    parts = clips.split([fold, fold, x.shape[1] - 2 * fold], 2)
    moved = [_move(part, b, edge) for part, b in zip(parts, (*by, 0), strict=True)]
    return torch.cat(moved, 2).flatten(0, 1)


def _rest_lost(x, num_frames, fraction=8):
    out = _shifted(x, num_frames, fraction)
    out[:, 2 * (x.shape[1] // fraction) :] = 0
    return out


def _in_place(x, num_frames, fraction=8):
    return x.copy_(_shifted(x, num_frames, fraction))


def _frame_first(x, num_frames, fraction=8):
    turned = x.unflatten(0, (num_frames, -1)).transpose(0, 1).flatten(0, 1)
    out = _shifted(turned, num_frames, fraction).unflatten(0, (-1, num_frames))
    return out.transpose(0, 1).flatten(0, 1)


SHIFT_SLIPS = {
    "the other way round": (
        lambda x, n, k=8: _shifted(x, n, k, by=(1, -1)),
        "the directions are swapped: the first eighth comes from frame t + 1, so it "
        "moves towards the front",
    ),
    "across clips": (
        lambda x, n, k=8: _shifted(x, len(x), k),
        "the last frame of a clip has got channels from the next clip: separate B "
        "and T before you shift",
    ),
    "wraps around": (
        lambda x, n, k=8: _shifted(x, n, k, edge="wrap"),
        "the first frame's channels come back at the last frame: `roll` wraps "
        "around, TSM fills with zeros",
    ),
    "repeats the end frames": (
        lambda x, n, k=8: _shifted(x, n, k, edge="repeat"),
        "where no neighbour is, TSM puts zeros; you keep the frame's own channels",
    ),
    "one direction only": (
        lambda x, n, k=8: _shifted(x, n, k, by=(-1, 0)),
        "the second eighth has not moved: it comes from frame t - 1",
    ),
    "too many channels": (
        lambda x, n, k=8: _shifted(x, n, k // 2),
        "one part in `fraction` moves each way; here twice as many do",
    ),
    "loses the rest": (
        _rest_lost,
        "the channels that do not move are zero: they stay as they were",
    ),
    "frames first": (
        _frame_first,
        "the batch axis holds clip 1 in full, then clip 2: it splits into (B, T), "
        "not into (T, B)",
    ),
}


def _check_shift(shift) -> None:
    for clips, frames, channels, fraction in ((2, 4, 16, 8), (3, 2, 20, 8)):
        x = drawn(clips * frames, channels, 3, 2)
        told_apart(
            shift(x, frames, fraction),
            _shifted(drawn(*x.shape), frames, fraction),
            {
                hint: slip(drawn(*x.shape), frames, fraction)
                for slip, hint in SHIFT_SLIPS.values()
            },
            f"{clips} clips of {frames} frames, {channels} channels: "
            f"{channels // fraction} channels move each way.",
        )
        if not torch.equal(x, drawn(*x.shape)):
            raise Wrong("you changed `x` itself; the residual branch still needs it")


TEMPORAL_SHIFT = Exercise(
    id="motion_squeeze-1",
    title="Shift some channels in time",
    difficulty=1,
    minutes=8,
    task="`x` is `(B*T, C, H, W)`: clip 1's frames in order, then clip 2's. Write "
    "`temporal_shift(x, num_frames, fraction)`: of the `C` channels the first "
    "`C // fraction` take their values from frame t + 1, the next `C // fraction` "
    "from frame t - 1, all others stay. Where there is no such frame in the clip: "
    "zeros. Same shape out; `x` is left as it is.",
    function="temporal_shift",
    stub="def temporal_shift(x, num_frames, fraction=8):\n    ...  # (B*T, C, H, W)",
    solution="import torch\n\n\n"
    "def temporal_shift(x, num_frames, fraction=8):\n"
    "    clips = x.unflatten(0, (-1, num_frames))  # (B, T, C, H, W)\n"
    "    n = x.shape[1] // fraction\n"
    "    out = torch.zeros_like(clips)\n"
    "    out[:, :-1, :n] = clips[:, 1:, :n]  # from the next frame\n"
    "    out[:, 1:, n : 2 * n] = clips[:, :-1, n : 2 * n]  # from the one before\n"
    "    out[:, :, 2 * n :] = clips[:, :, 2 * n :]\n"
    "    return out.flatten(0, 1)",
    hints=(
        "Give time an axis of its own first: `x.unflatten(0, (-1, num_frames))`.",
        "Start from zeros and fill three blocks of channels. `out[:, :-1] = "
        "clips[:, 1:]` gives frame t what frame t + 1 had.",
    ),
    test=_check_shift,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SHIFT_SLIPS.items()},
        "changes x": _in_place,
        "keeps the clips apart": lambda x, n, k=8: _shifted(x, n, k).unflatten(
            0, (-1, n)
        ),
    },
)
