"""Killed, resumed, out of space: a run goes on as if nothing had happened."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from course.training import CheckpointError, TrainSettings, fit, load_checkpoint
from course.training import checkpoint as files

SCRIPT = Path(__file__).with_name("training_script.py")


ROOT = str(Path(__file__).parents[1])


def python(*arguments):
    """Run Python on the course's code in a process of its own; what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ROOT}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_equal(a, b, path=""):
    """Bit for bit, whatever is nested in what."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            assert_equal(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), path
        for i, pair in enumerate(zip(a, b, strict=True)):
            assert_equal(*pair, f"{path}[{i}]")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), path
    else:
        assert a == b, path


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_in_the_same_weights(tmp_path):
    python(SCRIPT, tmp_path / "whole", tmp_path / "whole.pt")
    report = python(SCRIPT, tmp_path / "torn", tmp_path / "torn.pt", 6)
    ends = [tuple(map(int, line.split())) for line in report.splitlines()]
    killed = {step for code, step in ends if code == -9}
    assert len(killed) >= 3, ends  # it really was torn, at several places
    expected, found = (
        torch.load(tmp_path / f"{name}.pt") for name in ("whole", "torn")
    )
    assert found["steps"] == 60
    assert_equal(expected, found)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "torn")]
    assert logs[0] == logs[1]


# The rest stops a run from within the process: the same code, faster.


class Stop(Exception):
    pass


def run(folder=None, stop=None, identity=None, seed=0, data=None, **changes):
    """Train a tiny net, possibly giving up after a step; returns (weights, result)."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    if data is None:
        x = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
        data = {"x": x, "y": (x.sum(1) > 0).long()}

    def training_step(model, batch, step):
        return {"loss": nn.functional.cross_entropy(model(batch["x"]), batch["y"])}

    def on_step(done, scalars):
        if done == stop:
            raise Stop

    recipe = {"batch_size": 5, "steps": 20, "checkpoint_every": 4, "log_every": 3}
    settings = TrainSettings(**recipe | {"tensorboard": False} | changes)
    try:
        result = fit(
            model,
            data,
            training_step,
            settings,
            seed=seed,
            folder=folder,
            identity=identity,
            on_step=on_step,
            device="cpu",
            progress=False,
        )
    except Stop:
        result = None
    return torch.cat([p.detach().flatten() for p in model.parameters()]), result


@pytest.mark.parametrize("stop", [1, 4, 5, 7, 8, 13, 19, 20])
def test_stopped_anywhere_it_continues_exactly(tmp_path, stop):
    expected, whole = run(tmp_path / "whole")
    run(tmp_path / "torn", stop=stop)
    found, result = run(tmp_path / "torn")
    assert torch.equal(expected, found)
    assert result.resumed_from == (stop - 1) // 4 * 4
    assert result.rows == whole.rows


ITEMS = [{"x": torch.ones(4) * (i - 7), "y": int(i > 7)} for i in range(15)]


@pytest.mark.parametrize(
    "recipe", [{"optimizer": "sgd"}, {"accumulate": 5}, {"data": ITEMS}]
)
def test_other_recipes_continue_exactly(tmp_path, recipe):
    expected, _ = run(None, **recipe)
    run(tmp_path, stop=11, **recipe)
    assert torch.equal(expected, run(tmp_path, **recipe)[0])


def test_a_run_cut_by_the_clock_is_continued(tmp_path):
    expected, whole = run(None)
    for done in range(1, 21):
        found, result = run(tmp_path, max_minutes=1e-9)
        assert result.steps == done and result.shortened == (done < 20)
    assert torch.equal(expected, found) and result.rows == whole.rows


def test_a_finished_run_is_not_trained_again(tmp_path):
    expected, whole = run(tmp_path)
    found, result = run(tmp_path)
    assert torch.equal(expected, found) and result.rows == whole.rows
    assert (result.steps, result.resumed_from) == (20, 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.5}, "learning_rate: 0.001 there, 0.5 here"),
        ({"seed": 1}, "seed: 0 there, 1 here"),
        ({"identity": {"world": 2}}, "world: 1 there, 2 here"),
        ({"data": {"x": torch.zeros(9, 4), "y": torch.zeros(9)}}, "items: 30 there, 9"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, change, message):
    run(tmp_path, stop=6, identity={"world": 1})
    with pytest.raises(CheckpointError, match=message):
        run(tmp_path, **{"identity": {"world": 1}, **change})


def test_watching_it_differently_is_no_other_run(tmp_path):
    run(tmp_path, stop=6)
    assert run(tmp_path, log_every=7, checkpoint_every=1)[1].resumed_from == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"loss,step\n"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / files.FILE_NAME).write_bytes(content)
    with pytest.raises(CheckpointError, match="checkpoint.pt"):
        run(tmp_path)


def test_a_pickle_that_is_not_ours_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "was here"),))

    torch.save({"model": Evil()}, tmp_path / files.FILE_NAME)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / files.FILE_NAME)
    assert not (tmp_path / "was here").exists()


def test_a_state_that_could_not_be_read_back_is_found_at_the_start(tmp_path):
    class Odd:
        def state_dict(self):
            return {"path": Path("x")}

        def load_state_dict(self, state):
            pass

    steps = []
    with pytest.raises(CheckpointError, match="could not be read back"):
        fit(
            nn.Linear(1, 1),
            {"x": torch.ones(4, 1)},
            lambda model, batch, step: steps.append(step),
            TrainSettings(steps=2),
            state=Odd(),
            folder=tmp_path,
            device="cpu",
            progress=False,
        )
    assert not steps
    with pytest.raises(ValueError, match="queue in state needs state_dict"):
        fit(
            nn.Linear(1, 1),
            {"x": torch.ones(4, 1)},
            None,
            TrainSettings(steps=2),
            state={"queue": [1]},
        )


def test_a_disk_that_fills_up_leaves_the_previous_checkpoint_whole(
    tmp_path, monkeypatch, capsys
):
    expected, _ = run(None)
    real, path = os.fsync, tmp_path / files.FILE_NAME

    def full(fd):
        if path.exists():  # room for the first checkpoint only
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd)

    monkeypatch.setattr(os, "fsync", full)
    found, result = run(tmp_path)
    assert torch.equal(expected, found)  # the training itself came to its end
    assert load_checkpoint(path)["step"] == 4
    assert "No space left on device; the previous one is whole" in result.notes[-1]
    assert "training goes on" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint.pt", "log.csv"]
    monkeypatch.setattr(os, "fsync", real)
    found, result = run(tmp_path)  # there is room again
    assert torch.equal(expected, found) and result.resumed_from == 4


FILL = """
import resource, sys, torch
from course.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
path = sys.argv[1]
save_checkpoint(path, {"model": {"w": torch.ones(10)}})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_checkpoint(path, {"model": {"w": torch.zeros(100_000)}})
except CheckpointError as error:
    print(error)
assert load_checkpoint(path)["model"]["w"].sum() == 10
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a file size limit")
def test_the_systems_own_refusal_leaves_it_whole_too(tmp_path):
    path = tmp_path / "c.pt"
    assert "File too large; the previous one is whole" in python("-c", FILL, path)
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_a_log_that_cannot_be_written_does_not_stop_the_run(tmp_path, monkeypatch):
    from course.training import logs

    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(logs, "write_atomically", refuse)
    _, result = run(tmp_path)
    assert result.steps == 20 and len(result.rows) == 7
    assert "log.csv cannot be written: No space left" in result.notes[0]


def test_the_log_takes_new_columns_and_drops_half_lines(tmp_path):
    log = logs_of(tmp_path)
    log.add({"step": 1, "loss": 0.1})
    log.add({"step": 2, "loss": 0.25, "top1": 1.0})
    log.add({"step": 3, "loss": 1 / 3})
    with open(tmp_path / "log.csv", "a") as file:
        file.write("1")  # of a "12,..." that was never finished
    assert logs_of(tmp_path, upto=3).rows == log.rows
    assert logs_of(tmp_path, upto=2).rows == log.rows[:2]


def logs_of(folder, upto=0):
    from course.training.logs import Log

    return Log(folder, upto=upto)


def test_tensorboard_curves_are_written_or_their_absence_noted(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    _, result = run(tmp_path / "a", tensorboard=True)
    assert list((tmp_path / "a" / "tensorboard").glob("events*")) and not result.notes
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    _, result = run(tmp_path / "b", tensorboard=True)
    assert "TensorBoard is not installed" in result.notes[0]
