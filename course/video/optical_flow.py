"""TV-L1 optical flow, the motion input of two-stream networks, by OpenCV.

Source: Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical
Flow", 2007; the published two-stream inputs clip it to +-20 px and store 8 bits.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8


def tvl1_flow(
    frames: UInt8[np.ndarray, "T H W 3"], bound: float | None = None
) -> Float32[np.ndarray, "2 T-1 H W"]:
    """Estimate how far each pixel moves from a frame to the next.

    Args:
        frames: RGB video, uint8 (T, H, W, 3), at least two frames of 16 x 16 px.
        bound: clip the flow to [-bound, bound] px; None leaves it.

    Returns:
        Flow (dx, dy) in px, float32 (2, T - 1, H, W): the pixel at (x, y) of frame t
        is found at (x + dx, y + dy) of frame t + 1.

    Raises:
        ValueError: another shape or type, or a bound that is not positive.
        ImportError: OpenCV's contrib modules are not installed.

    >>> still = np.zeros((3, 32, 32, 3), np.uint8)
    >>> tvl1_flow(still).shape, float(abs(tvl1_flow(still)).max())
    ((2, 2, 32, 32), 0.0)
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        found = f"{frames.dtype} {frames.shape}"
        raise ValueError(f"frames must be uint8 (T, H, W, 3), got {found}")
    if len(frames) < 2 or min(frames.shape[1:3]) < 16:
        raise ValueError(f"need two frames of 16 x 16 px or more, got {frames.shape}")
    if bound is not None and not bound > 0:
        raise ValueError(f"bound must be positive, got {bound}")
    cv2, solver = _solver()
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = np.stack(
        [solver.calc(a, b, None) for a, b in zip(grey[:-1], grey[1:], strict=True)]
    )
    flow = np.ascontiguousarray(flow.transpose(3, 0, 1, 2), dtype=np.float32)
    return flow if bound is None else np.clip(flow, -bound, bound)


def flow_to_uint8(
    flow: Float32[np.ndarray, "*any"], bound: float = 20.0
) -> UInt8[np.ndarray, "*any"]:
    """Store flow in 8 bits as the published inputs do: floor((flow/bound + 1)/2 * 255).

    Args:
        flow: px, any shape.
        bound: the flow that becomes 0 or 255, px.

    Returns:
        uint8, the same shape; no motion is 127.

    >>> flow_to_uint8(np.array([-30.0, 0.0, 20.0])).tolist()
    [0, 127, 255]
    """
    unit = np.clip(np.asarray(flow) / bound, -1, 1) * 0.5 + 0.5
    return np.floor(unit * 255).astype(np.uint8)


def _solver():
    try:
        import cv2

        return cv2, cv2.optflow.createOptFlow_DualTVL1()
    except (ImportError, AttributeError) as error:
        raise ImportError(
            "TV-L1 flow needs OpenCV's contrib modules: "
            "pip install opencv-contrib-python-headless"
        ) from error
