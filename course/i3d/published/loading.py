"""The published I3D weights, from a file that the reader fetched.

    net = I3D(400, in_channels=3)
    net.load_state_dict(load_published("kinetics-i3d/data/checkpoints/rgb_imagenet"))

Carreira & Zisserman (CVPR 2017).  Read are DeepMind's TensorFlow checkpoints and two
PyTorch ports; which of the five it is, is told by the tensors' checksums, and nothing
that differs from the published bytes is used.  Nothing is fetched here and no pickle is
ever run.  `python -m course train i3d --verify-weights` says what to fetch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from course.i3d.published import artefacts
from course.i3d.published.artefacts import Index, file_size
from course.i3d.published.checkpoints import data_file, read_checkpoint
from course.i3d.published.ports import read_port

_TORCH_HEADS = (b"PK\x03\x04", b"\x80")  # a zip archive, a pickle


@dataclass(frozen=True)
class Published:
    """A network that was recognised in a file."""

    name: str  # rgb_imagenet, ...
    state: dict[str, Tensor]  # as `I3D.state_dict()`
    proof: str  # why it is believed
    path: Path

    @property
    def stream(self) -> str:
        """ "rgb" or "flow"."""
        return self.name.split("_")[0]

    @property
    def classes(self) -> int:
        """400, or 600 for rgb_scratch_kin600."""
        return len(self.state["Logits.Conv3d_0c_1x1.conv_3d.bias"])


def read_published(
    path: str | os.PathLike,
    index: Index | None = None,
    blobs: Mapping[str, str] | None = None,
) -> Published:
    """Recognise a file of published weights by its checksums, and read it.

    Args:
        path: a TensorFlow checkpoint (its folder, its prefix `.../model.ckpt` or its
            .data file) or a PyTorch port's file.
        index: what checkpoints there are; by default the five published ones.
        blobs: git blob ids of ports that are trusted as they are; by default the four
            known ones.

    Returns:
        the network.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, cut short or something else; the message names the
            file and the tensor.

    Source: fact tables, see `course.i3d.published.artefacts`.

    >>> read_published("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere: no such file, folder or checkpoint
    """
    index = artefacts.checkpoint_index() if index is None else index
    blobs = artefacts.PORTS if blobs is None else blobs
    file = data_file(Path(path))
    with open(file, "rb") as opened:
        head = opened.read(4)
    sizes = {file_size(facts) for facts in index.values()}
    if head.startswith(_TORCH_HEADS) and file.stat().st_size not in sizes:
        name, state, proof = read_port(file, index, blobs)
    else:
        name, state = read_checkpoint(file, index)
        proof = f"all {len(index[name])} tensors have the published checksums"
    return Published(name, state, proof, file)


def load_published(
    path: str | os.PathLike, stream: str | None = None, index: Index | None = None
) -> dict[str, Tensor]:
    """The published weights as a state dict of `course.backbones.inception.I3D`.

    Args:
        path: see `read_published`.
        stream: "rgb" or "flow" if it must be that one; None takes either.
        index: see `read_published`.

    Returns:
        230 tensors by name; the net has 3 input channels for rgb, 2 for flow, and 400
        classes (600 for rgb_scratch_kin600).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not what was published, or it is the other stream.

    Source: google-deepmind/kinetics-i3d.

    >>> load_published("nowhere", "depth")
    Traceback (most recent call last):
    ValueError: stream must be rgb or flow, got 'depth'
    """
    if stream not in (None, "rgb", "flow"):
        raise ValueError(f"stream must be rgb or flow, got {stream!r}")
    found = read_published(path, index)
    if stream is not None and found.stream != stream:
        raise ValueError(f"{found.path}: holds {found.name}, asked for {stream}")
    return found.state
