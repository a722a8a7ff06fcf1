"""Reads a published TensorFlow checkpoint of I3D without TensorFlow.

A checkpoint's `.data` file is the raw little-endian float32 bytes of its tensors, one
after the other; the `.index` file says where each begins and gives its checksum, and
those facts are in `facts/i3d_checkpoint_index.csv`.  So the bytes are cut where the
table says, and nothing is used whose masked CRC-32C differs from the table's.

Layout: TensorFlow's convolutions are (t, h, w, in, out), PyTorch's (out, in, t, h, w);
batch norm's tensors are (1, 1, 1, 1, C) there and (C,) here, and there is no gamma.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course.i3d.published.artefacts import DATA_FILE, Index, TensorFact, file_size
from course.i3d.published.crc32c import masked_crc32c

_LEAVES = {
    "w": "weight",
    "b": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_SUFFIX = DATA_FILE.removeprefix("model.ckpt")


def state_name(tensor: str) -> str:
    """The name in `I3D.state_dict()` of a tensor of a checkpoint.

    Args:
        tensor: TensorFlow's name, with or without the stream's prefix.

    Returns:
        our name.

    >>> state_name("RGB/inception_i3d/Mixed_3b/Branch_0/Conv3d_0a_1x1/batch_norm/beta")
    'Mixed_3b.Branch_0.Conv3d_0a_1x1.batch_norm.bias'
    """
    *units, leaf = tensor.split("/inception_i3d/")[-1].split("/")
    return ".".join([*units, _LEAVES[leaf]])


def to_torch(values: np.ndarray, tensor: str) -> Tensor:
    """A checkpoint's tensor in PyTorch's layout.

    Args:
        values: float32, convolutions (t, h, w, in, out), others of any shape.
        tensor: TensorFlow's name; the layout depends on it.

    Returns:
        (out, in, t, h, w) for a convolution, else (C,); a copy.

    >>> to_torch(np.zeros((7, 7, 7, 2, 64), np.float32), "conv_3d/w").shape
    torch.Size([64, 2, 7, 7, 7])
    """
    if tensor.endswith("/w"):
        values = values.transpose(4, 3, 0, 1, 2)
    else:
        values = values.reshape(-1)
    return torch.from_numpy(values.astype(np.float32, order="C", copy=True))


def to_tensorflow(values: Tensor) -> np.ndarray:
    """The same values as they lie in a checkpoint, so that checksums can be compared.

    >>> to_tensorflow(torch.zeros(64, 2, 7, 7, 7)).shape
    (7, 7, 7, 2, 64)
    """
    array = values.detach().cpu().numpy()
    array = array.transpose(2, 3, 4, 1, 0) if array.ndim == 5 else array
    return np.ascontiguousarray(array, "<f4")


def weights_of(facts: tuple[TensorFact, ...]) -> tuple[TensorFact, ...]:
    """Those of a network; kin600's file also keeps the optimiser's momentum."""
    return tuple(fact for fact in facts if not fact.name.endswith("/Momentum"))


def data_file(path: Path) -> Path:
    """The file meant by a folder, a checkpoint's prefix, its .index or the file itself.

    Raises:
        FileNotFoundError: there is none.

    >>> data_file(Path("nowhere"))
    Traceback (most recent call last):
    FileNotFoundError: nowhere: no such file, folder or checkpoint
    """
    if path.is_dir():
        if not (path / DATA_FILE).is_file():
            raise FileNotFoundError(f"{path}: no {DATA_FILE} in this folder")
        return path / DATA_FILE
    prefix = path.with_suffix("") if path.suffix in (".index", ".meta") else path
    beside = prefix.with_name(prefix.name + _SUFFIX)
    if beside.is_file():
        return beside
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, folder or checkpoint")
    return path


def read_checkpoint(path: Path, index: Index) -> tuple[str, dict[str, Tensor]]:
    """Recognise a .data file by its checksums and read its network.

    Args:
        path: the file.
        index: the checkpoints it may be (see `checkpoint_index`).

    Returns:
        the checkpoint's name, and the tensors by our names in PyTorch's layout.

    Raises:
        ValueError: the size is no checkpoint's, or a tensor's checksum differs.
    """
    size = path.stat().st_size
    fitting = {name: facts for name, facts in index.items() if file_size(facts) == size}
    if not fitting:
        raise ValueError(_wrong_size(path, size, index))
    octets = np.memmap(path, np.uint8, "r")
    sums = {
        place: masked_crc32c(octets[place[0] : sum(place)])
        for place in {(f.offset, f.size) for facts in fitting.values() for f in facts}
    }
    damaged = {
        name: [fact for fact in facts if sums[fact.offset, fact.size] != fact.crc]
        for name, facts in fitting.items()
    }
    name = min(damaged, key=lambda name: len(damaged[name]))
    if damaged[name]:
        raise ValueError(_damaged(path, name, damaged[name], len(fitting[name]), sums))
    return name, {
        state_name(fact.name): to_torch(_values(octets, fact), fact.name)
        for fact in weights_of(fitting[name])
    }


def _values(octets: np.ndarray, fact: TensorFact) -> np.ndarray:
    piece = octets[fact.offset : fact.offset + fact.size]
    return np.frombuffer(piece.tobytes(), "<f4").reshape(fact.shape)


def _damaged(
    path: Path, name: str, bad: list[TensorFact], count: int, sums: dict
) -> str:
    if len(bad) == count:
        return (
            f"{path}: as long as {name}, but none of its {count} tensors has the "
            f"published checksum: other weights"
        )
    first = bad[0]
    return (
        f"{path}: {name} is damaged at tensor {first.name} (bytes {first.offset} to "
        f"{first.offset + first.size - 1}): checksum "
        f"{sums[first.offset, first.size]:08x}, published {first.crc:08x}; "
        f"{len(bad)} of {count} tensors differ, fetch the file again"
    )


def _wrong_size(path: Path, size: int, index: Index) -> str:
    """Why a file of this size is none of the checkpoints."""
    with open(path, "rb") as file:
        head = file.read(1 << 19)
    if head.lstrip()[:1] == b"<":
        return f"{path}: a web page, not the file itself; use the page's raw download"
    for name, facts in index.items():
        first, end = facts[0], file_size(facts)
        begins = masked_crc32c(head[first.offset : first.offset + first.size])
        if begins != first.crc:
            continue
        if size > end:
            return f"{path}: {name} with {size - end:,} bytes too many at its end"
        cut = next(fact for fact in facts if fact.offset + fact.size > size)
        return (
            f"{path}: {name} cut short at tensor {cut.name}: {size:,} of {end:,} bytes"
        )
    sizes = ", ".join(f"{name} {file_size(facts):,}" for name, facts in index.items())
    return (
        f"{path}: {size:,} bytes, not a published I3D checkpoint (these have: {sizes})"
    )
