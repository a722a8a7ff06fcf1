"""Background Erasing, the baseline: a still frame of the clip is added to all frames.

Source: BE (Wang et al., CVPR 2021), which FAME compares itself with.  With x_k one
random frame of the same clip:

    X'_t = (1 - lambda) X_t + lambda x_k,          lambda ~ U(0, gamma)

and the features of X' are pulled to those of X.  Three facts follow from the formula:

    X'_{t+1} - X'_t = (1 - lambda) (X_{t+1} - X_t): the added frame cancels in time, so
        FAME's motion seed is the same for X' and X once it is scaled to [0, 1];
    the *apparent motion* is not kept, since gradients over space get a second part,
        lambda times those of x_k, that does not move along;
    the clip keeps its own background, which becomes less reliable, not foreign.

The official code contrasts with a queue, temperature 0.07, and with one more explicit
negative: another span of time of the same video.

Known differences from the official code: there lambda is drawn once a batch (`shared`),
here by default for each clip; k is drawn for each clip in both.  A further loss on
clips played backwards is commented out there, and absent here.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from course.fame.contrast import in_batch_contrast, info_nce

Clips = Float[Tensor, "b c t h w"]


def add_still(
    clips: Clips, frames: Int[Tensor, " b"], strength: Float[Tensor, " b"] | float
) -> Clips:
    """Blend one frame of each clip into all its frames.

    Args:
        clips: (B, C, T, H, W).
        frames: which frame of each clip, (B,), 0 .. T - 1.
        strength: lambda, its share, for each clip (B,) or for all.

    Returns:
        Clips (B, C, T, H, W), in the range of the old ones.

    Raises:
        ValueError: for shapes that do not fit; for a strength or, on a CPU, for frames
            out of range.

    Source: BE's distracted video.

    >>> clip = torch.tensor([0.0, 1.0]).view(1, 1, 2, 1, 1)  # dark, then bright
    >>> add_still(clip, torch.tensor([0]), 0.25).flatten().tolist()
    [0.0, 0.75]
    """
    _check_clips(clips)
    batch, _, length = clips.shape[:3]
    if frames.shape != (batch,) or frames.is_floating_point():
        raise ValueError(
            f"frames must be {batch} indices, got {tuple(frames.shape)} {frames.dtype}"
        )
    _check_range("frames", frames, 0, length - 1)
    frames = frames.to(clips.device)
    still = clips[torch.arange(batch, device=clips.device), :, frames, None]
    return torch.lerp(clips, still, _shares(strength, clips))


def erase_background(
    clips: Clips,
    gamma: float = 0.3,
    generator: Generator | None = None,
    *,
    strength: float | Float[Tensor, " b"] | None = None,
    frames: Int[Tensor, " b"] | None = None,
    shared: bool = False,
) -> Clips:
    """Add a random frame of each clip to all its frames, with a random strength.

    Args:
        clips: (B, C, T, H, W).
        gamma: the largest lambda, in [0, 1]; lambda is uniform from 0 to there.
        generator: of the draws; without one torch's global generator.
        strength: lambda itself, instead of draws.
        frames: which frame of each clip (B,), instead of draws.
        shared: draw one lambda for the whole batch, as in the official code.

    Returns:
        Clips (B, C, T, H, W).

    Raises:
        ValueError: for a gamma outside [0, 1]; as `add_still`.

    Source: BE; gamma 0.3 is the official code's.

    >>> clips = torch.rand(2, 3, 4, 8, 8)
    >>> erased = erase_background(clips, strength=0.5)
    >>> torch.allclose(erased.diff(dim=2), 0.5 * clips.diff(dim=2), atol=1e-6)
    True
    """
    _check_clips(clips)
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be in [0, 1], got {gamma}")
    batch, _, length = clips.shape[:3]
    home = clips.device if generator is None else generator.device
    # Both are drawn even where one is given: it then changes nothing else.
    unit = torch.rand(1 if shared else batch, generator=generator, device=home)
    drawn = torch.randint(length, (batch,), generator=generator, device=home)
    strength = gamma * unit.expand(batch) if strength is None else strength
    return add_still(clips, drawn if frames is None else frames, strength)


def background_erasing_loss(
    anchors: Float[Tensor, "b d"],
    positives: Float[Tensor, "b d"],
    same_video: Float[Tensor, "b d"] | None = None,
    negatives: Float[Tensor, "k d"] | None = None,
    temperature: float = 0.07,
) -> Float[Tensor, ""]:
    """Pull a clip with a still frame added to the clip, away from its video's others.

    What anchor and negative share is the background, so the background alone cannot
    tell the positive from it.

    Args:
        anchors: features of the distracted clips, (B, D).
        positives: of the same spans of time, augmented anew, (B, D).
        same_video: of another span of each video, (B, D): one more negative for the
            clip of that video only.  None leaves it out.
        negatives: of other videos, (K, D), for instance a queue.  Without them the rest
            of the batch serves, in both directions (`in_batch_contrast`).
        temperature: positive.

    Returns:
        The batch's mean in nats.

    Raises:
        ValueError: for shapes that do not fit, or a temperature that is not positive.

    Source: BE's official code.

    >>> x, y = torch.eye(4), torch.eye(4).roll(1, 0)
    >>> plain, loss = (background_erasing_loss(x, x, v) for v in (None, x))
    >>> round(plain.item(), 4), round(loss.item(), 4)  # about 0 and ln 2
    (0.0, 0.6931)
    """
    own = None if same_video is None else same_video[:, None]
    if negatives is None:
        return in_batch_contrast(anchors, positives, temperature, own)
    return info_nce(anchors, positives, negatives, temperature, own)


def _check_clips(clips: Tensor) -> None:
    if clips.ndim != 5 or 0 in clips.shape or not clips.is_floating_point():
        raise ValueError(
            f"clips must be float (B, C, T, H, W), got {tuple(clips.shape)} "
            f"{clips.dtype}"
        )


def _check_range(name: str, values: Tensor, low: float, high: float) -> None:
    """On the CPU only: reading values would make a GPU wait."""
    if values.device.type == "cpu":
        least, most = values.min().item(), values.max().item()
        if not low <= least <= most <= high:
            raise ValueError(f"{name} must be {low} .. {high}, got {least} .. {most}")


def _shares(strength: float | Tensor, clips: Tensor) -> Tensor:
    """Lambda of each clip, (B, 1, 1, 1, 1)."""
    if not isinstance(strength, Tensor):
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be in [0, 1], got {strength}")
        strength = torch.full((len(clips),), strength, device=clips.device)
    if strength.shape != clips.shape[:1]:
        raise ValueError(
            f"strength must be one number or {len(clips)}, got {tuple(strength.shape)}"
        )
    _check_range("strength", strength, 0.0, 1.0)
    return strength.to(clips)[:, None, None, None, None]
