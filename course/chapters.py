"""The chapters of the course, and what is done to one as a whole: open, train, claims.

A chapter's room is a package of `course` with two files this module reads:

    experiment.py  SETTINGS: scale -> dataclass;  VERSION: the room's version;
                   RUNS: name -> run(settings, seed, device) -> {metric: number}.
                   A run may also take `folder` (for checkpoints and logs) and `data`
                   (a manifest), and may report `steps`, `planned_steps` and
                   `paper_steps` (of the training) among its metrics.
    claims.py      CLAIMS: the list of `course.evaluation.claims.Claim`
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.evaluation import Recorded

_COUNTS = ("steps", "planned_steps", "paper_steps")


class NotBuiltError(RuntimeError):
    """The chapter is on the map but its room does not exist yet."""


@dataclasses.dataclass(frozen=True)
class Chapter:
    """A row of the course's map; `room` is a package of `course`, None until built."""

    name: str
    notebook: str
    title: str
    paper: str
    question: str
    room: str | None = None

    @property
    def built(self) -> bool:
        """Whether it can be opened, trained and decided."""
        return self.room is not None


CHAPTERS = (
    Chapter(
        "first_look",
        "00_start.ipynb",
        "First look",
        "",
        "What does a video network learn when every action has its own scene?",
        room="first_look",
    ),
    Chapter(
        "i3d",
        "01_i3d.ipynb",
        "Inflating images into videos",
        "I3D (Carreira & Zisserman, CVPR 2017)",
        "How does an image network become a video network, and what does it still see?",
        room="i3d",
    ),
    Chapter(
        "motion_squeeze",
        "02_motion_squeeze.ipynb",
        "Motion as a feature",
        "MotionSqueeze (Kwon et al., ECCV 2020)",
        "Can a network find motion inside its own features, without optical flow?",
        room="motion_squeeze",
    ),
    Chapter(
        "scene_debias",
        "03_scene_debias.ipynb",
        "Unlearning the scene",
        "SDN (Choi et al., NeurIPS 2019)",
        "How much of an action is the scene, and can a network be made to forget it?",
        room="scene_debias",
    ),
    Chapter(
        "fame",
        "04_fame.ipynb",
        "Same motion, other background",
        "FAME (Ding et al., CVPR 2022)",
        "What if two views of a clip share nothing but the motion?",
    ),
    Chapter(
        "dcc",
        "05_dcc.ipynb",
        "Action or background, moment by moment",
        "DCC (Li et al., CVPR 2022)",
        "Where in a long video is the action, if only the video's label is known?",
    ),
)


def find(name: str) -> Chapter:
    """A chapter by its name.

    Raises:
        ValueError: if there is none; the message lists those there are.

    >>> find("fame").notebook
    '04_fame.ipynb'
    """
    for chapter in CHAPTERS:
        if chapter.name == name:
            return chapter
    known = ", ".join(chapter.name for chapter in CHAPTERS)
    raise ValueError(f"unknown chapter {name!r}; the chapters are: {known}")


def room_module(name: str, part: str) -> ModuleType:
    """The file `part` ("experiment" or "claims") of a chapter's room.

    Raises:
        ValueError: if there is no such chapter.
        NotBuiltError: if its room is not built yet.
    """
    chapter = find(name)
    if not chapter.built:
        built = ", ".join(c.name for c in CHAPTERS if c.built)
        raise NotBuiltError(f"chapter {name!r} is not built yet; built are: {built}")
    return importlib.import_module(f"course.{chapter.room}.{part}")


def settings_of(name: str, scale: str | None = None) -> Any:
    """The chapter's settings at a scale (by default the one in force), a dataclass."""
    from course.scale import current_scale

    return room_module(name, "experiment").SETTINGS[current_scale(scale)]


def open_chapter(
    name: str, *, scale: str | None = None, seed: int | None = None
) -> Any:
    """What `course.start` does: seed, say what is in force, hand over the settings.

    Args:
        name: a chapter's name.
        scale: `cpu`, `gpu` or `full`; None for the one in force.
        seed: None for `COURSE_SEED`, else 0.

    Returns:
        The chapter's settings, with the attributes `scale`, `seed` and `device` added.

    Raises:
        ValueError: if the chapter or the scale is unknown.
        NotBuiltError: if its room is not built yet.
    """
    from course.scale import current_scale, default_seed, device_for, seed_everything

    scale = current_scale(scale)
    settings = copy.copy(settings_of(name, scale))
    seed = default_seed() if seed is None else seed
    device = device_for(scale)
    seed_everything(seed)
    # Not fields: they say where this session runs, and must not enter a settings hash.
    for key, value in {"scale": scale, "seed": seed, "device": device}.items():
        object.__setattr__(settings, key, value)
    print(f"chapter {name} | scale {scale} | seed {seed} | device {device.type}")
    return settings


def notebook_path(name: str) -> Path:
    """A chapter's notebook in the clone, or below the current folder.

    Raises:
        FileNotFoundError: if it is in neither.
    """
    file = find(name).notebook
    for folder in (Path(__file__).resolve().parents[1], Path.cwd()):
        if (folder / "notebooks" / file).exists():
            return folder / "notebooks" / file
    raise FileNotFoundError(f"no notebooks/{file}: call this in a clone of the course")


# ------------------------------------------------------------------ recorded results
FIRST_REPORTED_SEED = 11


def reported_seeds(count: int) -> range:
    """The seeds of a ledger: 11, 12, ...

    Smaller ones are for live runs and for choosing settings; they are never reported.

    >>> list(reported_seeds(3))
    [11, 12, 13]
    """
    return range(FIRST_REPORTED_SEED, FIRST_REPORTED_SEED + count)


def results_folder() -> Path:
    """Where records live: `COURSE_RESULTS`, else `results` in the clone or here."""
    if os.environ.get("COURSE_RESULTS"):
        return Path(os.environ["COURSE_RESULTS"])
    clone = Path(__file__).resolve().parents[1]
    return (clone if (clone / "pyproject.toml").exists() else Path.cwd()) / "results"


def load_results(name: str, scale: str, root: Path | None = None) -> dict[str, dict]:
    """The records of a chapter at a scale as plain dicts, by name; maybe none."""
    from course.training.records import load_records

    records = load_records((root or results_folder()) / find(name).name / scale)
    return {key: dataclasses.asdict(record) for key, record in records.items()}


def versions(name: str, data: Path | None = None) -> dict[str, Any]:
    """What decides a chapter's numbers beside its settings: world, room, own data."""
    from course.synthetic import WORLD_VERSION

    own = {} if data is None else {"data": str(data)}
    return {
        "world": WORLD_VERSION,
        "room": room_module(name, "experiment").VERSION,
    } | own


def current_hashes(name: str, scale: str, data: Path | None = None) -> dict[str, str]:
    """Record name -> the settings hash of a record that today's code would make."""
    from course.training.records import settings_hash

    today = settings_hash(settings_of(name, scale), **versions(name, data))
    return dict.fromkeys(room_module(name, "experiment").RUNS, today)


def recorded(name: str, scale: str) -> Recorded:
    """The numbers recorded for a chapter at a scale; stale ones count as absent."""
    from course.evaluation import Recorded

    return Recorded(load_results(name, scale), current_hashes(name, scale))


# ------------------------------------------------------------------------------ runs
def do_runs(
    name: str,
    scale: str,
    runs: Iterable[tuple[str, int]],
    root: Path,
    *,
    folder: Path | None = None,
    data: Path | None = None,
    log: Callable[[str], None] = print,
) -> None:
    """Do a chapter's runs one after the other and save each as soon as it is done.

    Args:
        name: the chapter.
        scale: the scale.
        runs: pairs (run name, seed).
        root: folder of the records; the record is root/chapter/scale/run.json.
        folder: for checkpoints and logs, handed to runs that take `folder`.
        data: a manifest, handed to runs that take `data`.
        log: called with one line a run.

    Raises:
        ValueError: if a run is unknown, or takes no `data` though some is given.
    """
    from course.scale import device_for, seed_everything
    from course.training.records import save_run

    experiment, device = room_module(name, "experiment"), device_for(scale)
    settings, runs = settings_of(name, scale), list(runs)
    begun = time.perf_counter()
    for number, (run, seed) in enumerate(runs, 1):
        options = _options(experiment.RUNS, run, seed, folder, data)
        seed_everything(seed)
        start = time.perf_counter()
        metrics = dict(experiment.RUNS[run](settings, seed, device, **options))
        seconds = time.perf_counter() - start
        counts = {key: int(metrics.pop(key)) for key in _COUNTS if key in metrics}
        left = (time.perf_counter() - begun) / number * (len(runs) - number)
        if _first_process():
            save_run(
                root,
                chapter=name,
                scale=scale,
                name=run,
                seed=seed,
                settings=settings,
                versions=versions(name, data),
                metrics=metrics,
                seconds=seconds,
                **({"steps": 0} | counts),
            )
            numbers = "  ".join(f"{key} {value:.3g}" for key, value in metrics.items())
            log(
                f"[{number}/{len(runs)}] {run}, seed {seed}: {seconds:.0f} s  {numbers}"
                f"  (about {math.ceil(left / 60)} min left)"
            )


def _first_process() -> bool:
    """Whether this process, of those a launcher may have started, writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def _options(
    runs: Mapping[str, Callable],
    run: str,
    seed: int,
    folder: Path | None,
    data: Path | None,
) -> dict[str, Any]:
    """The optional arguments that this run takes."""
    if run not in runs:
        raise ValueError(f"unknown run {run!r}; the runs are: {', '.join(runs)}")
    taken = inspect.signature(runs[run]).parameters
    if data is not None and "data" not in taken:
        raise ValueError(
            f"run {run!r} trains on the synthetic world only, not on {data}"
        )
    given = {"data": data, "folder": folder / run / f"seed{seed}" if folder else None}
    return {k: v for k, v in given.items() if v is not None and k in taken}


def train(
    name: str,
    scale: str,
    *,
    runs: Iterable[str],
    seeds: Iterable[int],
    out: Path,
    data: Path | None = None,
    resume: bool = False,
    log: Callable[[str], None] = print,
) -> None:
    """Do some runs outside the ledger; records, checkpoints and logs go to one folder.

    Args:
        name: the chapter.
        scale: the scale.
        runs: names of runs.
        seeds: every run is done once a seed.
        out: the folder.
        data: a manifest to train on instead of the synthetic world.
        resume: go on with what the folder holds; finished runs are skipped.
        log: called with one line a run.

    Raises:
        FileExistsError: if the folder holds something and `resume` is not set.
    """
    if _first_process() and not resume and out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: --resume goes on with it")
    recorded = load_results(name, scale, out / "results")
    hashes = current_hashes(name, scale, data)
    todo = [
        (run, seed)
        for seed in seeds
        for run in runs
        if recorded.get(run, {}).get("settings_hash") != hashes[run]
        or str(seed) not in recorded[run]["runs"]
    ]
    log(f"{name} at {scale} scale: {len(todo)} runs to do")
    do_runs(name, scale, todo, out / "results", folder=out, data=data, log=log)
    log(f"results in {out}")


def run_claims(
    name: str,
    scale: str,
    seeds: Sequence[int],
    *,
    root: Path | None = None,
    log: Callable[[str], None] = print,
) -> list[Any]:
    """Do the runs a chapter's claims still miss, then decide the claims.

    Stopping it loses at most the run in progress: each is saved when it is done, and
    the next call does what is left.

    Args:
        name: the chapter.
        scale: the scale.
        seeds: the seeds to report.
        root: folder of the records; None for `results_folder()`.
        log: called with one line a run and one a claim.

    Returns:
        One `course.evaluation.claims.Verdict` a claim.
    """
    from course.evaluation.claims import missing_runs

    root = root or results_folder()
    claims = room_module(name, "claims").CLAIMS
    hashes = current_hashes(name, scale)
    missing = missing_runs(claims, load_results(name, scale, root), seeds, hashes)
    log(f"{name} at {scale} scale: {len(claims)} claims, {len(missing)} runs to do")
    do_runs(name, scale, missing, root, log=log)
    verdicts = decide(name, scale, seeds, root)
    for one in verdicts:
        log(verdict_line(one))
    return verdicts


def verdict_line(one: Any) -> str:
    """A verdict as a line of text: the outcome, the claim and the numbers."""
    return f"{one.outcome:<12} {one.claim.id}: {one.claim.sentence} ({one.sentence})"


def decide(
    name: str, scale: str, seeds: Iterable[int] | None = None, root: Path | None = None
) -> list[Any]:
    """The verdict on each claim of a chapter, from the records alone."""
    from course.evaluation.claims import verdict

    records, hashes = load_results(name, scale, root), current_hashes(name, scale)
    seeds = None if seeds is None else list(seeds)
    return [
        verdict(claim, records, hashes, seeds)
        for claim in room_module(name, "claims").CLAIMS
    ]
