"""Checkpoints that are whole or absent, and hold everything a run needs to go on.

A file is written under another name, forced to the disk and renamed: a killed process
or a full disk leaves the previous checkpoint as it was.  Reading never unpickles code
(`weights_only=True`).
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

FILE_NAME = "checkpoint.pt"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written, read, or continued; the message says why."""


def write_atomically(path: str | os.PathLike, content: bytes | memoryview) -> None:
    """Write a file so that a reader finds the old content or the new, never a part.

    Args:
        path: the file; its folder is made if need be.
        content: the bytes.

    Raises:
        OSError: if the disk is full or the folder refuses; the old file is untouched.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(path, b"whole")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('whole', 1)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if os.name == "posix":  # the rename itself must reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def save_checkpoint(path: str | os.PathLike, content: Mapping) -> None:
    """Save a nested dict of tensors and plain values.

    Args:
        path: the file.
        content: tensors, numbers, strings, lists, tuples and dicts of them.

    Raises:
        CheckpointError: if the disk refuses; the previous file stays whole.
    """
    # Into memory first: torch's own writer does not survive a disk that fills up.
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    try:
        write_atomically(path, buffer.getbuffer())
    except OSError as error:
        kept = (
            "the previous one is whole" if Path(path).exists() else "there is none yet"
        )
        raise CheckpointError(
            f"cannot write the checkpoint {path}: {error.strerror or error}; {kept}"
        ) from error


def check_readable(content: object) -> None:
    """Make sure, before hours are spent, that something saved could be read back.

    Args:
        content: what a state_dict() gave.

    Raises:
        CheckpointError: if it holds an object that safe reading refuses.

    >>> check_readable({"queue": torch.zeros(2), "place": 0})
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    buffer.seek(0)
    try:
        torch.load(buffer, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            "a state_dict() may give tensors, numbers, strings and lists or dicts of "
            f"them; this one could not be read back safely: {error}"
        ) from error


def load_checkpoint(path: str | os.PathLike) -> dict:
    """Read a checkpoint, tensors on the CPU, without running any code in it.

    Args:
        path: the file.

    Returns:
        The saved dict; its `model` entry is the network's state dict.

    Raises:
        CheckpointError: if the file is absent, damaged, or not a checkpoint.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}") from None
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read: {error}"
        ) from error
    if not isinstance(content, dict) or "model" not in content:
        raise CheckpointError(f"{path} is not a checkpoint of this course")
    return content


def check_identity(saved: Mapping, current: Mapping, path: str | os.PathLike) -> None:
    """Refuse to continue a run that was started with other settings.

    Args:
        saved: identity in the checkpoint, a flat dict of plain values.
        current: identity of the run that would continue.
        path: the checkpoint, for the message.

    Raises:
        CheckpointError: naming every setting that differs, there and here.
    """
    different = [
        f"{key}: {saved.get(key)!r} there, {current.get(key)!r} here"
        for key in sorted({*saved, *current})
        if saved.get(key) != current.get(key)
    ]
    if different:
        raise CheckpointError(
            f"{path} belongs to a run with other settings ({'; '.join(different)}). "
            "Give another folder, or remove this one to start afresh."
        )


def random_state(device: torch.device) -> dict:
    """The state of every global random number generator of this process."""
    name, words, *rest = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": [name, torch.from_numpy(np.asarray(words, np.int64)), *rest],
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping, device: torch.device) -> None:
    """Set every global random number generator to a saved state."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, numbers, *rest = state["numpy"]
    np.random.set_state((name, numbers.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
