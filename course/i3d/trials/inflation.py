"""Inflation: does it keep the image network's answers, and what are they worth?

Source: section 2.4 and table 3, where I3D is trained from inflated weights and from
scratch.  The curve over the number of training clips is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course.evaluation.order import logits_of, order_scores
from course.i3d.architectures import make_stream
from course.i3d.inflation import inflate
from course.i3d.inputs import rgb_clip, to_rgb
from course.i3d.scales import SETTINGS, Settings
from course.i3d.trainings import (
    image_network,
    tested_on,
    train,
    trained_on,
    video_network,
)
from course.scale import seed_everything

SAME = 1e-4  # a logit that moves by more counts as another answer


def same_answer(
    settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Of the test clips' middle frames, repeated: how many get another answer?

    Asked of the small network at every scale: `inflate` takes no `InceptionV1`, whose
    inflated copy, `I3D`, pads time with zeros and nothing else.
    """
    settings = settings if settings.base == "small" else SETTINGS["cpu"]
    base = image_network(settings, seed, device).to(device)
    clip = tested_on(settings, seed)["clip"]
    frames = clip.shape[2]
    stills = clip[:, :, frames // 2]
    found = {}
    for taps in ("mean", "centre"):
        for padding in ("replicate", "zeros"):
            net = inflate(base, taps=taps, time_padding=padding).eval()
            differ = _differing(net, base, stills, frames, device)
            found[f"{taps}_{padding}"] = differ / len(clip)
    return found


@torch.no_grad()
def _differing(
    net: nn.Module, base: nn.Module, stills: Tensor, frames: int, device: torch.device
) -> int:
    """How many stills (N, 3, H, W) get another answer as a video of so many frames."""
    count = 0
    for part in stills.to(device).split(64):
        still = to_rgb(part)
        video = still[:, :, None].expand(-1, -1, frames, -1, -1)
        gap = (net(video) - base(still)).abs().amax(1)
        count += int((gap > SAME).sum())
    return count


def growth(
    start: str, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Accuracy against the number of training clips, for one way to start.

    Args:
        start: see `video_network`.
        settings: of the scale; `sizes` are the numbers of clips.
        seed: of everything.
        device: where to train.

    Returns:
        `accuracy_64`, `family_64`, `order_64`, ... for each size; see `order_scores`.
    """
    data = trained_on(settings, seed, max(settings.sizes))
    test = tested_on(settings, seed)
    found: dict[str, float] = {}
    for size in settings.sizes:
        net = video_network(settings, seed, start, device=device)
        part = {key: value[:size] for key, value in data.items()}
        train(net, part, rgb_clip, settings, seed, device)
        logits = logits_of(net, test, rgb_clip)
        values = order_scores(logits, test["action"], settings.knobs.action_names)
        found |= {f"{key}_{size}": value for key, value in values.items()}
    return found


def eight_classes(
    settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Half as many actions with as many clips of each: is it the classes?"""
    classes = len(settings.knobs.action_names) // 2
    data = trained_on(settings, seed, settings.few // 2, num_actions=classes)
    test = tested_on(settings, seed, num_actions=classes)
    base = image_network(settings, seed, device)
    seed_everything(seed)
    net = make_stream(base, classes, video=True)
    train(net, data, rgb_clip, settings, seed, device)
    logits = logits_of(net, test, rgb_clip)
    return order_scores(logits, test["action"], settings.knobs.action_names[:classes])
