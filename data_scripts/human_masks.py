"""Finds the humans of every video of a manifest: true masks, or Mask R-CNN's.

    python data_scripts/human_masks.py videos/synthetic/manifest.csv
    python data_scripts/human_masks.py ucf101/manifest.csv --finder maskrcnn --kind box

`truth`, the default, is for videos that make_synthetic.py wrote: masks come from the
.npz beside a video where `--truth` left one, else they are rendered anew.  `maskrcnn`
is torchvision's, with its COCO weights; torchvision is not among the course's packages.
`--kind box` covers every person's box, as the released masks of scene debiasing do.

Beside each video, VIDEO.human_masks.npz holds `mask` bool (T, H, W) at the video's size
and `share`, the part of its frames with a human (the released code drops videos below
0.7).  `--name` gives the files another name, so that two kinds can lie side by side;
NAME.json guards against mixing them.  The script may be stopped and started again.
`course.datasets.HumanMasks` reads the files for `VideoClips`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile

import numpy as np
import torch
import typer
from beside_videos import Make, each_video
from make_synthetic import world_knobs, world_of

from course.backbones import load_into, load_state
from course.scale import device_for
from course.scene_debias.human_masks import box_of
from course.synthetic import SPLITS, SynthActions
from course.synthetic.knobs import Knobs
from course.video import VideoError, probe, read_clip

PERSON, CHUNK = 1, 8  # COCO's number of a person; frames that are looked at at a time


def main(
    manifest: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The data set's table.")
    ],
    finder: Annotated[str, typer.Option(help="truth or maskrcnn.")] = "truth",
    kind: Annotated[str, typer.Option(help="silhouette or box.")] = "silhouette",
    score: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least score of a person.")
    ] = 0.3,
    weights: Annotated[
        Path | None, typer.Option(help="Mask R-CNN's weights, if they are here.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the files.")] = "human_masks",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many videos.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
) -> None:
    """Find the humans of every video of a manifest."""
    if finder not in ("truth", "maskrcnn") or kind not in ("silhouette", "box"):
        raise typer.BadParameter(f"no such finder or kind: {finder!r}, {kind!r}")
    folder = manifest.parent
    recipe: dict = {"finder": finder, "kind": kind}
    prepare: Callable[[], Make]
    if finder == "truth":
        recipe["world"] = world = world_of(folder, "--finder maskrcnn")
        prepare = partial(true_masks, folder, world, kind)
    else:
        recipe |= {"score": score, "weights": weights.name if weights else "COCO_V1"}
        prepare = partial(mask_rcnn, folder, kind, score, weights)
    each_video(manifest, name, recipe, prepare, limit, dry_run)


def true_masks(folder: Path, world: dict, kind: str) -> Make:
    """Masks that the synthetic world knows."""
    knobs = world_knobs(world)

    def make(path: str) -> dict:
        mask = _stored(folder / path)
        if mask is None:
            mask = _rendered(path, world["seed"], knobs)
        if (frames := probe(folder / path).frames) != len(mask):
            raise VideoError(folder / path, f"{frames} frames, a mask of {len(mask)}")
        return _packed(box_of(mask) if kind == "box" else mask)

    return make


def mask_rcnn(folder: Path, kind: str, score: float, weights: Path | None) -> Make:
    """Masks of the persons that torchvision's Mask R-CNN is sure enough of."""
    try:
        from torchvision.models import detection
    except ImportError as error:
        needed = f"Mask R-CNN needs a torchvision that fits torch {torch.__version__}"
        raise typer.BadParameter(f"{needed}; none is installed") from error
    if weights is None:
        net = detection.maskrcnn_resnet50_fpn(weights="COCO_V1")
    else:
        net = detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        try:
            load_into(net, load_state(weights))
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from error
    device = device_for()
    net.to(device).eval()

    @torch.no_grad()
    def make(path: str) -> dict:
        masks, count = [], probe(folder / path).frames
        for start in range(0, count, CHUNK):
            numbers = np.arange(start, min(start + CHUNK, count))
            frames = torch.from_numpy(read_clip(folder / path, numbers))
            pictures = frames.permute(0, 3, 1, 2).to(device) / 255.0
            for found in net(list(pictures)):
                sure = (found["labels"] == PERSON) & (found["scores"] >= score)
                everyone = {key: found[key][sure].cpu() for key in ("masks", "boxes")}
                masks.append(_covered(everyone, kind))
        return _packed(torch.stack(masks))

    return make


def _covered(found: dict[str, torch.Tensor], kind: str) -> torch.Tensor:
    """Pixels (H, W) that belong to any of the persons found in a frame."""
    silhouettes = found["masks"][:, 0] > 0.5
    if kind == "silhouette":
        return silhouettes.any(0)
    covered = torch.zeros(silhouettes.shape[1:], dtype=torch.bool)
    for left, top, right, bottom in found["boxes"].tolist():
        rows = slice(int(top), int(np.ceil(bottom)))
        covered[rows, int(left) : int(np.ceil(right))] = True
    return covered


def _packed(mask: torch.Tensor) -> dict:
    share = mask.flatten(1).any(1).float().mean()
    return {"mask": mask.numpy(), "share": share.numpy()}


def _stored(file: Path) -> torch.Tensor | None:
    """The mask that make_synthetic.py --truth left beside a video, if it did."""
    truth = file.with_suffix(".npz")
    if not truth.is_file():
        return None
    try:
        with np.load(truth) as arrays:
            return torch.from_numpy(arrays["mask"])
    except (BadZipFile, OSError, ValueError, KeyError) as error:
        raise VideoError(truth, f"holds no mask ({error})") from error


def _rendered(path: str, seed: int, knobs: Knobs) -> torch.Tensor:
    """The mask of SPLIT/ACTION/clip_000123.mp4, rendered as the clip was."""
    named = re.fullmatch(r"(\w+)/(\w+)/clip_(\d+)\.mp4", path)
    if named is None or named[1] not in SPLITS:
        raise VideoError(path, "not named as a world's clip, SPLIT/ACTION/clip_NUMBER")
    index = int(named[3])
    world = SynthActions(named[1], index + 1, seed, knobs=knobs)
    if world.action_names[world.actions[index]] != named[2]:
        raise VideoError(path, f"clip {index} of this world shows another action")
    return world.render([index], ("mask",))["mask"][0]


if __name__ == "__main__":
    typer.run(main)
