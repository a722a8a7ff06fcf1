"""The chapter's runs: what is trained and measured, seed by seed.

Each takes the settings of a scale, a seed and a device, and returns numbers; claims and
notebook read them from the records.  `SETTINGS` says how much of it at which scale.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from course.evaluation import REPORT_CARD, report_card
from course.evaluation.frozen_world import report_card_world
from course.i3d import streams
from course.i3d.architectures import TwoStreams, build_from, make_stream
from course.i3d.fusion import sum_of_logits
from course.i3d.inflation import inflate
from course.i3d.scales import SETTINGS, Settings
from course.i3d.thinning import THINNINGS, ThinnedNet, drifting_dots
from course.i3d.trainings import (
    image_network,
    make_world,
    tested_on,
    train,
    trained_on,
    video_network,
)
from course.scale import seed_everything
from course.synthetic import ACTIONS
from course.synthetic.knobs import DEFAULT_SCENES
from course.training import TrainSettings, fit

__all__ = ["RUNS", "SETTINGS", "VERSION", "Settings"]
VERSION = 1
PROTOCOLS = ("original", "fixed", "full")


# --------------------------------------------------------- inflation and its worth
def same_answer(settings: Settings, seed: int, device) -> dict:
    """Of the test clips' middle frames, repeated: how many get another answer?

    An answer counts as another if a logit moves by more than 1e-4.
    """
    base = image_network(settings, seed, device).to(device)
    clip = tested_on(settings, seed)["clip"]
    frames = clip.shape[2]
    found = {}
    with torch.no_grad():
        for taps in ("mean", "centre"):
            for padding in ("replicate", "zeros"):
                net = inflate(base, taps=taps, time_padding=padding).eval()
                differ = 0
                for part in clip[:, :, frames // 2].to(device).split(64):
                    still = streams.to_rgb(part)
                    video = still[:, :, None].expand(-1, -1, frames, -1, -1)
                    gap = (net(video) - base(still)).abs().amax(1)
                    differ += int((gap > 1e-4).sum())
                found[f"{taps}_{padding}"] = differ / len(clip)
    return found


def growth(start: str, settings: Settings, seed: int, device) -> dict:
    """Accuracy against the number of training clips, for one way to start."""
    data = trained_on(settings, seed, max(settings.sizes))
    test, found = tested_on(settings, seed), {}
    for size in settings.sizes:
        net = video_network(settings, seed, start, device=device)
        part = {key: value[:size] for key, value in data.items()}
        train(net, part, streams.rgb_clip, settings, seed, device)
        logits = streams.logits_of(net, test, streams.rgb_clip)
        values = streams.scores(logits, test["action"], settings.knobs.action_names)
        found |= {f"{key}_{size}": value for key, value in values.items()}
    return found


def eight_classes(settings: Settings, seed: int, device) -> dict:
    """Half as many actions with as many clips of each: is it the classes?"""
    few = {"num_actions": len(settings.knobs.action_names) // 2}
    data = trained_on(settings, seed, settings.few // 2, **few)
    test = tested_on(settings, seed, **few)
    net = make_stream(
        image_network(settings, seed, device), few["num_actions"], video=True
    )
    train(net, data, streams.rgb_clip, settings, seed, device)
    logits = streams.logits_of(net, test, streams.rgb_clip)
    names = settings.knobs.action_names[: few["num_actions"]]
    return streams.scores(logits, test["action"], names)


# ------------------------------------------------------------ the five architectures
INPUTS: dict[str, tuple[streams.Inputs, ...]] = {
    "frames": (streams.rgb_sparse,),
    "lstm": (streams.rgb_sparse,),
    "c3d": (streams.rgb_coarse,),
    "two_stream": (streams.rgb_frame, streams.flow_stack),
    "fused": (streams.frames_and_stacks,),
    "i3d": (streams.rgb_clip, streams.flow_clip),
}


class FrameAverage(nn.Module):
    """An image network on every frame; the answers are averaged (no order at all)."""

    def __init__(self, net2d: nn.Module):
        super().__init__()
        self.net2d = net2d

    def forward(self, clips: Tensor) -> Tensor:
        """Class scores of clips (B, 3, T, H, W)."""
        logits = self.net2d(clips.transpose(1, 2).flatten(0, 1))
        return logits.unflatten(0, (len(clips), -1)).mean(1)


def architecture(
    name: str, settings: Settings, seed: int, device, clips: int | None = None, **knobs
) -> dict:
    """One of the five on few clips; streams apart and together where it has two."""
    data = trained_on(settings, seed, clips or settings.few, **knobs)
    test = tested_on(settings, seed, **knobs)
    logits = {}
    for part, inputs in zip(_parts(name, settings, seed, device), INPUTS[name],
                            strict=True):  # fmt: skip
        train(part, data, inputs, settings, seed, device)
        logits[inputs] = streams.logits_of(part, test, inputs)
        if inputs in (streams.rgb_sparse, streams.rgb_coarse, streams.rgb_clip):
            mixed = streams.logits_of(part, streams.shuffled(test), inputs)
    answers = list(logits.values())
    found = _named(settings, _together(answers), test)
    if len(answers) == 2:
        found |= _named(settings, answers[0], test, "rgb_")
        found |= _named(settings, answers[1], test, "flow_")
    if name in ("frames", "lstm", "c3d", "i3d"):
        found |= _named(settings, mixed, test, "shuffled_")
    return found


def _parts(name: str, settings: Settings, seed: int, device) -> list[nn.Module]:
    """The networks of an architecture that are trained one by one."""
    base, classes = (
        image_network(settings, seed, device),
        len(settings.knobs.action_names),
    )
    clip = (settings.knobs.frames, *settings.knobs.frame_size)
    seed_everything(seed)
    if name == "frames":
        return [FrameAverage(make_stream(base, classes))]
    net = build_from(name, base, classes, clip)
    return [net.rgb, net.flow] if isinstance(net, TwoStreams) else [net]


def _together(answers: list[Tensor]) -> Tensor:
    return answers[0] if len(answers) == 1 else sum_of_logits(*answers)


def _named(settings: Settings, logits: Tensor, test: dict, prefix: str = "") -> dict:
    values = streams.scores(logits, test["action"], settings.knobs.action_names)
    return {f"{prefix}{key}": value for key, value in values.items()}


# --------------------------------------------------------- flow: camera and first layer
def camera(level: int, settings: Settings, seed: int, device) -> dict:
    """Both streams of I3D while the camera rests (0), moves (1), moves much (2)."""
    pan, jitter = settings.camera[level]
    knobs = {"camera_pan": pan, "camera_jitter": jitter}
    found = architecture("i3d", settings, seed, device, settings.many, **knobs)
    data = trained_on(settings, seed, settings.many, **knobs)
    test = tested_on(settings, seed, **knobs)
    base = image_network(settings, seed, device)
    seed_everything(seed)
    classes = len(settings.knobs.action_names)
    net = make_stream(base, classes, 2, video=True)
    train(net, data, streams.flow_stabilised, settings, seed, device)
    logits = streams.logits_of(net, test, streams.flow_stabilised)
    return found | _named(settings, logits, test, "stabilised_")


def flow_start(settings: Settings, seed: int, device) -> dict:
    """Ways to begin a flow stream: the first layer by three rules, or nothing kept."""
    data = trained_on(settings, seed, settings.few)
    test, found = tested_on(settings, seed), {}
    base, classes = (
        image_network(settings, seed, device),
        len(settings.knobs.action_names),
    )
    for rule in ("mean", "sum", "random", "scratch"):
        seed_everything(seed)
        if rule == "scratch":
            net = video_network(settings, seed, "scratch", channels=2, device=device)
        else:
            net = make_stream(base, classes, 2, video=True, channel_rule=rule)
        train(net, data, streams.flow_clip, settings, seed, device)
        logits = streams.logits_of(net, test, streams.flow_clip)
        found |= _named(settings, logits, test, f"{rule}_")
    return found


# ------------------------------------------------------------------------- transfer
def transfer(name: str, settings: Settings, seed: int, device) -> dict:
    """Original, Fixed and Full-FT on a small data set after a large one.

    Twelve actions in the first eight scenes, then eight in the other scenes, four of
    them new; another world's actors.
    """
    clip = (settings.knobs.frames, *settings.knobs.frame_size)
    first = {"actions": tuple(ACTIONS)[:12], "scenes": DEFAULT_SCENES[:8]}
    then = {"actions": tuple(ACTIONS)[8:16], "scenes": DEFAULT_SCENES[8:]}
    source = trained_on(settings, seed, settings.source, **first)
    target = trained_on(settings, seed + 1000, settings.target, **then)
    test = tested_on(settings, seed + 1000, **then)
    base, answers = image_network(settings, seed, device), {p: [] for p in PROTOCOLS}
    found = {}
    for number, inputs in enumerate(INPUTS[name]):

        def fresh(classes: int, number: int = number) -> nn.Module:
            seed_everything(seed)
            net = build_from(name, base, classes, clip)
            two = isinstance(net, TwoStreams)
            return [net.rgb, net.flow][number] if two else net

        pretrained = fresh(12)
        steps = settings.source_steps
        train(pretrained, source, inputs, settings, seed, device, steps=steps)
        for protocol in PROTOCOLS:
            net = fresh(8) if protocol == "original" else _new_head(pretrained, 8, seed)
            if protocol == "fixed":
                logits = _linear_on(net, target, test, inputs, settings, seed, device)
            else:
                train(net, target, inputs, settings, seed, device)
                logits = streams.logits_of(net, test, inputs)
            answers[protocol].append(logits)
            stream = ("rgb", "flow")[number] if len(INPUTS[name]) == 2 else "only"
            values = streams.scores(logits, test["action"], then["actions"])
            found[f"{stream}_{protocol}"] = values["accuracy"]
    for protocol, logits in answers.items():
        values = streams.scores(_together(logits), test["action"], then["actions"])
        found[protocol] = values["accuracy"]
    return found


def _new_head(net: nn.Module, classes: int, seed: int) -> nn.Module:
    seed_everything(seed)
    return streams.with_new_head(copy.deepcopy(net), classes)


def _linear_on(
    net: nn.Module, target: dict, test: dict, inputs, settings, seed: int, device
) -> Tensor:
    """Logits of a new softmax layer on a frozen network's features."""
    features = {
        "x": streams.features_of(net, target, inputs),
        "action": target["action"],
    }
    seen = streams.features_of(net, test, inputs)
    mean, spread = features["x"].mean(0), features["x"].std(0) + 1e-3
    features["x"] = (features["x"] - mean) / spread
    head = nn.Linear(seen.shape[1], int(test["action"].max()) + 1)

    def given(batch: dict) -> tuple[Tensor, ...]:
        return (batch["x"],)

    train(head, features, given, settings, seed, device, mixed_precision="no")
    return head.cpu()((seen - mean) / spread).detach()


# ------------------------------------------------------------- time, cards, real data
def thinning(kind: str, settings: Settings, seed: int, device) -> dict:
    """Which way do the dots drift?  Accuracy at each speed."""
    found = {}
    for speed in settings.speeds:
        data = drifting_dots(256, speed, seed)
        test = drifting_dots(256, speed, seed + 100)
        seed_everything(seed)
        net = ThinnedNet(kind)
        recipe, step = settings.dots_recipe, streams.classify(streams.rgb_clip)
        fit(net, data, step, recipe, seed=seed, device=device, progress=False)
        logits = streams.logits_of(net, test, streams.rgb_clip)
        right = (logits.argmax(1) == test["action"]).float().mean()
        found[f"speed_{speed}"] = float(right)
    return found


def card(start: str, settings: Settings, seed: int, device) -> dict:
    """The course's report card of the small inflated network, or the same from scratch.

    Its world and recipe are the card's own, whatever the scale.
    """
    cpu = SETTINGS["cpu"]
    world = report_card_world("train", seed)
    classes = len(world.action_names)
    net = streams.CourseClips(
        streams.with_new_head(video_network(cpu, seed, start, device=device), classes)
    )
    recipe = TrainSettings(**REPORT_CARD.recipe)
    step = streams.classify(streams.course_clip)
    data = world.tensors(("clip", "action"))
    fit(net, data, step, recipe, seed=seed, device=device, progress=False)
    return report_card(net, seed).as_metrics()


def rgb_stream(
    settings: Settings, seed: int, device, folder: Path | None = None, data=None
) -> dict:
    """The RGB stream alone, on a manifest's videos or on the synthetic world."""
    train_set, test_set, classes = _videos(settings, seed, data)
    base = image_network(settings, seed, device)
    net = make_stream(base, classes, video=True)
    result = train(
        net, train_set, streams.rgb_clip, settings, seed, device, folder, progress=True
    )
    right, count = 0, 0
    for batch in torch.utils.data.DataLoader(test_set, batch_size=4):
        logits = streams.logits_of(net, batch, streams.rgb_clip)
        right += int((logits.argmax(1) == batch["action"]).sum())
        count += len(logits)
    speed = {"clips_per_second": result.items_per_second}
    steps = {"steps": result.steps, "planned_steps": result.planned_steps}
    paper = {"paper_steps": settings.paper_steps} if settings.paper_steps else {}
    return {"accuracy": right / count, **speed, **steps, **paper}


def _videos(settings: Settings, seed: int, data):
    if data is None:
        sets = [make_world(settings, "train", seed, settings.source)]
        sets.append(make_world(settings, "test", seed))
        return *sets, len(settings.knobs.action_names)
    from course.datasets import VideoClips, read_manifest

    manifest = read_manifest(data)
    shape = {"frames": settings.knobs.frames, "size": settings.knobs.frame_size[0]}
    test = "test" if "test" in manifest.splits else "val"
    test_set = VideoClips(manifest, test, "centre", seed=seed, **shape)
    train_set = VideoClips(manifest, "train", "random", seed=seed, **shape)
    return train_set, test_set, len(manifest.classes)


RUNS: dict[str, Callable[..., dict]] = {
    "same_answer": same_answer,
    "scratch": partial(growth, "scratch"),
    "mean_taps": partial(growth, "mean"),
    "centre_taps": partial(growth, "centre"),
    "eight_classes": eight_classes,
    **{name: partial(architecture, name) for name in INPUTS},
    "camera_rests": partial(camera, 0),
    "camera_moves": partial(camera, 1),
    "camera_moves_much": partial(camera, 2),
    "flow_start": flow_start,
    "transfer_i3d": partial(transfer, "i3d"),
    "transfer_c3d": partial(transfer, "c3d"),
    **{
        f"thinned_{kind}": partial(thinning, kind)
        for kind in THINNINGS
    },
    "card_inflated": partial(card, "mean"),
    "card_scratch": partial(card, "scratch"),
    "rgb_stream": rgb_stream,
}
