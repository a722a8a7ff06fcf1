"""The pictures of the scene-debiasing chapter that are not panels, for the notebook.

    from course.scene_debias import pictures

They are drawn in `course.scene_debias.drawings`.
"""

from course.scene_debias.drawings.schematic import sdn_schematic
from course.scene_debias.drawings.world_clips import bias_clips

__all__ = ["bias_clips", "sdn_schematic"]
