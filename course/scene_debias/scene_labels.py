"""Pseudo scene labels: what a still-image classifier says of a clip's frames.

SDN (Choi et al., "Why Can't I Dance in the Mall?", NeurIPS 2019), its method section:
videos carry no scene labels, so a network trained on Places365 names the scene of some
frames.  The SOFT label is the mean of its probabilities, the HARD one a majority vote.

How wrong may such labels be?  A classifier that errs is a table of confusion: in row s,
column n stands how probable it is that scene s is named n.  `uniform_noise`,
`confusable_noise` and `merged` are such tables, `draw_names` errs by one of them, and
`calibrated` gives the probabilities of a classifier that knows how it errs.

Known difference from the official code: a tied vote goes to the smaller index, always.
Labels are indices; Places365's names are read from its own file, which stays outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course.draws import Draws

# Of categories_places365.txt, 365 lines such as "/a/airfield 0".
NAMES_SHA256 = "2affba635eb657e7ca95f4e6cc69bd9fac29ef4c32aeb83cafdfcd06ec6a1ea6"


def soft_label(probabilities: Float[Tensor, "*b f m"]) -> Float[Tensor, "*b m"]:
    """The mean of the frames' probabilities: it keeps every scene that is plausible.

    Args:
        probabilities: of M scenes for each of F frames, with or without a batch.

    Returns:
        A distribution over the scenes.

    Raises:
        ValueError: unless each frame's numbers are a distribution.

    Source: SDN, its pseudo scene labels.

    >>> soft_label(torch.tensor([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]))
    tensor([0.5000, 0.5000])
    """
    _check_distributions(probabilities)
    return probabilities.mean(dim=-2)


def hard_label(probabilities: Float[Tensor, "*b f m"]) -> Int[Tensor, "*b"]:
    """The scene that most frames put first; a tie goes to the smaller index.

    Arguments, errors and source as `soft_label`.

    Returns:
        Scene indices, int64.

    >>> hard_label(torch.tensor([[0.0, 1.0], [0.6, 0.4], [0.6, 0.4]])).item()
    0
    """
    return _votes(probabilities).argmax(dim=-1)


def frame_agreement(probabilities: Float[Tensor, "*b f m"]) -> Float[Tensor, "*b"]:
    """The share of frames that name the hard label; no truth is needed to know it.

    Arguments and errors as `soft_label`; shares lie in (0, 1].

    >>> frame_agreement(torch.eye(4)).item()
    0.25
    """
    votes = _votes(probabilities)
    return votes.amax(dim=-1) / votes.sum(dim=-1)


def uniform_noise(scenes: int, share: float) -> Float[Tensor, "m m"]:
    """With probability `share` any scene is named, the right one among them.

    Args:
        scenes: number of scenes M.
        share: 0 never errs, 1 guesses.

    Returns:
        The table of confusion; names are right with probability 1 - share + share / M.

    Raises:
        ValueError: without scenes, or for a share outside [0, 1].

    >>> uniform_noise(2, 0.5).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    _check_noise(scenes, share)
    return (1 - share) * torch.eye(scenes) + share / scenes


def confusable_noise(
    scenes: int, share: float, partners: Sequence[int] | None = None
) -> Float[Tensor, "m m"]:
    """With probability `share` a scene is taken for the one it looks like.

    Args:
        scenes, share: number of scenes M, and how often the partner is named instead.
        partners: each scene's partner; by default 0 and 1, 2 and 3, ... are pairs, and
            an odd last one stays alone.

    Returns:
        The table of confusion.

    Raises:
        ValueError: as `uniform_noise`, and for partners that are not M scenes.

    >>> confusable_noise(2, 0.25).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    _check_noise(scenes, share)
    if partners is None:
        partners = [min(scene ^ 1, scenes - 1) for scene in range(scenes)]
    if len(partners) != scenes or any(not 0 <= p < scenes for p in partners):
        raise ValueError(f"partners must be {scenes} scenes, got {list(partners)}")
    exact = torch.eye(scenes)
    return (1 - share) * exact + share * exact[list(partners)]


def merged(scenes: int) -> Float[Tensor, "m m"]:
    """Scenes 0 and 1 go by one name, the first's; so do 2 and 3, and so on.

    Argument, result and errors as `uniform_noise`.

    >>> merged(3).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _check_noise(scenes, 0.0)
    return torch.eye(scenes)[torch.arange(scenes) // 2 * 2]


def draw_names(
    labels: Int[Tensor, "*n"], confusion: Float[Tensor, "m m"], seed: int = 0
) -> Int[Tensor, "*n"]:
    """Name true scenes as a classifier with this table of confusion would.

    A draw depends on the seed and the label's place alone: with more noise of one kind
    every label that was wrong stays wrong, which makes comparisons paired.

    Args:
        labels: true scenes, (N,), or (N, F) to err anew in every frame.
        confusion: the table.
        seed: of the draws.

    Returns:
        Named scenes of the labels' shape and device, int64.

    Raises:
        ValueError: for a table that is none, or labels outside it.

    >>> draw_names(torch.tensor([0, 1, 2, 3]), merged(4)).tolist()
    [0, 0, 2, 2]
    """
    _check_table(labels, confusion)
    table, true = confusion.double().cpu(), labels.reshape(-1).cpu().long()
    draws = Draws(seed, np.arange(len(true)), "scene names/")
    stays = torch.from_numpy(draws.uniform("stays")) < table[true, true]
    steps = (table * (1 - torch.eye(len(table))))[true].cumsum(dim=1)
    where = torch.from_numpy(draws.uniform("other"))[:, None] * steps[:, -1:]
    other = (steps <= where).sum(dim=1).clamp(max=len(table) - 1)
    return torch.where(stays, true, other).view(labels.shape).to(labels.device)


def calibrated(
    named: Int[Tensor, "*n"], confusion: Float[Tensor, "m m"]
) -> Float[Tensor, "*n m"]:
    """How probable each scene is once its name was heard, by Bayes' rule.

    Scenes are taken to be equally frequent.

    Args:
        named: named scenes.
        confusion: the table by which they were named.

    Returns:
        A distribution over the true scenes for each name.

    Raises:
        ValueError: as `draw_names`, and for a name that is never given.

    >>> calibrated(torch.tensor([0, 2]), merged(3)).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    _check_table(named, confusion)
    columns = confusion.to(named.device).T[named]
    total = columns.sum(dim=-1, keepdim=True)
    if not bool((total > 0).all()):
        raise ValueError(f"no scene is named {named[(total == 0)[..., 0]].tolist()}")
    return columns / total


def read_places365_names(path: str | Path) -> tuple[str, ...]:
    """Read the 365 scenes' names from Places365's own list.

    Args:
        path: categories_places365.txt of the CSAILVision/places365 repository.

    Returns:
        Names such as "airfield" and "apartment_building/outdoor".

    Raises:
        ValueError: it is another file; tells its checksum.
    """
    content = Path(path).read_bytes()
    if (digest := hashlib.sha256(content).hexdigest()) != NAMES_SHA256:
        raise ValueError(f"{path} is not Places365's list, its SHA-256 is {digest}")
    return tuple(line.split()[0][3:] for line in content.decode().splitlines())


def _votes(probabilities: Tensor) -> Tensor:
    """How many frames put each scene first, (..., M)."""
    _check_distributions(probabilities)
    first = probabilities.argmax(dim=-1)
    return F.one_hot(first, probabilities.shape[-1]).sum(dim=-2)


def _check_distributions(probabilities: Tensor) -> None:
    if probabilities.ndim < 2 or 0 in probabilities.shape[-2:]:
        shape = tuple(probabilities.shape)
        raise ValueError(f"probabilities must be (..., frames, scenes), got {shape}")
    sums = probabilities.float().sum(dim=-1)
    if not bool((probabilities >= 0).all() and ((sums - 1).abs() < 0.01).all()):
        found = f"least {probabilities.min():.4g}, sums {sums.min():.4g} ..."
        raise ValueError(f"no distributions: {found} {sums.max():.4g}")


def _check_noise(scenes: int, share: float) -> None:
    if scenes < 1 or not 0 <= share <= 1:
        raise ValueError(f"needs scenes, a share in [0, 1]; got {scenes} and {share}")


def _check_table(labels: Tensor, confusion: Tensor) -> None:
    shape = tuple(confusion.shape)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"a table of confusion is (M, M), got {shape}")
    _check_distributions(confusion)
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be whole numbers, got {labels.dtype}")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < shape[0]:
        span = f"{int(labels.min())} .. {int(labels.max())}"
        raise ValueError(f"labels must be in 0 .. {shape[0] - 1}, got {span}")
