"""An exercise on the best guess of the scene by someone who knows the action alone.

In the world of this chapter a clip has its action's own scene with probability rho, and
else any of the K scenes, the own one among them. So whoever knows the action names the
scene with probability rho + (1 - rho) / K, and features that tell the action leak as
much on such clips, with no scene in them at all.
"""

from __future__ import annotations

from course.teaching.diagnosis import told_apart
from course.teaching.exercise import Exercise

CASES = ((0.9, 8), (0.5, 4), (0.0, 8), (1.0, 5), (0.8, 6))


def _best(rho, scenes, swapped=0.0):
    return rho + (1 - rho) / scenes, 1 / scenes, swapped


SLIPS = {
    "only rho": (
        lambda rho, k: (rho, 1 / k, 0.0),
        "with probability 1 - rho any scene is drawn, and it may be the action's own "
        "one again: that guess is right too",
    ),
    "the others only": (
        lambda rho, k: (rho + (1 - rho) / (k - 1), 1 / k, 0.0),
        "the uniform draw is over all K scenes, the own one among them: not K - 1",
    ),
    "forgets to weigh": (
        lambda rho, k: (rho + 1 / k, 1 / k, 0.0),
        "a uniform draw happens with probability 1 - rho only; at rho = 1 you are "
        "above 1",
    ),
    "the share of others": (
        lambda rho, k: (rho + (1 - rho) * (k - 1) / k, 1 / k, 0.0),
        "that counts the draws that give *another* scene; right is the guess when the "
        "own scene comes, 1 in K",
    ),
    "chance everywhere": (
        lambda rho, k: (1 / k, 1 / k, 0.0),
        "on correlated clips the action tells a lot about the scene: the guess is its "
        "own scene",
    ),
    "swapped is chance": (
        lambda rho, k: (*_best(rho, k)[:2], 1 / k),
        "on swapped clips the scene is *never* the action's own: the same guess is "
        "always wrong, worse than chance",
    ),
    "guesses the others": (
        lambda rho, k: (*_best(rho, k)[:2], 1 / (k - 1)),
        "the guess stays the action's own scene, which on swapped clips is always "
        "wrong. (Someone who knows of the swap would name another one)",
    ),
    "still rho when uncorrelated": (
        lambda rho, k: (_best(rho, k)[0], _best(rho, k)[0], 0.0),
        "uncorrelated means rho = 0: put that into your own formula",
    ),
}


def _check_best(guess) -> None:
    for rho, scenes in CASES:
        told_apart(
            guess(rho, scenes),
            _best(rho, scenes),
            {hint: slip(rho, scenes) for slip, hint in SLIPS.values()},
            f"rho = {rho}, K = {scenes}: guess the action's own scene, and count how "
            "often it is there.",
            1e-6,
        )
    row = ", ".join(f"{guess(rho, 8)[0]:.3f} at {rho}" for rho in (0.5, 0.8, 0.9, 1.0))
    print(
        f"Eight scenes, and not one pixel of them seen: {row}.\nA scene head that "
        "reaches this on training clips need not have found any scene: the action "
        "tells it."
    )


BEST_GUESS = Exercise(
    id="scene_debias-2",
    title="How well can an action tell its scene?",
    difficulty=1,
    minutes=6,
    task="K actions, K scenes; a clip has its action's own scene with probability "
    "`rho`, else one drawn uniformly from all K. Somebody knows the action alone and "
    "always guesses its own scene. Write `best_scene_guess(rho, scenes)`: how often "
    "that is right (a tuple of three shares) on clips like these, on uncorrelated "
    "clips (rho = 0), and on swapped clips, where the scene is always another "
    "action's.",
    function="best_scene_guess",
    stub="def best_scene_guess(rho, scenes):\n"
    "    ...  # correlated, uncorrelated, swapped",
    solution="def best_scene_guess(rho, scenes):\n"
    "    correlated = rho + (1 - rho) / scenes  # on purpose, or by the uniform draw\n"
    "    return correlated, 1 / scenes, 0.0",
    hints=(
        "There are two ways in which the own scene can come up. Add their "
        "probabilities.",
        "On purpose: rho. By the uniform draw: (1 - rho) times 1 / K.",
    ),
    test=_check_best,
    wrong_answers={mistake: slip for mistake, (slip, _) in SLIPS.items()},
)
