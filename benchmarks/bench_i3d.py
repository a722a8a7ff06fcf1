"""I3D beside the same network in plain torch layers, in one run.

    pytest benchmarks/bench_i3d.py

What do SAME padding and a batch norm without scale cost?  The peer has the same table
of layers, but torch's own batch norm, and pads every layer evenly by half its kernel,
as a first port would: the same number of multiplications, the sampling grid one cell
off.  Forward and backward on one clip of 16 frames of 128 x 128 px, at which both give
maps of the same size, and the forward alone.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course.backbones import I3D
from course.backbones.inception_layers import LAYERS

CLIP = (1, 3, 16, 128, 128)


def conv(in_channels, out_channels, kernel, stride=1):
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm3d(out_channels, eps=1e-3, momentum=1e-3),
        nn.ReLU(),
    )


def max_pool(kernel, stride):
    return nn.MaxPool3d(kernel, stride, tuple((k - 1) // 2 for k in kernel))


class PlainMixed(nn.Module):
    def __init__(self, channels, widths):
        super().__init__()
        a, b, c, d, e, f = widths
        self.branches = nn.ModuleList(
            [
                conv(channels, a, 1),
                nn.Sequential(conv(channels, b, 1), conv(b, c, 3)),
                nn.Sequential(conv(channels, d, 1), conv(d, e, 3)),
                nn.Sequential(max_pool((3, 3, 3), 1), conv(channels, f, 1)),
            ]
        )

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def plain_i3d(num_classes=400, channels=3):
    layers: list[nn.Module] = []
    for _, kernel, stride, widths in LAYERS:
        if not widths:
            layers.append(max_pool(kernel, stride))
        elif len(widths) == 1:
            layers.append(conv(channels, widths[0], kernel[0], stride[0]))
            channels = widths[0]
        else:
            layers.append(PlainMixed(channels, widths))
            channels = widths[0] + widths[2] + widths[4] + widths[5]
    head = [
        nn.AvgPool3d((2, 4, 4), 1),
        nn.Dropout(0.5),
        nn.Conv3d(1024, num_classes, 1),
    ]
    return nn.Sequential(*layers, *head, nn.AdaptiveAvgPool3d(1), nn.Flatten())


NETWORKS = {"course": I3D, "plain torch": plain_i3d}


def test_the_peer_is_as_large():
    numbers = {
        n: sum(p.numel() for p in make().parameters()) for n, make in NETWORKS.items()
    }
    assert numbers["plain torch"] - numbers["course"] == 7280  # its batch norms' scales
    with torch.device("meta"):
        outputs = [make()(torch.empty(CLIP)).shape for make in NETWORKS.values()]
    assert outputs[0] == outputs[1] == (1, 400)


@pytest.mark.parametrize("name", NETWORKS)
def test_forward_and_backward(benchmark, name):
    torch.manual_seed(0)
    net, clip, label = NETWORKS[name](), torch.randn(CLIP), torch.tensor([3])

    def step():
        net.zero_grad(set_to_none=True)
        F.cross_entropy(net(clip), label).backward()

    benchmark.group = "I3D, forward and backward"
    benchmark.extra_info["threads"] = torch.get_num_threads()
    benchmark.pedantic(step, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_forward(benchmark, name):
    torch.manual_seed(0)
    net, clip = NETWORKS[name]().eval(), torch.randn(CLIP)
    benchmark.group = "I3D, forward"
    with torch.inference_mode():
        benchmark.pedantic(net, (clip,), rounds=5, warmup_rounds=1)
