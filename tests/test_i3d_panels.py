"""The I3D room's panels and pictures: driven, timed, and right in what they say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from panel_driver import drive

from course.i3d import panels, pictures
from course.i3d.drawings import boring_video, fusion_bounds, stride_view
from course.i3d.drawings.squarify import squarify
from course.i3d.drawings.treemap import (
    TABLE_1,
    built_tensors,
    leaves_of,
    parameter_sentence,
    treemap_picture,
)
from course.i3d.fusion import mean_of_probabilities, sum_of_logits
from course.i3d.published import reference_outputs

LARGEST = 90_000  # bytes of a panel's picture


def check(panel, plan=None) -> None:
    seen = drive(panel, plan)
    for _, value, outputs in seen:
        for output in outputs:
            if not isinstance(output, str):
                assert len(output.png) <= LARGEST, (panel.title, value)
    assert panel.answer and panel.question.count("?") >= 1
    assert repr(panel).startswith("Panel: ")


# --------------------------------------------------------------------------- inflation
def test_inflation_explorer():
    panel = panels.inflation_explorer()
    check(panel, {
        "image": boring_video.IMAGES, "kernel": list(boring_video.still_kernels()),
        "taps_in_time": [1, 4, 7], "padding": ["replicate"], "taps": ["centre"],
        "frames": [1, 12], "speed": [0.5, 4.0],
    })  # fmt: skip
    before = panel.pictures[0].png
    panel.set(image="a frame of the world", frames=12, speed=4.0)
    assert panel.pictures[0].png != before and len(panel.pictures[0].png) < LARGEST


def test_inflation_explorer_names_the_wrong_frames_and_both_cures():
    panel = panels.inflation_explorer()
    assert "40 %, in frames 0 and 7" in panel.texts[0]  # 2 of 5 taps meet zeros
    panel.set(padding="replicate")
    assert "agree in every frame" in panel.texts[0]
    panel.set(padding="zeros", taps="centre")
    assert "agree in every frame" in panel.texts[0]
    panel.set(taps="mean", taps_in_time=7)
    assert "43 %, in frames 0 and 7" in panel.texts[0]  # 3 of 7
    panel.set(taps_in_time=1)
    assert "agree in every frame" in panel.texts[0]


def test_motion_breaks_the_equality_whatever_the_padding():
    panel = panels.inflation_explorer().set(padding="replicate", speed=2.0)
    assert "largest deviation" in panel.texts[0]
    panel.set(taps="centre")
    assert "agree in every frame" in panel.texts[0]


@pytest.mark.parametrize("time", range(1, 8))
def test_missing_taps_are_what_is_missing(time):
    video = boring_video.scrolled(boring_video.still_image("shapes"), 9, 0.0)
    for kernel in boring_video.still_kernels().values():
        flat, deep = boring_video.responses(video, kernel, time, "zeros")
        share = 100 * ((time - 1) // 2) / time
        assert boring_video.deviations(flat, deep)[0] == pytest.approx(share, abs=1e-2)


def test_scrolling_moves_the_picture_and_halves_make_means():
    image = torch.rand(4, 6)
    video = boring_video.scrolled(image, 3, 0.5)
    assert torch.equal(video[0], image)
    assert torch.allclose(video[1], (image + image.roll(1, -1)) / 2)
    assert torch.equal(video[2], image.roll(1, -1))
    with pytest.raises(ValueError, match="a cat"):
        boring_video.still_image("a cat")


# ----------------------------------------------------------------------------- strides
def test_stride_explorer():
    panel = panels.stride_explorer()
    check(panel)
    assert "11 frames = 0.44 s and 27 px" in panel.texts[0]
    assert "direction stays decidable" in panel.texts[0]
    panel.set(layer=15)
    assert "107 frames = 4.28 s and 571 px (more than the 64 frames" in panel.texts[0]


def test_the_answer_of_the_stride_explorer_is_what_it_shows():
    """At its start: lost behind pool 5a with early stride 1, behind 3a with 2."""
    values = panels.stride_explorer().values()
    per_frame, lost = values["speed"] / values["fps"], {}
    for stride in (1, 2):
        for row in stride_view.growth(stride):
            seen = stride_view.sampling(per_frame, values["spacing"], row.jump[0])
            if not seen.decidable:
                lost.setdefault(stride, row.name)
    assert lost == {1: "MaxPool3d_5a_2x2", 2: "MaxPool3d_3a_3x3"}


@pytest.mark.parametrize(("speed", "jump"), [(1.0, 2), (3.0, 4), (4.0, 8), (7.0, 4)])
def test_apparent_motion_is_the_motion_of_the_kept_rows(speed, jump):
    """Shifting one kept row by the apparent step gives the next one."""
    seen = stride_view.sampling(speed, 32.0, jump)
    kept = stride_view.dots_slice(speed, 32.0, width=64)[::jump]
    for row, later in zip(kept, kept[1:], strict=False):
        assert np.allclose(np.roll(row, int(seen.apparent)), later)
    assert seen.decidable == (0 < seen.apparent == seen.step)


def test_what_samples_show_in_words():
    told = [
        stride_view.sampling_sentence(stride_view.sampling(v, 40.0, 4), 40.0)
        for v in (0.0, 2.0, 5.0, 7.0, 10.0, 12.0)
    ]
    for words, sentence in zip(
        ("stand still: there", "stays decidable", "look the same", "moving left by 12",
         "dots that stand still", "moving right by 8"), told, strict=True,
    ):  # fmt: skip
        assert words in sentence
    with pytest.raises(ValueError, match="positive"):
        stride_view.sampling(1.0, 0.0, 1)


# ------------------------------------------------------------------------------ fusion
def test_fusion_explorer():
    panel = panels.fusion_explorer()
    check(panel)
    assert "RGB 1 - 3e-06, flow 0.948, fused 1 - 2e-09" in panel.texts[0]
    assert "25.857 (RGB), 16.011 (flow)" in panel.texts[0]
    assert "9 of these 31 in both lists" in panel.texts[0]
    panel.set(rule="mean of probabilities")
    assert "fused 0.974" in panel.texts[0]


@pytest.mark.parametrize("start", ["imagenet", "scratch"])
def test_the_printed_joint_answer_lies_in_every_interval(start):
    rgb, flow, joint = (
        reference_outputs()[f"{start}_{k}"] for k in ("rgb", "flow", "joint")
    )
    fused = fusion_bounds.fused_chances(rgb, flow)
    met = 0
    for name, printed in zip(joint.names, joint.probabilities, strict=True):
        if name in fused:
            low, high = fused[name]
            assert low * (1 - 1e-4) <= printed <= high * (1 + 1e-4), name
            met += 1
    assert met >= 17
    shared = set(rgb.names) & set(flow.names)
    assert {n for n, chance in fused.items() if chance.known} == shared


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_intervals_hold_on_made_logits(temperature, weight):
    """Print the twenty best of 400 made logits; the truth lies in every interval."""
    draw = torch.Generator().manual_seed(3)
    a, b = (3 * torch.randn(2, 400, generator=draw, dtype=torch.double)).unbind()
    rgb, flow = _printed(a), _printed(b)
    truth = {
        "sum of logits": (2 * (weight * a + (1 - weight) * b) / temperature).softmax(0),
        "mean of probabilities": weight * (a / temperature).softmax(0)
        + (1 - weight) * (b / temperature).softmax(0),
    }
    if weight == 0.5 and temperature == 1.0:
        assert torch.allclose(truth["sum of logits"], sum_of_logits(a, b).softmax(0))
        assert torch.allclose(
            truth["mean of probabilities"], mean_of_probabilities(a, b)
        )
    for rule, chances in truth.items():
        fused = fusion_bounds.fused_chances(rgb, flow, rule, weight, temperature)
        for name, (low, high) in fused.items():
            p = float(chances[int(name)])
            assert low * (1 - 1e-5) <= p <= high * (1 + 1e-5), (rule, name)


def _printed(logits: torch.Tensor):
    from course.i3d.published.artefacts import Reference

    best = logits.argsort(descending=True)[:20]
    return Reference(
        "made", float(logits.norm()), tuple(str(int(i)) for i in best),
        tuple(int(i) for i in best), tuple(logits.softmax(0)[best].tolist()),
        tuple(logits[best].tolist()),
    )  # fmt: skip


def test_the_normaliser_is_one_number_for_all_rows():
    for config, expected in (("rgb", 25.85665), ("flow", 16.01069), ("joint", 41.8137)):
        stream = reference_outputs()[f"imagenet_{config}"]
        rows = zip(stream.logits, stream.probabilities, strict=True)
        found = [logit - math.log(p) for logit, p in rows]
        assert max(found) - min(found) < 1e-4
        assert fusion_bounds.log_normaliser(stream) == pytest.approx(expected, abs=1e-4)


def test_fusion_refuses_what_it_does_not_know():
    streams = [reference_outputs()[f"imagenet_{k}"] for k in ("rgb", "flow")]
    with pytest.raises(ValueError, match="the best"):
        fusion_bounds.fused_chances(*streams, "the best")
    with pytest.raises(ValueError, match="1.5"):
        fusion_bounds.fused_chances(*streams, weight=1.5)
    with pytest.raises(ValueError, match="temperature.*0"):
        fusion_bounds.stream_chances(streams[0], 0.0)


# ----------------------------------------------------------------------------- treemap
def test_parameter_treemap():
    panel = panels.parameter_treemap()
    check(panel)
    assert "4096 x 8192 = 33.6 M, 42 % of all" in panel.texts[0]
    for name, millions in TABLE_1.items():
        panel.set(architecture=name)
        total = int(re.match(r"<p>([\d,]+) ", panel.texts[0])[1].replace(",", ""))
        assert millions in (total // 10**6, round(total / 1e6)), name
        assert f"table 1 of the paper: {millions}M" in panel.texts[0]
    panel.set(architecture="fused")
    assert "512 x 2048 x 3 x 3 x 3 = 28.3 M, 71 %" in panel.texts[0]


def test_the_treemap_takes_any_tensors():
    made = {
        "tiny": [("rgb.Mixed_3b.conv_3d.weight", (8, 4, 3, 3, 3)), ("fc.bias", (4,))],
        "one": [("fc.weight", (4, 4))],
    }
    drive(panels.parameter_treemap(made))
    with pytest.raises(ValueError, match="empty.*fc"):
        leaves_of([("fc.weight", (0, 4))])
    with pytest.raises(ValueError, match="by colour"):
        treemap_picture(leaves_of(made["one"]), "by colour", "alt")
    assert "16 parameters. The largest" in parameter_sentence(leaves_of(made["one"]))


@pytest.mark.parametrize("name", TABLE_1)
def test_boxes_fill_the_map_in_proportion(name):
    sizes = [leaf.size for leaf in leaves_of(built_tensors()[name])]
    boxes = np.array(squarify(sizes, (10.0, 20.0, 860.0, 430.0)))
    areas = boxes[:, 2] * boxes[:, 3]
    assert np.allclose(areas / areas.sum(), np.array(sizes) / sum(sizes), rtol=1e-6)
    assert areas.sum() == pytest.approx(860 * 430)
    low, high = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    assert np.allclose(low, (10, 20)) and np.allclose(high, (870, 450))
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    for x, y in middles:  # each middle lies in one box only
        inside = (boxes[:, 0] < x) & (x < boxes[:, 0] + boxes[:, 2])
        inside &= (boxes[:, 1] < y) & (y < boxes[:, 1] + boxes[:, 3])
        assert inside.sum() == 1
    with pytest.raises(ValueError, match="sorted"):
        squarify([1, 2], (0, 0, 1, 1))


# ---------------------------------------------------------------------------- pictures
PICTURES = {
    "paper": lambda: pictures.paper_in_one_figure(),
    "five": lambda: pictures.five_architectures(),
    "errors": lambda: pictures.boring_video_errors(
        {"zeros": [12.0, 1e-3, 0.0], "replicate": [5e-6, 5e-6, 5e-6]}
    ),
    "growth": lambda: pictures.receptive_growth(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_have_alt_text_and_fit(name):
    picture = PICTURES[name]()
    assert len(picture.png) <= LARGEST and 500 <= picture.width <= 960
    assert len(picture.alt) > 40


def test_pictures_refuse_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="empty"):
        pictures.boring_video_errors({})
