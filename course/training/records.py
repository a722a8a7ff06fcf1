"""Records: the metrics of recorded runs, one JSON file an experiment, seed by seed.

`results/<chapter>/<scale>/<name>.json` holds the settings, their hash, and for each
seed the metrics, time, commit, versions and hardware.  A record whose hash is not that
of the code's current settings is stale: it is shown as such and never counts as a
result.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course.training.checkpoint import write_atomically
from course.training.environment import environment
from course.training.hashing import plain, settings_hash

FORMAT = 1


@dataclass
class Record:
    """The recorded runs of one experiment at one scale.

    Args:
        chapter: room, such as `fame`.
        scale: `cpu`, `gpu` or `full`.
        name: of the experiment within the chapter.
        settings: plain values.
        settings_hash: of the settings and versions.
        runs: seed (as text) -> one run: `metrics`, `seconds`, `steps`, ...
        format: of the file.

    >>> runs = {"1": {"metrics": {"top1": 0.5}}, "0": {"metrics": {"top1": 0.25}}}
    >>> Record("fame", "cpu", "plain", {}, "0" * 12, runs).metric("top1")
    {0: 0.25, 1: 0.5}
    """

    chapter: str
    scale: str
    name: str
    settings: dict
    settings_hash: str
    runs: dict[str, dict] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        for part in ("chapter", "scale", "name"):
            text = getattr(self, part)
            if not text or text != Path(text).name or text.startswith("."):
                raise ValueError(f"{part} must be a plain file name, got {text!r}")

    @property
    def seeds(self) -> list[int]:
        """Seeds that have been run, in order."""
        return sorted(int(seed) for seed in self.runs)

    def metric(self, name: str) -> dict[int, float]:
        """One metric by seed; seeds whose run lacks it are left out."""
        found = {seed: self.runs[str(seed)]["metrics"] for seed in self.seeds}
        return {seed: m[name] for seed, m in found.items() if name in m}

    def path(self, root: str | os.PathLike) -> Path:
        """The record's file below a results folder."""
        return Path(root) / self.chapter / self.scale / f"{self.name}.json"


def is_stale(record: Record | Mapping, current_hash: str) -> bool:
    """Whether a record was made with settings other than the code's current ones.

    >>> is_stale({"settings_hash": "a" * 12}, "b" * 12)
    True
    """
    if isinstance(record, Record):
        return record.settings_hash != current_hash
    return record.get("settings_hash") != current_hash


def load_record(path: str | os.PathLike) -> Record:
    """Read one record.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the file is not a record of this format, naming it.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        record = Record(**content)
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
        raise ValueError(f"{path} is not a record: {error}") from error
    if record.format != FORMAT:
        raise ValueError(f"{path} has format {record.format}, this code reads {FORMAT}")
    return record


def load_records(folder: str | os.PathLike) -> dict[str, Record]:
    """All records of a chapter at a scale, by name.

    Args:
        folder: such as `results/fame/cpu`; an absent folder holds none.

    Returns:
        Name -> Record, sorted by name.
    """
    return {
        path.stem: load_record(path) for path in sorted(Path(folder).glob("*.json"))
    }


def save_record(record: Record, root: str | os.PathLike) -> Path:
    """Write a record below a results folder, whole or not at all.

    Returns:
        Its file.
    """
    path = record.path(root)
    runs = {str(seed): record.runs[str(seed)] for seed in record.seeds}
    content = dataclasses.asdict(record) | {"runs": runs}
    head = {"format": content.pop("format")}
    text = json.dumps(head | content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())
    return path


def save_run(
    root: str | os.PathLike,
    *,
    chapter: str,
    scale: str,
    name: str,
    seed: int,
    settings: object,
    metrics: Mapping[str, float],
    seconds: float,
    steps: int,
    planned_steps: int | None = None,
    paper_steps: int | None = None,
    versions: Mapping[str, object] | None = None,
) -> Record:
    """Add one seed's run to its record; several processes may do so at once.

    A record of other settings is stale, and gives way to a new one with this run alone.

    Args:
        root: the results folder.
        chapter: room, such as `fame`.
        scale: `cpu`, `gpu` or `full`.
        name: of the experiment.
        seed: of world and weights; a run of the same seed is replaced.
        settings: a dataclass or dict.
        metrics: finite numbers.
        seconds: wall time of the run.
        steps: optimiser steps done.
        planned_steps: of the scale's own schedule.
        paper_steps: of the paper's schedule, where it is known.
        versions: of world and room, for the settings hash.

    Returns:
        The record as it now stands in the file.

    Raises:
        ValueError: if a metric is not a finite number, naming it.
    """
    bad = {key: value for key, value in metrics.items() if not math.isfinite(value)}
    if bad:
        raise ValueError(f"a record holds finite numbers only, got {bad}")
    current = settings_hash(settings, **(versions or {}))
    record = Record(chapter, scale, name, plain(settings), current)
    planned = max(steps, planned_steps or 0, paper_steps or 0)
    run = {
        "metrics": {key: float(value) for key, value in metrics.items()},
        "seconds": round(float(seconds), 1),
        **environment(),
        "steps": int(steps),
        "paper_steps": paper_steps,
        "shortened": steps < planned,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    path = record.path(root)
    with _locked(path):
        if path.exists():
            old = load_record(path)
            if not is_stale(old, current):
                record.runs.update(old.runs)
        record.runs[str(seed)] = run
        save_record(record, root)
    return record


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the one lock of a file, in all processes of this user on this machine.

    The lock lies in the temporary folder, so that no stray file joins the results, and
    the system frees it when its holder dies.
    """
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"motion-not-scenery-locks-{user}"
    folder.mkdir(exist_ok=True)
    with open(folder / name, "a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back
