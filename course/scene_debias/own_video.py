"""Where do two networks look, in videos of your own?  One plain, one debiased.

Two small networks learn the classes of a folder, one of them against a scene head
(SDN's adversary; Choi et al., NeurIPS 2019), for which groups of look-alike videos
stand in for scenes (`own_folder`).  Then the class activation maps of one clip stand
side by side, as in the paper's figure of such maps.

No human is masked, since no mask is known, and for the same reason nothing says which
map is right.  Some dozens of videos and less than a minute seldom change a network
much: this is a way of looking, not a result.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course.evaluation.cam import class_activation_map
from course.evaluation.inference import as_float_clips
from course.scene_debias.methods import METHODS
from course.scene_debias.own_folder import (
    FRAMES,
    Videos,
    folder_of_the_world,
    groups_of,
    read_videos,
    told_by_groups,
)
from course.scene_debias.scales import SETTINGS
from course.scene_debias.trainings import network, train
from course.teaching.figures import Picture
from course.teaching.overlays import heat_overlay
from course.teaching.player import clips_picture
from course.training import TrainSettings

NETWORKS = {"plain": "baseline", "debiased": "adversary"}
RECIPE = TrainSettings(
    steps=60, batch_size=16, learning_rate=4e-3, weight_decay=1e-2, max_minutes=0.5
)


class OwnMaps(NamedTuple):
    """What both networks make of a clip; `maps`, `answers` and `right` by network."""

    picture: Picture
    sentence: str  # what was done
    video: str  # the one that is shown
    maps: dict[str, Float[Tensor, "t h w"]]  # evidence for its class, in logits
    answers: dict[str, str]  # the class that is named
    right: dict[str, int]  # of the videos held out
    groups: dict[str, int]  # video -> the group that stands in for its scene


class _Look(NamedTuple):
    """One network's answer to the clip, and how it does on the videos held out."""

    map: Float[Tensor, "t h w"]
    answer: str
    sure: float
    right: int
    steps: int


def where_they_look(
    folder: str | os.PathLike | None = None, video: str | None = None,
    recipe: TrainSettings = RECIPE, seed: int = 0,
    device: torch.device | str = "cpu", progress: bool = False,
) -> OwnMaps:  # fmt: skip
    """Train a plain and a debiased network on a folder; map a clip's evidence in both.

    Args:
        folder: with a sub-folder for each class (see `own_folder.read_videos`); None
            means videos of the synthetic world, which are written to files first.
        video: which to show, "CLASS/video.mp4"; None takes one that is held out and
            whose group is rare for its class.
        recipe: of both trainings; the usual one takes at most half a minute each.
        seed: of weights and order.
        device: where to train.
        progress: show bars.

    Returns:
        A looping picture, a sentence, and what is in them.  The sentence holds nothing
        that was learned; the picture's captions do.

    Raises:
        ValueError: a folder that cannot be learned from, or a video that is not in it.

    Source: SDN's adversary, and its figure of class activation maps.

    >>> where_they_look("nowhere")
    Traceback (most recent call last):
    ValueError: no such folder: nowhere
    """
    videos = _world() if folder is None else read_videos(folder)
    group = groups_of(videos.clips[:, 0])
    at, found = _chosen(videos, group, video), {}
    for name, method in NETWORKS.items():
        data, scenes = _learned(videos, group), int(group.max()) + 1
        settings = replace(SETTINGS["cpu"], recipe=recipe)
        net = network(settings, seed, len(videos.classes))
        result = train(
            net, data, METHODS[method], settings, seed, device, scenes,
            progress=progress,
        ).result  # fmt: skip
        found[name] = _look(net, videos, at, device, result.steps)
    return OwnMaps(
        _draw(videos, group, at, found),
        _say(videos, group, found, ours=folder is None),
        videos.names[at],
        {name: look.map for name, look in found.items()},
        {name: look.answer for name, look in found.items()},
        {name: look.right for name, look in found.items()},
        dict(zip(videos.names, group.tolist(), strict=True)),
    )


def _world() -> Videos:
    with tempfile.TemporaryDirectory() as place:
        return read_videos(folder_of_the_world(Path(place)))


def _chosen(videos: Videos, group: Int[Tensor, " N"], video: str | None) -> int:
    """The row to show: the one named, or one held out whose group is rare."""
    if video is not None:
        if video not in videos.names:
            few = ", ".join(videos.names[:5])
            raise ValueError(f"no video {video!r} among those read, {few}, ...")
        return videos.names.index(video)

    def share(row: int) -> float:
        peers = videos.action == videos.action[row]
        return float((group[peers] == group[row]).float().mean())

    held = torch.nonzero(videos.held)[:, 0].tolist()
    return min(held or range(len(videos.names)), key=share)


def _learned(videos: Videos, group: Int[Tensor, " N"]) -> dict[str, Tensor]:
    """All clips of the videos to learn from, in the form that `fit` takes."""
    learned, views = ~videos.held, videos.clips.shape[1]
    labels = {"action": videos.action[learned], "scene": group[learned]}
    repeated = {key: value.repeat_interleave(views) for key, value in labels.items()}
    return {"clip": videos.clips[learned].flatten(0, 1), **repeated}


def _look(
    net: nn.Module, videos: Videos, at: int, device: torch.device | str, steps: int
) -> _Look:
    shown = as_float_clips(videos.clips[at, :1]).to(device)
    action = int(videos.action[at])
    with torch.no_grad():
        sure, named = net(shown)[0].softmax(0).max(0)
        right = 0
        for clip, truth in zip(videos.clips[videos.held, 0],
                               videos.action[videos.held], strict=True):  # fmt: skip
            logits = net(as_float_clips(clip[None]).to(device))
            right += int(logits.argmax() == truth)
    found = class_activation_map(net, shown, action)[0].cpu()
    return _Look(found, videos.classes[int(named)], float(sure), right, steps)


def _draw(
    videos: Videos, group: Int[Tensor, " N"], at: int, found: dict[str, _Look]
) -> Picture:
    clip, own = videos.clips[at, 0], videos.classes[int(videos.action[at])]
    told, count = told_by_groups(group, videos.action), len(videos.names)
    captions = [f"{videos.names[at]}; groups alone tell the class of {told} of {count}"]
    films = [clip.numpy()]
    for name, look in found.items():
        score = f"{look.right} of {int(videos.held.sum())} held out are right"
        captions.append(f"{name}: {look.answer} ({look.sure:.0%}); {score}")
        films.append(heat_overlay(clip, look.map))
    alt = (
        "A clip, looping, and where a plain and a debiased network find evidence for "
        f"its class, {own}; each map is scaled by itself"
    )
    return clips_picture(films, captions, 3, fps=FRAMES, scale=5, alt=alt)


def _say(
    videos: Videos, group: Int[Tensor, " N"], found: dict[str, _Look], ours: bool
) -> str:
    held, count = int(videos.held.sum()), len(videos.names)
    kind = "synthetic videos" if ours else "videos"
    lost = f" ({videos.unreadable} more cannot be read)" if videos.unreadable else ""
    steps = " and ".join(dict.fromkeys(str(look.steps) for look in found.values()))
    return (
        f"Two small networks learned {len(videos.classes)} classes from {count - held} "
        f"{kind}{lost} in {steps} steps each; {held} more were held out. In place of "
        f"scene labels the debiased one was given {int(group.max()) + 1} groups of "
        "videos whose rims look alike in colour and texture (k-means); nobody named "
        "them, and a group may mean a place as well as a camera. The maps show "
        "evidence for the clip's own class, each scaled by itself. No mask of who acts "
        "is known: nothing here measures which map is right."
    )
