"""InfoNCE and NT-Xent against cross-entropy, their definition and a closed form."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, ive

from course.fame.contrast import (
    contrast_logits,
    in_batch_contrast,
    in_batch_scores,
    info_nce,
    projection_head,
    unit_vectors,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def sphere(*shape, **options):
    return F.normalize(torch.randn(*shape, **options), dim=-1)


# ------------------------------------------------------------------ cross-entropy


@pytest.mark.parametrize("temperature", [0.07, 0.1, 1.0])
def test_info_nce_is_a_cross_entropy_with_the_positive_in_front(temperature):
    q, k, queue = torch.randn(8, 16), torch.randn(8, 16), torch.randn(50, 16)
    positive = F.cosine_similarity(q, k)[:, None]
    negative = F.cosine_similarity(q[:, None], queue[None], dim=2)
    logits = torch.cat([positive, negative], dim=1) / temperature
    expected = F.cross_entropy(logits, torch.zeros(8, dtype=torch.long))
    assert torch.allclose(info_nce(q, k, queue, temperature), expected, atol=1e-5)
    found = contrast_logits(q, k, queue, temperature)
    assert torch.allclose(found, logits, atol=1e-5)


def test_without_negatives_the_other_positives_serve():
    q, k = sphere(8, 16), sphere(8, 16)
    expected = F.cross_entropy(q @ k.T / 0.1, torch.arange(8))
    assert torch.allclose(info_nce(q, k), expected, atol=1e-6)


def test_own_negatives_count_for_their_own_query_only():
    q, k, queue, own = sphere(4, 8), sphere(4, 8), sphere(9, 8), sphere(4, 3, 8)
    together = info_nce(q, k, queue, 0.2, own)
    rows = [
        info_nce(q[i : i + 1], k[i : i + 1], torch.cat([queue, own[i]]), 0.2)
        for i in range(4)
    ]
    assert torch.allclose(together, torch.stack(rows).mean(), atol=1e-6)


def test_what_is_excluded_is_not_there():
    q, k, queue = sphere(2, 8), sphere(2, 8), sphere(5, 8)
    excluded = torch.tensor([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]).bool()
    found = info_nce(q, k, queue, excluded=excluded)
    rows = [info_nce(q[:1], k[:1], queue[[1, 2, 4]]), info_nce(q[1:], k[1:], queue)]
    assert torch.allclose(found, torch.stack(rows).mean(), atol=1e-6)
    nothing_left = torch.ones(2, 5).bool()
    assert info_nce(q, k, queue, excluded=nothing_left) == 0
    in_batch = torch.tensor([[0, 1], [0, 0]]).bool()
    assert torch.isfinite(info_nce(q, k, excluded=in_batch))


# ------------------------------------------------------------------------ NT-Xent


def by_definition(first, second, temperature):
    """Chen et al.'s formula, loop by loop, in Python's floats."""
    views = [*first.tolist(), *second.tolist()]
    count, total = len(first), 0.0

    def e(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return math.exp(dot / math.hypot(*a) / math.hypot(*b) / temperature)

    for i, view in enumerate(views):
        partner = views[(i + count) % (2 * count)]
        others = sum(e(view, v) for j, v in enumerate(views) if j != i)
        total -= math.log(e(view, partner) / others)
    return total / len(views)


@pytest.mark.parametrize(("videos", "temperature"), [(2, 0.1), (5, 0.5), (7, 0.07)])
def test_nt_xent_is_its_definition(videos, temperature):
    first, second = torch.randn(videos, 6), torch.randn(videos, 6)
    found = in_batch_contrast(first, second, temperature).item()
    assert found == pytest.approx(by_definition(first, second, temperature), abs=1e-5)
    swapped = in_batch_contrast(second, first, temperature).item()
    assert found == pytest.approx(swapped, abs=1e-6)


def test_features_that_know_nothing_are_at_the_log_of_the_candidates():
    same = torch.ones(32, 8)
    assert in_batch_contrast(same, same).item() == pytest.approx(math.log(63), abs=1e-5)
    own = torch.ones(32, 2, 8)
    found = in_batch_contrast(same, same, own_negatives=own).item()
    assert found == pytest.approx(math.log(65), abs=1e-5)


def test_scores_name_the_partner_and_leave_out_the_view_itself():
    x = sphere(5, 16)
    scores, partner = in_batch_scores(x, x, 0.1, sphere(5, 2, 16))
    assert scores.shape == (10, 12)
    assert scores.diagonal().isneginf().all()
    assert scores.isneginf().sum() == 10
    assert torch.equal(scores.argmax(1), partner)


# -------------------------------------------------------------------- closed form


def mean_of_exp(dim, temperature):
    """E exp(u / tau) of u = <x, y>, x and y uniform on the unit sphere."""
    order, x = dim / 2 - 1, 1 / temperature
    log = gammaln(dim / 2) + order * math.log(2 * temperature) + x
    return math.exp(log) * ive(order, x)  # ive = I exp(-x)


def test_the_closed_form_itself():
    assert mean_of_exp(128, 0.1) == pytest.approx(1.4762, abs=5e-5)
    u = torch.linspace(-1, 1, 200_001, dtype=torch.float64)  # on the sphere in 5-D
    density = (1 - u**2) ** ((5 - 3) / 2)
    integral = (density * (u / 0.5).exp()).sum() / density.sum()
    assert mean_of_exp(5, 0.5) == pytest.approx(integral.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("negatives", "orthogonal", "perfect"),
    [(2048, 8.014, 0.1286), (65536, 11.480, 1.6849)],
)
def test_random_negatives_give_the_loss_that_geometry_predicts(
    negatives, orthogonal, perfect
):
    q, queue = sphere(32, 128), sphere(negatives, 128)
    aside = torch.randn(32, 128)
    aside -= (aside * q).sum(1, keepdim=True) * q
    mass = negatives * mean_of_exp(128, 0.1)
    assert math.log(1 + mass) == pytest.approx(orthogonal, abs=6e-4)
    assert math.log(1 + mass * math.exp(-10)) == pytest.approx(perfect, abs=6e-5)
    # The noise: exp(u / tau) varies by about its own mean between negatives.
    noise = 4 / (32 * negatives) ** 0.5 + 1 / negatives
    assert info_nce(q, aside, queue).item() == pytest.approx(orthogonal, abs=noise)
    assert info_nce(q, q, queue).item() == pytest.approx(perfect, abs=noise)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.07, 0.1, 0.5]), st.integers(1, 40))
def test_the_loss_cannot_fall_below_its_floor(seed, temperature, count):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(3, 4, generator=generator)
    queue = torch.randn(count, 4, generator=generator)
    floor = math.log1p(count * math.exp(-2 / temperature))
    assert info_nce(q, q, queue, temperature).item() >= floor - 1e-6
    best = info_nce(q[:1], q[:1], -q[:1].expand(count, 4), temperature).item()
    assert best == pytest.approx(floor, abs=1e-6)


# ------------------------------------------------------- gradients and precision


def test_the_length_of_features_does_not_matter():
    q, k, queue = sphere(4, 8), sphere(4, 8), sphere(9, 8)
    scaled = info_nce(3.0 * q, 0.01 * k, 1e4 * queue)
    assert torch.allclose(scaled, info_nce(q, k, queue), atol=1e-6)
    assert torch.isfinite(info_nce(torch.zeros(2, 8), k[:2], queue))


@pytest.mark.parametrize("case", ["queue", "batch", "own", "nt_xent"])
def test_gradients_are_right(case):
    def make(*shape):
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    q, k, queue, own = make(3, 4), make(3, 4), make(5, 4), make(3, 2, 4)
    calls = {
        "queue": (lambda q, k, n: info_nce(q, k, n, 0.3), (q, k, queue)),
        "batch": (lambda q, k: info_nce(q, k, temperature=0.3), (q, k)),
        "own": (lambda q, k, n, o: info_nce(q, k, n, 0.3, o), (q, k, queue, own)),
        "nt_xent": (lambda q, k, o: in_batch_contrast(q, k, 0.3, o), (q, k, own)),
    }
    call, inputs = calls[case]
    assert torch.autograd.gradcheck(call, inputs)


@pytest.mark.parametrize("loss", [info_nce, in_batch_contrast])
def test_similarities_are_in_float32_under_autocast(loss):
    q, k = torch.randn(64, 128), torch.randn(64, 128)
    expected = loss(q, k)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = F.linear(q, q)
        found = loss(q, k)
    assert rounded.dtype == torch.bfloat16  # autocast was on
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    coarse = loss(q.bfloat16(), k.bfloat16())
    assert coarse.dtype == torch.float32
    assert torch.equal(coarse, loss(q.bfloat16().float(), k.bfloat16().float()))


def test_unit_vectors_and_the_head():
    x = torch.randn(7, 3, 5)
    assert torch.allclose(unit_vectors(x).norm(dim=-1), torch.ones(7, 3))
    assert unit_vectors(x.double()).dtype == torch.float64
    head = projection_head(64, dim=32, hidden=48)
    assert [tuple(p.shape) for p in head.parameters() if p.ndim == 2] == [
        (48, 64),
        (32, 48),
    ]


# ------------------------------------------------------------------------- errors

X = torch.ones(2, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: info_nce(torch.ones(4), torch.ones(4)), r"\(B, D\), got \(4,\)"),
        (lambda: info_nce(X, torch.ones(3, 4)), r"\(2, 4\) and \(3, 4\)"),
        (lambda: info_nce(X, X.long()), "torch.int64"),
        (lambda: info_nce(X, X, torch.ones(3, 5)), r"\(K, 4\), got \(3, 5\)"),
        (lambda: info_nce(X, X, X, temperature=0.0), "positive, got 0.0"),
        (lambda: info_nce(X, X, X, temperature=float("inf")), "positive, got inf"),
        (lambda: info_nce(X, X, X, 0.1, X), r"\(B, M, D\), got \(2, 4\)"),
        (lambda: info_nce(X, X, X, excluded=X), r"bool \(2, 2\)"),
        (lambda: info_nce(X, X, X, excluded=torch.ones(2, 3).bool()), r"\(2, 3\)"),
        (lambda: in_batch_contrast(X[:1], X[:1]), "nothing to differ from"),
        (lambda: in_batch_contrast(X, X, -1.0), "positive, got -1.0"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
