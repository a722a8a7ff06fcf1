"""Figures: alt text, size, no global state, charts that show what they are given."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from course.teaching import charts, figures


@pytest.fixture
def displayed(monkeypatch):
    """What reaches the notebook's page."""
    seen = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: seen.append((a, k)))
    return seen


def size(picture):
    return Image.open(io.BytesIO(picture.png)).size


@pytest.mark.parametrize("quick", [True, False])
def test_a_figure_becomes_a_picture_of_its_width(quick):
    fig, axis = figures.figure(width=5, height=2, quick=quick)
    axis.plot([1, 2], [3, 4])
    picture = figures.picture_of(fig, "a line rises")
    assert picture.width == 500 and repr(picture) == "a line rises"
    assert size(picture) == ((500, 200) if quick else (550, 220))


def test_figures_leave_no_global_state():
    import matplotlib

    before = dict(matplotlib.rcParams)
    fig, axes = figures.figure(1, 2, sharey=True)
    figures.picture_of(fig, "empty panes")
    assert len(axes) == 2 and dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_a_figure_is_not_shown_without_alt_text(displayed):
    fig, _ = figures.figure()
    with pytest.raises(ValueError, match="alt"):
        figures.show(fig)
    figures.show(fig, "an empty pane")
    assert displayed[0][0][0].alt == "an empty pane"


def test_bars_carry_their_numbers_and_the_chance_line():
    fig, axis = figures.figure()
    charts.bars(axis, {"a": 0.5, "b": 0.25}, {"a": 0.1}, chance=0.125, unit=" %")
    assert [p.get_width() for p in axis.patches] == [0.5, 0.25]
    texts = [t.get_text() for t in axis.texts]
    assert texts == ["0.5 %", "0.25 %", "chance"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["a", "b"]
    figures.picture_of(fig, "bars")


def test_lines_are_named_and_told_apart_without_colour():
    fig, axis = figures.figure()
    charts.lines(axis, [0, 1], {"a": [0, 1], "b": [1, 0]}, {"a": [0.1, 0.2]})
    assert [t.get_text() for t in axis.texts] == ["a", "b"]
    assert len({line.get_linestyle() for line in axis.lines}) == 2
    assert len(axis.collections) == 1
    figures.picture_of(fig, "lines")


def test_paired_dots_show_both_conditions_and_labels():
    fig, axis = figures.figure()
    charts.paired_dots(axis, {"x": (0.9, 0.3), "y": (0.8, 0.7)}, ("before", "after"))
    charts.label(axis, "Title", "accuracy")
    points = [c.get_offsets().tolist() for c in axis.collections[1:]]
    assert points == [[[0.9, 0.0], [0.8, 1.0]], [[0.3, 0.0], [0.7, 1.0]]]
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["before", "after"]
    assert axis.get_title(loc="left") == "Title"
    figures.picture_of(fig, "dots")


def test_seed_curves_show_mean_spread_and_seeds():
    _, axis = figures.figure()
    charts.seed_curves(axis, {"net": {1: [0.2, 0.4], 2: [0.9]}}, chance=0.5)
    assert axis.lines[0].get_ydata() == pytest.approx([30, 90])
    assert [len(dots.get_offsets()) for dots in axis.collections[1:]] == [2, 1]
    assert axis.texts[0].get_text() == "chance"
    with pytest.raises(ValueError, match="net: a point without values"):
        charts.seed_curves(axis, {"net": {1: []}})


def test_seed_dots_leave_out_what_a_row_lacks_and_draw_variants_hollow():
    _, axis = figures.figure()
    rows = {"x": {"a": [0.2, 0.4], "a, turned": []}, "y": {"a, turned": [0.5]}}
    charts.seed_dots(axis, rows, {"a, turned": "a"}, chance=0.125)
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ["a", "a, turned"]
    _, full, _, hollow = axis.collections  # small marks, means; twice
    assert full.get_offsets()[:, 0].tolist() == pytest.approx([30])
    assert hollow.get_facecolor()[0].tolist() == [1, 1, 1, 1]
    assert hollow.get_edgecolor()[0].tolist() == full.get_facecolor()[0].tolist()
    for draw in (charts.seed_dots, charts.seed_curves):
        with pytest.raises(ValueError, match="empty"):
            draw(axis, {})


def test_hoverable_figures_are_plain_json_with_a_picture(displayed):
    import plotly.graph_objects as go

    picture = figures.Picture(figures.image_png(np.zeros((4, 4))), "fallback")
    fig = go.Figure(go.Scatter(x=np.arange(2), y=np.arange(2)))
    figures.hoverable(fig, "two points", picture)
    (data,), options = displayed[0]
    assert data["text/plain"] == "two points" and "image/png" in data
    assert options["metadata"]["image/png"]["alt"] == "fallback"
    json.dumps(data)
    config = data["application/vnd.plotly.v1+json"]["config"]
    assert config["showSendToCloud"] is False  # no button uploads the figure
    with pytest.raises(ValueError, match="alt"):
        figures.hoverable(fig, "")
