"""Views: one draw a clip, known truths of colour and blur, halves that stay apart."""

from __future__ import annotations

import colorsys
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Generator

from course.fame.augmentations import (
    KINETICS_MEAN,
    KINETICS_STD,
    LIGHT,
    PAPER,
    Augmentation,
    normalise,
)

WHOLE = {"scale": (1.0, 1.0), "ratio": None}
STILL = Augmentation(**WHOLE, jitter=0.0, grey=0.0, blur=0.0)  # changes nothing
STRONG = replace(PAPER, jitter=1.0, grey=0.3, blur=1.0, sigma=(0.5, 2.0))
ALL = pytest.mark.parametrize(
    "augment", [PAPER, LIGHT, STRONG], ids=["paper", "light", "strong"]
)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def some_clips(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(shape or (6, 3, 5, 32, 32), generator=seeded(seed))


# ------------------------------------------------------------------------------ draws


@ALL
def test_all_frames_of_a_clip_are_treated_the_same(augment):
    clips = some_clips(6, 3, 1, 32, 40).expand(-1, -1, 5, -1, -1)
    view = augment(clips, seeded())
    assert view.shape == clips.shape
    assert torch.allclose(view, view[:, :, :1].expand_as(view), atol=1e-6)
    assert view.min() >= 0 and view.max() <= 1


@ALL
def test_two_copies_of_a_clip_are_treated_differently(augment):
    clips = some_clips(1, 3, 5, 32, 32).expand(6, -1, -1, -1, -1)
    view = augment(clips, seeded())
    for i in range(6):
        for j in range(i):
            assert (view[i] - view[j]).abs().mean() > 1e-3


@ALL
def test_the_generator_decides_and_nothing_else_is_touched(augment):
    clips = some_clips()
    kept = clips.clone()
    state = torch.random.get_rng_state()
    first, same, other = (augment(clips, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(clips, kept) and not first.requires_grad


def test_one_generator_gives_another_view_in_every_call():
    clips, generator = some_clips(), seeded()
    assert (LIGHT(clips, generator) - LIGHT(clips, generator)).abs().mean() > 1e-2


def test_a_view_is_its_two_halves():
    clips, generator = some_clips(), seeded()
    halves = STRONG.colour(STRONG.crop(clips, generator), generator)
    assert torch.equal(halves, STRONG(clips, seeded()))


def test_a_strength_moves_no_other_draw():
    clips = some_clips()
    changed = replace(STRONG, hue=0.5, grey=0.9, flip=0.5, sigma=(3.0, 4.0))
    assert torch.equal(STRONG.crop(clips, seeded()), changed.crop(clips, seeded()))


# ------------------------------------------------------------------------------- crop


def test_no_strength_at_all_is_the_identity():
    clips = some_clips()
    assert torch.equal(STILL(clips, seeded()), clips)


def test_a_crop_of_the_whole_area_is_the_identity():
    clips = some_clips()
    view = replace(STILL, scale=(1.0, 1.0), ratio=(1.0, 1.0)).crop(clips, seeded())
    assert torch.allclose(view, clips, atol=1e-5)


def test_crops_show_a_smaller_part_enlarged_and_leave_colours():
    """On a slope the steps from pixel to pixel tell the side of the crop."""
    slope = torch.arange(32.0).div(31).expand(200, 3, 2, 32, 32)
    view = replace(PAPER, flip=0.0, ratio=None).crop(slope, seeded())
    step = (view[..., 17] - view[..., 16]) * 31  # source px per pixel: the side's share
    share = step[:, 0, 0, 16] ** 2
    assert 0.2 - 1e-3 < share.min() < 0.25 and 0.95 < share.max() < 1 + 1e-3
    assert abs(share.mean().item() - 0.6) < 0.05  # uniform from 0.2 to 1
    assert torch.equal(view[:, 0], view[:, 1]) and torch.equal(view[:, 0], view[:, 2])
    even = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1, 1).expand(4, 3, 2, 16, 16)
    assert torch.allclose(PAPER.crop(even, seeded()), even, atol=1e-6)


def test_only_the_paper_flips():
    slope = torch.arange(32.0).div(31).expand(300, 3, 1, 32, 32)
    falls = [
        (augment(slope, seeded())[:, 0, 0, 8, 24] < 0.5).float().mean().item()
        for augment in (
            replace(STILL, flip=PAPER.flip),
            replace(STILL, flip=LIGHT.flip),
        )
    ]
    assert 0.4 < falls[0] < 0.6 and falls[1] == 0
    assert Augmentation().flip == 0


@pytest.mark.parametrize("frames", [1, 4])
def test_masks_follow_the_clips(frames):
    mask = torch.zeros(8, frames, 32, 32, dtype=torch.bool)
    for i in range(8):
        mask[i, :, 4 + i : 18 + i, 10 : 20 + i] = True
    clips = mask[:, None].expand(-1, 3, -1, -1, -1).float()
    augment = replace(PAPER, size=24, scale=(0.5, 1.0))
    view, followed = augment.crop_with_masks(clips, mask, seeded())
    assert followed.dtype == torch.bool and followed.shape == (8, frames, 24, 24)
    assert ((view[:, 0] > 0.5) != followed).float().mean() < 0.02  # ties at its border
    assert torch.equal(view, augment.crop(clips, seeded()))
    whole = STILL.crop_with_masks(clips, mask, seeded())
    assert torch.equal(whole[1], mask)


# ----------------------------------------------------------------------------- colour


def turns_of(before: torch.Tensor, after: torch.Tensor) -> np.ndarray:
    """By how much each pixel's hue turned (-0.5 .. 0.5), by Python's own colorsys."""
    found = []
    for old, new in zip(before.tolist(), after.tolist(), strict=True):
        (h, s, v), (h2, s2, v2) = colorsys.rgb_to_hsv(*old), colorsys.rgb_to_hsv(*new)
        assert abs(s - s2) < 1e-4 and abs(v - v2) < 1e-5
        found.append((h2 - h + 0.5) % 1 - 0.5)
    return np.array(found)


def test_hue_turns_all_pixels_of_a_clip_alike_as_colorsys_sees_it():
    clips = some_clips(12, 3, 2, 5, 4)
    clips[:, :, 0, 0, 0] = torch.tensor([1.0, 0.0, 0.0])  # the circle's seam
    clips[:, :, 0, 0, 1] = torch.tensor([0.9, 0.9, 0.2])  # two channels tie
    only_hue = replace(
        STILL, jitter=1.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.3
    )
    view = only_hue(clips, seeded())
    turns = []
    for old, new in zip(clips, view, strict=True):
        by = turns_of(old.flatten(1).T, new.flatten(1).T)
        assert np.ptp(by) < 1e-3
        turns.append(by.mean())
    assert np.abs(turns).max() < 0.3 + 1e-3 and np.std(turns) > 0.05
    grey = torch.full((2, 3, 1, 2, 2), 0.4)
    assert torch.allclose(only_hue(grey, seeded()), grey, atol=1e-6)


def test_jitter_stays_within_its_strength():
    clips = 0.3 + 0.2 * some_clips(200, 3, 1, 4, 4)  # nothing leaves [0, 1]
    none = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    for name in ("brightness", "contrast", "saturation"):
        only = replace(STILL, **none | {name: 0.4}, jitter=1.0)
        view = only(clips, seeded())
        if name == "brightness":
            factor = (view / clips).flatten(1)
        elif name == "contrast":
            factor = (view.flatten(1).std(1) / clips.flatten(1).std(1))[:, None]
        else:  # the distance between channels
            span = [(x[:, 0] - x[:, 1]).flatten(1) for x in (view, clips)]
            factor = span[0] / span[1]
            factor = factor.where(span[1].abs() > 1e-2, factor.median(1, True).values)
        assert factor.std(1, correction=0).max() < 1e-3, name
        drawn = factor.mean(1)
        assert 0.6 - 1e-3 < drawn.min() < 0.63 and 1.37 < drawn.max() < 1.4 + 1e-3, name
        assert abs(drawn.mean().item() - 1) < 0.05, name


def test_so_many_clips_are_grey_and_so_many_untouched():
    clips = some_clips(1000, 3, 1, 2, 2)
    view = LIGHT.colour(clips, seeded())
    is_grey = (view.amax(1) - view.amin(1)).flatten(1).amax(1) < 1e-6
    same = torch.isclose(view, clips, atol=1e-5).flatten(1).all(1)
    assert abs(is_grey.float().mean().item() - LIGHT.grey) < 0.04
    untouched = (1 - LIGHT.jitter) * (1 - LIGHT.grey)
    assert abs(same.float().mean().item() - untouched) < 0.04


def test_grey_is_the_luma_of_the_standard():
    """BT.601, by colorsys's own conversion to YIQ."""
    clips = some_clips(2, 3, 1, 3, 3)
    view = replace(STILL, grey=1.0)(clips, seeded())
    for old, new in zip(clips.movedim(1, -1).reshape(-1, 3).tolist(),
                        view.movedim(1, -1).reshape(-1, 3).tolist(),
                        strict=True):  # fmt: skip
        luma = colorsys.rgb_to_yiq(*old)[0]
        assert np.abs(np.array(new) - luma).max() < 0.01  # its weights have two digits
        assert max(new) == min(new)


def test_colours_and_blur_have_no_place_in_the_first_half():
    clips = some_clips()
    loud = replace(STRONG, **WHOLE, flip=0.0, grey=1.0)
    assert torch.equal(loud.crop(clips, seeded()), clips)


def test_crop_and_flip_have_no_place_in_the_second():
    clips = some_clips()
    moving = replace(STILL, size=24, scale=(0.2, 0.3), flip=1.0)
    assert torch.equal(moving.colour(clips, seeded()), clips)


# ------------------------------------------------------------------------------- blur


@pytest.mark.parametrize("sigma", [0.3, 1.3, 2.0])
def test_blur_is_scipys_gaussian(sigma):
    clips = some_clips(2, 3, 2, 24, 30)
    view = replace(STILL, blur=1.0, sigma=(sigma, sigma))(clips, seeded())
    axes, radius = (0, 0, 0, sigma, sigma), math.ceil(3 * sigma)
    judge = ndimage.gaussian_filter(clips.numpy(), axes, mode="mirror", radius=radius)
    assert np.abs(view.numpy() - judge).max() < 1e-5


def widths(view: torch.Tensor) -> torch.Tensor:
    """The deviation of a blurred point along one axis, px."""
    along = view[:, 0, 0].sum(1)
    place = torch.arange(along.shape[1]) - along.shape[1] // 2
    return ((along * place**2).sum(1) / along.sum(1)).sqrt()


def test_the_blurs_width_is_drawn_for_every_clip_in_every_call():
    point = torch.zeros(200, 3, 1, 25, 25)
    point[..., 12, 12] = 1.0
    soft, generator = replace(STILL, blur=1.0, sigma=(0.8, 2.0)), seeded()
    first, second = (widths(soft(point, generator)) for _ in range(2))
    assert first.unique().numel() > 150 and (first - second).abs().mean() > 0.2
    assert 0.7 < first.min() < 0.9 and 1.8 < first.max() < 2.05
    assert abs(first.mean().item() - 1.4) < 0.1
    half = widths(replace(soft, blur=0.5)(point, generator)) > 0
    assert 0.4 < half.float().mean() < 0.6


# --------------------------------------------------------------------------- the rest


def test_scaling_comes_last_and_is_kinetics_by_name():
    clips = some_clips()
    scaled = replace(STRONG, mean=KINETICS_MEAN, std=KINETICS_STD)
    plain = STRONG(clips, seeded()).double().numpy()
    mean, std = (
        np.array(x)[:, None, None, None] for x in (KINETICS_MEAN, KINETICS_STD)
    )
    judge = (plain - mean) / std
    assert np.abs(scaled(clips, seeded()).numpy() - judge).max() < 1e-5
    # The three numbers twice, as torchvision's reference for R(2+1)D has them.
    assert KINETICS_MEAN == (0.43216, 0.394666, 0.37645)
    assert KINETICS_STD == (0.22803, 0.22145, 0.216989)


def test_autocast_does_not_make_pictures_coarse():
    clips = some_clips()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = STRONG(clips, seeded())
    assert inside.dtype == torch.float32
    assert torch.equal(inside, STRONG(clips, seeded()))


def test_settings_are_the_papers():
    assert (PAPER.scale, PAPER.flip, PAPER.grey, PAPER.jitter) == (
        (0.2, 1),
        0.5,
        0.2,
        0.8,
    )
    strengths = PAPER.brightness, PAPER.contrast, PAPER.saturation, PAPER.hue
    assert strengths == (0.4, 0.4, 0.4, 0.1)
    assert (PAPER.blur, PAPER.sigma) == (0.5, (0.1, 2.0))
    changed = {"flip": 0.5, "scale": (0.2, 1.0), "ratio": (3 / 4, 4 / 3), "blur": 0.5}
    assert replace(LIGHT, **changed) == PAPER


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"blur": 1.5}, "blur"),
        ({"hue": 0.7}, "hue"),
        ({"scale": (0.0, 1.0)}, "scale"),
        ({"mean": (0.1, 0.1, 0.1)}, "std"),
        ({"mean": (0.1, 0.1, 0.1), "std": (0.0, 1.0, 1.0)}, r"0\.0"),
    ],
)
def test_senseless_strengths_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**wrong)


def test_wrong_clips_and_masks_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 8, 8\)"):
        LIGHT(torch.rand(2, 1, 4, 8, 8))
    with pytest.raises(ValueError, match="uint8"):
        LIGHT(torch.zeros(2, 3, 4, 8, 8, dtype=torch.uint8))
    clips = torch.rand(2, 3, 4, 8, 8)
    with pytest.raises(ValueError, match=r"\(2, 1, 8, 9\)"):
        LIGHT.crop_with_masks(clips, torch.ones(2, 1, 8, 9) > 0)
    with pytest.raises(ValueError, match="float32"):
        LIGHT.crop_with_masks(clips, torch.ones(2, 1, 8, 8))
    with pytest.raises(ValueError, match=r"\(0\.5,\)"):
        normalise(clips, (0.5,), (0.5,))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_makes_the_same_views():
    clips = some_clips()
    assert (
        STRONG(clips.cuda(), seeded()).cpu() - STRONG(clips, seeded())
    ).abs().max() < 1e-3
