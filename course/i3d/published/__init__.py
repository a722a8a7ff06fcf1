"""What the authors of I3D published (weights, outputs, tables), and how to check it.

    artefacts     what the files must contain: names, sizes, checksums, outputs
    loading       recognise a file of weights, read it as a state dict
    checkpoints   the TensorFlow files of google-deepmind/kinetics-i3d
    ports         two PyTorch copies of them
    crc32c        the checksum that proves either
    sample_clip   the clip on which the outputs were printed
    comparison    our logits beside the printed ones
    tables        tables 1 to 5 of the paper
    facts/        the two tables that `artefacts` reads

No weights are here.  `course.i3d.verify` uses all of this in one go.
"""

from course.i3d.published.artefacts import checkpoint_index, reference_outputs
from course.i3d.published.loading import Published, load_published, read_published

__all__ = [
    "Published",
    "checkpoint_index",
    "load_published",
    "read_published",
    "reference_outputs",
]
