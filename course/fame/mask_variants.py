"""Plainer masks that the paper compares its own with: Gauss, Seed and Grid.

Source: Ding et al., CVPR 2022, the ablation of the mask.  Known from secondary sources:
Gauss is a fixed Gaussian in the middle; Seed the top share of equation 1's map; Grid
sums that map over 4 x 4 cells and keeps 8 of the 16.  Here all are binary.  The random
blob is ours: the Gaussian at a random place, a control for "things are in the middle".
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from course.fame.clip_checks import check_clips, check_rgb, check_share, wide
from course.fame.ranking import top_pixels, top_share
from course.fame.seed import motion_seed, smoothed

Clips = Float[Tensor, "B 3 T H W"]
Masks = Bool[Tensor, "B 1 H W"]


def gauss_mask(clips: Clips, beta: float = 0.5, inverse: bool = False) -> Masks:
    """Mark the middle of the frame, the top share of a Gaussian, whatever is there.

    Args:
        clips: only their size matters.
        beta: share of the area, 0 to 1.
        inverse: mark the rim instead, where the Gaussian is smallest.

    Returns:
        masks of int(beta * H * W) pixels, an ellipse of the frame's proportions.

    Raises:
        ValueError: for clips that are not float (B, C, T, H, W), a beta outside [0, 1].

    Source: the paper's variant Gauss.

    >>> gauss_mask(torch.zeros(1, 3, 2, 4, 4), 0.25)[0, 0].int().tolist()
    [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    check_clips(clips)
    centres = torch.full((len(clips), 2), 0.5, device=clips.device)
    bumps = gaussians_at(centres, *clips.shape[-2:])
    return top_share(-bumps if inverse else bumps, beta)[:, None]


def random_blob_mask(
    clips: Clips, beta: float = 0.5, generator: Generator | None = None
) -> Masks:
    """Mark the Gaussian's ellipse around a random place, another one for each clip.

    Args:
        clips: only their size matters.
        beta: share of the area, 0 to 1.
        generator: of the places; with one on the CPU every device draws alike.  None
            is torch's own, of the clips' device.

    Returns:
        masks of int(beta * H * W) pixels; near the border the ellipse is cut, and
        larger instead.

    Raises:
        ValueError: for clips that are not float (B, C, T, H, W), a beta outside [0, 1].

    Source: ours.

    >>> masks = random_blob_mask(torch.zeros(2, 3, 2, 8, 8), 0.25)
    >>> masks.sum((1, 2, 3)).tolist()
    [16, 16]
    """
    check_clips(clips)
    home = clips.device if generator is None else generator.device
    centres = torch.rand(len(clips), 2, generator=generator, device=home)
    bumps = gaussians_at(centres.to(clips.device), *clips.shape[-2:])
    return top_share(bumps, beta)[:, None]


def seed_mask(
    clips: Clips, beta: float = 0.5, smooth: bool = False, kernel: int | None = None
) -> Masks:
    """Mark the pixels that change most, without looking at colours.

    Args:
        clips: RGB in [0, 1], two frames or more.
        beta: share of the area, 0 to 1.
        smooth: smooth the seed first, as the official code does before sampling.
        kernel: of that, see `smoothed`.

    Returns:
        masks of int(beta * H * W) pixels.

    Raises:
        ValueError: as `foreground_mask`.

    Source: the paper's variant Seed, the top beta of equation 1.

    >>> clips = torch.zeros(1, 3, 2, 1, 4)
    >>> clips[:, :, 1, 0, 1:3] = 1.0
    >>> seed_mask(clips, 0.5)[0, 0].int().tolist()
    [[0, 1, 1, 0]]
    """
    check_rgb(clips)
    seed = motion_seed(clips)
    return top_share(smoothed(seed, kernel) if smooth else seed, beta)[:, None]


def grid_mask(clips: Clips, beta: float = 0.5, grid: int = 4) -> Masks:
    """Mark whole cells of a grid, those that change most.

    Args:
        clips: RGB in [0, 1], two frames or more.
        beta: share of the cells, 0 to 1: int(beta * grid ** 2) are kept.
        grid: cells along each side; where it does not divide the frame, some cells are
            a pixel wider.

    Returns:
        masks; the area is exact in cells.

    Raises:
        ValueError: as `foreground_mask`; for a grid finer than the pixels.

    Source: the paper's variant Grid, 8 of 4 x 4 cells.

    >>> clips = torch.zeros(1, 3, 2, 4, 4)
    >>> clips[:, :, 1, 3, 3] = 1.0
    >>> grid_mask(clips, 0.25, grid=2)[0, 0].int().tolist()
    [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    """
    check_rgb(clips)
    share = check_share("beta", beta)
    height, width = clips.shape[-2:]
    if grid != int(grid) or not 1 <= grid <= min(height, width):
        found = f"{grid!r} for frames of {height} x {width}"
        raise ValueError(f"grid must be a whole number of cells, got {found}")
    rows, columns = (_cell_of(side, grid, clips.device) for side in (height, width))
    pooled = _pooled(motion_seed(clips), rows, columns, grid)
    kept = top_pixels(pooled, int(share * grid * grid))
    return kept[:, rows][:, :, columns][:, None]


def gaussians_at(
    centres: Float[Tensor, "B 2"], height: int, width: int, sigma: float = 0.25
) -> Float[Tensor, "B H W"]:
    """Draw one Gaussian a clip, stretched as the frame is.

    Args:
        centres: (y, x) as shares of the frame, 0.5 its middle.
        height, width: px.
        sigma: as a share of each side.

    Returns:
        maps with peaks of 1 at most.

    >>> gaussians_at(torch.tensor([[0.5, 0.5]]), 3, 3)[0, 1]
    tensor([0.4111, 1.0000, 0.4111])
    """
    lines = []
    for axis, side in enumerate((height, width)):
        places = torch.arange(side, device=centres.device, dtype=centres.dtype)
        away = (places + 0.5) / side - centres[:, axis, None]
        lines.append(torch.exp(-0.5 * (away / sigma) ** 2))
    return lines[0][:, :, None] * lines[1][:, None, :]


def _cell_of(side: int, grid: int, device: torch.device) -> Tensor:
    """Which cell each row, or column, belongs to."""
    return torch.arange(side, device=device) * grid // side


def _pooled(maps: Tensor, rows: Tensor, columns: Tensor, grid: int) -> Tensor:
    """Sum over cells, as two products with ones and zeros."""
    numbers = torch.arange(grid, device=maps.device)[:, None]
    exact = wide(maps)
    by_row, by_column = (wide(numbers == line) for line in (rows, columns))
    return by_row @ exact @ by_column.T
