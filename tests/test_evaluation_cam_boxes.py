"""Boxes out of maps, against scipy, counted pixels and the world's own truth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from course.evaluation import mask_iou
from course.evaluation.cam_boxes import (
    box_accuracy,
    box_iou,
    cam_boxes,
    largest_component,
    mask_boxes,
)
from course.synthetic import SynthActions


def random_masks(seed: int, share: float, shape=(2, 3, 9, 11)):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator) < share


def painted(boxes, height: int, width: int):
    """Boxes as masks, pixel by pixel."""
    masks = torch.zeros(*boxes.shape[:-1], height, width, dtype=torch.bool)
    for index in np.ndindex(*boxes.shape[:-1]):
        left, top, right, bottom = boxes[index].tolist()
        masks[index][top:bottom, left:right] = True
    return masks


seeds = st.integers(0, 10_000)
shares = st.sampled_from([0.0, 0.05, 0.3, 0.45, 0.7, 1.0])


@settings(max_examples=40, deadline=None)
@given(seeds, shares)
def test_boxes_are_scipys(seed, share):
    masks = random_masks(seed, share)
    for mask, box in zip(
        masks.flatten(0, 1), mask_boxes(masks).flatten(0, 1), strict=True
    ):
        found = ndimage.find_objects(mask.numpy().astype(int))
        if not found:
            assert box.tolist() == [0, 0, 0, 0]
            continue
        rows, columns = found[0]
        assert box.tolist() == [columns.start, rows.start, columns.stop, rows.stop]


@settings(max_examples=40, deadline=None)
@given(seeds, shares)
def test_the_largest_component_is_one_of_scipys_and_has_its_size(seed, share):
    masks = random_masks(seed, share)
    kept = largest_component(masks)
    assert not (kept & ~masks).any()
    for mask, part in zip(masks.flatten(0, 1), kept.flatten(0, 1), strict=True):
        labels, count = ndimage.label(mask.numpy(), structure=np.ones((3, 3)))
        sizes = np.bincount(labels.ravel(), minlength=2)[1:]
        assert part.sum() == sizes.max()
        if count:
            own = np.unique(labels[part.numpy()])
            assert len(own) == 1 and own[0] > 0


def test_a_long_snake_is_one_component_and_ties_are_settled():
    snake = torch.zeros(1, 15, 15, dtype=torch.bool)
    snake[:, ::2] = True
    snake[:, 1::4, -1] = snake[:, 3::4, 0] = True
    assert torch.equal(largest_component(snake), snake)
    twins = torch.zeros(3, 8, dtype=torch.bool)
    twins[0, :2] = twins[2, 5:7] = True
    assert mask_boxes(largest_component(twins)).tolist() == [5, 2, 7, 3]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=8, max_size=8))
def test_box_iou_is_the_iou_of_painted_boxes(numbers):
    corners = torch.tensor(numbers).view(2, 2, 2).sort(dim=1).values
    boxes = corners.flatten(1)
    a, b = painted(boxes, 8, 8)[:, None]
    iou = box_iou(boxes[0], boxes[1])
    if (a | b).any():
        assert iou.item() == mask_iou(a, b, per="frame").item()
    else:
        assert iou.item() == 0.0


def test_the_region_is_what_lies_above_the_share_of_each_frames_own_maximum():
    maps = torch.zeros(1, 2, 6, 6)
    maps[0, 0, 2:4, 2:5] = torch.tensor([[1.0, 10.0, 1.9], [0.0, 3.0, 0.0]])
    maps[0, 1] = maps[0, 0] / 100
    assert cam_boxes(maps).tolist() == [[[3, 2, 4, 4]] * 2]
    assert cam_boxes(maps, share=0.15).tolist() == [[[3, 2, 5, 4]] * 2]
    assert cam_boxes(maps, share=0).tolist() == [[[2, 2, 5, 4]] * 2]


@given(seeds, st.floats(0.01, 100))
def test_the_unit_of_the_map_does_not_matter(seed, factor):
    maps = torch.randn(2, 2, 6, 6, generator=torch.Generator().manual_seed(seed))
    levels = (maps * 8).round()
    scaled = levels.double() * factor
    assert torch.equal(cam_boxes(scaled, 0.33), cam_boxes(levels.double(), 0.33))


def test_no_positive_evidence_is_no_box_and_counts_as_wrong():
    maps = torch.full((1, 2, 4, 4), -1.0)
    masks = torch.ones(1, 2, 4, 4, dtype=torch.bool)
    assert cam_boxes(maps).tolist() == [[[0] * 4] * 2]
    assert box_accuracy(maps, masks) == 0.0
    maps[0, 0] = 1.0
    assert box_accuracy(maps, masks) == 0.5


def test_frames_without_an_actor_do_not_count():
    masks = torch.zeros(1, 3, 4, 4, dtype=torch.bool)
    masks[0, 1, 1:3, 1:3] = True
    assert box_accuracy(masks.float(), masks) == 1.0
    with pytest.raises(ValueError, match="no frame"):
        box_accuracy(masks.float(), torch.zeros_like(masks))


@pytest.fixture(scope="module")
def truth():
    return SynthActions("test", num_clips=12, frames=4, size=32).tensors(("mask",))


def test_on_the_world_the_actors_own_map_is_right_and_a_flat_or_shifted_one_is_not(
    truth,
):
    masks = truth["mask"].bool()
    smooth = torch.nn.functional.avg_pool2d(masks.float(), 5, 1, 2)
    own = box_accuracy(smooth, masks, share=0.5)
    assert own > 0.9
    assert box_accuracy(torch.ones_like(smooth), masks) < own - 0.3
    assert box_accuracy(smooth.flip(-2).roll(13, -1), masks, share=0.5) < own - 0.3
    assert box_accuracy(smooth, masks, threshold=1.0) <= own


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mask_boxes(torch.ones(2, 4, 4)), "must be bool"),
        (lambda: largest_component(torch.ones(4).bool()), r"\(4,\)"),
        (lambda: cam_boxes(torch.ones(2, 4, 4)), r"\(2, 4, 4\)"),
        (lambda: cam_boxes(torch.full((1, 1, 2, 2), torch.nan)), "finite"),
        (lambda: cam_boxes(torch.ones(1, 1, 2, 2), share=1.0), "got 1.0"),
        (lambda: box_iou(torch.zeros(2, 4), torch.zeros(3, 4)), r"\(3, 4\)"),
        (lambda: box_iou(torch.zeros(4), torch.tensor([3, 0, 2, 1])), "3, 0, 2, 1"),
        (
            lambda: box_accuracy(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 3) > 0),
            r"\(1, 1, 2, 3\)",
        ),
        (
            lambda: box_accuracy(
                torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2) > 0, threshold=0.0
            ),
            "got 0.0",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_boxes_do_not_depend_on_the_device():
    masks = random_masks(0, 0.45)
    maps = torch.rand(masks.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(cam_boxes(maps.cuda()).cpu(), cam_boxes(maps))
    assert torch.equal(largest_component(masks.cuda()).cpu(), largest_component(masks))
