"""Retrieval: do clips of a class lie next to each other in feature space?

A query counts as found at k if one of its k nearest gallery items, by cosine
similarity, has its label: the field's R@k for representations learned without labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def nearest(
    queries: Float[Tensor, "Q D"],
    gallery: Float[Tensor, "G D"],
    k: int = 1,
    exclude_self: bool = False,
    chunk: int = 1024,
) -> Int[Tensor, "Q k"]:
    """The k most similar gallery items of each query, most similar first.

    Args:
        queries, gallery: one feature per row; lengths do not matter, a zero row is
            similar to nothing.
        k: how many neighbours.
        exclude_self: query i and gallery item i are the same clip and must not meet.
        chunk: queries compared at a time, to bound the memory.

    Returns:
        Row numbers of the gallery.

    Raises:
        ValueError: for shapes that do not fit, a k beyond the gallery, or features that
            are not finite.

    >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]])
    >>> nearest(rows, rows, exclude_self=True).flatten().tolist()
    [2, 2, 0]
    """
    _check_features(queries, gallery, exclude_self)
    most = len(gallery) - int(exclude_self)
    if not 1 <= k <= most:
        raise ValueError(f"k must be in 1 .. {most}, got {k}")
    directions = F.normalize(gallery.float(), dim=1)
    found = []
    for rows in torch.arange(len(queries)).split(chunk):
        similarity = F.normalize(queries[rows].float(), dim=1) @ directions.T
        if exclude_self:
            similarity[torch.arange(len(rows)), rows] = -torch.inf
        found.append(similarity.topk(k, dim=1).indices)
    return torch.cat(found)


def retrieval_recall(
    queries: Float[Tensor, "Q D"],
    query_labels: Int[Tensor, " Q"],
    gallery: Float[Tensor, "G D"],
    gallery_labels: Int[Tensor, " G"],
    ks: Sequence[int] = (1, 5, 10),
    exclude_self: bool = False,
) -> dict[int, float]:
    """R@k: share of queries with their label among the k nearest gallery items.

    Args:
        queries, query_labels: features and labels of the queries (test clips).
        gallery, gallery_labels: features and labels searched in (training clips).
        ks: the values of k.
        exclude_self: see `nearest`.

    Returns:
        k -> share in [0, 1].

    Raises:
        ValueError: as `nearest`, or if labels do not fit the features.

    >>> rows, labels = torch.eye(2), torch.tensor([0, 1])
    >>> retrieval_recall(rows, labels, rows, labels.flip(0), ks=(1, 2))
    {1: 0.0, 2: 1.0}
    """
    for features, labels in ((queries, query_labels), (gallery, gallery_labels)):
        if labels.shape != features.shape[:1]:
            shapes = tuple(features.shape), tuple(labels.shape)
            raise ValueError(f"features and labels do not fit: {shapes}")
    if not ks:
        raise ValueError(f"ks must name at least one k, got {ks}")
    neighbours = nearest(queries, gallery, max(ks), exclude_self)
    hits = gallery_labels[neighbours] == query_labels[:, None]
    return {k: int(hits[:, :k].any(dim=1).sum()) / len(hits) for k in ks}


def centred(
    queries: Float[Tensor, "Q D"], gallery: Float[Tensor, "G D"], by: str = "gallery"
) -> tuple[Float[Tensor, "Q D"], Float[Tensor, "G D"]]:
    """Features minus a mean, so that the cosine compares what differs among clips.

    What all clips share (after a ReLU: a direction in the positive corner) otherwise
    fills most of each length.  With "own" the mean of all queries is taken off each
    one: its answer then depends on the other queries, which a system that gets one
    query at a time cannot do ("transductive"), and a shift between both sets vanishes.

    Args:
        queries, gallery: one feature per row.
        by: "gallery", its mean off both; "own", each set's own mean, as FAME's released
            code evaluates.

    Returns:
        Queries and gallery, for `nearest` and `retrieval_recall`.

    Raises:
        ValueError: for another `by`, or features as in `nearest`.

    >>> rows = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    >>> centred(rows + 1, rows)[0].tolist(), centred(rows + 1, rows, "own")[0].tolist()
    ([[0.0, 1.0], [2.0, 1.0]], [[-1.0, 0.0], [1.0, 0.0]])
    """
    _check_features(queries, gallery, exclude_self=False)
    if by not in ("gallery", "own"):
        raise ValueError(f"by is 'gallery' or 'own', got {by!r}")
    queries, gallery = queries.float(), gallery.float()
    mean = gallery.mean(0)
    return queries - (mean if by == "gallery" else queries.mean(0)), gallery - mean


def _check_features(queries: Tensor, gallery: Tensor, exclude_self: bool) -> None:
    shapes = tuple(queries.shape), tuple(gallery.shape)
    if queries.ndim != 2 or gallery.ndim != 2 or shapes[0][1] != shapes[1][1]:
        raise ValueError(f"features must be (Q, D) and (G, D), got {shapes}")
    if len(queries) == 0 or (exclude_self and shapes[0] != shapes[1]):
        raise ValueError(f"queries and gallery do not fit: {shapes}")
    if not (queries.isfinite().all() and gallery.isfinite().all()):
        raise ValueError(f"features must be finite, shapes {shapes}")
