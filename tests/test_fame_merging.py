"""Merging a clip's foreground into another clip, and who is whose partner."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from course.fame.merging import (
    cyclic_partners,
    derangement,
    merge_background,
    merge_some,
    random_partners,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def some(batch=4, frames=5, size=6):
    clips = torch.rand(batch, 3, frames, size, size)
    return clips, torch.rand(batch, 1, size, size) < 0.4


# -------------------------------------------------------------------- equation (7)


def test_it_is_equation_7():
    clips, masks = some()
    partners = torch.tensor([2, 3, 1, 0])
    x, m = clips.numpy(), masks.numpy()[:, :, None].astype(np.float32)
    expected = x * m + x[partners.numpy()] * (1 - m)
    assert np.array_equal(merge_background(clips, masks, partners).numpy(), expected)


def test_a_float_mask_blends_as_the_equation_says():
    clips, _ = some()
    soft, partners = torch.rand(4, 1, 6, 6), cyclic_partners(4)
    m = soft[:, :, None]
    expected = clips * m + clips[partners] * (1 - m)
    assert torch.allclose(merge_background(clips, soft, partners), expected, atol=1e-6)


@pytest.mark.parametrize("soft", [False, True])
def test_merged_with_itself_a_clip_stays_what_it_was(soft):
    clips, masks = some()
    masks = torch.rand(4, 1, 6, 6) if soft else masks
    for itself in (torch.arange(4), clips):
        assert torch.equal(merge_background(clips, masks, itself), clips)


@pytest.mark.parametrize("kind", [torch.bool, torch.float32])
def test_the_ends_all_foreground_and_none(kind):
    clips, masks = some()
    partners = cyclic_partners(4)
    ones, zeros = torch.ones_like(masks).to(kind), torch.zeros_like(masks).to(kind)
    assert torch.equal(merge_background(clips, ones, partners), clips)  # beta = 1
    nothing_left = merge_background(clips, zeros, partners)  # beta = 0: a false pair
    assert torch.equal(nothing_left, clips[partners])


def test_inside_the_mask_motion_is_the_clips_and_outside_the_partners():
    clips, masks = some()
    partners = torch.tensor([1, 2, 3, 0])
    motion = merge_background(clips, masks, partners).diff(dim=2)
    inside = masks[:, :, None].expand_as(motion)
    assert torch.equal(motion[inside], clips.diff(dim=2)[inside])
    assert torch.equal(motion[~inside], clips[partners].diff(dim=2)[~inside])


def test_the_mask_is_the_same_in_all_frames_unless_there_is_one_a_frame():
    clips, masks = some()
    black, white = torch.zeros_like(clips), torch.ones_like(clips)
    shown = merge_background(white, masks, black)
    assert (shown == shown[:, :, :1]).all()
    assert shown[:, 0, 0].sum() == masks.sum()
    moving = torch.rand(4, 1, 5, 6, 6) < 0.5
    shown = merge_background(white, moving, black)
    assert torch.equal(shown.bool(), moving.expand_as(shown))


def test_partners_are_indices_or_clips_such_as_the_same_videos_others():
    clips, masks = some()
    other_clips = torch.rand_like(clips)
    merged = merge_background(clips, masks, other_clips)
    outside = ~masks[:, :, None].expand_as(clips)
    assert torch.equal(merged[outside], other_clips[outside])
    partners = torch.tensor([3, 0, 1, 2])
    by_index = merge_background(clips, masks, partners)
    assert torch.equal(by_index, merge_background(clips, masks, clips[partners]))


def test_the_order_of_the_batch_does_not_matter():
    clips, masks = some(batch=5)
    partners, order = derangement(5), torch.tensor([4, 2, 0, 1, 3])
    place = order.argsort()
    merged = merge_background(clips[order], masks[order], place[partners[order]])
    assert torch.equal(merged, merge_background(clips, masks, partners)[order])


def test_what_is_masked_out_does_not_leak():
    clips, masks = some(batch=2)
    broken = torch.where(masks[:, :, None], clips, torch.nan)  # NaN in the background
    whole = torch.full_like(clips, 0.5)
    assert merge_background(broken, masks, whole).isfinite().all()


def test_gradients_go_where_pixels_come_from():
    clips, masks = some(batch=2)
    clips.requires_grad_()
    merged = merge_background(clips, masks, torch.tensor([1, 0]))
    merged[0].sum().backward()
    inside = masks[0].expand(3, 6, 6)
    assert torch.equal(clips.grad[0, :, 0], inside.float())
    assert torch.equal(clips.grad[1, :, 0], (~inside).float())


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_type_and_memory_layout_stay(kind):
    clips, masks = some()
    clips = clips.to(kind).contiguous(memory_format=torch.channels_last_3d)
    for mask in (masks, masks.float()):
        merged = merge_background(clips, mask, cyclic_partners(4))
        assert merged.dtype == kind
        assert merged.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    ("clips", "masks", "partners", "message"),
    [
        (torch.zeros(2, 3, 4, 4), None, None, r"clips must be float \(B, C, T"),
        (torch.zeros(2, 3, 2, 4, 4, dtype=torch.uint8), None, None, "torch.uint8"),
        (None, torch.ones(2, 4, 4).bool(), None, r"\(2, 1, 4, 4\) or \(2, 1, 2, 4, 4"),
        (None, torch.ones(1, 1, 4, 4).bool(), None, r"got \(1, 1, 4, 4\)"),
        (None, torch.ones(2, 1, 4, 4).int(), None, "torch.int32"),
        (None, None, torch.zeros(3).long(), r"2 indices or clips, got \(3,\)"),
        (None, None, torch.tensor([True, False]), "torch.bool"),
        (None, None, torch.tensor([0, 2]), r"0 \.\. 1, got 0 \.\. 2"),
        (None, None, torch.tensor([-1, 0]), r"got -1 \.\. 0"),
        (None, None, torch.zeros(2, 3, 1, 4, 4), r"\(2, 3, 2, 4, 4\) like the clips"),
    ],
)
def test_what_does_not_fit_is_named(clips, masks, partners, message):
    clips = torch.zeros(2, 3, 2, 4, 4) if clips is None else clips
    masks = torch.ones(2, 1, 4, 4).bool() if masks is None else masks
    partners = torch.tensor([1, 0]) if partners is None else partners
    with pytest.raises(ValueError, match=message):
        merge_background(clips, masks, partners)


# ---------------------------------------------------------------- with a probability


@pytest.mark.parametrize("soft", [False, True])
def test_some_clips_are_merged_and_the_others_are_not_touched(soft):
    clips, masks = some(batch=400, frames=2, size=3)
    masks = masks & (torch.arange(9).view(3, 3) > 0)  # never all foreground
    masks = masks.float() if soft else masks
    partners = cyclic_partners(400)
    whole = merge_background(clips, masks, partners)
    half = merge_some(clips, masks, partners, 0.3)
    is_merged = (half == whole).flatten(1).all(1)
    is_clip = (half == clips).flatten(1).all(1)
    assert (is_merged ^ is_clip).all()
    # 0.3 within four standard deviations of 400 draws
    assert abs(is_merged.float().mean() - 0.3) < 4 * (0.3 * 0.7 / 400) ** 0.5
    assert torch.equal(merge_some(clips, masks, partners, 1.0), whole)
    assert torch.equal(merge_some(clips, masks, partners, 0.0), clips)


def test_the_same_generator_gives_the_same_choice():
    clips, masks = some(batch=30, frames=1)

    def drawn():
        generator = torch.Generator().manual_seed(3)
        return merge_some(clips, masks, cyclic_partners(30), 0.5, generator)

    state = torch.get_rng_state()
    assert torch.equal(drawn(), drawn())
    assert torch.equal(torch.get_rng_state(), state)  # the global one is left alone
    moving = (torch.rand(30, 1, 1, 6, 6) < 0.5).expand_as(clips[:, :1])
    assert merge_some(clips, moving, cyclic_partners(30), 0.5).shape == clips.shape


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_no_probability(probability):
    with pytest.raises(ValueError, match="probability must be in"):
        merge_some(*some(), cyclic_partners(4), probability)


# ----------------------------------------------------------------------- partners


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(0, 2**31))
def test_a_derangement_moves_everything_and_loses_nothing(n, seed):
    partners = derangement(n, torch.Generator().manual_seed(seed))
    assert partners.sort().values.equal(torch.arange(n))
    assert not (partners == torch.arange(n)).any()


def test_every_other_clip_is_an_equally_likely_partner():
    generator = torch.Generator().manual_seed(1)
    drawn = torch.stack([derangement(6, generator) for _ in range(3000)])
    for clip in range(6):
        counts = drawn[:, clip].bincount(minlength=6)
        assert counts[clip] == 0
        others = [count.item() for i, count in enumerate(counts) if i != clip]
        assert chisquare(others).pvalue > 1e-3


@pytest.mark.parametrize("n", [2, 8, 64])
def test_a_random_permutation_has_one_fixed_point_on_average(n):
    """The official code's partners: with 8 clips a GPU an eighth keeps its own."""
    generator = torch.Generator().manual_seed(2)
    fixed = [
        (random_partners(n, generator) == torch.arange(n)).sum().item()
        for _ in range(4000)
    ]
    # The variance of that number is 1 as well, whatever n.
    assert abs(np.mean(fixed) - 1) < 4 / 4000**0.5


def test_cyclic_partners():
    assert cyclic_partners(5, shift=2).tolist() == [2, 3, 4, 0, 1]
    assert cyclic_partners(3, shift=-1).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: derangement(1), "at least 2 clips, got 1"),
        (lambda: cyclic_partners(1), "at least 2 clips, got 1"),
        (lambda: random_partners(0), "at least 1 clips, got 0"),
        (lambda: cyclic_partners(4, shift=8), "shift of 8 in 4 clips"),
    ],
)
def test_nobody_to_be_a_partner(call, message):
    with pytest.raises(ValueError, match=message):
        call()
