"""The exercises of the chapter by their ids, and its quiz.

    bias         1 which logarithm, and which chance, is in a published number
    best_guess   2 how well an action tells its scene
    scene_loss   3 the adversary's loss, hard and soft
    reversal     4 the layer whose derivative is a lie
    two_players  5 what lambda scales
    confusion    6 unsure when nobody is there
    box          7 the human covered as the released code does
    probe        8 a probe that does not fool itself
    schedule     9 a warm-up, then a ramp (in notebook 03b)
    bug_hunt     shortcuts that let no gradient through; `bug_hunt_check` is its check
    quiz         eight closing questions

A check that is passed says, before "correct", what the answer shows.
"""

from __future__ import annotations

from course.scene_debias.exercises.best_guess import BEST_GUESS
from course.scene_debias.exercises.bias import RECOVER_BIAS
from course.scene_debias.exercises.box import COVER_BOX
from course.scene_debias.exercises.bug_hunt import symptom
from course.scene_debias.exercises.bug_hunt_check import BUG_HUNT
from course.scene_debias.exercises.confusion import CONFUSION
from course.scene_debias.exercises.probe import PROBE
from course.scene_debias.exercises.quiz import quiz
from course.scene_debias.exercises.reversal import REVERSAL
from course.scene_debias.exercises.scene_loss import SCENE_LOSS
from course.scene_debias.exercises.schedule import SCHEDULE
from course.scene_debias.exercises.two_players import TWO_PLAYERS

_ALL = [
    RECOVER_BIAS,
    BEST_GUESS,
    SCENE_LOSS,
    REVERSAL,
    TWO_PLAYERS,
    CONFUSION,
    COVER_BOX,
    PROBE,
    SCHEDULE,
    BUG_HUNT,  # its id comes after the numbers
]
EXERCISES = {e.id: e for e in sorted(_ALL, key=lambda e: e.id)}

__all__ = ["EXERCISES", "quiz", "symptom"]
