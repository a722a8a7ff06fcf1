"""The panels of the MotionSqueeze chapter."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from ipywidgets import Dropdown, FloatSlider, IntSlider
from torch import Tensor, nn

from course.motion_squeeze.drawings import (
    fields,
    matching,
    matching_view,
    window_view,
    world_field,
)
from course.motion_squeeze.motion_maps import motion_modules
from course.synthetic import ACTIONS
from course.teaching import Panel, Picture
from course.teaching.pixels import enlarge, frames_of

SOURCES = {"random filters, 9 px": 9, "random filters, 5 px": 5}  # px of a filter
TRAINED = "the trained network"


def _slider(
    low: float, high: float, value: float, step: float, text: str
) -> FloatSlider:
    return FloatSlider(value, min=low, max=high, step=step, description=text)


def matching_panel() -> Panel:
    """One cell is matched: scores, mask, product, weights, and where it seems to go."""

    def draw(
        x: int,
        y: int,
        dx: float,
        dy: float,
        texture: str,
        noise: float,
        estimator: str,
        sigma: float,
        temperature: float,
        normaliser: str,
    ) -> list[Picture | str]:
        pair, scores = matching.pair_of(texture, (dx, dy), noise)
        seen = matching.match_at(
            scores, (x, y), (dx, dy), estimator, sigma, temperature, normaliser
        )
        steps = matching_view.steps_picture(
            seen,
            f"Windows of 15 x 15 offsets of cell ({x}, {y}), {texture} texture moved "
            f"by ({dx:g}, {dy:g}): scores, mask, masked scores and weights",
        )
        maps = matching_view.maps_picture(
            pair.first, pair.second, (x, y), seen,
            f"Both feature maps with cell ({x}, {y}), its window, and arrows to where "
            "it goes and where it seems to go",
        )  # fmt: skip
        return [steps, maps, matching_view.match_sentence(seen)]

    far = float(matching.FARTHEST)
    return Panel(
        "Where did this cell go?",
        "Random texture, dy 0: at which dx does the window run out, and what do "
        "confidence and margin say then? And on the flat texture?",
        {
            "x": IntSlider(10, 0, matching.MAP - 1, description="x of the cell"),
            "y": IntSlider(14, 0, matching.MAP - 1, description="y of the cell"),
            "dx": _slider(-far, far, 3, 0.5, "true motion dx, cells"),
            "dy": _slider(-far, far, -2, 0.5, "true motion dy, cells"),
            "texture": Dropdown(options=matching.TEXTURES, description="texture"),
            "noise": _slider(0, 2, 0, 0.25, "noise of the features"),
            "estimator": Dropdown(
                options=[("kernel-soft-argmax", "kernel"), ("soft-argmax", "soft")],
                description="estimator",
            ),
            "sigma": _slider(0.5, 10, 5, 0.5, "sigma of the mask, cells"),
            "temperature": Dropdown(
                options=[0.001, 0.01, 0.03, 0.1, 0.3, 1.0], value=0.01,
                description="temperature",
            ),
            "normaliser": Dropdown(
                options=[("none (released code)", "none"), ("1-D (as printed)", "1d"),
                         ("2-D", "2d")],
                description="prefactor of the mask",
            ),
        },
        draw,
        answer="The window reaches 7 cells. Beyond that the estimate stays at the edge "
        "or anywhere else. Confidence falls, but not at once: smooth texture still "
        "resembles its neighbour, so 8 cells look nearly as sure as 7 (the margin has "
        "halved already); at 12 about half is left, which is what the best of 225 "
        "unrelated cells scores here. On flat texture the "
        "confidence is 1 whatever happens: every offset fits, the first one wins, "
        "and the kernel form answers with the window's corner. The margin is 0 then: "
        "it tells 'many matches' from 'one', and confidence cannot.",
    )  # fmt: skip


def field_panel(network: nn.Module | None = None) -> Panel:
    """Displacements of a whole clip of the world beside the true ones.

    Args:
        network: trained, with a MotionSqueeze module inside: what its first one
            compares can be chosen beside random filters.  Clips have its `num_frames`.

    Raises:
        ValueError: there is no such module in the network.
    """
    sources = list(SOURCES)
    count = getattr(network, "num_frames", None) or world_field.FRAMES
    if network is not None:
        sources = [TRAINED, *sources]
        motion_modules(network)  # raises here, not in the panel's error line

    @lru_cache(maxsize=16)
    def features_of(source: str, *clip_key) -> Tensor:
        frames = world_field.clip_of(*clip_key).frames
        if network is not None and source == TRAINED:
            return world_field.network_features(network, frames)
        return world_field.random_features(frames.transpose(0, 1), SOURCES[source])

    def draw(
        action: str,
        clip: int,
        scene: str,
        contrast: float,
        jitter: float,
        source: str,
        max_displacement: int,
        estimator: str,
        view: str,
    ) -> list[Picture | str]:
        key = (action, scene, clip, contrast, jitter, count)
        seen, features = world_field.clip_of(*key), features_of(source, *key)
        stride = world_field.SIZE // features.shape[-1]
        displacement, confidence = world_field.matched_field(
            features, max_displacement, estimator
        )
        scores = world_field.field_scores(displacement, confidence, seen, stride)
        picture = _field_film(seen, displacement, confidence, stride, view, action)
        reach = f"<p>The window reaches ±{max_displacement * stride} px.</p>"
        return [picture, world_field.scores_sentence(scores, stride) + reach]

    return Panel(
        "A field of displacements beside the truth",
        "Nothing was trained here. Where does the matching go wrong all the same, and "
        "does the confidence know? What do a blank scenery and a small window change?",
        {
            "action": Dropdown(
                options=list(ACTIONS), value="dance", description="action"
            ),
            "clip": IntSlider(0, 0, 9, description="clip (clothes, place)"),
            "scene": Dropdown(
                options=["gym", "texture", "mall", "street", "pool"],
                description="scene",
            ),
            "contrast": _slider(0, 1.5, 1, 0.25, "contrast of the scenery"),
            "jitter": _slider(0, 0.06, 0, 0.01, "camera shake, frame heights"),
            "source": Dropdown(options=sources, description="features"),
            "max_displacement": IntSlider(
                7, 1, 9, description="max. displacement, cells"
            ),
            "estimator": Dropdown(
                options=list(world_field.ESTIMATORS), description="estimator"
            ),
            "view": Dropdown(options=fields.VIEWS, description="view"),
        },
        draw,
        answer="Where scenery is uncovered or covered, on fast limbs, at the frame's "
        "border, and wherever a patch looks like its neighbours; low confidence finds "
        "most of it. Contrast 0 in the gym: one colour matches everywhere, what wins "
        "is chance, and confidence is highest exactly there: the AUC falls below 0.5. "
        "In the grey street the blank leaves only noise, which resembles nothing, and "
        "confidence is low as it should be. A small window cannot follow fast limbs, "
        "but offers fewer wrong matches: with ±4 px the actor is hardly worse off than "
        "with ±14 px, and the rest is better.",
    )  # fmt: skip


def _field_film(seen, displacement, confidence, stride, view, action) -> Picture:
    """Clip, truth, match and confidence, looping."""
    scale = 4
    largest = max(1.0, float(seen.flow.norm(dim=0).quantile(0.99)))
    fields_in_px = {
        "true motion": seen.flow, "matched": fields.to_pixels(displacement, stride),
    }  # fmt: skip
    films = {"clip": enlarge(frames_of(seen.frames)[:-1], scale)}
    for name, flow in fields_in_px.items():
        films[name] = fields.field_frames(seen.frames, flow, view, scale, largest)
    sure = fields.confidence_frames(confidence, stride * scale)
    films["confidence (bright: 1)"] = sure
    alt = (
        f"Looping: a clip of {action}, its true motion and the matched one as {view}, "
        "and the confidence"
    )
    return fields.film_picture(films, alt)


def window_panel() -> Panel:
    """Which motions a window reaches at which stage, and what it costs."""

    def draw(
        stage: str, max_displacement: int, frames: int, action: str
    ) -> list[Picture | str]:
        moved = window_view.motions_of(frames)
        motions = np.concatenate(
            list(moved.values()) if action == "all" else [moved[action]]
        )
        seen = window_view.reach_of(motions, stage, max_displacement)
        alt = (
            f"Histogram of the actors' motions ({action}) between {frames} frames of a "
            f"clip, with half a cell, {seen.cell / 2:g} px, and the window's edge, "
            f"{seen.pixels} px, at {stage}"
        )
        return [
            window_view.reach_picture(motions, seen, alt),
            window_view.reach_sentence(seen, max_displacement, frames),
        ]

    stages = [(f"{name}: a cell is {px} px", name)
              for name, px in window_view.STAGES.items()]  # fmt: skip
    return Panel(
        "Which stage, which window?",
        "8 frames of a clip, all actions: which stage would you choose for a window of "
        "15 x 15, and what does it cost? And for 2 or 16 frames?",
        {
            "stage": Dropdown(options=stages, value="res3", description="stage"),
            "max_displacement": IntSlider(
                7, 1, 14, description="max. displacement, cells"
            ),
            "frames": IntSlider(8, 2, 16, description="frames kept of a clip"),
            "action": Dropdown(options=["all", *ACTIONS], description="action"),
        },
        draw,
        answer="With 8 frames res2 and res3 both reach nine of ten motions; res3 does "
        "it with 11.3 M multiply-adds a pair, a quarter of res2's 45.2 M, and with a "
        "quarter of the scores. At res4 four of ten motions hide within half a cell. "
        "The released code matches after res3. With 2 frames the motions are long: "
        "res3 reaches 62 %, res2 a third. With 16 frames they are short: res2 is worth "
        "its cost. (These are the synthetic world's motions, and geometry only: how "
        "well the features of a stage match is another question.)",
    )
