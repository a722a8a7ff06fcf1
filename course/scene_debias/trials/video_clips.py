"""What the run on videos learns from: a manifest's clips, or the world's.

Both come with what a method needs: scene labels, and clips without their human.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from course.datasets import HumanMasks, SceneLabels, VideoClips
from course.datasets.splits import train_and_test
from course.scene_debias.human_masks import degrade, mask_clip
from course.scene_debias.methods import Method
from course.scene_debias.scales import Settings
from course.scene_debias.trainings import make_world
from course.synthetic import Rendered

LEAST_SHARE = 0.7  # of a video's frames with a human; the released code's


class Clips(NamedTuple):
    """What is learned from and tested on; `tests` by name, "accuracy" among them."""

    train: Any
    tests: dict[str, Any]
    classes: int
    scenes: int


def clips_for(
    settings: Settings, seed: int, device: torch.device, data: Path | None,
    method: Method,
) -> Clips:  # fmt: skip
    """What a method learns from and is tested on, of the videos or of the world.

    Args:
        settings: of the scale.
        seed: of the world, or of the draws from the videos.
        device: that renders the world.
        data: a manifest, or None for the world.
        method: decides what is needed beside clips and actions.

    Raises:
        ValueError: a table, a split of it or files beside its videos are missing.
    """
    size, times = settings.knobs.frame_size[0], settings.knobs.frames
    masked, named = method.masks != "none", method.adversary != "none"
    if data is not None:
        labels, masks = SceneLabels(), HumanMasks()
        beside = (*([labels] if named else []), *([masks] if masked else []))
        shape = {"frames": times, "size": size, "seed": seed}
        videos, asked = train_and_test(data, "random", "centre", beside, **shape)
        scenes = labels.count(videos.manifest) if named else 0
        clips = Filmed(videos, masks if masked else None)
        return Clips(clips, {"accuracy": asked}, len(videos.classes), scenes)
    # Loading processes cannot share a GPU that the first one has begun to use.
    on = "cpu" if settings.recipe.workers else device
    world, test, swapped = (
        make_world(settings, split, seed, device=on)
        for split in ("train", "test", "swapped")
    )
    keys = ("clip", "action", "scene")
    learned = Rendered(world, keys)
    if masked:
        learned = Rendered(world, (*keys, "mask"), _without_human)
    tests = {"accuracy": Rendered(test), "swapped": Rendered(swapped)}
    return Clips(learned, tests, len(world.action_names), len(world.scene_names))


class Filmed(Dataset):
    """A manifest's clips for a method: with scene labels, and without their human.

    Items have `clip` (3, T, H, W) and `action`; `scene` (M,), soft, if the videos have
    scene labels beside them; with masks `masked`, the clip without its human, or where
    a video shows too few humans, another video's.

    Args:
        videos: with what is needed beside them.
        masks: the reader of the masks, if they are among that.
    """

    def __init__(self, videos: VideoClips, masks: HumanMasks | None = None):
        self.videos, self.masks = videos, masks

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> dict:
        return self.item_of_epoch(index, 0)

    def item_of_epoch(self, index: int, epoch: int) -> dict:
        """An item of an epoch, other frames in each."""
        item = self.videos.item_of_epoch(index, epoch)
        kept = {"clip": item["clip"], "action": item["action"]}
        if "soft_scene" in item:
            kept["scene"] = item["soft_scene"]
        if self.masks is None:
            return kept
        if item["human_share"] < LEAST_SHARE:
            item = self._another(index, epoch, self.masks)
        return kept | {"masked": _hidden(item["clip"], item["mask"])}

    def _another(self, index: int, epoch: int, masks: HumanMasks) -> dict:
        """A clip of a video that shows enough humans."""
        draws = np.random.default_rng([self.videos.seed, epoch, index])
        for other in draws.permutation(len(self)):
            row = self.videos.rows[other]
            if masks.share(self.videos.manifest.file(row)) >= LEAST_SHARE:
                item = self.videos.item_of_epoch(int(other), epoch)
                if item["human_share"] >= LEAST_SHARE:  # else another stood in
                    return item
        raise ValueError(
            f"no video of {self.videos.manifest.folder} has humans in {LEAST_SHARE:.0%}"
            " of its frames: there is nothing to mask"
        )


def _without_human(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The world's true masks turned into clips without their human."""
    kept = {key: value for key, value in batch.items() if key != "mask"}
    return kept | {"masked": _hidden(batch["clip"], batch["mask"])}


def _hidden(clip: Tensor, mask: Tensor) -> Tensor:
    """The human covered by the frame's mean colour, the mask's rim included."""
    return mask_clip(clip, degrade(mask, grow=1))
