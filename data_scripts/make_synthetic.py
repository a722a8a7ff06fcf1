"""Writes the synthetic world as H.264 files with a manifest, like a real data set.

    python data_scripts/make_synthetic.py videos/synthetic --clips 512 --size 112
    python data_scripts/make_synthetic.py videos/synthetic --split val --clips 128
    python data_scripts/make_synthetic.py videos/shifted --set camera_pan=0.2 --truth

Files are OUT/SPLIT/ACTION/clip_000123.mp4, the table is OUT/manifest.csv, and with
`--truth` each clip has a .npz beside it (scene, mask, flow).  The script may be stopped
and started again: finished files are kept, and OUT/world.json guards against mixing two
worlds in one folder.
"""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from course.datasets import index_folder, write_manifest
from course.synthetic import SPLITS, SynthActions
from course.synthetic.knobs import WORLD_VERSION, Knobs
from course.video import VideoError, probe, write_video

BATCH = 16  # clips rendered at a time


def main(
    out: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    split: Annotated[
        list[str] | None, typer.Option(help="Which split; may be repeated.")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, help="Clips in each split.")] = 1024,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip.")] = 16,
    size: Annotated[int, typer.Option(min=16, help="Side in px, even.")] = 112,
    fps: Annotated[float, typer.Option(min=0.1, help="Frames per second.")] = 10.0,
    scene_correlation: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How tied scenes are to actions.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 0,
    crf: Annotated[int, typer.Option(min=0, max=51, help="H.264 quality.")] = 18,
    knob: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other knob, NAME=VALUE; may be repeated."),
    ] = None,
    truth: Annotated[
        bool, typer.Option("--truth", help="Also write scene, mask and flow (.npz).")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many new files.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, write nothing.")
    ] = False,
) -> None:
    """Write the synthetic world as H.264 files with a manifest."""
    splits = split or ["train", "val", "test"]
    unknown = [name for name in splits if name not in SPLITS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no split of {', '.join(SPLITS)}")
    if size % 2:
        raise typer.BadParameter(f"H.264 needs an even size, got {size}")
    knobs = {
        "frames": frames,
        "size": size,
        "frame_rate": fps,
        "scene_correlation": scene_correlation,
        **_parse(knob or []),
    }
    try:
        worlds = [
            SynthActions(name, num_clips=clips, seed=seed, **knobs) for name in splits
        ]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _same_world(out, worlds[0], crf, dry_run)
    left = [(world, i) for world in worlds for i in _unfinished(out, world, truth)]
    done, jobs = len(worlds) * clips - len(left), left[:limit]
    typer.echo(f"{out}: {done} clips are there, {len(jobs)} to write")
    if dry_run:
        return
    _write(out, jobs, crf, truth)
    manifest, errors = index_folder(out, splits=SPLITS)
    for error in errors:
        typer.echo(f"left out: {error}", err=True)
    path = write_manifest(out / "manifest.csv", manifest)
    typer.echo(f"{path}: {len(manifest)} clips of {len(manifest.classes)} actions")


def _parse(settings: list[str]) -> dict:
    """NAME=VALUE with VALUE as in Python; what is no literal is text."""
    knobs = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"--set wants NAME=VALUE, got {setting!r}")
        try:
            knobs[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            knobs[name] = text
    return knobs


def _same_world(out: Path, world: SynthActions, crf: int, dry_run: bool) -> None:
    """Write the world's settings, or compare them with those of the last call."""
    settings = world.settings() | {"crf": crf}
    del settings["split"], settings["num_clips"]
    text = json.dumps(settings, indent=1, sort_keys=True) + "\n"
    note = out / "world.json"
    if not note.exists():
        if not dry_run:
            out.mkdir(parents=True, exist_ok=True)
            part = note.with_suffix(f".part{os.getpid()}")
            part.write_text(text)
            os.replace(part, note)
        return
    old, new = json.loads(note.read_text()), json.loads(text)
    changed = [key for key in sorted(old | new) if old.get(key) != new.get(key)]
    if changed:
        words = ", ".join(f"{k} {old.get(k)} -> {new.get(k)}" for k in changed)
        raise typer.BadParameter(
            f"{out} holds another world ({words}); use a new folder"
        )


def clip_path(out: Path, world: SynthActions, index: int) -> Path:
    """Where clip `index` of a world's split is written."""
    action = world.action_names[world.actions[index]]
    return out / world.split / action / f"clip_{index:06d}.mp4"


def _unfinished(out: Path, world: SynthActions, truth: bool) -> list[int]:
    left = []
    for index in range(len(world)):
        path = clip_path(out, world, index)
        try:
            whole = path.exists() and probe(path).frames == world.knobs.frames
        except VideoError:
            whole = False
        if not whole or (truth and not path.with_suffix(".npz").exists()):
            left.append(index)
    return left


def _write(out: Path, jobs: list, crf: int, truth: bool) -> None:
    keys = ("clip", "scene", "mask", "flow", "flow_valid") if truth else ("clip",)
    with tqdm(total=len(jobs), unit="clip") as bar:
        for start in range(0, len(jobs), BATCH):
            batch = jobs[start : start + BATCH]
            for world in dict.fromkeys(world for world, _ in batch):
                rows = [index for owner, index in batch if owner is world]
                rendered = world.render(rows, keys)
                for at, index in enumerate(rows):
                    item = {key: value[at].numpy() for key, value in rendered.items()}
                    _write_one(clip_path(out, world, index), world, item, crf)
                bar.update(len(rows))


def _write_one(path: Path, world: SynthActions, item: dict, crf: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = item.pop("clip").transpose(1, 2, 3, 0)
    if item:  # the truth first: a video that is there has its truth beside it
        part = path.with_name(f".{path.stem}.part{os.getpid()}.npz")
        np.savez_compressed(part, **item)
        os.replace(part, path.with_suffix(".npz"))
    write_video(path, clip, world.knobs.frame_rate, crf)


def world_of(folder: Path, otherwise: str) -> dict:
    """The settings that make_synthetic.py left in a folder."""
    note = folder / "world.json"
    if not note.is_file():
        raise typer.BadParameter(f"{folder} has no world.json: use {otherwise}")
    world = json.loads(note.read_text())
    if world["world_version"] != WORLD_VERSION:
        versions = f"version {world['world_version']}, this course {WORLD_VERSION}"
        raise typer.BadParameter(f"{note} is of the world's {versions}; write it anew")
    return world


def world_knobs(world: dict) -> Knobs:
    """The knobs among a world's settings."""
    others = ("world_version", "seed", "crf")
    knobs = {key: value for key, value in world.items() if key not in others}
    size = knobs["size"]
    return Knobs(**{**knobs, "size": tuple(size) if isinstance(size, list) else size})


if __name__ == "__main__":
    typer.run(main)
