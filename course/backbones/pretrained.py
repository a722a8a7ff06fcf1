"""Public image weights: fetch by name, check, and load without surprises.

The files are torchvision's; each carries the start of its SHA-256 in its name, which is
checked at every use.  They are read with `weights_only=True`, which runs no code.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor, nn

from course.scale import cache_dir

ADDRESS = "https://download.pytorch.org/models"
FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "googlenet": "googlenet-1378be20.pth",
}
# GoogLeNet's auxiliary classifiers: they help to train, they are not evaluated.
AUXILIARY = ("aux1.", "aux2.")


def load_state(
    name_or_path: str | Path, folder: str | Path | None = None
) -> dict[str, Tensor]:
    """Read a state dict by its path, or fetch one of torchvision's by name.

    Args:
        name_or_path: "resnet18", "resnet50", "googlenet", or a file.
        folder: where fetched files are kept; None is `weights` in the course's cache.

    Returns:
        Names and tensors, on the CPU.

    Raises:
        FileNotFoundError: neither a known name nor a file.
        ConnectionError: the file cannot be fetched; says where to put it by hand.
        ValueError: the file's checksum is wrong, or it is not a state dict.

    >>> load_state("resnet81")
    Traceback (most recent call last):
    FileNotFoundError: no file resnet81, nor one of resnet18, resnet50, googlenet
    """
    if str(name_or_path) in FILES:
        kept = Path(folder) if folder else cache_dir() / "weights"
        return _read(_fetch(FILES[str(name_or_path)], kept))
    if not Path(name_or_path).is_file():
        known = ", ".join(FILES)
        raise FileNotFoundError(f"no file {name_or_path}, nor one of {known}")
    return _read(Path(name_or_path))


def load_into(
    model: nn.Module, state: Mapping[str, Tensor], new_head: str | None = None
) -> nn.Module:
    """Load a state dict into a model, all of it or nothing.

    GoogLeNet's auxiliary classifiers are dropped, and a batch norm's count of batches,
    which old files lack, may be missing.

    Args:
        model: changed in place.
        state: names and tensors.
        new_head: a layer, such as "fc", that keeps the model's own new weights where
            the state has none of its shape: for another number of classes.

    Returns:
        The model.

    Raises:
        ValueError: names that are missing, unexpected or of another shape; the model is
            left as it was.

    >>> head = nn.Linear(2, 3)
    >>> load_into(head, {"weight": torch.ones(4, 2), "bias": torch.ones(3)})
    Traceback (most recent call last):
    ValueError: state does not fit Linear; other shapes: weight (4, 2) for (3, 2)
    """
    own = model.state_dict()
    given = dict(state)
    if not any(name.startswith(AUXILIARY) for name in own):
        given = {k: v for k, v in given.items() if not k.startswith(AUXILIARY)}
    shapes = {k: tuple(v.shape) for k, v in given.items()}
    if new_head is not None:
        head = [name for name in own if name.startswith(f"{new_head}.")]
        if not head:
            raise ValueError(f"{type(model).__name__} has no layer {new_head}")
        if any(shapes.get(name) != tuple(own[name].shape) for name in head):
            given.update({name: own[name] for name in head})
    uncounted = [name for name in own if name.endswith("num_batches_tracked")]
    given = {**{name: own[name] for name in uncounted}, **given}
    if faults := _faults(own, given):
        raise ValueError(f"state does not fit {type(model).__name__}; {faults}")
    model.load_state_dict(given)
    return model


def _faults(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """What is missing, unexpected or of another shape; empty if all is well."""
    shapes = [
        f"{name} {tuple(given[name].shape)} for {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    kinds = {
        "missing": [name for name in own if name not in given],
        "unexpected": [name for name in given if name not in own],
        "other shapes": shapes,
    }
    return "; ".join(f"{kind}: {_few(found)}" for kind, found in kinds.items() if found)


def _few(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _fetch(file: str, folder: Path) -> Path:
    """The checked local copy of a torchvision file; a cached one is checked again."""
    path, url = folder / file, f"{ADDRESS}/{file}"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        prefix = _hash_in(file)
        try:
            torch.hub.download_url_to_file(url, str(path), prefix, progress=True)
        except (OSError, HTTPException) as error:
            raise ConnectionError(
                f"cannot fetch {url} ({error}); fetch it by hand and put it at {path}"
            ) from error
        except RuntimeError as error:  # torch's word for a wrong checksum
            raise ValueError(f"{url}: {error}; fetch it again") from error
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(_hash_in(file)):
        raise ValueError(f"{path} is damaged (SHA-256 {digest}): delete it and retry")
    return path


def _hash_in(file: str) -> str:
    return Path(file).stem.rpartition("-")[2]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).strip().splitlines()[:1]
        raise ValueError(f"{path} holds no plain tensors: {reason}") from error
    tensors = isinstance(state, dict) and all(
        isinstance(value, Tensor) for value in state.values()
    )
    if not tensors or not state:
        found = list(state)[:5] if isinstance(state, dict) else type(state).__name__
        raise ValueError(f"{path} is no state dict of tensors, it holds {found}")
    return dict(state)
