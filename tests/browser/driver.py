"""Drives a notebook in real Chromium by keyboard, as a learner would.

A `Lab` is one JupyterLab on the loopback interface with its own settings and a token.
`Lab.open(notebook)` gives a `Page` on a copy of that notebook.  The page records every
request that leaves the machine and every error on the console; `assert_clean` judges
them.  Cells are rendered all at once (windowing off), so that the whole DOM is there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from notebook_page import Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none",
        "kernelShutdown": True,
        "recordTiming": False,
    },
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
}


def chromium_path() -> str | None:
    """Where the system's Chromium is; `CHROMIUM` in the environment goes first."""
    wanted = os.environ.get("CHROMIUM")
    return wanted or next(filter(None, map(shutil.which, CHROMIUM)), None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Lab:
    """A JupyterLab of its own; use it in a `with` block.

    Args:
        folder: served as the root; notebooks are copied into it.
        theme: "JupyterLab Light" or "JupyterLab Dark".
        environment: further variables for the kernels.
    """

    def __init__(
        self,
        folder: Path,
        theme: str = "JupyterLab Light",
        environment: dict[str, str] | None = None,
    ):
        self.folder, self.port = Path(folder), _free_port()
        self.token = secrets.token_hex(16)
        self.theme, self.extra = theme, environment or {}

    def __enter__(self) -> Lab:
        from playwright.sync_api import sync_playwright

        self._home = tempfile.TemporaryDirectory(prefix="lab-")
        self._start_server(Path(self._home.name))
        try:
            self._playwright = sync_playwright().start()
            self.browser = self._playwright.chromium.launch(
                executable_path=chromium_path(), args=ARGUMENTS
            )
        except BaseException:
            self._server.terminate()
            raise
        return self

    def _start_server(self, home: Path) -> None:
        settings = home / "lab-settings"
        settings.mkdir()
        theme = {"@jupyterlab/apputils-extension:themes": {"theme": self.theme}}
        (settings / "overrides.json").write_text(json.dumps({**SETTINGS, **theme}))
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            f"--port={self.port}",
            "--ip=127.0.0.1",
            "--ServerApp.port_retries=0",
            "--allow-root",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            f"--LabApp.user_settings_dir={home / 'user'}",
            f"--LabApp.workspaces_dir={home / 'workspaces'}",
            f"--LabApp.app_settings_dir={settings}",
            "--ServerApp.log_level=WARN",
        ]
        environment = {
            **os.environ,
            "COURSE_SCALE": "cpu",
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            **self.extra,
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "IPYTHONDIR": str(home / "ipython"),
        }
        self._log = open(home / "server.log", "w")
        self._server = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            start_new_session=True,
        )
        self._wait_for_server(home)

    def _wait_for_server(self, home: Path, seconds: float = 60) -> None:
        address = f"http://127.0.0.1:{self.port}/api?token={self.token}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._server.poll() is None:
            try:
                opener.open(address, timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("JupyterLab did not start:\n" + self.log())

    def log(self) -> str:
        """The server's messages so far."""
        self._log.flush()
        return Path(self._log.name).read_text()[-4000:]

    def __exit__(self, *_) -> None:
        self.browser.close()
        self._playwright.stop()
        self._server.terminate()
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
        self._log.close()
        self._home.cleanup()

    def open(self, notebook: Path, **viewport: int) -> Page:
        """A page on a copy of the notebook, its kernel ready.

        Args:
            notebook: stays as it is.
            **viewport: width and height in px.
        """
        copy = self.folder / Path(notebook).name
        if copy.resolve() != Path(notebook).resolve():
            shutil.copyfile(notebook, copy)
        return Page(self, copy.name, {"width": 1280, "height": 1000, **viewport})
