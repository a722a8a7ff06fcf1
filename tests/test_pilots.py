"""Four effects that the chapters build on must show in the synthetic world.

    scenery    a net learns the scene instead of the action; pasting actors cures it
    order      a net that looks at single frames cannot order time
    clothes    contrast of clips learns motion once backgrounds are merged
    adversary  a reversed gradient makes a net use the scene less

Each `..._effect(seed)` is a short experiment that returns what it measured; its settings
were chosen on seeds 10 and 11, the tests run seed 0.  By hand, with other seeds:

    python tests/test_pilots.py scenery 0 1
"""

from __future__ import annotations

import math
import sys
import time

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.backbones import small_r2plus1d
from course.evaluation import linear_probe, predict
from course.scale import seed_everything
from course.synthetic import REVERSALS, SynthActions
from course.training import TrainSettings, fit

pytestmark = pytest.mark.slow


def load(split: str, first: int, count: int, seed: int, keys: str, **knobs) -> dict:
    """Clips first .. first + count - 1 of a split as tensors."""
    world = SynthActions(split, first + count, seed, **knobs)
    rows = torch.arange(first, first + count).split(64)
    parts = [world.render(r.tolist(), keys.split()) for r in rows]
    return {key: torch.cat([part[key] for part in parts]) for key in keys.split()}


def trained(make, data: dict, step, seed: int, **recipe) -> nn.Module:
    """A fresh network, trained; the seed decides weights, order and augmentation."""
    seed_everything(seed)
    model = make()
    settings = TrainSettings(batch_size=32, **recipe)
    fit(model, data, step, settings, seed=seed, device="cpu", progress=False)
    return model


def classify(model: nn.Module, batch: dict, step: int) -> dict:
    return {"loss": F.cross_entropy(model(batch["clip"]), batch["action"])}


def accuracy(model: nn.Module, data: dict) -> float:
    return (predict(model, data["clip"]).argmax(1) == data["action"]).float().mean().item()


# ------------------------------------------------------------ 1. scene bias and merging
def paste_actors(batch: dict, share: float = 0.7) -> Tensor:
    """Most actors of a batch move into the scenery of their neighbour, the rest stay."""
    drawn = torch.rand(len(batch["clip"]), generator=batch["generator"])
    stay = batch["mask"] | (drawn >= share)[:, None, None, None]
    elsewhere = batch["background"].roll(1, 0)
    return torch.where(stay[:, None], batch["clip"], elsewhere)


def scenery_effect(seed: int) -> dict[str, float]:
    world = dict(scene_correlation=0.9, size=24)
    data = load("train", 0, 1024, seed, "clip action mask background", **world)
    tests = {s: load(s, 0, 512, seed, "clip action", **world) for s in ("test", "swapped")}

    def pasted(model, batch, step):
        return classify(model, {**batch, "clip": paste_actors(batch)}, step)

    out = {}
    for name, step in (("plain", classify), ("pasted", pasted)):
        make = lambda: small_r2plus1d(8)  # noqa: E731
        model = trained(make, data, step, seed, epochs=12, learning_rate=8e-3)
        out |= {f"{name} {split}": accuracy(model, tests[split]) for split in tests}
    return out


def test_scene_bias_shows_and_pasting_actors_cures_it():
    got = scenery_effect(seed=0)
    assert got["plain test"] > 0.75, got
    assert got["plain swapped"] < got["plain test"] - 0.35, got
    assert got["pasted swapped"] > got["plain swapped"] + 0.3, got
    assert got["pasted test"] > 0.8, got


# -------------------------------------------------- 2. the order of time, before texture
class FrameNet(nn.Module):
    """A 2-D residual net over frames, logits averaged; `shift` lets neighbours mix."""

    def __init__(self, channels: int = 3, shift: bool = False):
        super().__init__()
        self.shift = shift
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        self.skips = nn.ModuleList(nn.Conv2d(a, b, 1, s, bias=False) for a, b, s in sizes)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, s, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
                nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b),
            )
            for a, b, s in sizes
        )  # fmt: skip
        self.fc = nn.Linear(64, 8)

    def forward(self, clips: Tensor) -> Tensor:
        b, t = clips.shape[0], clips.shape[2]
        x = self.stem(2 * clips.transpose(1, 2).flatten(0, 1) - 1)
        for block, skip in zip(self.blocks, self.skips, strict=True):
            mixed = shifted(x.unflatten(0, (b, t))).flatten(0, 1) if self.shift else x
            x = torch.relu(block(mixed) + skip(x))
        x = F.dropout(x.mean(dim=(2, 3)), 0.2, self.training)
        return self.fc(x).unflatten(0, (b, t)).mean(1)


def shifted(x: Tensor) -> Tensor:
    """An eighth of the channels (b, t, c, h, w) from the next frame, one from the last."""
    share = x.shape[2] // 8
    later, earlier, now = x.split((share, share, x.shape[2] - 2 * share), dim=2)
    later = F.pad(later[:, 1:], (0, 0) * 3 + (0, 1))
    earlier = F.pad(earlier[:, :-1], (0, 0) * 3 + (1, 0))
    return torch.cat([later, earlier, now], 2)


def with_flow(data: dict) -> dict:
    """Frames with their true flow (one unit = 10 px) as two more channels."""
    flow = 0.5 + data["flow"].float() / 10
    pictures = data["clip"][:, :, :-1].float() / 255
    return {"clip": torch.cat([pictures, flow], 1), "action": data["action"]}


def order_effect(seed: int) -> dict[str, float]:
    world = dict(
        actions=sum(REVERSALS[:4], ()), scenes=("texture",), frames=5, frame_rate=3.1,
        size=32, camera_pan=0.03, camera_jitter=0.005, noise=0.01,
    )  # fmt: skip
    data = load("train", 0, 896, seed, "clip action flow", **world)
    test = load("test", 0, 512, seed, "clip action flow", **world)
    out = {}
    for name in ("frames", "shift", "flow"):
        prepare = with_flow if name == "flow" else lambda d: {**d}
        channels = 5 if name == "flow" else 3

        def make(channels=channels, shift=name == "shift"):
            return FrameNet(channels, shift)

        model = trained(
            make, prepare(data), classify, seed, epochs=9, learning_rate=4e-3,
            weight_decay=0.01,
        )  # fmt: skip
        said = predict(model, prepare(test)["clip"]).argmax(1)
        pair = said // 2 == test["action"] // 2
        right = (said == test["action"])[pair]
        out[f"{name} pair"] = pair.float().mean().item()
        out[f"{name} direction"] = right.float().mean().item()
        if name != "flow":
            backwards = predict(model, test["clip"].flip(2)).argmax(1)
            out[f"{name} same backwards"] = (said == backwards).float().mean().item()
    return out


def test_single_frames_cannot_tell_the_order_of_time():
    got = order_effect(seed=0)
    assert got["frames pair"] > 0.75, got
    assert abs(got["frames direction"] - 0.5) < 0.1, got
    assert got["frames same backwards"] > 0.98, got  # all but ties
    assert got["shift direction"] > 0.7, got
    assert got["shift same backwards"] < 0.5, got
    assert got["flow direction"] > 0.85, got


# ------------------------------------------------ 3. merging backgrounds, in two outfits
class ContrastNet(nn.Module):
    """The small R(2+1)D net, time halved in its middle, with a head for contrast.

    Written as 2-D convolutions with channels last, twice as fast on a processor.
    """

    def __init__(self):
        super().__init__()
        pairs = ((3, 16), (16, 32), (32, 64))
        self.space = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1, bias=False) for a, b in pairs)
        self.time = nn.ModuleList(
            nn.Conv2d(b, b, (3, 1), (2 if b == 32 else 1, 1), (1, 0), bias=False)
            for _, b in pairs
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs for _ in range(2))
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))

    def embed(self, clips: Tensor) -> Tensor:
        x = (2 * clips - 1).permute(0, 2, 3, 4, 1)  # (b, t, h, w, c)
        for i, (space, time_) in enumerate(zip(self.space, self.time, strict=True)):
            b, t = x.shape[:2]
            y = space(x.flatten(0, 1).permute(0, 3, 1, 2))
            y = torch.relu(self.norms[2 * i](y))
            h, w = y.shape[2:]
            y = y.permute(0, 2, 3, 1).reshape(b, t, h * w, -1).permute(0, 3, 1, 2)
            y = torch.relu(self.norms[2 * i + 1](time_(y)))
            x = y.permute(0, 2, 3, 1).unflatten(2, (h, w))
        return x.mean(dim=(1, 2, 3))

    def forward(self, clips: Tensor) -> Tensor:
        return F.normalize(self.head(self.embed(clips)), dim=1)


def crop(clips: Tensor, generator: torch.Generator) -> Tensor:
    """A square of 60 to 100 % of the area, the same for all frames of a clip."""
    b, _, _, h, w = clips.shape
    side = (0.6 + 0.4 * torch.rand(b, generator=generator)).sqrt()
    middle = (1 - side)[:, None] * (2 * torch.rand(b, 2, generator=generator) - 1)
    view = torch.cat([torch.diag_embed(side[:, None].expand(b, 2)), middle[..., None]], 2)
    grid = F.affine_grid(view, [b, 1, h, w], align_corners=False)
    flat = F.grid_sample(clips.flatten(1, 2), grid, align_corners=False)
    return flat.view_as(clips)


def recolour(clips: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, saturation +-.4, hue +-.1 turn (4 of 5 clips), grey (1 of 5)."""
    b = len(clips)
    drawn = torch.rand(6, b, 1, 1, 1, 1, generator=generator)
    factor = 0.6 + 0.8 * drawn[:3]
    x = clips * factor[0]
    mean = x.mean(dim=(1, 2, 3, 4), keepdim=True)
    x = mean + factor[1] * (x - mean)
    grey = x.mean(1, keepdim=True)
    x = grey + factor[2] * turn_hue(x - grey, 0.1 * (2 * drawn[3] - 1))
    x = torch.where(drawn[4] < 0.8, x, clips)
    return torch.where(drawn[5] < 0.2, x.mean(1, keepdim=True), x).clamp(0, 1)


def turn_hue(colour: Tensor, turns: Tensor) -> Tensor:
    """Rotate colours (b, 3, ...) without grey about the grey axis."""
    angle = 2 * math.pi * turns
    across = (colour.roll(1, 1) - colour.roll(-1, 1)) / math.sqrt(3)
    return angle.cos() * colour + angle.sin() * across


def simclr(first: Tensor, second: Tensor, temperature: float = 0.1) -> Tensor:
    """Each clip must find the other clip of its video among all of the batch."""
    z = torch.cat([first, second])
    scores = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(scores, torch.arange(len(z)).roll(len(first)))


def contrast_step(merge: bool):
    def step(model, batch, step):
        generator = batch["generator"]
        mask = batch["mask"][:, None].to(batch["one"].dtype)
        one = crop(torch.cat([batch["one"], mask], 1), generator)
        one, mask = one[:, :3], one[:, 3:]
        if merge:
            one = mask * one + (1 - mask) * one.roll(1, 0)
        views = one, crop(batch["two"], generator)
        return {"loss": simclr(*(model(recolour(v, generator)) for v in views))}

    return step


def clothes_effect(seed: int) -> dict[str, float]:
    world = dict(
        outfits=2, clips_per_video=2, frames=6, frame_rate=3.75, size=24,
        actor_size=(0.75, 0.85), actor_place=0.1, place_drift=0.05,
    )  # fmt: skip
    # All sets are different videos of one half of the world, so that outfits are shared.
    pairs = load("uncorrelated", 0, 1280, seed, "clip mask", **world)
    biased = load("test", 1280, 768, seed, "clip action", scene_correlation=0.9, **world)
    swapped = load("swapped", 2048, 384, seed, "clip action scene", **world)
    data = {
        "one": pairs["clip"][0::2], "two": pairs["clip"][1::2], "mask": pairs["mask"][0::2]
    }  # fmt: skip
    out = {}
    for name in ("plain", "merged"):
        step = contrast_step(merge=name == "merged")
        model = trained(
            ContrastNet, data, step, seed, steps=350, learning_rate=3e-3, weight_decay=1e-4
        )
        sets = [(predict(model.embed, d["clip"]), d["action"]) for d in (biased, swapped)]
        out[f"{name} swapped"] = linear_probe(*sets[0], *sets[1]).accuracy.estimate
    return out


def test_merging_backgrounds_teaches_contrast_the_motion():
    got = clothes_effect(seed=0)
    assert got["merged swapped"] > got["plain swapped"] + 0.12, got
    assert got["merged swapped"] > 0.3, got


# --------------------------------------------------------------- 4. the scene adversary
class Adversary:
    """A scene head that learns on its own; the net then climbs its loss.

    The head warms up alone for 30 % of the steps; then the reversed gradient grows
    linearly to `strength` while the learning rate falls.
    """

    def __init__(self, total: int, strength: float, head_steps: int = 3):
        self.total, self.strength, self.head_steps = total, strength, head_steps
        self.head = nn.Sequential(
            nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 8)
        )
        self.optimizer = torch.optim.AdamW(self.head.parameters(), lr=2e-3)

    def __call__(self, model: nn.Module, batch: dict, step: int) -> dict:
        features = model.embed(batch["clip"])
        for _ in range(self.head_steps):
            self.optimizer.zero_grad()
            F.cross_entropy(self.head(features.detach()), batch["scene"]).backward()
            self.optimizer.step()
        ramp = max(0.0, (step / self.total - 0.3) / 0.7)
        scene = F.cross_entropy(self.head(features), batch["scene"])
        action = F.cross_entropy(model.fc(features), batch["action"])
        return {"loss": action - self.strength * ramp * scene}


def adversary_effect(seed: int) -> dict[str, float]:
    world = dict(scene_correlation=0.8, size=24, actor_size=(0.8, 0.95))
    data = load("train", 0, 1024, seed, "clip action scene", **world)
    tests = {s: load(s, 0, 512, seed, "clip action", **world) for s in ("test", "swapped")}
    seed_everything(seed)
    reversal = Adversary(total=15 * 1024 // 32, strength=1.0)
    out = {}
    for name, step in (("plain", classify), ("reversed", reversal)):
        make = lambda: small_r2plus1d(8)  # noqa: E731
        model = trained(make, data, step, seed, epochs=15, learning_rate=5e-3)
        out |= {f"{name} {split}": accuracy(model, tests[split]) for split in tests}
    return out


def test_a_reversed_gradient_makes_a_net_use_the_scene_less():
    got = adversary_effect(seed=0)
    assert got["plain swapped"] < got["plain test"] - 0.15, got
    assert got["reversed swapped"] > got["plain swapped"] + 0.05, got
    assert got["reversed test"] > 0.75, got


EFFECTS = {
    "scenery": scenery_effect, "order": order_effect,
    "clothes": clothes_effect, "adversary": adversary_effect,
}  # fmt: skip

if __name__ == "__main__":
    for chosen in sys.argv[2:]:
        begin = time.process_time()
        measured = EFFECTS[sys.argv[1]](int(chosen))
        shown = ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
        print(f"seed {chosen}: {shown}; {time.process_time() - begin:.0f} s", flush=True)
