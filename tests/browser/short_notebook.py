"""What the tests of single notebooks share: a short form of one, and menus by keyboard.

Only the cells that a test needs are run, so nothing is trained in a browser test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def shortened(notebook: Path, needed: Sequence[str], folder: Path) -> Path:
    """A copy with all of the text, and of the code the cells that hold needed words.

    Args:
        notebook: to copy.
        needed: words, each of which stands in one code cell only.
        folder: for the copy.

    Returns:
        The copy's path.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [(c, "".join(c["source"])) for c in content["cells"]]
    code = [source for cell, source in cells if cell["cell_type"] == "code"]
    for words in needed:
        assert sum(words in source for source in code) == 1, words
    content["cells"] = [
        cell
        for cell, source in cells
        if cell["cell_type"] != "code" or any(words in source for words in needed)
    ]
    path = folder / notebook.name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


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
