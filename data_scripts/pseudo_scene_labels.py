"""Names the scene of every video of a manifest, by an image classifier.

    python data_scripts/pseudo_scene_labels.py videos/synthetic/manifest.csv
    python data_scripts/pseudo_scene_labels.py videos/ucf101/manifest.csv \
        --labeller places365 --weights resnet50_places365.pth.tar

`places365` is the ResNet-50 of CSAILVision/places365 (97 MB, CC BY), fetched once and
checked where `--weights` names no file.  `synthetic`, the default, needs no download: a
small network learns the scenes of videos that make_synthetic.py wrote from empty scenes
of another seed, as Places365's photographs are not a data set's videos either.

Beside each video, VIDEO.scene_labels.npz holds `frames` (F,), their `probabilities` (F,
M), and the labels `soft` (M,) and `hard`; scene_labels.txt beside the manifest names
the M scenes.  `--name` gives the files another name than scene_labels.  The script may
be stopped and started again: finished files are kept, and scene_labels.json beside the
manifest guards against mixing two labellers under one name.
`course.datasets.SceneLabels` reads the files for `VideoClips`.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from beside_videos import Make, each_video, write
from make_synthetic import world_knobs, world_of

from course.backbones import ResNet, load_into, resnet50
from course.scale import cache_dir, device_for
from course.scene_debias.labeller import frame_probabilities, scene_labeller
from course.scene_debias.scene_labels import (
    hard_label,
    read_places365_names,
    soft_label,
)
from course.video import centre_crop, probe, read_clip, segment_frames

ADDRESS = "http://places2.csail.mit.edu/models_places365/resnet50_places365.pth.tar"
# Of the 97,270,159 bytes; two projects that load the file print the same checksum.
SHA256 = "46529c86902bd0cfb0ea562a30b2850c28d2620d96282b3db9c318e1d774f6c5"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's
EMPTY, OTHER_SEED = 512, 500  # pictures that the stand-in learns from, their seed

Look = Callable[[Path, np.ndarray], torch.Tensor]  # frames of a file -> probabilities


def main(
    manifest: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The data set's table.")
    ],
    labeller: Annotated[
        str, typer.Option(help="synthetic or places365.")
    ] = "synthetic",
    weights: Annotated[
        Path | None, typer.Option(help="Places365's ResNet-50, if it is here already.")
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="categories_places365.txt, to keep the names.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames seen of a video.")] = 10,
    name: Annotated[str, typer.Option(help="Of the files.")] = "scene_labels",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many videos.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
) -> None:
    """Name the scene of every video of a manifest."""
    if labeller not in ("synthetic", "places365"):
        raise typer.BadParameter(f"labellers: synthetic, places365; got {labeller!r}")
    folder = manifest.parent
    recipe: dict = {"labeller": labeller, "frames": frames}
    scenes: tuple[str, ...] = ()
    if labeller == "synthetic":
        world = world_of(folder, "--labeller places365")
        recipe["world"], scenes = world, world_knobs(world).scene_names
    else:
        recipe["weights"] = _digest(weights) if weights else SHA256
        scenes = _names(names) if names else ()

    def prepare() -> Make:
        if labeller == "synthetic":
            look = synthetic_labeller(world)
        else:
            look = places365_labeller(weights or _fetched())
        if scenes:
            lines = "".join(f"{scene}\n" for scene in scenes)
            write(folder / f"{name}.txt", lines.encode())
        return lambda path: label(folder / path, frames, look)

    each_video(manifest, name, recipe, prepare, limit, dry_run)


def label(file: Path, frames: int, look: Look) -> dict[str, np.ndarray]:
    """Some frames of a video, spread evenly, their probabilities, and both labels."""
    count = probe(file).frames
    numbers = segment_frames(count, min(frames, count))
    probabilities = look(file, numbers)
    labels = {"soft": soft_label(probabilities), "hard": hard_label(probabilities)}
    return {
        "frames": numbers,
        "probabilities": probabilities.numpy(),
        **{name: value.numpy() for name, value in labels.items()},
    }


def synthetic_labeller(world: dict) -> Look:
    """A network that has learned the world's scenes from empty ones, in seconds."""
    knobs, seed = world_knobs(world), world["seed"] + OTHER_SEED
    typer.echo(f"learning {len(knobs.scene_names)} scenes from {EMPTY} empty ones ...")
    net = scene_labeller(knobs, seed, EMPTY)

    def look(file: Path, numbers: np.ndarray) -> torch.Tensor:
        pictures = torch.from_numpy(read_clip(file, numbers)).permute(3, 0, 1, 2)
        return frame_probabilities(net, pictures[None])[0]

    return look


def places365_labeller(path: Path) -> Look:
    """Places365's ResNet-50 on centre crops of 224 px."""
    device, net = device_for(), places365_network(path)
    net.to(device)
    mean, deviation = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, DEVIATION))

    @torch.no_grad()
    def look(file: Path, numbers: np.ndarray) -> torch.Tensor:
        pictures = torch.from_numpy(read_clip(file, numbers, size=256))
        cut = centre_crop(pictures.permute(3, 0, 1, 2), 224).transpose(0, 1)
        return net(((cut / 255.0 - mean) / deviation).to(device)).softmax(1).cpu()

    return look


def places365_network(path: Path) -> ResNet:
    """The network of a checkpoint that a training on several GPUs has saved."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        state = {name.removeprefix("module."): value for name, value in kept.items()}
        load_into(net := resnet50(365), state)
        return net.eval()
    except (ValueError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise typer.BadParameter(f"{path}: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{path} holds no 'state_dict' of weights") from error


def _fetched() -> Path:
    """The published weights in the cache, fetched if need be, and checked."""
    path = cache_dir() / "weights" / "resnet50_places365.pth.tar"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(ADDRESS, str(path), SHA256)
        except (OSError, HTTPException, RuntimeError) as error:
            by_hand = "fetch it by hand and name it with --weights"
            problem = f"cannot fetch {ADDRESS} ({error}); {by_hand}"
            raise typer.BadParameter(problem) from error
    if _digest(path) != SHA256:
        raise typer.BadParameter(f"{path} is damaged: delete it and try again")
    return path


def _digest(path: Path) -> str:
    if not path.is_file():
        raise typer.BadParameter(f"no such file: {path}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(path: Path) -> tuple[str, ...]:
    try:
        return read_places365_names(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)
