"""An exercise on pairs of frames: T frames, T - 1 comparisons, T maps.

MotionSqueeze's official code repeats the last displacement map, before the convolutions
that make features of it; so does this course by default.
"""

from __future__ import annotations

import torch

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong, same


def _halves(features, num_frames):
    clips = features.unflatten(0, (-1, num_frames))
    return clips[:, :-1], clips[:, 1:]


def _maps(features, num_frames, compare):
    """One map a pair: (B, T - 1, 3, H, W)."""
    first, second = _halves(features, num_frames)
    d = compare(first.flatten(0, 1), second.flatten(0, 1))
    return d.unflatten(0, (-1, num_frames - 1))


def _with(d, copy, front: bool = False):
    return torch.cat([copy, d] if front else [d, copy], 1).flatten(0, 1)


def _all_neighbours(features, num_frames, compare):
    d = compare(features[:-1], features[1:])
    return torch.cat([d, d[-1:]])


def _against_itself(features, num_frames, compare):
    clips = features.unflatten(0, (-1, num_frames))
    last = compare(clips[:, -1], clips[:, -1])
    return _with(_maps(features, num_frames, compare), last[:, None])


def _round_trip(features, num_frames, compare):
    clips = features.unflatten(0, (-1, num_frames))
    back = compare(clips[:, -1], clips[:, 0])
    return _with(_maps(features, num_frames, compare), back[:, None])


def _backwards(features, num_frames, compare):
    d = _maps(features, num_frames, lambda a, b: compare(b, a))
    return _with(d, d[:, -1:])


def _lasting(d, end=slice(-1, None), front: bool = False, factor: float = 1.0):
    return _with(d, factor * d[:, end], front)


FIRST = slice(0, 1)
LAST_SLIPS = {
    "pairs across clips": (
        _all_neighbours,
        "the last frame of clip 1 has been compared with the first frame of clip 2",
    ),
    "copies the first map": (
        lambda f, n, c: _lasting(_maps(f, n, c), FIRST),
        "the last frame has got a copy of the clip's *first* map",
    ),
    "copy at the front": (
        lambda f, n, c: _lasting(_maps(f, n, c), FIRST, front=True),
        "off by one: frame t should hold the comparison of t with t + 1, so the copy "
        "goes to the end",
    ),
    "zeros at the end": (
        lambda f, n, c: _lasting(_maps(f, n, c), factor=0.0),
        "the last frame has got zeros, as if everything stood still and nothing "
        "matched: repeat the clip's last map",
    ),
    "compares it with itself": (
        _against_itself,
        "the last frame is compared with itself, which always says no motion: repeat "
        "the clip's last map",
    ),
    "round to the first frame": (
        _round_trip,
        "the last frame is compared with the clip's first: a clip is no ring",
    ),
    "frames swapped": (
        _backwards,
        "compare(f_t, f_t+1): the earlier frame comes first, or all motion is reversed",
    ),
}


def _compare(first, second):
    """Stands in for matching: keeps what it was given, so that pairs can be told."""
    return torch.cat([first[:, :2], second[:, :1]], 1)


def _check_last(per_frame) -> None:
    for clips, frames in ((3, 4), (2, 2)):
        f = drawn(clips * frames, 5, 2, 3)
        d = _maps(f, frames, _compare)
        told_apart(
            per_frame(f, frames, _compare),
            _lasting(d),
            {hint: slip(f, frames, _compare) for slip, hint in LAST_SLIPS.values()}
            | {"one map a pair is there; every frame needs one": d.flatten(0, 1)},
            f"{clips} clips of {frames} frames: {clips * (frames - 1)} pairs, "
            f"{clips * frames} maps.",
        )
    same(per_frame(drawn(4, 5, 2, 3), 4, _compare).shape, (4, 3, 2, 3), "One clip.")
    try:
        out = per_frame(drawn(2, 5, 2, 3), 1, _compare)
    except ValueError as error:
        if "unflatten" in str(error):
            raise Wrong("num_frames = 1: let the message say what is wrong") from None
        return
    except Exception as error:
        raise Wrong(
            f"num_frames = 1 leaves no pair; it ended in a {type(error).__name__} "
            "from deep inside. Raise a ValueError that says so"
        ) from None
    raise Wrong(
        f"num_frames = 1 leaves no pair, you return {tuple(out.shape)}. Raise a "
        "ValueError that says so"
    )


def _guarded(answer):
    """An answer that also refuses single frames, as the task asks."""

    def guarded(features, num_frames, compare):
        if num_frames < 2:
            raise ValueError(f"needs two frames or more, got {num_frames}")
        return answer(features, num_frames, compare)

    return guarded


LAST_FRAME = Exercise(
    id="motion_squeeze-5",
    title="T frames, T - 1 comparisons",
    difficulty=2,
    minutes=10,
    task="`compare(f1, f2)` turns `N` pairs of feature maps, twice `(N, C, H, W)`, "
    "into displacement and confidence, `(N, 3, H, W)`. Write `per_frame(features, "
    "num_frames, compare)` for `features` `(B*T, C, H, W)`: compare every frame with "
    "the next one *of its clip*, let the last frame of a clip repeat the clip's last "
    "map, and return `(B*T, 3, H, W)`. A single frame has no next one: raise a "
    "`ValueError` that says so.",
    function="per_frame",
    stub="def per_frame(features, num_frames, compare):\n    ...  # (B*T, 3, H, W)",
    solution="import torch\n\n\n"
    "def per_frame(features, num_frames, compare):\n"
    "    if num_frames < 2:\n"
    '        raise ValueError(f"motion needs two frames or more, got {num_frames}")\n'
    "    clips = features.unflatten(0, (-1, num_frames))  # (B, T, C, H, W)\n"
    "    d = compare(clips[:, :-1].flatten(0, 1), clips[:, 1:].flatten(0, 1))\n"
    "    d = d.unflatten(0, (-1, num_frames - 1))  # (B, T - 1, 3, H, W)\n"
    "    return torch.cat([d, d[:, -1:]], dim=1).flatten(0, 1)",
    hints=(
        "With time as an axis of its own, the earlier frames are `clips[:, :-1]`, the "
        "later ones `clips[:, 1:]`.",
        "Fold both into one batch axis for `compare`, unfold the answer to (B, T - 1, "
        "...), append `d[:, -1:]` along time, fold again.",
    ),
    test=_check_last,
    wrong_answers={
        **{mistake: _guarded(slip) for mistake, (slip, _) in LAST_SLIPS.items()},
        "one map a pair": _guarded(lambda f, n, c: _maps(f, n, c).flatten(0, 1)),
        "nothing said of T = 1": lambda f, n, c: _lasting(_maps(f, n, c)),
        "T = 1 gives zeros": lambda f, n, c: (
            0 * f[:, :3] if n < 2 else _lasting(_maps(f, n, c))
        ),
    },
)
