"""The exercise of the bug hunt: which repair was tried, and what it does.

Both networks are replaced by ones that keep what they are given, so a hint can say
which of the two inputs, or what after them, is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from course.i3d.exercises.bug_hunt import (
    BUG,
    FUNCTION,
    REPAIR,
    SOURCE,
    broken,
    compiled,
    variant,
)
from course.teaching.diagnosis import told_apart
from course.teaching.exercise import Exercise, Wrong


def _probe():
    """A clip whose picture shrinks by three across and by 3/2 down."""
    import torch

    generator = torch.Generator().manual_seed(6)
    frames = torch.randint(256, (3, 48, 96, 3), generator=generator).byte()
    flow = torch.zeros(3, 48, 96, 2)
    flow[:, :, :48, 0] = 45.0  # shrinks to 15, below the clamp
    flow[:, 12:, 48:, 1] = -36.0  # shrinks to -24, beyond the clamp
    return frames, flow


def _watched(test: Callable):
    """What both networks get from a test, what they say, and the test's answer."""
    import torch

    seen = {}
    rgb_logits = torch.tensor([[[2.0, 4.0], [1.0, 0.0], [0.0, 1.0]]])
    flow_logits = torch.tensor([[[0.0, 0.0], [5.0, 1.0], [1.0, 2.0]]])

    def rgb_net(x):
        seen["rgb"] = x
        return rgb_logits

    def flow_net(x):
        seen["flow"] = x
        return flow_logits

    return seen, test(*_probe(), rgb_net, flow_net)


def _scaled(factors: str) -> Callable:
    """The test with `factors`, for right and down, behind the resize of the flow."""
    made = f"torch.tensor([{factors}]).view(2, 1, 1, 1)"
    sizes = "    height, width = frames.shape[1:3]\n"
    return variant(BUG, f"{sizes}    flow = resize(flow) * {made}\n")


SLIPS = {
    "only lets it run": (
        broken,
        "the symptom is still there: film the same walk with a better camera and look "
        "at what the flow network gets",
    ),
    "grows instead of shrinks": (
        _scaled("width / size, height / size"),
        "you have found the place. Fewer pixels, so should the numbers grow or shrink?",
    ),
    "directions swapped": (
        _scaled("size / height, size / width"),
        "right idea, but a width belongs to motion to the right, channel 0",
    ),
    "the width for both": (
        _scaled("size / width, size / width"),
        "right across; but the picture is not squeezed equally far down",
    ),
    "the height for both": (
        _scaled("size / height, size / height"),
        "right down; but the picture is not squeezed equally far across",
    ),
    "after the clamp": (
        variant(
            ".clamp(-20, 20) / 20",
            ".clamp(-20, 20) / 20 * torch.tensor([size / frames.shape[2], size / "
            "frames.shape[1]]).view(2, 1, 1, 1)",
        ),
        "right factors, too late: the clamp has cut fast motion at 20 of the large "
        "pixels already",
    ),
    "the fastest becomes one": (
        variant(".clamp(-20, 20) / 20", " / flow.abs().max()"),
        "now every camera agrees because slow and fast look the same: speed is lost",
    ),
    "no clamp": (
        compiled(SOURCE.replace(BUG, REPAIR).replace(".clamp(-20, 20)", "")),
        "right factors, but you have lost the clamp, which was fine",
    ),
}


def _check_repair(test) -> None:
    seen, answer = _watched(test)
    if set(seen) != {"rgb", "flow"}:
        raise Wrong("both networks must be asked, as before")
    good, expected = _watched(compiled(SOURCE.replace(BUG, REPAIR)))
    told_apart(
        seen["rgb"],
        good["rgb"],
        {},
        "The frames reached their network rightly before: leave them as they were.",
        1e-3,
    )
    told_apart(
        seen["flow"],
        good["flow"],
        {hint: _watched(slip)[0]["flow"] for slip, hint in SLIPS.values()},
        "The flow network gets other numbers than it should: pixels of *its* picture, "
        "clamped at 20, divided by 20.",
        1e-4,
    )
    told_apart(
        answer,
        expected,
        {},
        "The flow is right now, but the way from logits to the answer was right "
        "before: leave it as it was.",
    )


BUG_HUNT = Exercise(
    id="i3d-bug",
    title="Walking turns into running",
    difficulty=2,
    minutes=12,
    task="This two-stream test runs, its probabilities sum to one, and on the small "
    "films it was written with it is right. Then someone buys a better camera, and the "
    "same walk becomes a run. One line is to blame. Find it, repair it, and take out "
    f"the line that stops the function. `print(symptom({FUNCTION}))` shows what your "
    "version says.",
    function=FUNCTION,
    stub=SOURCE.replace(
        "    if flow.shape",
        "    raise NotImplementedError  # take this line out when you have found it\n"
        "    if flow.shape",
    ),
    solution=SOURCE.replace(BUG, REPAIR),
    hints=(
        "The camera changes one thing: how many pixels the picture has. Which of the "
        "two inputs is *measured* in pixels?",
        "Twice as many pixels, twice the flow. Follow a flow of 4 through the resize: "
        "which number should come out when the picture has half the width?",
    ),
    test=_check_repair,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SLIPS.items()},
        "averages probabilities": compiled(
            SOURCE.replace(BUG, REPAIR).replace(
                "torch.softmax(rgb_logits + flow_logits, dim=1)[0]",
                "(rgb_logits.softmax(1) + flow_logits.softmax(1))[0] / 2",
            )
        ),
        "frames in [0, 1]": variant(" / 127.5 - 1", " / 255"),
        "no batch axis": variant("flow_net(flow[None])", "flow_net(flow)"),
        "the frames only": variant(
            "flow_net(flow[None]).mean(dim=2)", "0 * rgb_logits"
        ),
    },
)
