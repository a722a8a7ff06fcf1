"""Accuracies and confusion against torchmetrics, and what must hold for any numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
)

from course.evaluation import (
    accuracy,
    accuracy_interval,
    confusion_matrix,
    per_class_accuracy,
    top_k_accuracy,
    video_accuracy,
    video_scores,
)


def scores(seed: int, count: int = 60, classes: int = 5):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    return logits, torch.randint(0, classes, (count,), generator=generator)


@given(st.integers(0, 1000), st.integers(1, 5))
def test_top_k_is_torchmetrics(seed, k):
    logits, labels = scores(seed)
    theirs = multiclass_accuracy(logits, labels, 5, average="micro", top_k=k)
    assert top_k_accuracy(logits, labels, k) == pytest.approx(theirs.item())


def test_confusion_and_classes_are_torchmetrics():
    logits, labels = scores(3)
    table = confusion_matrix(logits.argmax(1), labels, 5)
    assert torch.equal(table, multiclass_confusion_matrix(logits, labels, 5))
    theirs = multiclass_accuracy(logits, labels, 5, average=None)
    assert torch.allclose(per_class_accuracy(logits, labels), theirs)


@given(st.integers(0, 1000))
def test_class_accuracies_average_to_the_accuracy(seed):
    logits, labels = scores(seed)
    weights = labels.bincount(minlength=5) / len(labels)
    mean = (per_class_accuracy(logits, labels).nan_to_num() * weights).sum()
    assert mean.item() == pytest.approx(accuracy(logits, labels), abs=1e-6)
    assert accuracy_interval(logits, labels).estimate == accuracy(logits, labels)


def test_equal_scores_give_chance_not_luck():
    labels = torch.arange(5).repeat(20)
    assert accuracy(torch.zeros(100, 5), labels) == 0.2


def test_video_scores_are_means_in_any_order():
    logits, _ = scores(0, count=6)
    videos = torch.tensor([9, 4, 9, 4, 9, 4])
    mean, names = video_scores(logits, videos)
    assert names.tolist() == [4, 9]
    assert torch.allclose(mean[0], logits[1::2].softmax(1).mean(0))
    order = torch.tensor([5, 0, 3, 2, 1, 4])
    again, _ = video_scores(logits[order], videos[order])
    assert torch.allclose(mean, again)


def test_probabilities_and_logits_can_disagree():
    logits = torch.tensor([[9.0, 0.0], [0.0, 3.0], [0.0, 3.0]])
    labels, videos = torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0])
    assert video_accuracy(logits, labels, videos) == 1.0
    assert video_accuracy(logits, labels, videos, average="logit") == 0.0
    assert video_accuracy(logits, labels, videos, average="logit", k=2) == 1.0


def test_one_clip_a_video_is_clip_accuracy():
    logits, labels = scores(5)
    videos = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    assert video_accuracy(logits, labels, videos) == accuracy(logits, labels)


@pytest.mark.parametrize(
    "logits, labels, message",
    [
        (torch.zeros(2, 3), torch.tensor([0]), r"\(2, 3\), \(1,\)"),
        (torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), "N > 0"),
        (torch.zeros(1, 3), torch.tensor([3]), r"0 \.\. 2, got \(3, 3\)"),
        (torch.zeros(1, 3), torch.tensor([-1]), r"\(-1, -1\)"),
        (torch.zeros(1, 3), torch.tensor([0.0]), "float32"),
        (torch.full((1, 3), torch.nan), torch.tensor([0]), "1 items have nan"),
    ],
)
def test_what_does_not_fit_is_named(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        accuracy(logits, labels)


def test_other_errors_are_named():
    logits, labels = scores(0, count=2)
    with pytest.raises(ValueError, match="got 6"):
        top_k_accuracy(logits, labels, k=6)
    with pytest.raises(ValueError, match="median"):
        video_scores(logits, torch.tensor([0, 0]), "median")
    with pytest.raises(ValueError, match="video 8"):
        video_accuracy(logits, torch.tensor([0, 1]), torch.tensor([8, 8]))
    with pytest.raises(ValueError, match=r"\(2,\), \(3,\)"):
        confusion_matrix(torch.tensor([0, 1]), torch.tensor([0, 1, 1]), 2)
