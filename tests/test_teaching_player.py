"""Looping pictures, overlays, pixels: layouts, sizes, truth of what is drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course.teaching import looping, player
from course.teaching.figures import COLOURS, LARGEST_PICTURE, Picture, smaller
from course.teaching.lettering import letters, plain
from course.teaching.overlays import flow_arrows, heat_overlay, mask_outline, overlaid
from course.teaching.pixels import flow_colours, flow_wheel, frames_of, image_png


def moving_square(length=8, size=32):
    clip = np.full((length, size, size, 3), 40, np.uint8)
    for t in range(length):
        clip[t, 8:16, 2 * t : 2 * t + 8] = (230, 30, 30)
    return clip


def decoded(png):
    image = Image.open(io.BytesIO(png))
    frames = []
    for t in range(image.n_frames):
        image.seek(t)
        frames.append(np.asarray(image.convert("RGB")))
    return np.stack(frames), image.info


@pytest.mark.parametrize("make", [
    lambda c: c,
    lambda c: c / 255.0,
    lambda c: torch.from_numpy(c).permute(3, 0, 1, 2).float() / 255,
    lambda c: torch.from_numpy(c).permute(3, 0, 1, 2),
])  # fmt: skip
def test_every_layout_gives_the_same_frames(make):
    clip = moving_square()
    assert np.array_equal(frames_of(make(clip)), clip)


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4, 4), (0, 8, 8, 3), (1, 3, 2, 4, 4)])
def test_other_shapes_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=str(shape[0])):
        frames_of(np.zeros(shape))


def test_the_loop_plays_every_frame_at_its_rate_forever():
    clip = moving_square()
    frames, info = decoded(looping.animated_png(clip, fps=8))
    assert np.array_equal(frames, clip)  # two colours survive any palette
    assert info["loop"] == 0 and info["duration"] == 125


def test_a_still_clip_and_a_single_frame_loop_too():
    frames, _ = decoded(looping.animated_png(np.zeros((4, 8, 8, 3), np.uint8)))
    assert frames.shape[1:] == (8, 8, 3)
    assert looping.animated_png(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="fps"):
        looping.animated_png(moving_square(), fps=0)


def test_noise_is_kept_within_the_limit():
    noise = np.random.default_rng(0).integers(0, 256, (16, 112, 112, 3), np.uint8)
    assert len(looping.animated_png(noise, limit=60_000)) <= 60_000


def test_a_grid_of_eight_smooth_clips_is_small():
    y, x, t = np.mgrid[0:112, 0:112, 0:16].astype(float)
    clip = np.stack([np.sin((x + k * t) / 9) * np.cos(y / 11) for k in (1, 2, 3)], -1)
    clip = (clip.transpose(2, 0, 1, 3) + 1) / 2
    picture = player.clips_picture([clip] * 8, list("abcdefgh"))
    assert len(picture.png) <= looping.LARGEST_CLIP


def test_grid_places_clips_and_repeats_the_short_one():
    long, short = moving_square(8), moving_square(3)
    page = looping.clip_grid([long, short], ["long", "short"], columns=2, scale=2)
    assert page.shape[0] == 8 and page.shape[2] == 2 * (64 + 6)
    head = page.shape[1] - 64 - 6
    assert np.array_equal(page[5, head : head + 64 : 2, 0:64:2], long[5])
    assert np.array_equal(page[5, head : head + 64 : 2, 70:134:2], short[2])
    assert (page[:, :head] < 128).any()  # the captions' ink


def test_grid_refuses_nonsense():
    with pytest.raises(ValueError, match="no clip"):
        looping.clip_grid([])
    with pytest.raises(ValueError, match="2 captions"):
        looping.clip_grid([moving_square()], ["a", "b"])
    with pytest.raises(ValueError, match="scale"):
        looping.clip_grid([moving_square()], scale=0)


def test_clips_name_themselves_in_the_alt_text():
    picture = player.clips_picture([moving_square()] * 2, ["walk", "run"])
    assert picture.alt == "2 looping clips: walk; run."


def test_mask_outline_is_the_inner_border():
    clip, mask = np.zeros((2, 10, 10, 3), np.uint8), np.zeros((2, 10, 10), bool)
    mask[:, 2:7, 3:8] = True
    drawn = mask_outline(clip, mask)[0, :, :, 0] > 0
    assert drawn.sum() == 16 and not drawn[3:6, 4:7].any() and drawn[2, 3]
    with pytest.raises(ValueError, match="does not fit"):
        mask_outline(clip, mask[:, :5])


def test_flow_colours_tell_directions_apart_and_leave_rest_white():
    flow = np.array([[1.0, 0, -1, 0, 0], [0, 1, 0, -1, 0]])[:, None, :]
    colours = flow_colours(flow, largest=1.0)[0]
    assert colours[0].tolist() == [255, 0, 0] and colours[4].tolist() == [255] * 3
    assert len({tuple(c) for c in colours}) == 5
    weak = flow_colours(flow * 0.5, largest=1.0)[0, 0]
    assert weak.tolist() == [255, 128, 128]
    assert flow_wheel(33)[0, 0].tolist() == [255] * 3
    with pytest.raises(ValueError, match="flow is"):
        flow_colours(np.zeros((3, 4, 4)))


def test_heat_lies_where_it_is_hot():
    clip, heat = np.full((4, 32, 32, 3), 128, np.uint8), np.zeros((2, 4, 4))
    heat[:, 0, 0] = 1
    drawn = heat_overlay(clip, heat).astype(int)
    cold = drawn[:, 16:, 16:]
    assert np.ptp(cold) == 0 and 90 < cold[0, 0, 0, 0] < 128  # grey, a little darker
    assert abs(drawn - cold[0, 0, 0, 0]).sum(-1)[:, :6, :6].min() > 60
    assert heat_overlay(clip, np.zeros((4, 4))).shape == clip.shape
    with pytest.raises(ValueError, match="heat map"):
        heat_overlay(clip, np.zeros(4))


def test_arrows_start_at_pixels_that_move_and_point_there():
    clip, flow = np.zeros((2, 16, 16, 3), np.uint8), np.zeros((2, 1, 16, 16))
    flow[0, :, :8] = 3.0
    drawn = flow_arrows(clip, flow, step=8, scale=4)
    assert drawn.shape == (2, 64, 64, 3)
    assert drawn[0, 16:20, 18:28].any() and not drawn[0, 40:].any()
    assert not drawn[1].any()
    with pytest.raises(ValueError, match="must be"):
        flow_arrows(clip, flow[:, :, :4])


def test_overlaid_repeats_the_last_motion():
    clip, flow = moving_square(), np.random.default_rng(0).normal(size=(2, 7, 32, 32))
    shown = overlaid(clip, flow=flow)
    assert shown.shape == clip.shape and np.array_equal(shown[6], shown[7])


def test_image_png_keeps_pixels_and_refuses_other_shapes():
    image = moving_square()[0]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(image_png(image)))), image)
    assert Image.open(io.BytesIO(image_png(image, scale=3))).size == (96, 96)
    with pytest.raises(ValueError, match="image is"):
        image_png(np.zeros((3, 4, 4, 4)))
    with pytest.raises(ValueError, match="int64"):
        image_png(np.zeros((4, 4), np.int64))


def test_a_picture_needs_alt_text_and_png_bytes():
    png = image_png(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="alt"):
        Picture(png, " ")
    with pytest.raises(ValueError, match="PNG"):
        Picture(b"GIF89a", "a")
    assert 'alt="a &quot;b&quot; &lt;"' in Picture(png, 'a "b" <').html()


def test_large_pictures_shrink():
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    assert len(smaller(image_png(noise))) <= LARGEST_PICTURE


def test_words_become_ink_and_tags_disappear():
    assert (letters("hello", 80) < 100).any()
    assert letters("many words " * 10, 80).shape[0] > letters("one", 80).shape[0]
    assert plain("<style>p{}</style><p>a&nbsp;&lt; b</p>") == "a < b"


def test_the_colours_differ_in_lightness_or_hue_for_everyone():
    def lightness(name):
        r, g, b = (int(COLOURS[name][i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * r + 0.587 * g + 0.114 * b

    assert abs(lightness("blue") - lightness("orange")) > 60
