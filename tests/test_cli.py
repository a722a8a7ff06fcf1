"""The command line: exit codes, one-line errors, help with examples, the doctor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from typer.testing import CliRunner

from course import doctor
from course.cli import app

COMMANDS = ("doctor", "train", "claims", "lab", "data", "data index", "data synth")


def call(*words: str, **env: str):
    return CliRunner().invoke(app, list(words), env=env)


def one_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    return line


# ------------------------------------------------------------------------------ usage
@pytest.mark.parametrize("command", ("", *COMMANDS))
def test_every_help_has_examples(command):
    result = call(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.output and f"python -m course {command}" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bogus", "No such command 'bogus'"),
        ("train", "Missing argument"),
        ("train nothing", "the chapters are: first_look, i3d,"),
        ("claims nothing", "unknown chapter 'nothing'"),
        ("train first_look --scale huge", "one of cpu, gpu, full; got 'huge'"),
        ("train first_look --seeds 0", "--seeds"),
        ("train first_look --max-minutes 0", "above 0, got 0"),
        ("train first_look --data /does/not/exist.csv", "does not exist"),
        ("claims first_look --seeds 1", "--seeds"),
        ("data index /does/not/exist", "does not exist"),
        ("data synth --split tset", "train, val, test"),
        ("doctor now", "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(words, said):
    result = call(*words.split())
    assert result.exit_code == 2, result.output
    assert said in one_line(result.stderr)
    assert "--help" in result.stderr and result.stdout == ""


def test_no_command_shows_the_help():
    result = call()
    assert result.exit_code == 2 and "Examples:" in result.stdout


@pytest.mark.parametrize("command", ["train", "claims"])
def test_a_chapter_that_is_not_built_yet_is_a_clean_error(command):
    result = call(command, "dcc")
    assert result.exit_code == 1
    said = one_line(result.stderr)
    assert "'dcc' is not built yet" in said and "first_look" in said


def test_runtime_errors_are_one_line_and_the_traceback_is_on_demand(monkeypatch):
    def explode(*args, **kwargs):
        raise KeyError("first line\nsecond line")

    monkeypatch.setattr("course.chapters.decide", explode)
    plain = call("claims", "first_look", "--list")
    assert plain.exit_code == 1 and "KeyError" in one_line(plain.stderr)
    debug = call("claims", "first_look", "--list", COURSE_DEBUG="1")
    assert debug.exit_code == 1 and "Traceback" in debug.stderr


def test_ctrl_c_is_no_traceback(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("course.chapters.decide", interrupt)
    result = call("claims", "first_look", "--list")
    assert result.exit_code == 130 and one_line(result.stderr).endswith("stopped")


def test_as_a_process_usage_errors_have_exit_code_2():
    command = [sys.executable, "-m", "course", "claims", "nothing"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert out.returncode == 2 and out.stdout == ""
    assert one_line(out.stderr).startswith("course: error: ")


def test_synth_renders_into_the_cache(tmp_path):
    words = "data synth --split val --clips 3 --size 16 --frames 2".split()
    result = call(*words, COURSE_CACHE=str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "val: clips (3, 3, 2, 16, 16)" in result.stdout
    assert any(path.is_file() for path in tmp_path.rglob("*"))


def test_index_writes_a_manifest_and_names_what_it_left_out(tmp_path):
    import numpy as np

    from course.datasets import read_manifest
    from course.video import write_video

    for label in ("bow", "wave"):
        (tmp_path / label).mkdir()
        frames = np.full((3, 32, 32, 3), 90, np.uint8)
        write_video(tmp_path / label / "a.mp4", frames, fps=8)
    (tmp_path / "wave" / "broken.mp4").write_text("not a video")
    result = call("data", "index", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "2 videos of 2 classes" in result.stdout and "broken.mp4" in result.stderr
    assert read_manifest(tmp_path / "manifest.csv").classes == ("bow", "wave")
    empty = call("data", "index", str(tmp_path / "bow"))
    assert empty.exit_code == 1 and "no readable video" in one_line(empty.stderr)


# ----------------------------------------------------------------------------- doctor
def status(name: str) -> tuple[str, str]:
    (check,) = doctor.examine([name])
    return check.status, f"{check.detail} | {check.fix}"


def test_doctor_finds_this_machine_ready():
    result = call("doctor")
    assert result.exit_code == 0, result.output
    for name in doctor.CHECKS:
        assert f" {name} " in result.stdout
    assert "FAIL" not in result.stdout and "Ready" in result.stdout


def test_doctor_fails_with_the_fix_if_video_reading_is_broken(monkeypatch):
    def broken(path, *args, **kwargs):
        raise OSError("no decoder")

    monkeypatch.setattr("course.video.read_clip", broken, raising=False)
    result = call("doctor")
    assert result.exit_code == 1
    assert "FAIL  Video     OSError: no decoder" in result.stdout
    assert "fix: pip install" in result.stdout and "1 of 9 checks" in result.stdout


def test_doctor_sees_wrong_pixels(monkeypatch):
    import numpy as np

    import course.video

    black = np.zeros((4, 64, 64, 3), np.uint8)
    monkeypatch.setattr(course.video, "read_clip", lambda path: black, raising=False)
    assert status("Video")[0] == "FAIL"


def test_doctor_reads_the_tiny_clip_if_none_can_be_written(monkeypatch):
    import course.video

    def broken(*args, **kwargs):
        raise ImportError("no PyAV")

    monkeypatch.setattr(course.video, "write_video", broken, raising=False)
    found, text = status("Video")
    assert found == "WARN" and "4 frames read" in text


def test_doctor_on_old_python_and_missing_packages(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert status("Python")[0] == "FAIL"
    monkeypatch.setattr(doctor, "_CORE", ("numpy", "surely_not_installed"))
    found, text = status("Packages")
    assert found == "FAIL" and "surely_not_installed" in text and "pip install" in text


@pytest.mark.parametrize(("free", "found"), [(20, "OK"), (3, "WARN"), (1, "FAIL")])
def test_doctor_on_disk_and_memory(monkeypatch, free, found):
    from shutil import _ntuple_diskusage

    usage = _ntuple_diskusage(0, 0, int(free * 1e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    monkeypatch.setattr(doctor, "available_memory", lambda: float(free))
    assert status("Disk")[0] == status("Memory")[0] == found


def test_doctor_on_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))
    found, text = status("Cache")
    assert found == "FAIL" and "COURSE_CACHE" in text


def test_doctor_only_warns_without_chromium(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/does/not/exist")
    found, text = status("Chromium")
    assert found == "WARN" and "apt-get install chromium" in text


def test_doctor_notices_a_kernel_of_another_python(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/another/python")
    found, text = status("Jupyter")
    assert found == "FAIL" and "ipykernel install" in text


# -------------------------------------------------------------------------------- lab
@pytest.mark.slow
def test_lab_serves_the_start_notebook(repository):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "course", "lab", "--no-browser"]
    command += [f"--port={port}", "--IdentityProvider.token=t"]
    env = os.environ | {"JUPYTER_PLATFORM_DIRS": "1"}
    server = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    start = "notebooks/00_start.ipynb?content=0&token=t"
    url = f"http://127.0.0.1:{port}/api/contents/{start}"
    try:
        for _ in range(120):
            assert server.poll() is None, "JupyterLab ended"
            try:
                with urllib.request.urlopen(url, timeout=5) as reply:
                    assert b'"00_start.ipynb"' in reply.read()
                return
            except OSError:
                time.sleep(0.5)
        pytest.fail("JupyterLab did not answer within a minute")
    finally:
        server.terminate()
        server.wait(20)
