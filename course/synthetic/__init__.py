"""A world with known truth: actors, scenes and everything in between, rendered in
torch.

actions   what actors do (joint angles over time)     actors   bodies, clothes, props
scenes    where they do it (layers)                   camera   pan, zoom, shake
render    layers and parts to pixels, masks and flow  stage    draws to pictures
knobs     the settings                                clips    SynthActions
untrimmed SynthUntrimmed                              rendered batches of clips
"""

from course.synthetic.actions import ACTIONS, REVERSALS
from course.synthetic.clips import SPLITS, SynthActions
from course.synthetic.knobs import WORLD_VERSION, Knobs, make_knobs
from course.synthetic.rendered import Rendered
from course.synthetic.scenes import CONFUSABLE, SCENES
from course.synthetic.untrimmed import Segment, SynthUntrimmed, Timeline

__all__ = [
    "ACTIONS",
    "CONFUSABLE",
    "Knobs",
    "REVERSALS",
    "Rendered",
    "SCENES",
    "SPLITS",
    "Segment",
    "SynthActions",
    "SynthUntrimmed",
    "Timeline",
    "WORLD_VERSION",
    "make_knobs",
]
