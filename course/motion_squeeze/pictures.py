"""The pictures of the MotionSqueeze chapter that are not panels, for the notebook.

    from course.motion_squeeze import pictures

They are drawn in `course.motion_squeeze.drawings`.
"""

from course.motion_squeeze.drawings.bands import bands_picture
from course.motion_squeeze.drawings.fields import field_beside_truth, film_picture
from course.motion_squeeze.drawings.ladder import ladder_picture
from course.motion_squeeze.drawings.schematics import module_schematic, shift_schematic
from course.motion_squeeze.drawings.windows import Mark, window_tiles

__all__ = [
    "Mark",
    "bands_picture",
    "field_beside_truth",
    "film_picture",
    "ladder_picture",
    "module_schematic",
    "shift_schematic",
    "window_tiles",
]
