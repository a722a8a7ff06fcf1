"""The I3D notebook in a real browser: its text, its four panels, its tables.

Only the cells that the panels need are run; every chapter's training has tests of its
own, and the notebook's own check runs all cells.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_i3d.ipynb"
NEEDED = (
    "course.start(",
    "from course.i3d import panels, pictures",
    "pictures.paper_in_one_figure()",
    "pictures.receptive_growth()",
    "panels.inflation_explorer()",
    "panels.stride_explorer()",
    "panels.parameter_treemap()",
    "panels.fusion_explorer()",
    "pictures.tables_figure()",
)


def only_needed(notebook: dict) -> dict:
    """All of the text, and of the code only the cells that the panels need."""
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    for words in NEEDED:
        assert sum(words in source for source in code) == 1, words
    kept = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] != "code"
        or any(words in "".join(cell["source"]) for words in NEEDED)
    ]
    return {**notebook, "cells": kept}


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    short = only_needed(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    path = tmp_path_factory.mktemp("i3d") / NOTEBOOK.name
    path.write_text(json.dumps(short), encoding="utf-8")
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)
