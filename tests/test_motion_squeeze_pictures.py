"""The MotionSqueeze room's pictures and own video: drawn, and right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course.backbones.tsm import temporal_shift
from course.motion_squeeze import own_video, pictures
from course.motion_squeeze.correlation import correlation
from course.motion_squeeze.drawings import (
    bands,
    fields,
    schematics,
    windows,
    world_field,
)
from course.motion_squeeze.tiles import tiles

LARGEST = 90_000  # bytes of a picture


# ---------------------------------------------------------------------------- pictures
def field_pair():
    clip = world_field.clip_of("dance", "gym", 0, 1.0, 0.0)
    features = world_field.random_features(clip.frames.transpose(0, 1), 9)
    found, sure = world_field.matched_field(features, 7, "kernel")
    return pictures.field_beside_truth(clip.frames, clip.flow, found, sure, 2, pair=2)


def windows_picture():
    marks = {
        "truth": pictures.Mark((9, 0), "ring"),
        "guess": pictures.Mark((1, -2), "cross"),
    }
    return pictures.window_tiles(
        {"S": torch.rand(15, 15)}, marks, "One window of scores, with two marks"
    )


PICTURES = {
    "module": pictures.module_schematic,
    "shift": pictures.shift_schematic,
    "bands": pictures.bands_picture,
    "field": field_pair,
    "windows": windows_picture,
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_have_alt_text_and_fit(name):
    picture = PICTURES[name]()
    assert len(picture.png) <= LARGEST and 150 <= picture.width <= 960
    assert len(picture.alt) > 30


def test_window_tiles_show_each_largest_value_brightest():
    from io import BytesIO

    from PIL import Image

    window = np.zeros((3, 3))
    window[0, 2] = 1.0  # dy = -1, dx = 1
    png = pictures.window_tiles({"S": window}, {}, "one window", cell=10).png
    pixels = np.asarray(Image.open(BytesIO(png)).convert("L")).astype(int)
    tile = pixels[windows.HEAD :, windows.GAP :][:30, :30]
    assert tile[5, 25] > 200 and tile[25, 5] < 20
    for wrong in (np.zeros((4, 4)), np.zeros((3, 5))):
        with pytest.raises(ValueError, match="odd"):
            pictures.window_tiles({"S": wrong}, {}, "alt")
    with pytest.raises(ValueError, match="empty"):
        pictures.window_tiles({}, {}, "alt")


def test_the_schematic_has_every_step_of_the_module():
    steps = [*schematics.MATCHING, *schematics.SQUEEZING, *schematics.ADDING]
    numbers = [int(n) for step in steps for n in step.number.split(",")]
    assert sorted(numbers) == list(range(14))


def test_the_shift_drawn_is_the_shift():
    clip = torch.arange(1.0, 5.0).view(4, 1, 1, 1).expand(4, 8, 1, 1)
    shifted = temporal_shift(clip, num_frames=4, fraction=8)[..., 0, 0]
    drawn = [schematics.shifted_column(t, 4, 8) for t in range(4)]
    assert shifted.tolist() == [[0 if s is None else s + 1 for s in c] for c in drawn]
    with pytest.raises(ValueError, match="1 and 8"):
        pictures.shift_schematic(frames=1)


@pytest.mark.parametrize(("side", "reach"), [(5, 1), (9, 2), (12, 3), (28, 7)])
def test_bands_are_what_the_library_needs_and_multiplies(side, reach):
    maps = torch.ones(1, 1, side, side)
    rows = 4
    count, band = bands.entries(side, reach, rows), bands.band_of_pairs(side, reach)
    needed = correlation(maps, maps, reach).sum()
    assert count.needed == band.sum() == needed
    assert count.all_pairs == band.size
    assert count.tiles == bands.tiles_of_pairs(side, reach, rows).sum()
    cut = [tile.product.numel() for tile in tiles(maps, maps, reach)]
    assert (count.tiles, count.one_tile) == (sum(cut), max(cut))
    x, y, u, v = 1, 2, 0, 3  # two cells, (y, x) and (v, u)
    near = max(abs(x - u), abs(y - v)) <= reach
    assert band[y * side + x, v * side + u] == near
    with pytest.raises(ValueError, match="-1"):
        bands.band_of_pairs(5, -1)


# --------------------------------------------------------------------------- own video
def moving_video(step: int = 6, frames: int = 5) -> np.ndarray:
    """A textured sheet that moves right by `step` px a frame, uint8."""
    draw = torch.Generator().manual_seed(1)
    sheet = torch.rand(3, 30, 60, generator=draw)
    sheet = torch.nn.functional.interpolate(
        sheet[None], scale_factor=4.0, mode="bilinear"
    )
    shown = [sheet[0, :, :96, 60 - step * t :][..., :128] for t in range(frames)]
    return (torch.stack(shown).permute(0, 2, 3, 1) * 255).byte().numpy()


def test_own_video_finds_a_known_motion(monkeypatch):
    monkeypatch.setattr("course.video.optical_flow._solver", _absent)
    found = own_video.where_things_go(moving_video(), "sheet", step=2)
    dx, dy = found.displacement[:, :, 4:-4, 6:-6]
    assert float(dx.median()) == pytest.approx(3.0, abs=0.1)  # 12 px are 3 cells
    assert float(dy.abs().median()) < 0.1
    assert "2 frames apart; no network was trained" in found.sentence
    assert "sheet" in found.picture.alt and "nothing trained" in found.picture.alt
    assert len(found.picture.png) <= LARGEST


def test_own_video_goes_without_opencv(monkeypatch):
    monkeypatch.setattr("course.video.optical_flow._solver", _absent)
    for view in fields.VIEWS:
        found = own_video.where_things_go(moving_video(frames=3), "sheet", 1, view)
        assert found.agreement is None and "TV-L1" not in found.picture.alt
        assert "TV-L1" not in found.sentence


def _absent():
    raise ImportError("no OpenCV here")


def test_own_video_agrees_with_tvl1_on_an_easy_video():
    pytest.importorskip("cv2").optflow  # noqa: B018
    found = own_video.where_things_go(moving_video(4, 3), "sheet", 1)
    assert found.agreement is not None and found.agreement > 0.9
    assert "cosine with TV-L1" in found.sentence and "TV-L1" in found.picture.alt


def test_a_written_video_and_the_fallback(tmp_path, monkeypatch):
    from course.teaching.own_video import open_video
    from course.video import write_video

    monkeypatch.setattr("course.video.optical_flow._solver", _absent)  # it is slow
    path = write_video(tmp_path / "mine.mp4", moving_video(), fps=5.0)
    for chosen, said in ((path, "mine.mp4"), (None, "clip_of_the_world.mp4")):
        frames, _, name = open_video(chosen)
        found = own_video.where_things_go(frames, name)
        assert found.picture.alt.startswith(said)
        assert not any(c.isdigit() for c in found.picture.alt.replace(".mp4", ""))


@pytest.mark.parametrize(("frames", "step"), [
    (np.zeros((3, 20, 20), np.uint8), 1), (np.zeros((1, 20, 20, 3), np.uint8), 1),
    (np.zeros((3, 20, 20, 3), np.float32), 1), (np.zeros((3, 20, 900, 3), np.uint8), 1),
    (np.zeros((3, 20, 20, 3), np.uint8), 0),
])  # fmt: skip
def test_what_cannot_be_matched_is_refused(frames, step):
    with pytest.raises(ValueError, match="uint8|16 px a side|step"):
        own_video.where_things_go(frames, "x", step)


def test_real_videos_fit(real_data, monkeypatch):
    from course.teaching.own_video import open_video

    monkeypatch.setattr(own_video, "MOST_PAIRS", 1)
    for path in sorted((real_data / "clips").iterdir())[:3]:
        frames, _, name = open_video(path)
        found = own_video.where_things_go(frames, name)
        assert len(found.picture.png) <= LARGEST
        assert (
            0 <= float(found.confidence.min()) <= float(found.confidence.max()) < 1.01
        )
