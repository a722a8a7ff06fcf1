"""SDN on a reader's own videos, or on the synthetic world: without and with its losses.

Source: SDN (Choi et al., NeurIPS 2019), its experiments and released code: clips of
consecutive frames anywhere in the video, soft scene labels of the whole video, humans
hidden under the frame's mean colour in videos where a human was found in 70 % of the
frames and more.

Known differences from the official code: frames are scaled by their short side and cut
to the square in the middle (there: multi-scale crops of the corners, and flips); a test
answers for one clip in the middle of the video (there: the mean over all).  Masked
are the batch's own clips: in two steps others than the step before had, as there; in
one step the very same.  All networks start from the same weights (there: the one with
both losses goes on where one with the adversary alone had come to).
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from course.backbones import load_into
from course.evaluation.inference import clip_input
from course.evaluation.order import accuracy_on
from course.scene_debias.methods import METHODS, Method
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import network, train
from course.scene_debias.trials.video_clips import clips_for
from course.training.utilisation import efficiency


def debias_videos(
    settings: Settings, seed: int, device: torch.device, folder: Path | None = None,
    data: Path | None = None, methods: Sequence[str] = ("baseline", "both"),
) -> dict[str, float]:  # fmt: skip
    """Networks without and with SDN's losses, on a manifest's videos or on the world.

    Args:
        settings: of the scale.
        seed: of everything.
        device: where to train.
        folder: for checkpoints and logs, a sub-folder for each method.
        data: a manifest with a split `train` and one `test` or `val`, scene labels and
            human masks beside its videos; None means the scale's own world.
        methods: of `METHODS`; of their labels and masks only whether there are any
            counts, and no backgrounds can be re-drawn.

    Returns:
        For each method `METHOD_accuracy` and, on the world, `METHOD_swapped`.  Of the
        last method's training: `clips_per_second` through the network;
        `gflops_per_clip` (forward and backward); on a GPU `peak_memory_gib` and, if its
        speed is known, `utilisation`; the steps done, planned and (where the scale
        names them) of the paper.

    Raises:
        ValueError: for no or an unknown method; files beside the videos are missing
            (names the script that makes them); named weights do not fit.
    """
    if not methods:
        raise ValueError("there is no method to train by")
    chosen = {name: _on_videos(name) for name in methods}
    # All of them first: what is missing should not be found out after a training.
    clips = {
        name: clips_for(settings, seed, device, data, chosen[name]) for name in chosen
    }
    found = {}
    for name, method in chosen.items():
        learned, tests, classes, scenes = clips[name]
        net = starting_network(settings, seed, classes)
        result = train(
            net, learned, method, settings, seed, device, scenes,
            folder=folder and folder / name, progress=True,
        ).result  # fmt: skip
        for kind, test in tests.items():
            found[f"{name}_{kind}"] = accuracy_on(net, test, clip_input)
    speed = result.items_per_second * _passes(settings, method)
    shape = (3, settings.knobs.frames, *settings.knobs.frame_size)
    found |= efficiency(net, replace(result, items_per_second=speed), shape)
    found |= {"steps": result.steps, "planned_steps": result.planned_steps}
    paper = settings.paper_steps
    return found | {"paper_steps": paper} if paper else found


def starting_network(settings: Settings, seed: int, classes: int) -> nn.Module:
    """The scale's network with random weights, or with those that the user names.

    `COURSE_VIDEO_WEIGHTS` is a file of 3D-ResNets-PyTorch for the 3-D ResNet-18, whose
    rates suit a network that has learned before; or the checkpoint of an earlier run at
    this scale, whose network goes on to other data.  The last layer is new in any case
    where the number of classes is another.

    Raises:
        ValueError: if the file holds other weights.
    """
    net, path = network(settings, seed, classes), os.environ.get("COURSE_VIDEO_WEIGHTS")
    if not path:
        return net
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        state = kept.get("state_dict", kept.get("model", kept))
        # Trained on several GPUs, every name begins with "module.".
        state = {name.removeprefix("module."): value for name, value in state.items()}
        return load_into(net, state, new_head="fc")
    except (OSError, ValueError, AttributeError, RuntimeError, EOFError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise ValueError(
            f"COURSE_VIDEO_WEIGHTS={path} does not fit {settings.backbone!r}, the "
            f"scale's backbone: {error}"
        ) from error


def _on_videos(name: str) -> Method:
    """A method with what videos have: masked clips are part of the data."""
    method = METHODS.get(name)
    if method is None or method.redraw:
        fit = ", ".join(key for key, value in METHODS.items() if not value.redraw)
        raise ValueError(f"methods for videos are {fit}; got {name!r}")
    return method if method.masks == "none" else replace(method, masks="silhouette")


def _passes(settings: Settings, method: Method) -> float:
    """Clips through the network for each of the data set's items."""
    if method.masks == "none" or settings.optimisation != "one_step":
        return 1.0
    batch = settings.recipe.batch_size
    return 1.0 + min(settings.masked, batch) / batch
