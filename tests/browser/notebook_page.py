"""A notebook open in the browser, and a panel of it, for the tests to run and move."""

from __future__ import annotations

import re
import time
from pathlib import Path

# Noise of the workbench itself, not of a notebook.
HARMLESS = re.compile(
    r"favicon|ResizeObserver|Failed to load resource.*\b404\b.*"
    r"(workspaces|kernelspecs|service-worker)|preload"
)


class Page:
    """A notebook in the browser; made by `Lab.open`."""

    def __init__(self, lab: Lab, name: str, viewport: dict[str, int]):
        self.lab, self.name = lab, name
        self.console: list[str] = []
        self.outside: list[str] = []
        self.context = lab.browser.new_context(viewport=viewport)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("request", self._asked)
        root = f"http://127.0.0.1:{lab.port}/lab"
        self.page.goto(f"{root}/tree/{name}?token={lab.token}&reset")
        self._wait("() => window.jupyterapp && window.jupyterapp.shell", 60)
        self._wait(f"() => {_WIDGET} !== null", 60)
        self._wait(
            f"async () => {{ const w = {_WIDGET}; await w.sessionContext.ready;"
            " await w.revealed; return true; }",
            60,
        )

    def _heard(self, message) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")

    def _asked(self, request) -> None:
        local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
        if not request.url.startswith(local):
            self.outside.append(request.url)

    def _wait(self, condition: str, seconds: float) -> None:
        self.page.wait_for_function(condition, timeout=seconds * 1000)

    # -- running -----------------------------------------------------------------

    def run_all(self, seconds: float = 300) -> Page:
        """Run every cell and wait until the last one is done and the kernel is idle."""
        # Not awaited in the page: a cell may take longer than the browser's patience.
        self.page.evaluate(
            "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )
        self._wait(
            f"""() => {{
            const model = {_WIDGET}.content.model;
            const cells = Array.from(model.cells).filter(c => c.type === 'code');
            return cells.every(c => c.executionState === 'idle' && c.executionCount) ||
              cells.some(c => Array.from({{length: c.outputs.length}},
                (_, i) => c.outputs.get(i)).some(o => o.type === 'error'));
        }}""",
            seconds,
        )
        self.wait_idle(seconds)
        return self

    def wait_idle(self, seconds: float = 30) -> None:
        """Wait until the kernel has answered everything sent so far."""
        self.page.evaluate(f"""async () => {{
            const kernel = {_WIDGET}.sessionContext.session.kernel;
            await kernel.requestKernelInfo();
        }}""")
        status = f"{_WIDGET}.sessionContext.session.kernel.status"
        self._wait(f"() => {status} === 'idle'", seconds)

    # -- looking -----------------------------------------------------------------

    def panel(self, title: str) -> PanelView:
        """The panel (or quiz, or player) with this heading, scrolled into view."""
        heading = self.page.locator(".course-title").get_by_text(title, exact=True)
        root = self.page.locator(".course-panel").filter(has=heading).first
        root.wait_for()
        root.scroll_into_view_if_needed()
        return PanelView(self, root)

    def errors(self) -> list[str]:
        """Console errors that are the notebook's."""
        return [text for text in self.console if not HARMLESS.search(text)]

    def failures(self) -> list[str]:
        """Exceptions of the cells, from the notebook's model: "name: message".

        The page itself shows them as it shows any text on stderr.
        """
        return self.page.evaluate(
            f"""() => Array.from({_WIDGET}.content.model.cells)
            .flatMap(cell => cell.type === 'code' ? cell.outputs.toJSON() : [])
            .filter(output => output.output_type === 'error')
            .map(output => output.ename + ': ' + output.evalue)"""
        )

    def assert_clean(self) -> None:
        """No console error, no request leaves, no failed cell, empty error lines."""
        assert not self.errors(), self.errors()
        assert not self.outside, self.outside
        assert not self.failures(), self.failures()
        for line in self.page.locator(".course-error").all():
            assert line.inner_text().strip() == "", line.inner_text()

    def screenshot(self, path: Path) -> None:
        """A picture of the window."""
        self.page.screenshot(path=str(path))

    def close(self) -> None:
        """Shut the kernel down and close the window."""
        self.page.evaluate(
            f"async () => {{ await {_WIDGET}.sessionContext.shutdown(); }}"
        )
        self.context.close()

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_) -> None:
        self.close()


# The notebook in front, or null while JupyterLab is still arranging itself.
_WIDGET = (
    "((w) => w && w.sessionContext && w.content && w.content.model ? w : null)"
    "(window.jupyterapp.shell.currentWidget)"
)


class PanelView:
    """A panel in the DOM, moved by keyboard only."""

    def __init__(self, page: Page, root):
        self.page, self.root = page, root

    def _row(self, label: str):
        name = self.page.page.locator(".widget-label").get_by_text(label, exact=True)
        return (
            self.root.locator(
                ".jupyter-widgets.widget-inline-hbox, "
                ".jupyter-widgets.widget-inline-vbox"
            )
            .filter(has=name)
            .first
        )

    def _settle(self, before: str, must_change: bool) -> None:
        """Wait until the outputs have changed (if asked) and then stay as they are."""
        end, seen, same = time.monotonic() + 10, before, 0
        while time.monotonic() < end:
            self.page.wait_idle()
            now = self.fingerprint()
            # A fast key waits in the browser until the one before is answered, so one
            # idle moment is not the end.
            same = same + 1 if now == seen else 0
            seen = now
            if same >= 2 and (not must_change or now != before):
                return
            time.sleep(0.06)
        raise AssertionError(f"the panel did not change: {self.text()!r}")

    def press(self, label: str, *keys: str, handle: int = 0, must_change: bool = True):
        """Focus a slider's handle and press keys, such as "ArrowRight" or "End".

        Args:
            label: the slider's description.
            *keys: in order.
            handle: 1 for the upper end of a range slider.
            must_change: fail if text, picture and error line stay as they were.
        """
        before = self.fingerprint()
        knob = self._row(label).locator(".noUi-handle").nth(handle)
        knob.focus()
        for key in keys:
            self.page.page.keyboard.press(key)
        self._settle(before, must_change)
        return self

    def choose(self, label: str, option: str, must_change: bool = True):
        """Pick an option of a dropdown."""
        before = self.fingerprint()
        self._row(label).locator("select").select_option(option)
        self._settle(before, must_change)
        return self

    def pick(self, number: int, question: int = 0):
        """Pick a radio button by keyboard: the number of an option in a quiz."""
        before = self.fingerprint()
        group = self.root.locator(".widget-radio-box").nth(question)
        group.locator("input").nth(number).focus()
        self.page.page.keyboard.press("Space")
        self._settle(before, False)
        return self

    def button(self, icon: str):
        """A play-widget button by its icon: "play" or "stop"."""
        return self.root.locator(f"button:has(.fa-{icon})").first

    def value(self, label: str) -> str:
        """The number a slider shows."""
        return self._row(label).locator(".widget-readout").inner_text()

    def text(self) -> str:
        """All words of the panel."""
        return self.root.inner_text()

    def error(self) -> str:
        """The error line; empty when all is well."""
        return self.root.locator(".course-error").inner_text().strip()

    def alts(self) -> list[str]:
        """Alt texts of the pictures shown."""
        images = self.root.locator(".course-picture img").all()
        return [image.get_attribute("alt") or "" for image in images]

    def pictures_loaded(self) -> bool:
        """Whether every picture has pixels."""
        return self.root.evaluate(
            "r => [...r.querySelectorAll('img')]"
            ".every(i => i.complete && i.naturalWidth > 0)"
        )

    def fingerprint(self) -> str:
        """Changes with any text, picture or error of the panel."""
        return self.root.evaluate(
            "r => r.innerText + "
            "[...r.querySelectorAll('img')].map(i => i.alt + i.src).join()"
        )

    def reachable(self) -> int:
        """How many different places of the panel the Tab key stops at."""
        return self.root.evaluate("""r => [...r.querySelectorAll(
            'button, select, input, summary, [tabindex="0"], [contenteditable="true"]')]
            .filter(e => e.offsetParent !== null && e.tabIndex >= 0).length""")
