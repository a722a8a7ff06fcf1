"""Motion, Not Scenery: five video-understanding papers rebuilt from scratch.

`course.start("first_look")` opens a chapter; every other name lives in its own room or
floor (`course.synthetic`, `course.training`, ...), see the README's map of the house.
"""

from __future__ import annotations

__version__ = "0.1.0"


def start(chapter: str, *, scale: str | None = None, seed: int | None = None):
    """Open a chapter: fix scale, seed and device, and say so in one line.

    Args:
        chapter: a chapter's name, such as "first_look" (see `course.chapters`).
        scale: `cpu`, `gpu` or `full`; by default `COURSE_SCALE` or the hardware.
        seed: seed of Python, NumPy and torch; by default `COURSE_SEED` or 0.

    Returns:
        The chapter's settings at that scale (a frozen dataclass), with `.scale`,
        `.seed` and `.device` telling what was resolved.

    Raises:
        ValueError: if the chapter or the scale is unknown, or not built yet.
    """
    from course.chapters import open_chapter

    return open_chapter(chapter, scale=scale, seed=seed)


__all__ = ["__version__", "start"]
