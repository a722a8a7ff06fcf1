"""A stream from end to end: what it sees, what it learns from, what it is asked.

What a network sees is in `course.i3d.inputs`, how its answers count in
`course.evaluation.order`; both are at hand here beside the loss.
"""

from __future__ import annotations

from course.evaluation.order import Inputs, families, logits_of, twins
from course.evaluation.order import order_scores as scores
from course.i3d.inputs import (
    FLOW_BOUND,
    course_clip,
    flow_clip,
    flow_stabilised,
    flow_stack,
    flow_unclipped,
    frames_and_stacks,
    rgb_clip,
    rgb_coarse,
    rgb_frame,
    rgb_sparse,
    shuffled,
    to_flow,
    to_rgb,
)
from course.training.classify import AnswersPerStep, classify

__all__ = [
    "FLOW_BOUND",
    "AnswersPerStep",
    "Inputs",
    "classify",
    "course_clip",
    "families",
    "flow_clip",
    "flow_stabilised",
    "flow_stack",
    "flow_unclipped",
    "frames_and_stacks",
    "logits_of",
    "rgb_clip",
    "rgb_coarse",
    "rgb_frame",
    "rgb_sparse",
    "scores",
    "shuffled",
    "to_flow",
    "to_rgb",
    "twins",
]
