"""The command line: `python -m course doctor | data | train | claims | lab`.

Exit codes: 0 done, 1 it ran and failed (one readable line; COURSE_DEBUG=1 shows the
traceback), 2 it was called wrongly (one line that says how).
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

_STOPPED = 130  # what shells give a command that Ctrl-C ended
_UsageError: Any = typer.BadParameter.__mro__[1]
_ClickException: Any = typer.BadParameter.__mro__[2]


class _Course(TyperGroup):
    """The command group with one-line errors and the exit codes above."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False  # errors come to us
        try:
            result = super().main(*args, **kwargs)
        except _UsageError as error:
            where = error.ctx.command_path if error.ctx else "course"
            _complain(error.format_message(), f"(see {where} --help)")
            sys.exit(2)
        except _ClickException as error:
            _complain(error.format_message())
            sys.exit(1)
        except (KeyboardInterrupt, typer.Abort):
            _complain("stopped")
            sys.exit(_STOPPED)
        except Exception as error:
            if os.environ.get("COURSE_DEBUG", "0") not in ("", "0"):
                traceback.print_exc()
            ours = isinstance(error, (ValueError, OSError, RuntimeError)) and str(error)
            _complain("" if ours else f"{type(error).__name__}:", str(error))
            sys.exit(1)
        code = result if isinstance(result, int) else 0
        if code == _STOPPED:  # typer turned a Ctrl-C into a code
            _complain("stopped")
        sys.exit(code)


def _complain(*parts: str) -> None:
    line = " ".join(" ".join(part.split()) for part in parts if part)
    typer.echo(f"course: error: {line}", err=True)


app = typer.Typer(
    cls=_Course,
    name="course",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(rich_markup_mode=None)
app.add_typer(data_app, name="data")


@app.callback()
def course(context: typer.Context) -> None:
    """Motion, Not Scenery: five video-understanding papers rebuilt from scratch.

    \b
    Examples:
      python -m course doctor              is this machine ready?
      python -m course lab                 open the course
      python -m course train first_look    train a chapter's networks
      python -m course claims first_look   do its runs and decide its claims
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


# ------------------------------------------------------------------ shared arguments
def _known_chapter(name: str | None) -> str | None:
    from course.chapters import find

    try:
        return None if name is None else find(name).name
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _known_scale(name: str | None) -> str:
    from course.scale import current_scale

    try:
        return current_scale(name)
    except ValueError as error:
        raise typer.BadParameter(str(error).replace("COURSE_SCALE", "scale")) from None


_Chapter = Annotated[str, typer.Argument(help="Its name.", callback=_known_chapter)]
_Scale = Annotated[
    str | None,
    typer.Option(
        help="cpu, gpu or full; by default COURSE_SCALE or the hardware.",
        callback=_known_scale,
    ),
]


# -------------------------------------------------------------------------- commands
@app.command()
def doctor() -> None:
    """Check this machine, and say the fix for whatever is wrong.

    \b
    Each line is OK, WARN (works, with a limit) or FAIL; exit code 1 if one is FAIL.
    Example:
      python -m course doctor
    """
    from course.doctor import FAIL, examine, report

    checks = examine()
    typer.echo(report(checks))
    if any(check.status == FAIL for check in checks):
        raise typer.Exit(1)


@app.command()
def train(
    chapter: _Chapter,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Only with --verify-weights: files or folders of weights."),
    ] = None,
    scale: _Scale = None,
    run: Annotated[
        list[str] | None, typer.Option(help="Only this run; may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 to N-1.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, help="A manifest (see `data index`) to train on."),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="End each training cleanly after this time.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; default runs/CHAPTER/SCALE.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what is in the folder.")
    ] = False,
    verify_weights: Annotated[
        bool,
        typer.Option(
            "--verify-weights",
            help="Train nothing; prove published weights (without FILES: what to get).",
        ),
    ] = False,
    clip: Annotated[
        list[Path] | None,
        typer.Option(help="With --verify-weights: the sample clip; may be repeated."),
    ] = None,
) -> None:
    """Train a chapter's networks, on one device or several.

    \b
    Results go to the --out folder, never into the ledger (that is `claims`).
    With --verify-weights nothing is trained: published weights are proved and run.
    Examples:
      python -m course train first_look --scale cpu
      python -m course train first_look --seeds 3 --max-minutes 10 --out runs/try
      python -m course train first_look --out runs/try --seeds 3 --resume
      accelerate launch -m course train first_look --scale full
      python -m course train i3d --verify-weights kinetics-i3d
    """
    from course import chapters

    assert scale is not None  # the callback resolved it
    if verify_weights:
        _verify(chapter, files or [], clip)
        return
    if files or clip:
        text = f"{(files or clip or [])[0]} is taken only with --verify-weights"
        raise typer.BadParameter(text)
    if max_minutes is not None:
        if max_minutes <= 0:
            raise typer.BadParameter(
                f"--max-minutes must be above 0, got {max_minutes}"
            )
        os.environ["COURSE_MAX_MINUTES"] = str(max_minutes)
    known = chapters.room_module(chapter, "experiment").RUNS
    unknown = [name for name in run or () if name not in known]
    if unknown:
        text = f"unknown run {unknown[0]!r}; the runs are: {', '.join(known)}"
        raise typer.BadParameter(text)
    chapters.train(
        chapter,
        scale,
        runs=run or list(known),
        seeds=range(seeds),
        out=out or Path("runs") / chapter / scale,
        data=data,
        resume=resume,
        log=typer.echo,
    )


def _verify(chapter: str, files: list[Path], clip: list[Path] | None) -> None:
    """Have the chapter's room prove published weights; exit code 1 if they are not."""
    from course import chapters

    try:
        room = chapters.room_module(chapter, "verify")
    except ModuleNotFoundError as error:
        if not (error.name or "").endswith(".verify"):
            raise  # it exists, and lacks something itself
        text = f"chapter {chapter!r} has no published weights to verify"
        raise typer.BadParameter(text) from None
    if not room.verify_weights(files, clip, log=typer.echo):
        raise typer.Exit(1)


@app.command()
def claims(
    chapter: Annotated[
        str | None,
        typer.Argument(help="Its name; by default all.", callback=_known_chapter),
    ] = None,
    scale: _Scale = None,
    seeds: Annotated[
        int, typer.Option(min=2, help="How many seeds to report (11, 12, ...).")
    ] = 5,
    only_list: Annotated[
        bool, typer.Option("--list", help="Run nothing; show where each claim stands.")
    ] = False,
) -> None:
    """Do the missing runs of a chapter and decide its claims.

    \b
    Stop it at any time: the next call does what is left.
    Examples:
      python -m course claims first_look --scale cpu --seeds 5
      python -m course claims --list
    """
    from course import chapters

    assert scale is not None  # the callback resolved it
    names = [chapter] if chapter else [c.name for c in chapters.CHAPTERS if c.built]
    for name in names:
        if not only_list:
            chapters.run_claims(
                name, scale, chapters.reported_seeds(seeds), log=typer.echo
            )
            continue
        for one in chapters.decide(name, scale, chapters.reported_seeds(seeds)):
            typer.echo(chapters.verdict_line(one))


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
def lab(context: typer.Context) -> None:
    """Open the course in JupyterLab.

    Further arguments go to JupyterLab.

    \b
    Examples:
      python -m course lab
      python -m course lab --no-browser --port 8899
    """
    from course.chapters import notebook_path

    start = notebook_path("first_look")
    # The whole clone in the file browser; the printed address leads to the start.
    page = f"/lab/tree/{start.parent.name}/{start.name}"
    command = [sys.executable, "-m", "jupyterlab", f"--LabApp.default_url={page}"]
    command += [f"--ServerApp.root_dir={start.parents[1]}", *context.args]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # containers
        command.append("--allow-root")
    typer.echo(f"opening {start.name} in JupyterLab; Ctrl-C ends it")
    sys.stdout.flush()
    if os.name == "nt":  # exec would detach it from the console there
        import subprocess

        raise typer.Exit(subprocess.call(command))
    os.execv(sys.executable, command)


@data_app.callback()
def data() -> None:
    """Index a folder of videos, or render the synthetic world.

    \b
    Examples:
      python -m course data index my_videos
      python -m course data synth --split train --clips 1024
    """


@data_app.command("index")
def data_index(
    folder: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="One sub-folder a class."),
    ],
    validation: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of videos kept for `val`.")
    ] = 0.0,
) -> None:
    """Write the manifest of a folder of videos, FOLDER/manifest.csv.

    \b
    Understood are FOLDER/CLASS/video.mp4 and FOLDER/SPLIT/CLASS/video.mp4 with the
    splits train, val and test. Unreadable files are named and left out.
    Examples:
      python -m course data index my_videos
      python -m course data index my_videos --validation 0.2
    """
    from course.datasets import index_folder, write_manifest

    manifest, errors = index_folder(folder, validation)
    for error in errors:
        typer.echo(f"left out: {error}", err=True)
    path = write_manifest(folder / "manifest.csv", manifest)
    typer.echo(
        f"{path}: {len(manifest)} videos of {len(manifest.classes)} classes, splits "
        f"{', '.join(manifest.splits)}; {len(errors)} left out"
    )


@data_app.command("synth")
def data_synth(
    split: Annotated[str, typer.Option(help="Which split.")] = "train",
    clips: Annotated[int, typer.Option(min=1, help="How many clips.")] = 1024,
    size: Annotated[int, typer.Option(min=8, help="Pixels a side.")] = 32,
    frames: Annotated[int, typer.Option(min=1, help="Frames a clip.")] = 8,
    scene_correlation: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How tied scenes are to actions.")
    ] = 0.9,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 0,
) -> None:
    """Render a part of the synthetic world into the cache.

    \b
    Chapters render what they need by themselves; this does it beforehand.
    Examples:
      python -m course data synth --split train --clips 1024
      python -m course data synth --split swapped --size 112 --frames 16
    """
    from course.synthetic import SPLITS, SynthActions

    if split not in SPLITS:
        raise typer.BadParameter(f"split must be one of {', '.join(SPLITS)}")
    world = SynthActions(
        split,
        num_clips=clips,
        seed=seed,
        size=size,
        frames=frames,
        scene_correlation=scene_correlation,
    )
    shape = tuple(world.tensors()["clip"].shape)
    typer.echo(f"{split}: clips {shape} in the cache")


def main() -> None:
    """Entry point of the `course` script and of `python -m course`."""
    app(prog_name="course")


if __name__ == "__main__":
    main()
