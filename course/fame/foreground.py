"""FAME's foreground mask: what moves teaches which colours are foreground.

Source: Ding et al., CVPR 2022, equations 1 to 6.

    (1) seed         S: how much a pixel changes                     (`seed`)
    (2) samples      F: the 50 % that change most, B: the 10 % least (`ranking`)
    (3) likelihoods  P(x|F) = N_x^F / N^F,  P(x|B) = N_x^B / N^B     (`colours`)
    (4) posterior    P(F|x) = P(x|F) P(F) / (P(x|F) P(F) + P(x|B) P(B))
    (5) soft mask    M = P(F|x) of each pixel's colour
    (6) binary mask  1 on the top beta of M

x is the colour of the pixel in the mean frame of the clip, one mask for all frames.

What the official code adds is in `recipes`.  Differences that remain: of equal pixels
the first in reading order is taken; the posterior and the smoothing are float64, so
that the last bit of a processor's arithmetic does not decide about pixels.  As there, a
colour that neither sample holds (0/0 in equation 4) counts as background.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course.fame.clip_checks import check_rgb, check_share, wide
from course.fame.colours import mean_frame
from course.fame.ranking import top_pixels, top_share
from course.fame.recipes import Recipe, recipe_of
from course.fame.seed import motion_seed, smoothed, to_unit


@dataclass(frozen=True)
class Posterior:
    """Every step on the way to a mask, for a batch of B clips.

    `seed` is equation 1's map; `ranked_seed` what the samples were taken from (smoothed
    and stretched, or the same).  `posterior` is equation 4 at each pixel, float64;
    `soft` what the mask is cut from (smoothed and stretched, or the same).
    """

    recipe: Recipe
    seed: Float[Tensor, "B H W"]
    ranked_seed: Float[Tensor, "B H W"]
    foreground: Bool[Tensor, "B H W"]  # the samples of equation 2
    background: Bool[Tensor, "B H W"]
    mean_frame: Float[Tensor, "B 3 H W"]
    cells: Int[Tensor, "B H W"]  # of the mean frame's colours
    foreground_counts: Int[Tensor, "B cells"]  # the sample's pixels in each cell
    background_counts: Int[Tensor, "B cells"]
    posterior: Float[Tensor, "B H W"]
    soft: Float[Tensor, "B H W"]

    @property
    def foreground_likelihood(self) -> Float[Tensor, "B cells"]:
        """P(x|F) of equation 3; each row sums to one."""
        pseudo = self.recipe.foreground_pseudo_count
        return _likelihood(self.foreground_counts, pseudo)

    @property
    def background_likelihood(self) -> Float[Tensor, "B cells"]:
        """P(x|B) of equation 3; each row sums to one."""
        pseudo = self.recipe.background_pseudo_count
        return _likelihood(self.background_counts, pseudo)

    def mask(self, beta: float = 0.5) -> Bool[Tensor, "B 1 H W"]:
        """Equation 6: the top share `beta` of the soft mask."""
        return top_share(self.soft, beta)[:, None]


def foreground_mask(
    clips: Float[Tensor, "B 3 T H W"],
    beta: float = 0.5,
    recipe: str | Recipe = "paper",
    **options,
) -> Bool[Tensor, "B 1 H W"]:
    """Mark the share of the frame that is most likely foreground, by colour and motion.

    Args:
        clips: RGB in [0, 1], two frames or more; any one size.
        beta: share of the area, 0 (nothing) to 1 (everything).
        recipe: "paper", the equations; "official", the released code; or a `Recipe`.
        options: fields of `Recipe` to change, for instance `hue="once"`.

    Returns:
        masks, one for all frames of a clip, of exactly int(beta * H * W) pixels.

    Raises:
        ValueError: for clips that are not float (B, 3, T, H, W) with two frames, or not
            in [0, 1] (looked at on a CPU only); for a beta outside [0, 1]; for an
            unknown recipe or option.

    Source: equations 1 to 6.

    >>> clips = torch.full((1, 3, 4, 8, 8), 0.2)
    >>> for t in range(4):  # a red square walks over grey
    ...     clips[0, 0, t, 2:5, t : t + 3] = 0.9
    >>> mask = foreground_mask(clips, beta=0.25)
    >>> mask.shape, int(mask.sum()), mask[0, 0, 2:5, :6].float().mean().item() > 0.8
    (torch.Size([1, 1, 8, 8]), 16, True)
    """
    check_share("beta", beta)
    return foreground_posterior(clips, recipe, **options).mask(beta)


@torch.no_grad()
def foreground_posterior(
    clips: Float[Tensor, "B 3 T H W"], recipe: str | Recipe = "paper", **options
) -> Posterior:
    """Compute how likely each pixel is foreground, and keep every step.

    Args:
        clips, recipe, options: see `foreground_mask`.

    Returns:
        the steps; nothing in them has a gradient.

    Raises:
        ValueError: as `foreground_mask`; for frames so small that a sample is empty.

    Source: equations 1 to 5.

    >>> steps = foreground_posterior(torch.rand(2, 3, 4, 16, 16), bins=4)
    >>> steps.foreground.sum((1, 2)).tolist(), steps.background_counts.sum(1).tolist()
    ([128, 128], [25, 25])
    >>> steps.cells.shape, steps.foreground_counts.shape
    (torch.Size([2, 16, 16]), torch.Size([2, 64]))
    """
    chosen = recipe_of(recipe, **options)
    check_rgb(clips)
    clips = clips if clips.dtype in (torch.float32, torch.float64) else clips.float()
    seed, frame = motion_seed(clips), mean_frame(clips)
    ranked = _smooth(seed, chosen.kernel) if chosen.smooth_seed else seed
    foreground, background = _samples(ranked, chosen)
    cells = chosen.quantise(frame)
    counts = _histograms(cells, foreground, background, chosen.cells)
    posterior = _posterior_of_cells(*counts, chosen).gather(1, cells.flatten(1))
    posterior = posterior.view(cells.shape)
    soft = posterior
    if chosen.smooth_posterior:
        soft = _smooth(posterior.to(seed.dtype), chosen.kernel)
    return Posterior(
        chosen,
        seed,
        ranked,
        foreground,
        background,
        frame,
        cells,
        *counts,
        posterior,
        soft,
    )


def _smooth(maps: Tensor, kernel: int | None) -> Tensor:
    return to_unit(smoothed(maps, kernel))


def _samples(ranked: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Equation 2; of equal pixels the first are foreground, the last background."""
    pixels = ranked.shape[1] * ranked.shape[2]
    many = int(recipe.foreground_share * pixels)
    few = int(recipe.background_share * pixels)
    if many == 0 or few == 0:
        size = f"{ranked.shape[1]} x {ranked.shape[2]}"
        raise ValueError(
            f"samples of {many} foreground and {few} background pixels from frames "
            f"of {size}: both need at least one"
        )
    return top_pixels(ranked, many), ~top_pixels(ranked, pixels - few)


def _histograms(
    cells: Tensor, foreground: Tensor, background: Tensor, number: int
) -> tuple[Int[Tensor, "B cells"], Int[Tensor, "B cells"]]:
    """Count the samples' colours in one pass: cells of F first, of B behind them.

    Whole numbers add up to the same in any order, so a GPU counts as a CPU does.
    """
    place = (cells + number * background).flatten(1)
    sampled = (foreground | background).flatten(1).to(torch.int64)
    counts = sampled.new_zeros(len(cells), 2 * number).scatter_add_(1, place, sampled)
    return counts[:, :number], counts[:, number:]


def _posterior_of_cells(
    foreground_counts: Tensor, background_counts: Tensor, recipe: Recipe
) -> Float[Tensor, "B cells"]:
    """Equations 3 and 4 for each colour.

    With n pixels of a colour in F and m in B, P(F|x) = 1 / (1 + (m / n) * c), where c
    is the same for all colours.  Written so, colours of equal m / n get equal numbers
    to the last bit whatever the prior, and the prior cannot change their ranking.
    """
    n = wide(foreground_counts) + recipe.foreground_pseudo_count
    m = wide(background_counts) + recipe.background_pseudo_count
    odds = (1 - recipe.prior) / recipe.prior
    constant = n.sum(1, keepdim=True) / m.sum(1, keepdim=True) * odds
    return torch.where(n > 0, 1 / (1 + m / n * constant), 0.0)


def _likelihood(counts: Tensor, pseudo: float) -> Tensor:
    raised = wide(counts) + pseudo
    return raised / raised.sum(1, keepdim=True)
