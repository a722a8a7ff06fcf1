"""The five architectures that the paper compares (section 2, figure 2, table 1).

    lstm        a  2-D net on each frame, an LSTM on its features
    c3d         b  3-D convolutions from scratch, with three large linear layers
    two_stream  c  one 2-D net on a frame, one on a stack of optical flow
    fused       d  the maps of both streams at several moments, joined by a 3-D layer
    i3d         e  one inflated net on frames, one on flow

`build` (in `paper_size`) makes them at the paper's size on Inception-v1 (table 1: 9,
79, 12, 39 and 25 million parameters); `build_from` (in `from_images`) makes the same
five from a trained image network, the small one of the cpu scale or Inception-v1.  All
take clips in [-1, 1], flow with 20 px of 224 at +-1.

Differences from the paper, which leaves them open: the LSTM's batch norm stands on the
gates' input; the fused net's 3-D layer has no batch norm, and what its pool leaves is
averaged.  Table 1 counts millions and is too coarse to tell such readings apart.
"""

from course.i3d.architectures.frames import (
    ConvNetLSTM,
    FrameAverage,
    ImageNetwork,
    StreamNetwork,
    features_per_frame,
)
from course.i3d.architectures.from_images import build_from, make_stream
from course.i3d.architectures.paper_size import NAMES, build
from course.i3d.architectures.two_streams import (
    FusedTwoStream,
    TwoStreams,
    stack_flow,
)
from course.i3d.architectures.volumes import C3D_STAGES, ConvNet3D

__all__ = [
    "C3D_STAGES",
    "NAMES",
    "ConvNet3D",
    "ConvNetLSTM",
    "FrameAverage",
    "FusedTwoStream",
    "ImageNetwork",
    "StreamNetwork",
    "TwoStreams",
    "build",
    "build_from",
    "features_per_frame",
    "make_stream",
    "stack_flow",
]
