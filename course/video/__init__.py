"""Video files in and out: reading, sampling, augmenting, optical flow, writing.

Importing this package loads neither a decoder nor OpenCV; each name brings what it
needs when it is first used.
"""

from __future__ import annotations

import importlib

_HOME = {
    "FrameIndexError": "errors",
    "VideoError": "errors",
    "VideoInfo": "decode",
    "frame_times": "decode",
    "probe": "decode",
    "read_clip": "decode",
    "centre_clip": "sampling",
    "dense_clips": "sampling",
    "random_clip": "sampling",
    "segment_frames": "sampling",
    "spread_clips": "sampling",
    "AugmentDraw": "augment",
    "ClipAugment": "augment",
    "centre_crop": "crops",
    "crop_resize": "crops",
    "three_crop": "crops",
    "flow_to_uint8": "optical_flow",
    "tvl1_flow": "optical_flow",
    "write_video": "write",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"course.video has no {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
