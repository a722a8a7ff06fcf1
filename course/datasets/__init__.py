"""Real videos as data sets: one manifest format, and clips drawn from it."""

from __future__ import annotations

import importlib

_HOME = {
    "HumanMasks": "beside",
    "Manifest": "manifest",
    "ManifestError": "manifest",
    "Row": "manifest",
    "index_folder": "folders",
    "read_manifest": "manifest",
    "write_manifest": "manifest",
    "SceneLabels": "beside",
    "UnreadableVideos": "videos",
    "VideoClips": "videos",
    "check": "videos",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"course.datasets has no {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
