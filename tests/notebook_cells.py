"""What a chapter's exercises leave behind in a notebook, and what its cells read."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def left_behind(exercises: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Names that all stubs and all solutions leave: what they define, and the rest."""
    space: dict = {"EXERCISES": exercises, "__name__": "cell"}
    for exercise in exercises.values():
        exec(exercise.stub_cell("EXERCISES"), space)
        exec(exercise.solution, space)
    own = {k for k, v in space.items() if getattr(v, "__module__", None) == "cell"}
    return own, set(space) - own - {"__builtins__", "EXERCISES", "__name__"}


def code_cells(notebook: Path) -> list[tuple[ast.Module, bool]]:
    """The parsed code cells; True for those with an exercise's stub."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return [(ast.parse(source), "].check(" in source) for source in sources]


def from_library(tree: ast.AST) -> set[str]:
    """Names that a cell imports by name from the course."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course")
        for alias in node.names
    }


def read(tree: ast.AST) -> set[str]:
    """Names that a cell uses, and does not only assign."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}
