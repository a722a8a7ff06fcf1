"""Frame sampling: always in range, in order, of the right length, and repeatable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.video import (
    centre_clip,
    dense_clips,
    random_clip,
    segment_frames,
    spread_clips,
)

counts = st.integers(1, 300)
lengths = st.integers(1, 64)
strides = st.integers(1, 8)
shorts = st.sampled_from(["hold", "loop"])


def check_clip(clip, frames, length, stride, short):
    assert clip.shape == (length,) and clip.dtype == np.int64
    assert clip.min() >= 0 and clip.max() < frames
    if short == "hold":
        assert (np.diff(clip) >= 0).all()
    if (length - 1) * stride < frames:
        assert (np.diff(clip) == stride).all()


@given(counts, lengths, strides, shorts, st.integers(0, 99))
def test_random_clip(frames, length, stride, short, seed):
    draw = [
        random_clip(frames, length, stride, np.random.default_rng(seed), short)
        for _ in range(2)
    ]
    check_clip(draw[0], frames, length, stride, short)
    assert np.array_equal(*draw)


def test_random_clip_reaches_every_start_equally():
    rng = np.random.default_rng(0)
    starts = [random_clip(10, 4, 2, rng)[0] for _ in range(4000)]
    share = np.bincount(starts, minlength=4) / 4000
    assert len(share) == 4 and abs(share - 0.25).max() < 0.03


@given(counts, lengths, strides, shorts, st.integers(1, 12))
def test_spread_and_centre_clips(frames, length, stride, short, clips):
    many = spread_clips(frames, length, stride, clips, short)
    assert many.shape == (clips, length)
    for clip in many:
        check_clip(clip, frames, length, stride, short)
    if clips > 1:
        assert many[0, 0] == 0
        last = max(0, frames - (length - 1) * stride - 1)
        assert many[-1, 0] == last
        gaps = np.diff(many[:, 0])
        assert gaps.max() - gaps.min() <= 1
    middle = centre_clip(frames, length, stride, short)
    check_clip(middle, frames, length, stride, short)
    assert np.array_equal(middle, spread_clips(frames, length, stride, 1, short)[0])


@given(counts, lengths)
def test_dense_clips_cover_every_frame_once(frames, length):
    clips = dense_clips(frames, length)
    held = clips.size - frames
    assert 0 <= held < length
    assert np.array_equal(np.unique(clips), np.arange(frames))
    assert np.array_equal(clips.ravel()[:frames], np.arange(frames))


@given(counts, lengths, st.integers(0, 99))
def test_segments_take_one_frame_of_each_part(frames, segments, seed):
    for rng in (None, np.random.default_rng(seed)):
        chosen = segment_frames(frames, segments, rng)
        assert chosen.shape == (segments,) and (np.diff(chosen) >= 0).all()
        low = np.floor(np.arange(segments) * frames / segments)
        high = np.ceil(np.arange(1, segments + 1) * frames / segments)
        assert ((low <= chosen) & (chosen < high)).all()


def test_segments_draw_every_frame_in_training_and_the_middle_in_testing():
    rng = np.random.default_rng(0)
    seen = {frame for _ in range(400) for frame in segment_frames(20, 4, rng)}
    assert seen == set(range(20))
    offsets = {tuple(segment_frames(20, 4, rng) % 5) for _ in range(99)}
    assert len(offsets) > 60  # each part draws for itself
    assert segment_frames(20, 4).tolist() == [2, 7, 12, 17]


def test_short_videos_hold_or_loop():
    assert centre_clip(3, 6).tolist() == [0, 1, 2, 2, 2, 2]
    assert centre_clip(3, 6, short="loop").tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: random_clip(0, 4), "frames must be at least 1, got 0"),
        (lambda: random_clip(9, 0), "length"),
        (lambda: centre_clip(9, 4, 0), "stride"),
        (lambda: spread_clips(9, 4, clips=0), "clips"),
        (lambda: dense_clips(9, 4, hop=0), "hop"),
        (lambda: segment_frames(9, 0), "segments"),
        (lambda: centre_clip(2, 4, short="zero"), "zero"),
    ],
)
def test_senseless_counts_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
