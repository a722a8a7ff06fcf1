"""The exercises of the chapter by their ids, and its quiz.

    temporal_shift  1 shift some channels in time
    matching        2 compare every place with its neighbourhood, 6 what that costs
    soft_argmax     3 the mean of the offsets
    gaussian_mask   4 a hill around the best match
    last_frame      5 T frames, T - 1 comparisons
    units           7 the temperature in a normaliser, 8 from the output to pixels
    gradient        9 the backward of the estimate
    bug_hunt        a matcher that says nothing; `bug_hunt_check` is its check
    own_check       the check that would have caught it
    quiz            seven closing questions

`course.teaching.diagnosis` tells mistakes apart for all of them.
"""

from __future__ import annotations

from course.motion_squeeze.exercises.bug_hunt import symptom
from course.motion_squeeze.exercises.bug_hunt_check import BUG_HUNT
from course.motion_squeeze.exercises.gaussian_mask import GAUSSIAN_MASK
from course.motion_squeeze.exercises.gradient import GRADIENT
from course.motion_squeeze.exercises.last_frame import LAST_FRAME
from course.motion_squeeze.exercises.matching import MATCHING
from course.motion_squeeze.exercises.own_check import OWN_CHECK
from course.motion_squeeze.exercises.quiz import quiz
from course.motion_squeeze.exercises.soft_argmax import SOFT_ARGMAX
from course.motion_squeeze.exercises.temporal_shift import TEMPORAL_SHIFT
from course.motion_squeeze.exercises.units import UNITS

_ALL = [
    TEMPORAL_SHIFT,
    *MATCHING,
    SOFT_ARGMAX,
    GAUSSIAN_MASK,
    LAST_FRAME,
    *UNITS,
    GRADIENT,
    BUG_HUNT,  # its id and the next one's come after the numbers
    OWN_CHECK,
]
EXERCISES = {e.id: e for e in sorted(_ALL, key=lambda e: e.id)}

__all__ = ["EXERCISES", "quiz", "symptom"]
