"""Where does everything go?  Displacement and confidence on any video, without labels.

This is the module's matching step and nothing else (Kwon et al., ECCV 2020, equations
1 to 5): no network was trained.  What is compared are answers of random filters, which
know nothing of actions, so nothing here depends on what the video shows.  TV-L1, which
solves for a smooth flow at every pixel, stands beside it where OpenCV is installed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from course.motion_squeeze.drawings.fields import (
    confidence_frames,
    field_frames,
    film_picture,
    to_pixels,
)
from course.motion_squeeze.drawings.world_field import matched_field, random_features
from course.teaching.figures import Picture
from course.teaching.pixels import flow_wheel, to_uint8

LONGEST = 160  # px of the longer side that is matched
STRIDE, FILTER, REACH = 4, 15, 7  # px of a cell, px of a filter, cells of the window
MOST_PAIRS = 6


class OwnMotion(NamedTuple):
    """What matching finds in a video, for the pairs of frames that are shown."""

    picture: Picture
    displacement: Float[Tensor, "2 n h w"]  # cells of 4 px
    confidence: Float[Tensor, "n h w"]
    agreement: float | None  # mean cosine where TV-L1 moves by a cell or more
    sentence: str


def where_things_go(
    frames: UInt8[np.ndarray, "T H W 3"],
    name: str,
    step: int = 2,
    view: str = "colours",
) -> OwnMotion:
    """Match frames of a video and draw what comes out, looping.

    Args:
        frames: a video, as `course.teaching.own_video.open_video` gives it.
        name: what to call it.
        step: frames from the first to the second frame of a pair.
        view: "colours", or "arrows", which need no eye for hues.

    Returns:
        The picture (the frames, displacement, confidence, and TV-L1's flow where OpenCV
        is there), the fields, and a sentence that says what was done.

    Raises:
        ValueError: not uint8 (T, H, W, 3), fewer than two frames, frames smaller than
            16 px once the longer side is 160, a step below 1, or another view.

    >>> found = where_things_go(np.zeros((4, 32, 48, 3), np.uint8), "night")
    >>> tuple(found.displacement.shape)
    (2, 2, 8, 12)
    """
    firsts, seconds = _pairs(_downscaled(frames, step), step)
    displacement, confidence = _matched(firsts, seconds)
    stills, laters = (to_uint8(f.permute(0, 2, 3, 1)) for f in (firsts, seconds))
    flow = _tvl1(stills, laters)
    found = to_pixels(displacement, STRIDE)
    agreement = None if flow is None else _agreement(found, flow)
    fields = {"matched": found} | ({} if flow is None else {"TV-L1": flow})
    picture = _draw(stills, fields, confidence, view, name)
    sentence = _say(found, confidence, agreement, step)
    return OwnMotion(picture, displacement, confidence, agreement, sentence)


def _downscaled(frames: np.ndarray, step: int) -> Float[Tensor, "t 3 h w"]:
    """In [0, 1], the longer side at most `LONGEST` px, sides multiples of a cell."""
    shape = frames.shape
    if frames.dtype != np.uint8 or frames.ndim != 4 or shape[3] != 3 or shape[0] < 2:
        raise ValueError(
            f"a video is uint8 (T, H, W, 3), T >= 2; got {frames.dtype} {shape}"
        )
    if step < 1:
        raise ValueError(f"frames are one step apart or more, got {step}")
    scale = min(1.0, LONGEST / max(shape[1:3]))
    height, width = (STRIDE * round(scale * n / STRIDE) for n in shape[1:3])
    if min(height, width) < 16:
        raise ValueError(f"frames need 16 px a side, got {height} x {width}")
    clip = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    parts = [part.float().div(255.0) for part in clip.split(32)]
    return torch.cat([F.interpolate(p, (height, width), mode="area") for p in parts])


def _pairs(clip: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """Pairs of frames `step` apart (or as far as there are), spread over the video."""
    step = min(step, len(clip) - 1)
    last = len(clip) - 1 - step
    count = min(MOST_PAIRS, last + 1)
    at = torch.linspace(0, last, count).round().long()
    return clip[at], clip[at + step]


def _matched(
    firsts: Tensor, seconds: Tensor
) -> tuple[Float[Tensor, "2 n h w"], Float[Tensor, "n h w"]]:
    """Pair by pair, so that each is a clip of two frames of its own."""
    found = []
    for pair in zip(firsts, seconds, strict=True):
        features = random_features(torch.stack(pair), FILTER, STRIDE)
        found.append(matched_field(features, REACH, "kernel"))
    displacement, confidence = zip(*found, strict=True)
    return torch.cat(displacement, 1), torch.cat(confidence)


def _tvl1(stills: np.ndarray, laters: np.ndarray) -> np.ndarray | None:
    """TV-L1's flow (2, n, H, W) in px, or None without OpenCV's contrib modules."""
    from course.video.optical_flow import tvl1_flow

    try:
        pairs = zip(stills, laters, strict=True)
        return np.concatenate([tvl1_flow(np.stack(pair)) for pair in pairs], 1)
    except ImportError:
        return None


def _agreement(found: np.ndarray, flow: np.ndarray) -> float | None:
    """Mean cosine of both directions where TV-L1 moves far enough to be matched."""
    moving = np.hypot(*flow) >= STRIDE
    if not moving.any():
        return None
    lengths = np.hypot(*found) * np.hypot(*flow)
    cosine = (found * flow).sum(0) / np.maximum(lengths, 1e-6)
    return float(cosine[moving].mean())


def _draw(
    stills: np.ndarray, fields: dict, confidence: Tensor, view: str, name: str
) -> Picture:
    """All panes of a loop; TV-L1, which has few wrong matches, sets the colours."""
    scale = 2 if view == "arrows" else 1
    *_, surest = fields.values()
    largest = max(2.0 * STRIDE, float(np.percentile(np.hypot(*surest), 99)))
    films = {} if view == "arrows" else {"video": stills}
    for kind, field in fields.items():
        drawn = [
            field_frames(still[None].repeat(2, 0), field[:, i : i + 1], view, scale,
                         largest, 2 * STRIDE)
            for i, still in enumerate(stills)
        ]  # fmt: skip
        films[kind] = np.concatenate(drawn)
    films["confidence"] = confidence_frames(confidence, STRIDE * scale)
    if view == "colours":
        side = min(*stills.shape[1:3], 96)
        films[f"edge: {largest:.0f} px"] = flow_wheel(side)[None]
    alt = (
        f"{name}, looping: displacements as {view} ({', '.join(fields)}) and "
        "the confidence of the matching; random filters, nothing trained"
    )
    return film_picture(films, alt, fps=1.5)


def _say(
    found: np.ndarray, confidence: Tensor, agreement: float | None, step: int
) -> str:
    share = 100 * float((np.hypot(*found) >= STRIDE).mean())
    text = (
        f"Matching of random filters' answers, {step} frames apart; no network was "
        f"trained. {share:.0f} % of the picture seems to move by a cell ({STRIDE} px) "
        f"or more; the mean confidence is {float(confidence.mean()):.2f}."
    )
    if agreement is not None:
        text += f" Mean cosine with TV-L1 where that moves as far: {agreement:.2f}."
    return text
