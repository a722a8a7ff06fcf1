"""Before texture, a net that looks at single frames cannot tell the order of time.

Four pairs of actions, each the other one played backwards.  The same 2-D net learns
which member of a pair it sees once neighbouring frames may mix (the channel shift of
TSM, Lin et al., ICCV 2019), or once every frame brings its true optical flow.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from pilot_kit import by_hand, classify, load, trained
from torch import Tensor, nn

from course.evaluation import predict
from course.synthetic import REVERSALS

WORLD = {
    "actions": tuple(name for pair in REVERSALS[:4] for name in pair),
    "scenes": ("texture",),
    "frames": 5,
    "frame_rate": 3.1,  # five frames span the whole action
    "size": 32,
    "camera_pan": 0.03,
    "camera_jitter": 0.005,
    "noise": 0.01,
}
RECIPE = {"epochs": 9, "learning_rate": 4e-3, "weight_decay": 0.01}


class FrameNet(nn.Module):
    """A 2-D residual net over frames, logits averaged; `shift` lets neighbours mix."""

    def __init__(self, channels: int = 3, shift: bool = False):
        super().__init__()
        self.shift = shift
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        sizes = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        self.blocks = nn.ModuleList(residual(*size) for size in sizes)
        skips = (nn.Conv2d(a, b, 1, stride, bias=False) for a, b, stride in sizes)
        self.skips = nn.ModuleList(skips)
        self.fc = nn.Linear(64, 8)

    def forward(self, clips: Tensor) -> Tensor:
        b, t = clips.shape[0], clips.shape[2]
        x = 2 * clips.transpose(1, 2).flatten(0, 1) - 1
        x = self.stem(x.contiguous(memory_format=torch.channels_last))  # faster so
        for block, skip in zip(self.blocks, self.skips, strict=True):
            mixed = shifted(x.unflatten(0, (b, t))).flatten(0, 1) if self.shift else x
            x = torch.relu(block(mixed) + skip(x))
        x = F.dropout(x.mean(dim=(2, 3)), 0.2, self.training)
        return self.fc(x).unflatten(0, (b, t)).mean(1)


def residual(a: int, b: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b),
    )  # fmt: skip


def shifted(x: Tensor) -> Tensor:
    """Of the channels (b, t, c, h, w) 1/8 come a frame early and 1/8 a frame late."""
    out, share = x.clone(), x.shape[2] // 8
    early, late = slice(0, share), slice(share, 2 * share)
    out[:, :-1, early], out[:, -1, early] = x[:, 1:, early], 0.0
    out[:, 1:, late], out[:, 0, late] = x[:, :-1, late], 0.0
    return out


def with_flow(data: dict) -> dict:
    """Frames with their true flow (one unit = 10 px) as two more channels."""
    flow = 0.5 + data["flow"].float() / 10
    pictures = data["clip"][:, :, :-1].float() / 255
    return {"clip": torch.cat([pictures, flow], 1), "action": data["action"]}


def effect(seed: int) -> dict[str, float]:
    sets = [
        load(split, 0, count, seed, "clip action flow", **WORLD)
        for split, count in (("train", 896), ("test", 512))
    ]
    out = {}
    for name in ("frames", "shift", "flow"):
        flow = name == "flow"
        train, test = [with_flow(d) for d in sets] if flow else sets
        model = trained(
            lambda flow=flow, shift=name == "shift": FrameNet(5 if flow else 3, shift),
            train, classify, seed, **RECIPE,
        )  # fmt: skip
        said = predict(model, test["clip"]).argmax(1)
        pair = said // 2 == test["action"] // 2
        out[f"{name} pair"] = pair.float().mean().item()
        out[f"{name} direction"] = (said == test["action"])[pair].float().mean().item()
        if not flow:  # the flow of a clip played backwards is another one
            backwards = predict(model, test["clip"].flip(2)).argmax(1)
            out[f"{name} same backwards"] = (said == backwards).float().mean().item()
    return out


@pytest.mark.slow
def test_single_frames_cannot_tell_the_order_of_time():
    got = effect(seed=0)
    assert got["frames pair"] > 0.75, got
    assert abs(got["frames direction"] - 0.5) < 0.1, got
    assert got["frames same backwards"] > 0.98, got  # a tie may fall either way
    assert got["shift direction"] > 0.7, got
    assert got["shift same backwards"] < 0.5, got
    assert got["flow direction"] > 0.85, got


if __name__ == "__main__":
    by_hand(effect)
