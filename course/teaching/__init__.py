"""The teaching kit: panels, clips that play, exercises, quizzes, the claims table,
figures.

Names are loaded when they are first used: `figures`, `exercise` and `ledger` work
without ipywidgets, and a bare training server never meets it.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Panel": "panel",
    "Picture": "figures",
    "NotRecorded": "figures",
    "show": "figures",
    "show_image": "figures",
    "Player": "player",
    "show_clips": "player",
    "clips_picture": "player",
    "overlaid": "overlays",
    "Case": "exercise",
    "Exercise": "exercise",
    "Wrong": "exercise",
    "prove": "exercise",
    "same": "exercise",
    "Question": "quiz",
    "Quiz": "quiz",
    "confirm": "statement",
    "Ledger": "ledger",
    "row_of": "ledger",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'course.teaching' has no attribute {name!r}")
    return getattr(importlib.import_module(f"course.teaching.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
