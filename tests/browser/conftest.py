"""One JupyterLab for all browser tests of a session."""

from __future__ import annotations

import pytest
from driver import Lab, chromium_path


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab with Chromium; fails, not skips, without Chromium."""
    if chromium_path() is None:
        pytest.fail(
            "no Chromium found: install the package `chromium`, or set CHROMIUM"
        )
    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running
