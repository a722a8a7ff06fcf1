"""A reversed gradient, grown slowly, makes a net use the scene less.

The net descends the action's loss and climbs the loss of a scene head that learns on
its own (Ganin and Lempitsky, ICML 2015, with a slower ramp than theirs).
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from pilot_kit import accuracies, by_hand, classify, load, load_tests, trained
from torch import nn

from course.backbones import small_r2plus1d
from course.scale import seed_everything

WORLD = {"scene_correlation": 0.8, "size": 24, "actor_size": (0.8, 0.95)}
EPOCHS, CLIPS, BATCH = 15, 1024, 32


class Adversary:
    """The training step, and the scene head with its own optimiser.

    The head warms up alone for 30 % of the steps; then the reversed gradient grows
    linearly to its full strength while the learning rate falls.
    """

    def __init__(self, steps: int, head_steps: int = 3):
        self.steps, self.head_steps = steps, head_steps
        sizes = ((64, 128), (128, 128))
        hidden = [layer for a, b in sizes for layer in (nn.Linear(a, b), nn.ReLU())]
        self.head = nn.Sequential(*hidden, nn.Linear(128, 8))
        self.optimizer = torch.optim.AdamW(self.head.parameters(), lr=2e-3)

    def __call__(self, model, batch: dict, step: int) -> dict:
        features = model.embed(batch["clip"])
        for _ in range(self.head_steps):
            self.optimizer.zero_grad()
            F.cross_entropy(self.head(features.detach()), batch["scene"]).backward()
            self.optimizer.step()
        strength = max(0.0, (step / self.steps - 0.3) / 0.7)
        scene = F.cross_entropy(self.head(features), batch["scene"])
        action = F.cross_entropy(model.fc(features), batch["action"])
        # Minus on the net's side only: the head's own steps have been taken.
        return {"loss": action - strength * scene}


def effect(seed: int) -> dict[str, float]:
    data = load("train", 0, CLIPS, seed, "clip action scene", **WORLD)
    tests = load_tests(seed, **WORLD)
    seed_everything(seed)
    adversary = Adversary(steps=EPOCHS * CLIPS // BATCH)
    recipe = {"epochs": EPOCHS, "learning_rate": 5e-3}
    out = {}
    for name, step in (("plain", classify), ("reversed", adversary)):
        model = trained(lambda: small_r2plus1d(8), data, step, seed, **recipe)
        out |= accuracies(model, name, tests)
    return out


@pytest.mark.slow
def test_a_reversed_gradient_makes_a_net_use_the_scene_less():
    got = effect(seed=0)
    assert got["plain swapped"] < got["plain test"] - 0.15, got
    assert got["reversed swapped"] > got["plain swapped"] + 0.05, got
    assert got["reversed test"] > 0.75, got


if __name__ == "__main__":
    by_hand(effect)
