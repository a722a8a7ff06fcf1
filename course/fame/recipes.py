"""The settings of a foreground mask: the paper's equations, and the official code's.

What the official code adds to the equations is an option each, so that every step can
be switched alone:

| option | paper's equations | official code |
|---|---|---|
| smooth_seed | no | Gaussian, then stretched to [0, 1] |
| background_pseudo_count | 0 | 1 in each of the 1000 cells |
| hue | the angle | the angle times 2 pi (a defect, see `colours`) |
| smooth_posterior | no | Gaussian, then stretched to [0, 1] |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from course.fame.clip_checks import check_share
from course.fame.colours import HUES, MOST_BINS, quantise_hsv, quantise_rgb

COLOURS = ("hsv", "rgb")


@dataclass(frozen=True)
class Recipe:
    """How a foreground mask is made.

    Args:
        foreground_share: of the pixels, those that change most are the foreground
            sample.
        background_share: those that change least are the background sample.
        smooth_seed: smooth equation 1's map and stretch it to [0, 1] before sampling.
        smooth_posterior: the same to the posterior before the mask is cut.
        kernel: width of the Gaussian in px, odd; None is a tenth of the shorter side.
        colours: "hsv", the disc of hue and saturation with the value, or "rgb".
        bins: levels along each axis of the colour space.
        hue: "once" or "official", see `colours`.
        foreground_pseudo_count: added to each cell of the foreground's histogram.
        background_pseudo_count: added to each cell of the background's.
        prior: probability of foreground before the colour is seen.

    Raises:
        ValueError: naming the option that makes no sense.

    >>> Recipe(bins=6).cells
    216
    >>> Recipe(prior=1.0)
    Traceback (most recent call last):
    ValueError: prior must lie between 0 and 1, got 1.0
    """

    foreground_share: float = 0.5
    background_share: float = 0.1
    smooth_seed: bool = False
    smooth_posterior: bool = False
    kernel: int | None = None
    colours: str = "hsv"
    bins: int = 10
    hue: str = "once"
    foreground_pseudo_count: float = 0.0
    background_pseudo_count: float = 0.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        shares = [
            check_share(name, getattr(self, name))
            for name in ("foreground_share", "background_share")
        ]
        if sum(shares) > 1 + 1e-9:
            raise ValueError(
                f"the two samples must not overlap, got shares of {shares[0]:g} "
                f"and {shares[1]:g}"
            )
        if self.colours not in COLOURS or self.hue not in HUES:
            options = f"colours is one of {COLOURS}, hue one of {HUES}"
            raise ValueError(f"{options}; got {self.colours!r} and {self.hue!r}")
        least = 2 if self.colours == "hsv" else 1
        if self.bins != int(self.bins) or not least <= self.bins <= MOST_BINS:
            wanted = f"a whole number from {least} to {MOST_BINS}"
            raise ValueError(f"bins must be {wanted}, got {self.bins!r}")
        if not 0 < self.prior < 1:
            raise ValueError(f"prior must lie between 0 and 1, got {self.prior!r}")
        for name in ("foreground_pseudo_count", "background_pseudo_count"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)!r}")

    @property
    def cells(self) -> int:
        """How many colour cells there are."""
        return self.bins**3

    def quantise(self, frames: Float[Tensor, "B 3 H W"]) -> Int[Tensor, "B H W"]:
        """Number the colour cell of each pixel."""
        if self.colours == "rgb":
            return quantise_rgb(frames, self.bins)
        return quantise_hsv(frames, self.bins, self.hue)


RECIPES = {
    "paper": Recipe(),
    "official": Recipe(
        smooth_seed=True,
        smooth_posterior=True,
        hue="official",
        background_pseudo_count=1.0,
    ),
}


def recipe_of(recipe: str | Recipe, **options) -> Recipe:
    """Look up a recipe and change single options of it.

    Args:
        recipe: "paper", "official", or a recipe of one's own.
        options: fields of `Recipe` that shall be otherwise.

    Returns:
        The recipe with these options.

    Raises:
        ValueError: for an unknown recipe or option, or one that makes no sense.

    >>> recipe_of("official", hue="once").background_pseudo_count
    1.0
    """
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise ValueError(
                f"recipe must be one of {_listed(RECIPES)}; got {recipe!r}"
            )
        recipe = RECIPES[recipe]
    known = [field.name for field in dataclasses.fields(Recipe)]
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"no option {_listed(unknown)}; there are {_listed(known)}")
    return dataclasses.replace(recipe, **options)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
