"""The camera: where each pixel looks in the world, frame by frame.

World units: a frame at zoom 1 is two units high, y goes down, (0, 0) is its centre.
Pixel coordinates count from 0 at the centre of the top left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course.draws import Draws


@dataclass
class Camera:
    """A path of N cameras over T frames: `centre` (N, T, 2) world, `zoom` (N, T)."""

    centre: np.ndarray
    zoom: np.ndarray
    height: int
    width: int

    @property
    def still(self) -> bool:
        """True when no camera of the batch moves at all."""
        return bool(np.ptp(self.centre, axis=1).max() == 0 and np.ptp(self.zoom) == 0)

    @property
    def scale(self) -> np.ndarray:
        """Pixels per world unit, (N, T)."""
        return 0.5 * self.height * self.zoom

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """World points (N, T, ..., 2) to pixel coordinates (x, y)."""
        extra = (1,) * (points.ndim - 3)
        shape = self.zoom.shape + extra
        middle = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        centre = self.centre.reshape(*shape, 2)
        return (points - centre) * self.scale.reshape(*shape, 1) + middle

    def grid(
        self, device: torch.device
    ) -> tuple[
        Float[Tensor, "n t 1 w"], Float[Tensor, "n t h 1"], Float[Tensor, "n t 1 1"]
    ]:
        """World coordinates of the pixels, x (N, T, 1, W) and y (N, T, H, 1), and their
        world size (N, T, 1, 1).

        T is 1 for a still camera, so that a static scene is painted only once.
        """
        frames = slice(0, 1) if self.still else slice(None)
        scale = as_tensor(self.scale[:, frames], device)[:, :, None, None]
        centre = as_tensor(self.centre[:, frames], device)[:, :, None, None]
        cols = torch.arange(self.width, device=device) - (self.width - 1) / 2
        rows = torch.arange(self.height, device=device) - (self.height - 1) / 2
        x = centre[..., 0] + cols[None, None, None, :] / scale
        y = centre[..., 1] + rows[None, None, :, None] / scale
        return x, y, 1.0 / scale


def camera_path(
    draws: Draws,
    frames: int,
    size: tuple[int, int],
    pan: float,
    zoom: float,
    jitter: float,
) -> Camera:
    """Cameras that pan, zoom and shake.

    Args:
        draws: one item per clip.
        frames: T.
        size: (H, W) in pixels.
        pan: largest travel over the clip on each axis, in frame heights.
        zoom: largest change of magnification over the clip (0.2 = 20 %).
        jitter: standard deviation of the per-frame shake, in frame heights.
    """
    count = len(draws)
    u = np.linspace(-0.5, 0.5, frames) if frames > 1 else np.zeros(1)
    centre = np.zeros((count, frames, 2))
    for axis in range(2):
        travel = 2.0 * draws.uniform(f"pan.{axis}", -pan, pan)
        centre[:, :, axis] = travel[:, None] * u
        if jitter > 0:
            shake = [draws.normal(f"jitter.{axis}.{t}") for t in range(frames)]
            centre[:, :, axis] += 2.0 * jitter * np.stack(shake, 1)
    rate = draws.uniform("zoom", -zoom, zoom)
    return Camera(centre, np.exp(rate[:, None] * u), *size)


def as_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    """A float32 copy on the device."""
    return torch.as_tensor(
        np.ascontiguousarray(array), dtype=torch.float32, device=device
    )
