"""Makes a manifest from a folder of videos: one sub-folder a class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from course.video import VideoError, probe

from .manifest import Manifest, Row

VIDEO_ENDINGS = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .gif .mpg .mpeg .ts .flv .wmv .3gp .ogv".split()
)
SPLIT_NAMES = ("train", "val", "test")


def index_folder(
    folder: str | os.PathLike,
    validation: float = 0.0,
    splits: Collection[str] = SPLIT_NAMES,
) -> tuple[Manifest, list[VideoError]]:
    """List the videos below a folder in a manifest, counting their frames.

    Understood are `folder/CLASS/video.mp4` and, where every first-level folder has the
    name of a split, `folder/SPLIT/CLASS/video.mp4`.  A folder of any other name is a
    class: in `training/wave/a.mp4` that is `training`, unless `splits` names it.
    Hidden files and folders (a leading dot), folders without videos and files with
    other endings are skipped; deeper folders belong to their class.

    Args:
        folder: the folder; it stays as it is.
        validation: without split folders, the share of each class's videos that goes to
            `val`; the choice depends on the file names alone.
        splits: what folders of a split are called.

    Returns:
        The manifest in sorted order (write it with `write_manifest` into the same
        folder) and one error for each video that cannot be read and was left out.

    Raises:
        ValueError: no folder, a share outside [0, 1), no readable video in it, videos
            in a split's folder that are in no class, or folders of which some are named
            as splits and others not.

    >>> index_folder("nowhere")
    Traceback (most recent call last):
    ValueError: no such folder: nowhere
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"no such folder: {root}")
    if not 0 <= validation < 1:
        raise ValueError(f"validation is a share in [0, 1), got {validation}")
    rows, errors = [], []
    for split, label, files in _classes(root, validation, splits):
        for file in files:
            try:
                info = probe(file)
            except VideoError as error:
                errors.append(error)
                continue
            path = file.relative_to(root).as_posix()
            fps = round(info.fps, 3)
            rows.append(Row(path, label, split, frames=info.frames, fps=fps))
    if not rows:
        reason = f"{len(errors)} unreadable, first: {errors[0]}" if errors else "none"
        raise ValueError(f"no readable video in class folders of {root} ({reason})")
    return Manifest(tuple(sorted(rows, key=lambda row: row.path)), root), errors


def _classes(root: Path, validation: float, splits: Collection[str]):
    """Yield (split, label, files) for every class folder."""
    tops = {top: files for top in _folders(root) if (files := _videos(top))}
    if _are_splits(tops, splits):
        for top in tops:
            for label in _folders(top):
                yield top.name, label.name, _videos(label)
        return
    for label, files in tops.items():
        held = sorted(files, key=lambda file: _scatter(file.relative_to(root)))
        held = held[: round(validation * len(files))]
        yield "val", label.name, [file for file in files if file in held]
        yield "train", label.name, [file for file in files if file not in held]


def _are_splits(tops: dict[Path, list[Path]], splits: Collection[str]) -> bool:
    """Whether the first-level folders are splits; if not, they are classes."""
    named = [top for top in tops if top.name in splits]
    if not named:
        return False
    loose = [file for top in named for file in tops[top] if file.parent == top]
    others = [top.name for top in tops if top not in named]
    if others or loose:
        names, first = ", ".join(top.name for top in named), (others or loose)[0]
        raise ValueError(
            f"{named[0].parent} has folders named as splits ({names}) and {first}, "
            "which is in no split or class: use SPLIT/CLASS/video throughout, or rename"
        )
    return True


def _folders(root: Path) -> list[Path]:
    found = (p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    return sorted(found, key=lambda p: p.name)


def _videos(folder: Path) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inside)
        if path.suffix.lower() in VIDEO_ENDINGS and path.is_file() and not hidden:
            found.append(path)
    return sorted(found)


def _scatter(path: Path) -> bytes:
    """A key that shuffles names in the same way on every machine."""
    return hashlib.blake2b(path.as_posix().encode(), digest_size=8).digest()
