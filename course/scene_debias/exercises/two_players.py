"""An exercise on what lambda scales: one loss, three receivers, one turned gradient.

SDN: the backbone goes down L_CE - lambda L_Adv, the scene head down L_Adv, unscaled.
With a reversal before the scene head both are one sum of losses.
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from course.scene_debias.gradient_reversal import reverse_gradient
from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _sdn(features, heads, labels, strength, reverse):
    (action_head, scene_head), (action, scene) = heads, labels
    guess = scene_head(reverse(features, strength))
    return cross_entropy(action_head(features), action) + cross_entropy(guess, scene)


def _joined(weigh, to_scene=lambda f, s, r: f, to_action=lambda f, s, r: f):
    """A loss from how both parts are weighed and what each head is given."""

    def answer(features, heads, labels, strength, reverse):
        given = [to(features, strength, reverse) for to in (to_action, to_scene)]
        trios = zip(heads, given, labels, strict=True)
        parts = [cross_entropy(head(x), label) for head, x, label in trios]
        return weigh(*parts, strength)

    return answer


def _turned(f, s, r):
    return r(f, s)


def _reversed_last(features, heads, labels, strength, reverse):
    guess = reverse(heads[1](features), strength)
    first = cross_entropy(heads[0](features), labels[0])
    return first + cross_entropy(guess, labels[1])


SLIPS = {
    "minus lambda": (
        _joined(lambda a, s, k: a - k * s),
        "the features are right, but the scene *head* is turned round too: it learns "
        "to be wrong. A minus before the loss does that, and a reversal behind the "
        "head. Between features and head it tells the two apart",
    ),
    "both": (
        _joined(lambda a, s, k: a - k * s, _turned),
        "a minus and a reversal: for the features two turns are none, they now *help*",
    ),
    "no reversal": (
        _joined(lambda a, s, k: a + s),
        "nothing is turned round: the features learn the scene as well as they can",
    ),
    "lambda for the head": (
        _joined(lambda a, s, k: a + k * s, lambda f, s, r: r(f, 1.0)),
        "the features are right, but lambda scales the head's learning too: a weak "
        "reversal would come with a slow head",
    ),
    "lambda twice": (
        _joined(lambda a, s, k: a + k * s, _turned),
        "lambda works twice: on the loss and in the reversal. The features get "
        "lambda squared",
    ),
    "reversed for both": (
        _joined(lambda a, s, k: a + s, _turned, _turned),
        "the action's gradient is turned round as well: the features unlearn actions",
    ),
    "reversed behind the head": (
        _reversed_last,
        "the reversal stands behind the head",  # the same gradients as "minus lambda"
    ),
    "features detached": (
        _joined(lambda a, s, k: a + s, lambda f, s, r: f.detach()),
        "the features are detached: the head learns, and nothing comes back to them",
    ),
    "the adversary alone": (
        _joined(lambda a, s, k: s, _turned),
        "the action head gets nothing: its loss is missing",
    ),
    "no adversary": (
        _joined(lambda a, s, k: a, _turned),
        "the scene head gets nothing: its loss is missing",
    ),
}


def _players():
    """Features of 6 clips, two linear heads, labels; always the same."""
    heads = []
    for seed, classes in ((2, 3), (3, 4)):
        head = torch.nn.Linear(5, classes, bias=False).double()
        with torch.no_grad():
            head.weight.copy_(drawn(classes, 5, seed=seed))
        heads.append(head)
    labels = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([0, 1, 2, 3, 3, 2])
    return drawn(6, 5).requires_grad_(), heads, labels


def _gradients(loss, strength):
    """What each of the three receives: features, action head, scene head."""
    features, heads, labels = _players()
    receivers = [features, *(head.weight for head in heads)]
    value = loss(features, heads, labels, strength, reverse_gradient)
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        raise Wrong("return one number, a tensor, on which backward() is called")
    if not value.requires_grad:
        raise Wrong("the loss has no gradient at all")
    found = torch.autograd.grad(value, receivers, allow_unused=True)
    return tuple(
        torch.zeros_like(x) if g is None else g
        for x, g in zip(receivers, found, strict=True)
    )


def _check_players(loss) -> None:
    features, heads, labels = _players()
    loss(features, heads, labels, 0.5, reverse_gradient)  # tells a stub
    for strength in (0.5, 2.0, 0.0):
        told_apart(
            _gradients(loss, strength),
            _gradients(_sdn, strength),
            {hint: _gradients(slip, strength) for slip, hint in SLIPS.values()},
            f"lambda {strength}: the features should get the action's gradient minus "
            "lambda times the scene's, each head its own.",
        )
    still, moving = (_gradients(loss, strength) for strength in (0.0, 2.0))
    ratio = float(moving[2].norm() / still[2].norm())
    print(
        "From lambda 0 to lambda 2 the scene head's gradient has changed by a factor "
        f"of {ratio:.1f}: not at all.\nSo lambda 0 is a warm-up: the head learns at "
        "full rate, and the features do not hear of it yet."
    )


TWO_PLAYERS = Exercise(
    id="scene_debias-5",
    title="What lambda scales, and what it does not",
    difficulty=3,
    minutes=12,
    task="One loss, three receivers. `heads` are the action head and the scene head, "
    "`labels` the actions and scenes `(B,)`, `reverse(x, strength)` is the gradient "
    "reversal. Write `two_player_loss(features, heads, labels, strength, reverse)` so "
    "that after `backward()` the *features* have the gradient of L_CE minus `strength` "
    "times that of L_Adv, the *action head* that of L_CE, the *scene head* that of "
    "L_Adv: not scaled, not turned. We look at the gradients alone.",
    function="two_player_loss",
    stub="def two_player_loss(features, heads, labels, strength, reverse):\n"
    "    action_head, scene_head = heads\n"
    "    action, scene = labels\n"
    "    ...  # one number",
    solution="from torch.nn.functional import cross_entropy\n\n\n"
    "def two_player_loss(features, heads, labels, strength, reverse):\n"
    "    action_head, scene_head = heads\n"
    "    action, scene = labels\n"
    "    recognise = cross_entropy(action_head(features), action)\n"
    "    hidden = reverse(features, strength)  # on the scene head's way only\n"
    "    name_scene = cross_entropy(scene_head(hidden), scene)\n"
    "    return recognise + name_scene  # a plain sum: lambda is in the reversal",
    hints=(
        "Writing L_CE - lambda L_Adv down literally is right for one of the three and "
        "wrong for another. Which?",
        "Everything in front of the reversal is turned round, everything behind it is "
        "not. So where does it stand, and what is then left to subtract?",
    ),
    test=_check_players,
    wrong_answers={mistake: slip for mistake, (slip, _) in SLIPS.items()},
)
