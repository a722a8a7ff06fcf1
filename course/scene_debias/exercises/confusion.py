"""An exercise on human-mask confusion: which sign, and whose entropy.

SDN's L_Ent is the entropy of the *action* head on clips without their human, and it is
to grow; an optimiser goes down, so its loss is minus that. The released code does
something else: a separate head behind a reversal. Here it is the paper's.
"""

from __future__ import annotations

import math

import torch

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _negentropy(logits):
    log_p = logits.log_softmax(1)
    return (log_p.exp() * log_p).sum(1)


def _paper(features, action_head, scene_head):
    return _negentropy(action_head(features)).mean()


def _careless(features, action_head, scene_head):
    p = action_head(features).softmax(1)
    return (p * p.log()).sum(1).mean()


def _of_the_mean(features, action_head, scene_head):
    p = action_head(features).softmax(1).mean(0)
    return (p * p.log()).sum()


VALUE_SLIPS = {
    "the entropy itself": (
        lambda f, a, s: -_paper(f, a, s),
        "the sign: this is the entropy, and an optimiser goes *down*. It would make "
        "the network sure of an action where nobody acts",
    ),
    "the sum": (
        lambda f, a, s: _negentropy(a(f)).sum(),
        "the mean over the clips, not the sum: else a larger batch confuses more",
    ),
    "the mean over actions too": (
        lambda f, a, s: _paper(f, a, s) / a(f).shape[1],
        "the sum over the actions belongs to the entropy; average over clips only",
    ),
    "in bits": (
        lambda f, a, s: _paper(f, a, s) / math.log(2),
        "that is in bits; losses here are in nats, with the natural logarithm",
    ),
    "the scene head": (
        lambda f, a, s: _paper(f, s, s),
        "that is the scene head's entropy. Without the human the *action* is to be "
        "unknowable; the scene is still in the picture",
    ),
    "through a uniform target": (
        lambda f, a, s: -a(f).log_softmax(1).mean(),
        "that is the cross-entropy against a uniform target: the same optimum, other "
        "gradients. Asked for is the entropy",
    ),
    "entropy of the mean": (
        _of_the_mean,
        "the probabilities are averaged over the clips first: each clip sure of "
        "another action would pass as confused. Entropy first, then the mean",
    ),
    "without the probabilities": (
        lambda f, a, s: a(f).log_softmax(1).sum(1).mean(),
        "the logarithms are not weighed by the probabilities",
    ),
    "no softmax": (
        lambda f, a, s: torch.xlogy(a(f).abs(), a(f).abs()).sum(1).mean(),
        "the head gives logits: softmax first",
    ),
}


def _frozen_head(features, action_head, scene_head):
    logits = features @ action_head.weight.detach().T + action_head.bias.detach()
    return _negentropy(logits).mean()


class _Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def _turned_for_features(features, action_head, scene_head):
    return _paper(_Turned.apply(features), action_head, scene_head)


def _heads():
    """Two heads with known weights: 6 features, 4 actions, 5 scenes."""
    heads = []
    for seed, classes in ((2, 4), (3, 5)):
        head = torch.nn.Linear(6, classes).double()
        weights = drawn(classes, 7, seed=seed)
        with torch.no_grad():
            head.weight.copy_(weights[:, :6])
            head.bias.copy_(weights[:, 6])
        heads.append(head)
    return heads


def _check_confusion(loss) -> None:
    action_head, scene_head = _heads()
    for clips in (5, 2):
        features = drawn(clips, 6)
        told_apart(
            loss(features, action_head, scene_head),
            _paper(features, action_head, scene_head),
            {
                hint: slip(features, action_head, scene_head)
                for slip, hint in VALUE_SLIPS.values()
            },
            f"{clips} masked clips, 4 actions: one number from -ln 4 to 0.",
        )
    sure = loss(1e4 * drawn(3, 6), action_head, scene_head)
    told_apart(
        sure,
        0.0,
        {},
        "with a very sure head probabilities round to 0, and 0 log 0 becomes nan: "
        "use log_softmax and its exp",
    )
    _check_gradients(loss, action_head, scene_head)
    _tell(loss)


def _check_gradients(loss, action_head, scene_head) -> None:
    inputs = (drawn(5, 6).requires_grad_(), action_head.weight)
    found = loss(inputs[0], action_head, scene_head)
    right = torch.autograd.grad(_paper(inputs[0], action_head, scene_head), inputs)
    if not found.requires_grad:
        raise Wrong("right number, but it has no gradient at all")
    features, head = torch.autograd.grad(found, inputs, allow_unused=True)
    if features is None:
        raise Wrong("right number, but no gradient reaches the features: no detach")
    told_apart(
        features,
        right[0],
        {
            "right number, but the features get the opposite gradient: they are moved "
            "to make the head *sure*. (The released code does that)": -right[0]
        },
        "right number, wrong gradient to the features.",
    )
    if head is None:
        raise Wrong(
            "right number, but the action head learns nothing from it: in the paper "
            "features and action head both raise the entropy"
        )


def _tell(loss) -> None:
    action, scene = torch.nn.Identity(), torch.nn.Linear(8, 5).double()
    sizes = []
    for share in (0.5, 0.9, 0.999):
        p = torch.full((1, 8), (1 - share) / 7, dtype=torch.float64)
        p[0, 0] = share
        logits = p.log().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(logits, action, scene), logits)
        sizes.append(f"{float(gradient.norm()):.3f} at {share}")
    print(
        "Size of the gradient when one of eight actions has the probability given: "
        f"\n{', '.join(sizes)}. The surer a network is, the less this loss moves it."
    )


CONFUSION = Exercise(
    id="scene_debias-6",
    title="Be unsure when nobody is there",
    difficulty=2,
    minutes=10,
    task="The clips' humans are covered. Write `confusion_loss(features, action_head, "
    "scene_head)`: what an optimiser is to *minimise* on them. `features` are "
    "`(B, D)`, a head turns them into logits; which one do you need? The paper wants "
    "the entropy to grow: batch mean, nats, gradients for the features and for the "
    "head.",
    function="confusion_loss",
    stub="def confusion_loss(features, action_head, scene_head):\n"
    "    ...  # one number",
    solution="def confusion_loss(features, action_head, scene_head):\n"
    "    log_p = action_head(features).log_softmax(dim=1)\n"
    "    entropy = -(log_p.exp() * log_p).sum(dim=1)\n"
    "    return -entropy.mean()  # going down raises the entropy",
    hints=(
        "What should be impossible without the human: to name the action, or to name "
        "the scene?",
        "H = -sum p log p along dim=1. An optimiser makes its loss small, H is to be "
        "large. `log_softmax` keeps log p finite.",
    ),
    test=_check_confusion,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in VALUE_SLIPS.items()},
        "zeros in the logarithm": _careless,
        "features detached": lambda f, a, s: _paper(f.detach(), a, s),
        "head frozen": _frozen_head,
        "the released sign": _turned_for_features,
        "no gradient at all": lambda f, a, s: _paper(f, a, s).detach(),
    },
)
