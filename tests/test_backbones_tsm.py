"""The temporal shift against plain loops; image networks keep their names with it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course.backbones import (
    GoogLeNet,
    ShiftedConv2d,
    add_temporal_shift,
    resnet18,
    resnet50,
    small_r2plus1d,
    temporal_shift,
)
from course.backbones.resnet import BasicBlock


def shifted_by_loops(x: torch.Tensor, frames: int, fraction: int) -> torch.Tensor:
    """One frame and one channel at a time."""
    out = torch.zeros_like(x)
    fold = x.shape[1] // fraction
    for row in range(len(x)):
        time = row % frames
        for channel in range(x.shape[1]):
            step = 1 if channel < fold else -1 if channel < 2 * fold else 0
            if 0 <= time + step < frames:
                out[row, channel] = x[row + step, channel]
    return out


@pytest.mark.parametrize(
    ("shape", "frames", "fraction"),
    [
        ((16, 64, 7, 7), 8, 8),
        ((6, 20, 2, 3), 3, 8),  # 20 channels: two from each side
        ((4, 7, 1, 1), 4, 8),  # fewer than eight: nothing moves
        ((3, 9, 2, 2), 1, 8),  # no neighbours: zeros
        ((6, 8, 2, 2), 2, 2),  # nothing stays
    ],
)
def test_the_shift_is_that_of_a_plain_loop(shape, frames, fraction):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    shifted = temporal_shift(x, frames, fraction)
    assert torch.equal(shifted, shifted_by_loops(x, frames, fraction))


def test_clips_of_a_batch_do_not_meet():
    x = torch.randn(8, 16, 2, 2)
    other = torch.cat([x[:4], torch.randn(4, 16, 2, 2)])
    both = [temporal_shift(each, 4)[:4] for each in (x, other)]
    assert torch.equal(*both)


def test_the_gradient_is_right():
    x = torch.randn(6, 10, 1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: temporal_shift(x, 3, 4), x)


@pytest.mark.parametrize(
    ("shape", "frames", "fraction", "message"),
    [
        ((7, 8, 2, 2), 4, 8, r"expected \(B \* 4, C, H, W\), got \(7, 8, 2, 2\)"),
        ((8, 8, 2), 4, 8, r"got \(8, 8, 2\)"),
        ((8, 8, 2, 2), 0, 8, r"\(B \* 0"),
        ((8, 8, 2, 2), 4, 1, "fraction must be 2 or more, got 1"),
    ],
)
def test_bad_input_is_named(shape, frames, fraction, message):
    with pytest.raises(ValueError, match=message):
        temporal_shift(torch.zeros(shape), frames, fraction)


@pytest.mark.parametrize(
    ("make", "blocks"), [(resnet18, 8), (resnet50, 16), (GoogLeNet, 18)]
)
def test_names_stay_and_an_image_networks_weights_load(make, blocks):
    plain = make(num_classes=5)
    net = add_temporal_shift(make(num_classes=5), num_frames=4)
    own, others = net.state_dict(), plain.state_dict()
    assert {k: v.shape for k, v in own.items()} == {
        k: v.shape for k, v in others.items()
    }
    net.load_state_dict(others)  # strictly
    assert sum(isinstance(m, ShiftedConv2d) for m in net.modules()) == blocks


def test_a_block_shifts_its_branch_and_not_its_shortcut():
    torch.manual_seed(0)
    block = BasicBlock(16, 16).eval()
    x = torch.randn(8, 16, 5, 5)
    inner = torch.relu(block.bn1(block.conv1(temporal_shift(x, 4))))
    expected = torch.relu(block.bn2(block.conv2(inner)) + x)
    shifted = add_temporal_shift(block, num_frames=4)
    assert torch.allclose(shifted(x), expected, atol=1e-6)


def test_one_repeated_frame_differs_at_the_ends_only():
    torch.manual_seed(0)
    plain = BasicBlock(16, 16).eval()
    x = torch.randn(1, 16, 5, 5).expand(5, -1, -1, -1)
    expected = plain(x)
    same = (add_temporal_shift(plain, 5)(x) - expected).abs().amax(dim=(1, 2, 3)) < 1e-5
    assert same.tolist() == [False, True, True, True, False]


def test_a_kernel_keeps_its_stride_groups_and_bias():
    conv = nn.Conv2d(16, 8, 3, stride=2, padding=1, groups=2)
    x = torch.randn(4, 16, 6, 6)
    assert torch.allclose(
        ShiftedConv2d(conv, 4)(x), conv(temporal_shift(x, 4)), atol=1e-6
    )


@pytest.mark.parametrize("net", [nn.Linear(2, 2), small_r2plus1d(5)])
def test_a_network_without_blocks_is_refused(net):
    with pytest.raises(ValueError, match="has no residual block"):
        add_temporal_shift(net, 4)


def test_a_shift_is_added_once_and_with_numbers_that_fit():
    net = add_temporal_shift(resnet18(5), 4)
    with pytest.raises(ValueError, match="no residual block to shift in"):
        add_temporal_shift(net, 4)
    with pytest.raises(ValueError, match="num_frames >= 1 and fraction >= 2, got 0, 8"):
        add_temporal_shift(resnet18(5), 0)
