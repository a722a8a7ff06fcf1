"""How much of the action can be told from the scene alone?

RESOUND (Li, Li, Vasconcelos, ECCV 2018), as SDN's equation 1 writes it:

    B(D) = ln( M(D, phi_scene) / M_chance )                     nats, at most ln K

M is the *action* accuracy of a linear classifier on a frozen *scene* representation.
The logarithm is the natural one: UCF101's published 4.09 is ln(59.7 / 1.0).  B is not
comparable between data sets with different numbers of classes; B / ln K is.

REPAIR (Li, Vasconcelos, CVPR 2019) replaces it by a bounded share of the label entropy:

    bias = 1 - R / H(Y)             0: phi says nothing, 1: phi determines the label

R is the test cross-entropy (nats) of the classifier.  Both need a classifier and move
with its strength; here it is `linear_probe`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from course.evaluation.intervals import Interval, wilson_interval
from course.evaluation.probes import Array, linear_probe


def scene_bias(accuracy: float, chance: float) -> float:
    """RESOUND's bias B = ln(accuracy / chance).

    Args:
        accuracy: action accuracy of a classifier on a scene representation, in (0, 1].
        chance: action accuracy of guessing, in (0, 1]; 1/K if classes are balanced.

    Returns:
        B in nats; negative if the classifier does worse than guessing.

    Raises:
        ValueError: if an argument is outside (0, 1].

    >>> round(scene_bias(0.597, 0.01), 2)
    4.09
    """
    for name, value in (("accuracy", accuracy), ("chance", chance)):
        if not 0.0 < value <= 1.0:
            raise ValueError(f"{name} must be in (0, 1], got {value}")
    return math.log(accuracy / chance)


def scene_bias_ceiling(num_classes: int) -> float:
    """The highest B that K balanced classes allow, ln K.

    >>> round(scene_bias_ceiling(101), 2)
    4.62
    """
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, got {num_classes}")
    return math.log(num_classes)


def scene_bias_interval(
    correct: int, total: int, chance: float, confidence: float = 0.95
) -> Interval:
    """B with its interval for the draw of the test items (Wilson's, through the log).

    On a finite test set B can come out below 0 by luck; the interval shows it.

    Args:
        correct, total: right answers of the scene classifier and test items.
        chance: accuracy of guessing, in (0, 1].
        confidence: in (0, 1).

    Returns:
        B and its ends in nats; minus infinity where the accuracy is 0.

    >>> [round(v, 2) for v in scene_bias_interval(9, 80, 0.125)]
    [-0.11, -0.73, 0.47]
    """
    shares = wilson_interval(correct, total, confidence)
    scene_bias(1.0, chance)
    return Interval(*(math.log(s / chance) if s > 0 else -math.inf for s in shares))


def repair_bias(cross_entropy: float, label_entropy: float) -> float:
    """REPAIR's bias 1 - R / H, a share of the label entropy, kept inside [0, 1].

    A classifier that ignores phi and answers the label prior has R = H, so the lowest R
    is never above H; a larger measured R is noise of a finite test and counts as 0.

    Args:
        cross_entropy: R, test cross-entropy in nats, at least 0.
        label_entropy: H, entropy of the labels in nats, above 0.

    Returns:
        The bias in [0, 1].

    Raises:
        ValueError: for a negative R or an H that is not positive.

    >>> repair_bias(0.5, 2.0), repair_bias(2.1, 2.0)
    (0.75, 0.0)
    """
    if not cross_entropy >= 0.0:
        raise ValueError(f"cross_entropy must be at least 0, got {cross_entropy}")
    if not 0.0 < label_entropy < math.inf:
        raise ValueError(f"label_entropy must be positive, got {label_entropy}")
    return max(0.0, 1.0 - cross_entropy / label_entropy)


def majority_rate(labels: Int[Array, " N"]) -> float:
    """Share of the commonest label: what guessing reaches if classes are unbalanced.

    >>> majority_rate(np.array([0, 1, 1, 1]))
    0.75
    """
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return float(counts.max() / len(labels))


@dataclass(frozen=True)
class SceneBias:
    """Scene bias of a data set, measured with one scene representation.

    `bias` is RESOUND's B in nats with its sampling interval, `ceiling` is ln K,
    `repair` is REPAIR's bias in [0, 1].
    """

    accuracy: Interval
    chance: float
    bias: Interval
    ceiling: float
    repair: float


def dataset_scene_bias(
    scenes_train: Float[Array, "N D"],
    actions_train: Int[Array, " N"],
    scenes_test: Float[Array, "M D"],
    actions_test: Int[Array, " M"],
    num_actions: int,
    chance: float | None = None,
) -> SceneBias:
    """Scene bias of a data set from a linear probe, scene representation -> action.

    Args:
        scenes_train, scenes_test: the scene representation of each clip; `one_hot` of
            the true scene is the perfect one.
        actions_train, actions_test: the action of each clip.
        num_actions: K.
        chance: accuracy of guessing; None means 1/K (see `majority_rate`).

    Returns:
        A `SceneBias`.

    Raises:
        ValueError: as `linear_probe` and `scene_bias`.

    >>> from course.evaluation.probes import one_hot
    >>> s = np.arange(40) % 4
    >>> result = dataset_scene_bias(one_hot(s, 4), s, one_hot(s, 4), s, num_actions=4)
    >>> round(result.bias.estimate, 3) == round(result.ceiling, 3) == 1.386
    True
    """
    ceiling = scene_bias_ceiling(num_actions)
    chance = 1.0 / num_actions if chance is None else chance
    probe = linear_probe(scenes_train, actions_train, scenes_test, actions_test)
    return SceneBias(
        accuracy=probe.accuracy,
        chance=chance,
        bias=scene_bias_interval(probe.correct, probe.total, chance),
        ceiling=ceiling,
        repair=repair_bias(probe.cross_entropy, probe.label_entropy),
    )
