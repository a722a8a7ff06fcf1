"""Prints a lock file from the packages of the Python that runs it (see `make lock`).

What may differ from one machine to the next is left out: the local part of a version
(`+cpu`), links, editable installs and the installer itself.
"""

from __future__ import annotations

import subprocess
import sys

HEADER = """\
# Exact versions of all that the course and its tests use (Python 3.11).
# Written by `make lock` from the ranges in pyproject.toml; installed by `make`.
# On Linux torch's own wheel may bring its CUDA libraries with it; pip picks those.
"""
# Where a package has no wheel: other machines read videos with PyAV alone.
MARKERS = {
    "decord": "platform_system != 'Darwin' and platform_machine in 'x86_64 AMD64'",
}
INSTALLERS = ("pip", "wheel")


def lock_lines(frozen: list[str]) -> list[str]:
    """Turn the lines of `pip freeze` into lines that hold on every machine.

    >>> lock_lines(["torch==2.13.0+cpu", "pip==26.3", "numpy==2.4.6"])
    ['torch==2.13.0', 'numpy==2.4.6']
    """
    lines = []
    for line in frozen:
        if "==" not in line or line.startswith(("#", "-")) or " @ " in line:
            continue
        name, version = line.strip().split("==")
        if name in INSTALLERS:
            continue
        marker = f"; {MARKERS[name]}" if name in MARKERS else ""
        lines.append(f"{name}=={version.split('+')[0]}{marker}")
    return lines


if __name__ == "__main__":
    freeze = [sys.executable, "-m", "pip", "freeze", "--all", "--exclude-editable"]
    out = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout
    print(HEADER + "\n".join(lock_lines(out.splitlines())))
