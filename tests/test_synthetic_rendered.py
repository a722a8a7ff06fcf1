"""The world's clips for a loader: the world's own, in order, changed where asked."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from course.synthetic import Rendered, SynthActions


@pytest.fixture(scope="module")
def world():
    return SynthActions("test", num_clips=6, seed=3, frames=3, size=16)


def test_items_are_the_worlds_own(world):
    clips, truth = Rendered(world), world.tensors(("clip", "action"), cache=False)
    assert len(clips) == 6 and set(clips[0]) == {"clip", "action"}
    for number, item in zip((4, 1), clips.__getitems__([4, 1]), strict=True):
        assert item["clip"].equal(truth["clip"][number])
        assert item["action"] == truth["action"][number]
        assert clips[number]["clip"].equal(item["clip"])
    assert item["clip"].dtype == torch.uint8 and item["action"].dtype == torch.int64


def test_other_keys_and_a_change_of_whole_batches(world):
    seen = []

    def covered(batch):
        seen.append(len(batch["clip"]))
        return {
            "empty": batch["clip"] * ~batch["mask"][:, None],
            "scene": batch["scene"],
        }

    clips = Rendered(world, ("clip", "scene", "mask"), covered)
    items = clips.__getitems__([0, 5, 2])
    assert seen == [3] and set(items[0]) == {"empty", "scene"}
    truth = world.tensors(("clip", "mask", "scene"), cache=False)
    for number, item in zip((0, 5, 2), items, strict=True):
        assert int(item["scene"]) == int(truth["scene"][number])
        assert item["empty"].equal(truth["clip"][number] * ~truth["mask"][number][None])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_reads_it(world, workers):
    loader = DataLoader(Rendered(world), batch_size=4, num_workers=workers)
    batches = list(loader)
    assert [len(batch["clip"]) for batch in batches] == [4, 2]
    assert torch.cat([b["action"] for b in batches]).tolist() == world.actions.tolist()


def test_unknown_keys_are_refused_at_once(world):
    with pytest.raises(ValueError, match=r"unknown keys \['masked'\]"):
        Rendered(world, ("clip", "masked"))
