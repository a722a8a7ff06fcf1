"""The renderer: layers of a scene, then parts of an actor, back to front.

Each pixel remembers its *owner*, the topmost thing that covers more than half of it,
and how *pure* it is.  Everything that can own a pixel moves rigidly in the plane, so
one small table of similarity transforms (owner x frame) turns the owner map into exact
optical flow: `q' = A (q - p) + p'`, with p, p' the owner's anchor in this and the next
frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course.synthetic.camera import Camera

MAX_LAYERS = 12  # owners 0 .. 11 are scene layers, the actor's parts follow
PURE = 0.97  # least share of a pixel that its owner must cover for exact flow


@dataclass
class Canvas:
    """A picture in the making: colour (3, N, T, H, W), owner and pure (N, T, H, W)."""

    colour: Tensor
    owner: Tensor
    pure: Tensor

    def cover(self, colour: Tensor, alpha: Tensor, owner: int) -> None:
        """Paint something over everything so far."""
        self.colour = torch.lerp(self.colour, colour.expand_as(self.colour), alpha)
        won = alpha > 0.5
        self.owner = torch.where(won, torch.full_like(self.owner, owner), self.owner)
        self.pure = torch.where(won, alpha, self.pure * (1.0 - alpha))


def paint_layers(layers: list, shape: tuple[int, int, int, int], device) -> Canvas:
    """Composite a scene's layers; the canvas keeps T = 1 until something moves."""
    if len(layers) > MAX_LAYERS:
        raise ValueError(f"a scene has at most {MAX_LAYERS} layers, got {len(layers)}")
    n, _, h, w = shape
    canvas = Canvas(
        torch.zeros(3, n, 1, h, w, device=device),
        torch.zeros(n, 1, h, w, dtype=torch.int16, device=device),
        torch.ones(n, 1, h, w, device=device),
    )
    for index, layer in enumerate(layers):
        colour = torch.as_tensor(layer.colour, dtype=torch.float32, device=device)
        colour = colour.reshape(3, *(1,) * (5 - colour.ndim), *colour.shape[1:])
        alpha = torch.as_tensor(layer.alpha, dtype=torch.float32, device=device)
        frames = max(canvas.colour.shape[2], colour.shape[2], _frames(alpha))
        canvas = _over_time(canvas, frames)
        alpha = alpha.expand(n, frames, h, w)
        canvas.cover(colour.expand(3, n, frames, h, w), alpha, index)
    return _over_time(canvas, shape[1])


def _frames(alpha: Tensor) -> int:
    return alpha.shape[-3] if alpha.ndim >= 3 else 1


def _over_time(canvas: Canvas, frames: int) -> Canvas:
    if canvas.colour.shape[2] == frames:
        return canvas
    n, _, h, w = canvas.owner.shape
    return Canvas(
        canvas.colour.expand(3, n, frames, h, w).contiguous(),
        canvas.owner.expand(n, frames, h, w).contiguous(),
        canvas.pure.expand(n, frames, h, w).contiguous(),
    )


def layer_shifts(layers: list, n: int, frames: int) -> np.ndarray:
    """Displacement of each layer in world units, (N, T, MAX_LAYERS, 2)."""
    shifts = np.zeros((n, frames, MAX_LAYERS, 2))
    for index, layer in enumerate(layers):
        if layer.shift is None:
            continue
        for axis in range(2):
            moved = torch.as_tensor(layer.shift[axis], dtype=torch.float32)
            moved = moved.expand(n, frames, 1, 1)
            shifts[:, :, index, axis] = moved[:, :, 0, 0].cpu().numpy()
    return shifts


def paint_parts(
    canvas: Canvas, x: Tensor, y: Tensor, pixel: Tensor, parts: dict
) -> None:
    """Paint the parts of the actor (and what they hold) over the canvas.

    Args:
        canvas: with all T frames.
        x, y: world coordinates, (N, T or 1, 1, W) and (N, T or 1, H, 1).
        pixel: world size of a pixel, (N, T or 1, 1, 1).
        parts: tensors as made by `clips._parts`: centre (N, T, K, 2), cos, sin (N, T,
        K),
            half (N, K, 2), corner (N, K), shown (N, T, K), colour, colour2 (N, K, 3),
            split (N, K), pattern (N, K, 3), face (N, T) and the head's index.
    """
    for k in range(parts["centre"].shape[2]):
        if not bool(parts["shown"][:, :, k].any()):
            continue
        per_frame = lambda name, k=k: parts[name][:, :, k, None, None]  # noqa: E731
        dx = x - parts["centre"][:, :, k, 0, None, None]
        dy = y - parts["centre"][:, :, k, 1, None, None]
        u = dx * per_frame("cos") + dy * per_frame("sin")
        v = dy * per_frame("cos") - dx * per_frame("sin")
        per_clip = lambda t: t[:, None, None, None]  # noqa: E731
        half = parts["half"][:, k]
        corner = per_clip(parts["corner"][:, k])
        qu = u.abs() - per_clip(half[:, 0]) + corner
        qv = v.abs() - per_clip(half[:, 1]) + corner
        outside = torch.sqrt(qu.clamp(min=0) ** 2 + qv.clamp(min=0) ** 2)
        distance = outside + torch.maximum(qu, qv).clamp(max=0) - corner
        alpha = (0.5 - distance / pixel).clamp(0, 1) * per_frame("shown")
        colour = _cloth(parts, k, u, v, distance, pixel)
        canvas.cover(colour, alpha, MAX_LAYERS + k)


def _cloth(
    parts: dict, k: int, u: Tensor, v: Tensor, distance: Tensor, pixel
) -> Tensor:
    """Colour (3, N, T, H, W) of part k at its own coordinates u (along), v (across)."""
    per_clip = lambda t: t[:, None, None, None]  # noqa: E731
    if k == parts["head"]:
        second, dark = _face(parts, u, v, pixel)
    else:
        second = ((u - per_clip(parts["split"][:, k])) / pixel + 0.5).clamp(0, 1)
        dark = None
    strength, rate, phase = (per_clip(parts["pattern"][:, k, i]) for i in range(3))
    width = per_clip(parts["half"][:, k, 1])
    shade = 1.0 + strength * torch.sin(rate * u + phase) - 0.16 * (v / width) ** 2
    shade = shade * (
        1.0 - 0.35 * (1.0 + distance / (0.045 * parts["height"])).clamp(0, 1)
    )
    channels = []
    for c in range(3):
        first = per_clip(parts["colour"][:, k, c])
        mixed = first + (per_clip(parts["colour2"][:, k, c]) - first) * second
        mixed = mixed * shade
        channels.append((mixed if dark is None else mixed * (1.0 - dark)).clamp(0, 1))
    return torch.stack(channels)


def _face(parts: dict, u: Tensor, v: Tensor, pixel) -> tuple[Tensor, Tensor]:
    """Share of hair and darkness of the eyes on the head, in front or side view."""
    radius = parts["half"][:, parts["head"], 0][:, None, None, None]
    front = parts["front"][:, :, None, None]
    a, b = u / radius, v * parts["facing"][:, None, None, None] / radius
    soft = pixel / radius
    side_hair = torch.maximum(0.45 - b - 0.5 * a, 1.2 * (a - 0.5))
    hair = torch.where(front, 2.2 * a - 0.75 + 0.9 * b * b, 1.5 * side_hair - 0.35)
    hair = (0.5 + hair / (2.0 * soft)).clamp(0, 1)
    across = torch.where(front, b.abs() - 0.36, b - 0.62)
    eye = torch.sqrt(across**2 + (0.8 * (a + 0.02)) ** 2) - 0.13
    return hair, 0.9 * (0.5 - eye / soft).clamp(0, 1) * (0.26 / soft).clamp(max=1.0)


def motion_table(
    camera: Camera, shifts: np.ndarray, centre: np.ndarray, angle: np.ndarray
) -> np.ndarray:
    """Similarity transforms frame t -> t + 1 of every owner, in pixels.

    Args:
        camera: the camera's path.
        shifts: displacement of the layers (N, T, MAX_LAYERS, 2).
        centre, angle: of the actor's parts, (N, T, K, 2) world and (N, T, K) radians.

    Returns:
        (N, T-1, MAX_LAYERS + K, 6): A as (cos, sin) times magnification, p, p'.
    """
    anchors = camera.to_pixels(np.concatenate([shifts, centre], axis=2))
    angles = np.concatenate([np.zeros(shifts.shape[:3]), angle], axis=2)
    turn = np.diff(angles, axis=1)
    grow = (camera.zoom[:, 1:] / camera.zoom[:, :-1])[:, :, None]
    linear = np.stack([grow * np.cos(turn), grow * np.sin(turn)], -1)
    return np.concatenate([linear, anchors[:, :-1], anchors[:, 1:]], -1)


def optical_flow(
    canvas: Canvas, table: Float[Tensor, "n t k 6"]
) -> tuple[Float[Tensor, "n 2 t h w"], Bool[Tensor, "n t h w"]]:
    """Exact flow (dx, dy) in pixels and where warping by it is exact.

    A pixel is valid when it is pure, lands inside the next frame, and all four pixels
    that bilinear warping would read there belong, purely, to the same owner.
    """
    owner = canvas.owner.long()
    n, frames, h, w = owner.shape
    flat = owner[:, :-1].reshape(n, frames - 1, h * w, 1).expand(-1, -1, -1, 6)
    cos, sin, px, py, nx, ny = (
        t.reshape(n, frames - 1, h, w) for t in table.gather(2, flat).unbind(-1)
    )
    col = torch.arange(w, device=owner.device, dtype=torch.float32)[None, None, None, :]
    row = torch.arange(h, device=owner.device, dtype=torch.float32)[None, None, :, None]
    du, dv = col - px, row - py
    to_x = cos * du - sin * dv + nx
    to_y = sin * du + cos * dv + ny
    flow = torch.stack([to_x - col, to_y - row], dim=1)
    return flow, _warpable(canvas, to_x, to_y)


def _warpable(canvas: Canvas, to_x: Tensor, to_y: Tensor) -> Tensor:
    n, frames, h, w = canvas.owner.shape
    pure = canvas.pure > PURE
    tagged = torch.where(pure, canvas.owner, torch.full_like(canvas.owner, -1))
    here, there = tagged[:, :-1], tagged[:, 1:].reshape(n, frames - 1, h * w)
    inside = (to_x >= 0) & (to_x <= w - 1) & (to_y >= 0) & (to_y <= h - 1)
    valid = inside & (here >= 0)
    left, top = to_x.floor().long(), to_y.floor().long()
    for dy in (0, 1):
        for dx in (0, 1):
            col, row = (left + dx).clamp(0, w - 1), (top + dy).clamp(0, h - 1)
            seen = there.gather(2, (row * w + col).reshape(n, frames - 1, h * w))
            valid = valid & (seen.reshape(here.shape) == here)
    return valid
