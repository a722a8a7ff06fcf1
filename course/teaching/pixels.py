"""Arrays to pixels: frames, PNG bytes, colours for motion and for heat.

Everything here is numpy on the way in and numpy or PNG bytes on the way out; Pillow is
imported where bytes are made, so that the module loads on a bare server.  Frames are
uint8 `(T, H, W, 3)`; a torch clip `(3, T, H, W)` in [0, 1] is turned into that by
`frames_of`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def as_array(values: Any) -> np.ndarray:
    """Any tensor or nested list as a numpy array on the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().float().numpy()
    return np.asarray(values)


def to_uint8(image: Any) -> np.ndarray:
    """Pixels as uint8: float and bool arrays are read as [0, 1] and clipped.

    >>> to_uint8([0.0, 0.5, 2.0]).tolist()
    [0, 128, 255]
    """
    array = image if isinstance(image, np.ndarray) else as_array(image)
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool or np.issubdtype(array.dtype, np.floating):
        array = np.nan_to_num(array.astype(np.float32))
        return (np.clip(array, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    raise ValueError(
        f"pixels must be uint8, bool or float in [0, 1], got {array.dtype}"
    )


def frames_of(clip: Any) -> np.ndarray:
    """A clip in any of the course's layouts as uint8 frames `(T, H, W, 3)`.

    Args:
        clip: `(T, H, W, 3)` or `(T, H, W)`, or a tensor `(3, T, H, W)`; uint8 or [0,
            1].

    Returns:
        uint8 `(T, H, W, 3)`.

    Raises:
        ValueError: the shape is none of these.

    >>> frames_of(np.zeros((3, 8, 16, 20))).shape
    (8, 16, 20, 3)
    """
    is_uint8 = str(getattr(clip, "dtype", "")) == "torch.uint8"
    array = as_array(clip).astype(np.uint8) if is_uint8 else to_uint8(clip)
    if array.ndim == 3:
        array = np.repeat(array[..., None], 3, axis=-1)
    elif array.ndim == 4 and array.shape[-1] != 3 and array.shape[0] == 3:
        array = array.transpose(1, 2, 3, 0)
    if array.ndim != 4 or array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(
            "a clip is (T, H, W, 3), (T, H, W) or (3, T, H, W), none of them empty; "
            f"got shape {tuple(array.shape)}"
        )
    return array


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel repeated `scale` times along H and W of `(..., H, W, 3)`."""
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    return image.repeat(scale, axis=-3).repeat(scale, axis=-2)


def image_png(image: Any, scale: int = 1, colours: int | None = None) -> bytes:
    """PNG bytes of one image, fast enough for a slider.

    Args:
        image: `(H, W)` or `(H, W, 3)`, uint8 or float in [0, 1].
        scale: whole-number enlargement; pixels stay crisp.
        colours: at most this many palette colours (a third of the bytes), None for all.

    Returns:
        the file's bytes.

    Raises:
        ValueError: the shape is not that of an image.

    >>> image_png(np.zeros((4, 4)))[1:4]
    b'PNG'
    """
    from PIL import Image

    array = to_uint8(image)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(f"an image is (H, W) or (H, W, 3), got shape {array.shape}")
    picture = Image.fromarray(np.ascontiguousarray(enlarge(array, scale)))
    if colours is not None:
        picture = picture.quantize(colours)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6 if colours else 1)
    return buffer.getvalue()


def _hsv_to_rgb(hue: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """Colours of full value, hue in turns; each channel is a trapezoid over the hue."""
    offsets = np.array([5.0, 3.0, 1.0])
    k = (offsets + hue[..., None] * 6.0) % 6.0
    return 1.0 - saturation[..., None] * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)


def flow_colours(flow: Any, largest: float | None = None) -> np.ndarray:
    """Motion as colour: the hue is the direction, the strength is the length.

    Args:
        flow: (dx, dy) in px, `(2, H, W)` or `(2, T, H, W)`.
        largest: length in px that gets the full colour; the array's own 99th percentile
            by default.

    Returns:
        uint8 `(H, W, 3)` or `(T, H, W, 3)`; no motion is white, right is red.

    Raises:
        ValueError: the first axis is not (dx, dy).

    >>> flow_colours(np.zeros((2, 1, 1))).ravel().tolist()
    [255, 255, 255]
    """
    flow = as_array(flow)
    if flow.ndim not in (3, 4) or flow.shape[0] != 2:
        raise ValueError(f"flow is (2, H, W) or (2, T, H, W), got {tuple(flow.shape)}")
    dx, dy = np.nan_to_num(flow.astype(np.float32))
    length = np.hypot(dx, dy)
    if largest is None:
        largest = float(np.percentile(length, 99))
    hue = (np.arctan2(dy, dx) / (2 * np.pi)) % 1.0
    return to_uint8(_hsv_to_rgb(hue, np.clip(length / max(largest, 1e-6), 0.0, 1.0)))


def flow_wheel(size: int = 64) -> np.ndarray:
    """The key to `flow_colours`: a disc, uint8 `(size, size, 3)`; outside is white."""
    axis = np.linspace(-1.0, 1.0, size)
    flow = np.stack(np.meshgrid(axis, axis))
    inside = np.hypot(*flow) <= 1.0
    return flow_colours(flow * inside, largest=1.0)


# Black, dark purple, orange, pale yellow: lightness rises all the way, so that the map
# still reads in grey and to colour-blind eyes.
_HEAT = np.array(
    [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]]
)


def heat_colours(heat: Any) -> np.ndarray:
    """A map in [0, 1] as uint8 colours `(..., 3)`, dark to bright."""
    heat = np.clip(np.nan_to_num(as_array(heat).astype(np.float32)), 0.0, 1.0)
    stops = np.linspace(0.0, 1.0, len(_HEAT))
    channels = [np.interp(heat, stops, _HEAT[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
