"""What can the layers behind the matching make of a confidence?  (Q4, follow-up)

The module hands displacement and confidence to four separable convolutions, trained for
recognition only.  Here the same four layers are trained on the flow bench, once for
each choice of what they see: in every cell they say how far the displacement is to be
trusted (0: rest, 1: as it stands), and are told how far that is from the true motion.
An answer between rest and the match is all that is asked, since a few seconds of
training do not teach more; the module itself has no such output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.motion_squeeze.flow_bench import SCENES, errors, estimate, indicators, scene
from course.motion_squeeze.transform import separable_stack

CHOICES: dict[str, tuple[str, ...]] = {
    "d": (),
    "d, correlation": ("correlation",),
    "d, margin": ("margin",),
    "d, correlation, round trip": ("correlation", "round_trip"),
}
REACH = 7  # cells; displacements enter the layers divided by it


@dataclass(frozen=True)
class Matches:
    """Matched pairs: what the layers may see, by name, and the true motion in cells."""

    channels: dict[str, Float[Tensor, "B c H W"]]
    truth: Float[Tensor, "B 2 H W"]

    def inputs(self, names: Sequence[str]) -> Float[Tensor, "B C H W"]:
        """Displacement / 7 and the named indicators, side by side."""
        return torch.cat([self.channels[name] for name in ("d", *names)], 1)


@dataclass(frozen=True)
class RefinementRow:
    """Mean end-point error (cells) in one scene, and its spread over the seeds."""

    sees: str
    scene: str
    error: float
    spread: float
    by_seed: list[float] = field(repr=False)


def matches(names: Sequence[str], count: int, seed: int, size: int = 22) -> Matches:
    """Match `count` pairs of each named scene.

    >>> found = matches(["occlusion", "flat"], count=2, seed=0)
    >>> tuple(found.inputs(["margin"]).shape)
    (4, 3, 22, 22)
    """
    found, truths = [], []
    for name in names:
        pair = scene(name, count, seed=seed, size=size)
        estimated = estimate(pair, max_displacement=REACH)
        maps = {k: v[:, None] for k, v in indicators(pair, estimated).items()}
        maps["round_trip"] = maps["round_trip"] / REACH
        found.append({"d": estimated.displacement / REACH, **maps})
        truths.append(pair.truth)
    channels = {key: torch.cat([f[key] for f in found]) for key in found[0]}
    return Matches(channels, torch.cat(truths))


class Trust(nn.Module):
    """The module's four convolutions, and how far each cell is to be trusted.

    Args:
        channels: displacement and indicators.

    Takes inputs (B, C, H, W), the displacement / 7 first; gives it times the trust, in
    cells, (B, 2, H, W).

    >>> tuple(Trust(3)(torch.rand(1, 3, 9, 9)).shape)
    (1, 2, 9, 9)
    """

    def __init__(self, channels: int):
        super().__init__()
        self.transform = separable_stack((channels, 16, 32, 64, 64), 7)
        self.trust = nn.Conv2d(64, 1, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 2 H W"]:
        return REACH * x[:, :2] * self.trust(self.transform(x)).sigmoid()


def train_trust(
    data: Matches, sees: Sequence[str], *, seed: int, steps: int = 70
) -> Trust:
    """Train the layers to undo the errors of matching.

    Args:
        data: pairs of all scenes.
        sees: indicators beside the displacement.
        seed: of the weights and batches.
        steps: of 6 pairs each.

    Returns:
        the layers, in eval mode.

    >>> train_trust(matches(["flat"], 6, seed=0), ["margin"], seed=0, steps=1).training
    False
    """
    inputs, generator = data.inputs(sees), torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = Trust(inputs.shape[1])
    optimiser = torch.optim.Adam(layers.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.01, total_steps=steps
    )
    for _ in range(steps):
        rows = torch.randint(len(inputs), (6,), generator=generator)
        missed = layers(inputs[rows]) - data.truth[rows]
        loss = torch.linalg.vector_norm(missed, dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return layers.eval()


@torch.no_grad()
def _error(layers: nn.Module, data: Matches, sees: Sequence[str]) -> float:
    return errors(layers(data.inputs(sees)), data.truth).mean


def refinement_table(
    seeds: Sequence[int] = (0, 1, 2), *, count: int = 40, steps: int = 70
) -> list[RefinementRow]:
    """Which indicator helps the layers to tell right matches from wrong ones?

    Args:
        seeds: at least two; each draws other pairs, weights and batches.
        count: pairs of each scene to train on; as many new ones for the score, up
            to 12.
        steps: of training.

    Returns:
        a row for each choice and scene, and before them those of the displacement as
        it stands ("matching alone") and of no motion at all ("rest").

    Raises:
        ValueError: for fewer than two seeds.

    >>> rows = refinement_table((0, 1), count=2, steps=1)
    >>> [row.sees for row in rows[::3]][:3]
    ['matching alone', 'rest', 'd']
    """
    if len(seeds) < 2:
        raise ValueError(f"a spread needs two seeds or more, got {seeds}")
    scores: dict[tuple[str, str], list[float]] = {}
    for seed in seeds:
        for key, error in _scores_of_seed(seed, count, steps).items():
            scores.setdefault(key, []).append(error)
    return [
        RefinementRow(sees, name, fmean(found), stdev(found), found)
        for (sees, name), found in scores.items()
    ]


def _scores_of_seed(seed: int, count: int, steps: int) -> dict[tuple[str, str], float]:
    data = matches(list(SCENES), count, seed=2 * seed)
    tests = {
        name: matches([name], min(count, 12), seed=2 * seed + 1) for name in SCENES
    }
    scores = {}
    for name, test in tests.items():
        found = errors(REACH * test.channels["d"], test.truth).mean
        scores["matching alone", name] = found
    for name, test in tests.items():
        scores["rest", name] = errors(torch.zeros_like(test.truth), test.truth).mean
    for choice, sees in CHOICES.items():
        layers = train_trust(data, sees, seed=seed, steps=steps)
        for name, test in tests.items():
            scores[choice, name] = _error(layers, test, sees)
    return scores
