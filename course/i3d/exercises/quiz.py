"""The closing quiz of the chapter."""

from __future__ import annotations


def quiz():
    """Five questions to take along."""
    from course.teaching import Quiz

    return Quiz(_questions(), "Five questions to take along")


def _questions():
    from course.teaching import Question

    return [
        Question(
            "An inflated network, every tap w / N, gets a still picture repeated for "
            "64 frames, and time is padded with zeros. When does every step answer as "
            "the 2-D network did?",
            [
                "Always: the taps add up to w",
                "Where an output sees only real frames; at the ends some of the taps "
                "meet zeros",
                "Never: batch norm breaks it",
            ],
            1,
            "At the ends a part of the sum is missing, and the error creeps inwards "
            "layer by layer. Repeating the first and the last frame instead makes it "
            "exact; in eval mode batch norm treats every step alike.",
        ),
        Question(
            "Straight after inflation with equal taps (stride 1 in time, the same "
            "padding at both ends), you show a clip forwards and backwards. What do "
            "the logits, averaged over time, tell?",
            [
                "Nothing about the direction: turning all taps around changes nothing "
                "when they are equal",
                "The direction, because its kernels reach over several frames",
                "The direction, if ImageNet shows moving things",
            ],
            0,
            "Equal taps take a mean over time. Turn the clip, and the same answers "
            "come in turned order; their mean stays. Order has to be learned from "
            "videos, by making the taps unequal.",
        ),
        Question(
            "A 64-frame clip gets 7 rows of logits. 4 of the rows name the right "
            "action, but the mean of all 7 names another. What does this clip add to "
            "the accuracy that the paper reports?",
            ["4/7", "1, most rows are right", "0"],
            2,
            "A clip has one label and gets one answer: logits are averaged over time, "
            "then compared once. A few loud rows can outweigh several quiet ones.",
        ),
        Question(
            "Why does I3D's flow network have 2 input channels, while the earlier "
            "two-stream network had 20?",
            [
                "I3D uses only two frames of flow",
                "I3D's kernels reach over time themselves, so each frame of flow stays "
                "a time step of its own",
                "I3D compresses 20 channels into 2 with a 1x1 convolution",
            ],
            1,
            "The 2-D network has no time axis, so ten frames of flow, two numbers "
            "each, were stacked as channels. A 3-D network gets (2, T, H, W).",
        ),
        Question(
            "'Training on the target alone < Kinetics network frozen < Kinetics "
            "network fine-tuned.' What does the paper's transfer table say?",
            [
                "It holds for all five architectures on both data sets",
                "It holds for I3D; 3D-Fused on UCF-101 and Two-Stream on HMDB-51 break "
                "its second half",
                "Frozen beats fine-tuned throughout",
            ],
            1,
            "With ImageNet weights, 3D-Fused on UCF-101 has 94.3 frozen and 94.2 "
            "fine-tuned, and Two-Stream on HMDB-51 has 66.6 both ways. A general rule "
            "has to be checked row by row.",
        ),
    ]
