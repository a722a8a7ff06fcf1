"""Pseudo scene labels: votes and means, tables of confusion, names drawn by them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course.scene_debias import scene_labels
from course.scene_debias.scene_labels import (
    calibrated,
    confusable_noise,
    draw_names,
    frame_agreement,
    hard_label,
    merged,
    read_places365_names,
    soft_label,
    uniform_noise,
)

SHARES = st.floats(0, 1, width=32)


def probabilities(*shape: int, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(shape, generator=draws)).softmax(-1)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 999))
def test_labels_against_numpy_and_scipy(frames, scenes, seed):
    given = probabilities(3, frames, scenes, seed=seed)
    soft, hard = soft_label(given), hard_label(given)
    np.testing.assert_allclose(soft, given.numpy().mean(1), rtol=1e-5)
    assert torch.allclose(soft.sum(1), torch.ones(3))
    # scipy's mode, like ours, is the smallest of those that are equally frequent.
    judge = stats.mode(given.numpy().argmax(-1), axis=1)
    assert hard.dtype == torch.int64 and np.array_equal(hard, judge.mode)
    np.testing.assert_allclose(frame_agreement(given), judge.count / frames, rtol=1e-6)
    order = torch.randperm(frames, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(hard_label(given[:, order]), hard)
    for one in range(3):  # a clip alone is labelled as in its batch
        assert torch.equal(hard_label(given[one]), hard[one])
        assert torch.equal(soft_label(given[one]), soft[one])


def test_the_two_labels_can_disagree():
    """Two frames are unsure of the same scene, one is certain of another."""
    frames = torch.tensor([[0.0, 0.4, 0.6], [0.0, 0.4, 0.6], [0.0, 1.0, 0.0]])
    assert hard_label(frames) == 2 and soft_label(frames).argmax() == 1
    assert frame_agreement(frames).item() == pytest.approx(2 / 3)


@pytest.mark.parametrize("order", [[3, 1], [1, 3], [3, 1, 0, 0, 3, 1]])
def test_a_tied_vote_goes_to_the_smaller_index(order):
    votes = torch.eye(4)[order]
    assert hard_label(votes) == (0 if 0 in order else 1)
    assert hard_label(torch.full((5, 4), 0.25)) == 0  # and a frame that cannot say


def test_half_precision_counts_whole_votes():
    many = torch.tensor([[0.0, 1.0]]).repeat(600, 1).to(torch.bfloat16)
    many[:299] = torch.tensor([1.0, 0.0]).to(torch.bfloat16)
    assert hard_label(many) == 1 and frame_agreement(many).item() > 0.5


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 12), SHARES)
def test_tables_are_right_as_often_as_they_say(scenes, share):
    tables = {
        "uniform": (uniform_noise(scenes, share), 1 - share + share / scenes),
        "confusable": (
            confusable_noise(scenes, share),
            1 - share * (scenes - scenes % 2) / scenes,
        ),
        "merged": (merged(scenes), (scenes + 1) // 2 / scenes),
    }
    for table, right in tables.values():
        assert table.shape == (scenes, scenes) and (table >= 0).all()
        assert torch.allclose(table.sum(1), torch.ones(scenes))
        assert table.diagonal().mean().item() == pytest.approx(right, abs=1e-6)


def test_partners_may_be_chosen():
    table = confusable_noise(4, 0.25, [3, 1, 0, 0])
    assert table[0].tolist() == [0.75, 0, 0, 0.25]
    assert table[1].tolist() == [0, 1, 0, 0]
    assert table[2].tolist() == [0.25, 0, 0.75, 0]


TABLES = [uniform_noise(5, 0.6), confusable_noise(5, 0.3), merged(5)]
TABLES += [probabilities(5, 5, seed=3)]


@pytest.mark.parametrize("table", TABLES)
def test_names_are_drawn_as_often_as_the_table_says(table):
    true = torch.arange(20_000) % 5
    named = draw_names(true, table, seed=4)
    seen = torch.zeros(5, 5).index_put_(
        (true, named), torch.ones(len(true)), accumulate=True
    )
    assert (seen / 4000 - table).abs().max() < 4.5 * 0.5 / 4000**0.5
    assert not seen[table == 0].any()


@pytest.mark.parametrize("table", TABLES)
def test_calibrated_labels_are_the_shares_of_the_truth(table):
    true = torch.arange(20_000) % 5
    named = draw_names(true, table, seed=5)
    soft = calibrated(named, table)
    assert torch.allclose(soft.sum(1), torch.ones(len(true)))
    for name in named.unique():
        rows = named == name
        shares = torch.bincount(true[rows], minlength=5) / rows.sum()
        assert (shares - soft[rows][0]).abs().max() < 4.5 * 0.5 / rows.sum() ** 0.5


@settings(deadline=None, max_examples=30)
@given(SHARES, SHARES, st.integers(0, 99))
def test_more_noise_keeps_the_wrong_names(one, other, seed):
    true = torch.arange(60).view(12, 5) % 4
    less, more = sorted((one, other))
    for noise in (uniform_noise, confusable_noise):
        few, many = (draw_names(true, noise(4, s), seed) for s in (less, more))
        wrong = few != true
        assert torch.equal(few[wrong], many[wrong])
        assert torch.equal(draw_names(true, noise(4, 0.0), seed), true)


def test_a_draw_depends_on_its_place_and_the_seed_alone():
    table, true = uniform_noise(8, 0.5), torch.arange(400) % 8
    named = draw_names(true, table)
    assert torch.equal(draw_names(true[:50], table), named[:50])
    assert torch.equal(draw_names(true.view(40, 10), table), named.view(40, 10))
    assert not torch.equal(draw_names(true, table, seed=1), named)
    assert torch.equal(draw_names(true.int(), table).long(), named)
    assert draw_names(true[:0], table).shape == (0,)


def test_frames_that_err_on_their_own_are_mended_by_the_vote():
    """Of nine frames a third is wrong, yet hardly a vote or a mean is."""
    true, table = torch.arange(800) % 8, uniform_noise(8, 0.4)
    named = draw_names(true[:, None].expand(-1, 9), table)
    frames = calibrated(named, table)
    one = (named[:, 0] == true).float().mean()
    vote, mean = hard_label(frames), soft_label(frames).argmax(1)
    assert one < 0.75 and (vote == true).float().mean() > 0.95
    assert (mean == true).float().mean() > 0.95
    assert abs(frame_agreement(frames).mean() - one) < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_label(torch.ones(3)), r"\(..., frames, scenes\), got \(3,\)"),
        (lambda: hard_label(torch.ones(0, 3)), r"got \(0, 3\)"),
        (lambda: hard_label(torch.randn(4, 5)), "no distributions: least -"),
        (lambda: soft_label(torch.ones(2, 4)), "sums 4"),
        (lambda: soft_label(torch.full((2, 2), torch.nan)), "no distributions"),
        (lambda: uniform_noise(0, 0.5), "got 0 and 0.5"),
        (lambda: confusable_noise(4, 1.5), "got 4 and 1.5"),
        (lambda: confusable_noise(4, 0.5, [1, 0]), r"4 scenes, got \[1, 0\]"),
        (lambda: confusable_noise(2, 0.5, [1, 2]), r"2 scenes, got \[1, 2\]"),
        (lambda: merged(0), "got 0"),
        (lambda: draw_names(torch.arange(3), torch.eye(2)), r"0 .. 1, got 0 .. 2"),
        (lambda: draw_names(torch.arange(2), torch.ones(2, 3)), r"got \(2, 3\)"),
        (lambda: draw_names(torch.arange(2), torch.ones(2, 2)), "no distributions"),
        (lambda: draw_names(torch.ones(2), torch.eye(2)), "got torch.float32"),
        (lambda: calibrated(torch.tensor([1]), merged(2)), r"no scene is named \[1\]"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_list_of_names_must_be_places365s(tmp_path, monkeypatch):
    path = tmp_path / "categories_places365.txt"
    path.write_bytes(b"/a/one_room 0\n/b/two/outdoor 1\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"{path} is not Places365's list.*{digest}"):
        read_places365_names(path)
    monkeypatch.setattr(scene_labels, "NAMES_SHA256", digest)
    assert read_places365_names(path) == ("one_room", "two/outdoor")
