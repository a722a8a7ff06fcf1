"""A classifier of pictures that names scenes: the offline stand-in for Places365's.

SDN (Choi et al., NeurIPS 2019) has a ResNet-50, trained on Places365's photographs,
name the scenes of videos, frame by frame.  Here a small network learns the world's
scenes from empty ones of another seed: it has never seen an actor, nor this furniture,
and errs accordingly.  `scene_labels` makes a clip's label of what it says of frames.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from course.backbones import small_r2plus1d
from course.evaluation.inference import clip_input, predict
from course.scale import seed_everything
from course.synthetic import Knobs, SynthActions
from course.training import TrainSettings, fit
from course.training.classify import classify

SIDE = 32  # px of the pictures it sees
# Steps, not epochs: a weak labeller sees its few pictures the more often.
RECIPE = TrainSettings(steps=160, learning_rate=8e-3)


def scene_labeller(knobs: Knobs, seed: int, pictures: int) -> nn.Module:
    """A network that has learned a world's scenes from empty ones, in seconds.

    Args:
        knobs: of the world whose scenes are to be named.
        seed: of the empty scenes and the weights; not that of the clips to label.
        pictures: how many empty scenes it learns from; few make a weak labeller.

    Returns:
        Module from pictures (B, 3, 1, 32, 32) in [0, 1] to scene logits, on the CPU.

    Raises:
        ValueError: without a picture.

    >>> net = scene_labeller(Knobs(num_scenes=3, size=16), seed=0, pictures=4)
    >>> net(torch.rand(2, 3, 1, 32, 32)).shape
    torch.Size([2, 3])
    """
    # Uncorrelated: otherwise a scene that is no action's own would be rare.
    knobs = replace(knobs, frames=1, scene_correlation=0.0)
    empty = SynthActions("background_only", pictures, seed, knobs=knobs)
    data = empty.tensors(("clip", "scene"), cache=False)
    data["clip"] = _small(data["clip"][:, :, 0])[:, :, None]
    seed_everything(seed)
    net = small_r2plus1d(len(knobs.scene_names))
    step = classify(clip_input, "scene")
    fit(net, data, step, RECIPE, device=torch.device("cpu"), progress=False)
    return net


def frame_probabilities(
    net: nn.Module, clips: UInt8[Tensor, "n 3 t h w"]
) -> Float[Tensor, "n t m"]:
    """What a labeller says of every frame.

    Args:
        net: from `scene_labeller`.
        clips: uint8, any size.

    Returns:
        A distribution over the scenes for each frame, float32.

    Raises:
        ValueError: as `course.evaluation.inference.predict`.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))
    >>> found = frame_probabilities(net, torch.zeros(2, 3, 4, 8, 8, dtype=torch.uint8))
    >>> found.shape
    torch.Size([2, 4, 5])
    """
    times = clips.shape[2]
    pictures = clips.transpose(1, 2).flatten(0, 1)  # (N T, 3, H, W)
    logits = predict(net, _small(pictures)[:, :, None], batch_size=256)
    return logits.softmax(dim=1).unflatten(0, (-1, times))


def _small(pictures: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 s s"]:
    """Pictures at the labeller's size."""
    return interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)
