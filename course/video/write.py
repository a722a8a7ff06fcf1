"""Writes videos (H.264 by PyAV)."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8


def write_video(
    path: str | os.PathLike,
    frames: UInt8[np.ndarray, "T H W 3"],
    fps: float = 25.0,
    crf: int = 18,
    pad: bool = False,
) -> Path:
    """Write an H.264 video; the name appears only when the file is whole.

    Args:
        path: the file, .mp4, .mov or .mkv; an old one is replaced.
        frames: RGB video, uint8 (T, H, W, 3).
        fps: frames per second.
        crf: quality, 0 (largest) to 51; 18 is hard to tell from the original.
        pad: repeat the last row or column of odd sizes (H.264's usual colour format
            knows only even ones) instead of refusing them.

    Returns:
        The path.

    Raises:
        ValueError: wrong shape, type, size, rate, quality or file ending.

    >>> write_video("a.mp4", np.zeros((2, 33, 32, 3), np.uint8))
    Traceback (most recent call last):
    ValueError: H.264 needs even sizes, got 33 x 32; crop, or pass pad=True
    """
    path, frames = Path(path), _checked(frames)
    if path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        raise ValueError(f"the file must end in .mp4, .mov or .mkv, got {path.name!r}")
    if not 0 <= crf <= 51 or not fps > 0:
        raise ValueError(f"need 0 <= crf <= 51 and fps > 0, got crf {crf}, fps {fps}")
    height, width = frames.shape[1:3]
    if (height % 2 or width % 2) and not pad:
        hint = "crop, or pass pad=True"
        raise ValueError(f"H.264 needs even sizes, got {height} x {width}; {hint}")
    rim = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    part = path.with_name(f".{path.stem}.part{os.getpid()}{path.suffix}")
    try:
        _encode(part, np.pad(frames, rim, mode="edge"), fps, crf)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _encode(path: Path, frames: np.ndarray, fps: float, crf: int) -> None:
    import av

    rate = Fraction(fps).limit_denominator(30030)
    # The same bytes every time: one thread, and no macroblock tree, whose choices
    # depend on what the memory held before.
    options = {"crf": str(crf), "threads": "1", "x264-params": "mbtree=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _checked(frames: np.ndarray) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        found = f"{frames.dtype} {frames.shape}"
        raise ValueError(f"frames must be uint8 (T, H, W, 3), got {found}")
    if 0 in frames.shape:
        raise ValueError(f"there is nothing to write: frames have shape {frames.shape}")
    return frames
