"""Contrast: recognise your own other view among those of other videos.

Source: FAME (Ding et al., CVPR 2022) trains with InfoNCE (van den Oord et al., 2018) as
MoCo uses it (He et al., CVPR 2020).  With cosine similarities s and temperature tau:

    loss = - log ( e+ / (e+ + sum_j e_j) ),    e+ = exp(s(q, k+) / tau) of the positive,
                                               e_j = exp(s(q, k_j) / tau) of negative j

It is a cross-entropy: one right answer, and as many wrong ones as negatives.  Since
s lies in [-1, 1] the loss cannot fall below log(1 + K exp(-2 / tau)), whatever the
features.  `in_batch_contrast` is the form without a queue (NT-Xent: Chen et al., ICML
2020): each of the 2 B views in a batch is compared with all the others.

Negatives come in two kinds: shared ones, which serve every query, and own ones, which
serve one query only (Background Erasing's other clip of the same video).

Known differences from the official code: features are normalised here, not at the end
of the network; similarities are in float32 even under autocast.  At a temperature of
0.1 bfloat16 would round a logit near 10 to the next 1/16.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


def info_nce(
    queries: Float[Tensor, "b d"],
    positives: Float[Tensor, "b d"],
    negatives: Float[Tensor, "k d"] | None = None,
    temperature: float = 0.1,
    own_negatives: Float[Tensor, "b m d"] | None = None,
    excluded: Bool[Tensor, "b k"] | None = None,
) -> Float[Tensor, ""]:
    """InfoNCE: the cross-entropy of finding the positive among the negatives.

    Args:
        queries: features (B, D); any length, they are normalised here.
        positives: row i belongs to query i.
        negatives: shared by all queries, (K, D).  Without them each query's negatives
            are the other rows' positives.
        temperature: tau, positive.
        own_negatives: further ones for each query alone, (B, M, D).
        excluded: (B, K), true where a shared negative shall not count for a query.

    Returns:
        The batch's mean in nats.

    Raises:
        ValueError: for shapes that do not fit, or a temperature that is not positive.

    Source: InfoNCE as in MoCo; temperature 0.1 is FAME's.

    >>> x = torch.eye(4)
    >>> round(info_nce(x, x, torch.ones(1, 4), temperature=1.0).item(), 4)
    0.4741
    """
    logits = contrast_logits(
        queries, positives, negatives, temperature, own_negatives, excluded
    )
    return -logits.log_softmax(dim=1)[:, 0].mean()


def contrast_logits(
    queries: Float[Tensor, "b d"],
    positives: Float[Tensor, "b d"],
    negatives: Float[Tensor, "k d"] | None = None,
    temperature: float = 0.1,
    own_negatives: Float[Tensor, "b m d"] | None = None,
    excluded: Bool[Tensor, "b k"] | None = None,
) -> Float[Tensor, "b n"]:
    """What InfoNCE is the cross-entropy of, the positive in front.

    Args:
        queries, positives, negatives, temperature, own_negatives, excluded: as for
            `info_nce`.

    Returns:
        Similarities over tau, (B, 1 + K + M): positive, shared negatives, own ones.
        Without `negatives` K is B, and a query's own positive is -inf among them, as
        is whatever is excluded.

    Raises:
        ValueError: as `info_nce`.

    >>> contrast_logits(torch.eye(2), torch.eye(2), temperature=0.5)
    tensor([[2., -inf, 0.],
            [2., 0., -inf]])
    """
    _check(queries, positives, temperature)
    with torch.autocast(queries.device.type, enabled=False):
        q, positive = unit_vectors(queries), unit_vectors(positives)
        right = (q * positive).sum(dim=1, keepdim=True)
        if negatives is None:
            own = torch.eye(len(q), dtype=torch.bool, device=q.device)
            excluded = own if excluded is None else own | excluded
            wrong = q @ positive.T
        else:
            _check_negatives(negatives, q)
            wrong = q @ unit_vectors(negatives).to(q.dtype).T
        if excluded is not None:
            if excluded.shape != wrong.shape or excluded.dtype != torch.bool:
                raise ValueError(
                    f"excluded must be bool {tuple(wrong.shape)}, got "
                    f"{tuple(excluded.shape)} {excluded.dtype}"
                )
            wrong = wrong.masked_fill(excluded, -math.inf)
        rows = [right, wrong]
        if own_negatives is not None:
            rows.append(_own_similarities(q, own_negatives))
        return torch.cat(rows, dim=1) / temperature


def in_batch_contrast(
    first: Float[Tensor, "b d"],
    second: Float[Tensor, "b d"],
    temperature: float = 0.1,
    own_negatives: Float[Tensor, "b m d"] | None = None,
) -> Float[Tensor, ""]:
    """NT-Xent: each of 2 B views looks for its partner among all the others.

    Args:
        first: features of one view of each video, (B, D), at least two videos.
        second: of the other view.
        temperature: tau, positive.
        own_negatives: further negatives for both views of a video, (B, M, D).

    Returns:
        The mean over all views in nats; log(2 B - 1) for features that know nothing.
        Of several processes each compares its own videos only.

    Raises:
        ValueError: for shapes that do not fit, or a temperature that is not positive.

    Source: SimCLR's loss, symmetric in its two views.

    >>> knows_nothing = torch.ones(4, 8)
    >>> round(in_batch_contrast(knows_nothing, knows_nothing).item(), 4)  # ln 7
    1.9459
    """
    scores, partner = in_batch_scores(first, second, temperature, own_negatives)
    return F.cross_entropy(scores, partner)


def in_batch_scores(
    first: Float[Tensor, "b d"],
    second: Float[Tensor, "b d"],
    temperature: float = 0.1,
    own_negatives: Float[Tensor, "b m d"] | None = None,
) -> tuple[Float[Tensor, "2*b n"], Int[Tensor, " 2*b"]]:
    """What `in_batch_contrast` is the cross-entropy of, and the right answers.

    Args:
        first, second, temperature, own_negatives: as for `in_batch_contrast`.

    Returns:
        Similarities over tau, (2 B, 2 B + M): rows and columns are the first views,
        then the second ones, then own negatives; -inf for a view with itself.  And the
        column of each row's partner.

    Raises:
        ValueError: as `in_batch_contrast`.

    >>> scores, partner = in_batch_scores(torch.eye(3), torch.eye(3))
    >>> tuple(scores.shape), partner.tolist()
    ((6, 6), [3, 4, 5, 0, 1, 2])
    >>> (scores.argmax(1) == partner).float().mean().item()  # the accuracy
    1.0
    """
    _check(first, second, temperature)
    if len(first) < 2:
        raise ValueError(f"one video has nothing to differ from, got {len(first)}")
    with torch.autocast(first.device.type, enabled=False):
        views = torch.cat([unit_vectors(first), unit_vectors(second)])
        itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
        scores = (views @ views.T).masked_fill(itself, -math.inf)
        if own_negatives is not None:
            twice = torch.cat([own_negatives, own_negatives])
            scores = torch.cat([scores, _own_similarities(views, twice)], dim=1)
    partner = torch.arange(len(views), device=views.device).roll(len(first))
    return scores / temperature, partner


def unit_vectors(x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
    """Vectors of length 1 along the last axis, in float32 (float64 stays).

    >>> unit_vectors(torch.tensor([[3.0, 4.0]], dtype=torch.bfloat16))
    tensor([[0.6000, 0.8000]])
    """
    return F.normalize(x if x.dtype == torch.float64 else x.float(), dim=-1)


def projection_head(
    features: int, dim: int = 128, hidden: int | None = None
) -> nn.Sequential:
    """The two layers between features and contrast, thrown away after pre-training.

    Args:
        features: width of the features.
        dim: width in which views are compared.
        hidden: width of the layer in between; default: that of the features.

    Returns:
        Module from (B, features) to (B, dim).

    Source: FAME's head has two layers; 512-512-128 on R(2+1)D in the official code.

    >>> sum(p.numel() for p in projection_head(512).parameters())
    328320
    """
    hidden = features if hidden is None else hidden
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, dim))


def _own_similarities(q: Tensor, own: Tensor) -> Tensor:
    """Of each query with its own negatives, (B, M)."""
    if own.ndim != 3 or (len(own), own.shape[2]) != tuple(q.shape):
        raise ValueError(
            f"own negatives of queries {tuple(q.shape)} are (B, M, D), got "
            f"{tuple(own.shape)}"
        )
    return torch.einsum("bd,bmd->bm", q, unit_vectors(own).to(q.dtype))


def _check(queries: Tensor, positives: Tensor, temperature: float) -> None:
    if queries.ndim != 2 or 0 in queries.shape or queries.shape != positives.shape:
        raise ValueError(
            f"both views must be (B, D), got {tuple(queries.shape)} and "
            f"{tuple(positives.shape)}"
        )
    if not (queries.is_floating_point() and positives.is_floating_point()):
        raise ValueError(f"features are float, got {queries.dtype}, {positives.dtype}")
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive, got {temperature}")


def _check_negatives(negatives: Tensor, q: Tensor) -> None:
    if negatives.ndim != 2 or negatives.shape[1] != q.shape[1]:
        raise ValueError(
            f"negatives of queries {tuple(q.shape)} are (K, {q.shape[1]}), got "
            f"{tuple(negatives.shape)}"
        )
