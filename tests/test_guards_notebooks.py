"""The guards hold over all notebooks, and each catches its planted fault."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from course.teaching import guards

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
PNG = {"image/png": "iVBORw0KGgo=", "text/plain": "a figure"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_of_the_course_is_clean(path):
    assert guards.faults(path) == []


def test_few_cells_are_ignored_by_the_comparison():
    notebooks = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    ignored, cells = guards.ignored_share(notebooks)
    assert ignored <= guards.MOST_IGNORED * cells, f"{ignored} of {cells} cells"


def display(data, metadata=None):
    return v4.new_output("display_data", data=data, metadata=metadata or {})


def stream(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def clean():
    """A notebook without a fault: start, a figure with alt text, an ignored cell."""
    notebook = v4.new_notebook()
    sources = [
        "import course\n\nsettings = course.start('demo')",
        "show(fig, 'a figure')",
        "# NBVAL_IGNORE_OUTPUT\n# because it prints how long it took\nprint(1)",
    ]
    outputs = [
        [stream("demo at cpu scale, https://example.org/home/me is fine, ratio 3/4\n")],
        [display(dict(PNG), {"image/png": {"alt": "a figure"}})],
        [stream("1\n")],
    ]
    notebook.cells = [v4.new_markdown_cell("# Title\n\n![a map](map.png)")]
    for number, (source, out) in enumerate(zip(sources, outputs, strict=True), 1):
        notebook.cells.append(
            v4.new_code_cell(source, outputs=out, execution_count=number)
        )
    return notebook


def saved(notebook, tmp_path):
    path = tmp_path / "notebook.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_clean_notebook_passes(tmp_path, capsys):
    path = saved(clean(), tmp_path)
    assert guards.faults(path) == []
    assert guards.main([str(path)]) == 0
    assert "clean" in capsys.readouterr().out


def out_of_order(n):
    n.cells[2].execution_count = 7


def not_run(n):
    n.cells[2].execution_count = None


def error(n):
    n.cells[3].outputs = [v4.new_output("error", ename="ValueError", evalue="no")]


def stderr(n):
    n.cells[3].outputs = [stream("Downloading", "stderr")]


def warning(n):
    n.cells[3].outputs = [stream("course.py:3: FutureWarning: soon gone")]


def failed_panel(n):
    n.cells[3].outputs = [
        display({"text/plain": "Panel: x. Panel error: ValueError: y"})
    ]


def widget_state(n):
    n.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}


def widget_view(n):
    kind = "application/vnd.jupyter.widget-view+json"
    n.cells[3].outputs = [display({kind: {"model_id": "1"}, "text/plain": "x"})]


def path_in_output(n):
    n.cells[3].outputs = [stream("saved in /home/someone/course/x.pt")]


def windows_path(n):
    n.cells[3].outputs = [stream("saved in C:\\Users\\someone")]


def path_in_source(n):
    n.cells[3].source += "\nopen('/tmp/x')"


def path_in_html(n):
    n.cells[3].outputs = [display({"text/html": "<p>/root/x</p>", "text/plain": "x"})]


def no_alt(n):
    n.cells[2].outputs[0].metadata = {}


def empty_alt(n):
    n.cells[2].outputs[0].metadata = {"image/png": {"alt": " "}}


def no_alt_in_html(n):
    n.cells[3].outputs = [display({"text/html": '<img src="x">', "text/plain": "x"})]


def no_alt_in_markdown(n):
    n.cells[0].source = "![](map.png)"


def no_alt_in_markdown_html(n):
    n.cells[0].source = '<img src="map.png">'


def long_first_cell(n):
    n.cells[1].source = "import course\n" * 3 + "course.start('demo')"


def no_start(n):
    n.cells[1].source = "import course"


def no_reason(n):
    n.cells[3].source = "# NBVAL_IGNORE_OUTPUT\nprint(1)"


def tag_without_reason(n):
    n.cells[3].source, n.cells[3].metadata["tags"] = "print(1)", ["nbval-ignore-output"]


def large(n):
    n.cells[0].source += "x" * 1_000_001


PLANTED = {
    out_of_order: "runs_in_order",
    not_run: "runs_in_order",
    error: "no_errors",
    stderr: "no_errors",
    warning: "no_errors",
    failed_panel: "no_errors",
    widget_state: "no_widget_state",
    widget_view: "no_widget_state",
    path_in_output: "no_absolute_path",
    windows_path: "no_absolute_path",
    path_in_source: "no_absolute_path",
    path_in_html: "no_absolute_path",
    no_alt: "alt_texts",
    empty_alt: "alt_texts",
    no_alt_in_html: "alt_texts",
    no_alt_in_markdown: "alt_texts",
    no_alt_in_markdown_html: "alt_texts",
    long_first_cell: "first_cell",
    no_start: "first_cell",
    no_reason: "ignored_with_reason",
    tag_without_reason: "ignored_with_reason",
    large: "size",
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_each_guard_catches_its_fault_and_only_that(plant, tmp_path, capsys):
    notebook = clean()
    plant(notebook)
    path = saved(notebook, tmp_path)
    found = guards.faults(path)
    assert [fault.split(":")[0] for fault in found] == [PLANTED[plant]]
    assert guards.main([str(path)]) == 1 and found[0] in capsys.readouterr().out


def test_the_share_of_ignored_cells_is_counted():
    assert guards.ignored_share([clean(), clean()]) == (2, 6)
