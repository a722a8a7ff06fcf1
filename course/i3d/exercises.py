"""The exercises of the chapter by their ids, and its quiz."""

from __future__ import annotations

from course.i3d.bug_hunt_check import BUG_HUNT
from course.i3d.exercises_batch_norm import FOLD_GAMMA
from course.i3d.exercises_geometry import GEOMETRY
from course.i3d.exercises_scores import SCORES
from course.i3d.exercises_weights import WEIGHTS
from course.i3d.quiz import quiz

EXERCISES = {
    exercise.id: exercise
    for exercise in sorted(
        [*WEIGHTS, *GEOMETRY, *SCORES, FOLD_GAMMA, BUG_HUNT],
        key=lambda exercise: exercise.id,
    )
}

__all__ = ["EXERCISES", "quiz"]
