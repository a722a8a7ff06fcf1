"""A small notebook with one of everything the teaching kit shows, for the tests."""

from __future__ import annotations

from pathlib import Path

CELLS = [
    "import numpy as np\nfrom course.teaching import charts, figures, quiz",
    """\
from ipywidgets import Dropdown, IntRangeSlider, IntSlider

from course.teaching import Panel, Picture


def draw(motion, span, kind):
    if motion == 9:
        raise ValueError("motion 9 runs out of the window")
    rows, columns = np.indices((96, 160))
    wave = np.sin(columns / (1.0 + motion)) * (rows >= span[0]) * (rows < span[1])
    alt = f"a {kind} wave at motion {motion}"
    picture = Picture(figures.image_png(np.abs(wave)), alt)
    return [picture, f"<p>motion is {motion} px</p>"]


panel = Panel(
    "Window",
    "At which motion does the window run out?",
    {
        "motion": IntSlider(3, 0, 9, description="motion"),
        "span": IntRangeSlider(value=(10, 60), min=0, max=96, description="span"),
        "kind": Dropdown(options=["sine", "square"], description="kind"),
    },
    draw,
    play="motion",
    answer="At nine.",
)
panel""",
    """\
from course.teaching import Player, overlaid, show_clips

rng = np.random.default_rng()  # not seeded: pixels must not matter
clip = rng.random((3, 8, 32, 32)).astype("float32")
mask = np.zeros((8, 32, 32), bool)
mask[:, 8:20, 8:20] = True
show_clips([clip, overlaid(clip, mask=mask)], ["a clip", "with its mask"], scale=2)""",
    """\
flow = rng.normal(size=(2, 7, 32, 32))
Player(clip, "Noise", mask=mask, flow=flow, heat=rng.random((2, 4, 4)))""",
    """\
fig, axis = figures.figure()
charts.bars(axis, {"in distribution": rng.random(), "swapped": 0.35}, chance=0.125)
figures.show(fig, "Accuracy in distribution and with scenes swapped.")""",
    """\
import plotly.graph_objects as go

figures.hoverable(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])), "Two exact points.")""",
    """\
quiz.Quiz([
    quiz.Question("Which is 2 < 3?", ["true", "false"], 0, "Two is less than three."),
    quiz.Question("Which is odd?", ["2", "3", "4"], 1, "Three is."),
])""",
    """\
from course.teaching import Case, Exercise

exercises = {"demo-1": Exercise(
    "demo-1", "double a number", 1, 2, "Double it.", "double",
    "def double(x):\\n    ...", "def double(x):\\n    return 2 * x",
    ("Add.", "Add it to itself."), [Case((3,), 6, "Is it twice as much?")],
)}""",
    """\
def double(x):
    ...


exercises["demo-1"].check(double)""",
    """\
from course.teaching import Ledger, row_of

verdict = {"sentence": "a > b", "outcome": "holds", "estimate": 0.21, "low": 0.1,
           "high": 0.3, "seeds": 5, "paper_value": 0.2}
live = 0.2 + rng.random() * 1e-3  # differs from run to run
Ledger([row_of(verdict, live), row_of({"sentence": "c > d"})])""",
]


def write_demo(path: Path, cells: list[str] = CELLS) -> Path:
    """Write the notebook, not yet executed, and return its path."""
    import nbformat
    import nbformat.v4 as v4

    notebook = v4.new_notebook()
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    notebook.cells = [v4.new_markdown_cell("# Demo")]
    notebook.cells += [v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, path)
    return path
