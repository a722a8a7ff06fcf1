"""I3D: "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset"
(Carreira & Zisserman, CVPR 2017).

The room in the paper's order:

    inflation        a 2-D network becomes a 3-D one (and `from_googlenet`, into I3D)
    receptive_field  how far a unit sees; where time may be thinned out (`thinning`)
    architectures    the five that the paper compares; `small_base` at cpu scale
    fusion           two streams, many steps, one answer
    published        DeepMind's weights, printed outputs and tables; `verify`

    scales, streams, trainings, trials, experiment   what is trained, at which scale
    claims, results                                  what it showed
    panels, pictures, drawings, exercises, own_video what the notebook shows
"""

from course.backbones import I3D
from course.i3d.architectures import NAMES, build
from course.i3d.fusion import average_over_time, mean_of_probabilities, sum_of_logits
from course.i3d.inflation import change_input_channels, inflate, inflate_conv
from course.i3d.published import load_published
from course.i3d.receptive_field import receptive_field

__all__ = [
    "I3D",
    "NAMES",
    "average_over_time",
    "build",
    "change_input_channels",
    "inflate",
    "inflate_conv",
    "load_published",
    "mean_of_probabilities",
    "receptive_field",
    "sum_of_logits",
]
