"""Drives a panel in Python by setting its controls' traits, as the browser would.

    drive(panel)                       every control through its range, one at a time
    drive(panel, {"motion": [0, 9]})   chosen values

Each step must leave the error line empty, keep the kinds of outputs, and give
every picture alt text; the median redraw must take at most 100 ms of processor time.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets

SLOWEST_MEDIAN = 0.100  # seconds


def values_to_try(control: Any, steps: int = 4) -> list[Any]:
    """Ends, middle and options of a control; the present value comes last."""
    now = control.value
    if hasattr(control, "options"):
        options = [o[1] if isinstance(o, tuple) else o for o in control.options]
        if isinstance(now, tuple):  # a SelectionRangeSlider or SelectMultiple
            return [(options[0], options[-1]), now]
        return [*options, now]
    if isinstance(now, bool):
        return [not now, now]
    if not hasattr(control, "min"):
        return [now]
    low, high = control.min, control.max
    if isinstance(control, widgets.FloatLogSlider):
        low, high = control.base**low, control.base**high
    spread = [low + (high - low) * i / steps for i in range(steps + 1)]
    if isinstance(now, tuple):
        middle = spread[len(spread) // 2]
        pairs = [(low, high), (low, low), (middle, high)]
        kind = int if isinstance(control, widgets.IntRangeSlider) else float
        return [tuple(kind(v) for v in pair) for pair in pairs] + [now]
    kind = int if isinstance(now, int) else float
    return [*dict.fromkeys(kind(v) for v in spread), now]


def check(panel, where: str) -> None:
    """Assert that the panel is well after a step."""
    assert panel.error == "", f"{where}: {panel.error}\n{panel.traceback}"
    assert panel.outputs, f"{where}: the panel shows nothing"
    for picture in panel.pictures:
        assert picture.alt.strip(), f"{where}: a picture without alt text"


def drive(panel, plan: Mapping[str, Sequence[Any]] | None = None) -> list[tuple]:
    """Move every control through its range and judge each step.

    Args:
        panel: a `Panel`, or an object that has one as `.panel`.
        plan: values by control name; the ends, middle and options of all by default.

    Returns:
        (control, value, outputs) of every step.
    """
    panel = getattr(panel, "panel", panel)
    check(panel, f"{panel.title} at the start")
    kinds, seen, idle = [type(o) for o in panel.outputs], [], set()
    for name, control in panel.controls.items():
        start = control.value
        looks = {_look(panel)}
        for value in plan.get(name, [start]) if plan else values_to_try(control):
            control.value = value
            check(panel, f"{panel.title} with {name} = {value}")
            assert [type(o) for o in panel.outputs] == kinds, (
                f"{name} = {value}: new kinds"
            )
            seen.append((name, value, tuple(panel.outputs)))
            looks.add(_look(panel))
        control.value = start
        if len(looks) == 1 and not plan:
            idle.add(name)
    assert not idle, f"{panel.title}: moving {sorted(idle)} changes nothing"
    median = _median_answer(panel)
    assert median <= SLOWEST_MEDIAN, (
        f"{panel.title}: median answer {median * 1000:.0f} ms"
    )
    return seen


def _median_answer(panel) -> float:
    """Processor seconds of a redraw; best of three looks, as other work disturbs."""
    best = statistics.median(panel.response_times(working=True))
    for _ in range(2):
        if best <= SLOWEST_MEDIAN:
            break
        for _ in range(5):
            panel.redraw()
        best = min(best, statistics.median(panel.response_times(working=True)[-5:]))
    return best


def _look(panel) -> tuple:
    return tuple(o if isinstance(o, str) else (o.png, o.alt) for o in panel.outputs)
