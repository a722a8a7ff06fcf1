"""The pictures of the start notebook that are not panels.

`python -m course.first_look.pictures` writes the README's picture, an animated WebP.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from course.evaluation import ReportCard
from course.synthetic import ACTIONS, SynthActions
from course.synthetic.knobs import DEFAULT_SCENES
from course.teaching import Picture, charts, figures
from course.teaching.lettering import letters
from course.teaching.looping import animated_png, clip_grid


def _cast(
    actions: np.ndarray, scenes: np.ndarray, size: int, frames: int
) -> np.ndarray:
    """Clips of chosen actions in chosen scenes, uint8 (N, T, H, W, 3)."""
    world = SynthActions(
        "uncorrelated", len(actions), seed=3, size=size, frames=frames, frame_rate=6.0,
        num_actions=len(ACTIONS), num_scenes=len(DEFAULT_SCENES), noise=0.0,
    )  # fmt: skip
    world.actions, world.scenes = actions, scenes
    clips = world.render(range(len(actions)), ("clip",))["clip"]
    return clips.permute(0, 2, 3, 4, 1).numpy()


def every_action(size: int = 64, frames: int = 8) -> Picture:
    """One looping clip of each action, each in another scene, with its name."""
    count = len(ACTIONS)
    # Seven is coprime to sixteen: every scene is met once, neighbours differ.
    clips = _cast(
        np.arange(count), 7 * np.arange(count) % len(DEFAULT_SCENES), size, frames
    )
    alt = "Looping clips of all actions, each by another actor in another scene"
    names = [name.replace("_", " ") for name in ACTIONS]
    page = clip_grid(list(clips), names, 8, 1)
    return Picture(animated_png(page, 6.0, limit=200_000), alt, page.shape[2])


def contact_sheet(size: int = 36) -> Picture:
    """All actions (rows) in all scenes (columns), one frame each."""
    rows, columns = len(ACTIONS), len(DEFAULT_SCENES)
    grid = np.stack(np.meshgrid(range(rows), range(columns), indexing="ij"), -1)
    grid = grid.reshape(-1, 2)
    stills = _cast(grid[:, 0], grid[:, 1], size, 8)[:, 5]
    stills = stills.reshape(rows, columns, size, size, 3)
    sheet = stills.transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, 3)
    names = [letters(n.replace("_", " "), 96, 11) for n in ACTIONS]
    side = [_fit(name, size, 96) for name in names]
    head = [_fit(letters(n, size + 20, 7), 18, size) for n in DEFAULT_SCENES]
    top = np.concatenate([np.full((18, 96, 3), 255, np.uint8), *head], 1)
    page = np.concatenate([top, np.concatenate([np.concatenate(side), sheet], 1)])
    alt = "A table of still frames: sixteen actions in rows, sixteen scenes in columns"
    return Picture(
        figures.smaller(figures.image_png(page), limit=150_000), alt, page.shape[1]
    )


def _fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image on a white ground of the given size, cut where it is larger."""
    out = np.full((height, width, 3), 255, np.uint8)
    image = image[:height, :width, :3]
    top = (height - image.shape[0]) // 2
    out[top : top + image.shape[0], : image.shape[1]] = image
    return out


_ROWS = {
    "in distribution": "in_distribution",
    "scenes swapped": "swapped",
    "scenes uncorrelated": "uncorrelated",
    "background only": "background_only",
    "static": "static",
}


def card_bars(card: ReportCard, chance: float, title: str) -> Picture:
    """A report card's accuracies as bars in per cent."""
    values = card.as_metrics()
    fig, axis = figures.figure(height=2.6)
    charts.bars(
        axis, {label: 100 * values[key] for label, key in _ROWS.items()},
        chance=100 * chance, unit=" %",
    )  # fmt: skip
    axis.set(xlim=(0, 110), xlabel="accuracy (%)", title=title)
    alt = f"Bars: {title}; high in distribution, low wherever the scenery misleads"
    return figures.picture_of(fig, alt)


def two_cards(cards: Mapping[str, ReportCard]) -> Picture:
    """Two report cards, row by row, as paired dots."""
    (first, a), (second, b) = cards.items()
    left, right = a.as_metrics(), b.as_metrics()
    pairs = {
        label: (100 * left[key], 100 * right[key]) for label, key in _ROWS.items()
    }  # fmt: skip
    pairs["scene leakage"] = (100 * left["scene_leakage"], 100 * right["scene_leakage"])
    fig, axis = figures.figure(height=3.0)
    charts.paired_dots(axis, pairs, (first, second))
    axis.set(xlim=(-3, 103), xlabel="per cent")
    alt = f"Paired dots of two report cards: {first} against {second}"
    return figures.picture_of(fig, alt)


def learning_curve(rows: list[dict]) -> Picture:
    """Training accuracy over the steps, smoothed over five logged rows."""
    steps = [row["step"] for row in rows]
    raw = np.array([100 * row["accuracy"] for row in rows])
    smooth = [raw[max(0, i - 4) : i + 1].mean() for i in range(len(raw))]
    fig, axis = figures.figure(height=2.4)
    axis.plot(steps, raw, alpha=0.3)
    axis.plot(steps, smooth, color=figures.CYCLE[0])
    axis.set(ylim=(0, 102), xlabel="step", ylabel="training accuracy (%)")
    return figures.picture_of(
        fig, "Training accuracy rises from chance to nearly all right"
    )


def write_readme_picture(path: str) -> None:
    """Sixteen actions in sixteen scenes, playing, as one small file."""
    from pathlib import Path

    from PIL import Image

    count = len(ACTIONS)
    scenes = 7 * np.arange(count) % len(DEFAULT_SCENES)
    films = _cast(np.arange(count), scenes, 112, 12)
    names = [name.replace("_", " ") for name in ACTIONS]
    first, *rest = (Image.fromarray(f) for f in clip_grid(list(films), names, 8, 1))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    first.save(
        path, save_all=True, append_images=rest, duration=150, loop=0, quality=70
    )  # fmt: skip


if __name__ == "__main__":
    write_readme_picture("notebooks/images/world.webp")
