"""Q6. Where does the module go?  How far it sees, beside how far things move.

The window has 7 cells to each side, whatever the layer.  A cell is 4, 8, 16 pixels in
the stages of a ResNet: late stages see farther, but a slow motion is a fraction of a
cell there, and an early stage is outrun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.synthetic import SynthActions

RESNET_STRIDES = {"layer1": 4, "layer2": 8, "layer3": 16, "layer4": 32}
SMALL_STRIDES = {"layer1": 2, "layer2": 4, "layer3": 8}  # of `small_base`


@dataclass(frozen=True)
class StageRow:
    """How one stage's window fits the motion; shares are of the moving pixels."""

    stage: str
    cell: int  # px
    window: int  # px to each side
    inside: float  # motion that ends in the window
    resolved: float  # ... and is at least one cell long on its longer axis


def motion_of_world(clips: int = 32, seed: int = 0, **knobs) -> Float[Tensor, "N 2"]:
    """Displacements of the actors' pixels in the synthetic world.

    Args:
        clips: how many to render.
        seed: of the world.
        **knobs: of `SynthActions`, such as `size` and `frame_rate`.

    Returns:
        (dx, dy) in px from one frame to the next, of every pixel of an actor whose
        flow is defined.

    >>> motion_of_world(2, frames=3, size=16).shape[1]
    2
    """
    world = SynthActions("train", num_clips=clips, seed=seed, **knobs)
    out = world.render(range(clips), ("mask", "flow", "flow_valid"))
    kept = out["mask"][:, :-1] & out["flow_valid"]
    return out["flow"].movedim(1, -1)[kept].float()


def motion_histogram(
    motion: Float[Tensor, "N 2"], bins: int = 28, most: float | None = None
) -> dict[str, list[float]]:
    """How often things move how far.

    Args:
        motion: (dx, dy) in px.
        bins: of equal width, from 0 on.
        most: px, the last bin's end; None: the longest motion.

    Returns:
        `edges` (bins + 1) in px of the longer component of a motion, the one that runs
        out of a square window first, and `shares` (bins); what is longer than `most`
        is in no bin.

    >>> motion_histogram(torch.tensor([[1.0, 0.0], [0.0, -3.0]]), bins=2)["shares"]
    [0.5, 0.5]
    """
    longer = _longer(motion)
    end = float(longer.max()) if most is None else most
    counts, edges = torch.histogram(longer, bins=bins, range=(0.0, max(end, 1e-6)))
    return {"edges": edges.tolist(), "shares": (counts / len(longer)).tolist()}


def window_table(
    motion: Float[Tensor, "N 2"],
    strides: Mapping[str, int] | None = None,
    *,
    max_displacement: int = 7,
    still: float = 0.5,
) -> list[StageRow]:
    """How each stage's window fits a world's motion.

    Args:
        motion: (dx, dy) in px of the network's input.
        strides: stage -> px a cell; None: a ResNet's.
        max_displacement: half the window, cells.
        still: px; what moves less on both axes counts as resting and is left out.

    Returns:
        a row for each stage.

    Raises:
        ValueError: if nothing moves, or for another shape.

    >>> rows = window_table(torch.tensor([[12.0, 0.0], [0.0, 40.0]]))
    >>> [(row.window, row.inside, row.resolved) for row in rows[:3]]
    [(28, 0.5, 0.5), (56, 1.0, 1.0), (112, 1.0, 0.5)]
    """
    longer = _longer(motion)
    longer = longer[longer >= still]
    if len(longer) == 0:
        raise ValueError(f"none of {len(motion)} pixels moves by {still} px or more")
    rows = []
    for stage, cell in (RESNET_STRIDES if strides is None else strides).items():
        inside: Bool[Tensor, " N"] = longer <= max_displacement * cell
        resolved = inside & (longer >= cell)
        shares = [share.float().mean().item() for share in (inside, resolved)]
        rows.append(StageRow(stage, cell, max_displacement * cell, *shares))
    return rows


def _longer(motion: Tensor) -> Tensor:
    if motion.ndim != 2 or motion.shape[1] != 2 or len(motion) == 0:
        raise ValueError(f"motion must be (N, 2), N >= 1, got {tuple(motion.shape)}")
    return motion.abs().amax(1)
