"""Execute notebooks at cpu scale and store their outputs in a form that stays put.

The stored file holds no widget state, no widget views (a page without a kernel would
show "model not found" in place of the still picture), no timings and no version
numbers, so executing it twice gives the same bytes wherever the pixels agree.

    python -m course.teaching.notebooks [paths, by default notebooks/*.ipynb]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 600


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for the kernels started inside the block."""
    old = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def tidy(notebook) -> None:
    """Remove from a notebook, in place, whatever differs from run to run."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        for name in ("execution", "ExecuteTime", "scrolled", "collapsed"):
            cell.metadata.pop(name, None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)


def number_cells(notebook) -> None:
    """Stable cell ids, c0, c1, ..., so that a rebuilt notebook gives a small diff."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"


def execute(path: str | Path, timeout: int = CELL_SECONDS) -> float:
    """Run a notebook in its folder at cpu scale and write its outputs into it.

    The file is replaced only after every cell has run, so an error leaves it as it was.

    Args:
        path: the notebook.
        timeout: seconds a cell may take.

    Returns:
        seconds the run took.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    import nbformat
    from nbclient import NotebookClient

    path, start = Path(path), time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,  # keep a progress bar's last state only
        resources={"metadata": {"path": str(path.parent.resolve())}},
    )
    with environment(COURSE_SCALE="cpu"):
        client.execute()
    tidy(notebook)
    number_cells(notebook)
    nbformat.validate(notebook)
    new = path.with_suffix(".ipynb.new")
    nbformat.write(notebook, new)
    os.replace(new, path)
    return time.monotonic() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the notebooks named on the command line; 1 if one of them failed."""
    parser = argparse.ArgumentParser(
        prog="python -m course.teaching.notebooks",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, help="default: notebooks/*.ipynb"
    )
    parser.add_argument(
        "--timeout", type=int, default=CELL_SECONDS, help="seconds a cell"
    )
    options = parser.parse_args(arguments)
    paths = options.paths or sorted(Path("notebooks").glob("*.ipynb"))
    failed = 0
    for path in paths:
        try:
            seconds = execute(path, options.timeout)
            print(f"{path}: {seconds:.0f} s, {path.stat().st_size / 1000:.0f} kB")
        except Exception as error:
            failed += 1
            print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
