"""The closing quiz of the chapter."""

from __future__ import annotations


def quiz():
    """Eight questions to take along."""
    from course.teaching import Quiz

    questions = [*_on_measuring(), *_on_training()]
    return Quiz(questions, "Eight questions to take along")


def _on_measuring():
    from course.teaching import Question

    return [
        Question(
            "A network trained where scene and action are independent ignores the "
            "scene when it decides; yet a fresh probe reads the scene from its "
            "features far above chance. How can that be?",
            [
                "The probe was tested on the clips it learned from",
                "The features hold the scene, and the action head does not use it: "
                "leakage is not use",
                "It cannot be: what the features hold is used",
            ],
            1,
            "A probe measures what is there. Whether it decides is measured by "
            "changing the scene and watching the answer: accuracy on swapped clips.",
        ),
        Question(
            "After adversarial training the scene head is at chance. What do you know?",
            [
                "That this head, in this game, finds no scene: a fresh probe may "
                "still read it",
                "That the scene is gone from the features",
                "That the actions have been destroyed along with the scenes",
            ],
            0,
            "The features only had to escape one opponent that was still learning. "
            "Freeze them, and train a new one. (The third may be true as well; the "
            "action accuracy tells.)",
        ),
        Question(
            "Two data sets have the same scene bias B, one with 10 classes and one "
            "with 400. Which is more biased towards scenes?",
            [
                "Neither: B is the same",
                "The one with 400 classes: naming so many by scene alone is harder",
                "The one with 10: its B is a larger share of the highest possible, "
                "ln K",
            ],
            2,
            "B = ln(accuracy / chance) is at most ln K: 2.30 for 10 classes, 5.99 for "
            "400. The second option tempts because its observation is right: chance is "
            "lower. But the room above it is larger as well.",
        ),
        Question(
            "A clip's human is covered by a box in the mean colour of the frame. What "
            "can a network still know of the human?",
            [
                "Nothing: all of its pixels are gone",
                "Only the colour of the clothes, by the mean",
                "Where it is, how tall and wide, and how it moves from frame to frame; "
                "a little of its colour too",
            ],
            2,
            "The box is a rectangle that follows the human, so the action is not "
            "unknowable. The human's own pixels are in the mean, which leaks a little "
            "colour.",
        ),
    ]


def _on_training():
    from course.teaching import Question

    return [
        Question(
            "Gradient reversal with strength lambda: which gradient does lambda scale?",
            [
                "That of the scene head's weights",
                "The scene loss's gradient on its way into the features; the head "
                "itself learns at full rate",
                "Both, the head's and the features', in opposite directions",
            ],
            1,
            "Everything behind the reversal learns as usual; what lies in front of it "
            "gets minus lambda times the gradient. Subtracting lambda times the loss "
            "would be the third: it trains the head to be wrong.",
        ),
        Question(
            "In the training clips every action has its own scene, always: rho = 1. "
            "What can the scene adversary do?",
            [
                "Remove the scene, if it is strong enough",
                "Remove the scene, if its head is also told the action",
                "Nothing useful: scene and action are one and the same label, and what "
                "hides one hides the other",
            ],
            2,
            "No loss on these labels can tell two cues apart that always agree. "
            "(A head that is told the action has nothing left to find, so it leaves "
            "the features in peace.) It takes other information: masks, or clips where "
            "the two part.",
        ),
        Question(
            "Mask confusion in the paper and in the released code: what does the "
            "backbone get from clips without their human?",
            [
                "The same in both: the entropy of the action head is raised",
                "Paper: it is moved so that the action head becomes less sure. "
                "Released: a separate head is to be unsure, and a reversal moves the "
                "backbone to make that head sure",
                "Paper: nothing, only the head learns. Released: both learn",
            ],
            1,
            "In the code the reversal turns the sign for the backbone, and the action "
            "head gets no gradient at all from those clips. Which of the two made the "
            "published numbers is not known.",
        ),
        Question(
            "The reversal begins at full strength, before the scene head has learned "
            "anything. What is wrong with that?",
            [
                "Nothing: the head catches up",
                "The gradient of a head that knows nothing points nowhere useful, so "
                "the features are pushed about at random, and the actions may go first",
                "The reversed gradient is zero until the head has learned",
            ],
            1,
            "Hence a warm-up, in which only the head learns, and then a ramp. How "
            "steep it may be, this chapter measures.",
        ),
    ]
