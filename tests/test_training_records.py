"""Records: one file an experiment, no run lost, stale when the settings changed."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.training import (
    Record,
    TrainSettings,
    is_stale,
    load_record,
    load_records,
    save_run,
    settings_hash,
)
from course.training import environment as where

ROOT = Path(__file__).parents[1]


def save(root, seed=0, metrics=None, settings=None, **changes):
    return save_run(
        root,
        **{"chapter": "fame", "scale": "cpu", "name": "plain", "seconds": 1.25}
        | {"steps": 10, "seed": seed, "settings": settings or {"rho": 0.9}}
        | {"metrics": metrics or {"top1": 0.5 + seed / 100}}
        | changes,
    )


def test_the_file_is_the_contract(tmp_path):
    save(tmp_path, seed=3, steps=10, planned_steps=10, paper_steps=1000)
    path = tmp_path / "fame" / "cpu" / "plain.json"
    content = json.loads(path.read_text())
    assert content["format"] == 1
    assert [content[k] for k in ("chapter", "scale", "name")] == [
        "fame",
        "cpu",
        "plain",
    ]
    assert content["settings"] == {"rho": 0.9}
    assert content["settings_hash"] == settings_hash({"rho": 0.9})
    run = content["runs"]["3"]
    assert run["metrics"] == {"top1": 0.53}
    assert (run["steps"], run["paper_steps"], run["shortened"]) == (10, 1000, True)
    assert run["seconds"] == 1.2 and run["date"].endswith("+00:00")
    assert {"python", "torch", "numpy", "course"} <= set(run["versions"])
    assert run["commit"] and run["hardware"]


def test_seeds_gather_in_one_record(tmp_path):
    for seed in (11, 2, 0):
        save(tmp_path, seed)
    record = load_record(tmp_path / "fame" / "cpu" / "plain.json")
    assert record.seeds == [0, 2, 11]
    assert record.metric("top1") == {0: 0.5, 2: 0.52, 11: 0.61}
    assert record.metric("absent") == {}
    save(tmp_path, 2, {"top1": 1.0})
    assert load_records(tmp_path / "fame" / "cpu")["plain"].metric("top1")[2] == 1.0
    assert load_records(tmp_path / "nowhere") == {}


def test_other_settings_or_versions_make_it_stale(tmp_path):
    record = save(tmp_path, 0)
    now = settings_hash({"rho": 0.9})
    assert not is_stale(record, now) and not is_stale(dataclasses.asdict(record), now)
    assert is_stale(record, settings_hash({"rho": 0.9}, world=2))
    assert is_stale({}, now)
    assert save(tmp_path, 1, versions={"world": 2}).seeds == [
        1
    ]  # the old one gives way


def test_a_shortened_run_says_so(tmp_path):
    runs = [
        save(tmp_path, steps=5, planned_steps=planned).runs["0"]["shortened"]
        for planned in (None, 5, 6)
    ]
    assert runs == [False, False, True]


ADD = """
import sys
from course.training import records, save_run
records.environment = dict
for seed in range(int(sys.argv[2]), 24, 2):
    save_run(sys.argv[1], chapter="c", scale="cpu", name="n", seed=seed, settings={},
             metrics={"m": 1.0}, seconds=0, steps=1)
"""


def test_two_processes_lose_no_seed(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([sys.executable, "-c", ADD, tmp_path, str(i)], env=environment)
        for i in range(2)
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    assert load_record(tmp_path / "c" / "cpu" / "n.json").seeds == list(range(24))
    assert [p.name for p in (tmp_path / "c" / "cpu").iterdir()] == ["n.json"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_must_be_a_number(tmp_path, value):
    with pytest.raises(ValueError, match="finite numbers only, got {'loss'"):
        save(tmp_path, metrics={"loss": value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_stays_in_its_folder(tmp_path, name):
    with pytest.raises(ValueError, match="plain file name"):
        save(tmp_path, name=name)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '"x"'])
def test_a_file_that_is_no_record_is_named(tmp_path, text):
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(ValueError, match="broken.json is not a record"):
        load_records(tmp_path)


def test_a_later_format_is_refused(tmp_path):
    record = Record("a", "cpu", "b", {}, "0" * 12, format=2)
    (tmp_path / "b.json").write_text(json.dumps(dataclasses.asdict(record)))
    with pytest.raises(ValueError, match="format 2"):
        load_record(tmp_path / "b.json")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_the_order_of_keys_does_not_matter(settings):
    backwards = dict(reversed(settings.items()))
    assert settings_hash(settings) == settings_hash(backwards)


def test_equal_meanings_have_one_hash_and_different_ones_do_not():
    assert settings_hash({"a": (1, 2.0)}) == settings_hash({"a": [1.0, np.int64(2)]})
    assert settings_hash({"a": np.float64(0.1)}) == settings_hash({"a": 0.1})
    assert settings_hash({"a": {2, 1}}) == settings_hash({"a": {1, 2}})
    different = [{"a": 1}, {"a": True}, {"a": "1"}, {"b": 1}, {"a": [1]}, {"a": None}]
    different += [{"a": 0.1}, {"a": torch.device("cpu")}, {"a": float("inf")}]
    assert len({settings_hash(each) for each in different}) == len(different)


def test_a_recipe_inside_settings_counts_by_what_it_learns():
    def hashed(**changes):
        return settings_hash({"train": TrainSettings(steps=5, **changes), "k": 1})

    assert hashed(log_every=3) == hashed() != hashed(learning_rate=0.5)


@pytest.mark.parametrize("value", [lambda: 0, torch.ones(1), object()])
def test_a_value_without_a_stable_text_is_refused(value):
    with pytest.raises(ValueError, match="plain value"):
        settings_hash({"a": value})


def test_the_hash_is_the_same_in_another_process():
    settings = {"widths": {3, 1, 2}, "name": "world", "rate": 0.1}
    code = "from course.training import settings_hash as h; import sys; "
    code += "print(h(eval(sys.argv[1]), room=1))"
    found = subprocess.run(
        [sys.executable, "-c", code, repr(settings)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "12"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == settings_hash(settings, room=1)


def test_the_commit_is_unknown_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert where.commit() == "unknown"


def test_the_commit_tells_of_changes(monkeypatch):
    answers = {"ls-files": "__init__.py", "rev-parse": "abc", "status": ""}
    monkeypatch.setattr(where, "_git", lambda folder, what, *rest: answers[what])
    assert where.commit() == "abc"
    answers["status"] = " M loop.py"
    assert where.commit() == "abc-changed"
    answers["ls-files"] = ""  # installed inside somebody else's repository
    assert where.commit() == "unknown"
