"""A net learns the scene instead of the action; pasting actors elsewhere cures it."""

from __future__ import annotations

import pytest
import torch
from pilot_kit import accuracies, by_hand, classify, load, load_tests, trained
from torch import Tensor

from course.backbones import small_r2plus1d

WORLD = {"scene_correlation": 0.9, "size": 24}


def paste_actors(batch: dict, share: float = 0.7) -> Tensor:
    """Most actors of a batch move into a neighbour's scenery, the others stay."""
    drawn = torch.rand(len(batch["clip"]), generator=batch["generator"])
    stay = batch["mask"] | (drawn >= share)[:, None, None, None]
    elsewhere = batch["background"].roll(1, 0)
    return torch.where(stay[:, None], batch["clip"], elsewhere)


def pasted(model, batch: dict, step: int) -> dict:
    return classify(model, {**batch, "clip": paste_actors(batch)}, step)


def effect(seed: int) -> dict[str, float]:
    data = load("train", 0, 1024, seed, "clip action mask background", **WORLD)
    tests = load_tests(seed, **WORLD)
    recipe = {"epochs": 12, "learning_rate": 8e-3}
    out = {}
    for name, step in (("plain", classify), ("pasted", pasted)):
        model = trained(lambda: small_r2plus1d(8), data, step, seed, **recipe)
        out |= accuracies(model, name, tests)
    return out


@pytest.mark.slow
def test_scene_bias_shows_and_pasting_actors_cures_it():
    got = effect(seed=0)
    assert got["plain test"] > 0.75, got
    assert got["plain swapped"] < got["plain test"] - 0.35, got
    assert got["pasted swapped"] > got["plain swapped"] + 0.3, got
    assert got["pasted test"] > 0.8, got


if __name__ == "__main__":
    by_hand(effect)
