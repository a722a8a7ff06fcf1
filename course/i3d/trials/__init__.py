"""The chapter's runs, one question a file; `course.i3d.experiment` gives them names.

inflation       does it keep the image network's answers, what are they worth
architectures   the five, on few clips
flow            what a moving camera does to flow, and how a flow stream starts
transfer        a small data set after a large one
time_and_scene  when time may be thinned out, and the course's report card
videos          the RGB stream on a reader's own videos
"""
