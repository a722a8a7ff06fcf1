"""Class activation maps: an identity, captum as a judge, and energy on the actor."""

import pytest
import torch
from captum.attr import LayerGradCam
from hypothesis import given
from hypothesis import strategies as st

from course.backbones import small_r2plus1d
from course.evaluation import class_activation_map, energy_inside, upsample_map


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = small_r2plus1d(5, widths=(4, 6, 8))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)
    return net


@pytest.fixture
def clips():
    return torch.rand(3, 3, 4, 24, 32, generator=torch.Generator().manual_seed(1))


def test_mean_and_bias_give_the_logit(net, clips):
    logits = net.eval()(clips)
    for label in range(5):
        maps = class_activation_map(net, clips, label)
        rebuilt = maps.mean(dim=(1, 2, 3)) + net.fc.bias[label]
        assert torch.allclose(rebuilt, logits[:, label], atol=1e-6)


def test_it_is_captums_grad_cam_up_to_the_number_of_cells(net, clips):
    classes = torch.tensor([4, 0, 2])
    maps = class_activation_map(net, clips, classes)
    judge = LayerGradCam(net.eval(), net.blocks).attribute(clips, target=classes)
    assert torch.allclose(maps, judge[:, 0] * maps[0].numel(), atol=1e-6)
    positive = LayerGradCam(net, net.blocks).attribute(
        clips, target=classes, relu_attributions=True
    )
    assert torch.allclose(maps.relu(), positive[:, 0] * maps[0].numel(), atol=1e-6)


def test_no_class_means_the_predicted_one_and_bytes_are_clips(net, clips):
    levels = (clips * 255).round().to(torch.uint8)
    predicted = net.eval()(levels.float() / 255).argmax(1)
    expected = class_activation_map(net, levels.float() / 255, predicted)
    assert torch.allclose(class_activation_map(net, levels), expected)


def test_the_mode_of_every_part_is_left_as_it_was(net, clips):
    net.train()
    net.blocks[0].eval()
    before = [m.training for m in net.modules()]
    state = {k: v.clone() for k, v in net.state_dict().items()}
    maps = class_activation_map(net, clips, 0)
    assert [m.training for m in net.modules()] == before
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert not maps.requires_grad


def test_upsampling_keeps_constants_and_never_overshoots():
    small = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    large = upsample_map(small, (8, 32, 48))
    assert large.shape == (2, 8, 32, 48)
    assert small.min() <= large.min() and large.max() <= small.max()
    row = upsample_map(torch.tensor([[[[0.0, 1.0]]]]), (1, 1, 4))
    assert row.flatten().tolist() == [0.0, 0.25, 0.75, 1.0]  # cells have centres
    flat = upsample_map(torch.ones(1, 1, 2, 2), (3, 5, 7))
    assert torch.allclose(flat, torch.ones(1))


@given(st.integers(0, 1000), st.floats(0.1, 100.0))
def test_energy_is_a_share_and_ignores_scale_and_counter_evidence(seed, factor):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 2, 5, 5, generator=generator)
    masks = torch.rand(2, 2, 5, 5, generator=generator) < 0.4
    inside = energy_inside(maps, masks)
    assert torch.allclose(inside + energy_inside(maps, ~masks), torch.ones(2))
    assert torch.allclose(inside, energy_inside(factor * maps.relu(), masks), atol=1e-5)


def test_a_flat_map_scores_the_area_and_an_empty_one_nothing():
    masks = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    masks[..., :1] = True
    assert energy_inside(torch.ones(1, 1, 4, 4), masks).item() == 0.25
    assert energy_inside(-torch.ones(1, 1, 4, 4), masks).isnan().all()
    assert energy_inside(torch.zeros(1, 1, 4, 4), masks).isnan().all()


def test_errors_name_the_value(net, clips):
    for classes in (torch.tensor([0, 1]), 5, -1, 0.5):
        with pytest.raises(ValueError, match="classes"):
            class_activation_map(net, clips, classes)
    net.fc = torch.nn.Linear(9, 5)
    with pytest.raises(ValueError, match=r"\(5, 9\)"):
        class_activation_map(net, clips, 0)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        upsample_map(torch.ones(2, 2), (1, 1, 1))
    with pytest.raises(ValueError, match="float32"):
        energy_inside(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    with pytest.raises(ValueError, match=r"\(1, 1, 2, 3\)"):
        energy_inside(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 3) > 0)
