"""The one table format for every video data set.

A manifest is a CSV file (UTF-8) with the columns

    path    the video, relative to the manifest's own folder, with forward slashes
    label   the class name
    split   train, val, test, or any other name
    start   seconds at which the clip begins; empty: at the video's start
    end     seconds at which it ends (not included); empty: at the video's end
    frames  frames of the whole video; empty: not counted
    fps     frames per second; empty: not known

`path`, `label` and `split` must be filled.  A video may stand in several rows with
other times, as in untrimmed data sets.  Spreadsheet programs open and save the file.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath


class ManifestError(ValueError):
    """A manifest that cannot be used; names the file and the line."""


@dataclass(frozen=True)
class Row:
    """One clip: a video or a part of it."""

    path: str
    label: str
    split: str = "train"
    start: float | None = None  # seconds
    end: float | None = None  # seconds
    frames: int | None = None
    fps: float | None = None


COLUMNS = tuple(field.name for field in fields(Row))
_REQUIRED = ("path", "label", "split")


@dataclass(frozen=True)
class Manifest:
    """Rows together with the folder that their paths start from.

    >>> rows = (Row("b/1.mp4", "wave"), Row("a/2.mp4", "bow", "val"))
    >>> table = Manifest(rows, Path("videos"))
    >>> table.classes, len(table.select("val")), table.file(rows[0]).as_posix()
    (('bow', 'wave'), 1, 'videos/b/1.mp4')
    """

    rows: tuple[Row, ...]
    folder: Path

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels of all splits in alphabetical order; the position is the class."""
        return tuple(sorted({row.label for row in self.rows}))

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits in alphabetical order."""
        return tuple(sorted({row.split for row in self.rows}))

    def select(self, split: str | None) -> tuple[Row, ...]:
        """The rows of one split, or all (None).

        Raises:
            ValueError: no row has this split.
        """
        rows = tuple(r for r in self.rows if split is None or r.split == split)
        if not rows:
            raise ValueError(f"no rows in split {split!r}; there are {self.splits}")
        return rows

    def file(self, row: Row) -> Path:
        """Where the row's video lies."""
        return self.folder / row.path

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def read_manifest(path: str | os.PathLike) -> Manifest:
    """Read and check a manifest; the videos themselves are not touched.

    Args:
        path: the CSV file.

    Returns:
        A `Manifest` whose paths start from the file's folder.

    Raises:
        ManifestError: the file is missing, has other columns, or a line is wrong.

    >>> read_manifest("nowhere.csv")
    Traceback (most recent call last):
    course.datasets.manifest.ManifestError: nowhere.csv: no such file
    """
    path = Path(path)
    if not path.is_file():
        raise ManifestError(f"{path}: no such file")
    rows = []
    try:
        # utf-8-sig: spreadsheet programs like to put a byte-order mark in front.
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, strict=True)
            _check_columns(path, table.fieldnames)
            for line in table:
                rows.append(_row(f"{path}, line {table.line_num}", line))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not a CSV table in UTF-8 ({error})") from error
    if not rows:
        raise ManifestError(f"{path}: there is no row below the header")
    _check_repeats(path, rows)
    return Manifest(tuple(rows), path.parent)


def write_manifest(path: str | os.PathLike, rows: Iterable[Row]) -> Path:
    """Write a manifest; the name appears only when the file is whole.

    Args:
        path: the CSV file; an old one is replaced.
        rows: the clips; also a `Manifest`.

    Returns:
        The path.

    Raises:
        ManifestError: a row that could not be read back.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_manifest(Path(folder, "m.csv"), [Row("a.mp4", "bow", end=2.5)])
    ...     print(path.read_text().splitlines()[1])
    a.mp4,bow,train,,2.5,,
    """
    path, rows = Path(path), list(rows)
    lines = [["" if v is None else str(v) for v in astuple(row)] for row in rows]
    for number, line in enumerate(lines, start=2):
        _row(f"{path}, line {number}", dict(zip(COLUMNS, line, strict=True)))
    _check_repeats(path, rows)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerows([COLUMNS, *lines])
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _check_columns(path: Path, found) -> None:
    found = [name.strip() for name in found or []]
    missing = [name for name in _REQUIRED if name not in found]
    unknown = [name for name in found if name not in COLUMNS]
    if missing or unknown or len(set(found)) < len(found):
        wanted = f"the columns are {', '.join(COLUMNS)}"
        raise ManifestError(f"{path}: {wanted}; found {', '.join(found) or 'none'}")


def _check_repeats(path: Path, rows: list[Row]) -> None:
    seen: dict[tuple, int] = {}
    for number, row in enumerate(rows, start=1):
        key = (row.path, row.label, row.split, row.start, row.end)
        if key in seen:
            both = f"rows {seen[key]} and {number}"
            raise ManifestError(f"{path}: {both} are the same clip ({row.path})")
        seen[key] = number


def _row(where: str, line: dict) -> Row:
    if None in line or None in line.values():
        raise ManifestError(f"{where}: more or fewer fields than columns")
    line = {name.strip(): text.strip() for name, text in line.items()}
    for name in _REQUIRED:
        if not line[name]:
            raise ManifestError(f"{where}: {name} is empty")
    parts = PurePosixPath(line["path"])
    if parts.is_absolute() or ".." in parts.parts or "\\" in line["path"]:
        hint = "must lie below the manifest's folder, with forward slashes"
        raise ManifestError(f"{where}: path {line['path']!r} {hint}")
    numbers = {
        name: _number(where, name, line.get(name, ""))
        for name in ("start", "end", "frames", "fps")
    }
    start, end, frames, fps = numbers.values()
    if end is not None and end <= (start or 0):
        raise ManifestError(f"{where}: end {end} is not after start {start or 0}")
    if fps == 0 or frames == 0:
        raise ManifestError(f"{where}: frames and fps must be above 0 or empty")
    if frames is not None and frames != int(frames):
        raise ManifestError(f"{where}: frames must be a whole number, got {frames}")
    frames = None if frames is None else int(frames)
    return Row(line["path"], line["label"], line["split"], start, end, frames, fps)


def _number(where: str, name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ManifestError(f"{where}: {name} must be a number >= 0, got {text!r}")
    return value
