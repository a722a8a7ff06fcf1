"""A learner's folder of videos as data for debiasing: clips, classes, stand-in scenes.

A folder with a sub-folder for each class has no scene labels.  What stands in for them
here are groups of videos whose rims look alike, found by k-means on colour and texture.
Nobody named these groups; one may mean a place, but also a camera or a season.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from course.datasets import Manifest, Row, VideoClips, index_folder
from course.evaluation.inference import as_float_clips
from course.synthetic import SynthActions
from course.video import write_video

FRAMES, SIDE, VIEWS = 8, 48, 2  # of a clip; px; clips of each video to learn from
SECONDS = 1.0  # that a clip lasts, about
MOST_VIDEOS, MOST_GROUPS, HELD = 96, 6, 0.25


class Videos(NamedTuple):
    """A folder's videos, `held` marks those that are not learned from."""

    names: list[str]  # CLASS/video.mp4
    classes: tuple[str, ...]
    clips: UInt8[Tensor, "N V 3 T H W"]
    action: Int[Tensor, " N"]
    held: Bool[Tensor, " N"]
    unreadable: int


def folder_of_the_world(folder: Path, videos: int = 48) -> Path:
    """Write videos of the synthetic world, as a learner's folder would have them.

    Args:
        folder: gets a sub-folder for each of four actions.
        videos: how many.

    Returns:
        The folder.
    """
    world = SynthActions(
        "train", videos, seed=1, size=SIDE, frames=FRAMES, frame_rate=FRAMES,
        actions=("raise_arms", "lower_arms", "wave", "dance"),
        scenes=("beach", "kitchen", "street", "meadow"), noise=0.0,
    )  # fmt: skip
    clips = world.render(range(videos), ("clip",))["clip"].permute(0, 2, 3, 4, 1)
    for number, clip in enumerate(clips.numpy()):
        place = folder / world.action_names[world.actions[number]]
        place.mkdir(parents=True, exist_ok=True)
        write_video(place / f"{number:03d}.mp4", clip, fps=FRAMES)
    return folder


def read_videos(folder: str | os.PathLike) -> Videos:
    """Read clips of about a second, of at most `MOST_VIDEOS` videos of a folder.

    Pictures are scaled by their short side and cut to the square in their middle: what
    happens at the sides of a wide video is lost.

    Args:
        folder: `CLASS/video.mp4`, of which a quarter is held out, or
            `train/CLASS/video.mp4` beside `val` or `test` (see `index_folder`).

    Returns:
        `VIEWS` clips of each video.

    Raises:
        ValueError: no such folder, or not two classes or more with two readable videos
            each to learn from.

    >>> read_videos("nowhere")
    Traceback (most recent call last):
    ValueError: no such folder: nowhere
    """
    manifest, errors = index_folder(folder, validation=HELD)
    rows = _some(manifest)
    rate = float(np.median([row.fps or 25.0 for row in rows]))
    stride = max(1, round(rate * SECONDS / FRAMES))
    few = Manifest(tuple(rows), manifest.folder)
    shape = (FRAMES, stride, SIDE, VIEWS)
    clips = VideoClips(few, None, "spread", *shape, max_unreadable=1.0)
    items = [clips[number] for number in range(len(rows))]
    read = [number for number, item in enumerate(items) if item["ok"]]
    held = torch.tensor([rows[number].split != "train" for number in read])
    action = torch.tensor([items[number]["action"] for number in read])
    _check(few.classes, action[~held])
    pixels = torch.stack([items[number]["clip"] for number in read])
    return Videos(
        [rows[number].path for number in read], few.classes,
        pixels.mul(255).round().byte(), action, held,
        len(errors) + len(rows) - len(read),
    )  # fmt: skip


def groups_of(clips: UInt8[Tensor, "N 3 T H W"]) -> Int[Tensor, " N"]:
    """Group clips by the looks of their rim: k-means on colour and texture.

    The mean frame is cut into 4 x 4 cells.  Of the 12 at the rim, where there is less
    of whoever acts, count mean colour, contrast, and how much neighbours differ.

    Args:
        clips: one of each video.

    Returns:
        The number of its group; there are at most `MOST_GROUPS`, and four clips or more
        for each but where there are fewer than eight.

    >>> clips = torch.zeros(6, 3, 2, 16, 16, dtype=torch.uint8)
    >>> clips[::2] = 200
    >>> groups_of(clips).unique().tolist()
    [0, 1]
    """
    from sklearn.cluster import KMeans

    looks = _rims(as_float_clips(clips)).double().numpy()
    looks = (looks - looks.mean(0)) / (looks.std(0) + 1e-3)
    most = min(MOST_GROUPS, max(2, len(clips) // 4))
    count = min(most, len(np.unique(looks.round(6), axis=0)))
    found = KMeans(count, n_init=5, random_state=0).fit_predict(looks)
    return torch.from_numpy(found).long()


def told_by_groups(group: Int[Tensor, " N"], action: Int[Tensor, " N"]) -> int:
    """Videos whose class is the commonest among the *other* videos of their group.

    >>> told_by_groups(torch.tensor([0, 0, 0, 1]), torch.tensor([2, 2, 3, 3]))
    2
    """
    right = 0
    for number in range(len(group)):
        alike = group == group[number]
        alike[number] = False
        votes = Counter(action[alike].tolist()).most_common(1)
        right += bool(votes) and votes[0][0] == int(action[number])
    return right


def _rims(clips: Float[Tensor, "N 3 T H W"]) -> Float[Tensor, "N F"]:
    """Colour, contrast and texture of the cells along the rim."""
    frame = clips.mean(2)
    grey = frame.mean(1, keepdim=True)
    across = torch.diff(grey, dim=3, append=grey[..., -1:]).abs()
    down = torch.diff(grey, dim=2, append=grey[..., -1:, :]).abs()
    colour, level, square, across, down = (
        F.adaptive_avg_pool2d(x, 4) for x in (frame, grey, grey**2, across, down)
    )
    contrast = (square - level**2).clamp(min=0).sqrt()
    rim = torch.ones(4, 4, dtype=torch.bool)
    rim[1:3, 1:3] = False
    return torch.cat([colour, contrast, across, down], dim=1)[:, :, rim].flatten(1)


def _some(manifest: Manifest) -> list[Row]:
    """At most `MOST_VIDEOS` rows, of each class and split alike."""
    kinds: dict[tuple[str, bool], list[Row]] = {}
    for row in manifest:
        kinds.setdefault((row.label, row.split == "train"), []).append(row)
    # Row i of n comes at (i + 0.5) / n of the way: cut anywhere, shares stay the same.
    turns = [
        ((place + 0.5) / len(rows), row.path, row)
        for rows in kinds.values()
        for place, row in enumerate(rows)
    ]
    rows = [row for *_, row in sorted(turns, key=lambda turn: turn[:2])[:MOST_VIDEOS]]
    return sorted(rows, key=lambda row: row.path)


def _check(classes: Sequence[str], learned: Int[Tensor, " n"]) -> None:
    count = Counter(learned.tolist())
    few = [name for number, name in enumerate(classes) if count[number] < 2]
    if len(classes) < 2 or few:
        raise ValueError(
            "needs a sub-folder for each of two classes or more, and in each two "
            f"readable videos to learn from; found {', '.join(classes)}"
            + (f", too few in {', '.join(few)}" if few else "")
        )
