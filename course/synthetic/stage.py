"""From draws to pictures: casts the actors, dresses the stage, calls the renderer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course.draws import Draws
from course.synthetic.actions import ACTIONS, Tempo, idle
from course.synthetic.actors import PARTS, build_parts, dress, outfits
from course.synthetic.camera import as_tensor, camera_path
from course.synthetic.knobs import Knobs
from course.synthetic.render import (
    MAX_LAYERS,
    Canvas,
    layer_shifts,
    motion_table,
    optical_flow,
    paint_layers,
    paint_parts,
)
from course.synthetic.scenes import GROUND, SCENES

HEAD = PARTS.index("head")


class Stage:
    """A batch of N clips ready to be rendered.

    Args:
        knobs: the world's settings.
        clips: draws of the clips; what a video shares is drawn from their groups.
        poses: the cast's parts over T frames, from `perform`.
        scenes: scene names, (N,).
        actor, scenery: False leaves that part of the world out.
        device: where to render.
        begin: seconds on the scene's clock at the first frame.
    """

    def __init__(
        self, knobs: Knobs, clips: Draws, poses: dict, scenes: np.ndarray,
        actor: bool = True, scenery: bool = True, device: torch.device | str = "cpu",
        begin: float = 0.0,
    ):  # fmt: skip
        self.knobs, self.clips, self.scenes = knobs, clips, scenes
        self.videos = clips.grouped(knobs.clips_per_video)
        self.device = torch.device(device)
        self.actor, self.scenery, self.begin = actor, scenery, begin
        self.frames = poses["angle"].shape[1]
        self.camera = camera_path(
            clips.child("camera"), self.frames, knobs.frame_size,
            knobs.camera_pan, knobs.camera_zoom, knobs.camera_jitter,
        )  # fmt: skip
        self.cast = self._place(poses)

    def _place(self, poses: dict) -> dict:
        """Move parts from body to world coordinates."""
        k, videos, clips = (
            self.knobs,
            self.videos.child("actor"),
            self.clips.child("actor"),
        )
        height = 2.0 * videos.uniform("size", *k.actor_size)
        x = 2.0 * videos.uniform("place", -k.actor_place, k.actor_place)
        x = x + 2.0 * clips.uniform("drift", -k.place_drift, k.place_drift)
        facing = np.where(videos.bernoulli("facing", 0.5), 1.0, -1.0)
        ground = GROUND + videos.uniform("ground", -0.06, 0.10)
        scale = height[:, None, None]
        centre = poses["centre"].copy()
        centre[..., 0] = (
            x[:, None, None] + facing[:, None, None] * scale * centre[..., 0]
        )
        centre[..., 1] = ground[:, None, None] + scale * centre[..., 1]
        flipped = facing[:, None, None] < 0
        angle = np.where(flipped, np.pi - poses["angle"], poses["angle"])
        return {**poses, "centre": centre, "angle": angle, "height": height,
                "facing": facing, "half": poses["half"] * height[:, None, None],
                "corner": poses["corner"] * height[:, None]}  # fmt: skip

    def render(self, want: set[str]) -> dict[str, Tensor]:
        """Render: any of clip, background (no actor), mask, flow and flow_valid."""
        x, y, pixel = self.camera.grid(self.device)
        canvas, shifts = self._scenery(x, y, pixel)
        out: dict[str, Tensor] = {}
        if "background" in want:
            out["background"] = self._develop(canvas)
        if self.actor:
            canvas = Canvas(canvas.colour.clone(), canvas.owner, canvas.pure)
            paint_parts(canvas, x, y, pixel, self._parts(canvas.colour))
        self._occlude(canvas, x, y, pixel)
        owner = canvas.owner
        if "clip" in want:
            out["clip"] = self._develop(canvas)
        if "mask" in want:
            out["mask"] = (owner >= MAX_LAYERS) & (owner < MAX_LAYERS + len(PARTS))
        if want & {"flow", "flow_valid"}:
            centre, angle = self.cast["centre"], self.cast["angle"]
            post = np.zeros((*centre.shape[:2], 1, 2))
            table = motion_table(
                self.camera, shifts, np.concatenate([centre, post], 2),
                np.concatenate([angle, post[..., 0]], 2),
            )  # fmt: skip
            flow, valid = optical_flow(canvas, as_tensor(table, self.device))
            out["flow"], out["flow_valid"] = flow, valid
        return out

    def _scenery(
        self, x: Tensor, y: Tensor, pixel: Tensor
    ) -> tuple[Canvas, np.ndarray]:
        n, t, (h, w) = len(self.clips), self.frames, self.knobs.frame_size
        shifts = np.zeros((n, t, MAX_LAYERS, 2))
        colour = torch.full((3, n, t, h, w), 0.5, device=self.device)
        owner = torch.zeros(n, t, h, w, dtype=torch.int16, device=self.device)
        canvas = Canvas(colour, owner, torch.ones(n, t, h, w, device=self.device))
        if not self.scenery:
            return canvas, shifts
        seconds = self.begin + np.arange(t) / self.knobs.frame_rate
        seconds = seconds * self.knobs.background_motion
        for name in sorted(set(self.scenes)):
            rows = np.flatnonzero(self.scenes == name)
            where = torch.as_tensor(rows, device=self.device)
            begin = self.clips.uniform("scene.begin", 0.0, 8.0)[rows]
            time = as_tensor(begin[:, None] + seconds[None], self.device)[
                :, :, None, None
            ]
            layers = SCENES[name](
                x[where], y[where], time, self._vary(rows), pixel[where]
            )
            painted = paint_layers(layers, (len(rows), t, h, w), self.device)
            canvas.colour[:, where] = painted.colour
            canvas.owner[where], canvas.pure[where] = painted.owner, painted.pure
            shifts[rows] = layer_shifts(layers, len(rows), t)
        contrast = self.knobs.background_texture
        if contrast != 1.0:
            mean = canvas.colour.mean(dim=(2, 3, 4), keepdim=True)
            canvas.colour = (mean + contrast * (canvas.colour - mean)).clamp(0, 1)
        return canvas, shifts

    def _vary(self, rows: np.ndarray) -> Callable[[str, float, float], Tensor]:
        draws = self.videos.child("scene")
        picked = Draws(draws.seed, draws.indices[rows], draws.scope)

        def vary(name: str, low: float, high: float) -> Tensor:
            return as_tensor(picked.uniform(name, low, high), self.device)[
                :, None, None, None
            ]

        return vary

    def _parts(self, scenery: Tensor) -> dict:
        """The cast as tensors, in this video's clothes."""
        k, cast = self.knobs, self.cast
        wardrobe = self.videos.child("outfit")
        if k.outfits is not None:
            chosen = wardrobe.integer("which", k.outfits)
            wardrobe = Draws(wardrobe.seed, chosen, "outfit/")  # of all splits
        outfit = outfits(wardrobe)
        props = np.stack([outfit["prop"], 0.8 * outfit["prop"], outfit["ball"]], 1)
        kind = np.maximum(cast["prop"][:, 0], 0)
        outfit["prop"] = props[np.arange(len(kind)), kind]
        look = dress(outfit)
        if k.colour_similarity > 0:
            mean = scenery.mean(dim=(2, 3, 4)).T.cpu().numpy()[:, None]
            for name in ("colour", "colour2"):
                look[name] = look[name] + k.colour_similarity * (mean - look[name])
        pattern = np.zeros((*look["pattern"].shape[:2], 3))
        pattern[..., 0] = k.actor_texture * look["pattern"][..., 0]
        rate = look["pattern"][..., 1] / cast["height"][:, None]
        pattern[..., 1] = 2 * np.pi * rate
        pattern[..., 2] = outfit["stripe_phase"][:, None]
        arrays = {
            "centre": cast["centre"], "cos": np.cos(cast["angle"]),
            "sin": np.sin(cast["angle"]), "half": cast["half"],
            "corner": cast["corner"], "shown": cast["shown"],
            "colour": look["colour"], "colour2": look["colour2"],
            "split": look["split"] * cast["height"][:, None], "pattern": pattern,
            "front": cast["front"], "facing": cast["facing"],
        }  # fmt: skip
        parts: dict = {k: as_tensor(v, self.device) for k, v in arrays.items()}
        parts["front"] = parts["front"] > 0.5
        parts["height"] = as_tensor(cast["height"], self.device)[:, None, None, None]
        return {**parts, "head": HEAD}

    def _occlude(self, canvas: Canvas, x: Tensor, y: Tensor, pixel: Tensor) -> None:
        """A post in front of everything, in some of the videos."""
        draws = self.videos.child("occluder")
        there = draws.bernoulli("there", self.knobs.occluder)
        if not there.any():
            return
        at = as_tensor(draws.uniform("place", -0.35, 0.35), self.device)[
            :, None, None, None
        ]
        width = as_tensor(draws.uniform("width", 0.06, 0.14), self.device)[
            :, None, None, None
        ]
        shown = as_tensor(there, self.device)[:, None, None, None]
        alpha = (0.5 - ((x - at).abs() - width) / pixel).clamp(0, 1) * shown
        tone = as_tensor(draws.uniform("tone", 0.15, 0.45), self.device)
        grain = 0.06 * torch.sin(9.0 * y + 40.0 * (x - at))
        base = tone[:, None, None, None] + grain
        colour = torch.stack([base * 1.15, base, base * 0.8]).clamp(0, 1)
        canvas.cover(colour, alpha.expand_as(canvas.pure), MAX_LAYERS + len(PARTS))

    def _develop(self, canvas: Canvas) -> Tensor:
        """uint8 (N, 3, T, H, W), with the sensor's noise."""
        picture = canvas.colour.permute(1, 0, 2, 3, 4)
        if self.knobs.noise > 0:
            picture = picture + self.knobs.noise * self._noise(picture.shape)
        return (picture * 255.0 + 0.5).clamp(0, 255).to(torch.uint8)

    def _noise(self, shape: torch.Size) -> Tensor:
        """Standard noise per pixel from integer hashing: sums of four bytes."""
        keys = self.clips.integer(f"noise.{self.begin:.3f}", 2**31)
        n, rest = shape[0], shape[1:]
        counter = torch.arange(rest.numel(), device=self.device, dtype=torch.int64)
        key = torch.as_tensor(keys, device=self.device)
        bits = (counter[None] * 2654435761 + key[:, None] * 40503) & 0xFFFFFFFF
        for multiplier in (0x7FEB352D, 0x846CA68B):
            bits = bits ^ (bits >> 16)
            bits = (bits * multiplier) & 0xFFFFFFFF
        bits = bits ^ (bits >> 15)
        total = sum(((bits >> s) & 255 for s in (8, 16, 24)), bits & 255)
        return ((total.float() - 510.0) / 147.8).reshape(n, *rest)


def tempo_of(knobs: Knobs, clips: Draws) -> Tempo:
    """How each clip's performance is played."""
    draws = clips.child("tempo")
    column = lambda *args: draws.uniform(*args)[:, None]  # noqa: E731
    return Tempo(
        speed=column("speed", *knobs.action_speed),
        offset=column("offset", -0.08, 0.08),
        phase=column("phase", 0.0, 1.0),
        vigour=column("vigour", 0.88, 1.1),
        span=knobs.frames / knobs.frame_rate,
    )


def clip_times(knobs: Knobs) -> np.ndarray:
    """Seconds of each frame, symmetric about 0, (T,)."""
    return (np.arange(knobs.frames) - 0.5 * (knobs.frames - 1)) / knobs.frame_rate


def perform(knobs: Knobs, clips: Draws, actions: np.ndarray) -> dict[str, np.ndarray]:
    """Parts, in body coordinates, of N actors doing the named actions, (N,)."""
    tempo = tempo_of(knobs, clips)
    out: dict[str, np.ndarray] = {}
    for name in sorted(set(actions)):
        rows = np.flatnonzero(actions == name)
        own = Tempo(tempo.speed[rows], tempo.offset[rows], tempo.phase[rows],
                    tempo.vigour[rows], tempo.span)  # fmt: skip
        time = np.broadcast_to(clip_times(knobs), (len(rows), knobs.frames))
        action = ACTIONS.get(name, idle)
        parts = build_parts(action(time, own), (len(rows), knobs.frames))
        for key, value in parts.items():
            if key not in out:
                out[key] = np.zeros((len(actions), *value.shape[1:]), value.dtype)
            out[key][rows] = value
    return out
