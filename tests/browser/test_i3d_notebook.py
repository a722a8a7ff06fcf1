"""The I3D notebook in a real browser: its text, its four panels, its sortable tables.

Only the cells that these need are run, so nothing is trained here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from short_notebook import keys, shortened

from course.i3d.drawings.tables_figure import published_tables, sorted_table

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_i3d.ipynb"
NEEDED = (  # words of the cells to run; each stands in one cell only
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
PARAMETERS = {  # architecture -> parameters, millions in the paper's table 1
    "ConvNet + LSTM": ("8,945,600", 9),
    "3D-ConvNet (C3D)": ("79,634,576", 79),
    "Two-Stream": ("12,058,560", 12),
    "3D-Fused Two-Stream": ("39,754,912", 39),
    "Two-Stream I3D": ("25,358,016", 25),
}


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    path = shortened(NOTEBOOK, NEEDED, tmp_path_factory.mktemp("i3d"))
    with lab.open(path) as opened:
        yield opened.run_all(seconds=300)


def test_the_cells_ran_and_their_pictures_are_there(page):
    page.assert_clean()
    images = page.page.locator(".jp-RenderedImage img")
    assert images.count() == 4  # clips, the paper, the five, fields
    assert images.evaluate_all("all => all.every(i => i.naturalWidth > 100)")


def test_inflation(page):
    panel = page.panel("When does the inflated filter answer like the image filter?")
    agree = "2-D and 3-D agree in every frame"
    assert "is 40 %, in frames 0 and 7. Frame 4, the middle: 0 %" in panel.text()
    panel.press("N, taps in time", "End")
    assert "is 43 %, in frames 0 and 7" in panel.text()  # 3 of 7 taps meet zeros
    panel.press("N, taps in time", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert "is 33 %, in frames 0 and 7" in panel.text()  # 1 of 3
    keys(panel, "padding of time", "Home")
    assert agree in panel.text()
    keys(panel, "padding of time", "End")
    keys(panel, "weights on the taps", "End")
    assert agree in panel.text()
    keys(panel, "weights on the taps", "Home").press("T, frames", "Home")
    assert "is 67 %, in frame 0" in panel.text()  # both neighbours are zeros
    panel.press("T, frames", "End")
    keys(panel, "2-D kernel", "End")
    keys(panel, "image", "ArrowDown")
    assert panel.alts() == ["Responses of a blur kernel with 3 taps to a still video"]
    keys(panel, "padding of time", "Home").press("scrolling, px a frame", "End")
    assert "3 taps to a video scrolling 4 px" in panel.alts()[0]
    assert "The largest deviation" in panel.text()  # motion, whatever the padding
    keys(panel, "weights on the taps", "End")
    assert agree in panel.text() and panel.pictures_loaded()
    page.assert_clean()


def test_strides(page):
    panel = page.panel("How fast may time be thinned out?")
    assert "MaxPool3d_3a_3x3 (blue box) sees 11 frames = 0.44 s and" in panel.text()
    assert "the dots move 8 px, 17 % of their spacing, less than half" in panel.text()
    keys(panel, "time stride of pools 2a and 3a", "End")
    assert "steps over 8 frames at a time" in panel.text()
    assert "67 % of their spacing, more than half" in panel.text()
    assert "the dots moving left by 16 px" in panel.text()
    keys(panel, "time stride of pools 2a and 3a", "Home")
    keys(panel, "behind layer", "End")
    assert "107 frames = 4.28 s and 571 px (more than the 64 frames" in panel.text()
    assert "with 107 frames and 571 px" in panel.alts()[1]
    keys(panel, "behind layer", "Home")
    assert "Conv3d_1a_7x7 (blue box) sees 7 frames = 0.28 s and 7 px" in panel.text()
    panel.press("frames a second", "End")
    assert "7 frames = 0.14 s" in panel.text() and "move 4 px, 8 %" in panel.text()
    panel.press("dot speed, px a second", "Home")
    assert "the dots stand still" in panel.text()
    panel.press("dot speed, px a second", "End").press("px from dot to dot", "Home")
    assert "100 % of their spacing: these samples alone show dots that" in panel.text()
    assert len(panel.alts()) == 2 and panel.pictures_loaded()
    tops = panel.root.locator(".course-picture").evaluate_all(
        "all => all.map(p => p.getBoundingClientRect().top)"
    )
    assert tops[0] == tops[1]  # side by side
    page.assert_clean()


def test_parameters(page):
    panel = page.panel("Where are the parameters?")
    keys(panel, "architecture", "Home")
    for i, (name, (count, millions)) in enumerate(PARAMETERS.items()):
        if i:
            keys(panel, "architecture", "ArrowDown")
        said = f"{count} parameters (table 1 of the paper: {millions}M)"
        assert said in panel.text()
        assert f"Treemap of the parameters of {name}, by kind" in panel.alts()[0]
    keys(panel, "grouping", "End")
    assert "Two-Stream I3D, by stage" in panel.alts()[0] and panel.pictures_loaded()
    page.assert_clean()


def test_fusion(page):
    panel = page.panel("Two streams, one answer")
    streams = "playing cricket: RGB 1 - 3e-06, flow 0.948"
    assert f"{streams}, fused 1 - 2e-09." in panel.text()
    keys(panel, "fusion", "End")
    assert f"{streams}, fused 0.974." in panel.text()
    panel.press("weight of RGB", "Home")
    assert f"{streams}, fused 0.948." in panel.text()
    panel.press("weight of RGB", "End")
    assert f"{streams}, fused 1 - 3e-06." in panel.text()
    keys(panel, "axis", "End").press("temperature", "End")
    assert "RGB 0.568 to 0.924" in panel.text()  # the unprinted classes matter now
    keys(panel, "networks", "End")
    assert "19.492 (RGB), 15.787 (flow)" in panel.text() and panel.pictures_loaded()
    page.assert_clean()


def column(plot, place: int) -> list[str]:
    """A column of the table as it stands on the page, from top to bottom."""
    return plot.evaluate(
        """(plot, place) => {
        const blocks = [...plot.querySelectorAll('.y-column')];
        const cells = [...blocks[place].querySelectorAll('.column-cell')];
        const top = cell => cell.getBoundingClientRect().top;
        return cells.sort((a, b) => top(a) - top(b)).map(c => c.textContent);
        }""",
        place,
    )


def pick(plot, menu: int, choice: str) -> None:
    plot.locator(".updatemenu-header").nth(menu).click()
    plot.locator(".updatemenu-dropdown-button").get_by_text(choice, exact=True).click()


def test_the_tables_can_be_sorted(page):
    plot = page.page.locator(".js-plotly-plot").first
    plot.wait_for()
    plot.scroll_into_view_if_needed()
    published = published_tables()
    assert column(plot, 0) == ["model", *(row[0] for row in published[2].rows)]
    pick(plot, 0, published[4].title)
    pick(plot, 1, "UCF-101 Original, lowest first")
    wanted = sorted_table(4, "UCF-101 Original", highest_first=False)
    for place, show in ((0, str), (2, "{:.1f}".format)):
        shown = [show(row[place]) for row in wanted]
        page.page.wait_for_timeout(100)
        assert column(plot, place)[1:] == shown
    pick(plot, 0, published[5].title)
    assert len(column(plot, 0)) == 1 + len(published[5].rows)
    page.assert_clean()
