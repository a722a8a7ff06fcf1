"""Clips without their human: boxes, fillings, imperfect masks, against numpy, scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from course.scene_debias.human_masks import box_of, degrade, mask_clip
from course.synthetic import SynthActions

SIDES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
MASKS = arrays.arrays(bool, SIDES).map(torch.from_numpy)
QUICK = settings(deadline=None, max_examples=60)


def clip_for(mask: torch.Tensor, kind: torch.dtype, seed: int = 0) -> torch.Tensor:
    """A clip of random colours that fits a mask (T, H, W) or (B, T, H, W)."""
    shape = (*mask.shape[:-3], 3, *mask.shape[-3:])
    draws = torch.Generator().manual_seed(seed)
    if kind == torch.uint8:
        return torch.randint(0, 256, shape, generator=draws, dtype=kind)
    return torch.rand(shape, generator=draws).to(kind)


@pytest.fixture(scope="module")
def world() -> dict:
    keys = ("clip", "mask", "background")
    return SynthActions("test", 4, frames=4, size=24).render(range(4), keys)


@QUICK
@given(MASKS)
def test_boxes_are_those_scipy_finds(mask):
    box = box_of(mask)
    for frame, found in zip(mask.numpy(), box.numpy(), strict=True):
        expected = np.zeros_like(frame)
        for slices in ndimage.find_objects(frame.astype(int)):
            expected[slices] = True
        assert np.array_equal(found, expected)


@QUICK
@given(MASKS, st.integers(0, 99))
def test_a_box_holds_its_mask_and_is_its_own_box(mask, seed):
    box = box_of(mask)
    assert torch.equal(box_of(box), box) and not (mask & ~box).any()
    assert torch.equal(mask.flatten(1).any(1), box.flatten(1).any(1))
    more = mask | (torch.rand(mask.shape, generator=_seeded(seed)) < 0.1)
    assert not (box & ~box_of(more)).any()  # a larger mask has no smaller box
    assert torch.equal(box_of(mask.flip(-1)), box.flip(-1))
    assert torch.equal(box_of(mask.transpose(-1, -2)), box.transpose(-1, -2))


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@QUICK
@given(MASKS, st.sampled_from([torch.float32, torch.uint8, torch.bfloat16]))
def test_the_hole_has_each_frames_own_mean_colour(mask, kind):
    clip = clip_for(mask, kind)
    before, masked = clip.clone(), mask_clip(clip, mask)
    assert torch.equal(clip, before) and masked.dtype == kind
    hole = mask.expand_as(clip)
    assert torch.equal(masked[~hole], clip[~hole])
    pixels = clip.double().numpy()
    means = np.broadcast_to(pixels.mean((-2, -1), keepdims=True), clip.shape)
    error = np.abs(masked.double().numpy() - means)[hole.numpy()]
    assert error.max(initial=0) <= {torch.uint8: 0.5001, torch.float32: 1e-6}.get(
        kind, 4e-3
    )


@QUICK
@given(MASKS)
def test_a_box_kind_covers_the_box(mask):
    clip = clip_for(mask, torch.float32)
    assert torch.equal(mask_clip(clip, mask, "box"), mask_clip(clip, box_of(mask)))


@QUICK
@given(MASKS, st.sampled_from(["true", "box"]))
def test_a_perfect_filling_is_mask_times_one_plus_rest_times_the_other(mask, kind):
    clip, background = (clip_for(mask, torch.float32, seed) for seed in (0, 1))
    fill = {"kind": kind, "fill": "background", "background": background}
    masked = mask_clip(clip, mask, **fill)
    hole = (box_of(mask) if kind == "box" else mask).float()
    assert torch.equal(masked, hole * background + (1 - hole) * clip)
    assert torch.equal(mask_clip(masked, mask, **fill), masked)  # twice is once


def test_filling_with_the_mean_twice_is_not_once():
    """The human's own colour is in the mean, and less of it is left each time."""
    clip, mask = torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool)
    clip[..., 0, 0], mask[..., 0, 0] = 1.0, True
    holes = []
    for _ in range(3):
        clip = mask_clip(clip, mask)
        holes.append(clip[0, 0, 0, 0].item())
    assert holes == [1 / 4, 1 / 16, 1 / 64]


@pytest.mark.parametrize("kind", [torch.float32, torch.uint8])
@pytest.mark.parametrize("options", [{}, {"kind": "box"}])
def test_clips_of_a_batch_are_masked_one_by_one(kind, options):
    mask = torch.rand(3, 4, 6, 5, generator=_seeded(0)) < 0.2
    clips = clip_for(mask, kind)
    alone = [mask_clip(*pair, **options) for pair in zip(clips, mask, strict=True)]
    assert torch.equal(mask_clip(clips, mask, **options), torch.stack(alone))


def test_a_frame_without_a_mask_stays_as_it_is():
    mask = torch.zeros(2, 3, 4, 4, dtype=torch.bool)
    clips = clip_for(mask, torch.uint8)
    assert torch.equal(mask_clip(clips, mask), clips)
    mask[0, 1] = True
    masked = mask_clip(clips, mask)
    assert torch.equal(masked[1], clips[1])
    assert torch.equal(masked[0, :, ::2], clips[0, :, ::2])
    assert (masked[0, :, 1].flatten(1).unique(dim=1)).shape == (3, 1)


def test_the_worlds_actor_leaves_a_rim_unless_its_mask_is_grown(world):
    """Pixels that it covers by less than half are its outline, and not in the mask."""
    clip, mask, background = world["clip"], world["mask"], world["background"]
    fill = {"fill": "background", "background": background}
    masked, rest = mask_clip(clip, mask, **fill), ~mask[:, None].expand_as(clip)
    assert torch.equal(masked[~rest], background[~rest])
    assert torch.equal(masked[rest], clip[rest]) and not torch.equal(masked, background)
    assert torch.equal(mask_clip(clip, degrade(mask, grow=1), **fill), background)


def test_the_gradient_passes_outside_and_through_the_mean():
    mask = torch.zeros(1, 2, 2, dtype=torch.bool)
    mask[0, 0, 0] = True
    clip = torch.rand(1, 1, 2, 2, requires_grad=True)
    mask_clip(clip, mask).sum().backward()
    assert clip.grad.flatten().tolist() == [0.25, 1.25, 1.25, 1.25]


@QUICK
@given(MASKS, st.integers(0, 10))
def test_growing_is_dilation_and_shrinking_erosion(mask, by):
    square = np.ones((3, 3))
    for frame, grown, shrunk in zip(
        mask.numpy(), degrade(mask, by), degrade(mask, -by), strict=True
    ):
        expected = frame, frame
        if by:  # scipy's "0 times" means "until nothing changes"
            expected = (
                ndimage.binary_dilation(frame, square, by),
                ndimage.binary_erosion(frame, square, by, border_value=1),
            )
        assert np.array_equal(grown, expected[0])
        assert np.array_equal(shrunk, expected[1])
    assert torch.equal(degrade(mask, -by), ~degrade(~mask, by))
    opened = degrade(degrade(mask, -by), by)
    assert not (opened & ~mask).any()
    assert torch.equal(degrade(degrade(opened, -by), by), opened)  # twice is once


@QUICK
@given(MASKS, st.integers(-11, 11), st.integers(-11, 11))
def test_shifting_moves_right_and_down_and_loses_the_rest(mask, right, down):
    moved = degrade(mask, shift=(right, down))
    expected = torch.zeros_like(mask)
    for frame, y, x in mask.nonzero().tolist():
        if 0 <= y + down < mask.shape[1] and 0 <= x + right < mask.shape[2]:
            expected[frame, y + down, x + right] = True
    assert torch.equal(moved, expected)


@QUICK
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_lost_frames_stay_lost(one, other, seed):
    mask = torch.ones(4, 8, 2, 2, dtype=torch.bool)
    few, many = (degrade(mask, missing=m, seed=seed) for m in sorted((one, other)))
    assert not (many & ~few).any()
    for kept in (few, many):  # a frame keeps all of its mask or nothing
        assert torch.equal(kept.flatten(2).any(2), kept.flatten(2).all(2))
    assert degrade(mask, missing=0.0, seed=seed).all()
    assert not degrade(mask, missing=1.0, seed=seed).any()


def test_frames_are_lost_as_often_as_asked():
    mask = torch.ones(500, 8, 1, 1, dtype=torch.bool)
    kept = degrade(mask, missing=0.3)
    assert abs(kept.float().mean() - 0.7) < 4.5 * 0.46 / 4000**0.5
    assert not torch.equal(kept, degrade(mask, missing=0.3, seed=1))
    first = degrade(mask[0], missing=0.3)
    assert torch.equal(first, kept[0])


def test_grown_then_moved_then_lost():
    mask = torch.zeros(6, 9, 9, dtype=torch.bool)
    mask[:, 4, 4] = True
    all_three = degrade(mask, 1, (4, 0), 0.5, seed=3)
    steps = degrade(degrade(degrade(mask, 1), shift=(4, 0)), missing=0.5, seed=3)
    assert torch.equal(all_three, steps) and 0 < all_three.sum() < 6 * 6
    same = degrade(mask)
    assert torch.equal(same, mask)


MASK, CLIP = torch.ones(2, 4, 4, dtype=torch.bool), torch.rand(3, 2, 4, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: box_of(torch.ones(4, 4)), r"bool .*got torch.float32 \(4, 4\)"),
        (lambda: box_of(MASK[0, 0]), r"got torch.bool \(4,\)"),
        (lambda: degrade(MASK[0]), r"\(..., T, H, W\), got torch.bool \(4, 4\)"),
        (lambda: degrade(MASK.int()), "got torch.int32"),
        (lambda: degrade(MASK, missing=1.5), "got 1.5"),
        (lambda: mask_clip(CLIP, MASK[:1]), r"got \(3, 2, 4, 4\) and .*\(1, 4, 4\)"),
        (lambda: mask_clip(CLIP[None], MASK), r"got \(1, 3, 2, 4, 4\)"),
        (lambda: mask_clip(CLIP[0], MASK[0]), r"got \(2, 4, 4\)"),
        (lambda: mask_clip(CLIP, MASK.float()), "torch.float32"),
        (lambda: mask_clip(CLIP, MASK, "oval"), "got 'oval' and 'mean'"),
        (lambda: mask_clip(CLIP, MASK, fill="black"), "got 'true' and 'black'"),
        (lambda: mask_clip(CLIP, MASK, fill="background"), "got fill='background'"),
        (lambda: mask_clip(CLIP, MASK, background=CLIP), "got fill='mean'"),
        (
            lambda: mask_clip(CLIP, MASK, "box", "background", CLIP[:, :1]),
            r"torch.float32 \(3, 2, 4, 4\); got torch.float32 \(3, 1, 4, 4\)",
        ),
        (
            lambda: mask_clip(CLIP, MASK, "box", "background", CLIP.byte()),
            "got torch.uint8",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
