"""Augmentation: one draw a clip, masks follow, neutral settings change nothing."""

import colorsys

import numpy as np
import pytest
import torch
from torch import Generator

from course.video import ClipAugment, centre_crop, crop_resize, three_crop
from course.video.colour import adjust_colour, gaussian_blur, greyscale, rotate_hue
from course.video.crops import random_boxes

STRONG = ClipAugment(
    size=20,
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.2,
    grey=0.3,
    blur=0.5,
)


def seeded(seed=0):
    return Generator().manual_seed(seed)


def one_frame_repeated(batch=6, time=5):
    frame = torch.rand(batch, 3, 1, 32, 40, generator=seeded(1))
    return frame.expand(-1, -1, time, -1, -1).clone()


def test_all_frames_of_a_clip_get_the_same_draw():
    out = STRONG(one_frame_repeated(), seeded())
    assert out.shape == (6, 3, 5, 20, 20)
    assert torch.allclose(out, out[:, :, :1].expand_as(out), atol=1e-6)
    assert out.min() >= 0 and out.max() <= 1


def test_clips_of_a_batch_get_different_draws():
    clip = one_frame_repeated(1).expand(6, -1, -1, -1, -1)
    out = STRONG(clip, seeded())
    for i in range(6):
        for j in range(i):
            assert (out[i] - out[j]).abs().mean() > 1e-3


def test_same_generator_same_result_and_another_seed_another():
    clips = one_frame_repeated()
    a, b, c = (STRONG(clips, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_one_clip_alone_is_treated_as_in_the_batch():
    clips = torch.rand(4, 3, 3, 32, 40, generator=seeded(2))
    draw = STRONG.draw(4, 32, 40, seeded())
    together = STRONG.apply(clips, draw)
    picked = type(draw)(*(getattr(draw, n)[2:3] for n in draw.__dataclass_fields__))
    assert torch.allclose(STRONG.apply(clips[2:3], picked), together[2:3], atol=1e-5)


def test_neutral_settings_change_nothing():
    clips = torch.rand(2, 3, 3, 16, 24)
    still = ClipAugment(scale=(1, 1), ratio=None, flip=0)
    assert torch.equal(still(clips), clips)
    idle = ClipAugment(
        scale=(1, 1), ratio=None, flip=0, brightness=0.4, hue=0.5, jitter=0, blur=0
    )
    assert torch.equal(idle(clips), clips)
    whole = torch.tensor([[0.0, 0.0, 16.0, 24.0]]).expand(2, 4)
    assert torch.allclose(crop_resize(clips, whole, (16, 24)), clips, atol=1e-5)
    same = torch.tensor([[1.0, 1.0, 1.0, 0.0]]).expand(2, 4)
    assert torch.allclose(adjust_colour(clips, same), clips, atol=1e-6)


def test_masks_follow_crop_and_flip():
    mask = torch.zeros(8, 4, 48, 48, dtype=torch.bool)
    for i in range(8):
        mask[i, :, 6 + i : 30 + i, 12 : 28 + i] = True
    clips = mask[:, None].expand(-1, 3, -1, -1, -1).float()
    augment = ClipAugment(size=32, scale=(0.3, 0.9), flip=0.5)
    out, followed = augment(clips, seeded(), masks=mask)
    assert followed.dtype == torch.bool and followed.shape == (8, 4, 32, 32)
    wrong = (out[:, 0] > 0.5) != followed
    assert wrong.float().mean() < 0.02  # ties at borders only
    assert 0.05 < followed.float().mean() < 0.95


def test_flip_is_a_mirror_and_happens_about_half_the_time():
    clips = torch.rand(400, 3, 1, 4, 6, generator=seeded(3))
    out = ClipAugment(scale=(1, 1), ratio=None)(clips, seeded())
    flipped = torch.tensor(
        [torch.equal(o, c.flip(-1)) for o, c in zip(out, clips, strict=True)]
    )
    kept = torch.tensor([torch.equal(o, c) for o, c in zip(out, clips, strict=True)])
    assert (flipped ^ kept).all() and 0.4 < flipped.float().mean() < 0.6


def test_boxes_lie_inside_and_have_the_asked_area_and_shape():
    boxes = random_boxes(500, 60, 80, (0.2, 0.5), (3 / 4, 4 / 3), seeded())
    top, left, tall, wide = boxes.T
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + tall <= 60 + 1e-3).all() and (left + wide <= 80 + 1e-3).all()
    share = tall * wide / 4800
    assert share.min() > 0.2 - 1e-4 and share.max() < 0.5 + 1e-4
    assert (wide / tall).min() > 0.74 and (wide / tall).max() < 1.34


def test_whole_pixel_crop_is_a_slice():
    clips = torch.rand(2, 3, 2, 12, 16)
    boxes = torch.tensor([[2.0, 3.0, 8.0, 8.0], [4.0, 0.0, 8.0, 8.0]])
    out = crop_resize(clips, boxes, (8, 8))
    assert torch.allclose(out[0], clips[0, :, :, 2:10, 3:11], atol=1e-5)
    assert torch.allclose(out[1], clips[1, :, :, 4:12, 0:8], atol=1e-5)


def test_hue_rotation_agrees_with_colorsys():
    colours = torch.rand(64, 3, generator=seeded(4))
    colours[:4] = torch.tensor([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0]])
    turns = torch.rand(64, generator=seeded(5)) - 0.5
    got = rotate_hue(colours[:, :, None, None, None], turns[:, None, None, None, None])
    for colour, turn, out in zip(colours, turns, got[:, :, 0, 0, 0], strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour.tolist())
        wanted = colorsys.hsv_to_rgb((hue + turn.item()) % 1, saturation, value)
        assert np.abs(out.numpy() - wanted).max() < 1e-4


def test_brightness_contrast_and_saturation_do_what_they_say():
    clips = torch.rand(1, 3, 2, 8, 8, generator=seeded(6)) * 0.5 + 0.2
    change = lambda *values: adjust_colour(clips, torch.tensor([values]))  # noqa: E731
    assert torch.allclose(change(1.2, 1.0, 1.0, 0.0), clips * 1.2, atol=1e-6)
    flat = change(1.0, 0.0, 1.0, 0.0)
    assert flat.std() < 1e-6 and torch.allclose(flat.mean(), greyscale(clips).mean())
    grey = change(1.0, 1.0, 0.0, 0.0)
    assert torch.allclose(grey, greyscale(clips).expand_as(grey), atol=1e-6)


def test_blur_agrees_with_scipy_and_each_clip_has_its_own_width():
    ndimage = pytest.importorskip("scipy.ndimage")
    clips = torch.rand(3, 2, 2, 24, 30, generator=seeded(7))
    out = gaussian_blur(clips, torch.tensor([0.0, 0.8, 2.0]))
    assert torch.equal(out[0], clips[0])
    for i, sigma in ((1, 0.8), (2, 2.0)):
        axes = (0, 0, sigma, sigma)
        wanted = ndimage.gaussian_filter(
            clips[i].numpy(), axes, mode="mirror", radius=6
        )
        assert np.abs(out[i].numpy() - wanted).max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 3, 2, 20, 33), (1, 3, 2, 33, 20)])
def test_three_crops_lie_at_start_middle_and_end(shape):
    clips = torch.rand(shape)
    crops = three_crop(clips, 18)
    assert crops.shape == (1, 3, 3, 2, 18, 18)
    wide = shape[-1] > shape[-2]
    first, last = slice(0, 18), slice(33 - 18, 33)
    for crop, place in ((crops[:, 0], first), (crops[:, 2], last)):
        wanted = clips[..., 1:19, place] if wide else clips[..., place, 1:19]
        assert torch.equal(crop, wanted)
    assert (centre_crop(clips, 18) - crops[:, 1]).abs().max() < 1
    with pytest.raises(ValueError, match="21 px"):
        three_crop(clips, 21)


@pytest.mark.parametrize(
    "settings",
    [
        {"flip": 1.5},
        {"hue": 0.7},
        {"scale": (0.5, 1.2)},
        {"ratio": (2, 1)},
        {"sigma": (0, 1)},
    ],
)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        ClipAugment(**settings)


def test_wrong_clips_are_refused_with_their_shape():
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 8, 8\)"):
        ClipAugment()(torch.rand(2, 1, 4, 8, 8))
    with pytest.raises(ValueError, match="uint8"):
        ClipAugment()(torch.zeros(2, 3, 4, 8, 8, dtype=torch.uint8))


def test_differentiable_and_half_precision():
    clips = torch.rand(2, 3, 2, 16, 16, requires_grad=True)
    STRONG(clips, seeded()).sum().backward()
    assert clips.grad.isfinite().all() and clips.grad.abs().sum() > 0
    half = STRONG(torch.rand(2, 3, 2, 16, 16).bfloat16(), seeded())
    assert half.dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_augments_as_the_cpu_does():
    clips = torch.rand(4, 3, 4, 32, 40)
    on_gpu = STRONG(clips.cuda(), seeded()).cpu()
    assert (on_gpu - STRONG(clips, seeded())).abs().max() < 1e-3
