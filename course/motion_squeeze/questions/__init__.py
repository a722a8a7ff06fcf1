"""What learners asked about the paper, each answered by an experiment.

    normaliser  Q1  why does the formula of a 2-D Gaussian look one-dimensional?
    soft        Q2  what is a soft-argmax?
    outliers    Q3  when is a displacement badly wrong?
    confidence  Q4  does the confidence find outliers?
    refinement      ... and what can the layers behind it make of it?
    window      Q6  where does the module go?

Every function returns plain numbers or rows of them; nothing here draws.
"""

from course.motion_squeeze.questions.confidence import AucRow, auc_table
from course.motion_squeeze.questions.normaliser import (
    NoiseRow,
    WidthRow,
    effective_widths,
    noise_table,
    separable_difference,
)
from course.motion_squeeze.questions.outliers import (
    AmbiguityRow,
    BorderRow,
    SpeedRow,
    at_the_border,
    speed_sweep,
    too_many_matches,
    unrelated_confidence,
)
from course.motion_squeeze.questions.refinement import RefinementRow, refinement_table
from course.motion_squeeze.questions.soft import (
    GradientRow,
    MatchRow,
    gradients,
    on_a_line,
    sub_pixel,
    two_matches,
)
from course.motion_squeeze.questions.window import (
    StageRow,
    motion_histogram,
    motion_of_world,
    window_table,
)

__all__ = [
    "AmbiguityRow",
    "AucRow",
    "BorderRow",
    "GradientRow",
    "MatchRow",
    "NoiseRow",
    "RefinementRow",
    "SpeedRow",
    "StageRow",
    "WidthRow",
    "at_the_border",
    "auc_table",
    "effective_widths",
    "gradients",
    "motion_histogram",
    "motion_of_world",
    "noise_table",
    "on_a_line",
    "refinement_table",
    "separable_difference",
    "speed_sweep",
    "sub_pixel",
    "too_many_matches",
    "two_matches",
    "unrelated_confidence",
    "window_table",
]
