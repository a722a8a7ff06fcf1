"""The pictures of the I3D chapter that are not panels, for the notebook.

    from course.i3d import pictures

They are drawn in `course.i3d.drawings`.
"""

from course.i3d.drawings.growth import receptive_growth
from course.i3d.drawings.measured import boring_video_errors
from course.i3d.drawings.schematics import five_architectures, paper_in_one_figure
from course.i3d.drawings.tables_figure import tables_alt, tables_figure

__all__ = [
    "boring_video_errors",
    "five_architectures",
    "paper_in_one_figure",
    "receptive_growth",
    "tables_alt",
    "tables_figure",
]
