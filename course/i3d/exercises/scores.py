"""Exercises on scores: one answer a clip from many steps, one from two streams.

Logits are averaged over time (paper, section 2.4). The released code adds the logits of
both streams before the softmax; the paper speaks of averaging their predictions.
"""

from __future__ import annotations

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong, same


def _clips():
    """60 clips, 5 steps, 8 classes; some steps are louder than others."""
    import torch

    generator = torch.Generator().manual_seed(4)
    labels = torch.randint(8, (60,), generator=generator)
    loud = 3.0 * torch.rand(60, 5, 1, generator=generator) ** 2
    logits = 2.0 * drawn(60, 5, 8, seed=5) * loud
    return logits + torch.nn.functional.one_hot(labels, 8)[:, None], labels


def _share(scores, labels, k: int) -> float:
    """Share of rows whose label is among the k best of the last axis."""
    best = scores.topk(k, -1).indices
    return float((best == labels[..., None]).any(-1).double().mean())


def _frames(logits, labels, k: int) -> float:
    return _share(logits, labels[:, None].expand(logits.shape[:2]), k)


def _any_step(logits, labels, k: int) -> float:
    hit = logits.topk(k, 2).indices == labels[:, None, None]
    return float(hit.any(2).any(1).double().mean())


def _vote(logits, labels, k: int) -> float:
    import torch

    ballots = torch.nn.functional.one_hot(logits.argmax(2), logits.shape[2]).sum(1)
    return _share(ballots, labels, k)


ACCURACY_SLIPS = {
    "counts frames": (
        _frames,
        "this counts steps: average the logits over time first, then ask once a clip",
    ),
    "any step will do": (
        _any_step,
        "a clip is not right because some step of it is: average over time first",
    ),
    "averages probabilities": (
        lambda x, y, k: _share(x.softmax(2).mean(1), y, k),
        "this averages probabilities: I3D averages the logits, a loud step counts more",
    ),
    "lets the steps vote": (
        _vote,
        "this lets the steps vote: a vote forgets how sure a step was",
    ),
    "the loudest step": (
        lambda x, y, k: _share(x.amax(1), y, k),
        "this takes the largest logit over time, not the mean",
    ),
    "the last step": (
        lambda x, y, k: _share(x[:, -1], y, k),
        "this asks the last step only, as an LSTM would be asked",
    ),
    "the k worst": (
        lambda x, y, k: _share(-x.mean(1), y, k),
        "these are the k lowest logits: sort the other way",
    ),
}


def _check_accuracy(accuracy) -> None:
    logits, labels = _clips()
    for k in (1, 3):
        right = _share(logits.mean(1), labels, k)
        slips = {
            f"k = {k}: {hint}": slip(logits, labels, k)
            for slip, hint in ACCURACY_SLIPS.values()
        }
        slips[f"k = {k}: that is how many; divide by the clips"] = right * len(labels)
        if k > 1:
            best = _share(logits.mean(1), labels, 1)
            slips["k = 3: right would be a label among the 3 best; you look at one"] = (
                best
            )
        told_apart(
            accuracy(logits, labels, k),
            right,
            slips,
            f"k = {k}: time is axis 1, classes are axis 2. Look for the label among "
            "the k largest mean logits.",
        )
    one = accuracy(logits[:1], labels[:1], 8)
    same(one, 1.0, "One clip, k = all classes: always right.")


CLIP_ACCURACY = Exercise(
    id="i3d-5",
    title="Right about the clip",
    difficulty=2,
    minutes=8,
    task="I3D gives logits `(N, T, K)` for `N` clips, `T` steps and `K` classes; "
    "`labels` has one class a clip, `(N,)`. Write `clip_accuracy(logits, labels, k)`: "
    "average the logits over time, then return the share of clips whose label is among "
    "the `k` best classes.",
    function="clip_accuracy",
    stub="def clip_accuracy(logits, labels, k):\n    ...  # a number in [0, 1]",
    solution="def clip_accuracy(logits, labels, k):\n"
    "    best = logits.mean(dim=1).topk(k, dim=1).indices  # (N, k)\n"
    "    hit = (best == labels[:, None]).any(dim=1)  # (N,)\n"
    "    return hit.float().mean().item()",
    hints=(
        "First get rid of time. Then you have one row of logits a clip.",
        "`topk(k, dim=1).indices` is `(N, k)`; compare it with `labels[:, None]` and "
        "ask `any` along the k.",
    ),
    test=_check_accuracy,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in ACCURACY_SLIPS.items()},
        "a count": lambda x, y, k: _share(x.mean(1), y, k) * len(y),
        "top-1 whatever k": lambda x, y, k: _share(x.mean(1), y, 1),
        "averages the classes": lambda x, y, k: _share(x.mean(2), y, min(k, 5)),
    },
)


def _check_fusion(fuse) -> None:
    import torch

    rgb = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]])
    flow = torch.tensor([[0.0, 1.5, 1.0], [1.0, 1.0, 2.5]])
    p, q = rgb.softmax(1), flow.softmax(1)
    told_apart(
        fuse(rgb, flow),
        (rgb + flow).softmax(1),
        {
            "this averages the probabilities: one sure stream cannot outvote the "
            "other. Add the logits": (p + q) / 2,
            "with half the sum the order is right, but both streams' evidence is "
            "counted by half": ((rgb + flow) / 2).softmax(1),
            "these are logits: what turns a row into probabilities?": rgb + flow,
            "these are log-probabilities": (rgb + flow).log_softmax(1),
            "the rows must sum to one, not the columns: which axis is the classes?": (
                rgb + flow
            ).softmax(0),
            "almost: a product of probabilities needs to be divided by its sum": p * q,
            "one softmax is enough: add the logits, not the probabilities": (
                p + q
            ).softmax(1),
            "this lets the louder stream decide each class: add them": torch.maximum(
                rgb, flow
            ).softmax(1),
        },
        "Add the logits, then one softmax over the classes.",
    )
    sure = fuse(torch.tensor([[200.0, 0.0]]), torch.tensor([[0.0, 197.0]]))
    if not torch.isfinite(torch.as_tensor(sure)).all():
        raise Wrong(
            "two very sure streams that disagree give nan: in 32 bits e^200 is "
            "infinite and e^-200 is zero. Add before you take exponentials"
        )
    same(sure, [[0.952574, 0.047426]], "Two sure streams that disagree.")


def _product(rgb, flow):
    joint = rgb.softmax(1) * flow.softmax(1)
    return joint / joint.sum(1, keepdim=True)


FUSE = Exercise(
    id="i3d-6",
    title="Two streams, one answer",
    difficulty=2,
    minutes=6,
    task="Two networks have looked at the same clips, one at colours, one at flow. "
    "Write `fuse(rgb_logits, flow_logits)`: both are `(B, K)`; return the "
    "probabilities `(B, K)` that belong to the *sum* of the logits. (That multiplies "
    "the streams' opinions: a class must please both.)",
    function="fuse",
    stub="def fuse(rgb_logits, flow_logits):\n    ...  # (B, K), each row sums to 1",
    solution="def fuse(rgb_logits, flow_logits):\n"
    "    return (rgb_logits + flow_logits).softmax(dim=1)",
    hints=(
        "A sum of logits is a product of probabilities, up to a factor. What removes "
        "the factor?",
        "One line: a sum and a softmax. Along which axis do the classes lie?",
    ),
    test=_check_fusion,
    wrong_answers={
        "averages probabilities": lambda a, b: (a.softmax(1) + b.softmax(1)) / 2,
        "averages the logits": lambda a, b: ((a + b) / 2).softmax(1),
        "no softmax": lambda a, b: a + b,
        "logarithms": lambda a, b: (a + b).log_softmax(1),
        "over the clips": lambda a, b: (a + b).softmax(0),
        "product that does not sum to one": lambda a, b: a.softmax(1) * b.softmax(1),
        "softmax twice": lambda a, b: (a.softmax(1) + b.softmax(1)).softmax(1),
        "the louder stream": lambda a, b: a.maximum(b).softmax(1),
        "product of 32-bit probabilities": _product,
        "the frames only": lambda a, b: a.softmax(1),
    },
)

SCORES = (CLIP_ACCURACY, FUSE)
