"""The scene-debiasing room's still pictures: drawn, and right."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from course.scene_debias import pictures
from course.scene_debias.drawings import schematic, world_clips

LARGEST = 90_000  # bytes of a picture
PICTURES = {"sdn": pictures.sdn_schematic, "clips": pictures.bias_clips}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_have_alt_text_and_fit(name):
    picture = PICTURES[name]()
    assert len(picture.png) <= LARGEST and 150 <= picture.width <= 980
    assert len(picture.alt) > 30
    assert Image.open(io.BytesIO(picture.png)).width == picture.width


def test_the_schematic_has_both_ways_into_one_backbone():
    names = [schematic.CLIPS, schematic.MASKED, schematic.BACKBONE]
    assert len({box.x for box in names[:2]}) == 1 < len({box.x for box in names})
    assert [loss[1].split(":")[0] for loss in schematic.LOSSES] == [
        "$L_{Adv}$", "$L_{CE}$", "$L_{Ent}$",
    ]  # fmt: skip


def test_a_column_of_clips_is_one_actor():
    picture = pictures.bias_clips(actions=2)
    film = Image.open(io.BytesIO(picture.png))
    assert film.n_frames == world_clips.FRAMES
    pixels = np.asarray(film.convert("RGB")).astype(int)
    side = world_clips.WIDE
    height = pixels.shape[0] // 3
    rows = [
        pixels[(i + 1) * height - side - 6 : (i + 1) * height - 6] for i in range(3)
    ]
    home, erased = rows[0][:, :side], rows[2][:, :side]
    same = (np.abs(home - erased).max(-1) < 24).mean()
    assert 0.6 < same < 0.95  # the scene stays, the actor is gone
    swapped = rows[1][:, :side]
    assert (np.abs(home - swapped).max(-1) < 24).mean() < 0.5
    with pytest.raises(ValueError, match="9"):
        pictures.bias_clips(actions=9)
