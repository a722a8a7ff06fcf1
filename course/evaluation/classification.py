"""Counting right answers: clips, videos, classes, and which class is taken for which.

A video is often tested by several clips.  `video_scores` averages their probabilities
(the field's default) or their logits before the arg-max.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course.evaluation.intervals import Interval, wilson_interval


def top_k_correct(
    logits: Float[Tensor, "N K"], labels: Int[Tensor, " N"], k: int = 1
) -> Tensor:
    """Which items have their label among the k highest scores, bool (N,).

    Raises:
        ValueError: for shapes, labels or k that do not fit, no items, or a nan score.

    >>> top_k_correct(torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([1]), k=2)
    tensor([True])
    """
    _check_scores(logits, labels)
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k must be in 1 .. {logits.shape[1]} classes, got {k}")
    if k == 1:  # as every arg-max elsewhere, equal scores included
        return logits.argmax(dim=1) == labels
    return (logits.topk(k, dim=1).indices == labels[:, None]).any(dim=1)


def accuracy(logits: Float[Tensor, "N K"], labels: Int[Tensor, " N"]) -> float:
    """Share of items whose highest score is their label's, in [0, 1].

    >>> accuracy(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), torch.tensor([0, 1]))
    0.5
    """
    return top_k_accuracy(logits, labels, k=1)


def top_k_accuracy(
    logits: Float[Tensor, "N K"], labels: Int[Tensor, " N"], k: int = 5
) -> float:
    """Share of items whose label is among the k highest scores, in [0, 1].

    Args:
        logits: scores, higher is better; probabilities will do.
        labels: class indices 0 .. K - 1.
        k: how many guesses are allowed, 1 .. K.

    Returns:
        The share of items.

    Raises:
        ValueError: see `top_k_correct`.

    >>> top_k_accuracy(torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([1]), k=2)
    1.0
    """
    correct = top_k_correct(logits, labels, k)
    return int(correct.sum()) / len(correct)


def accuracy_interval(
    logits: Float[Tensor, "N K"],
    labels: Int[Tensor, " N"],
    k: int = 1,
    confidence: float = 0.95,
) -> Interval:
    """Top-k accuracy with Wilson's interval for the draw of the N test items.

    >>> scores = torch.eye(4)
    >>> [round(v, 2) for v in accuracy_interval(scores, torch.arange(4))]
    [1.0, 0.51, 1.0]
    """
    correct = top_k_correct(logits, labels, k)
    return wilson_interval(int(correct.sum()), len(correct), confidence)


def confusion_matrix(
    predictions: Int[Tensor, " N"], labels: Int[Tensor, " N"], num_classes: int
) -> Int[Tensor, "K K"]:
    """How often a class (row) was taken for another (column).

    Args:
        predictions: predicted class indices.
        labels: true class indices.
        num_classes: K.

    Returns:
        Counts, int64; rows are the truth.

    Raises:
        ValueError: if shapes differ or an index lies outside 0 .. K - 1.

    >>> confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2)
    tensor([[1, 1],
            [0, 1]])
    """
    if predictions.shape != labels.shape or labels.ndim != 1:
        shapes = tuple(predictions.shape), tuple(labels.shape)
        raise ValueError(f"predictions and labels must both be (N,), got {shapes}")
    _check_classes(predictions, num_classes, "predictions")
    _check_classes(labels, num_classes, "labels")
    pairs = labels.long() * num_classes + predictions.long()
    counts = torch.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def per_class_accuracy(
    logits: Float[Tensor, "N K"], labels: Int[Tensor, " N"]
) -> Float[Tensor, " K"]:
    """Accuracy of each class on its own; nan for a class without items.

    >>> per_class_accuracy(torch.tensor([[1.0, 0, 0], [1, 0, 0]]), torch.tensor([0, 1]))
    tensor([1., 0., nan])
    """
    _check_scores(logits, labels)
    table = confusion_matrix(logits.argmax(dim=1), labels, logits.shape[1])
    return table.diagonal().float() / table.sum(dim=1)


def video_scores(
    logits: Float[Tensor, "N K"],
    videos: Int[Tensor, " N"],
    average: str = "probability",
) -> tuple[Float[Tensor, "V K"], Int[Tensor, " V"]]:
    """One row of scores per video, the mean over its clips.

    Args:
        logits: scores of the clips.
        videos: the number of the video each clip comes from, any order.
        average: "probability" (softmax first) or "logit".

    Returns:
        Scores (V, K) and the video numbers (V,) in ascending order.

    Raises:
        ValueError: for shapes that do not fit or an unknown average.

    >>> clips = torch.tensor([[4.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> video_scores(clips, torch.tensor([7, 7, 2]), "logit")
    (tensor([[0.0000, 1.0000],
            [2.0000, 0.5000]]), tensor([2, 7]))
    """
    if average not in ("probability", "logit"):
        raise ValueError(f"average must be 'probability' or 'logit', got {average!r}")
    if logits.ndim != 2 or videos.shape != logits.shape[:1]:
        shapes = tuple(logits.shape), tuple(videos.shape)
        raise ValueError(f"expected logits (N, K) and videos (N,), got {shapes}")
    scores = logits.softmax(dim=1) if average == "probability" else logits
    names, index, counts = videos.unique(return_inverse=True, return_counts=True)
    sums = scores.new_zeros(len(names), scores.shape[1]).index_add(0, index, scores)
    return sums / counts[:, None], names


def video_accuracy(
    logits: Float[Tensor, "N K"],
    labels: Int[Tensor, " N"],
    videos: Int[Tensor, " N"],
    average: str = "probability",
    k: int = 1,
) -> float:
    """Top-k accuracy of videos, each judged by the mean score of its clips.

    Args:
        logits: scores of the clips.
        labels: class of each clip; the clips of a video must agree.
        videos: the number of the video each clip comes from.
        average: "probability" or "logit".
        k: how many guesses are allowed.

    Returns:
        The share of videos, in [0, 1].

    Raises:
        ValueError: also if two clips of one video have different labels.

    >>> clips = torch.tensor([[4.0, 0.0], [0.0, 1.0]])
    >>> video_accuracy(clips, torch.tensor([0, 0]), torch.tensor([3, 3]))
    1.0
    """
    _check_scores(logits, labels)
    scores, names = video_scores(logits, videos, average)
    index = torch.searchsorted(names, videos)
    video_labels = labels.new_zeros(len(names)).scatter(0, index, labels)
    wrong = (video_labels[index] != labels).nonzero()
    if len(wrong):
        number = videos[wrong[0, 0]].item()
        raise ValueError(f"the clips of video {number} have different labels")
    return top_k_accuracy(scores, video_labels, k)


def _check_scores(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or len(labels) == 0:
        shapes = tuple(logits.shape), tuple(labels.shape)
        raise ValueError(f"expected logits (N, K) and labels (N,), N > 0; got {shapes}")
    if logits.isnan().any():
        raise ValueError(
            f"{int(logits.isnan().any(dim=1).sum())} items have nan scores"
        )
    _check_classes(labels, logits.shape[1], "labels")


def _check_classes(indices: Tensor, num_classes: int, what: str) -> None:
    if indices.is_floating_point():
        raise ValueError(f"{what} must be whole numbers, got {indices.dtype}")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < num_classes:
        found = int(indices.min()), int(indices.max())
        raise ValueError(f"{what} must be in 0 .. {num_classes - 1}, got {found}")
