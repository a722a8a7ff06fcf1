"""The clip on which the published outputs were computed, from the reader's files.

DeepMind's arrays (1, 79, 224, 224, C) are RGB or optical flow (dx, dy) already scaled
to [-1, 1].  A video can stand in for the RGB array: short side to 256, centre crop of
224, pixels to [-1, 1]; its compression and the resizing move the logits, so only the
best class can be compared then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course.i3d.published.artefacts import CHANNELS, FRAMES, SAMPLE_CLIPS, SIDE, blob_id


@dataclass(frozen=True)
class SampleClip:
    """A clip for one stream."""

    values: Tensor  # (1, C, T, 224, 224) in [-1, 1]
    exact: bool  # whether the printed logits must come out
    caveat: str


def find_clips(
    clip: str | os.PathLike | Sequence[str | os.PathLike] | None,
    beside: Iterable[Path] = (),
) -> dict[str, Path]:
    """Which clip belongs to which stream.

    Args:
        clip: an .npy file, a video (stands for rgb), a folder, or several of these;
            None looks into the folders `beside`.
        beside: where the weights lie.

    Returns:
        stream -> file; a stream without a clip is left out.

    Raises:
        FileNotFoundError: a named file is not there, or a named folder has no clip.
        ValueError: an array is of another shape.

    >>> find_clips(None)
    {}
    """
    if clip is None:
        found: dict[str, Path] = {}
        for folder in beside:
            found |= _in_folder(folder)
        return found
    named = [clip] if isinstance(clip, (str, os.PathLike)) else clip
    found = {}
    for path in map(Path, named):
        if path.is_dir():
            inside = _in_folder(path)
            if not inside:
                names = " or ".join(name for name, _ in SAMPLE_CLIPS.values())
                raise FileNotFoundError(f"{path}: no {names} in this folder")
            found |= inside
        elif not path.exists():
            raise FileNotFoundError(f"{path}: no such clip")
        else:
            found[_stream_of(path)] = path
    return found


def read_sample(path: Path, stream: str) -> SampleClip:
    """Read a stream's clip.

    Args:
        path: an .npy array (1, 79, 224, 224, C), or a video for "rgb".
        stream: "rgb" or "flow".

    Returns:
        the clip; `exact` if it is the published array itself.

    Raises:
        ValueError: another shape or type, values outside [-1, 1], no video.
    """
    if path.suffix != ".npy":
        return _from_video(path)
    array = _open(path)
    if array.shape[-1] != CHANNELS[stream]:
        raise ValueError(f"{path}: {array.shape} is not a clip for {stream}")
    values = np.array(array, np.float32)
    if not np.abs(values).max() <= 1.001:  # also false for nan
        low, high = values.min(), values.max()
        raise ValueError(f"{path}: values must lie in [-1, 1], got {low} .. {high}")
    same = blob_id(path) == SAMPLE_CLIPS[stream][1]
    tensor = torch.from_numpy(values).permute(0, 4, 1, 2, 3)
    if same:
        return SampleClip(tensor, True, "the published array, by its git blob id")
    caveat = "not the published file (its git blob id differs), judged as if it were"
    return SampleClip(tensor, True, caveat)


def _from_video(path: Path) -> SampleClip:
    from course.video import centre_crop, probe, read_clip

    info = probe(path)
    small = (info.height, info.width) == (SIDE, SIDE)
    frames = torch.from_numpy(read_clip(path, size=None if small else 256))
    clip = frames.permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0
    caveat = (
        f"a video of {len(frames)} frames, not the published array: rounded pixels "
        f"move the logits, so only the best class is judged"
    )
    return SampleClip(centre_crop(clip, SIDE), False, caveat)


def _open(path: Path) -> np.ndarray:
    """The array, mapped into memory, after a look at its shape and type."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path}: not a whole .npy array ({error})") from error
    shapes = [(1, FRAMES, SIDE, SIDE, count) for count in CHANNELS.values()]
    if array.shape not in shapes or array.dtype.kind != "f":
        raise ValueError(
            f"{path}: the clip must be a float array {shapes[0]} or {shapes[1]}, got "
            f"{array.dtype} {array.shape}"
        )
    return array


def _stream_of(path: Path) -> str:
    if path.suffix == ".npy":
        return "rgb" if _open(path).shape[-1] == CHANNELS["rgb"] else "flow"
    if "flow" in path.stem:
        raise ValueError(f"{path}: flow is read from the .npy array, not from pictures")
    return "rgb"


def _in_folder(folder: Path) -> dict[str, Path]:
    return {
        stream: place / name
        for stream, (name, _) in SAMPLE_CLIPS.items()
        for place in (folder / "data", folder)
        if (place / name).is_file()
    }
