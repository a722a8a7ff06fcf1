"""The non-DC share R: closed forms, and what it means for a network's answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course.backbones import small_r2plus1d, small_resnet3d
from course.fame.temporal_kernels import (
    non_dc_share,
    raw_spread,
    temporal_convolutions,
    temporal_shares,
)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("taps", [2, 3, 5, 9])
def test_independent_taps_have_all_but_one_part(taps):
    assert non_dc_share(drawn(400, 100, taps, 1, 1)) == pytest.approx(
        1 - 1 / taps, abs=0.01
    )


def test_equal_taps_average_and_taps_of_sum_zero_differentiate():
    kernel = drawn(8, 4, 1, 1, 1).expand(-1, -1, 3, -1, -1)
    assert non_dc_share(kernel) == pytest.approx(0, abs=1e-12)
    weight = drawn(8, 4, 3, 1, 1)
    assert non_dc_share(weight - weight.mean(2, keepdim=True)) == pytest.approx(1)
    assert non_dc_share(torch.tensor([[[-1.0, 0.0, 1.0]]])) == pytest.approx(1)
    # One tap alone looks at a single frame: two thirds, like taps drawn by chance.
    assert non_dc_share(torch.tensor([[[0.0, 1.0, 0.0]]])) == pytest.approx(2 / 3)


@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.integers(2, 6))
def test_it_is_a_share_free_of_scale_and_order(seed, scale, taps):
    weight = drawn(3, 4, taps, 1, 1, seed=seed)
    share = non_dc_share(weight)
    assert 0 <= share <= 1
    assert non_dc_share(scale * weight) == pytest.approx(share, rel=1e-5)
    assert non_dc_share(-weight) == share
    order = torch.randperm(taps, generator=torch.Generator().manual_seed(seed))
    assert non_dc_share(weight[:, :, order]) == pytest.approx(share, rel=1e-9)
    assert raw_spread(scale * weight) == pytest.approx(
        scale * raw_spread(weight), rel=1e-5
    )


def test_it_is_the_energy_outside_frequency_zero():
    """Parseval, by numpy's Fourier transform; also for kernels over space as well."""
    for shape in ((6, 5, 3, 1, 1), (6, 5, 4), (4, 3, 3, 3, 3)):
        weight = drawn(*shape, seed=2)
        energy = np.abs(np.fft.fft(weight.double().numpy(), axis=2)) ** 2
        outside = energy[:, :, 1:].sum() / energy.sum()
        assert non_dc_share(weight) == pytest.approx(outside, rel=1e-9)


def test_a_strong_filter_counts_by_its_energy():
    """Means before the quotient: a weak filter's own R hardly matters."""
    strong, weak = torch.tensor([[[3.0, 3, 3]], [[0.0, 0, 0.3]]]).split(1)
    both = non_dc_share(torch.cat([strong, weak]))
    assert both == pytest.approx((0.09 * 2 / 3) / (27 + 0.09), rel=1e-5)
    assert math.isnan(non_dc_share(torch.zeros(2, 2, 3)))


# ----------------------------------------------------------------- what it stands for


def test_still_clips_pass_through_the_average_alone():
    conv = nn.Conv3d(3, 4, (3, 1, 1), bias=False)  # no zeros at the ends
    still = drawn(2, 3, 1, 5, 5).expand(-1, -1, 6, -1, -1)
    before = conv(still)
    with torch.no_grad():
        conv.weight.copy_(conv.weight.mean(2, keepdim=True).expand_as(conv.weight))
        assert torch.allclose(conv(still), before, atol=1e-6)
        assert non_dc_share(conv.weight) == pytest.approx(0, abs=1e-12)
        changing = drawn(3, 2, 3, 1, 1)
        conv = nn.Conv3d(2, 3, (3, 1, 1), bias=False)
        conv.weight.copy_(changing - changing.mean(2, keepdim=True))
        assert conv(still[:, :2]).abs().max() < 1e-5


def test_behind_batch_norm_the_raw_spread_means_nothing():
    torch.manual_seed(0)
    net = small_r2plus1d(5).train()
    clips = torch.rand(4, 3, 8, 16, 16)
    answers, shares = net(clips), temporal_shares(net)
    layers = temporal_convolutions(net)
    spreads = {name: raw_spread(layer.weight) for name, layer in layers.items()}
    with torch.no_grad():
        for factor, layer in zip((4.0, 0.5, 8.0), layers.values(), strict=True):
            layer.weight.mul_(factor)
    assert torch.allclose(net(clips), answers, atol=1e-3)
    assert temporal_shares(net) == shares  # powers of two: not one bit apart
    after = {name: raw_spread(layer.weight) for name, layer in layers.items()}
    ratios = [after[name] / spreads[name] for name in layers]
    assert ratios == pytest.approx([4, 0.5, 8])


# ------------------------------------------------------------------- finding the layers


def test_untrained_networks_start_at_two_thirds():
    torch.manual_seed(0)
    shares = temporal_shares(small_r2plus1d(8, (32, 64, 128)))
    assert list(shares) == [f"blocks.{n}.conv_time" for n in range(3)]
    assert all(abs(share - 2 / 3) < 0.03 for share in shares.values())


def factored(width_in: int, width: int) -> nn.Sequential:
    """Space, norm, ReLU, time: the names of torchvision's R(2+1)D."""
    space = nn.Conv3d(width_in, width, (1, 3, 3), padding=(0, 1, 1))
    time = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))
    return nn.Sequential(space, nn.BatchNorm3d(width), nn.ReLU(), time)


def test_the_seventeen_of_torchvisions_r2plus1d_18_by_name():
    net = nn.Module()
    net.stem = factored(3, 4)
    for layer in range(1, 5):
        blocks = [nn.Module(), nn.Module()]
        for block in blocks:
            for conv in ("conv1", "conv2"):
                block.add_module(conv, nn.Sequential(factored(4, 4), nn.BatchNorm3d(4)))
            block.downsample = nn.Sequential(nn.Conv3d(4, 4, 1), nn.BatchNorm3d(4))
        net.add_module(f"layer{layer}", nn.Sequential(*blocks))
    names = list(temporal_shares(net))
    blocks = [f"layer{x}.{y}.conv{z}.0.3" for x in range(1, 5) for y in (0, 1)
              for z in (1, 2)]  # fmt: skip
    assert names == ["stem.3", *blocks] and len(names) == 17


def test_only_convolutions_over_time_alone_count():
    net = nn.Sequential(
        nn.Conv3d(2, 2, (1, 3, 3)), nn.Conv3d(2, 2, 3), nn.Conv3d(2, 2, 1),
        nn.Conv3d(2, 2, (5, 1, 1), groups=2), nn.Conv1d(2, 2, 3), nn.Conv1d(2, 2, 1),
        nn.Conv2d(2, 2, (3, 1)),
    )  # fmt: skip
    assert list(temporal_convolutions(net)) == ["3", "4"]
    assert set(temporal_shares(net)) == {"3", "4"}


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match=r"\(4, 3, 1, 1, 1\)"):
        non_dc_share(torch.ones(4, 3, 1, 1, 1))
    with pytest.raises(ValueError, match=r"\(4, 3\)"):
        non_dc_share(torch.ones(4, 3))
    with pytest.raises(ValueError, match="ResNet3D"):
        temporal_shares(small_resnet3d(4))
