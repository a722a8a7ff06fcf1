"""The same actors at home, elsewhere, and erased, as looping clips of the world."""

from __future__ import annotations

from course.synthetic import SynthActions
from course.teaching.figures import Picture
from course.teaching.looping import animated_png, clip_grid
from course.teaching.pixels import enlarge, frames_of

SPLITS = {"test": "own scene", "swapped": "swapped", "background_only": "erased"}
WIDE, FRAMES = 160, 6  # px of a clip on the page; of a clip
LARGEST_FILM = 88_000  # bytes


def bias_clips(actions: int = 4, size: int = 32, seed: int = 5) -> Picture:
    """A row of actions in their own scenes, with scenes swapped, and actors erased.

    Args:
        actions: so many of the world's eight.
        size: px of a frame.
        seed: of the world.

    Returns:
        A looping picture; a column is one actor.

    Raises:
        ValueError: for more actions than there are.
    """
    if not 1 <= actions <= 8:
        raise ValueError(f"the world has 8 actions, got {actions}")
    films, captions = [], []
    for split, words in SPLITS.items():
        world = SynthActions(
            split, 8, seed, noise=0.0, size=size, frames=FRAMES, scene_correlation=1.0
        )
        rows = range(0, 8, 8 // actions)[:actions]  # neighbours are reversals in time
        found = world.render(rows, ("clip", "action", "scene"))
        for clip, action, scene in zip(*found.values(), strict=True):
            films.append(enlarge(frames_of(clip), max(1, WIDE // size)))
            name = world.action_names[int(action)].replace("_", " ")
            captions.append(f"{name}: {words}, {world.scene_names[int(scene)]}")
    page = clip_grid(films, captions, actions)
    alt = (
        f"Looping clips of {actions} actors in three rows: each in the scene that "
        "belongs to its action; the same actor in the scene of another action; the "
        "scene of the action without the actor"
    )
    return Picture(animated_png(page, 4.0, LARGEST_FILM), alt, page.shape[2])
