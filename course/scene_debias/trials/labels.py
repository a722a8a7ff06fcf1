"""How right is the weak labeller?  What the runs on its names rest on."""

from __future__ import annotations

import torch

from course.scene_debias.inputs import LABELLER_SEED
from course.scene_debias.labeller import frame_probabilities, scene_labeller
from course.scene_debias.scales import Settings
from course.scene_debias.scene_labels import frame_agreement, hard_label, soft_label
from course.scene_debias.trainings import make_world


def labeller(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """The weak labeller's names of the training clips against the true scenes.

    Args:
        settings: of the scale.
        seed: of the world; the labeller learned from another.
        device: not used, the labeller is small.

    Returns:
        Shares of names that are right: `frames`, of single frames; `hard`, of the
        clips' votes; `soft`, of the largest entry of the clips' distributions; and
        `agreement`, of a clip's frames with its vote.
    """
    world = make_world(settings, "train", seed)
    data = world.tensors(("clip", "scene"))
    pictures = settings.labeller_pictures
    net = scene_labeller(settings.knobs, seed + LABELLER_SEED, pictures)
    said, scene = frame_probabilities(net, data["clip"]), data["scene"]
    right = {
        "frames": said.argmax(dim=-1) == scene[:, None],
        "hard": hard_label(said) == scene,
        "soft": soft_label(said).argmax(dim=-1) == scene,
    }
    found = {name: share.float().mean().item() for name, share in right.items()}
    return found | {"agreement": frame_agreement(said).mean().item()}
