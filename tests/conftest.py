"""Shared by all tests: the cpu scale, one cache folder a session, helpers' paths."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))  # so that test files can share helper modules

os.environ["COURSE_SCALE"] = "cpu"
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT
