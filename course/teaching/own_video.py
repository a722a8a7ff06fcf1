"""A video of the learner's own, or a clip of the world that went through a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

MOST_FRAMES = 240
SHORT_SIDE = 180


def open_video(
    path: str | os.PathLike | None = None,
) -> tuple[UInt8[np.ndarray, "T H W 3"], float, str]:
    """Read a video, at most `MOST_FRAMES` of its frames, spread evenly.

    Args:
        path: a file; None writes a clip of the world as H.264 and reads it back.

    Returns:
        (frames, frames per second of what is returned, a name without folders).

    Raises:
        course.video.VideoError: if the file is missing or cannot be read.
    """
    from course.video import probe, read_clip

    if not path:
        with tempfile.TemporaryDirectory() as folder:
            written = _clip_of_the_world(Path(folder) / "clip_of_the_world.mp4")
            return read_clip(written), 10.0, written.name
    info = probe(path)
    count = min(info.frames, MOST_FRAMES)
    indices = np.linspace(0, info.frames - 1, count).round().astype(int)
    small = SHORT_SIDE if min(info.height, info.width) > SHORT_SIDE else None
    frames = read_clip(path, indices, size=small)
    return frames, info.fps * count / info.frames, Path(path).name


def _clip_of_the_world(path: Path) -> Path:
    from course.synthetic import SynthActions
    from course.video import write_video

    world = SynthActions(
        "train", 1, seed=1, size=80, frames=20, frame_rate=10.0,
        actions=("dance",), scenes=("mall",), noise=0.0,
    )  # fmt: skip
    clip = world.render([0], ("clip",))["clip"][0]
    return write_video(path, clip.permute(1, 2, 3, 0).numpy(), fps=10.0)
