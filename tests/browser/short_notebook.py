"""What the tests of single notebooks share: a short form of one, and menus by keyboard.

Only the cells that a test needs are run, so nothing is trained in a browser test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def shortened(
    notebook: Path,
    needed: Sequence[str],
    folder: Path,
    before: Mapping[str, str] | None = None,
) -> Path:
    """A copy with all of the text, and of the code the cells that hold needed words.

    Args:
        notebook: to copy.
        needed: words, each of which stands in one code cell only.
        folder: for the copy.
        before: of needed words, code to run in a cell before theirs: a stand-in for
            what the cells that are left out would have made.

    Returns:
        The copy's path.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [(c, "".join(c["source"])) for c in content["cells"]]
    code = [source for cell, source in cells if cell["cell_type"] == "code"]
    for words in needed:
        assert sum(words in source for source in code) == 1, words
    kept = []
    for cell, source in cells:
        found = [w for w in needed if cell["cell_type"] == "code" and w in source]
        kept += [_made_up(before[words]) for words in found if words in (before or {})]
        if found or cell["cell_type"] != "code":
            kept.append(cell)
    content["cells"] = kept
    path = folder / notebook.name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _made_up(code: str) -> dict:
    """A code cell that has not run."""
    empty: dict = {"metadata": {}, "outputs": [], "execution_count": None}
    name = f"made-up-{len(code)}"
    return {"cell_type": "code", "id": name, "source": code, **empty}


def keys(panel, label: str, *pressed: str):
    """Open a menu, press keys such as "ArrowDown" or "End", and take that entry.

    Closed, a menu gets no arrow keys: in JupyterLab they move on to another cell.
    """
    before = panel.fingerprint()
    menu = panel._row(label).locator("select")
    menu.focus()
    for key in ("Space", *pressed, "Enter"):
        panel.page.page.keyboard.press(key)
    panel._settle(before, True)
    return panel
