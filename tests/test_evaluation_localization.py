"""Detection mAP against plain loops, by hand, and on THUMOS14's own annotations."""

import json
import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course.evaluation import (
    segments_from_scores,
    temporal_detection_map,
    temporal_iou,
)

RULES = ("activitynet", "wtalc", "thumos")


def plain_iou(a, b):
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (b[1] - b[0]) + (a[1] - a[0]) - shared
    return shared / union if union else 0.0


def plain_ap(found, true, tiou, rule):
    """One class at one tIoU as the evaluators' scripts walk through it."""
    found = sorted(found, key=lambda row: -row[-1])  # stable, as sorted() is
    right = [False] * len(found)
    if rule == "thumos":
        for video, *segment in true:
            best = tiou
            winner = None
            for i, (other, start, end, _) in enumerate(found):
                overlap = plain_iou((start, end), segment)
                if other == video and not right[i] and overlap > best:
                    best, winner = overlap, i
            if winner is not None:
                right[winner] = True
    else:
        free = list(range(len(true)))
        for i, (video, start, end, _) in enumerate(found):
            overlaps = {
                j: plain_iou((start, end), true[j][1:])
                for j in free
                if true[j][0] == video
            }
            fits = [j for j, overlap in overlaps.items() if overlap >= tiou]
            if fits:
                by_overlap = max(fits, key=lambda j: overlaps[j])
                right[i] = True
                free.remove(fits[0] if rule == "wtalc" else by_overlap)
    return plain_area(right, len(true), envelope=rule == "activitynet")


def plain_area(right, total, envelope):
    precision = [sum(right[: i + 1]) / (i + 1) for i in range(len(right))]
    if not envelope:
        return sum(p for p, hit in zip(precision, right, strict=True) if hit) / total
    area, before = 0.0, 0.0
    for i in range(len(right)):
        recall = sum(right[: i + 1]) / total
        area += (recall - before) * max(precision[i:])
        before = recall
    return area


def plain_map(found, true, tious, rule):
    labels = sorted({row[1] for row in true})
    table = np.zeros((len(tious), len(labels)))
    for j, label in enumerate(labels):
        of_class = [
            [(row[0], *row[2:]) for row in rows if row[1] == label]
            for rows in (found, true)
        ]
        for i, tiou in enumerate(tious):
            table[i, j] = plain_ap(*of_class, tiou, rule)
    return labels, table


def rows(scores: bool, least: int):
    """Few videos, classes, times and scores: crowded, full of ties of both kinds."""
    times = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted)
    row = st.tuples(st.sampled_from("ab"), st.integers(0, 2), times, st.integers(0, 4))
    build = [
        lambda r: (r[0], r[1], *map(float, r[2])),
        lambda r: (r[0], r[1], *map(float, r[2]), r[3] / 4),
    ]
    return st.lists(row.map(build[scores]), min_size=least, max_size=25)


@settings(max_examples=200, deadline=None)
@given(rows(True, 0), rows(False, 1), st.sampled_from(RULES))
def test_it_is_the_plain_loop_ties_included(found, true, rule):
    tious = [0.1, 0.25, 0.5, 2 / 3, 1.0]
    result = temporal_detection_map(found, true, tious, rule)
    labels, table = plain_map(found, true, tious, rule)
    assert list(result.labels) == labels
    assert result.ap == pytest.approx(table, abs=1e-12)
    assert result.map == pytest.approx(table.mean(axis=1), abs=1e-12)
    assert result.average_map == pytest.approx(table.mean(), abs=1e-12)
    assert result.unknown_labels == sum(row[1] not in labels for row in found)


def jittered(true, number, seed, wrong=0.2):
    """Predictions around true segments; some with another class."""
    rng = np.random.default_rng(seed)
    labels = sorted({row[1] for row in true})
    found = []
    for row in rng.integers(0, len(true), number):
        video, label, start, end = true[row]
        shift = rng.normal(size=2) * 0.3 * (end - start)
        if rng.random() < wrong:
            label = labels[rng.integers(len(labels))]
        start, end = start + shift[0], max(start + shift[0] + 0.1, end + shift[1])
        found.append((video, label, start, end, rng.random()))
    return found


def timeline(videos, classes, each, seed):
    """Non-overlapping true segments in every video."""
    rng = np.random.default_rng(seed)
    true = []
    for video in range(videos):
        starts = np.cumsum(rng.uniform(2, 12, each))
        for start in starts:
            label = int(rng.integers(classes))
            true.append((f"v{video}", label, start, start + rng.uniform(0.5, 2)))
    return true


@pytest.mark.parametrize("rule", RULES)
def test_it_is_the_plain_loop_on_many_rows_and_faster(rule):
    true = timeline(40, 5, 15, seed=0)
    found = jittered(true, 1500, seed=1)
    tious = np.arange(1, 8) / 10
    begin = time.process_time()
    result = temporal_detection_map(found, true, tious, rule)
    fast = time.process_time() - begin
    begin = time.process_time()
    _, table = plain_map(found, true, tious, rule)
    plain = time.process_time() - begin
    assert result.ap == pytest.approx(table, abs=1e-12)
    assert 0.1 < result.average_map < 0.9
    assert fast < plain / 5, f"{plain / fast:.1f} times faster"


def test_by_hand():
    true = [
        ("a", "x", 0, 10),
        ("a", "x", 20, 30),
        ("b", "x", 0, 10),
        ("b", "x", 40, 50),
    ]
    found = [
        ("a", "x", 0, 10, 0.9),  # right
        ("a", "x", 1, 10, 0.8),  # its instance is taken
        ("c", "x", 0, 10, 0.7),  # no such video
        ("b", "x", 0, 8, 0.6),  # right up to 0.8
        ("a", "x", 25, 30, 0.5),  # right up to 0.5
    ]
    result = temporal_detection_map(found, true, [0.5, 0.8, 0.81])
    # Precisions 1, 1/2, 1/3, 2/4, 3/5: the envelope lifts the fourth to 3/5.
    assert result.ap[:, 0] == pytest.approx([(1 + 3 / 5 + 3 / 5) / 4, 1.5 / 4, 1 / 4])
    plain = temporal_detection_map(found, true, 0.5, rule="wtalc")
    assert plain.ap.tolist() == [[pytest.approx((1 + 2 / 4 + 3 / 5) / 4)]]


def test_the_rules_differ_where_the_module_says():
    true = [("v", 0, 0, 6), ("v", 0, 4, 12)]
    # The best takes the second instance and leaves the first for the next detection;
    # the first that fits takes the first, and the next detection fits nothing.
    found = [("v", 0, 1, 12, 0.9), ("v", 0, 0, 5, 0.8)]
    both, one = (
        temporal_detection_map(found, true, 0.4, rule=rule).average_map
        for rule in ("activitynet", "wtalc")
    )
    assert (both, one) == (1.0, 0.5)
    # A truth that chooses passes over the confident detection for the exact one.
    found = [("v", 0, 0, 7, 0.9), ("v", 0, 0, 6, 0.1)]
    by_truth, by_score = (
        temporal_detection_map(found, true[:1], 0.5, rule=rule).average_map
        for rule in ("thumos", "activitynet")
    )
    assert (by_truth, by_score) == (0.5, 1.0)
    half = [("v", 0, 0, 3, 1.0)]
    assert temporal_detection_map(half, true[:1], 0.5).average_map == 1.0
    assert temporal_detection_map(half, true[:1], 0.5, "thumos").average_map == 0.0


def test_equal_scores_count_in_the_order_of_rows():
    true = [("v", 0, 0, 4)]
    right, wrong = ("v", 0, 0, 4, 0.5), ("v", 0, 8, 9, 0.5)
    assert temporal_detection_map([right, wrong], true, 0.5).average_map == 1.0
    assert temporal_detection_map([wrong, right], true, 0.5).average_map == 0.5


def test_classes_without_predictions_and_without_truth():
    true = [("v", "a", 0, 4), ("v", "b", 0, 4)]
    found = [("v", "a", 0, 4, 0.5), ("v", "z", 0, 4, 0.9)]
    result = temporal_detection_map(found, true, 0.5)
    assert result.labels == ("a", "b") and result.ap.tolist() == [[1.0, 0.0]]
    assert result.unknown_labels == 1
    nothing = temporal_detection_map([], true, [0.5, 0.7])
    assert nothing.ap.tolist() == [[0.0, 0.0]] * 2 and nothing.average_map == 0.0


@settings(max_examples=40, deadline=None)
@given(rows(True, 1), rows(False, 1))
def test_all_forms_of_rows_say_the_same(found, true):
    names = ["video", "label", "start", "end", "score"]
    frames = [pd.DataFrame(found, columns=names), pd.DataFrame(true, columns=names[:4])]
    expected = temporal_detection_map(found, true, 0.3).ap.tolist()
    number = {"a": 0, "b": 1}
    plain = [np.array([(number[r[0]], *r[1:]) for r in part]) for part in (found, true)]
    dtype = [("video", "U1"), ("label", "i8")] + [(name, "f8") for name in names[2:]]
    structured = [np.array(found, dtype=dtype), np.array(true, dtype=dtype[:4])]
    columns = [frame[frame.columns[::-1]].to_dict("list") for frame in frames]
    for forms in (frames, plain, structured, columns):
        assert temporal_detection_map(*forms, 0.3).ap.tolist() == expected


@pytest.mark.parametrize(
    ("found", "true", "tiou", "message"),
    [
        ([("v", 0, 0, 1, np.nan)], None, 0.5, "score is no number in row 0"),
        ([("v", 0, 0, 1, 0.5), ("v", 0, 3, 2, 0.5)], None, 0.5, r"row 1: \[3.0, 2.0\]"),
        ([("v", 0, 0, np.inf, 0.5)], None, 0.5, "not finite in row 0"),
        ([("v", 0, 0, 1)], None, 0.5, "must be rows"),
        ([3, 4], None, 0.5, "must be rows"),
        ([("v", 0, "soon", 1, 0.5)], None, 0.5, "soon"),
        ([("v", 0, None, 1, 0.5)], None, 0.5, "not finite in row 0"),
        ([("v", "0", 0, 1, 0.5)], None, 0.5, "labels are str .* int in the truth"),
        ([(7, 0, 0, 1, 0.5)], None, 0.5, "videos are int .* str in the truth"),
        ([("v", 0, 0, 1, 0.5), ("v", "b", 0, 1, 0.5)], None, 0.5, "all str or all int"),
        ([("v", 0.5, 0, 1, 0.5)], None, 0.5, r"got \['float'\]"),
        ([("v", True, 0, 1, 0.5)], None, 0.5, r"got \['bool'\]"),
        ({"video": ["v"], "class": [0]}, None, 0.5, "'video', 'class'"),
        (pd.DataFrame({"clip": ["v"]}), None, 0.5, "clip"),
        (
            {"video": ["v"], "label": [0], "start": [0], "end": [1, 2], "score": [1]},
            None,
            0.5,
            r"different lengths \[1, 1, 1, 2, 1\]",
        ),
        ([], [], 0.5, "no rows"),
        ([], None, -0.1, "got -0.1"),
        ([], None, [0.5, 1.5], r"got \[0.5, 1.5\]"),
        ([], None, [], r"got \[\]"),
        ([], None, np.nan, "got nan"),
    ],
)
def test_bad_input_is_named(found, true, tiou, message):
    true = [("v", 0, 0, 1)] if true is None else true
    with pytest.raises(ValueError, match=message):
        temporal_detection_map(found, true, tiou)


def test_an_unknown_rule_is_named():
    with pytest.raises(ValueError, match="activitynet, wtalc, thumos; got 'coco'"):
        temporal_detection_map([], [("v", 0, 0, 1)], 0.5, rule="coco")


@settings(max_examples=60, deadline=None)
@given(rows(False, 1), rows(False, 1))
def test_temporal_iou_counts_the_seconds_of_both(a, b):
    table = temporal_iou(*([row[2:] for row in part] for part in (a, b)))
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            one, two = (set(range(int(r[2]), int(r[3]))) for r in (first, second))
            expected = len(one & two) / len(one | two) if one | two else 0.0
            assert table[i, j] == expected


def test_temporal_iou_names_bad_segments():
    for bad in ([[0, 1, 2]], [0, 1], [[2, 1]], [[0, np.nan]]):
        with pytest.raises(ValueError, match="segment"):
            temporal_iou(bad, [[0, 1]])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 3), max_size=20), st.integers(-3, 3))
def test_segments_are_exactly_the_steps_above_the_threshold(scores, threshold):
    found = segments_from_scores(np.array(scores, dtype=float), threshold, 0.5)
    covered = [False] * len(scores)
    for start, end, mean in found:
        steps = range(int(start / 0.5), int(end / 0.5))
        assert mean == pytest.approx(np.mean([scores[t] for t in steps]))
        for t in steps:
            covered[t] = True
    assert covered == [score > threshold for score in scores]
    ends = [end for _, end, _ in found[:-1]]
    starts = [start for start, _, _ in found[1:]]
    assert all(end < start for end, start in zip(ends, starts, strict=True))


def test_segments_take_tensors_with_gradients_and_name_bad_input():
    scores = torch.tensor([0.0, 2.0, 4.0], requires_grad=True)
    assert segments_from_scores(scores, 1.0) == [(1.0, 3.0, 3.0)]
    for bad, message in (
        ((torch.zeros(2, 3), 0.5), r"\(2, 3\)"),
        (([0.0, np.nan], 0.5), "without nan"),
        (([0.0], np.nan), "nan"),
        (([0.0], 0.5, 0.0), "seconds_per_step"),
    ):
        with pytest.raises(ValueError, match=message):
            segments_from_scores(*bad)


@pytest.fixture
def thumos(real_data):
    path = real_data / "thumos14" / "gt_activitynet_format.json"
    database = json.loads(path.read_text())["database"]
    return [
        (video, one["label"], *map(float, one["segment"]))
        for video, entry in database.items()
        if entry["subset"] == "test"
        for one in entry["annotations"]
    ]


def test_on_thumos_the_truth_is_found_and_jittered_truth_as_the_plain_loop_says(thumos):
    perfect = [(*row, 1.0) for row in thumos]
    assert len(perfect) == 3311
    for rule in RULES:
        result = temporal_detection_map(perfect, thumos, [0.1, 0.5, 0.7], rule)
        assert result.average_map > 0.99
    found = jittered(thumos, 1500, seed=0)
    result = temporal_detection_map(found, thumos, [0.3, 0.5])
    assert len(result.labels) == 20
    _, table = plain_map(found, thumos, [0.3, 0.5], "activitynet")
    assert result.ap == pytest.approx(table, abs=1e-12)


def test_a_perfect_score_curve_on_thumos_has_the_ceiling_that_was_counted(
    thumos, real_data
):
    """Snippets of 0.64 s lose short and touching instances: counted once elsewhere."""
    text = (real_data / "thumos14" / "annotations.json").read_text()
    seconds = {video: entry["duration"] for video, entry in json.loads(text).items()}
    timelines: dict = {}
    for video, label, *segment in thumos:
        timelines.setdefault((video, label), []).append(segment)
    found, reached = 0, []
    for (video, _), true in timelines.items():
        left = np.arange(int(seconds[video] / 0.64)) * 0.64
        inside = [
            np.minimum(left + 0.64, end) - np.maximum(left, start)
            for start, end in true
        ]
        curve = np.sum(np.clip(inside, 0, None), axis=0) / 0.64
        segments = segments_from_scores(curve, 0.5, 0.64)
        found += len(segments)
        reached += list(temporal_iou(true, np.array(segments)[:, :2]).max(axis=1))
    assert abs(found - 3009) <= 1
    shares = [round(100 * np.mean(np.array(reached) >= t), 1) for t in (0.5, 0.6, 0.7)]
    assert shares == [87.6, 83.9, 79.7]
