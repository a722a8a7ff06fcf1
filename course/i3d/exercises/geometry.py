"""Exercises on lengths: padding, receptive fields, how many answers a clip gets.

I3D pads as TensorFlow's "SAME" does, so a layer of stride s turns n samples into
ceil(n / s); paper, section 2.4 and figure 3.
"""

from __future__ import annotations

from course.teaching.diagnosis import equal, told_apart
from course.teaching.exercise import Exercise, Wrong, same


def _check_padding(pad) -> None:
    told_apart(
        pad(64, 7, 2),
        (2, 3),
        {
            "k // 2 on both sides shifts the grid by one sample when the length is "
            "even: how far does the last window reach?": (3, 3),
            "The total is right, but the odd one out goes after the clip.": (3, 2),
            "The total is right; share it, half before and the rest after.": (0, 5),
            "The total is right; now say how much comes before and after.": 5,
        },
        "64 samples, stride 2: the 32nd window starts at 62 and needs 7.",
    )
    for arguments, right, hint in (
        ((79, 7, 2), (3, 3), "79 is odd: the padding depends on the length as well."),
        ((112, 3, 2), (0, 1), "An odd total: one more after than before."),
        ((7, 2, 2), (0, 1), "The last sample is left over: it needs a partner."),
        ((20, 2, 2), (0, 0), "Windows of 2 tile 20 samples: nothing is missing."),
        ((10, 1, 2), (0, 0), "Padding cannot be negative: a small kernel needs none."),
        ((9, 3, 1), (1, 1), "At stride 1 it is the padding you know."),
        ((10, 7, 4), (2, 3), "10 samples, stride 4: windows start at 0, 4 and 8."),
    ):
        got = pad(*arguments)
        if not equal(got, right):
            raise Wrong(f"you return {got} for n, k, s = {arguments}. {hint}")


SAME_PADDING = Exercise(
    id="i3d-2",
    title="Padding that depends on the length",
    difficulty=1,
    minutes=8,
    task="TensorFlow's SAME padding promises `ceil(n / s)` outputs for `n` samples at "
    "stride `s`, and adds as few zeros as that takes, half of them (rounded down) "
    "before and the rest after. Write `same_padding(n, k, s)` for a kernel of `k` "
    "samples: it returns the pair `(before, after)`.",
    function="same_padding",
    stub="def same_padding(n, k, s):\n    ...  # (before, after)",
    solution="def same_padding(n, k, s):\n"
    "    outputs = -(-n // s)  # ceil\n"
    "    missing = max((outputs - 1) * s + k - n, 0)\n"
    "    return missing // 2, missing - missing // 2",
    hints=(
        "The last of the ceil(n / s) windows starts (ceil(n / s) - 1) * s samples "
        "after the first. Where does it end?",
        "`-(-n // s)` is the ceiling. What the last window needs beyond the `n` "
        "samples is the total; it may come out negative.",
    ),
    test=_check_padding,
    wrong_answers={
        "the same on both sides": lambda n, k, s: (k // 2, k // 2),
        "one more before": lambda n, k, s: _padding(n, k, s)[::-1],
        "all of it after": lambda n, k, s: (0, sum(_padding(n, k, s))),
        "the total only": lambda n, k, s: sum(_padding(n, k, s)),
        "blind to the length": lambda n, k, s: ((k - s) // 2, k - s - (k - s) // 2),
        "may be negative": lambda n, k, s: _split((-(-n // s) - 1) * s + k - n),
        "rounds the outputs down": lambda n, k, s: _split(
            max((n // s - 1) * s + k - n, 0)
        ),
    },
)


def _split(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _padding(n: int, k: int, s: int) -> tuple[int, int]:
    return _split(max((-(-n // s) - 1) * s + k - n, 0))


# (kernel, stride) on one axis, up to the named pool; a mixed module counts as its
# longest way, a 1 and a 3. Values: the recursion; the first three are in figure 3.
TIME_TO_3A = [(7, 2), (1, 1), (1, 1), (3, 1), (1, 1)]
SPACE_TO_3A = [(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)]
MODULE = [(1, 1), (3, 1)]
TIME_TO_4A = [*TIME_TO_3A, *2 * MODULE, (3, 2)]
TIME_TO_5A = [*TIME_TO_4A, *5 * MODULE, (2, 2)]


def _check_field(field) -> None:
    told_apart(
        field([(7, 2), (3, 2)]),
        (11, 4),
        {
            "A layer's own stride moves the *next* layer's taps apart, not its "
            "own: widen first, then multiply the jump.": (21, 4),
            "Taps of the second layer lie one jump apart, so they count jump times "
            "each.": (9, 4),
            "A kernel of k adds k - 1 steps, the first tap is there already.": (14, 4),
            "Strides multiply: after two of them neighbours lie 2 * 2 inputs apart.": (
                11,
                5,
            ),
            "Right so far; return the jump too, as a pair.": 11,
            "Before the first layer you see one input, not none.": (10, 4),
        },
        "Two layers: the first sees 7 inputs and moves by 2, the second sees 3 of "
        "those, two inputs apart.",
    )
    for layers, right, words in (
        ([], (1, 1), "no layer: an output is one input, its neighbour the next"),
        ([(7, 2)], (7, 2), "one layer: its kernel and its stride"),
        (TIME_TO_3A, (11, 2), "I3D's time axis up to pool 3a, as in figure 3"),
        (SPACE_TO_3A, (27, 8), "I3D's space axes up to pool 3a, as in figure 3"),
        (TIME_TO_4A, (23, 4), "I3D's time axis up to pool 4a, as in figure 3"),
        (TIME_TO_5A, (67, 8), "I3D's time axis up to pool 5a"),
    ):
        got = field(layers)
        if not equal(got, right):
            raise Wrong(f"you return {got} for {words}")


RECEPTIVE_FIELD = Exercise(
    id="i3d-3",
    title="How far does an output see?",
    difficulty=2,
    minutes=8,
    task="Write `receptive_field(layers)` for a list of `(kernel, stride)` on one "
    "axis, first layer first. It returns `(rf, jump)`: how many inputs one output "
    "sees, and how many inputs lie between two neighbouring outputs.",
    function="receptive_field",
    stub="def receptive_field(layers):\n    ...  # (rf, jump)",
    solution="def receptive_field(layers):\n"
    "    rf, jump = 1, 1\n"
    "    for kernel, stride in layers:\n"
    "        rf += (kernel - 1) * jump\n"
    "        jump *= stride\n"
    "    return rf, jump",
    hints=(
        "Start with no layer at all: an output is an input, so both numbers are 1.",
        "A kernel of k reaches k - 1 steps further, each of the present jump. The "
        "stride then multiplies the jump.",
    ),
    test=_check_field,
    wrong_answers={
        "stride before kernel": lambda layers: _recursion(layers, early=True),
        "ignores the jump": lambda layers: (
            1 + sum(k - 1 for k, _ in layers),
            _recursion(layers)[1],
        ),
        "adds the whole kernel": lambda layers: _recursion(layers, less=0),
        "adds the strides": lambda layers: (
            _recursion(layers)[0],
            1 + sum(s for _, s in layers),
        ),
        "last layer first": lambda layers: _recursion(layers[::-1]),
        "the field only": lambda layers: _recursion(layers)[0],
        "starts at nothing": lambda layers: _recursion(layers, start=0),
    },
)


def _recursion(layers, less: int = 1, start: int = 1, early: bool = False):
    field, jump = start, 1
    for kernel, stride in layers:
        field += (kernel - less) * jump * (stride if early else 1)
        jump *= stride
    return field, jump


def _check_steps(steps) -> None:
    told_apart(
        steps(64),
        7,
        {
            "8 steps enter the average pool. It spans 2 and adds no padding.": 8,
            "In time three layers have stride 2, not five: the first two max pools "
            "leave time alone.": 2,
            "In time three layers have stride 2, not five: 64 frames leave 8 steps "
            "before the average pool.": 1,
            "The average pool has stride 1: windows overlap.": 4,
        },
        "64 frames: 32, 16, 8, then a window of 2 at stride 1 without padding.",
    )
    same(steps(79), 9, "79 frames: SAME keeps the last, incomplete window: round up.")
    same(steps(250), 31, "250 frames: 125, 63, 32. Round up at each stride.")
    same(steps(16), 1, "16 frames: 8, 4, 2, and one window of 2.")
    same(steps(32), 3, "32 frames: 16, 8, 4.")
    same(steps(17), 2, "17 frames: 9, 5, 3.")
    same(steps(9), 1, "9 frames: 5, 3, 2. The shortest clip that runs.")
    try:
        few = steps(8)
    except ValueError:
        return
    raise Wrong(
        f"8 frames leave 1 step for a pool of 2: no answer, you return {few}. "
        "Raise a ValueError that says so"
    )


LOGIT_STEPS = Exercise(
    id="i3d-4",
    title="How many answers does a clip get?",
    difficulty=2,
    minutes=8,
    task="On its time axis I3D has three layers of stride 2 with SAME padding (each "
    "gives `ceil(n / 2)`), and at the end an average pool over 2 steps, stride 1, "
    "without padding. Write `logit_steps(frames)`: the number of steps that get "
    "logits. Raise `ValueError` for a clip that is too short.",
    function="logit_steps",
    stub="def logit_steps(frames):\n    ...  # 1, 2, 3, ...",
    solution="def logit_steps(frames):\n"
    "    steps = frames\n"
    "    for _ in range(3):\n"
    "        steps = -(-steps // 2)  # ceil\n"
    "    if steps < 2:\n"
    '        raise ValueError(f"{frames} frames are too few: I3D needs 9")\n'
    "    return steps - 1",
    hints=(
        "Follow 64 frames with a pencil, then 79: three halvings, rounded up.",
        "A window of 2 at stride 1 fits n - 1 times into n steps. Into one step it "
        "does not fit.",
    ),
    test=_check_steps,
    wrong_answers={
        "forgets the average pool": lambda frames: -(-frames // 8),
        "rounds down": lambda frames: frames // 8 - 1,
        "five strides": lambda frames: -(-frames // 32),
        "five strides and the pool": lambda frames: -(-frames // 32) - 1,
        "average pool at stride 2": lambda frames: -(-frames // 8) // 2,
        "zero answers for 8 frames": lambda frames: -(-frames // 8) - 1,
        "at least one answer": lambda frames: max(1, -(-frames // 8) - 1),
    },
)

GEOMETRY = (SAME_PADDING, RECEPTIVE_FIELD, LOGIT_STEPS)
