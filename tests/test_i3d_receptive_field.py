"""Receptive fields: the recursion, figure 3 of the paper, and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course.i3d.receptive_field import (
    PAPER_FIELDS,
    i3d_layers,
    receptive_field,
)


def fields(**options) -> dict[str, tuple[int, int]]:
    """(frames, px) behind each layer that the paper's figure labels."""
    rows = receptive_field(i3d_layers(**options))
    assert all(row.size[1] == row.size[2] for row in rows)
    return {row.name: row.size[:2] for row in rows if row.name in PAPER_FIELDS}


def test_the_released_net_with_its_five_stage_4_modules():
    found = list(fields().values())
    assert found == [(7, 11), (11, 27), (23, 75), (67, 251), (107, 571)]


def test_the_paper_prints_the_fields_of_four_modules():
    assert fields(stage4_modules=4) == PAPER_FIELDS
    same = [fields()[name] == printed for name, printed in PAPER_FIELDS.items()]
    assert same == [True, True, True, False, False]


def test_steps_are_8_in_time_and_32_in_space():
    assert receptive_field(i3d_layers())[-1].jump == (8, 32, 32)
    assert receptive_field(i3d_layers(early_time_stride=2))[-1].jump == (32, 32, 32)
    rows = {row.name: row for row in receptive_field(i3d_layers())}
    assert rows["MaxPool3d_3a_3x3"].jump == (2, 8, 8)


def gradient_support(layers, axis: int) -> tuple[int, int]:
    """Width of a unit's gradient along one axis, and how far its neighbour's moves."""
    chain = nn.Sequential(
        *(nn.Conv1d(1, 1, k[axis], s[axis], bias=False) for _, k, s in layers)
    ).double()
    for conv in chain:
        nn.init.constant_(conv.weight, 1.0 / conv.kernel_size[0])
    x = torch.rand(1, 1, 700, dtype=torch.double, requires_grad=True)
    out = chain(x)[0, 0]
    spans = []
    for unit in (0, 1):
        (gradient,) = torch.autograd.grad(out[unit], x, retain_graph=True)
        spans.append(gradient[0, 0].nonzero().flatten())
    assert all(len(span) == span[-1] - span[0] + 1 for span in spans)  # no holes
    return len(spans[0]), int(spans[1][0] - spans[0][0])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("modules", [4, 5])
def test_gradients_reach_as_far_as_the_recursion_says(axis, modules):
    layers = i3d_layers(modules)
    for row, depth in zip(receptive_field(layers), range(1, 99), strict=False):
        if row.name in PAPER_FIELDS:
            seen = gradient_support(layers[:depth], axis)
            assert seen == (row.size[axis], row.jump[axis]), row.name


def test_gradients_of_a_net_with_all_three_axes():
    layers = [
        ("conv", (3, 5, 3), (2, 2, 1)), ("max", (1, 3, 3), (1, 2, 2)),
        ("conv", (3, 3, 1), (1, 1, 1)),
    ]  # fmt: skip
    net = nn.Sequential(
        nn.Conv3d(1, 1, layers[0][1], layers[0][2], bias=False),
        nn.AvgPool3d(layers[1][1], layers[1][2]),
        nn.Conv3d(1, 1, layers[2][1], layers[2][2], bias=False),
    )
    for conv in (net[0], net[2]):
        nn.init.ones_(conv.weight)
    size = receptive_field(layers)[-1].size
    x = torch.rand(1, 1, *size, requires_grad=True)
    net(x).sum().backward()
    assert net(x).shape[2:] == (1, 1, 1) and bool((x.grad != 0).all())


def test_bad_layers_are_refused():
    with pytest.raises(ValueError, match="pool.*0"):
        receptive_field([("pool", (1, 0, 1), (1, 1, 1))])
    with pytest.raises(ValueError, match=r"conv.*\(3, 3\)"):
        receptive_field([("conv", (3, 3), (1, 1, 1))])
    with pytest.raises(ValueError, match="stage4_modules.*6"):
        i3d_layers(6)
    with pytest.raises(ValueError, match="early_time_stride.*3"):
        i3d_layers(early_time_stride=3)
    assert receptive_field([]) == []


def test_the_backbone_has_the_same_layers():
    """Its table, but for the 1 x 1 x 1 logits, and the kernels of the net itself."""
    from course.backbones.inception import I3D, I3D_ENDPOINTS

    rows = [tuple(row) for row in I3D_ENDPOINTS if row[0] != "Conv3d_0c_1x1"]
    assert rows == [tuple(row) for row in i3d_layers()]
    with torch.device("meta"):
        weights = I3D().state_dict()
    for name, kernel, _ in i3d_layers():
        found = [
            tuple(tensor.shape[2:])
            for path, tensor in weights.items()
            if path.startswith(f"{name}.") and path.endswith("conv_3d.weight")
        ]
        assert ("Pool" in name) == (not found)
        assert not found or max(found) == kernel, name
