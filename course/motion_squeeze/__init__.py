"""MotionSqueeze: "MotionSqueeze: Neural Motion Feature Learning for Video
Understanding" (Kwon, Kim, Kwak, Cho, ECCV 2020).

The room in the paper's order:

    correlation      compare each cell with a window of the next frame (`tiles`: fast;
                     `ladder`: the plainer ways up to it; `stopwatch` and `memory`:
                     what they take)
    soft_argmax      from 225 scores to a displacement and a confidence
                     (`expectation`: its gradient written out; `fused`: no scores kept)
    module           MotionSqueeze, with `transform`, the convolutions behind it
    networks         TSN, TSM, MSNet; `frame_network`, `small_base` at cpu scale
    motion_maps      look at a network's displacement, or put given motion in its place
    cost             parameters and multiply-adds, counted
    flow_bench       features with known motion; `scoring` against the world's true flow
    questions        the experiments behind what learners ask
    checks           what an argument must be

    scales, inputs, trainings, trials, experiment    what is trained, at which scale
    claims, results, side_by_side                    what it showed
    panels, pictures, drawings, exercises, own_video what the notebook shows
"""

from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.module import MotionSqueeze
from course.motion_squeeze.networks import (
    Ensemble,
    FrameNetwork,
    add_motion,
    msnet,
    tsm,
    tsn,
)
from course.motion_squeeze.soft_argmax import kernel_soft_argmax, soft_argmax

__all__ = [
    "Ensemble",
    "FrameNetwork",
    "MotionSqueeze",
    "add_motion",
    "correlation",
    "kernel_soft_argmax",
    "msnet",
    "normalise",
    "soft_argmax",
    "tsm",
    "tsn",
]
