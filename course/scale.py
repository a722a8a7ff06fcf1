"""Which machine is this run for?  One word, `cpu`, `gpu` or `full`, decided once.

`COURSE_SCALE` chooses; without it a CUDA device means `gpu` and none means `cpu`.  At
`cpu` scale the CPU is used even where a GPU exists, and arithmetic is deterministic, so
that the outputs stored in the notebooks can be compared.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import torch

SCALES = ("cpu", "gpu", "full")


def current_scale(scale: str | None = None) -> str:
    """The scale in force: the argument, else `COURSE_SCALE`, else by the hardware.

    Raises:
        ValueError: if the name is none of `cpu`, `gpu`, `full`.

    >>> current_scale("cpu")
    'cpu'
    """
    scale = scale or os.environ.get("COURSE_SCALE") or _scale_of_hardware()
    if scale not in SCALES:
        raise ValueError(
            f"COURSE_SCALE must be one of {', '.join(SCALES)}; got {scale!r}"
        )
    return scale


def _scale_of_hardware() -> str:
    return "gpu" if torch.cuda.is_available() else "cpu"


def device_for(scale: str | None = None) -> torch.device:
    """The device a scale trains on: the CPU at `cpu`, CUDA elsewhere if there is one.

    >>> device_for("cpu")
    device(type='cpu')
    """
    if current_scale(scale) != "cpu" and torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (every device)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def default_seed() -> int:
    """The seed of a live run: `COURSE_SEED`, else 0.

    Raises:
        ValueError: if `COURSE_SEED` is not a whole number.
    """
    text = os.environ.get("COURSE_SEED", "0")
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"COURSE_SEED must be a whole number, got {text!r}") from None


def cache_dir() -> Path:
    """The folder for rendered worlds and downloads: `COURSE_CACHE` or the platform's.

    platformdirs names the platform's own place; a bare server without it gets
    `~/.cache/motion-not-scenery`.
    """
    if os.environ.get("COURSE_CACHE"):
        return Path(os.environ["COURSE_CACHE"])
    try:
        from platformdirs import user_cache_dir
    except ImportError:
        return Path.home() / ".cache" / "motion-not-scenery"
    return Path(user_cache_dir("motion-not-scenery", appauthor=False))
