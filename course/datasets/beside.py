"""What lies beside the videos: pseudo scene labels, human masks, for the frames seen.

The scripts in `data_scripts/` write VIDEO.NAME.npz beside each video of a manifest.
`VideoClips(manifest, beside=(SceneLabels(), HumanMasks()))` adds what stands there to
its items: masks of the very frames that were drawn, scaled and cut as the frames are.

A reader is any object with the two methods of `Beside`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor
from torch.nn.functional import interpolate

from course.video import VideoError, centre_crop, probe

from .manifest import Manifest, ManifestError, Row


@dataclass(frozen=True)
class Seen:
    """Which part of a video a clip shows.

    Args:
        video: the file.
        frames: frame numbers, (T,), or (clips, T) where an item has several.
        size: (H, W) that the frames were scaled to, px.
        crop: side of the square that was then cut from their middle, px, or None.
    """

    video: Path
    frames: Int64[np.ndarray, "*clips T"]
    size: tuple[int, int]
    crop: int | None = None


class Beside(Protocol):
    """Reads one kind of file beside a video."""

    def check(self, manifest: Manifest, rows: Sequence[Row]) -> None:
        """Raise `ManifestError` if readable videos have no file beside them."""

    def read(self, seen: Seen) -> dict[str, Tensor]:
        """What a clip's item gets; `VideoError` if the file is damaged."""


@dataclass(frozen=True)
class SceneLabels:
    """Pseudo scene labels: `scene` int64 () and `soft_scene` float32 (M,).

    `scene` is the hard label.  Both are of the whole video, whichever part is seen.

    Args:
        name: of the files, as the script's `--name`.

    >>> SceneLabels().read(Seen(Path("a.mp4"), np.arange(2), (8, 8)))
    Traceback (most recent call last):
    course.video.errors.VideoError: a.mp4.scene_labels.npz: no such file
    """

    name: str = "scene_labels"

    def check(self, manifest: Manifest, rows: Sequence[Row]) -> None:
        """Raise `ManifestError` if readable videos have no labels."""
        _check(manifest, rows, self.name, "pseudo_scene_labels.py")

    def read(self, seen: Seen) -> dict[str, Tensor]:
        """The labels of the video."""
        hard, soft = _arrays(seen.video, self.name, ("hard", "soft"))
        return {
            "scene": torch.from_numpy(hard).long(),
            "soft_scene": torch.from_numpy(soft).float(),
        }

    def count(self, manifest: Manifest) -> int:
        """The number of scenes M, from the first video that has labels.

        Raises:
            ManifestError: none has.
        """
        for row in manifest:
            if file_beside(manifest.file(row), self.name).is_file():
                return len(_arrays(manifest.file(row), self.name, ("soft",))[0])
        raise ManifestError(f"{manifest.folder}: no video has {self.name} beside it")


@dataclass(frozen=True)
class HumanMasks:
    """Human masks: `mask` bool (T, H, W), and `human_share` float32 ().

    Masks are of the clip's frames; a scaled pixel is in the mask where at least half of
    it was.  `human_share` is the share of the *video's* frames with a human: the
    released code of scene debiasing masks only videos with 0.7 and more.

    Args:
        name: of the files, as the script's `--name`.

    >>> HumanMasks("boxes").read(Seen(Path("a.mp4"), np.arange(2), (8, 8)))
    Traceback (most recent call last):
    course.video.errors.VideoError: a.mp4.boxes.npz: no such file
    """

    name: str = "human_masks"

    def check(self, manifest: Manifest, rows: Sequence[Row]) -> None:
        """Raise `ManifestError` if readable videos have no masks."""
        _check(manifest, rows, self.name, "human_masks.py")

    def share(self, video: Path) -> float:
        """The share of a video's frames with a human; 0 if that cannot be read."""
        try:
            return float(_arrays(video, self.name, ("share",))[0])
        except VideoError:
            return 0.0

    def read(self, seen: Seen) -> dict[str, Tensor]:
        """The masks of the frames that are seen."""
        mask, share = _arrays(seen.video, self.name, ("mask", "share"))
        info = probe(seen.video)
        if mask.shape != (info.frames, info.height, info.width):
            wanted = f"{info.frames} frames of {info.height} x {info.width}"
            cause = f"a mask of {mask.shape} for a video of {wanted}"
            raise VideoError(file_beside(seen.video, self.name), cause)
        return {
            "mask": scaled_mask(torch.from_numpy(mask[seen.frames]), seen),
            "human_share": torch.from_numpy(share).float(),
        }


def scaled_mask(mask: Bool[Tensor, "*clips T H W"], seen: Seen) -> Tensor:
    """A mask at the size of the frames that are seen, cut as they were.

    Args:
        mask: at the video's size.
        seen: gives size and cut.

    Returns:
        Bool (*clips, T, h, w); a pixel is in where at least half of it was.

    >>> mask = torch.tensor([[[True, False, False, False], [True, True, True, False]]])
    >>> scaled_mask(mask, Seen(Path("a.mp4"), np.arange(1), (1, 2))).tolist()
    [[[True, False]]]
    """
    if mask.shape[-2:] != seen.size:
        # Whole numbers, as the frames are scaled: the same on every processor.
        levels = mask.flatten(0, -3)[:, None].to(torch.uint8) * 255
        levels = interpolate(levels, seen.size, mode="bilinear", antialias=True)
        mask = (levels >= 128)[:, 0].view(*mask.shape[:-2], *seen.size)
    return mask if seen.crop is None else centre_crop(mask, seen.crop).contiguous()


def file_beside(video: str | os.PathLike, name: str) -> Path:
    """Where a script leaves its file for a video.

    >>> file_beside("videos/a.mp4", "human_masks").as_posix()
    'videos/a.mp4.human_masks.npz'
    """
    return Path(f"{os.fspath(video)}.{name}.npz")


def _arrays(video: Path, name: str, keys: Iterable[str]) -> list[np.ndarray]:
    file = file_beside(video, name)
    if not file.is_file():
        raise VideoError(file, "no such file")
    try:
        with np.load(file) as arrays:
            return [arrays[key] for key in keys]
    except (BadZipFile, EOFError, OSError, ValueError, KeyError) as error:
        raise VideoError(
            file, f"is damaged: delete it, make it anew ({error})"
        ) from error


def _check(manifest: Manifest, rows: Sequence[Row], name: str, script: str) -> None:
    """A video that cannot be read has no file either: that is found when it is met."""
    videos = list(dict.fromkeys(manifest.file(row) for row in rows))
    missing = [video for video in videos if not file_beside(video, name).is_file()]
    first = next((video for video in missing if _readable(video)), None)
    if first is not None:
        called = "" if name in ("scene_labels", "human_masks") else f" --name {name}"
        raise ManifestError(
            f"{len(missing)} of {len(videos)} videos have no {name} beside them, first "
            f"{file_beside(first, name)}: run python data_scripts/{script} "
            f"{manifest.folder / 'manifest.csv'}{called}"
        )


def _readable(video: Path) -> bool:
    try:
        return probe(video).frames > 0
    except VideoError:
        return False
