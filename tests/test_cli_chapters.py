"""Chapters as a whole: the map, `start`, runs, records, resuming, verdicts.

A tiny room stands in for a paper's: two runs whose metric is arithmetic.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types

import pytest
from typer.testing import CliRunner

import course
from course import chapters
from course.cli import app
from course.evaluation.claims import Claim


@dataclasses.dataclass(frozen=True)
class Settings:
    steps: int = 10


class Calls(list):
    """What the tiny room was asked to run, and when to break down."""

    break_at: int | None = None


@pytest.fixture
def room(monkeypatch, tmp_path):
    """The chapter `tiny`, with its records in a temporary folder."""
    calls = Calls()

    def good(settings, seed, device, folder=None, data=None):
        calls.append(("good", seed, folder, data))
        if len(calls) == calls.break_at:
            raise RuntimeError("the power went out")
        return {"top1": 0.9 + seed / 100, "steps": settings.steps, "paper_steps": 50}

    def bad(settings, seed, device):
        calls.append(("bad", seed, None, None))
        return {"top1": 0.3 + seed / 50}

    experiment = types.ModuleType("course.tiny.experiment")
    experiment.SETTINGS = {s: Settings() for s in ("cpu", "gpu", "full")}
    experiment.RUNS = {"good": good, "bad": bad}
    experiment.VERSION = 1
    claims = types.ModuleType("course.tiny.claims")
    claims.CLAIMS = [
        Claim("wins", "good beats bad", "ours", "greater", "top1", a="good", b="bad")
    ]
    for part in (types.ModuleType("course.tiny"), experiment, claims):
        monkeypatch.setitem(sys.modules, part.__name__, part)
    row = chapters.Chapter("tiny", "09.ipynb", "Tiny", "", "Does it run?", "tiny")
    monkeypatch.setattr(chapters, "CHAPTERS", (*chapters.CHAPTERS, row))
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)
    room = types.SimpleNamespace(experiment=experiment, calls=calls, folder=tmp_path)
    return room


def call(*words: str):
    return CliRunner().invoke(app, [str(word) for word in words])


def done(room) -> list[tuple[str, int]]:
    return [one[:2] for one in room.calls]


# ---------------------------------------------------------------------------- the map
def test_the_map_has_six_chapters_and_says_which_are_built():
    assert [c.notebook[:2] for c in chapters.CHAPTERS] == "00 01 02 03 04 05".split()
    names = [c.name for c in chapters.CHAPTERS]
    assert names == "first_look i3d motion_squeeze scene_debias fame dcc".split()
    assert all(c.title and c.question.endswith("?") for c in chapters.CHAPTERS)
    for chapter in chapters.CHAPTERS:
        if chapter.built:
            assert chapters.settings_of(chapter.name, "cpu") is not None
        else:
            with pytest.raises(chapters.NotBuiltError, match=chapter.name):
                chapters.settings_of(chapter.name, "cpu")


def test_start_says_what_is_in_force_and_leaves_the_settings_alone(room, capsys):
    settings = course.start("tiny", scale="cpu", seed=3)
    said = capsys.readouterr().out
    assert said == "chapter tiny | scale cpu | seed 3 | device cpu\n"
    assert (settings.scale, settings.seed, settings.device.type) == ("cpu", 3, "cpu")
    assert dataclasses.asdict(settings) == {"steps": 10}
    assert not hasattr(room.experiment.SETTINGS["cpu"], "seed")


def test_start_seeds_everything(room):
    import torch

    drawn = []
    for seed in (1, 1, 2):
        course.start("tiny", scale="cpu", seed=seed)
        drawn.append(torch.rand(1).item())
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_unknown_chapter_is_a_value_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="'fames'.*first_look, i3d"):
        course.start("fames")


# ----------------------------------------------------------------------------- claims
def test_claims_runs_all_saves_all_and_decides(room):
    result = call("claims", "tiny", "--scale", "cpu", "--seeds", 3)
    assert result.exit_code == 0, result.output
    assert "1 claims, 6 runs to do" in result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("holds") and "good beats bad" in last
    record = json.loads((room.folder / "results/tiny/cpu/good.json").read_text())
    assert sorted(record["runs"]) == ["11", "12", "13"]
    run = record["runs"]["13"]
    assert run["metrics"] == {"top1": 0.9 + 13 / 100}
    assert (run["steps"], run["paper_steps"], run["shortened"]) == (10, 50, True)
    assert record["settings_hash"] == chapters.current_hashes("tiny", "cpu")["good"]


def test_claims_goes_on_where_it_was_interrupted(room):
    room.calls.break_at = 3
    broken = call("claims", "tiny", "--scale", "cpu", "--seeds", 2)
    assert broken.exit_code == 1
    assert broken.stderr.strip() == "course: error: the power went out"
    room.calls.clear()
    room.calls.break_at = None
    assert call("claims", "tiny", "--scale", "cpu", "--seeds", 2).exit_code == 0
    assert done(room) == [("good", 12), ("bad", 12)]
    room.calls.clear()
    more = call("claims", "tiny", "--scale", "cpu", "--seeds", 3)
    assert done(room) == [("good", 13), ("bad", 13)]
    assert "2 runs to do" in more.output


@pytest.mark.parametrize("what", ["room", "settings", "world"])
def test_what_was_recorded_by_other_code_is_stale_and_done_again(
    room, monkeypatch, what
):
    call("claims", "tiny", "--scale", "cpu", "--seeds", 2)
    if what == "room":
        room.experiment.VERSION = 2
    elif what == "settings":
        room.experiment.SETTINGS["cpu"] = Settings(steps=11)
    else:
        monkeypatch.setattr("course.synthetic.WORLD_VERSION", "another")
    listed = call("claims", "tiny", "--scale", "cpu", "--seeds", 2, "--list")
    assert listed.output.startswith("stale")
    room.calls.clear()
    again = call("claims", "tiny", "--scale", "cpu", "--seeds", 2)
    assert len(room.calls) == 4 and "holds" in again.output


def test_list_runs_nothing_and_writes_nothing(room):
    result = call("claims", "tiny", "--scale", "cpu", "--list")
    assert result.exit_code == 0 and result.output.startswith("not recorded")
    assert room.calls == [] and not (room.folder / "results").exists()


# ------------------------------------------------------------------------------ train
def test_train_keeps_out_of_the_ledger(room):
    result = call("train", "tiny", "--scale", "cpu", "--run", "good")
    assert result.exit_code == 0, result.output
    assert not (room.folder / "results").exists()
    assert (room.folder / "runs/tiny/cpu/results/tiny/cpu/good.json").exists()
    (_, _, folder, data) = room.calls[0]
    assert folder.parts[-2:] == ("good", "seed0") and data is None


def test_train_goes_on_only_when_told_to(room):
    assert call("train", "tiny", "--scale", "cpu", "--out", "out").exit_code == 0
    again = call("train", "tiny", "--scale", "cpu", "--out", "out")
    assert again.exit_code == 1 and "--resume" in again.stderr
    room.calls.clear()
    words = "train tiny --scale cpu --out out --seeds 2 --resume".split()
    assert call(*words).exit_code == 0
    assert done(room) == [("good", 1), ("bad", 1)]


def test_train_hands_a_manifest_to_runs_that_take_one(room, tmp_path):
    (tmp_path / "mine.csv").write_text("path,label\n")
    words = "train tiny --scale cpu --data mine.csv".split()
    assert call(*words, "--out", "a", "--run", "good").exit_code == 0
    assert room.calls[0][3].name == "mine.csv"
    refused = call(*words, "--out", "b", "--run", "bad")
    assert refused.exit_code == 1 and "synthetic world only" in refused.stderr


def test_train_names_the_runs_if_one_is_unknown(room):
    result = call("train", "tiny", "--scale", "cpu", "--run", "ugly")
    assert result.exit_code == 2 and "the runs are: good, bad" in result.stderr


def test_max_minutes_reaches_the_training_loop(room, monkeypatch):
    import os

    monkeypatch.setenv("COURSE_MAX_MINUTES", "99")  # put back afterwards
    words = "train tiny --scale cpu --max-minutes 0.5".split()
    assert call(*words).exit_code == 0
    assert os.environ["COURSE_MAX_MINUTES"] == "0.5"


def test_only_the_first_of_several_processes_writes(room, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    result = call("train", "tiny", "--scale", "cpu", "--out", "out")
    assert result.exit_code == 0 and len(room.calls) == 2
    assert not (room.folder / "out/results").exists()
