"""Are cells where we say, and does the score say what it should?"""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from course.backbones import resnet18
from course.motion_squeeze.scoring import (
    cells_to_pixels,
    flow_at_cells,
    mask_at_cells,
    score_displacement,
)


def centre_of(layers: nn.Module, cell: int, size: int = 97) -> float:
    """Middle of the pixels that a cell of a linear, all-ones network answers to."""
    image = torch.ones(1, 1, size, size, requires_grad=True)
    layers(image)[0, 0, cell, cell].backward()
    assert image.grad is not None
    profile = image.grad[0, 0].sum(1)
    return float((profile * torch.arange(size)).sum() / profile.sum())


@pytest.mark.parametrize("kernels", [(7, 3, 3), (5, 3), (5, 1, 3), (3,)])
def test_cells_of_padded_strided_layers_are_centred_on_multiples(kernels):
    layers = [nn.Conv2d(1, 1, k, 2, k // 2, bias=False) for k in kernels]
    for layer in layers:
        nn.init.ones_(layer.weight)
    stride = 2 ** len(kernels)
    for cell in (4, 5):
        middle = centre_of(nn.Sequential(*layers), cell)
        assert middle == pytest.approx(stride * cell, abs=1e-4)
        assert abs(middle - (stride * (cell + 0.5) - 0.5)) > 0.4  # the usual mistake


@pytest.mark.parametrize("height", [32, 33, 37, 40, 56])
def test_as_many_cells_as_a_resnet_has(height):
    net = resnet18(num_classes=2).eval()
    with torch.no_grad():
        names = ("conv1", "maxpool", "layer1", "layer2")
        layers = nn.Sequential(*(net.get_submodule(name) for name in names))
        shape = layers(torch.zeros(1, 3, height, 44)).shape[-2:]
    flow, valid = torch.zeros(1, 2, 1, height, 44), torch.ones(1, 1, height, 44) > 0
    cells, kept = flow_at_cells(flow, valid, stride=8)
    assert cells.shape[-2:] == kept.shape[-2:] == shape


def test_truth_is_read_at_the_centre_pixel_and_divided():
    flow = torch.arange(2 * 12 * 12.0).reshape(1, 2, 1, 12, 12)
    valid = torch.zeros(1, 1, 12, 12, dtype=torch.bool)
    valid[0, 0, 8, 4] = True
    cells, kept = flow_at_cells(flow.half(), valid, stride=4)
    assert cells.dtype == torch.float32
    assert cells[0, :, 0, 2, 1].tolist() == [(8 * 12 + 4) / 4, (144 + 8 * 12 + 4) / 4]
    assert kept.nonzero().tolist() == [[0, 0, 2, 1]]
    assert torch.equal(cells_to_pixels(cells, 4), flow[..., ::4, ::4])


def test_masks_are_those_of_the_first_frame_of_each_pair():
    mask = torch.zeros(1, 3, 8, 8, dtype=torch.bool)
    mask[0, 1, 4, 0] = mask[0, 2] = True
    assert mask_at_cells(mask, 4).nonzero().tolist() == [[0, 1, 1, 0]]


@pytest.fixture
def world():
    """Two pairs of 4 x 4 cells; the upper half is an actor, moving by (3, -4)."""
    truth = torch.zeros(2, 2, 1, 4, 4)
    truth[:, 0, 0, :2], truth[:, 1, 0, :2] = 3.0, -4.0
    valid = torch.ones(2, 1, 4, 4, dtype=torch.bool)
    return truth, valid, truth[:, 0] > 0


def test_the_truth_scores_perfectly_and_has_no_auc(world):
    truth, valid, actor = world
    scores = score_displacement(truth, torch.ones_like(valid).float(), *world)
    assert scores["error_actor"] == scores["error_background"] == scores["wrong"] == 0
    assert scores["still_actor"] == scores["still_moving"] == 5.0
    assert scores["still_background"] == 0.0
    assert scores["cosine_moving"] == pytest.approx(1.0)
    assert "auc" not in scores


def test_errors_are_told_apart_by_part_and_found_by_confidence(world):
    truth, valid, actor = world
    guess = torch.zeros_like(truth)
    guess[:, 0] = 3.0  # right in x on the actor, wrong on all the rest
    confidence = torch.zeros(2, 1, 4, 4)
    valid[0, 0, 0, 0] = False
    scores = score_displacement(guess, confidence, truth, valid, actor)
    assert (scores["error_actor"], scores["error_background"]) == (4.0, 3.0)
    assert scores["cosine_moving"] == pytest.approx(0.6)
    assert scores["wrong"] == 1.0 and "auc" not in scores
    guess[actor[:, None].expand_as(guess)] = truth[actor[:, None].expand_as(guess)]
    confidence[actor] = 0.5
    scores = score_displacement(guess, confidence, truth, valid, actor)
    assert scores["wrong"] == pytest.approx(16 / 31) and scores["auc"] == 1.0
    scores = score_displacement(guess, -confidence, truth, valid, actor)
    assert scores["auc"] == 0.0


def test_parts_without_cells_are_left_out_and_nothing_is_nan(world):
    truth, valid, actor = world
    still = torch.zeros_like(truth)
    nobody = torch.zeros_like(actor)
    scores = score_displacement(still, nobody.float(), still, valid, nobody)
    assert scores == {"error_background": 0.0, "still_background": 0.0, "wrong": 0.0}
    assert not any(math.isnan(value) for value in scores.values())


def test_slow_cells_do_not_count_as_moving(world):
    truth, valid, actor = world
    scores = score_displacement(truth, actor.float(), truth * 0.14, valid, actor)
    assert "error_moving" not in scores and "cosine_moving" not in scores
    scores = score_displacement(truth, actor.float(), truth * 0.16, valid, actor)
    assert scores["still_moving"] == pytest.approx(0.8)


def test_bad_input_is_named(world):
    truth, valid, actor = world
    confidence = actor.float()
    with pytest.raises(ValueError, match="no valid cell"):
        score_displacement(truth, confidence, truth, ~valid, actor)
    with pytest.raises(ValueError, match="finite"):
        score_displacement(truth * math.nan, confidence, truth, valid, actor)
    with pytest.raises(ValueError, match="confidence must be .*got .2, 1, 4, 3"):
        score_displacement(truth, confidence[..., :3], truth, valid, actor)
    with pytest.raises(ValueError, match="valid must be bool"):
        score_displacement(truth, confidence, truth, valid.float(), actor)
    with pytest.raises(ValueError, match=r"truth must be .*\(2, 1, 4, 4\)"):
        score_displacement(truth, confidence, truth[:, 0], valid, actor)
    for stride in (0, 1.5, "2"):
        with pytest.raises(ValueError, match=f"stride .* got .?{stride}"):
            flow_at_cells(truth, valid, stride)
    with pytest.raises(ValueError, match=r"flow \(B, 2, T, H, W\)"):
        flow_at_cells(truth, valid[..., :3], 2)
    with pytest.raises(ValueError, match="mask must be"):
        mask_at_cells(valid, 2)
