"""The flow bench: pairs of feature maps whose true displacement is known exactly.

No network and no video: a smooth random texture stands for the features, and the second
map shows it moved by a vector that we choose.  What an estimator of displacement does
with noise, flat areas, repetition and occlusion can be read off directly.

    pairs      textures moved as a whole          scenes     a square over a background
    estimates  run an estimator, score it, and ask three indicators for its errors
"""

from course.motion_squeeze.flow_bench.estimates import (
    ESTIMATORS,
    Errors,
    Estimate,
    confidence_auc,
    errors,
    estimate,
    indicators,
)
from course.motion_squeeze.flow_bench.pairs import FlowPair, joined, moved_texture
from course.motion_squeeze.flow_bench.scenes import SCENES, moving_square, scene

__all__ = [
    "ESTIMATORS",
    "Errors",
    "Estimate",
    "FlowPair",
    "SCENES",
    "confidence_auc",
    "errors",
    "estimate",
    "indicators",
    "joined",
    "moved_texture",
    "moving_square",
    "scene",
]
