"""Foreground-background merging: a clip's moving region in front of another clip.

Source: FAME (Ding et al., CVPR 2022), equation (7), with a clip X, its mask M and
another clip Y:

    X_merge = X * M + Y * (1 - M)          one M for all frames

What is left of X is its foreground, and only that the two views of a video still share.
Y is the whole partner clip, with whatever moves in it.  The two ends are worth a
thought: with everything foreground X_merge is X, no augmentation; with nothing
foreground it is Y, and the pair (X_merge, X) is a *false* positive.

Known differences from the official code:

 1. There the partners are `randperm` of the clips on one GPU (`random_partners`), which
    has one fixed point on average whatever the batch: so many clips get their own
    background back.  `derangement` and `cyclic_partners` have none.
 2. There every query clip is merged; `merge_some` does it with a probability.
 3. There two products are added, here values are selected: the same result, except
    that an infinite value or NaN behind the mask does not leak.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

Clips = Float[Tensor, "b c t h w"]
Masks = (
    Bool[Tensor, "b 1 h w"]
    | Bool[Tensor, "b 1 t h w"]
    | Float[Tensor, "b 1 h w"]
    | Float[Tensor, "b 1 t h w"]
)
Partners = Int[Tensor, " b"] | Float[Tensor, "b c t h w"]


def merge_background(clips: Clips, masks: Masks, partners: Partners) -> Clips:
    """Keep each clip where its mask is true; elsewhere show its partner.

    Args:
        clips: (B, C, T, H, W), any range of values.
        masks: the foreground: bool (B, 1, H, W), the same for all frames, or
            (B, 1, T, H, W), one a frame.  A float mask in [0, 1] blends instead.
        partners: whose background: indices (B,) into `clips`, or clips of the same
            shape, such as the other clip of the same video.

    Returns:
        Merged clips (B, C, T, H, W).

    Raises:
        ValueError: for shapes or types that do not fit; on a CPU, for indices outside
            0 .. B - 1 (a GPU would have to wait to have them read).

    Source: FAME, equation (7).

    >>> clips = torch.stack([torch.zeros(3, 2, 1, 2), torch.ones(3, 2, 1, 2)])
    >>> masks = torch.tensor([[[[True, False]]]]).expand(2, 1, 1, 2)
    >>> merge_background(clips, masks, cyclic_partners(2))[:, 0, 0, 0]
    tensor([[0., 1.],
            [1., 0.]])
    """
    return _merged(clips, _checked_masks(masks, clips), partners)


def merge_some(
    clips: Clips,
    masks: Masks,
    partners: Partners,
    probability: float,
    generator: Generator | None = None,
) -> Clips:
    """Merge each clip with a probability, and leave the others as they are.

    Args:
        clips, masks, partners: as for `merge_background`.
        probability: of a clip to be merged, in [0, 1]; drawn for each clip alone.
        generator: of the draws; without one torch's global generator.

    Returns:
        Clips (B, C, T, H, W).

    Raises:
        ValueError: as `merge_background`; for a probability outside [0, 1].

    >>> clips, masks = torch.rand(4, 3, 2, 5, 5), torch.rand(4, 1, 5, 5) < 0.5
    >>> torch.equal(merge_some(clips, masks, cyclic_partners(4), 0.0), clips)
    True
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1], got {probability}")
    masks = _checked_masks(masks, clips)
    home = clips.device if generator is None else generator.device
    unit = torch.rand(len(clips), generator=generator, device=home).to(clips.device)
    # A clip that is not merged is all foreground: still one selection for the batch.
    left_alone = (unit >= probability)[:, None, None, None, None]
    return _merged(clips, masks.masked_fill(left_alone, True), partners)


def derangement(n: int, generator: Generator | None = None) -> Int[Tensor, " n"]:
    """A random permutation that moves everything: nobody is their own partner.

    All items form one ring in random order, and each gets its neighbour.  So every
    other item is an equally likely partner.  (A ring is one kind of derangement; the
    others, with several rings, are not drawn.  In return nothing is drawn twice.)

    Args:
        n: number of clips, at least 2.
        generator: of the draw; without one torch's global generator.

    Returns:
        Indices (n,) on the generator's device, each of 0 .. n - 1 once, none in its
        own place.

    Raises:
        ValueError: for fewer than two clips.

    >>> partners = derangement(5, torch.Generator().manual_seed(0))
    >>> bool((partners == torch.arange(5)).any()), partners.sort().values.tolist()
    (False, [0, 1, 2, 3, 4])
    """
    _check_number(n, least=2)
    ring = random_partners(n, generator)
    return torch.empty_like(ring).scatter_(0, ring, ring.roll(-1))


def cyclic_partners(
    n: int, shift: int = 1, device: torch.device | str | None = None
) -> Int[Tensor, " n"]:
    """Each clip's partner is the one `shift` places further on in the batch.

    Args:
        n: number of clips, at least 2.
        shift: places, not a multiple of n.
        device: of the indices; default: the CPU.

    Returns:
        Indices (n,).

    Raises:
        ValueError: for fewer than two clips, or if each would be its own partner.

    >>> cyclic_partners(4).tolist()
    [1, 2, 3, 0]
    """
    _check_number(n, least=2)
    if shift % n == 0:
        raise ValueError(f"a shift of {shift} in {n} clips gives each its own back")
    return (torch.arange(n, device=device) + shift) % n


def random_partners(n: int, generator: Generator | None = None) -> Int[Tensor, " n"]:
    """Any random permutation, as in the official code.

    On average one clip, whatever n, is its own partner: it stays as it was.

    Args:
        n: number of clips, at least 1.
        generator: of the draw; without one torch's global generator.

    Returns:
        Indices (n,) on the generator's device.

    Raises:
        ValueError: for no clip.

    Source: FAME's official code.

    >>> random_partners(4).sort().values.tolist()
    [0, 1, 2, 3]
    """
    _check_number(n, least=1)
    device = "cpu" if generator is None else generator.device
    return torch.randperm(n, generator=generator, device=device)


def _merged(clips: Tensor, masks: Tensor, partners: Tensor) -> Tensor:
    other = _backgrounds(clips, partners)
    if masks.dtype == torch.bool:
        # Gathered clips are ours alone: written into, they save a batch of memory.
        gathered = not partners.is_floating_point() and not clips.requires_grad
        ours = gathered and other.stride() == clips.stride()
        return torch.where(masks, clips, other, out=other if ours else None)
    return torch.lerp(clips, other, 1 - masks.to(clips.dtype))


def _check_number(n: int, least: int) -> None:
    if n < least:
        raise ValueError(f"partners need at least {least} clips, got {n}")


def _checked_masks(masks: Tensor, clips: Tensor) -> Tensor:
    """Masks with an axis of frames, (B, 1, 1 or T, H, W)."""
    if clips.ndim != 5 or not clips.is_floating_point():
        raise ValueError(
            f"clips must be float (B, C, T, H, W), got {tuple(clips.shape)} "
            f"{clips.dtype}"
        )
    batch, _, frames, height, width = clips.shape
    fitting = ((batch, 1, height, width), (batch, 1, frames, height, width))
    is_mask = masks.dtype == torch.bool or masks.is_floating_point()
    if masks.shape not in fitting or not is_mask:
        raise ValueError(
            f"masks of clips {tuple(clips.shape)} are bool or float, {fitting[0]} or "
            f"{fitting[1]}, got {tuple(masks.shape)} {masks.dtype}"
        )
    return masks[:, :, None] if masks.ndim == 4 else masks


def _backgrounds(clips: Tensor, partners: Tensor) -> Tensor:
    if partners.is_floating_point():
        if partners.shape != clips.shape:
            raise ValueError(
                f"partner clips must be {tuple(clips.shape)} like the clips, got "
                f"{tuple(partners.shape)}"
            )
        return partners.to(clips)
    if partners.dtype == torch.bool or partners.shape != clips.shape[:1]:
        raise ValueError(
            f"partners must be {len(clips)} indices or clips, got "
            f"{tuple(partners.shape)} {partners.dtype}"
        )
    if partners.device.type == "cpu" and len(partners):
        low, high = partners.min().item(), partners.max().item()
        if low < 0 or high >= len(clips):
            raise ValueError(f"partners are 0 .. {len(clips) - 1}, got {low} .. {high}")
    # Not blocking: a GPU need not have finished its work when indices are sent to it.
    partners = partners.to(clips.device, non_blocking=clips.is_cuda)
    return clips.index_select(0, partners)
