"""The scene-debiasing room's still pictures: drawn, and right."""

from __future__ import annotations

import io

from PIL import Image

from course.scene_debias import pictures
from course.scene_debias.drawings import schematic

LARGEST = 90_000  # bytes of a picture


def test_the_schematic_has_alt_text_and_fits():
    picture = pictures.sdn_schematic()
    assert len(picture.png) <= LARGEST and 150 <= picture.width <= 980
    assert len(picture.alt) > 30
    assert Image.open(io.BytesIO(picture.png)).width == picture.width


def test_the_schematic_has_both_ways_into_one_backbone():
    names = [schematic.CLIPS, schematic.MASKED, schematic.BACKBONE]
    assert len({box.x for box in names[:2]}) == 1 < len({box.x for box in names})
    assert [loss[1].split(":")[0] for loss in schematic.LOSSES] == [
        "$L_{Adv}$", "$L_{CE}$", "$L_{Ent}$",
    ]  # fmt: skip
