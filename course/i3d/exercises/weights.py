"""Exercises on weights: from pictures into time, and from colours into flow.

Inflation is the paper's section 2.4. How three colours become two channels of flow the
paper does not say; keeping the response to grey is this course's choice.
"""

from __future__ import annotations

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _shaped(out, shape: tuple[int, ...], words: str) -> None:
    if tuple(out.shape) != shape:
        raise Wrong(f"the shape must be {words} = {shape}, it is {tuple(out.shape)}")


def _check_inflation(inflate) -> None:
    import torch
    from torch.nn.functional import conv2d, conv3d

    for n in (5, 1):
        w = drawn(4, 2, 3, 3)
        out = inflate(w, n)
        _shaped(out, (4, 2, n, 3, 3), "(O, I, n, H, W)")
        if not torch.equal(w, drawn(4, 2, 3, 3)):
            raise Wrong("you changed `w` itself; the 2-D network still needs it")
        taps = w[:, :, None].expand(-1, -1, n, -1, -1)
        centre = taps * (torch.arange(n) == n // 2)[:, None, None]
        told_apart(
            out,
            taps / n,
            {
                f"n = {n}: a still clip gets {n} times the answer. Share the weight "
                "among the taps": taps,
                "divide by the number of taps n, not by the number of input "
                "channels": taps / 2,
                "divide by the number of taps n, not by the kernel's height": taps / 3,
                "one division by n is enough: only the time axis is new": taps / n**2,
                "one tap alone does give the still clip its answer, but the paper "
                "gives every tap the same share": centre,
            },
            f"n = {n}: every tap should hold w / n.",
        )
        still = drawn(1, 2, 6, 6, seed=1)
        clip = still[:, :, None].expand(-1, -1, n, -1, -1)
        told_apart(conv3d(clip, out)[:, :, 0], conv2d(still, w), {}, "A still clip.")


INFLATE = Exercise(
    id="i3d-1",
    title="Inflate a kernel",
    difficulty=1,
    minutes=5,
    task="Turn a 2-D kernel `w` of shape `(O, I, H, W)` into a 3-D one with `n` taps "
    "in time, shape `(O, I, n, H, W)`. All taps are equal, and a still picture shown "
    "`n` times must get the answer that the picture gets from `w`.",
    function="inflate_kernel",
    stub="def inflate_kernel(w, n):\n    ...  # (O, I, n, H, W)",
    solution="def inflate_kernel(w, n):\n"
    "    return w[:, :, None].repeat(1, 1, n, 1, 1) / n",
    hints=(
        "On a still clip every tap sees the same picture, so the answers add up. What "
        "must the taps add up to?",
        "`w[:, :, None]` makes room for time; `repeat(1, 1, n, 1, 1)` fills it.",
    ),
    test=_check_inflation,
    wrong_answers={
        "forgets to divide": lambda w, n: w[:, :, None].repeat(1, 1, n, 1, 1),
        "divides by the channels": lambda w, n: (
            w[:, :, None].repeat(1, 1, n, 1, 1) / w.shape[1]
        ),
        "divides by the height": lambda w, n: (
            w[:, :, None].repeat(1, 1, n, 1, 1) / w.shape[2]
        ),
        "divides twice": lambda w, n: w[:, :, None].repeat(1, 1, n, 1, 1) / n**2,
        "time at the end": lambda w, n: w[..., None].repeat(1, 1, 1, 1, n) / n,
        "more channels instead": lambda w, n: w.repeat(1, n, 1, 1) / n,
        "changes w": lambda w, n: w.div_(n)[:, :, None].repeat(1, 1, n, 1, 1),
        "the middle tap only": lambda w, n: (
            w[:, :, None].repeat(1, 1, n, 1, 1) * (_arange(n) == n // 2)[:, None, None]
        ),
    },
)


def _arange(n: int):
    import torch

    return torch.arange(n)


def _check_flow_layer(change) -> None:
    import torch
    from torch.nn.functional import conv2d

    w = drawn(4, 3, 5, 5)
    out = change(w)
    _shaped(out, (4, 2, 5, 5), "(O, 2, k, k)")
    total = w.sum(1, keepdim=True)
    zero = torch.zeros_like(total)
    told_apart(
        out,
        total.repeat(1, 2, 1, 1) / 2,
        {
            "the mean of three filters, copied twice, answers grey with 2/3 of the "
            "old strength": total.repeat(1, 2, 1, 1) / 3,
            "each channel now holds the whole sum: grey is answered twice as "
            "strongly": total.repeat(1, 2, 1, 1),
            "this drops blue: grey loses what the third filter said": w[:, :2],
            "rescaling red and green does not bring back blue: use all three "
            "filters": w[:, :2] * 1.5,
            "grey is kept, but the vertical motion reaches no filter: treat both "
            "channels alike": torch.cat([total, zero], 1),
        },
        "Both channels get the same filter, and together they hold what the three "
        "held.",
    )
    grey = drawn(1, 1, 9, 9, seed=2)
    one, two = conv2d(grey.expand(-1, 3, -1, -1), w), grey.expand(-1, 2, -1, -1)
    told_apart(conv2d(two, out), one, {}, "Compare the answers to a grey picture.")


FLOW_LAYER = Exercise(
    id="i3d-7",
    title="Three colours, two directions",
    difficulty=2,
    minutes=6,
    task="Optical flow has two channels, an ImageNet network's first filter `w` three: "
    "`(O, 3, k, k)`. Write `flow_first_layer(w)` of shape `(O, 2, k, k)`: the same "
    "filter for both channels, and a picture whose channels are all equal must get the "
    "answer it got before.",
    function="flow_first_layer",
    stub="def flow_first_layer(w):\n    ...  # (O, 2, k, k)",
    solution="def flow_first_layer(w):\n"
    "    total = w.sum(dim=1, keepdim=True)\n"
    "    return total.repeat(1, 2, 1, 1) / 2",
    hints=(
        "On a grey picture the three filters act as one. Which?",
        "Two equal channels share that one filter, so each gets half. Why is the mean "
        "over the three colours not it?",
    ),
    test=_check_flow_layer,
    wrong_answers={
        "copies the mean": lambda w: w.mean(1, keepdim=True).repeat(1, 2, 1, 1),
        "copies the sum": lambda w: w.sum(1, keepdim=True).repeat(1, 2, 1, 1),
        "drops blue": lambda w: w[:, :2],
        "drops blue, rescales": lambda w: w[:, :2] * 1.5,
        "all in one channel": lambda w: _beside(w.sum(1, keepdim=True)),
        "averages the outputs": lambda w: w.mean(0, keepdim=True)[:, :2],
        "keeps three channels": lambda w: w.mean(1, keepdim=True).expand_as(w),
        "one channel": lambda w: w.sum(1, keepdim=True) / 2,
    },
)


def _beside(w):
    import torch

    return torch.cat([w, torch.zeros_like(w)], 1)


WEIGHTS = (INFLATE, FLOW_LAYER)
