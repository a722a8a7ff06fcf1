"""A clip's human covered up: what is left of it, and what the hole itself tells.

Source: SDN (Choi et al., NeurIPS 2019) masks humans by filled boxes.  The clips are the
synthetic world's without noise, so every pixel that the actor changes is known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from jaxtyping import Bool, UInt8
from torch import Tensor

from course.evaluation.cam_boxes import mask_boxes
from course.evaluation.probes import linear_probe
from course.scene_debias.human_masks import KINDS, box_of, degrade, mask_clip
from course.synthetic import SynthActions
from course.teaching.figures import Picture
from course.teaching.looping import animated_png, clip_grid
from course.teaching.pixels import enlarge, frames_of

ACTIONS, CLIPS, SEED = 8, 6, 5
LEARN, TEST = 192, 96  # clips of the probe that reads holes
CELL, SCALE = 4, 6  # px of a cell that it sees; enlargement of the pixels on the page
LARGEST_FILM = 85_000  # bytes
HOLE, GROUND = (86, 180, 233), 0.8  # sky blue; how pale the scenery becomes


class Clip(NamedTuple):
    """A clip, its human, and the same without it; uint8."""

    clip: UInt8[Tensor, "3 t h w"]
    background: UInt8[Tensor, "3 t h w"]
    mask: Bool[Tensor, "t h w"]
    action: str
    scene: str


class Hidden(NamedTuple):
    """A masked clip and its account, in pixels of all frames together."""

    masked: UInt8[Tensor, "3 t h w"]
    hole: Bool[Tensor, "t h w"]
    left: Bool[Tensor, "t h w"]  # changed by the actor and not covered
    touched: int  # px that the actor changes
    scene_hidden: float  # share of the other pixels that are covered
    uncovered: int  # frames without a hole
    contrast: float  # levels of 255 by which the hole differs from the true scenery
    boxes: tuple[tuple[int, int], ...]  # of width, height, middle's x, y: the ends


@lru_cache
def _world(split: str = "test", clips: int = CLIPS * ACTIONS) -> SynthActions:
    return SynthActions(split, clips, SEED, noise=0.0, num_actions=ACTIONS)


def action_names() -> tuple[str, ...]:
    """The actions to choose from."""
    return _world().action_names


@lru_cache(maxsize=64)
def clip_of(action: str, number: int) -> Clip:
    """A clip of the world, 8 frames of 32 x 32 px without noise.

    Args:
        action: one of `action_names`.
        number: 0 to 5.

    Raises:
        ValueError: there is no such clip.

    >>> clip_of("walk_forward", 0).mask.shape
    torch.Size([8, 32, 32])
    """
    world = _world()
    if action not in world.action_names or not 0 <= number < CLIPS:
        raise ValueError(f"no clip {number} of {action!r} among {CLIPS} of each action")
    row = ACTIONS * number + world.action_names.index(action)
    item = {k: v[0] for k, v in world.render([row], _KEYS).items()}
    scene = world.scene_names[int(item["scene"])]
    return Clip(item["clip"], item["background"], item["mask"], action, scene)


_KEYS = ("clip", "background", "mask", "scene")


def hide(
    clip: Clip, kind: str, fill: str, grow: int, right: int, down: int, missing: float
) -> Hidden:
    """Cover the human and account for what is covered and what is not.

    Args:
        clip: from `clip_of`.
        kind, fill: as of `mask_clip`.
        grow, right, down, missing: as of `degrade`; px and a probability.

    Raises:
        ValueError: as these.

    >>> seen = clip_of("walk_forward", 0)
    >>> int(hide(seen, "true", "background", 1, 0, 0, 0.0).left.sum())
    0
    """
    mask = degrade(clip.mask, grow, (right, down), missing, seed=SEED)
    behind = clip.background if fill == "background" else None
    masked = mask_clip(clip.clip, mask, kind, fill, behind)
    hole = box_of(mask) if kind == "box" else mask
    touched = (clip.clip != clip.background).any(0) | clip.mask
    differs = (masked.int() - clip.background.int()).abs().float().mean(0)
    return Hidden(
        masked, hole, touched & ~hole, int(touched.sum()),
        float(hole[~touched].float().mean()), int((~hole.flatten(1).any(1)).sum()),
        float(differs[hole].mean()) if hole.any() else 0.0, _spans(hole),
    )  # fmt: skip


def _spans(hole: Bool[Tensor, "t h w"]) -> tuple[tuple[int, int], ...]:
    """Least and largest width, height and middle of the frames' boxes."""
    left, top, right, bottom = mask_boxes(hole[hole.flatten(1).any(1)]).T
    shapes = (right - left, bottom - top, (left + right) // 2, (top + bottom) // 2)
    return tuple((int(s.min()), int(s.max())) if len(s) else (0, 0) for s in shapes)


@lru_cache
def hole_tells(kind: str) -> float:
    """How often a linear probe names the action from perfect holes alone.

    The probe sees each frame's hole on a grid of 8 x 8 cells, and nothing else; masks
    are grown by a pixel, so that no pixel of the actor is left.

    Args:
        kind: as of `mask_clip`.

    Returns:
        Accuracy on new clips; chance is one in `ACTIONS`.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is one of {KINDS}, got {kind!r}")
    seen, actions = [], []
    for split, clips in (("train", LEARN), ("test", TEST)):
        masks, truth = _masks(split, clips)
        hole = degrade(masks, grow=1)
        hole = box_of(hole) if kind == "box" else hole
        seen.append(F.avg_pool2d(hole.float(), CELL).flatten(1))
        actions.append(truth)
    probe = linear_probe(seen[0], actions[0], seen[1], actions[1], regularisation=0.1)
    return probe.accuracy.estimate


@lru_cache
def _masks(split: str, clips: int) -> tuple[Tensor, Tensor]:
    found = _world(split, clips).render(range(clips), ("mask", "action"))
    return found["mask"], found["action"]


def masked_film(clip: Clip, hidden: Hidden, fill: str, alt: str) -> Picture:
    """Original, masked, and what is left of the actor on pale ground, looping.

    Args:
        clip: from `clip_of`.
        hidden: from `hide`.
        fill: of the hole; one that can be seen is drawn blue in the last film.
        alt: what the picture shows.
    """
    frames, masked = frames_of(clip.clip), frames_of(hidden.masked)
    left, hole = hidden.left.numpy(), hidden.hole.numpy()
    behind = frames_of(clip.background)
    pale = ((1 - GROUND) * behind + GROUND * 255).astype(np.uint8)
    if fill == "mean":
        pale[hole] = HOLE
    pale[left] = frames[left]
    films = {
        f"{clip.action}, {clip.scene}": frames,
        "masked": masked,
        "left of the actor" + ("; blue: hole" if fill == "mean" else ""): pale,
    }
    page = clip_grid([enlarge(f, SCALE) for f in films.values()], list(films), 3)
    return Picture(animated_png(page, 4.0, LARGEST_FILM), alt, page.shape[2])


def masked_sentence(hidden: Hidden, kind: str, fill: str) -> str:
    """What is covered and what still tells of the actor, as HTML.

    Args:
        hidden: from `hide`.
        kind, fill: its settings.
    """
    left, frames = int(hidden.left.sum()), len(hidden.hole)
    share = 100 * left / hidden.touched
    wide, tall, x, y = (_span(ends) for ends in hidden.boxes)
    account = (
        f"<p>The actor changes {hidden.touched} px of {frames} frames; <b>{share:.1f} "
        f"%</b> of them ({left} px) can still be seen. Of the scenery "
        f"{100 * hidden.scene_hidden:.1f} % is covered. {frames - hidden.uncovered} of "
        f"{frames} frames have a hole.</p>"
    )
    if hidden.uncovered == frames:
        return account + "<p>Without a hole there is none that could tell.</p>"
    hole = (
        f"<p>Inside the hole the clip differs from the true scenery by "
        f"<b>{hidden.contrast:.0f}</b> of 255 levels"
    )
    if fill == "background":
        return account + hole + ": it cannot be seen and tells nothing.</p>"
    form = {"true": "silhouettes", "box": "boxes"}[kind]
    told = 100 * hole_tells(kind)
    shape = (
        f" and can be seen. Its box is {wide} px wide and {tall} px tall, with its "
        f"middle at x {x}, y {y}. From perfect {form} alone, on 8 x 8 cells, a linear "
        f"probe names the action of <b>{told:.0f} %</b> of new clips (chance "
        f"{100 / ACTIONS:.1f} %).</p>"
    )
    return account + hole + shape


def _span(ends: tuple[int, int]) -> str:
    """Both ends, or the one value.

    >>> _span((3, 7)), _span((3, 3))
    ('3 to 7', '3')
    """
    low, high = ends
    return str(low) if low == high else f"{low} to {high}"
