"""With two outfits in the world, merged backgrounds teach contrast the motion.

SimCLR on two clips of a video: the scenery alone solves the task, unless one clip's
actor stands before another video's clip (FAME, Ding et al., CVPR 2022; here with the
true mask).  Many outfits would be the next way out, so there are two.
"""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from pilot_kit import by_hand, load, trained
from torch import Tensor, nn

from course.evaluation import linear_probe, predict

WORLD = {
    "outfits": 2,
    "clips_per_video": 2,
    "frames": 6,
    "frame_rate": 3.75,
    "size": 24,
    "actor_size": (0.75, 0.85),
    "actor_place": 0.1,
    "place_drift": 0.05,
}
RECIPE = {"steps": 350, "learning_rate": 3e-3, "weight_decay": 1e-4}


class ContrastNet(nn.Module):
    """Three R(2+1)D blocks, time halved in the second, and a head for contrast.

    Written as 2-D convolutions with channels last, which a processor does faster.
    """

    def __init__(self):
        super().__init__()
        space, time, norms = [], [], []
        for a, b, stride in ((3, 16, 1), (16, 32, 2), (32, 64, 1)):
            space.append(nn.Conv2d(a, b, 3, 2, 1, bias=False))
            time.append(nn.Conv2d(b, b, (3, 1), (stride, 1), (1, 0), bias=False))
            norms.append(nn.ModuleList([nn.BatchNorm2d(b), nn.BatchNorm2d(b)]))
        self.space, self.time = nn.ModuleList(space), nn.ModuleList(time)
        self.norms = nn.ModuleList(norms)
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))

    def embed(self, clips: Tensor) -> Tensor:
        x = (2 * clips - 1).permute(0, 2, 3, 4, 1)  # (b, t, h, w, c)
        for space, time, (norm, norm2) in zip(
            self.space, self.time, self.norms, strict=True
        ):
            b, t = x.shape[:2]
            y = torch.relu(norm(space(x.flatten(0, 1).permute(0, 3, 1, 2))))
            h, w = y.shape[2:]
            y = y.permute(0, 2, 3, 1).reshape(b, t, h * w, -1).permute(0, 3, 1, 2)
            y = torch.relu(norm2(time(y)))
            x = y.permute(0, 2, 3, 1).unflatten(2, (h, w))
        return x.mean(dim=(1, 2, 3))

    def forward(self, clips: Tensor) -> Tensor:
        return F.normalize(self.head(self.embed(clips)), dim=1)


def crop(clips: Tensor, generator: torch.Generator) -> Tensor:
    """A square of 60 to 100 % of the area, the same for all frames of a clip."""
    b, _, _, h, w = clips.shape
    side = (0.6 + 0.4 * torch.rand(b, generator=generator)).sqrt()
    middle = (1 - side)[:, None] * (2 * torch.rand(b, 2, generator=generator) - 1)
    zoom = side[:, None, None] * torch.eye(2)
    view = torch.cat([zoom, middle[..., None]], 2)
    grid = F.affine_grid(view, [b, 1, h, w], align_corners=False)
    flat = clips.flatten(1, 2)
    out = F.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    return out.view_as(clips)


def recolour(clips: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation +-.4, hue +-.1 turn, or (1 of 5) grey."""
    drawn = torch.rand(6, len(clips), 1, 1, 1, 1, generator=generator)
    factor = 0.6 + 0.8 * drawn[:3]
    x = clips * factor[0]
    mean = x.mean(dim=(1, 2, 3, 4), keepdim=True)
    x = mean + factor[1] * (x - mean)
    grey = x.mean(1, keepdim=True)
    x = grey + factor[2] * turn_hue(x - grey, 0.1 * (2 * drawn[3] - 1))
    x = torch.where(drawn[4] < 0.8, x, clips)
    return torch.where(drawn[5] < 0.2, x.mean(1, keepdim=True), x).clamp(0, 1)


def turn_hue(colour: Tensor, turns: Tensor) -> Tensor:
    """Rotate colours (b, 3, ...), their grey taken away, about the grey axis."""
    angle = 2 * math.pi * turns
    across = (colour.roll(1, 1) - colour.roll(-1, 1)) / math.sqrt(3)
    return angle.cos() * colour + angle.sin() * across


def simclr(first: Tensor, second: Tensor, temperature: float = 0.1) -> Tensor:
    """Each clip must find the other clip of its video among all of the batch."""
    z = torch.cat([first, second])
    scores = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(scores, torch.arange(len(z)).roll(len(first)))


def contrast(model, batch: dict, merge: bool) -> dict:
    """One training step; `merge` puts the first clip's actor into another video."""
    generator = batch["generator"]
    mask = batch["mask"][:, None].to(batch["one"].dtype)
    one, mask = crop(torch.cat([batch["one"], mask], 1), generator).split((3, 1), 1)
    if merge:
        one = mask * one + (1 - mask) * one.roll(1, 0)
    views = one, crop(batch["two"], generator)
    return {"loss": simclr(*(model(recolour(v, generator)) for v in views))}


def effect(seed: int) -> dict[str, float]:
    # Different videos of one part of the world, so that its two outfits are shared.
    clips = load("uncorrelated", 0, 1280, seed, "clip mask", **WORLD)
    data = {name: clips["clip"][i::2] for i, name in enumerate(("one", "two"))}
    data["mask"] = clips["mask"][0::2]
    biased = {**WORLD, "scene_correlation": 0.9}
    learn = load("test", 1280, 768, seed, "clip action", **biased)
    swapped = load("swapped", 2048, 512, seed, "clip action", **WORLD)
    out = {}
    for name in ("plain", "merged"):
        merge = name == "merged"
        model = trained(
            ContrastNet, data, lambda m, b, _, merge=merge: contrast(m, b, merge),
            seed, **RECIPE,
        )  # fmt: skip
        features = [predict(model.embed, d["clip"]) for d in (learn, swapped)]
        probe = linear_probe(
            features[0], learn["action"], features[1], swapped["action"]
        )
        out[f"{name} swapped"] = probe.accuracy.estimate
    return out


@pytest.mark.slow
def test_merging_backgrounds_teaches_contrast_the_motion():
    got = effect(seed=0)
    assert got["merged swapped"] > got["plain swapped"] + 0.12, got
    assert got["merged swapped"] > 0.35, got


if __name__ == "__main__":
    by_hand(effect)
