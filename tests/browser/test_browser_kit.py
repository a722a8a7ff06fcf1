"""The teaching kit in a real browser, moved by keyboard."""

from __future__ import annotations

import pytest
from demo_notebook import write_demo


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    path = write_demo(tmp_path_factory.mktemp("demo") / "kit.ipynb")
    with lab.open(path) as opened:
        yield opened.run_all()


def test_a_slider_changes_text_and_picture(page):
    panel = page.panel("Window")
    assert "motion is 3 px" in panel.text() and panel.pictures_loaded()
    panel.press("motion", "ArrowRight", "ArrowRight")
    assert "motion is 5 px" in panel.text() and panel.value("motion") == "5"
    assert panel.alts() == ["a sine wave at motion 5"]
    page.assert_clean()


def test_an_exception_stands_in_the_error_line_until_it_is_over(page):
    panel = page.panel("Window")
    panel.press("motion", "End")
    assert panel.error() == "ValueError: motion 9 runs out of the window"
    with pytest.raises(AssertionError, match="runs out"):
        page.assert_clean()
    panel.press("motion", "Home")
    assert panel.error() == "" and "motion is 0 px" in panel.text()
    page.assert_clean()


def test_range_slider_and_dropdown(page):
    panel = page.panel("Window")
    panel.press("span", "Home").press("span", "End", handle=1)
    assert panel.value("span") == "0 – 96"
    panel.choose("kind", "square")
    assert "square" in panel.alts()[0]
    page.assert_clean()


def test_the_player_steps_through_frames_and_views(page):
    player = page.panel("Noise")
    assert player.alts() == ["Noise, frames, frame 1 of 8"]
    player.press("frame", "ArrowRight")
    player.choose("view", "motion as arrows")
    assert player.alts() == ["Noise, motion as arrows, frame 2 of 8"]
    assert player.reachable() >= 4  # play, stop, slider, view
    page.assert_clean()


def test_play_runs_and_stops_by_keyboard(page):
    player = page.panel("Noise")
    before = player.fingerprint()
    player.button("play").press("Enter")
    page.page.wait_for_function(
        "([root, old]) => [...root.querySelectorAll('img')].some(i => i.alt && "
        "!old.includes(i.alt))",
        arg=[player.root.element_handle(), before],
    )
    player.button("stop").press("Enter")
    page.assert_clean()


def test_the_quiz_answers(page):
    quiz = page.panel("Quiz")
    assert "0 of 2 right" in quiz.text()
    quiz.pick(1, question=0)
    assert "Not quite" in quiz.text()
    quiz.pick(0, question=0)
    assert "Two is less than three." in quiz.text() and "1 of 2 right" in quiz.text()
    page.assert_clean()


def test_figures_clips_and_hoverable_figures_are_drawn(page):
    images = page.page.locator(".jp-RenderedImage img")
    assert images.count() == 2  # the clips and the bars
    wide = images.evaluate_all("all => all.every(i => i.naturalWidth > 100)")
    assert wide
    plot = page.page.locator(".js-plotly-plot").first
    plot.wait_for()
    buttons = plot.locator(".modebar-btn").evaluate_all(
        "all => all.map(b => b.dataset.title || b.ariaLabel || '')"
    )
    assert any("Download" in title for title in buttons)
    assert not any("hare" in title for title in buttons)  # would upload the figure
    page.assert_clean()


def test_words_of_a_panel_stand_in_lines_one_and_a_half_high(page):
    ratios = page.panel("Window").root.evaluate(
        """r => [...r.querySelectorAll('.course-text p, .course-question')]
        .map(e => getComputedStyle(e))
        .map(s => parseFloat(s.lineHeight) / parseFloat(s.fontSize))"""
    )
    assert len(ratios) == 2 and ratios == pytest.approx([1.5, 1.5], abs=0.01)


def test_a_stored_notebook_shows_pictures_where_no_kernel_ran(lab, tmp_path):
    from course.teaching import notebooks

    path = write_demo(tmp_path / "stored.ipynb")
    notebooks.execute(path)
    with lab.open(path) as stored:
        stored.page.locator(".jp-RenderedImage img").nth(3).wait_for()
        assert "model not found" not in stored.page.inner_text("body")
        assert "Which is odd?" in stored.page.inner_text("body")
        stored.assert_clean()


def test_the_driver_notices_requests_and_console_errors(lab, tmp_path):
    image = '<img src="http://example.invalid/x.png" alt="x">'
    cells = [f"from IPython.display import HTML\nHTML('{image}')"]
    with lab.open(write_demo(tmp_path / "outside.ipynb", cells)) as page:
        page.run_all()
        page.page.wait_for_timeout(500)
        with pytest.raises(AssertionError):
            page.assert_clean()
        assert set(page.outside) == {"http://example.invalid/x.png"}


def test_the_driver_notices_a_failed_cell(lab, tmp_path):
    with lab.open(write_demo(tmp_path / "failed.ipynb", ["1 / 0", "2"])) as page:
        page.run_all()
        assert page.failures() == ["ZeroDivisionError: division by zero"]
        with pytest.raises(AssertionError, match="ZeroDivisionError"):
            page.assert_clean()
