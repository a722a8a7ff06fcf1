"""Where something moves: the seed of the foreground, from differences of frames.

Source: Ding et al., CVPR 2022, equation 1,

    S = 1 / (T - 1) * sum over c and t of | X[c, t+1] - X[c, t] |,

the mean over time of the L1 norm over colours.  The official code goes on: it smooths S
with a Gaussian and stretches it to [0, 1] (`smoothed`, `to_unit`); neither is in the
equation.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from course.fame.clip_checks import check_clips, wide
from course.fame.ranking import check_maps


def motion_seed(clips: Float[Tensor, "B C T H W"]) -> Float[Tensor, "B H W"]:
    """Measure how much each pixel changes from frame to frame.

    Args:
        clips: any number of channels, two frames or more.

    Returns:
        mean absolute change a frame, summed over channels, 0 to C; float32 for half
        precision.

    Raises:
        ValueError: for clips that are not floating point (B, C, T, H, W), or of one
            frame.

    Source: equation 1.

    >>> clips = torch.zeros(1, 3, 3, 1, 2)
    >>> clips[:, :, 1, 0, 1] = 0.5  # all three colours go up and down again
    >>> motion_seed(clips)
    tensor([[[0.0000, 1.5000]]])
    """
    check_clips(clips)
    if clips.dtype in (torch.float16, torch.bfloat16):
        clips = clips.float()
    steps = clips.shape[2] - 1
    if clips.device.type != "cpu":
        change = clips[:, :, 1:] - clips[:, :, :-1]
        return change.abs_().sum((1, 2)) / steps
    # One channel of one frame at a time stays in a CPU's cache, several times as fast
    # as differences of whole clips; a GPU wants few large operations instead.
    total = torch.zeros_like(clips[:, 0, 0])
    for channel in clips.unbind(1):
        for before, after in pairwise(channel.unbind(1)):
            total += (after - before).abs_()
    return total / steps


def kernel_for(height: int, width: int) -> int:
    """Tell how wide the official code makes its Gaussian.

    Args:
        height, width: of the frame, px.

    Returns:
        px, an odd number near a tenth of the shorter side: 11 for 112, 23 for 224.

    >>> [kernel_for(side, side) for side in (8, 24, 64, 112, 224)]
    [1, 3, 7, 11, 23]
    """
    return int(0.1 * min(height, width)) // 2 * 2 + 1


def smoothed(
    maps: Float[Tensor, "B H W"],
    kernel: int | None = None,
    sigma: float | None = None,
) -> Float[Tensor, "B H W"]:
    """Smooth maps with a Gaussian; at the border the map is mirrored.

    Args:
        maps: one a clip.
        kernel: width of the window in px, odd; None is `kernel_for` the frame.
        sigma: of the Gaussian in px; None is a third of the kernel.

    Returns:
        maps of the same type.

    Raises:
        ValueError: for maps that are not (B, H, W), a kernel that is even or reaches
            beyond the mirrored map, or a sigma that is no positive number.

    Source: the official code; not in the equations.

    >>> maps = torch.zeros(1, 5, 5)
    >>> maps[0, 2, 2] = 1.0
    >>> smoothed(maps, kernel=3)[0, 2]  # exp(-1 / 2) beside 1, all divided by their sum
    tensor([0.0000, 0.1238, 0.2042, 0.1238, 0.0000])
    """
    check_maps(maps)
    height, width = maps.shape[1:]
    kernel = kernel_for(height, width) if kernel is None else kernel
    if kernel % 2 != 1 or not 0 < kernel < 2 * min(height, width):
        found = f"{kernel} for maps of {height} x {width}"
        raise ValueError(f"kernel must be odd and below twice the side, got {found}")
    sigma = kernel / 3 if sigma is None else sigma
    if not sigma > 0:
        raise ValueError(f"sigma must be a number greater than 0, got {sigma!r}")
    reach = kernel // 2
    window = [math.exp(-0.5 * (away / sigma) ** 2) for away in range(reach + 1)]
    total = window[0] + 2 * sum(window[1:])
    window = [weight / total for weight in window]
    return _blurred(_blurred(wide(maps), 1, window), 2, window).to(maps.dtype)


def to_unit(maps: Float[Tensor, "B H W"]) -> Float[Tensor, "B H W"]:
    """Stretch each map so that its smallest pixel is 0 and its largest 1.

    Args:
        maps: one a clip; a map of equal pixels becomes 0.

    Returns:
        maps in [0, 1].

    Raises:
        ValueError: for maps that are not (B, H, W).

    >>> to_unit(torch.tensor([[[2.0, 3.0, 6.0]]]))
    tensor([[[0.0000, 0.2500, 1.0000]]])
    """
    check_maps(maps)
    least, most = maps.amin((1, 2), True), maps.amax((1, 2), True)
    span = most - least
    return (maps - least) / torch.where(span > 0, span, 1)


def _blurred(maps: Tensor, dim: int, window: list[float]) -> Tensor:
    """Add shifted maps along one axis, each with its weight.

    Faster than a convolution on a CPU; and no setting of torch's, such as TF32 or
    autocast, makes plain sums inexact.
    """
    reach, side = len(window) - 1, maps.shape[dim]
    border = (0, 0, reach, reach) if dim == 1 else (reach, reach, 0, 0)
    mirrored = pad(maps[:, None], border, mode="reflect")[:, 0]
    result = mirrored.narrow(dim, reach, side) * window[0]
    for away, weight in enumerate(window[1:], 1):
        for start in (reach - away, reach + away):
            result.add_(mirrored.narrow(dim, start, side), alpha=weight)
    return result
