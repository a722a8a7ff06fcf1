"""The network really is cut where the Makefile says so, and loopback stays."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

OFFLINE = Path(__file__).with_name("offline.py")
PROBE = """
import errno, os, socket
assert os.environ["COURSE_OFFLINE"] == "1"
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), timeout=5).close()
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def run_offline(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, OFFLINE, *command], capture_output=True, text=True, timeout=60
    )


def test_only_loopback_is_left():
    out = run_offline(sys.executable, "-c", PROBE)
    if "SKIPPED" in out.stdout:
        pytest.skip(out.stdout.strip().splitlines()[0])
    assert out.returncode == 0, out.stderr
    assert out.stdout.split()[-1] == "ENETUNREACH"


def test_exit_code_of_the_command_is_kept():
    assert run_offline(sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    assert run_offline().returncode != 0


def test_this_run_has_no_network_where_it_says_so():
    if os.environ.get("COURSE_OFFLINE") != "1":
        pytest.skip("this run was not started by `make`, which cuts the network")
    with pytest.raises(OSError) as caught:
        socket.create_connection(("192.0.2.1", 80), timeout=5)
    assert caught.value.errno == errno.ENETUNREACH
