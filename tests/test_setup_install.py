"""Fresh environments from the registries: `make test-install` (needs the network)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(3600)]
TOP = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    out = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert out.returncode == 0, f"{command}\n{out.stdout[-5000:]}\n{out.stderr[-5000:]}"
    return out.stdout


@pytest.fixture
def clone(tmp_path) -> Path:
    """A copy of the project without its environment and caches."""
    ignored = shutil.ignore_patterns(
        ".venv", ".git", "__pycache__", "*.egg-info", ".*_cache", "build", "runs"
    )
    return shutil.copytree(TOP, tmp_path / "clone", ignore=ignored)


@pytest.fixture
def python(tmp_path) -> Path:
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    return tmp_path / "venv" / "bin" / "python"


def test_conda_pip_part_in_a_fresh_environment(clone, python):
    """What conda hands to pip: the list in a file beside environment.yml."""
    conda = yaml.safe_load((clone / "environment.yml").read_text())
    lines = conda["dependencies"][-1]["pip"]
    (clone / "conda.requirements.txt").write_text("\n".join(lines))
    run(python, "-m", "pip", "install", "-q", "-r", "conda.requirements.txt", cwd=clone)
    run(python, "-m", "pip", "check", cwd=clone)
    run(python, "-m", "course", "doctor", cwd=clone)


def test_newest_versions_of_everything(clone, python):
    """Within pyproject's ranges nothing newer breaks the fast tests."""
    run(python, "-m", "pip", "install", "-q", "-U", ".[test]", cwd=clone)
    run(python, "-m", "pip", "check", cwd=clone)
    run(python, "-m", "course", "doctor", cwd=clone)
    only = "not slow and not browser and not network and not gpu"
    run(python, "-m", "pytest", "-q", "-n", "2", "-m", only, "tests", cwd=clone)
