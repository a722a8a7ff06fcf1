"""The chapter's runs, one question a file; `experiment.py` names them.

recognition   TSN, TSM, MSNet and other backbones: who can tell the order of time
module        what the module's parts, its place and its window are worth
two_streams   the same with flow, true or estimated, as a second stream
matching      the estimators on features with known motion
cost          multiply-adds and time
card          the course's report card
videos        MSNet on a reader's own videos
"""
