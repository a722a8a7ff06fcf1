"""Mask and flow scores against scikit-learn and OpenCV, and on the synthetic world."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score, precision_score, recall_score

from course.evaluation import (
    end_point_error,
    end_point_error_map,
    flow_cosine,
    lands_inside,
    mask_iou,
    mask_precision,
    mask_recall,
    outlier_auc,
    outlier_share,
    outliers,
    warp,
)
from course.synthetic import SynthActions


def masks(seed: int, share: float = 0.4):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 2, 3, 4, 5, generator=generator) < share


JUDGES = [
    (mask_iou, jaccard_score),
    (mask_precision, precision_score),
    (mask_recall, recall_score),
]


@settings(max_examples=20)
@given(st.integers(0, 500), st.sampled_from([0.05, 0.5]))
def test_mask_scores_are_scikit_learns(seed, share):
    predicted, truth = masks(seed, share)
    for ours, theirs in JUDGES:
        judge = [
            theirs(t.flatten(), p.flatten(), zero_division=1.0)
            for p, t in zip(predicted, truth, strict=True)
        ]
        if ours is mask_iou:  # scikit-learn has no say where both are empty
            empty = ~(predicted | truth).flatten(1).any(1)
            judge = np.where(empty, 1.0, judge)
        assert ours(predicted, truth).numpy() == pytest.approx(np.array(judge))


@given(st.integers(0, 500))
def test_iou_is_symmetric_and_bounded_by_precision_and_recall(seed):
    a, b = masks(seed)
    iou = mask_iou(a, b)
    assert torch.equal(iou, mask_iou(b, a))
    assert (iou <= torch.minimum(mask_precision(a, b), mask_recall(a, b)) + 1e-6).all()
    assert torch.equal(mask_precision(a, b), mask_recall(b, a))


def test_pooling_per_frame_clip_and_batch():
    a, b = masks(0)
    assert mask_iou(a, b, "frame").shape == (2, 3)
    assert mask_iou(a, b, "clip").shape == (2,)
    pooled = (a & b).sum() / (a | b).sum()
    assert mask_iou(a, b, "batch").item() == pytest.approx(pooled.item())


def test_empty_masks_count_as_agreement():
    none, all_ = torch.zeros(1, 2, 2, 2) > 0, torch.ones(1, 2, 2, 2) > 0
    assert mask_iou(none, none).item() == 1.0
    assert mask_iou(none, all_).item() == 0.0
    assert mask_precision(none, all_).item() == 1.0 == mask_recall(all_, none).item()
    assert mask_recall(none, all_).item() == 0.0 == mask_precision(all_, none).item()


def test_masks_that_do_not_fit_are_refused():
    mask = torch.zeros(1, 2, 2, 2) > 0
    with pytest.raises(ValueError, match="float32"):
        mask_iou(mask, mask.float())
    with pytest.raises(ValueError, match=r"\(1, 2, 2, 1\)"):
        mask_iou(mask, mask[..., :1])
    with pytest.raises(ValueError, match="pixel"):
        mask_iou(mask, mask, per="pixel")


def flows(seed: int = 0, shape=(2, 2, 3, 6, 7)):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(2, *shape, generator=generator)


def test_end_point_error_and_validity():
    flow, truth = flows()
    by_hand = ((flow - truth) ** 2).sum(1).sqrt()
    assert torch.allclose(end_point_error_map(flow, truth), by_hand)
    valid = torch.zeros(2, 3, 6, 7) > 0
    valid[0, 1, 2, 3] = True
    expected = by_hand[0, 1, 2, 3].item()
    assert end_point_error(flow, truth, valid) == pytest.approx(expected)
    assert end_point_error(flow[0], truth[0], valid[0]) == pytest.approx(expected)
    with pytest.raises(ValueError, match="no valid pixel"):
        end_point_error(flow, truth, valid & False)


def test_direction_is_told_from_length():
    flow, _ = flows()
    assert flow_cosine(0.1 * flow, flow) == pytest.approx(1.0, abs=1e-5)
    assert flow_cosine(-flow, flow) == pytest.approx(-1.0, abs=1e-5)
    turned = torch.stack([-flow[:, 1], flow[:, 0]], dim=1)
    assert flow_cosine(turned, flow) == pytest.approx(0.0, abs=1e-5)
    assert flow_cosine(torch.zeros_like(flow), flow) == 0.0
    with pytest.raises(ValueError, match="no valid pixel"):
        flow_cosine(flow, torch.zeros_like(flow))


def test_outliers_need_both_thresholds():
    truth = torch.zeros(2, 1, 1, 3)
    truth[0] = torch.tensor([0.0, 0.0, 100.0])
    flow = truth.clone()
    flow[0] += torch.tensor([2.9, 3.1, 3.1])
    assert outliers(flow, truth).flatten().tolist() == [False, True, False]
    assert outlier_share(flow, truth) == pytest.approx(1 / 3)
    assert outlier_share(flow, truth, threshold=1.0) == pytest.approx(2 / 3)


def test_auc_of_confidence():
    wrong = torch.tensor([[[True, True, False, False]]])
    assert outlier_auc(torch.tensor([[[0.1, 0.2, 0.8, 0.9]]]), wrong) == 1.0
    assert outlier_auc(torch.tensor([[[0.9, 0.8, 0.2, 0.1]]]), wrong) == 0.0
    assert outlier_auc(torch.ones(1, 1, 4), wrong) == 0.5
    with pytest.raises(ValueError, match="4 of 4"):
        outlier_auc(torch.ones(1, 1, 4), wrong | True)


def test_warp_is_opencvs_remap():
    rng = np.random.default_rng(0)
    frame = rng.random((9, 12), dtype=np.float32)
    dx, dy = rng.normal(0, 2, (2, 9, 12)).astype(np.float32)
    x, y = np.meshgrid(np.arange(12, dtype=np.float32), np.arange(9, dtype=np.float32))
    judge = cv2.remap(
        frame, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    flow = torch.tensor(np.stack([dx, dy]))[None, :, None]
    ours = warp(torch.tensor(frame)[None, None, None], flow)[0, 0, 0].numpy()
    # OpenCV rounds positions to 1/32 pixel.
    assert np.abs(ours - judge).max() < 0.05 and np.abs(ours - judge).mean() < 0.01


def test_warp_undoes_a_shift_and_knows_what_left():
    frame = torch.rand(1, 3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    shifted = frame.roll((1, 2), dims=(-2, -1))
    flow = torch.zeros(1, 2, 1, 8, 8)
    flow[:, 0], flow[:, 1] = 2.0, 1.0
    inside = lands_inside(flow)
    assert inside.sum() == 6 * 7
    back = warp(shifted, flow)
    kept = inside[:, None].expand_as(frame)
    assert torch.allclose(back[kept], frame[kept], atol=1e-5)


def test_the_worlds_flow_leads_to_the_same_pixel():
    world = SynthActions("test", num_clips=4, frames=4, size=48, noise=0.0, seed=7)
    data = world.render(range(4), ("clip", "flow", "flow_valid"))
    clips, flow = data["clip"].float() / 255, data["flow"].float()
    valid = data["flow_valid"]
    error = (warp(clips[:, :, 1:], flow) - clips[:, :, :-1]).abs().mean(1)
    still = (clips[:, :, 1:] - clips[:, :, :-1]).abs().mean(1)
    moving = valid & (flow.norm(dim=1) > 0.5)
    assert error[valid].mean() < 0.03
    assert error[moving].mean() < 0.5 * still[moving].mean()


def test_flow_errors_name_the_shapes():
    with pytest.raises(ValueError, match=r"\(3, 1, 4, 4\)"):
        end_point_error(torch.zeros(3, 1, 4, 4), torch.zeros(3, 1, 4, 4))
    with pytest.raises(ValueError, match=r"\(2, 1, 4, 5\)"):
        outliers(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 5))
    with pytest.raises(ValueError, match="valid must be bool"):
        end_point_error(*flows(), valid=torch.ones(2, 3, 6, 7))
    with pytest.raises(ValueError, match=r"\(1, 2, 2, 4, 4\)"):
        warp(torch.zeros(1, 3, 1, 4, 4), torch.zeros(1, 2, 2, 4, 4))
