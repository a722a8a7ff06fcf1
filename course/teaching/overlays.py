"""What a model saw or should have seen, drawn on the frames: heat, outlines, arrows."""

from __future__ import annotations

from typing import Any

import numpy as np

from course.teaching.pixels import (
    as_array,
    enlarge,
    flow_colours,
    frames_of,
    heat_colours,
)


def _resize_map(heat: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A map `(T', H', W')` at the frames' size, each axis linearly interpolated."""
    for axis, size in enumerate(shape):
        old = heat.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        weight = (at - low).reshape([-1 if a == axis else 1 for a in range(3)])
        heat = heat.take(low, axis) * (1 - weight) + heat.take(high, axis) * weight
    return heat


def heat_overlay(clip: Any, heat: Any, opacity: float = 0.75) -> np.ndarray:
    """Greyed frames with a heat map over them, such as a class activation map.

    Args:
        clip: any layout of `frames_of`.
        heat: `(T', H', W')` or `(H', W')`, any range; scaled to [0, 1] over the clip.
        opacity: weight of the colours where the map is hottest.

    Returns:
        uint8 `(T, H, W, 3)`.

    Raises:
        ValueError: the map has another number of axes.
    """
    frames, heat = frames_of(clip), as_array(heat).astype(np.float32)
    if heat.ndim == 2:
        heat = heat[None]
    if heat.ndim != 3:
        raise ValueError(f"a heat map is (T, H, W) or (H, W), got {tuple(heat.shape)}")
    heat = _resize_map(heat, frames.shape[:3])
    heat = (heat - heat.min()) / max(float(np.ptp(heat)), 1e-6)
    weight = opacity * heat[..., None]
    grey = 0.75 * frames.mean(-1, keepdims=True) + 0.1 * frames  # heat stands out on it
    mixed = grey * (1 - weight) + heat_colours(heat) * weight
    return mixed.round().astype(np.uint8)


def mask_outline(clip: Any, mask: Any, colour=(230, 159, 0)) -> np.ndarray:
    """Frames with the border of a mask drawn in one colour.

    Args:
        clip: any layout of `frames_of`.
        mask: bool `(T, H, W)` or `(H, W)`.
        colour: RGB, 0-255; orange by default.

    Returns:
        uint8 `(T, H, W, 3)`.

    Raises:
        ValueError: mask and frames differ in size.
    """
    frames = frames_of(clip).copy()
    mask = as_array(mask).astype(bool)
    mask = np.broadcast_to(mask, frames.shape[:3]) if mask.ndim == 2 else mask
    if mask.shape != frames.shape[:3]:
        raise ValueError(f"mask {mask.shape} does not fit frames {frames.shape[:3]}")
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), mode="edge")
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]
    inner &= padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    frames[mask & ~inner] = colour
    return frames


def flow_arrows(clip: Any, flow: Any, step: int = 8, scale: int = 4) -> np.ndarray:
    """Enlarged frames with one arrow every `step` px from a pixel to where it goes.

    Args:
        clip: any layout of `frames_of`, T frames.
        flow: (dx, dy) in px, `(2, T - 1, H, W)`; the last frame gets no arrows.
        step: distance of the arrows in px.
        scale: whole-number enlargement, so that short arrows can be seen.

    Returns:
        uint8 `(T, H * scale, W * scale, 3)`.

    Raises:
        ValueError: flow and frames differ in size.
    """
    from PIL import Image, ImageDraw

    frames, flow = frames_of(clip), as_array(flow)
    steps, height, width = frames.shape[0] - 1, *frames.shape[1:3]
    if flow.shape != (2, steps, height, width):
        raise ValueError(
            f"flow {tuple(flow.shape)} must be {(2, steps, height, width)}"
        )
    pictures = [Image.fromarray(frame) for frame in enlarge(frames, scale)]
    for t, picture in enumerate(pictures[:-1]):
        pen = ImageDraw.Draw(picture)
        for y in range(step // 2, height, step):
            for x in range(step // 2, width, step):
                _arrow(pen, (x, y), flow[:, t, y, x], scale)
    return np.stack([np.asarray(picture) for picture in pictures])


def _arrow(pen, start: tuple[int, int], motion: np.ndarray, scale: int) -> None:
    """A line with a dot at its start; motion under a fifth of a pixel draws nothing."""
    (x, y), (dx, dy) = start, motion.tolist()
    if np.hypot(dx, dy) < 0.2:
        return
    x0, y0 = (x + 0.5) * scale, (y + 0.5) * scale
    end = (x0 + dx * scale, y0 + dy * scale)
    pen.line([(x0, y0), end], fill=(0, 0, 0), width=3)
    pen.line([(x0, y0), end], fill=(240, 228, 66), width=1)
    pen.ellipse(
        [x0 - 2, y0 - 2, x0 + 2, y0 + 2], fill=(240, 228, 66), outline=(0, 0, 0)
    )


def overlaid(
    clip: Any, mask: Any = None, flow: Any = None, heat: Any = None
) -> np.ndarray:
    """Frames with what is given drawn on them: heat first, then the mask's outline.

    Args:
        clip: frames in any layout of `frames_of`.
        mask: bool `(T, H, W)` or `(H, W)`, drawn as an outline.
        flow: (dx, dy) `(2, T - 1, H, W)`, shown as colours *instead of* the frames;
            the last frame repeats the last motion.
        heat: `(T', H', W')` or `(H', W')`, laid over the frames.

    Returns:
        uint8 `(T, H, W, 3)`.
    """
    frames = frames_of(clip)
    if flow is not None:
        motion = flow_colours(flow)
        frames = np.concatenate([motion, motion[-1:]])[: len(frames)]
    if heat is not None:
        frames = heat_overlay(frames, heat)
    return frames if mask is None else mask_outline(frames, mask)
