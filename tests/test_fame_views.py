"""Two views of a video: which pixels come from where, and what training makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from course.fame.augmentations import Augmentation
from course.fame.methods import METHODS, Method, with_share
from course.fame.pretraining import network, pretrain, training_data
from course.fame.scales import SETTINGS
from course.fame.views import find_mask, make_views
from course.training import TrainSettings

STILL = Augmentation(scale=(1.0, 1.0), ratio=None, jitter=0.0, grey=0.0, blur=0.0)
CPU = SETTINGS["cpu"]
PLAIN = replace(CPU, augmentation=STILL)
TINY = replace(
    CPU, videos=8, recipe=TrainSettings(steps=3, batch_size=8, learning_rate=1e-3),
    knobs=replace(CPU.knobs, frames=4, size=16), dim=8, queue=16, parts=2,
)  # fmt: skip


@pytest.fixture
def batch():
    draw = torch.Generator().manual_seed(3)
    shape = (4, 3, 5, 12, 12)
    clips = {name: torch.rand(shape, generator=draw) for name in ("first", "second")}
    masks = {
        f"{name}_mask": torch.rand(4, 5, 12, 12, generator=draw) < 0.3 for name in clips
    }
    behind = {f"{name}_background": torch.rand(shape, generator=draw) for name in clips}
    return {**clips, **masks, **behind}


def seeded():
    return torch.Generator().manual_seed(7)


def test_without_a_mask_the_views_are_the_clips(batch):
    views = make_views(batch, METHODS["plain"], PLAIN, seeded())
    assert views.first.equal(batch["first"]) and views.second.equal(batch["second"])
    assert views.mask is None and views.others is None


@pytest.mark.parametrize("mask", ["fame", "official", "seed", "gauss", "grid", "blob"])
def test_a_found_mask_keeps_its_share_and_the_partner_shows_elsewhere(batch, mask):
    method = Method(mask, beta=0.5)
    views = make_views(batch, method, PLAIN, seeded())
    inside = views.mask[:, :, None].expand_as(batch["first"])
    assert (views.mask.float().mean(dim=(1, 2, 3)) == 0.5).all()
    assert views.first[inside].equal(batch["first"][inside])
    partner = batch["first"].roll(-1, 0), batch["first"].roll(1, 0)
    assert any(views.first[~inside].equal(other[~inside]) for other in partner)
    assert views.second.equal(batch["second"])


def test_a_given_outline_is_cut_frame_by_frame_or_all_at_once(batch):
    true = make_views(batch, METHODS["true"], PLAIN, seeded()).mask
    union = make_views(batch, METHODS["union"], PLAIN, seeded()).mask
    assert true.equal(batch["first_mask"][:, None])
    assert union.equal(batch["first_mask"].any(dim=1, keepdim=True))


def test_backgrounds_are_what_they_are_called(batch):
    def behind(name):
        views = make_views(batch, METHODS[name], PLAIN, seeded())
        outside = ~views.mask[:, :, None].expand_as(views.first)
        return views.first, outside

    other, outside = behind("fame")
    same, _ = behind("same_video")
    assert same[outside].equal(batch["second"][outside])
    still, _ = behind("still")
    gone = outside[:, :, 1:] & outside[:, :, :-1]
    assert (still.diff(dim=2)[gone] == 0).all()
    assert (other.diff(dim=2)[gone] != 0).any()
    shuffled, _ = behind("shuffled")
    hidden = outside.all(dim=2).all(dim=1)[0]
    a, b = (x[0][:, :, hidden].sort(dim=1).values for x in (other, shuffled))
    assert a.equal(b) and not shuffled.equal(other)
    empty, _ = behind("empty")
    assert any(
        empty[outside].equal(batch["first_background"].roll(k, 0)[outside])
        for k in (1, -1)
    )


def test_both_views_are_merged_with_different_partners(batch):
    views = make_views(batch, replace(METHODS["both_views"], beta=0.0), PLAIN, seeded())
    assert not views.second.equal(batch["second"])
    rolls = {
        name: [
            k for k in range(4) if getattr(views, name).equal(batch[name].roll(k, 0))
        ]
        for name in ("first", "second")
    }
    assert len(rolls["first"]) == len(rolls["second"]) == 1
    assert rolls["first"] != rolls["second"] and 0 not in sum(rolls.values(), [])


def test_erasing_adds_a_still_frame_and_its_negative_is_the_other_clip(batch):
    views = make_views(batch, METHODS["erasing_negative"], PLAIN, seeded())
    ratio = views.first.diff(dim=2) / batch["first"].diff(dim=2)
    assert ((ratio > 0.69) & (ratio < 1.01)).float().mean() > 0.99
    assert views.second.equal(batch["first"]) and views.others.equal(batch["second"])
    plain = make_views(batch, METHODS["erasing"], PLAIN, seeded())
    assert plain.second.equal(batch["second"]) and plain.others is None


def test_the_generator_decides_everything(batch):
    def first(seed):
        draw = torch.Generator().manual_seed(seed)
        return make_views(batch, METHODS["fame"], CPU, draw).first

    assert first(1).equal(first(1)) and not first(1).equal(first(2))


def test_what_makes_no_sense_is_refused(batch):
    for wrong in ({"mask": "magic"}, {"background": "still"}, {"erasing": 1.5}):
        with pytest.raises(ValueError):
            Method(**wrong)
    with pytest.raises(ValueError, match="nothing that clips alone tell"):
        find_mask(batch["first"], METHODS["true"], CPU)
    with pytest.raises(KeyError, match="first_background"):
        part = {k: v for k, v in batch.items() if "background" not in k}
        make_views(part, METHODS["empty"], PLAIN, seeded())
    assert with_share("fame", 0.7).beta == 0.7


def test_the_data_hold_what_the_method_asks_for():
    keys = {
        "plain": {"first", "second"},
        "true": {"first", "second", "first_mask", "second_mask"},
        "empty": {"first", "second", "first_background", "second_background"},
    }
    for name, wanted in keys.items():
        data = training_data(TINY, METHODS[name], 3)
        assert set(data) == wanted and {len(v) for v in data.values()} == {8}


@pytest.mark.parametrize(
    "name", ["plain", "fame", "true", "erasing_negative", "fame_momentum"]
)
def test_pretraining_moves_the_backbone_and_repeats(name):
    before = network(TINY, 3).state_dict()
    one, two = pretrain(name, TINY, 3), pretrain(name, TINY, 3)
    now = one.net.state_dict()
    assert not now["blocks.0.conv_space.weight"].equal(
        before["blocks.0.conv_space.weight"]
    )
    assert all(value.equal(two.net.state_dict()[key]) for key, value in now.items())
    assert not one.net.training and math.isfinite(one.result.rows[-1]["loss"])


def test_the_partner_is_found_among_few_videos():
    """Sixteen videos, many steps: the contrast must be solved nearly always."""
    recipe = TrainSettings(steps=60, batch_size=8, learning_rate=3e-3)
    settings = replace(TINY, recipe=recipe, augmentation=STILL)
    learned = pretrain("plain", settings, 3).result.rows
    assert learned[-1]["loss"] < 0.5 * learned[0]["loss"]
