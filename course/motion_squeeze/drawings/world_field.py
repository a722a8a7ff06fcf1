"""A clip of the world is matched with features that nobody trained.

The first layer of an untrained network will do: random filters, each with mean zero, so
that brightness alone is no match (colour still is).  What follows is the module's
matching step (Kwon et al., ECCV 2020, equations 1 to 5), scored against the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from course.evaluation.inference import evaluating
from course.evaluation.optical_flow import (
    end_point_error,
    flow_cosine,
    outlier_auc,
    outliers,
)
from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.motion_maps import motion_modules
from course.motion_squeeze.soft_argmax import (
    hard_argmax,
    kernel_soft_argmax,
    soft_argmax,
)

SIZE, FRAMES, RATE = 48, 6, 6.0  # px, frames, frames a second
STRIDE = 2  # px of a cell
ESTIMATORS: dict[str, Callable] = {
    "kernel": kernel_soft_argmax,
    "soft": soft_argmax,
    "argmax": hard_argmax,
}


class Clip(NamedTuple):
    """A clip with its truth."""

    frames: Float[Tensor, "3 t h w"]
    flow: Float[Tensor, "2 t1 h w"]  # px
    valid: Bool[Tensor, "t1 h w"]
    mask: Bool[Tensor, "t1 h w"]  # the actor


class Scores(NamedTuple):
    """How good a field is; None where there is nothing to measure."""

    error: float  # mean end-point error on the actor, px
    error_of_zero: float  # the same for "nothing moves"
    error_elsewhere: float
    cosine: float | None
    wrong: float  # share of all cells off by more than one cell
    auc: float | None


@lru_cache(maxsize=64)
def clip_of(
    action: str, scene: str, clip: int, contrast: float, jitter: float,
    frames: int = FRAMES,
) -> Clip:  # fmt: skip
    """A clip of the world, 48 x 48 px.

    Args:
        action, scene: names.
        clip: which one (clothes, place).
        contrast: of the scenery around its mean colour, 1 as usual.
        jitter: the camera's shake per frame, in frame heights.
        frames: of the clip, T.
    """
    from course.synthetic import SynthActions

    world = SynthActions(
        "test", clip + 1, seed=5, frames=frames, size=SIZE, frame_rate=RATE,
        actions=(action,), scenes=(scene,), background_texture=contrast,
        camera_jitter=jitter, noise=0.01,
    )  # fmt: skip
    item = world[clip]
    return Clip(item["clip"], item["flow"], item["flow_valid"], item["mask"][:-1])


def random_features(
    frames: Float[Tensor, "t 3 h w"], size: int, stride: int = STRIDE, number: int = 64
) -> Float[Tensor, "t c h2 w2"]:
    """Answers of random filters with mean zero, after a ReLU.

    Args:
        frames: pictures in [0, 1].
        size: px of a filter, odd.
        stride: px of a cell; cell (0, 0) has its middle on pixel (0, 0).
        number: of filters.

    Raises:
        ValueError: a size that is even or not positive.

    >>> tuple(random_features(torch.rand(2, 3, 12, 16), 5).shape)
    (2, 64, 6, 8)
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"filters have an odd size, got {size}")
    padded = F.pad(frames, (size // 2,) * 4, mode="replicate")
    return F.conv2d(padded, _filters(size, number), stride=stride).relu()


@lru_cache
def _filters(size: int, number: int) -> Float[Tensor, "c 3 k k"]:
    draw = torch.Generator().manual_seed(0)
    filters = torch.randn(number, 3, size, size, generator=draw)
    return filters - filters.mean((1, 2, 3), keepdim=True)


def network_features(
    network: nn.Module, frames: Float[Tensor, "3 t h w"]
) -> Float[Tensor, "t c h2 w2"]:
    """What a network's MotionSqueeze module compares: its reduced features.

    Args:
        network: takes clips (B, 3, T, H, W) in [0, 1] and has the module inside.
        frames: one clip, of as many frames as the network takes.

    Raises:
        ValueError: there is no such module in the network.
    """
    module, device = motion_modules(network)[0], next(network.parameters()).device
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with evaluating(network):
            network(frames[None].to(device))
            maps = seen[0]
            maps = maps[0].transpose(0, 1) if maps.ndim == 5 else maps
            return module.reduce(maps).cpu()
    finally:
        handle.remove()


def matched_field(
    features: Float[Tensor, "t c h w"], max_displacement: int, estimator: str
) -> tuple[Float[Tensor, "2 t1 h w"], Float[Tensor, "t1 h w"]]:
    """Displacement in cells and confidence between each frame and the next.

    Args:
        features: of the frames of one clip.
        max_displacement: reach of the window, cells.
        estimator: one of `ESTIMATORS`.

    Raises:
        ValueError: an unknown estimator.

    >>> pair = torch.rand(1, 8, 6, 9)
    >>> pair = torch.cat([pair, pair.roll(1, 3)])  # one cell to the right
    >>> matched_field(pair, 2, "argmax")[0][:, 0, 3, 4].tolist()
    [1.0, 0.0]
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimators are {', '.join(ESTIMATORS)}; got {estimator!r}")
    unit = normalise(features)
    scores = correlation(unit[:-1], unit[1:], max_displacement).relu()
    displacement, confidence = ESTIMATORS[estimator](scores)
    return displacement.transpose(0, 1), confidence[:, 0]


def field_scores(
    displacement: Float[Tensor, "2 t1 h w"],
    confidence: Float[Tensor, "t1 h w"],
    clip: Clip,
    stride: int = STRIDE,
) -> Scores:
    """Hold a field against the truth at the pixels in the middle of its cells.

    Args:
        displacement: in cells.
        confidence: higher means surer.
        clip: with the true motion in px.
        stride: px of a cell.
    """
    found = stride * displacement
    true = clip.flow[..., ::stride, ::stride]
    valid = clip.valid[..., ::stride, ::stride]
    actor = clip.mask[..., ::stride, ::stride] & valid
    rest = valid & ~actor
    wrong = outliers(found, true, float(stride), 0.0)
    length = torch.linalg.vector_norm(true, dim=0)
    moves = bool((length[actor] >= 0.1).any())
    share = float(wrong[valid].float().mean())
    return Scores(
        end_point_error(found, true, actor),
        end_point_error(torch.zeros_like(true), true, actor),
        end_point_error(found, true, rest),
        flow_cosine(found, true, actor) if moves else None,
        share,
        outlier_auc(confidence, wrong, valid) if 0 < share < 1 else None,
    )


def scores_sentence(scores: Scores, stride: int = STRIDE) -> str:
    """The scores in words, as HTML.

    >>> scores_sentence(Scores(1.0, 2.0, 0.5, 0.9, 0.1, None))[:48]
    '<p>On the actor the field is off by <b>1.00</b> '
    """
    better = "better" if scores.error < scores.error_of_zero else "not better"
    cosine = "no motion" if scores.cosine is None else f"{scores.cosine:.2f}"
    auc = "cannot be told here" if scores.auc is None else f"is {scores.auc:.2f}"
    return (
        f"<p>On the actor the field is off by <b>{scores.error:.2f}</b> px on average, "
        f"{better} than saying that nothing moves ({scores.error_of_zero:.2f} px); "
        f"cosine with the true direction <b>{cosine}</b>. Elsewhere it is off by "
        f"{scores.error_elsewhere:.2f} px. {100 * scores.wrong:.0f} % of all cells are "
        f"off by more than a cell ({stride} px); how well low confidence finds them "
        f"(AUC, 0.5: not at all) <b>{auc}</b>.</p>"
    )
