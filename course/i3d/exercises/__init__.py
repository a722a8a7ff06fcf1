"""The exercises of the chapter by their ids, and its quiz.

    weights      1 inflate a kernel, 7 from three colours to two directions of flow
    geometry     2 padding, 3 receptive fields, 4 answers a clip
    scores       5 one answer from many steps, 6 one from two streams
    batch_norm   8 a batch norm without its scale
    bug_hunt     a two-stream test to repair; `bug_hunt_check` is its check
    quiz         five closing questions

`course.teaching.diagnosis` tells mistakes apart for all of them.
"""

from __future__ import annotations

from course.i3d.exercises.batch_norm import FOLD_GAMMA
from course.i3d.exercises.bug_hunt import symptom
from course.i3d.exercises.bug_hunt_check import BUG_HUNT
from course.i3d.exercises.geometry import GEOMETRY
from course.i3d.exercises.quiz import quiz
from course.i3d.exercises.scores import SCORES
from course.i3d.exercises.weights import WEIGHTS

EXERCISES = {
    exercise.id: exercise
    for exercise in sorted(
        [*WEIGHTS, *GEOMETRY, *SCORES, FOLD_GAMMA, BUG_HUNT],
        key=lambda exercise: exercise.id,
    )
}

__all__ = ["EXERCISES", "quiz", "symptom"]
