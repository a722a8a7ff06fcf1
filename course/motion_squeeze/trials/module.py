"""What the module's parts are worth: estimator, channels, its place, its window.

Source: the paper's ablations of the estimator, the position and the window.  True flow
in place of what it matches, and frames matched in a random order, are ours.  (Fed with
zeros, `carries=()`, the module adds zeros and gets no gradient: MSNet is TSM then.)
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.evaluation.order import order_scores
from course.motion_squeeze.inputs import frames
from course.motion_squeeze.motion_maps import giving
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.scoring import flow_at_cells
from course.motion_squeeze.trainings import (
    WITH_FLOW,
    network,
    score,
    tested_on,
    train,
    trained_on,
)
from course.training import fit


def variant(
    settings: Settings, seed: int, device: torch.device, **options
) -> dict[str, float]:
    """MSNet with options of the module: see `MotionSqueeze` and `msnet`."""
    data, test = trained_on(settings, seed), tested_on(settings, seed)
    net = network("msnet", settings, seed, **options)
    train(net, data, frames, settings.recipe, seed, device)
    return score(net, test, settings)


def position(
    number: int, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """The module after another stage; nothing if the scale has fewer of them."""
    if number >= len(settings.positions):
        return {}
    return variant(settings, seed, device, motion_after=(settings.positions[number],))


def window(
    reach: int, settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """One reach of the window on a map of 28 x 28 cells; reach in cells."""
    size = {"size": settings.window_size}
    data, test = trained_on(settings, seed, **size), tested_on(settings, seed, **size)
    net = network("msnet", settings, seed, max_displacement=reach)
    train(net, data, frames, settings.window_recipe, seed, device)
    return score(net, test, settings)


def true_flow(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """The true flow in place of the module's own match: the same layers after it."""
    net = network("msnet", settings, seed).to(device)

    def step(model: nn.Module, batch: dict, number: int) -> dict[str, Tensor]:
        with giving(model, _cells(model, batch, settings)):
            logits = model(*frames(batch))
        right = (logits.argmax(1) == batch["action"]).float().mean()
        return {"loss": F.cross_entropy(logits, batch["action"]), "accuracy": right}

    fit(
        net, trained_on(settings, seed, keys=WITH_FLOW), step,
        replace(settings.recipe, unused_parameters=True),  # the match is not asked
        seed=seed, device=torch.device(device), progress=False,
    )  # fmt: skip
    test = tested_on(settings, seed, WITH_FLOW)
    logits = _logits(net.eval(), test, settings)
    return order_scores(logits, test["action"], settings.knobs.action_names)


@torch.no_grad()
def _logits(net: nn.Module, test: dict[str, Tensor], settings: Settings) -> Tensor:
    device, out = next(net.parameters()).device, []
    for start in range(0, len(test["action"]), 64):
        part = {k: v[start : start + 64].to(device) for k, v in test.items()}
        with giving(net, _cells(net, part, settings)):
            out.append(net(*frames(part)).float().cpu())
    return torch.cat(out)


def _cells(net: nn.Module, batch: dict, settings: Settings) -> Tensor:
    """The batch's true flow at the centres of the module's cells."""
    flow = batch["flow"].float()
    everywhere = torch.ones_like(flow[:, 0], dtype=torch.bool)
    return flow_at_cells(flow, everywhere, settings.cell_px)[0]
