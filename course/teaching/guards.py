"""What every stored notebook must satisfy; each guard returns the faults it finds.

python -m course.teaching.guards [paths, by default notebooks/*.ipynb]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

LARGEST_NOTEBOOK = 1_000_000  # bytes
MOST_IGNORED = 0.03  # share of code cells whose output nbval may ignore
FIRST_CELL_LINES = 3

_IGNORING = re.compile(
    r"^#\s*(NBVAL_IGNORE_OUTPUT|PYTEST_VALIDATE_IGNORE_OUTPUT|NBVAL_SKIP"
    r"|NBVAL_RAISES_EXCEPTION)\s*$",
    re.M,
)
_IGNORING_TAGS = {
    "nbval-ignore-output",
    "nbval-skip",
    "raises-exception",
    "nbval-raises-exception",
}
_REASON = re.compile(r"^#\s*because\s+\S+(\s+\S+){2,}", re.M)
# A root folder of Linux, macOS or Windows that is not part of an address or relative
# path.
_ABSOLUTE = re.compile(
    r"(?<![\w.~:/<-])/(?:home|root|Users|tmp|var|opt|mnt|usr|srv|work|workspace|content"
    r"|data|scratch|private|Volumes|builds|github)/[\w.-]+|\b[A-Za-z]:\\{1,2}\w+"
)
_WARNING = re.compile(r"\b\w*Warning\b\s*:")
_IMG = re.compile(r"<img\b[^>]*>", re.I)
_ALT = re.compile(r"""\balt\s*=\s*("[^"]*\S[^"]*"|'[^']*\S[^']*')""", re.I)
_MARKDOWN_IMAGE = re.compile(r"!\[\s*\]\(")
_FENCE = re.compile(r"(?ms)^(```|~~~).*?^\1|`[^`\n]*`")


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _outputs(notebook: Any) -> Iterator[tuple[str, Any]]:
    """(where, output) of every output of every code cell."""
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            yield f"code cell {number}", output


def runs_in_order(notebook: Any) -> Iterator[str]:
    """Every code cell has run, once, from top to bottom, in a fresh kernel."""
    for number, cell in enumerate(code_cells(notebook), 1):
        if cell.execution_count != number:
            yield f"code cell {number} has execution count {cell.execution_count}"


def no_errors(notebook: Any) -> Iterator[str]:
    """No exception is stored, nothing on stderr, nothing warned, no panel fails."""
    for where, output in _outputs(notebook):
        if output.output_type == "error":
            yield f"{where} raised {output.get('ename')}: {output.get('evalue')}"
        elif output.get("name") == "stderr":
            yield f"{where} wrote to stderr: {_text(output.text)[:80]!r}"
        text = _text(output.get("text") or output.get("data", {}).get("text/plain", ""))
        if match := _WARNING.search(text):
            yield f"{where} shows a warning: {match[0]}"
        if "Panel error:" in text:
            yield f"{where} shows a failed panel: {text[:120]!r}"


def no_widget_state(notebook: Any) -> Iterator[str]:
    """No widget state, and no view of a widget that only a live kernel can show."""
    if "widgets" in notebook.metadata:
        yield "the metadata hold widget state"
    for where, output in _outputs(notebook):
        if any("widget-view" in kind for kind in output.get("data", {})):
            yield f"{where} stores a widget view; run `make notebooks`"


def no_absolute_path(notebook: Any) -> Iterator[str]:
    """Neither sources nor outputs name a place on the machine they were made on."""
    for number, cell in enumerate(notebook.cells, 1):
        if match := _ABSOLUTE.search(_text(cell.source)):
            yield f"cell {number} names {match[0]}"
    for where, output in _outputs(notebook):
        texts = [output.get("text", ""), output.get("metadata", "")]
        texts += [
            v for k, v in output.get("data", {}).items() if not k.startswith("image/p")
        ]
        for text in texts:
            text = re.sub(r"base64,[\w+/=]+", "", _text(text))
            if match := _ABSOLUTE.search(text):
                yield f"{where} shows {match[0]}"


def alt_texts(notebook: Any) -> Iterator[str]:
    """Every picture has alt text: in outputs, in their HTML, and in markdown."""
    for where, output in _outputs(notebook):
        data = output.get("data", {})
        for kind in data:
            if kind.startswith("image/"):
                about = output.get("metadata", {}).get(kind, {})
                if not str(
                    about.get("alt", "") if isinstance(about, dict) else ""
                ).strip():
                    yield f"{where}: {kind} has no alt text"
        for tag in _IMG.findall(_text(data.get("text/html", ""))):
            if not _ALT.search(tag):
                yield f"{where}: {tag[:60]} has no alt text"
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            text = _FENCE.sub("", _text(cell.source))
            bare = [tag for tag in _IMG.findall(text) if not _ALT.search(tag)]
            if bare or _MARKDOWN_IMAGE.search(text):
                yield f"cell {number}: a picture in the text has no alt text"


def first_cell(notebook: Any) -> Iterator[str]:
    """The first code cell starts the course in at most three lines."""
    cells = code_cells(notebook)
    source = _text(cells[0].source) if cells else ""
    if len(source.strip().splitlines()) > FIRST_CELL_LINES:
        yield f"the first code cell has more than {FIRST_CELL_LINES} lines"
    if not re.search(r"\bcourse\.start\(", source):
        yield "the first code cell does not call course.start"


def _ignored(cell: Any) -> bool:
    tags = set(cell.metadata.get("tags", ()))
    return bool(_IGNORING.search(_text(cell.source)) or tags & _IGNORING_TAGS)


def ignored_with_reason(notebook: Any) -> Iterator[str]:
    """A cell that nbval is told to ignore says `# because ...` in three words."""
    for number, cell in enumerate(code_cells(notebook), 1):
        if _ignored(cell) and not _REASON.search(_text(cell.source)):
            yield f"code cell {number} is ignored by nbval without `# because ...`"


def ignored_share(notebooks: Iterable[Any]) -> tuple[int, int]:
    """(ignored, all) code cells over several notebooks."""
    cells = [cell for notebook in notebooks for cell in code_cells(notebook)]
    return sum(map(_ignored, cells)), len(cells)


GUARDS = (
    runs_in_order,
    no_errors,
    no_widget_state,
    no_absolute_path,
    alt_texts,
    first_cell,
    ignored_with_reason,
)


def faults(path: str | Path) -> list[str]:
    """All faults of one stored notebook, each as `guard: what is wrong`.

    Args:
        path: the notebook.

    Returns:
        empty where it is clean.
    """
    import nbformat

    path = Path(path)
    notebook = nbformat.read(path, as_version=4)
    found = [
        f"{guard.__name__}: {fault}" for guard in GUARDS for fault in guard(notebook)
    ]
    size = path.stat().st_size
    if size >= LARGEST_NOTEBOOK:
        found.append(f"size: {size} bytes, must stay below {LARGEST_NOTEBOOK}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the faults of the notebooks named; 1 if there are any."""
    paths = [Path(p) for p in arguments or []] or sorted(
        Path("notebooks").glob("*.ipynb")
    )
    found = [f"{path.name}: {fault}" for path in paths for fault in faults(path)]
    print("\n".join(found) if found else f"{len(paths)} notebooks are clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
