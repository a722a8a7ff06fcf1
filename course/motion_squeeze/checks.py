"""What an argument must be: a whole number or a positive one; else it is named.

numpy's numbers pass as Python's do; texts, and fractions for whole numbers, do not.
"""

from __future__ import annotations

import operator
from typing import Any


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Check a count or a size.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least: the smallest number that will do.

    Returns:
        The number as a Python int.

    Raises:
        ValueError: for anything but a whole number of at least `least`.

    >>> import numpy as np
    >>> whole_number("reach", np.int64(3))
    3
    >>> whole_number("reach", "3")
    Traceback (most recent call last):
    ValueError: reach must be a whole number >= 0, got '3'
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    return number


def positive_number(name: str, value: Any) -> float:
    """Check a width, a temperature and the like.

    Args:
        name: of the argument, for the message.
        value: what was given.

    Returns:
        The number as it came.

    Raises:
        ValueError: for anything but a number greater than 0.

    >>> positive_number("sigma", 5.0)
    5.0
    >>> positive_number("sigma", "wide")
    Traceback (most recent call last):
    ValueError: sigma must be a number greater than 0, got 'wide'
    """
    try:
        positive = bool(value > 0)
    except (TypeError, RuntimeError):  # a text; a tensor of several numbers
        positive = False
    if not positive:
        raise ValueError(f"{name} must be a number greater than 0, got {value!r}")
    return value
