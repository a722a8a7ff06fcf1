"""Learn from videos without labels: two views of each, contrasted with those of others.

Source: FAME (Ding et al., CVPR 2022), its pre-training: a backbone, a head of two
layers that is thrown away afterwards, InfoNCE.  At cpu scale the contrast is inside the
batch, in both directions (NT-Xent): a queue of keys that follow slowly wants longer
trainings than a laptop has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones import backbone_of
from course.fame.contrast import in_batch_contrast, in_batch_scores, projection_head
from course.fame.methods import METHODS, Method
from course.fame.momentum_contrast import MomentumContrast
from course.fame.scales import Settings
from course.fame.views import Views, make_views
from course.scale import seed_everything
from course.synthetic import SynthActions, make_knobs
from course.training import FitResult, fit


@dataclass(frozen=True)
class Pretrained:
    """A backbone in eval mode that has seen no label, and what the training said."""

    net: nn.Module
    result: FitResult


class Encoder(nn.Module):
    """A backbone and the head in whose space views are compared.

    Args:
        backbone: has `embed` and `fc`.
        dim: width of the head's output.

    >>> encoder = Encoder(backbone_of("small_r2plus1d", 8), dim=16)
    >>> encoder(torch.rand(2, 3, 4, 16, 16)).shape
    torch.Size([2, 16])
    """

    def __init__(self, backbone: Any, dim: int):
        super().__init__()
        self.backbone = backbone
        self.head = projection_head(backbone.fc.in_features, dim)

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """What is compared; not yet of length 1."""
        return self.head(self.backbone.embed(clips))


def make_world(
    settings: Settings, split: str, seed: int, clips: int, **knobs: Any
) -> SynthActions:
    """One split of this scale's world, with further knobs turned.

    Args:
        settings: of the scale.
        split: of `course.synthetic.SPLITS`.
        seed: of the world; the same seed gives the same clips.
        clips: how many.
        **knobs: see `course.synthetic.Knobs`.
    """
    base = make_knobs(settings.knobs, **knobs)
    return SynthActions(split, clips, seed, knobs=base)


def network(settings: Settings, seed: int, classes: int | None = None) -> Any:
    """The scale's backbone with the weights that the seed draws, on the CPU.

    Args:
        settings: of the scale.
        seed: of the weights.
        classes: of the last layer, which the contrast does not use.
    """
    seed_everything(seed)
    count = len(settings.knobs.action_names) if classes is None else classes
    return backbone_of(settings.backbone, count)


def training_data(
    settings: Settings, method: Method, seed: int, **knobs: Any
) -> dict[str, Tensor]:
    """Two clips of every video, and what else the method asks for.

    Args:
        settings: of the scale.
        method: whose needs count.
        seed: of the world.
        **knobs: to turn.

    Returns:
        `first` and `second` (N, 3, T, H, W) uint8 and, for masks that must be given,
        `first_mask`, `second_mask`; `first_background`, `second_background`.
    """
    keys = ["clip"]
    keys += ["mask"] * (method.mask in ("union", "true"))
    keys += ["background"] * (method.background == "empty")
    world = make_world(settings, "train", seed, 2 * settings.videos, **knobs)
    found = world.tensors(keys)
    data = {}
    for start, name in enumerate(("first", "second")):
        for key in keys:
            own = name if key == "clip" else f"{name}_{key}"
            data[own] = found[key][start::2]
    return data


def pretrain(
    method: str | Method, settings: Settings, seed: int,
    device: torch.device | str = "cpu", folder: Path | None = None,
    progress: bool = False, **knobs: Any,
) -> Pretrained:  # fmt: skip
    """Pre-train the scale's backbone by a method.

    Args:
        method: of `METHODS` by name, or another.
        settings: of the scale.
        seed: of world, weights, order and augmentation.
        device: where to train.
        folder: for checkpoints and logs.
        progress: show a bar.
        **knobs: of the world, to turn.

    Returns:
        The backbone in eval mode; its head is gone.
    """
    method = METHODS[method] if isinstance(method, str) else method
    data = training_data(settings, method, seed, **knobs)
    net = network(settings, seed)
    encoder: nn.Module = Encoder(net, settings.dim)
    if method.contrast == "momentum":
        encoder = MomentumContrast(
            encoder, settings.dim, settings.queue, settings.momentum,
            settings.temperature, parts=settings.parts,
        )  # fmt: skip
    result = fit(
        encoder, data, Contrasting(method, settings), settings.recipe, seed=seed,
        identity={"method": asdict(method), "settings": settings},
        device=torch.device(device), folder=folder, progress=progress,
    )  # fmt: skip
    # In the momentum contrast the encoder is a part.
    kept = encoder.encoder if isinstance(encoder, MomentumContrast) else encoder
    return Pretrained(kept.backbone.eval(), result)  # type: ignore[union-attr, operator]


@dataclass(frozen=True)
class Contrasting:
    """A training step of `course.training.fit`.

    Args:
        method: how views are made and what they are contrasted with.
        settings: of the scale.
    """

    method: Method
    settings: Settings

    def __call__(self, model: Any, batch: dict, step: int) -> dict[str, Tensor]:
        """Loss and accuracy (the partner is ahead of all others) on a batch."""
        views = make_views(batch, self.method, self.settings, batch["generator"])
        if self.method.contrast == "momentum":
            return model(
                views.first, views.second, others=views.others, index=batch["index"],
                generator=batch["generator"],
            )  # fmt: skip
        first, second = model(torch.cat([views.first, views.second])).chunk(2)
        own = self._own(model, views)
        tau = self.settings.temperature
        loss = in_batch_contrast(first, second, tau, own)
        with torch.no_grad():
            scores, partner = in_batch_scores(first, second, tau, own)
            right = (scores.argmax(dim=1) == partner).float().mean()
        return {"loss": loss, "accuracy": right}

    def _own(self, model: nn.Module, views: Views) -> Tensor | None:
        return None if views.others is None else model(views.others)[:, None]
