"""Nearest neighbours against scikit-learn, recall against its definition."""

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from course.evaluation import nearest, retrieval_recall


def features(seed=0, count=50):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 6, generator=generator)
    return rows, torch.randint(0, 5, (count,), generator=generator)


@pytest.mark.parametrize("chunk", [7, 1024])
def test_neighbours_are_scikit_learns(chunk):
    (queries, _), (gallery, _) = features(0, 20), features(1)
    judge = NearestNeighbors(n_neighbors=4, metric="cosine").fit(gallery)
    expected = judge.kneighbors(queries, return_distance=False)
    assert nearest(queries, gallery, 4, chunk=chunk).tolist() == expected.tolist()
    longer = nearest(5.0 * queries, 0.1 * gallery, 4)
    assert longer.tolist() == expected.tolist()


def test_one_is_not_ones_own_neighbour():
    rows, labels = features()
    assert torch.equal(nearest(rows, rows)[:, 0], torch.arange(50))
    others = nearest(rows, rows, 49, exclude_self=True, chunk=8)
    assert not (others == torch.arange(50)[:, None]).any()
    assert retrieval_recall(rows, labels, rows, labels, ks=(1,)) == {1: 1.0}


def test_recall_by_counting():
    (queries, asked), (gallery, known) = features(0, 30), features(1)
    recall = retrieval_recall(queries, asked, gallery, known, ks=(10, 1, 5))
    for k, share in recall.items():
        rows = nearest(queries, gallery, k)
        found = [asked[i] in known[rows[i]] for i in range(30)]
        assert share == sum(found) / 30
    assert list(recall) == [10, 1, 5] and recall[1] <= recall[5] <= recall[10]


def test_errors_name_the_value():
    rows, labels = features(0, 4)
    with pytest.raises(ValueError, match=r"1 \.\. 4, got 5"):
        nearest(rows, rows, 5)
    with pytest.raises(ValueError, match=r"1 \.\. 3, got 4"):
        nearest(rows, rows, 4, exclude_self=True)
    with pytest.raises(ValueError, match=r"\(4, 6\), \(4, 5\)"):
        nearest(rows, rows[:, :5])
    with pytest.raises(ValueError, match="do not fit"):
        nearest(rows, rows[:3], exclude_self=True)
    with pytest.raises(ValueError, match="finite"):
        nearest(rows * torch.nan, rows)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        retrieval_recall(rows, labels[:3], rows, labels)
    with pytest.raises(ValueError, match="at least one k"):
        retrieval_recall(rows, labels, rows, labels, ks=())
