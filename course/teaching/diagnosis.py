"""Which known mistake gives exactly this result?  For the checks of the exercises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from course.teaching.exercise import Wrong, same


def told_apart(
    got: Any,
    right: Any,
    mistakes: Mapping[str, Any],
    hint: str,
    tolerance: float = 1e-5,
) -> None:
    """Raise `Wrong` with the hint that belongs to the mistake that was made.

    Args:
        got: the learner's result.
        right: what it should be.
        mistakes: by hint, the result that a common mistake gives.
        hint: what to say of any other wrong result.
        tolerance: largest absolute difference of numbers.

    Raises:
        Wrong: `got` is not `right`.

    >>> told_apart(2.0, 2.0, {"You forgot to halve.": 4.0}, "Look again.")
    >>> told_apart(4.0, 2.0, {"You forgot to halve.": 4.0}, "Look again.")
    Traceback (most recent call last):
        ...
    course.teaching.exercise.Wrong: You forgot to halve.
    """
    if equal(got, right, tolerance):
        return
    for sentence, result in mistakes.items():
        if equal(got, result, tolerance):
            raise Wrong(sentence)
    same(got, right, hint, tolerance)


def equal(got: Any, other: Any, tolerance: float = 1e-5) -> bool:
    """Whether two results agree in kind, shape and value.

    Args:
        got: the learner's result.
        other: number, text, tensor, array, or a tuple, list or dict of these.
        tolerance: largest absolute difference of numbers.

    >>> equal((1, 2), (1, 2)), equal((1, 2), 3)
    (True, False)
    """
    try:
        same(got, other, "", tolerance)
    except Wrong:
        return False
    return True


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers in double precision, the same at every call.

    Args:
        shape: of the tensor.
        seed: another one gives other numbers.

    >>> bool((drawn(2, 3) == drawn(2, 3)).all())
    True
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)
