"""A short hash of settings, by which a record tells whether it is still up to date.

It is made of values only, so it survives a reordered dict, another process, another
machine, and a setting written as 1 instead of 1.0.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
import numbers
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch


def plain(value: object) -> Any:
    """A value as JSON knows it, equal for settings that mean the same.

    Tuples become lists, whole floats become ints, sets are sorted, dataclasses become
    dicts (or what their `identity()` gives), devices and dtypes their names.

    Raises:
        ValueError: for a value without a stable text, such as a function or a tensor.

    >>> plain({"rate": 1.0, "widths": (16, 32)})
    {'rate': 1, 'widths': [16, 32]}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, os.PathLike):
        return Path(value).as_posix()
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        if not math.isfinite(number):
            return str(number)
        return int(number) if number.is_integer() else number
    if hasattr(value, "identity") and not isinstance(value, type):
        return plain(value.identity())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if type(value) in (torch.device, torch.dtype):
        return str(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    raise ValueError(f"a setting must be a plain value, got {type(value)}: {value!r}")


def settings_hash(settings: object, **versions: object) -> str:
    """Twelve hex digits that change when the settings do, and at no other time.

    Args:
        settings: a dataclass or a dict, nested as you like.
        **versions: of the world, the room, ... : whatever else decides a result.

    Returns:
        The hash; the order of keys, the process and the machine do not matter.

    Raises:
        ValueError: for a value without a stable text.

    >>> settings_hash({"a": 1, "b": 2.0}) == settings_hash({"b": 2, "a": 1})
    True
    >>> settings_hash({"a": 1}, world=1) == settings_hash({"a": 1}, world=2)
    False
    """
    whole = {"settings": plain(settings), "versions": plain(versions)}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
