"""Counted arithmetic: of known layers, and of I3D at the paper's clip."""

from __future__ import annotations

import torch
from torch import nn

from course.backbones import I3D
from course.training import utilisation


def test_a_convolution_by_hand():
    net = nn.Conv3d(3, 4, 3, padding=1, bias=False)
    by_hand = 3 * 2 * (4 * 3 * 27) * (5 * 6 * 7)  # 3 passes, multiply and add
    assert utilisation.training_flops(net, torch.zeros(1, 3, 5, 6, 7)) == by_hand


def test_the_mode_is_put_back():
    net = nn.Sequential(nn.Dropout(), nn.Linear(2, 2)).train()
    utilisation.training_flops(net, torch.zeros(1, 2))
    assert net.training and net[0].training


def test_i3d_needs_some_hundred_gigaflops_forward():
    """222 for 64 x 224 x 224 (multiply and add apart), within what its layers give."""
    with torch.device("meta"):
        flops = utilisation.training_flops(I3D(400), torch.zeros(1, 3, 64, 224, 224))
    assert 200e9 < flops / 3 < 240e9


def test_a_known_gpu_is_recognised_by_a_word_of_its_name(monkeypatch):
    named = {"NVIDIA A100-SXM4-80GB": 312e12, "Tesla T4": 65e12, "NVIDIA L40": None}
    for name, peak in named.items():
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _, name=name: name)
        assert utilisation.peak_of(torch.device("cuda", 0)) == peak
