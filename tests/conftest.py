"""Shared by all tests: the cpu scale, one cache folder a session, helpers' paths."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))  # so that test files can share helper modules

os.environ["COURSE_SCALE"] = "cpu"
os.environ.setdefault("MPLBACKEND", "agg")
if "COURSE_CACHE" not in os.environ:  # worker processes inherit the first one's
    os.environ["COURSE_CACHE"] = tempfile.mkdtemp(prefix="course-cache-")
    atexit.register(shutil.rmtree, os.environ["COURSE_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real clips, weights and annotations, where `COURSE_REAL_DATA` names them."""
    folder = os.environ.get("COURSE_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("COURSE_REAL_DATA names no folder of real data")
    return Path(folder)
