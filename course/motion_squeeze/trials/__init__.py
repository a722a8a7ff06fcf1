"""The chapter's runs, one question a file; `experiment.py` names them.

recognition   TSN, TSM, MSNet and other backbones: who can tell the order of time
module        what the module's parts, its place and its window are worth
two_streams   the same with flow, true or estimated, as a second stream
matching      the estimators on features with known motion
cost          multiply-adds and time
speed         seconds of a training, a test and of TV-L1 flow, all taking turns
card          the course's report card
videos        MSNet on a reader's own videos, or on the world

Two streams on TV-L1 flow (`estimated_flow`) are meant for cpu scale.  At gpu size TV-L1
takes about 2 s for a clip, so hours for all of them before a training begins, and at
full size longer.
"""
