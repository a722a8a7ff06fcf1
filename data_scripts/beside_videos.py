"""Writes a file beside every video of a manifest, for the scripts that make one each.

VIDEO.NAME.npz holds what a script found in a video, and NAME.json beside the manifest
how; `course.datasets.beside` reads such files.  Every write is whole or not there, so a
script may be stopped and started again: what is finished is kept, and files that were
made in another way are not mixed with new ones.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import typer
from tqdm import tqdm

from course.datasets import ManifestError, read_manifest
from course.datasets.beside import file_beside
from course.video import VideoError

Make = Callable[[str], dict]  # a video's path in the manifest -> arrays of its file


def each_video(
    manifest: Path,
    name: str,
    recipe: dict,
    prepare: Callable[[], Make],
    limit: int | None,
    dry_run: bool,
) -> None:
    """Make the files that are missing, unless those there were made in another way."""
    try:
        paths = dict.fromkeys(row.path for row in read_manifest(manifest))
    except ManifestError as error:
        raise typer.BadParameter(str(error)) from error
    note, text = manifest.with_name(f"{name}.json"), json.dumps(recipe, indent=1) + "\n"
    if note.exists() and note.read_text() != text:
        raise typer.BadParameter(f"{note} was made otherwise: choose another --name")
    files = {path: file_beside(manifest.parent / path, name) for path in paths}
    left = [path for path, file in files.items() if not file.exists()]
    jobs = {path: files[path] for path in left[:limit]}
    typer.echo(f"{name}: {len(files) - len(left)} videos done, {len(jobs)} to do")
    if jobs and not dry_run:
        make = prepare()
        write(note, text.encode())
        skipped = _make_files(jobs, make)
        typer.echo(f"{len(jobs) - skipped} videos done, {skipped} skipped")


def _make_files(jobs: dict[str, Path], make: Make) -> int:
    """Write the files; name videos that cannot be read, and count them."""
    skipped = 0
    for path, file in tqdm(jobs.items(), unit="video", file=sys.stdout):
        packed = io.BytesIO()
        try:
            np.savez_compressed(packed, **make(path))
        except VideoError as error:
            skipped += 1
            tqdm.write(f"skipped: {error}")
        else:
            write(file, packed.getvalue())
    return skipped


def write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
