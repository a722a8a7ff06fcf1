"""Where a run was made: the commit of the code, versions, and hardware."""

from __future__ import annotations

import functools
import platform
import subprocess
from pathlib import Path


def environment() -> dict:
    """The `commit`, `versions` and `hardware` of a run that is made here and now.

    Returns:
        A dict of the three; the texts are for records, never for a notebook's output.

    >>> sorted(environment())
    ['commit', 'hardware', 'versions']
    """
    import accelerate
    import numpy
    import torch

    import course

    versions = {
        "course": course.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "accelerate": accelerate.__version__,
    }
    return {"commit": commit(), "versions": versions, "hardware": hardware()}


def commit() -> str:
    """The commit of the course's code, `-changed` if edited since; else "unknown"."""
    folder = Path(__file__).resolve().parents[1]
    # The package may lie, installed, inside another project's repository.
    if not _git(folder, "ls-files", "__init__.py"):
        return "unknown"
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return "unknown"
    changed = _git(folder, "status", "--porcelain", "--", ".")
    return f"{head}-changed" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    """What a git command prints; empty if it fails or git is absent."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def hardware() -> str:
    """The GPUs if the scale in force uses them, else the processor and its threads."""
    import torch

    from course.scale import device_for

    if device_for().type == "cuda":
        count = torch.cuda.device_count()
        return f"{count} x {torch.cuda.get_device_name()}"
    return f"{_processor()}, {torch.get_num_threads()} threads"


@functools.cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
