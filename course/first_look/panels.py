"""The panels of the start notebook."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

import numpy as np
import torch
from ipywidgets import Dropdown, FloatSlider, IntSlider
from torch import nn

from course.evaluation import (
    class_activation_map,
    energy_inside,
    scene_bias,
    upsample_map,
)
from course.synthetic import ACTIONS, Knobs, SynthActions, make_knobs
from course.synthetic.knobs import DEFAULT_SCENES
from course.teaching import Panel, Picture, clips_picture, figures, overlaid
from course.teaching.looping import animated_png
from course.teaching.pixels import enlarge, frames_of
from course.teaching.tables import count_table


def _slider(
    low: float, high: float, value: float, step: float, text: str
) -> FloatSlider:
    return FloatSlider(value, min=low, max=high, step=step, description=text)


def world_knobs(size: int = 64, frames: int = 8) -> Panel:
    """One clip of the world, with the knobs that decide how hard it is."""

    def draw(view: str, action: str, scene: str, clip: int, **knobs):
        size_low = knobs.pop("actor_size")
        world = SynthActions(
            "train", clip + 1, seed=7, frames=frames, size=size, actions=(action,),
            scenes=(scene,), actor_size=(size_low, size_low), scene_correlation=1.0,
            **knobs,
        )  # fmt: skip
        item = world[clip]
        shown = {
            "frames": {},
            "mask": {"mask": item["mask"]},
            "motion": {"flow": item["flow"]},
        }
        film = enlarge(overlaid(item["clip"], **shown[view]), 2)
        alt = f"A looping clip of {action} in the scene {scene}, shown as {view}"
        covered = 100.0 * item["mask"].float().mean().item()
        speed = item["flow"].norm(dim=0)
        moving = item["mask"][:-1]
        inside = speed[moving].mean().item() if moving.any() else 0.0
        outside = speed[~moving].mean().item()
        text = (
            f"The actor covers {covered:.0f} % of the frame. Mean motion per frame: "
            f"{inside:.1f} px on the actor, {outside:.1f} px elsewhere."
        )
        picture = Picture(animated_png(film, 6.0), alt, width=320)
        return [picture, f"<p>{text}</p>"]

    return Panel(
        "The world and its knobs",
        "Which knobs could make the actor hard to find for someone who only looks at "
        "what moves?",
        {
            "action": Dropdown(
                options=list(ACTIONS), value="dance", description="action"
            ),
            "scene": Dropdown(
                options=list(DEFAULT_SCENES), value="pool", description="scene"
            ),
            "view": Dropdown(options=["frames", "mask", "motion"], description="view"),
            "clip": IntSlider(0, 0, 19, description="clip (clothes, place)"),
            "actor_size": _slider(0.25, 0.85, 0.72, 0.03, "actor size"),
            "actor_texture": _slider(0, 0.5, 0.16, 0.02, "stripes on clothes"),
            "colour_similarity": _slider(0, 1, 0, 0.05, "clothes like scenery"),
            "background_texture": _slider(0, 1.5, 1, 0.1, "scenery contrast"),
            "background_motion": _slider(0, 3, 1, 0.25, "scenery motion"),
            "camera_pan": _slider(0, 0.3, 0, 0.02, "camera pan"),
            "camera_jitter": _slider(0, 0.05, 0, 0.005, "camera shake"),
            "noise": _slider(0, 0.3, 0.02, 0.02, "noise"),
            "occluder": Dropdown(
                options=[("no", 0.0), ("yes", 1.0)], description="post in front"
            ),
        },
        draw,
        answer="Camera pan and shake, and scenery motion, move everything else too; a "
        "small actor leaves little that moves; noise flickers everywhere. Clothes like "
        "the scenery hide the actor from the eye, but not its motion as long as it has "
        "stripes.",
    )


def correlation_table(num_classes: int = 8, clips: int = 1024) -> Panel:
    """How often each action meets each scene, and what the scene alone is worth."""
    names = Knobs(num_actions=num_classes, num_scenes=num_classes)

    def draw(rho: float):
        knobs = make_knobs(names, scene_correlation=rho)
        world = SynthActions("train", clips, seed=0, knobs=knobs)
        table = np.zeros((num_classes, num_classes), int)
        np.add.at(table, (world.actions, world.scenes), 1)
        table = table[:, world.own_scene]  # own scenes on the diagonal
        alt = f"Counts of {clips} clips by action and scene at correlation {rho:g}"
        known = rho + (1.0 - rho) / num_classes
        bias = scene_bias(known, 1.0 / num_classes)
        text = (
            f"Who knows only the scene expects to be right in {100 * known:.0f} % "
            f"of the clips: scene bias B = ln({known:.3f} / {1 / num_classes:.3f}) = "
            f"{bias:.2f} nats (ceiling ln {num_classes} = {math.log(num_classes):.2f})."
        )
        homes = [names.scene_names[s] for s in world.own_scene]
        picture = count_table(table, names.action_names, homes, alt)
        return [picture, f"<p>{text}</p>"]

    return Panel(
        "How much does the scene give away?",
        "At which correlation does the scene alone name half of the actions?",
        {"rho": _slider(0, 1, 0.9, 0.05, "scene correlation")},
        draw,
        answer="At about 0.43; the exercise before this panel tells why.",
    )


def attention(
    models: Mapping[str, nn.Module], worlds: Mapping[str, SynthActions]
) -> Panel:
    """Class activation maps of several networks on several test splits.

    Args:
        models: name -> recogniser on the CPU or a GPU.
        worlds: name -> data set; the first 24 clips of each are offered.
    """
    cache = {name: world.render(range(24)) for name, world in worlds.items()}

    def draw(network: str, split: str, clip: int):
        model, world, data = models[network], worlds[split], cache[split]
        device = next(model.parameters()).device
        clips = data["clip"][clip : clip + 1].float().div(255.0).to(device)
        with torch.no_grad():
            chance = model.eval()(clips).softmax(1)[0].cpu()
        maps = class_activation_map(model, clips)
        heat = upsample_map(maps, tuple(clips.shape[2:]))[0].clamp(min=0).cpu()
        mask = data["mask"][clip]
        share = 100 * float(energy_inside(heat[None], mask[None].cpu()))
        seen = overlaid(frames_of(clips[0]), heat=heat)
        pair = [enlarge(frames_of(clips[0]), 5), enlarge(seen, 5)]
        truth = world.action_names[int(data["action"][clip])]
        scene = world.scene_names[int(data["scene"][clip])]
        owner = np.flatnonzero(world.own_scene == int(data["scene"][clip]))
        home = world.action_names[owner[0]] if len(owner) else "no action"
        best = int(chance.argmax())
        says = world.action_names[best]
        verdict = "right" if says == truth else "wrong"
        text = (
            f"Truth: <b>{html.escape(truth)}</b> in the {scene} (home of {home}). The "
            f"network says <b>{html.escape(says)}</b> ({100 * chance[best]:.0f} %): "
            f"{verdict}. {share:.0f} % of the evidence lies on the actor, who covers "
            f"{100 * mask.float().mean():.0f} % of the picture."
        )
        alt = (
            f"Clip {clip} of {split} beside the activation map of the network {network}"
        )
        picture = clips_picture(pair, ["clip", f"evidence for {says}"], 2, 6.0, alt=alt)
        return [picture, f"<p>{text}</p>"]

    return Panel(
        "Where does the network look?",
        "Find a clip that is wrong although the actor is in plain sight: what lies "
        "under the evidence?",
        {
            "network": Dropdown(options=list(models), description="network"),
            "split": Dropdown(options=list(worlds), description="test clips"),
            "clip": IntSlider(0, 0, 23, description="clip"),
        },
        draw,
        answer="On scenery, as a rule, and the answer is the action at home there. But "
        "the map is coarse: a cell sees about half the picture's width. Read it as a "
        "hint; the accuracy on swapped scenes is the evidence.",
    )


def frame_differences(frames: np.ndarray, fps: float, name: str) -> Panel:
    """What moves in any video: differences between frames.

    Args:
        frames: uint8 (T, H, W, 3), T at least 2.
        fps: frames a second.
        name: what to call the video.
    """
    if frames.ndim != 4 or len(frames) < 2:
        raise ValueError(f"needs at least two frames (T, H, W, 3), got {frames.shape}")
    grey = frames.astype(np.float32).mean(-1) / 255.0

    def draw(frame: int, step: int, threshold: float) -> list[Picture | str]:
        later = min(frame + step, len(frames) - 1)
        moved = np.abs(grey[later] - grey[max(later - step, 0)])
        marked = frames[later].copy()
        marked[moved > threshold] = (230, 159, 0)
        alt = f"Frame {later} of {name} and, in orange, what changed"
        both = np.concatenate([frames[later], marked], 1)
        share = 100.0 * float((moved > threshold).mean())
        text = (
            f"<p>{share:.0f} % of the pixels changed by more than {threshold:.2f}.</p>"
        )
        wide = min(720, 3 * both.shape[1])
        return [Picture(figures.image_png(both), alt, wide), text]

    return Panel(
        f"Frame differences of {name}",
        "What else changes besides what acts, and how would you tell the two apart?",
        {
            "frame": IntSlider(0, 0, len(frames) - 2, description="frame"),
            "step": IntSlider(
                1, 1, max(1, min(8, len(frames) - 1)), description="frames apart"
            ),
            "threshold": _slider(0.02, 0.5, 0.08, 0.02, "threshold"),
        },
        draw,
        play="frame",
        fps=min(fps, 10.0),
        answer="Camera motion, water, leaves, shadows and compression change pixels "
        "too. "
        "Chapter 4 asks which changed pixels have colours the scenery does not have.",
    )
