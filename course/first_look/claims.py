"""What the start notebook says, as rows that recorded runs decide."""

from __future__ import annotations

from course.evaluation import Claim
from course.evaluation.claim_wording import OURS, UNSTATED

CLAIMS = [
    Claim(
        id="scenery",
        sentence="A network trained where scene and action go together loses at least "
        "30 points of accuracy when the scenes are swapped",
        source=OURS,
        paper_value=UNSTATED,
        kind="greater",
        metric="accuracy",
        a="correlated:in_distribution",
        b="correlated:swapped",
        least=0.30,
    ),
    Claim(
        id="cure",
        sentence="Trained on scenes that tell nothing, the same network changes by "
        "less than 5 points when the scenes are swapped",
        source=OURS,
        paper_value=UNSTATED,
        kind="equal",
        metric="accuracy",
        a="uncorrelated:in_distribution",
        b="uncorrelated:swapped",
        margin=0.05,
    ),
    Claim(
        id="background",
        sentence="With the actor erased, the network trained on correlated scenes "
        "names the action that was there at least twice as often as chance",
        source=OURS,
        paper_value=UNSTATED,
        kind="greater",
        metric="background_only",
        a="correlated",
        value=0.25,
    ),
    Claim(
        id="untrained",
        sentence="Even random weights let a linear probe name more than half of the "
        "scenes (chance: one in eight)",
        source=OURS,
        paper_value=UNSTATED,
        kind="greater",
        metric="scene_leakage",
        a="untrained",
        value=0.5,
    ),
    Claim(
        id="leakage",
        sentence="Training on uncorrelated scenes makes the scene harder to read from "
        "the features",
        source=OURS,
        paper_value=UNSTATED,
        kind="greater",
        metric="scene_leakage",
        a="correlated",
        b="uncorrelated",
    ),
    Claim(
        id="cam",
        sentence="The class activation map lies more on the actor after training on "
        "uncorrelated scenes",
        source=OURS,
        paper_value=UNSTATED,
        kind="greater",
        metric="cam_on_actor",
        a="uncorrelated",
        b="correlated",
    ),
]
