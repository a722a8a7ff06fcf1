"""An exercise on scene leakage: a fresh probe that does not fool itself.

Features are frozen; a new classifier learns the scene from them on clips whose scene is
independent of the action, and is scored on other such clips. The adversary's own
accuracy says how the game stands, not what the features hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from course.teaching.exercise import Exercise, Wrong

KINDS, NUMBERS, MOST = 8, 120, 1000
CHANCE = 1 / KINDS


def draw(count: int, correlation: float, seed: int) -> dict[str, torch.Tensor]:
    """Clips of a toy world: a clip is a row of numbers.

    Args:
        count: of clips, at most 1,000.
        correlation: probability that the scene is the action's own, else any scene.
        seed: the same seed gives the same clips.

    Returns:
        `clip` (count, 136), `action` and `scene` (count,).

    Raises:
        ValueError: for too many clips, or a correlation outside [0, 1].

    >>> clips = draw(100, correlation=1.0, seed=0)
    >>> bool((clips["action"] == clips["scene"]).all())
    True
    """
    if not 1 <= count <= MOST or not 0 <= correlation <= 1:
        raise ValueError(
            f"1 to {MOST} clips, a correlation in [0, 1]; got {count}, {correlation}"
        )
    generator = torch.Generator().manual_seed(seed)
    action = torch.randint(KINDS, (count,), generator=generator)
    other = torch.randint(KINDS, (count,), generator=generator)
    own = torch.rand(count, generator=generator) < correlation
    scene = torch.where(own, action, other)
    noise = torch.randn(count, NUMBERS, generator=generator)
    codes = [torch.nn.functional.one_hot(x, KINDS).float() for x in (action, scene)]
    return {"clip": torch.cat([*codes, noise], 1), "action": action, "scene": scene}


@dataclass(frozen=True)
class Network:
    """A frozen network of which we know what it holds.

    `embed` gives its features, `leakage` is what an honest linear probe finds.
    """

    embed: Callable[[torch.Tensor], torch.Tensor]
    leakage: float


def _parts(clips):
    return clips[:, :KINDS], clips[:, KINDS : 2 * KINDS], clips[:, 2 * KINDS :]


def _both(clips):
    """The action clearly, the scene through noise."""
    action, scene, noise = _parts(clips)
    return torch.cat([action, scene + 0.5 * noise[:, :KINDS]], 1)


NOTHING = Network(lambda clips: _parts(clips)[2], CHANCE)
ACTION = Network(lambda clips: _parts(clips)[0] + 0.1 * _parts(clips)[2][:, :8], CHANCE)
HIDDEN = Network(lambda clips: _parts(clips)[1] + 0.1 * _parts(clips)[2][:, :8], 1.0)
BOTH = Network(_both, 0.69)  # logistic regression, ten pairs of seeds: 0.66 to 0.71


def fooled(features: torch.Tensor) -> torch.Tensor:
    """Scene scores of an adversary that lost its game: no idea, whatever comes."""
    return torch.zeros(len(features), KINDS)


def _logistic(x, labels, z, wanted):
    """Accuracy at z of a logistic regression that learned at x."""
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(max_iter=200).fit(x.numpy(), labels.numpy())
    return float(probe.score(z.numpy(), wanted.numpy()))


def _probed(learn=(0.0, 1), test=(0.0, 2), labels="scene", count=MOST, raw=False):
    """A learner's measurement: correlation and seed to learn from, and to test on."""

    def answer(embed, adversary, draw):
        one, other = draw(count, *learn), draw(count, *test)
        x, z = (s["clip"] if raw else embed(s["clip"]) for s in (one, other))
        return _logistic(x, one[labels], z, other[labels])

    return answer


def _by_the_adversary(embed, adversary, draw):
    clips = draw(MOST, 0.0, 2)
    guess = adversary(embed(clips["clip"])).argmax(1)
    return float((guess == clips["scene"]).float().mean())


def _near(found, wanted):
    return abs(found - wanted) < 0.09


def _check_leakage(leakage) -> None:
    def measured(network):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of probes that stop early
            found = float(leakage(network.embed, fooled, draw))
        if not 0 <= found <= 1:
            raise Wrong(f"got {found:.4g}; an accuracy is a share from 0 to 1")
        return found

    hidden = measured(HIDDEN)
    if hidden < CHANCE / 2:
        raise Wrong(
            f"features that hold the scene plainly: got {hidden:.2f}. Is that the "
            "error, 1 - accuracy?"
        )
    nothing, action = _check_empty(measured)
    if _near(hidden, CHANCE):
        raise Wrong(
            "features that hold the scene as plain as can be come out at chance. Is "
            "that the adversary's own accuracy? It lost its game; only a *fresh* probe "
            "knows what it overlooked"
        )
    if not _near(hidden, HIDDEN.leakage):
        raise Wrong(
            f"features that hold the scene plainly: got {hidden:.2f}, not 1. How many "
            "clips did you draw?"
        )
    both = measured(BOTH)
    if both < BOTH.leakage - 0.09:
        raise Wrong(
            f"got {both:.2f} where the features give {BOTH.leakage:.2f} away. The "
            "probe learned on correlated clips, where the action is the easier way to "
            "the scene, and leans on it; or it saw too few clips"
        )
    if not _near(both, BOTH.leakage):
        raise Wrong(f"got {both:.2f} where an honest probe finds {BOTH.leakage:.2f}")
    print(
        "Four networks, and their adversary is at chance (0.125) in all of them. Your "
        f"probe: {nothing:.2f} where there\nis nothing, {action:.2f} with the action "
        f"alone, {both:.2f} with a blurred scene, {hidden:.2f} with one that the "
        "adversary overlooked."
    )


def _check_empty(measured) -> tuple[float, float]:
    """What is found where no scene is: in noise, and in the action alone."""
    nothing = measured(NOTHING)
    if nothing > CHANCE + 0.6:
        raise Wrong(
            "pure noise seems to hold the scene: the probe is tested on the clips it "
            "learned from, or never saw these features at all (`embed`)"
        )
    if nothing > CHANCE + 0.15:
        raise Wrong(
            f"got {nothing:.2f} from features of pure noise: the probe is tested on "
            "clips it learned from. Draw others (another seed), or split"
        )
    action = measured(ACTION)
    if action > 0.97:
        raise Wrong("your probe names the *action*: its labels are to be the scenes")
    if action > CHANCE + 0.3:
        raise Wrong(
            "features that hold the action and no scene seem to hold it: on correlated "
            f"clips the action tells the scene (you found {action:.2f}). Draw "
            "uncorrelated ones, rho = 0"
        )
    for name, found in (("pure noise", nothing), ("the action alone", action)):
        if not _near(found, CHANCE):
            raise Wrong(
                f"features of {name}: got {found:.2f}, should be close to {CHANCE}. "
                "How many clips did you draw?"
            )
    return nothing, action


PROBE = Exercise(
    id="scene_debias-8",
    title="A probe that does not fool itself",
    difficulty=3,
    minutes=15,
    task="How much of the scene is in frozen features? Write `scene_leakage(embed, "
    "adversary, draw)`: the accuracy, 0 to 1, with which a linear probe names the "
    "scene from them. `embed(clips)` gives features `(N, D)`, `adversary(features)` "
    "scene scores of the head they were trained against, `draw(count, correlation, "
    "seed)` up to 1,000 clips: `clip`, `action`, `scene` (8 kinds each). Not all of it "
    "is needed. The networks were trained on `draw(1000, 0.9, 0)`. Any linear "
    "classifier will do; scikit-learn has one. We try yours on four networks of which "
    "we know what they hold.",
    function="scene_leakage",
    stub="def scene_leakage(embed, adversary, draw):\n    ...  # a share",
    solution="from sklearn.linear_model import LogisticRegression\n\n\n"
    "def scene_leakage(embed, adversary, draw):\n"
    "    learn = draw(1000, correlation=0.0, seed=1)  # the action tells nothing here\n"
    "    test = draw(1000, correlation=0.0, seed=2)  # and these are other clips\n"
    "    probe = LogisticRegression(max_iter=200)\n"
    '    probe.fit(embed(learn["clip"]).numpy(), learn["scene"].numpy())\n'
    '    return probe.score(embed(test["clip"]).numpy(), test["scene"].numpy())',
    hints=(
        "Three ways to fool yourself: ask the opponent how it went; test on clips the "
        "probe has seen; use clips on which the action gives the scene away.",
        "Two draws with correlation 0 and two different seeds: fit on one, score on "
        "the other. The adversary is not needed.",
    ),
    test=_check_leakage,
    wrong_answers={
        "asks the adversary": _by_the_adversary,
        "tests on what it learned": _probed(test=(0.0, 1)),
        "on the training clips": _probed((0.9, 0), (0.9, 0)),
        "correlated clips": _probed((0.9, 1), (0.9, 2)),
        "learns on correlated clips": _probed((0.9, 1), (0.0, 2)),
        "names the action": _probed(labels="action"),
        "never looks at the features": _probed(raw=True),
        "too few clips": _probed(count=24),
        "in percent": lambda e, a, d: 100 * _probed()(e, a, d),
        "the error": lambda e, a, d: 1 - _probed()(e, a, d),
    },
)
