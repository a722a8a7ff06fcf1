"""What can be read from frozen features?  A fresh linear classifier tells.

`linear_probe` is a logistic regression on standardised features.  What it reaches is a
lower bound: a stronger probe, or more clips, may read more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from course.evaluation.intervals import Interval, wilson_interval

Array = Tensor | np.ndarray


@dataclass(frozen=True)
class Probe:
    """What a linear probe reached on its test items.

    `accuracy` carries Wilson's interval; `cross_entropy` is in nats, infinite if a test
    label was never seen in training; `label_entropy` is the test labels' own.
    """

    accuracy: Interval
    correct: int
    total: int
    cross_entropy: float
    label_entropy: float


def linear_probe(
    features_train: Float[Array, "N D"],
    labels_train: Int[Array, " N"],
    features_test: Float[Array, "M D"],
    labels_test: Int[Array, " M"],
    regularisation: float = 1.0,
) -> Probe:
    """Train a fresh logistic regression on frozen features and test it on others.

    Features are standardised with the training items' mean and deviation.

    Args:
        features_train, features_test: one row per item.
        labels_train, labels_test: class indices.
        regularisation: scikit-learn's C; larger trusts the training items more.

    Returns:
        A `Probe`.

    Raises:
        ValueError: for shapes that do not fit, features that are not finite, or
            training labels of a single class.

    >>> x = np.arange(8.0)[:, None]
    >>> linear_probe(x, x[:, 0] > 3, x, x[:, 0] > 3).accuracy.estimate
    1.0
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x_train, y_train = _features(features_train, labels_train, "training")
    x_test, y_test = _features(features_test, labels_test, "test")
    if x_train.shape[1] != x_test.shape[1]:
        widths = x_train.shape[1], x_test.shape[1]
        raise ValueError(f"training and test features differ in width: {widths}")
    if len(np.unique(y_train)) < 2:
        raise ValueError(f"a probe needs two classes, got only {np.unique(y_train)}")
    classifier = LogisticRegression(C=regularisation, max_iter=5000)
    probe = make_pipeline(StandardScaler(), classifier).fit(x_train, y_train)
    correct = int((probe.predict(x_test) == y_test).sum())
    log_probabilities = probe.predict_log_proba(x_test)
    columns = classifier.classes_ == y_test[:, None]
    own = np.where(columns, log_probabilities, 0.0).sum(axis=1)
    own[~columns.any(axis=1)] = -np.inf
    total = len(y_test)
    share = wilson_interval(correct, total)
    return Probe(share, correct, total, float(-own.mean()), label_entropy(y_test))


def scene_probe(
    features_train: Float[Array, "N D"],
    scenes_train: Int[Array, " N"],
    features_test: Float[Array, "M D"],
    scenes_test: Int[Array, " M"],
) -> float:
    """Scene leakage: accuracy of a fresh linear probe for the scene on frozen features.

    Give it clips whose scene is *independent* of the action: on correlated clips any
    feature that knows the action also names the scene.

    Returns:
        Test accuracy in [0, 1]; chance is 1 / number of scenes.

    >>> x = np.arange(8.0)[:, None]
    >>> scene_probe(x, x[:, 0] > 3, x, x[:, 0] > 3)
    1.0
    """
    probe = linear_probe(features_train, scenes_train, features_test, scenes_test)
    return probe.accuracy.estimate


def label_entropy(labels: Int[Array, " N"]) -> float:
    """Entropy of the labels' shares in nats.

    >>> round(label_entropy(np.array([0, 0, 1, 1])), 4)
    0.6931
    """
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    shares = counts / len(labels)
    return float(-(shares * np.log(shares)).sum())


def one_hot(labels: Int[Array, " N"], num_classes: int) -> Float[np.ndarray, "N K"]:
    """Labels as rows with a single one.

    >>> one_hot(np.array([1, 0]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    indices = np.asarray(labels)
    if indices.ndim != 1 or indices.min() < 0 or indices.max() >= num_classes:
        raise ValueError(
            f"labels must be (N,) in 0 .. {num_classes - 1}, got {indices}"
        )
    return np.eye(num_classes)[indices]


def _features(
    features: Array, labels: Array, what: str
) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(features, dtype=np.float64)
    y = np.asarray(labels)
    if x.ndim != 2 or y.shape != x.shape[:1] or len(y) == 0:
        shapes = x.shape, y.shape
        raise ValueError(f"{what}: expected features (N, D), labels (N,); got {shapes}")
    if not np.isfinite(x).all():
        raise ValueError(
            f"{what}: {int((~np.isfinite(x)).sum())} features are not finite"
        )
    return x, y
