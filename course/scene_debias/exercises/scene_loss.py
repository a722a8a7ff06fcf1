"""An exercise on SDN's L_Adv: the scene head's cross-entropy, for hard and soft labels.

L_Adv = - E [ sum_m p_m log f_S(G(x))_m ], with p one-hot or a distribution.
"""

from __future__ import annotations

import torch
from torch.nn.functional import one_hot

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _spread(logits, target):
    """The target as a distribution."""
    return target if target.ndim == 2 else one_hot(target, logits.shape[1]).double()


def _loss(logits, target):
    return -(_spread(logits, target) * logits.log_softmax(1)).sum(1).mean()


def _divergence(logits, target):
    p = _spread(logits, target)
    return (torch.xlogy(p, p) - p * logits.log_softmax(1)).sum(1).mean()


def _both_sided(logits, target):
    p, q = _spread(logits, target), logits.softmax(1)
    return -(p * q.log() + (1 - p) * (1 - q).log()).sum(1).mean()


SLIPS = {
    "the sum": (
        lambda z, t: _loss(z, t) * len(z),
        "the batch's mean is asked for, not its sum",
    ),
    "the mean of everything": (
        lambda z, t: _loss(z, t) / z.shape[1],
        "a mean over clips *and* scenes: sum over the scenes, then average over clips",
    ),
    "the sign": (
        lambda z, t: -_loss(z, t),
        "the sign: the head is to *minimise* this. What turns the gradient for the "
        "features is the reversal, not the loss",
    ),
    "the likeliest scene only": (
        lambda z, t: _loss(z, t if t.ndim == 1 else t.argmax(1)),
        "a soft target is used as a hard one: all plausible scenes count, each with "
        "its probability",
    ),
    "minus the target's entropy": (
        _divergence,
        "that is the KL divergence: the cross-entropy minus the target's own entropy",
    ),
    "swapped": (
        lambda z, t: -(z.softmax(1) * _spread(z, t).clamp(1e-8).log()).sum(1).mean(),
        "target and prediction are swapped: the target weighs, the prediction stands "
        "in the logarithm",
    ),
    "over the batch": (
        lambda z, t: -(_spread(z, t) * z.log_softmax(0)).sum(1).mean(),
        "the softmax runs over the clips: it belongs along the scenes, dim=1",
    ),
    "yes or no for each scene": (
        _both_sided,
        "this asks of every scene yes or no; a softmax needs only log q, weighed by p",
    ),
    "no softmax": (
        lambda z, t: -(_spread(z, t) * z).sum(1).mean(),
        "the logits are used as if they were log-probabilities: first log-softmax",
    ),
    "no logarithm": (
        lambda z, t: -(_spread(z, t) * z.softmax(1)).sum(1).mean(),
        "probabilities, and no logarithm of them",
    ),
}


def _logarithm_last(logits, target):
    return -(_spread(logits, target) * logits.softmax(1).log()).sum(1).mean()


def _cut(logits, target):
    return _loss(logits.detach(), target)


def _targets(clips, scenes):
    soft = (2 * drawn(clips, scenes, seed=1)).softmax(1)
    soft[:, 0] = 0.0
    return torch.arange(clips) % scenes, soft / soft.sum(1, keepdim=True)


def _check_loss(loss) -> None:
    for clips, scenes in ((5, 4), (3, 6)):
        logits = drawn(clips, scenes)
        for kind, target in zip(("hard", "soft"), _targets(clips, scenes), strict=True):
            told_apart(
                loss(logits, target),
                _loss(logits, target),
                {hint: slip(logits, target) for slip, hint in SLIPS.values()},
                f"{kind} targets, {clips} clips, {scenes} scenes: one number.",
            )
    far = torch.tensor([[0.0, 2000.0], [0.0, 0.0]], dtype=torch.float64)
    told_apart(
        loss(far, torch.tensor([0, 1])),
        _loss(far, torch.tensor([0, 1])),
        {},
        "with logits 0 and 2000 the probability rounds to 0 and its logarithm is "
        "infinite: take the log-softmax in one piece, z - logsumexp(z)",
    )
    logits = drawn(5, 4).requires_grad_()
    if not loss(logits, _targets(5, 4)[1]).requires_grad:
        raise Wrong("right numbers, but no gradient reaches the logits")
    unsure = torch.tensor([[0.55, 0.45, 0.0, 0.0]], dtype=torch.float64)
    least = loss(torch.tensor([[0.55, 0.45, 1e-9, 1e-9]]).double().log(), unsure)
    print(
        f"A soft label of .55 and .45 cannot cost less than {float(least):.2f} nats, "
        "its own entropy,\nhowever good the head is: a soft scene loss that stops "
        "above 0 is no sign of hiding."
    )


SCENE_LOSS = Exercise(
    id="scene_debias-3",
    title="The scene head's loss, hard and soft",
    difficulty=2,
    minutes=10,
    task="Write `scene_loss(logits, target)` without `cross_entropy`: `logits` are "
    "`(B, M)`, `target` holds scene indices `(B,)` or, for each clip, a distribution "
    "over the scenes `(B, M)`. Return the batch's mean of $-\\sum_m p_m \\log q_m$ "
    "in nats, $q$ being the softmax of the logits. It is to survive logits of 2000.",
    function="scene_loss",
    stub="def scene_loss(logits, target):\n    ...  # one number",
    solution="import torch\n\n\n"
    "def scene_loss(logits, target):\n"
    "    log_q = logits - logits.logsumexp(dim=1, keepdim=True)\n"
    "    if target.ndim == 1:\n"
    "        picked = log_q[torch.arange(len(target)), target]\n"
    "        return -picked.mean()\n"
    "    return -(target * log_q).sum(dim=1).mean()",
    hints=(
        "A hard label is a soft one with all its probability on one scene: the sum has "
        "one term.",
        "log q = z - logsumexp(z), along dim=1. Weigh, sum over scenes, average over "
        "clips, minus.",
    ),
    test=_check_loss,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SLIPS.items()},
        "softmax, then log": _logarithm_last,
        "no gradient": _cut,
    },
)
