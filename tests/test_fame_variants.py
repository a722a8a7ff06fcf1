"""The plainer masks, and choosing exactly as many pixels as asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.fame.mask_variants import (
    gauss_mask,
    gaussians_at,
    grid_mask,
    random_blob_mask,
    seed_mask,
)
from course.fame.ranking import top_pixels, top_share
from course.fame.seed import motion_seed, smoothed

QUICK = settings(max_examples=40, deadline=None)
# Few different values: most pixels are equal to others.
MAPS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=9),
    elements=st.sampled_from([-1.5, 0.0, 0.25, 1.0, 3.0]),
)
VARIANTS = [gauss_mask, random_blob_mask, seed_mask, grid_mask]


def made_clips(batch=3, frames=4, height=20, width=16, seed=0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, frames, height, width, generator=random)


@QUICK
@given(MAPS, st.floats(0, 1))
def test_the_top_share_is_what_a_stable_sort_puts_first(maps, beta):
    found = top_share(torch.from_numpy(maps), beta).flatten(1)
    count = int(beta * maps[0].size)
    for values, chosen in zip(maps, found.numpy(), strict=True):
        first = np.argsort(-values.ravel(), kind="stable")[:count]
        assert set(np.flatnonzero(chosen)) == set(first)


@QUICK
@given(MAPS, st.integers(0, 81))
def test_the_rest_of_the_top_is_the_bottom(maps, count):
    """Without equal pixels; equal ones are chosen in the same order in both."""
    maps = torch.from_numpy(maps)
    order = torch.arange(maps[0].numel()).view(maps.shape[1:]) / 1000
    maps, count = maps - order, min(count, maps[0].numel())
    rest = ~top_pixels(maps, maps[0].numel() - count)
    assert torch.equal(rest, top_pixels(-maps, count))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.int64])
def test_more_kinds_of_numbers_are_ranked(kind):
    maps = torch.tensor([[[3, 1], [2, 3]]], dtype=kind)
    assert top_pixels(maps, 2).int().tolist() == [[[1, 0], [0, 1]]]
    assert top_pixels(maps, 3).int().tolist() == [[[1, 0], [1, 1]]]


def test_choosing_beside_topk_without_equal_pixels():
    maps = torch.randn(4, 30, 31, generator=torch.Generator().manual_seed(0))
    for beta in (0.01, 0.3, 0.5, 0.999):
        indices = maps.flatten(1).topk(int(beta * 930), 1).indices
        known = torch.zeros(4, 930, dtype=torch.bool).scatter_(1, indices, True)
        assert torch.equal(top_share(maps, beta).flatten(1), known)


@pytest.mark.parametrize("make", VARIANTS)
@pytest.mark.parametrize("beta", [0.0, 0.25, 0.5, 0.8125, 1.0])
def test_area_type_and_shape(make, beta):
    clips = made_clips()
    mask = make(clips, beta)
    assert mask.dtype == torch.bool and mask.shape == (3, 1, 20, 16)
    assert mask.sum((1, 2, 3)).tolist() == [int(beta * 320)] * 3


@pytest.mark.parametrize("make", [gauss_mask, seed_mask, grid_mask])
def test_clips_of_a_batch_are_masked_one_by_one(make):
    clips = made_clips()
    alone = torch.cat([make(clip[None], 0.4) for clip in clips])
    assert torch.equal(make(clips, 0.4), alone)


def test_gauss_is_the_middle_whatever_the_clip():
    masks = gauss_mask(made_clips(height=21, width=21), 0.3)
    assert torch.equal(masks[0], masks[1])
    away = (torch.arange(21) - 10) ** 2
    distance = (away[:, None] + away)[None, None]
    assert distance[masks[:1]].max() <= distance[~masks[:1]].min()
    outside = gauss_mask(made_clips(height=21, width=21), 0.7, inverse=True)
    assert (masks & outside).sum() <= 3 * 8  # but for pixels equally far out


def test_gauss_is_stretched_as_the_frame_is():
    mask = gauss_mask(made_clips(1, height=40, width=20), 0.25)[0, 0]
    # An ellipse of a quarter of the area: its axes are 2 sqrt(.25 / pi) of the sides.
    assert abs(int(mask.any(1).sum()) - 0.564 * 40) <= 2
    assert abs(int(mask.any(0).sum()) - 0.564 * 20) <= 2


def test_random_blobs_are_drawn_anew_and_again_by_their_generator():
    clips = made_clips(batch=200)
    first, same, other = (
        random_blob_mask(clips, 0.2, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])
    # Places are uniform: the corners are covered too, the middle only more often.
    often = first.float().mean((0, 1))
    assert 0.02 < often[0, 0] and often[10, 8] < 0.4


def test_a_blob_in_the_middle_is_gauss():
    middle = gaussians_at(torch.tensor([[0.5, 0.5]]), 20, 16)
    assert torch.equal(top_share(middle, 0.3), gauss_mask(made_clips(1), 0.3)[:, 0])


def test_seed_is_the_top_of_equation_1():
    clips = made_clips()
    seed = motion_seed(clips)
    assert torch.equal(seed_mask(clips, 0.3)[:, 0], top_share(seed, 0.3))
    smooth = seed_mask(clips, 0.3, smooth=True, kernel=5)[:, 0]
    assert torch.equal(smooth, top_share(smoothed(seed, 5), 0.3))
    assert not torch.equal(smooth, top_share(seed, 0.3))


def test_grid_keeps_the_cells_with_the_largest_sums():
    clips = made_clips()
    seed = motion_seed(clips).double().numpy()
    mask = grid_mask(clips, 0.5)[:, 0].numpy()
    for one, kept in zip(seed, mask, strict=True):
        sums = one.reshape(4, 5, 4, 4).sum((1, 3)).ravel()
        known = np.zeros(16, dtype=bool)
        known[np.argsort(-sums)[:8]] = True
        assert np.array_equal(kept, known.reshape(4, 4).repeat(5, 0).repeat(4, 1))


def test_a_grid_that_does_not_divide_the_frame_covers_it_still():
    clips = made_clips(1, height=10, width=11)
    assert grid_mask(clips, 1.0, grid=3).all()
    mask = grid_mask(clips, 4 / 9, grid=3)[0, 0]
    assert mask.unique(dim=0).shape[0] <= 3 and mask.unique(dim=1).shape[1] <= 3
    assert 4 * 9 <= int(mask.sum()) <= 4 * 16


SMALL = torch.zeros(1, 3, 2, 8, 8)


@pytest.mark.parametrize("make", VARIANTS)
@pytest.mark.parametrize(
    ("clips", "beta", "message"),
    [
        (SMALL, 1.5, "beta is a share in .0, 1., got 1.5"),
        (SMALL, float("nan"), "got nan"),
        (SMALL, "half", "got 'half'"),
        (SMALL[:, :, :1], 0.5, r"two frames or more, got 1 in .*\(1, 3, 1, 8, 8\)"),
        (SMALL[0], 0.5, r"\(B, C, T, H, W\), got \(3, 2, 8, 8\)"),
        (SMALL.byte(), 0.5, "got torch.uint8"),
        ([0.0], 0.5, "got list"),
    ],
)
def test_what_no_mask_can_be_made_of_is_refused(make, clips, beta, message):
    with pytest.raises(ValueError, match=message):
        make(clips, beta)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seed_mask(SMALL - 1), "these span -1 to -1"),
        (lambda: grid_mask(SMALL + 2), "these span 2 to 2"),
        (lambda: seed_mask(SMALL[:, :2]), r"3 channels, got \(1, 2, 2, 8, 8\)"),
        (lambda: grid_mask(SMALL, grid=9), "got 9 for frames of 8 x 8"),
        (lambda: grid_mask(SMALL, grid=0), "got 0"),
        (lambda: grid_mask(SMALL, grid=2.5), "got 2.5"),
        (lambda: top_share(SMALL, 0.5), r"\(B, H, W\), got \(1, 3, 2, 8, 8\)"),
        (lambda: top_pixels(SMALL[0, :, 0], 65), "from 0 to 64, got 65"),
        (lambda: top_pixels(SMALL[0, :, 0], -1), "got -1"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
