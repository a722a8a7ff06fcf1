"""The picture of the scene-debiasing chapter that is no panel, for the notebook.

    from course.scene_debias import pictures

It is drawn in `course.scene_debias.drawings`.
"""

from course.scene_debias.drawings.schematic import sdn_schematic

__all__ = ["sdn_schematic"]
