"""The pictures of the start notebook that are not panels.

`python -m course.first_look.pictures` writes the README's picture, an animated WebP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from course.evaluation import (
    ReportCard,
    class_activation_map,
    predict,
    upsample_map,
)
from course.first_look.experiment import Settings, make_world
from course.synthetic import ACTIONS, SynthActions
from course.synthetic.knobs import DEFAULT_SCENES
from course.teaching import Picture, charts, figures, overlaid
from course.teaching.lettering import letters
from course.teaching.looping import animated_png, clip_grid
from course.teaching.overlays import mask_outline
from course.teaching.pixels import enlarge, frames_of


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


def every_action(size: int = 64, frames: int = 6) -> Picture:
    """One looping clip of each action, each in another scene, with its name."""
    count = len(ACTIONS)
    # Seven is coprime to sixteen: every scene is met once, neighbours differ.
    clips = _cast(
        np.arange(count), 7 * np.arange(count) % len(DEFAULT_SCENES), size, frames
    )
    alt = "Looping clips of all actions, each by another actor in another scene"
    names = [name.replace("_", " ") for name in ACTIONS]
    page = clip_grid(list(clips), names, 8, 1)
    return Picture(animated_png(page, 6.0, limit=120_000), alt, page.shape[2])


def contact_sheet(size: int = 36) -> Picture:
    """All actions (rows) in all scenes (columns), one frame each."""
    rows, columns = len(ACTIONS), len(DEFAULT_SCENES)
    grid = np.stack(np.meshgrid(range(rows), range(columns), indexing="ij"), -1)
    grid = grid.reshape(-1, 2)
    stills = _cast(grid[:, 0], grid[:, 1], size, 8)[:, 5]
    stills = stills.reshape(rows, columns, size, size, 3)
    sheet = stills.transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, 3)
    side = [_fit(letters(n.replace("_", " "), 96, 11), size, 96) for n in ACTIONS]
    page = np.full((32 + rows * size, 96 + (columns + 1) * size, 3), 255, np.uint8)
    page[32:, :96] = np.concatenate(side)
    page[32:, 96 : 96 + columns * size] = sheet
    for column, name in enumerate(DEFAULT_SCENES):  # names in two rows, in turns
        top, left = 14 * (column % 2), 96 + column * size
        page[top : top + 16, left : left + 2 * size] = _fit(
            letters(name, 2 * size, 10), 16, 2 * size
        )
    alt = "A table of still frames: sixteen actions in rows, sixteen scenes in columns"
    png = figures.smaller(figures.image_png(page), limit=125_000)
    return Picture(png, alt, page.shape[1])


def _fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image on a white ground of the given size, cut where it is larger."""
    out = np.full((height, width, 3), 255, np.uint8)
    image = image[:height, :width, :3]
    top = (height - image.shape[0]) // 2
    out[top : top + image.shape[0], : image.shape[1]] = image
    return out


def forwards_and_backwards(size: int = 72) -> tuple[Picture, bool]:
    """One actor raising and lowering the arms, and whether the frames are the same."""
    films = []
    for name in ("raise_arms", "lower_arms"):
        world = SynthActions(
            "train", 1, seed=6, size=size, frames=10, frame_rate=6.0, actions=(name,),
            scenes=("gym",), noise=0.0, camera_pan=0.0, background_motion=0.0,
        )  # fmt: skip
        films.append(frames_of(world[0]["clip"]))
    difference = films[0].astype(int) - films[1][::-1].astype(int)
    page = clip_grid(films, ["raise arms", "lower arms"], 2, 2)
    alt = "One actor raising the arms, and the same frames in reverse order"
    return Picture(animated_png(page, 6.0), alt), bool(abs(difference).max() <= 1)


def truth_of(item: dict) -> Picture:
    """A clip beside its mask and its motion, looping."""
    clip = item["clip"]
    films = [
        frames_of(clip), overlaid(clip, mask=item["mask"]),
        overlaid(clip, flow=item["flow"]),
    ]  # fmt: skip
    page = clip_grid(films, ["clip", "mask (outline)", "motion (colour)"], 3, 2)
    alt = "A clip, the outline of its actor, and its optical flow as colours, looping"
    return Picture(animated_png(page, 6.0, limit=45_000), alt)


def one_clip_five_ways(settings: Settings, seed: int, clip: int = 3) -> Picture:
    """The same performance in each of the five tests."""
    films = [
        make_world(settings, split, seed, clip + 1, size=64, noise=0.0).render(
            [clip], ("clip",)
        )["clip"][0]
        for split in TESTS.values()
    ]
    page = clip_grid([frames_of(f) for f in films], list(TESTS), 5, 2)
    alt = "One performance in the five tests: " + ", ".join(TESTS)
    return Picture(animated_png(page, 6.0, limit=50_000), alt)


def evidence(
    models: Mapping[str, nn.Module], world: SynthActions, clips: Sequence[int]
) -> Picture:
    """Activation maps of several networks (rows) on some clips, actors outlined.

    The maps are averaged over time; above each clip stands what the network says.
    """
    data = world.render(list(clips), ("clip", "mask"))
    films, captions = [], []
    for name, model in models.items():
        device = next(model.parameters()).device
        batch = data["clip"].float().div(255.0).to(device)
        answers = predict(model, batch).argmax(1)
        maps = class_activation_map(model, batch, answers)
        heat = upsample_map(maps, tuple(batch.shape[2:])).mean(1).clamp(min=0).cpu()
        for i in range(len(clips)):
            seen = overlaid(data["clip"][i], heat=heat[i])
            seen = mask_outline(seen, data["mask"][i], colour=(86, 180, 233))
            films.append(enlarge(seen, 4))
            says = world.action_names[int(answers[i])].replace("_", " ")
            captions.append(f"{name}: {says}")
    page = clip_grid(films, captions, len(clips), 1)
    alt = "Activation maps, one row a network: bright is evidence, lined the actor"
    return Picture(animated_png(page, 6.0, limit=80_000), alt)


# What the figures call the five tests, and the split behind each.
TESTS = {
    "as in training": "test",
    "scenes swapped": "swapped",
    "scenes uncorrelated": "uncorrelated",
    "background only": "background_only",
    "static": "static",
}


def _accuracies(card: ReportCard) -> dict[str, float]:
    values = card.as_metrics() | {"test": card.as_metrics()["in_distribution"]}
    return {label: 100 * values[split] for label, split in TESTS.items()}


def card_bars(card: ReportCard, chance: float, title: str) -> Picture:
    """A report card's accuracies as bars in per cent."""
    fig, axis = figures.figure(height=2.7)
    charts.bars(axis, _accuracies(card), chance=100 * chance, unit=" %")
    axis.set(xlim=(0, 110), xlabel=f"accuracy (%) of the network {title}")
    alt = f"Bars: {title}; high in distribution, low wherever the scenery misleads"
    return figures.picture_of(fig, alt)


def compare_cards(cards: Mapping[str, ReportCard], chance: float) -> Picture:
    """Report cards row by row as dots; accuracies, then the leakage of the scene."""
    rows = {name: _accuracies(card) for name, card in cards.items()}
    for name, card in cards.items():
        rows[name]["scene leakage"] = 100 * card.as_metrics()["scene_leakage"]
    first = next(iter(rows.values()))
    pairs = {label: [row[label] for row in rows.values()] for label in first}
    fig, axis = figures.figure(height=3.0)
    charts.paired_dots(axis, pairs, list(cards))
    axis.axvline(100 * chance, color="black", linestyle="--", linewidth=1)
    axis.set(xlim=(-3, 103), xlabel="per cent (dashed: chance)")
    alt = f"Dots of the report cards of networks: {', '.join(cards)}"
    return figures.picture_of(fig, alt)


def learning_curve(rows: list[dict]) -> Picture:
    """Training accuracy over the steps, smoothed over five logged rows."""
    steps = [row["step"] for row in rows]
    raw = np.array([100 * row["accuracy"] for row in rows])
    smooth = [raw[max(0, i - 4) : i + 1].mean() for i in range(len(raw))]
    fig, axis = figures.figure(height=2.4)
    axis.plot(steps, raw, alpha=0.3, label="per logged step")
    axis.plot(steps, smooth, color=figures.CYCLE[0], label="mean of five")
    axis.legend(loc="lower right")
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
