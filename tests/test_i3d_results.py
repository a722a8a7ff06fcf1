"""The I3D chapter's recorded figures and its look at one's own video."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from made_records import made_records

from course.evaluation import Recorded, ReportCard
from course.i3d import results
from course.i3d.drawings.measured import transfer_bars
from course.i3d.own_video import TAPS, deviations, how_boring
from course.i3d.scales import SETTINGS
from course.teaching import NotRecorded, Picture, show

LARGEST = 60_000  # bytes
SIZES = SETTINGS["cpu"].sizes
GROWTH = [f"{m}_{n}" for n in SIZES for m in ("accuracy", "family", "order")]
STREAMS = ["accuracy", "rgb_accuracy", "flow_accuracy"]
METRICS = {
    **dict.fromkeys(["scratch", "mean_taps", "centre_taps"], GROWTH),
    **dict.fromkeys(["frames", "lstm", "c3d", "c3d_averaged"],
                    ["accuracy", "shuffled_accuracy"]),
    "camera_unclipped": ["accuracy"],
    "two_stream": STREAMS,
    "fused": ["accuracy"],
    "i3d": [*STREAMS, "shuffled_accuracy"],
    **{name: [*STREAMS, "stabilised_accuracy"] for name in results.CAMERAS},
    "transfer_i3d": [f"{s}{p}" for s in ("", "rgb_", "flow_")
                     for p in results.PROTOCOLS],
    "transfer_c3d": list(results.PROTOCOLS),
    **{f"thinned_{kind}": [f"speed_{v}" for v in SETTINGS["cpu"].speeds]
       for kind in results.THINNED},
    **{name: [row.name for row in dataclasses.fields(ReportCard)]
       for name in results.CARDS},
}  # fmt: skip
FIGURES = {
    "growth": "scratch",
    "five": "fused",
    "camera": "camera_moves",
    "transfer": "transfer_c3d",
    "thinning": "thinned_early",
    "cards": "card_scratch",
}


made = partial(made_records, METRICS)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_and_name_no_number(name):
    """Stored notebooks compare alt texts: other values, the same words."""
    figure, settings = getattr(results, name), SETTINGS["cpu"]
    one, two = figure(made(), settings), figure(made(draw=1, seeds=2), settings)
    assert isinstance(one, Picture) and len(one.png) <= LARGEST
    assert 500 <= one.width <= 960 and len(one.alt) > 40
    assert one.alt == two.alt and one.png != two.png


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("fault", ["without", "stale"])
def test_a_missing_or_stale_run_is_said_not_drawn(name, fault, capsys):
    figure = getattr(results, name)
    found = figure(made(**{fault: FIGURES[name]}), SETTINGS["gpu"])
    assert isinstance(found, NotRecorded)
    assert repr(found).startswith("not yet recorded at this scale: run `python -m")
    show(found)
    assert "course claims i3d --scale" in capsys.readouterr().out


@pytest.mark.parametrize("name, run, words", [
    ("five", "c3d_averaged", "3D-ConvNet, averaged map"),
    ("camera", "camera_unclipped", "flow alone, not clipped"),
])  # fmt: skip
@pytest.mark.parametrize("fault", ["without", "stale"])
def test_a_run_that_may_be_missing_is_left_out(name, run, words, fault):
    figure, settings = getattr(results, name), SETTINGS["cpu"]
    found = figure(made(**{fault: run}), settings)
    assert isinstance(found, Picture) and words not in found.alt
    assert words in figure(made(), settings).alt


def test_an_opened_chapter_names_its_own_scale():
    settings = dataclasses.replace(SETTINGS["gpu"])
    object.__setattr__(settings, "scale", "gpu")  # as `course.start` does
    found = results.growth(Recorded({}, {}), settings)
    assert repr(found).endswith("course claims i3d --scale gpu`")
    assert "<code>python -m course claims i3d --scale gpu</code>" in found.html()


def test_figures_name_runs_and_metrics_that_exist():
    from course.i3d.experiment import RUNS

    assert set(METRICS) <= set(RUNS)


def test_transfer_bars_refuse_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="empty"):
        transfer_bars({})
    with pytest.raises(ValueError, match="b: needs equally many seeds"):
        transfer_bars({"b": {"Original": [0.1], "Fixed": [0.1, 0.2]}})


# ------------------------------------------------------------------------- own video
@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    draws = np.random.default_rng(0)
    return draws.integers(0, 255, (40, 60, 3), np.uint8)


def test_a_still_video_is_boring(picture):
    drawn, share = how_boring(np.stack([picture] * 12), "still.mp4")
    assert share == 0.0 and len(drawn.png) <= LARGEST
    assert drawn.alt.startswith("still.mp4: a frame")


def test_a_moving_video_is_not(picture):
    moving = np.stack([np.roll(picture, t, axis=1) for t in range(12)])
    drawn, share = how_boring(moving, "moving.mp4")
    assert share == 1.0 and len(drawn.png) <= LARGEST
    half = np.concatenate([np.stack([picture] * 12), moving[1:]])
    assert 0.5 < how_boring(half, "half.mp4")[1] < 0.8


def test_deviations_begin_as_far_away_as_the_taps_reach(picture):
    """A cut between frames 9 and 10: N taps meet it (N - 1) / 2 frames before."""
    grey = torch.from_numpy(picture).float().mean(-1) / 255
    curves = deviations(torch.stack([grey] * 10 + [1 - grey] * 10))
    assert list(curves) == list(TAPS)
    for time, curve in curves.items():
        reach = (time - 1) // 2
        assert curve.nonzero().flatten().tolist() == [*range(10 - reach, 10 + reach)]


@pytest.mark.parametrize("frames", [
    np.zeros((3, 20, 20), np.uint8), np.zeros((3, 20, 20, 3), np.float32),
    np.zeros((0, 20, 20, 3), np.uint8), np.zeros((3, 4, 900, 3), np.uint8),
])  # fmt: skip
def test_what_is_no_video_is_refused(frames):
    with pytest.raises(ValueError, match="uint8|5 px a side"):
        how_boring(frames, "x")


def test_large_and_real_videos_fit(real_data):
    from course.teaching.own_video import open_video

    for path in sorted((real_data / "clips").iterdir())[:3]:
        frames, _, name = open_video(path)
        drawn, share = how_boring(frames, name)
        assert len(drawn.png) <= LARGEST and 0 <= share <= 1
