"""The error line of a panel: an exception in a callback is shown, never lost.

A kernel writes exceptions of widget callbacks into its log, where no learner looks.
Here they end in one line of the panel itself, which a screen reader announces.
"""

from __future__ import annotations

import functools
import html
import traceback
from collections.abc import Callable

import ipywidgets as widgets


def _error_html(message: str) -> str:
    return f'<div class="course-error" role="alert">{html.escape(message)}</div>'


class ErrorLine:
    """A widget that is empty while all is well.

    `widget` is the line, `message` its words, `traceback` the whole story.
    """

    def __init__(self) -> None:
        self.message = self.traceback = ""
        self.widget = widgets.HTML(_error_html(""))

    def clear(self) -> None:
        """All is well again."""
        self.message = self.traceback = ""
        self.widget.value = _error_html("")

    def show(self, error: Exception) -> None:
        """Put an exception on the line."""
        self.message = f"{type(error).__name__}: {str(error) or 'no message'}"
        self.traceback = "".join(traceback.format_exception(error))
        self.widget.value = _error_html(self.message)

    def guarded(self, callback: Callable) -> Callable:
        """The callback with its exceptions shown here instead of raised.

        It clears the line when it succeeds.
        """

        @functools.wraps(callback)
        def safe(*args, **kwargs):
            try:
                result = callback(*args, **kwargs)
            except Exception as error:  # whatever it is, the learner must see it
                self.show(error)
                return None
            self.clear()
            return result

        return safe
