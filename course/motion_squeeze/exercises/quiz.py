"""The closing quiz of the chapter."""

from __future__ import annotations


def quiz():
    """Seven questions to take along."""
    from course.teaching import Quiz

    return Quiz([*_on_matching(), *_on_the_network()], "Seven questions to take along")


def _on_matching():
    from course.teaching import Question

    return [
        Question(
            "What does soft-argmax return for one place of the map?",
            [
                "The offset with the largest softmax weight",
                "The mean of the 225 offsets, weighted by the softmax of their scores",
                "The mean of the features in the window, weighted by the softmax",
            ],
            1,
            "It pools coordinates. An argmax has no gradient, so none is taken; the "
            "features themselves are not passed on.",
        ),
        Question(
            "A window holds two equally good matches, 3 cells to the right and 5 to "
            "the left. What do the two estimators say?",
            [
                "Both say 3 to the right",
                "Soft-argmax says somewhere between, where nothing matches; with the "
                "mask it is close to one of the two",
                "Soft-argmax picks one of the two; the mask makes the mean of them",
            ],
            1,
            "A mean of two places is a third one. The mask is centred on one of the "
            "best matches and damps the other. Which one it takes is chance.",
        ),
        Question(
            "The Gaussian g multiplies the scores before the softmax. Someone puts "
            "the normaliser 1 / (2 pi sigma^2) in front of it, with sigma = 5. What "
            "happens?",
            [
                "Nothing: the softmax divides constants out",
                "The scores shrink by a factor of 157, as if the temperature had grown "
                "from 0.01 to 1.57: nearly equal weights",
                "The estimate is scaled by the factor",
            ],
            1,
            "A softmax is blind to what is added to all scores, not to what multiplies "
            "them. g is a mask with peak 1; no normaliser is needed.",
        ),
        Question(
            "The background is one flat colour and nothing moves there. What does the "
            "largest correlation, the confidence, say?",
            [
                "Low: there is nothing to match",
                "High: everything matches everything, and the displacement is "
                "nevertheless arbitrary",
                "Zero, because nothing moves",
            ],
            1,
            "It detects a missing match, not an ambiguous one. The margin between the "
            "best match and the best one elsewhere would tell.",
        ),
    ]


def _on_the_network():
    from course.teaching import Question

    return [
        Question(
            "T frames give T - 1 displacement maps. What does frame T get in the "
            "official code?",
            [
                "Zeros",
                "A copy of the clip's last map, made before the convolutions",
                "The comparison of the last frame with the first",
            ],
            1,
            "So every frame gets motion features. Copying the finished features "
            "instead is the same at test time; in training batch norm then counts the "
            "last pair once, not twice.",
        ),
        Question(
            "What tells the module which motion is the true one, while it trains?",
            [
                "Optical flow computed beforehand, as a target",
                "A loss on how well frame 2 is predicted from frame 1",
                "Only the loss of naming the action: no flow is ever shown to it",
            ],
            2,
            "So nothing forces the map to be a flow; it has to be useful. That is "
            "worth measuring, and this chapter measures it.",
        ),
        Question(
            "A network with the module trains smoothly and ends as good as the one "
            "without. What do you look at first?",
            [
                "The learning rate",
                "Whether the confidence is above zero, and a motion you made yourself "
                "is found again, in the number type that training uses",
                "The number of parameters",
            ],
            1,
            "A matcher that returns zeros raises no error; it only takes its own gain "
            "away. Two lines of checking tell.",
        ),
    ]
