"""Background Erasing: what a still frame keeps, what it bends, and the further loss."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from course.fame.background_erasing import (
    add_still,
    background_erasing_loss,
    erase_background,
)
from course.fame.contrast import in_batch_contrast, info_nce


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def wide(x):
    return x[:, None, None, None, None]


# ------------------------------------------------------------------- the formula


def test_it_is_the_papers_formula():
    clips = torch.rand(3, 3, 6, 5, 4)
    frames, strength = torch.tensor([5, 0, 2]), torch.tensor([0.3, 0.1, 1.0])
    still = torch.stack([clip[:, k] for clip, k in zip(clips, frames, strict=True)])
    expected = (1 - wide(strength)) * clips + wide(strength) * still[:, :, None]
    assert torch.allclose(add_still(clips, frames, strength), expected, atol=1e-6)


def test_the_ends_nothing_added_and_a_still_picture():
    clips, frames = torch.rand(2, 3, 4, 5, 5), torch.tensor([3, 1])
    assert torch.equal(add_still(clips, frames, 0.0), clips)
    still = add_still(clips, frames, 1.0)
    assert (still == still[:, :, :1]).all()
    assert torch.equal(still[0, :, 0], clips[0, :, 3])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 0.95))
def test_differences_in_time_shrink_by_one_minus_lambda_and_nothing_else(seed, share):
    generator = torch.Generator().manual_seed(seed)
    clips = torch.rand(2, 3, 5, 6, 6, generator=generator)
    erased = erase_background(clips, generator=generator, strength=share)
    expected = (1 - share) * clips.diff(dim=2)
    assert torch.allclose(erased.diff(dim=2), expected, atol=5e-7)


def seed_map(clips):
    """FAME's equation (1), then to [0, 1], in plain torch."""
    motion = clips.diff(dim=2).abs().sum(1).mean(1)
    low, high = motion.amin((1, 2), keepdim=True), motion.amax((1, 2), keepdim=True)
    return (motion - low) / (high - low)


def test_fames_motion_seed_does_not_see_the_added_frame():
    clips = torch.rand(4, 3, 8, 12, 12)
    for strength in (0.1, 0.3, 0.8):
        erased = erase_background(clips, strength=strength)
        assert (erased - clips).abs().max() > 0.05
        assert torch.allclose(seed_map(erased), seed_map(clips), atol=1e-5)


def apparent_motion(clips):
    """Lucas and Kanade's least squares over the whole line: px per frame."""
    pixels = clips[:, 0, :, 0]  # (B, T, W)
    in_time = pixels.diff(dim=1)[..., 1:-1]
    mean = (pixels[:, 1:] + pixels[:, :-1]) / 2
    in_space = (mean[..., 2:] - mean[..., :-2]) / 2
    return -(in_space * in_time).sum((1, 2)) / in_space.square().sum((1, 2))


def test_apparent_motion_is_bent_and_the_more_the_stronger():
    """A wave that travels 0.1 px a frame, seen through a still frame of itself."""
    x, t = torch.arange(64.0), torch.arange(4.0)[:, None]
    wave = 0.5 + 0.4 * torch.sin(2 * math.pi / 32 * (x - 0.1 * t))
    clips = wave.view(1, 1, 4, 1, 64).double()
    first = torch.tensor([0])
    speeds = [
        apparent_motion(add_still(clips, first, share)).item()
        for share in (0.0, 0.1, 0.3, 0.6)
    ]
    assert speeds[0] == pytest.approx(0.1, rel=0.01)
    # The still frame does not move, so the mixture is slower: nearly 1 - lambda times.
    expected = [0.1 * (1 - share) for share in (0.0, 0.1, 0.3, 0.6)]
    assert speeds == pytest.approx(expected, rel=0.02)


# ------------------------------------------------------------------------- draws


def strengths_of(clips, erased):
    """Lambda of each clip, read off its differences in time."""
    motion = [x.diff(dim=2).abs().sum((1, 2, 3, 4)) for x in (erased, clips)]
    return 1 - motion[0] / motion[1]


def test_lambda_is_uniform_up_to_gamma():
    clips = torch.rand(2000, 1, 2, 3, 3, dtype=torch.float64)
    found = strengths_of(clips, erase_background(clips, gamma=0.3))
    assert 0 <= found.min() + 1e-9 and found.max() <= 0.3
    counts = torch.histc(found.float(), bins=6, min=0, max=0.3)
    assert chisquare(counts).pvalue > 1e-3
    assert torch.equal(erase_background(clips, gamma=0.0), clips)


def test_one_lambda_for_all_as_in_the_official_code():
    clips = torch.rand(6, 1, 4, 3, 3, dtype=torch.float64)
    found = strengths_of(clips, erase_background(clips, shared=True))
    assert found.std() < 1e-9 and found[0] > 0
    assert strengths_of(clips, erase_background(clips)).std() > 0.01


def test_every_frame_of_the_clip_itself_is_equally_likely():
    clips = torch.eye(5).view(1, 1, 5, 1, 5).expand(3000, 1, 5, 1, 5)
    added = erase_background(clips, strength=1.0)[:, 0, 0, 0]
    assert (added.sum(1) == 1).all()
    assert chisquare(added.sum(0)).pvalue > 1e-3


def test_draws_come_from_the_generator_and_only_from_there():
    clips = torch.rand(4, 3, 5, 6, 6)

    def drawn(**options):
        return erase_background(clips, 0.8, torch.Generator().manual_seed(3), **options)

    state = torch.get_rng_state()
    assert torch.equal(drawn(), drawn())
    assert torch.equal(torch.get_rng_state(), state)
    found = strengths_of(clips, drawn())
    # A strength that is given leaves the frame that is drawn as it was, and so on.
    assert torch.allclose(drawn(strength=found), drawn(), atol=1e-5)


def test_type_stays_and_gradients_flow():
    clips = torch.rand(2, 3, 4, 5, 5, requires_grad=True)
    erase_background(clips, 0.3).sum().backward()
    assert torch.allclose(clips.grad.sum(), torch.tensor(600.0))  # shares sum to 1
    assert erase_background(clips.detach().bfloat16()).dtype == torch.bfloat16


# ------------------------------------------------------------------------ the loss


def test_the_loss_with_a_queue_is_a_cross_entropy():
    q, k, own, queue = (F.normalize(torch.randn(n, 8), dim=1) for n in (5, 5, 5, 20))
    columns = [
        (q * k).sum(1, keepdim=True),
        q @ queue.T,
        (q * own).sum(1, keepdim=True),
    ]
    logits = torch.cat(columns, dim=1) / 0.07
    expected = F.cross_entropy(logits, torch.zeros(5, dtype=torch.long))
    found = background_erasing_loss(q, k, own, queue)
    assert torch.allclose(found, expected, atol=1e-5)
    without = background_erasing_loss(q, k, None, queue)
    assert torch.equal(without, info_nce(q, k, queue, 0.07))
    assert found > without


def test_the_loss_in_a_batch():
    q, k, own = (torch.randn(5, 8) for _ in range(3))
    found = background_erasing_loss(q, k, own, temperature=0.2)
    assert torch.equal(found, in_batch_contrast(q, k, 0.2, own[:, None]))
    without = background_erasing_loss(q, k, temperature=0.2)
    assert torch.equal(without, in_batch_contrast(q, k, 0.2))


@pytest.mark.parametrize("queue", [None, -torch.eye(8)[4:]])
def test_features_that_see_the_background_alone_pay_log_2(queue):
    scenery = torch.eye(8)[:4]  # the same for anchor, positive and same-video negative
    blind = background_erasing_loss(scenery, scenery, None, queue)
    punished = background_erasing_loss(scenery, scenery, scenery, queue)
    assert blind.item() < 1e-4
    assert punished.item() == pytest.approx(math.log(2), abs=1e-4)


# -------------------------------------------------------------------------- errors

CLIPS = torch.rand(2, 3, 4, 5, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: erase_background(CLIPS[0]), r"float \(B, C, T, H, W\)"),
        (lambda: erase_background((CLIPS * 255).byte()), "torch.uint8"),
        (lambda: erase_background(CLIPS, 1.2), "gamma must be in .0, 1., got 1.2"),
        (lambda: erase_background(CLIPS, strength=-0.1), "strength .* got -0.1"),
        (lambda: erase_background(CLIPS, strength=torch.ones(3)), r"2, got \(3,\)"),
        (
            lambda: erase_background(CLIPS, strength=torch.ones(2) * 2),
            r"got 2.0 \.\. 2",
        ),
        (
            lambda: add_still(CLIPS, torch.tensor([0, 4]), 0.1),
            r"0 \.\. 3, got 0 \.\. 4",
        ),
        (lambda: add_still(CLIPS, torch.tensor([0]), 0.1), "2 indices"),
        (lambda: add_still(CLIPS, torch.zeros(2), 0.1), "torch.float32"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
