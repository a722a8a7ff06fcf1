"""Two views of every video of a batch: cropped, merged or erased, then recoloured.

The order is the released code's: crop first, then the mask, then colours; otherwise the
mask would read colours that no camera has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from course.fame.background_erasing import erase_background
from course.fame.foreground import foreground_mask
from course.fame.mask_variants import (
    gauss_mask,
    grid_mask,
    random_blob_mask,
    seed_mask,
)
from course.fame.merging import cyclic_partners, merge_background
from course.fame.methods import Method
from course.fame.scales import Settings

Clips = Float[Tensor, "b 3 t h w"]


@dataclass(frozen=True)
class Views:
    """Augmented views (B, 3, T, H, W) of the same B videos, in the same order.

    `others` are one more negative for each (Background Erasing); `mask` is what the
    first view was cut out by.
    """

    first: Clips
    second: Clips
    others: Clips | None = None
    mask: Bool[Tensor, "b 1 ..."] | None = None


@torch.no_grad()
def make_views(
    batch: Mapping[str, Tensor], method: Method, settings: Settings,
    generator: Generator | None = None,
) -> Views:  # fmt: skip
    """Two views of each video by a method.

    Args:
        batch: `first` and `second` clip of each video, in [0, 1]; and what the method
            needs: `first_mask` (B, T, H, W) and `second_mask` of the actor,
            `first_background`, `second_background` without it.
        method: how.
        settings: of the scale: augmentation, recipe of the mask, beta.
        generator: of every draw.

    Returns:
        The views.

    Raises:
        KeyError: if the batch lacks what the method needs.
    """
    look = settings.augmentation
    if method.same_video_negative:
        anchor, positive = (look.crop(batch["first"], generator) for _ in range(2))
        erased = erase_background(anchor, method.erasing, generator)
        made = (erased, positive, look.crop(batch["second"], generator))
        first, second, others = (look.colour(clips, generator) for clips in made)
        return Views(first, second, others)
    pairs = [_cut(batch, name, method, settings, generator) for name in _NAMES]
    (one, mask), (two, other_mask) = pairs
    first, second = one, two
    if method.erasing:
        first = erase_background(one, method.erasing, generator)
    if mask is not None:
        first = _merged(one, mask, two, batch, "first", method, settings, generator)
    if other_mask is not None:
        given = (two, other_mask, one, batch, "second")
        second = _merged(*given, method, settings, generator)
    first, second = (look.colour(clips, generator) for clips in (first, second))
    return Views(first, second, mask=mask)


_NAMES = ("first", "second")


def _cut(
    batch: Mapping[str, Tensor], name: str, method: Method, settings: Settings,
    generator: Generator | None,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """A cropped clip of each video, and its mask where the method wants one."""
    look, clips = settings.augmentation, batch[name]
    merged = method.mask != "none" and (name == "first" or method.views == "both")
    if not merged or method.mask not in ("union", "true"):
        clips = look.crop(clips, generator)
        return clips, find_mask(clips, method, settings, generator) if merged else None
    clips, outline = look.crop_with_masks(clips, batch[f"{name}_mask"], generator)
    if method.mask == "union":
        outline = outline.any(dim=1, keepdim=True)
        return clips, outline
    return clips, outline[:, None]


def find_mask(
    clips: Clips, method: Method, settings: Settings, generator: Generator | None = None
) -> Bool[Tensor, "b 1 h w"]:
    """The mask that a method finds in clips, without being told where the actor is.

    Args:
        clips: cropped, in [0, 1].
        method: with a mask other than "none", "union" and "true".
        settings: of the scale.
        generator: of the random blob's place.
    """
    beta = settings.beta if method.beta is None else method.beta
    match method.mask:
        case "fame":
            return foreground_mask(clips, beta, settings.mask)
        case "official":
            return foreground_mask(clips, beta, "official")
        case "seed":
            return seed_mask(clips, beta, smooth=True, kernel=settings.mask.kernel)
        case "gauss":
            return gauss_mask(clips, beta)
        case "grid":
            return grid_mask(clips, beta)
        case "blob":
            return random_blob_mask(clips, beta, generator)
    raise ValueError(f"{method.mask!r} is nothing that clips alone tell")


def _merged(
    clips: Tensor, mask: Tensor, same_video: Tensor, batch: Mapping[str, Tensor],
    name: str, method: Method, settings: Settings, generator: Generator | None,
) -> Tensor:  # fmt: skip
    """The clips' foreground in front of what the method puts behind it."""
    partners = cyclic_partners(len(clips), 1 if name == "first" else 2)
    match method.background:
        case "other":
            return merge_background(clips, mask, partners)
        case "same_video":
            return merge_background(clips, mask, same_video)
        case "empty":
            behind = settings.augmentation.crop(batch[f"{name}_background"], generator)
            return merge_background(clips, mask, behind[partners])
    behind = clips[partners]
    length = clips.shape[2]
    home = clips.device if generator is None else generator.device
    draws = torch.rand(len(clips), length, generator=generator, device=home)
    order = draws.argsort(1).to(clips.device)
    if method.background == "still":
        order = order[:, :1].expand(-1, length)
    frames = order[:, None, :, None, None].expand_as(behind)
    return merge_background(clips, mask, behind.gather(2, frames))
