"""One notebook with the whole kit: executed, guarded, and compared strictly, twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nbformat
import pytest
from demo_notebook import write_demo

from course.teaching import guards, notebooks


def strict(path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(path.parent),
        str(path),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = write_demo(tmp_path_factory.mktemp("notebooks") / "demo.ipynb")
    notebooks.execute(path)
    return path


def test_it_passes_the_guards(stored):
    found = [fault for fault in guards.faults(stored) if "first_cell" not in fault]
    assert found == []


@pytest.mark.slow
def test_strict_comparison_passes_twice(stored):
    for _ in range(2):
        result = strict(stored)
        assert result.returncode == 0, result.stdout[-3000:]
        assert "10 passed" in result.stdout


@pytest.mark.slow
def test_strict_comparison_can_fail(stored, tmp_path):
    notebook = nbformat.read(stored, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            text = output.get("data", {}).get("text/plain", "")
            if "Panel: Window" in text:
                output.data["text/plain"] = text.replace("Window", "Door")
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    result = strict(tmp_path / "changed.ipynb")
    assert result.returncode == 1 and "1 failed" in result.stdout


def test_a_reader_without_a_kernel_sees_pictures(stored):
    notebook = json.loads(stored.read_text())
    outputs = [o for c in notebook["cells"] for o in c.get("outputs", ())]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 4  # panel, clips, player, bars
    for output in pictures:
        assert len(output["metadata"]["image/png"]["alt"]) > 10
    assert not any("widget" in kind for o in outputs for kind in o.get("data", {}))


@pytest.mark.slow
def test_a_second_execution_changes_nothing_but_pixels(stored, tmp_path):
    def without_pixels(path):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                output.get("data", {}).pop("image/png", None)
        return json.dumps(notebook, sort_keys=True)

    again = tmp_path / "demo.ipynb"
    again.write_bytes(stored.read_bytes())
    notebooks.execute(again)
    assert without_pixels(again) == without_pixels(stored)


def test_a_failing_notebook_is_left_as_it_was(tmp_path, capsys):
    path = write_demo(tmp_path / "bad.ipynb", ["1", "1 / 0"])
    before = path.read_bytes()
    assert notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err
