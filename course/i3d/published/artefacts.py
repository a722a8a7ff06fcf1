"""What is known about the published I3D files, without the files themselves.

Carreira & Zisserman (CVPR 2017) published five checkpoints, the arrays of one sample
clip and the outputs on it (google-deepmind/kinetics-i3d, Apache-2.0).  The tables in
`facts/` and the ids below say what those files must contain, so that a copy from
anywhere can be told from a damaged or a different one.  A git blob id is the SHA-1 of
the file with git's header in front: `git hash-object FILE` prints it.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FACTS = Path(__file__).parent / "facts"
REPOSITORY = "https://github.com/google-deepmind/kinetics-i3d"
DATA_FILE = "model.ckpt.data-00000-of-00001"
FRAMES, SIDE = 79, 224  # of the sample clip
CHANNELS = {"rgb": 3, "flow": 2}

# Checkpoint -> blob id of its .data file.
CHECKPOINTS = {
    "rgb_imagenet": "2958652e0c9c48a65010c0ebda5c9cfd4edc7c18",
    "flow_imagenet": "bf56831f663abc3de0d35f193030b73a3df7fb61",
    "rgb_scratch": "fa7df95674dbf3579e7fccd954e51e706b4734c1",
    "flow_scratch": "1d6a0b68f32544af11111342857e47e30d13afa9",
    "rgb_scratch_kin600": "6392a74c3180e706cabada39d8f40a50a48642e5",
}
# Blob id of a PyTorch port -> the checkpoint it was made from.
PORTS = {
    "73a4fd1d87eb3dbd97f33a9779fa1caa3d28111a": "rgb_imagenet",  # piergiaj
    "ef0e7c282a102f76b14b52643574b80acba4e475": "flow_imagenet",
    "2a7c22e23e6c74f50a0166ce61110bccd2ab48bb": "rgb_imagenet",  # hassony2
    "5d552d2206f41089c428b0d9d8de3b1fccc85b5a": "flow_imagenet",
}
# Stream -> (file name, blob id) of the sample clip, a (1, 79, 224, 224, C) array.
SAMPLE_CLIPS = {
    "rgb": (
        "v_CricketShot_g04_c01_rgb.npy",
        "d756c5020a6e0fb56a99b210e32f5865da712bba",
    ),
    "flow": (
        "v_CricketShot_g04_c01_flow.npy",
        "ee00e78e6f380caa5463de878d7c85ad7a01e668",
    ),
}


@dataclass(frozen=True)
class TensorFact:
    """One tensor of a TensorFlow checkpoint: its place in the file and its checksum."""

    name: str  # RGB/inception_i3d/Conv3d_1a_7x7/conv_3d/w
    shape: tuple[int, ...]  # convolutions (t, h, w, in, out)
    offset: int  # bytes from the start of the .data file
    size: int  # bytes
    crc: int  # masked CRC-32C


@dataclass(frozen=True)
class Reference:
    """Outputs that DeepMind printed for the sample clip: the twenty best classes."""

    source: str  # commit:file
    norm: float  # of the 400 logits
    names: tuple[str, ...]
    classes: tuple[int, ...]  # indices in Kinetics' alphabetical list
    probabilities: tuple[float, ...]
    logits: tuple[float, ...]


Index = dict[str, tuple[TensorFact, ...]]


@lru_cache(maxsize=1)
def checkpoint_index() -> Index:
    """Every tensor of the five published checkpoints.

    Returns:
        checkpoint name -> its tensors, in the order of the file.

    Source: the .index files of google-deepmind/kinetics-i3d.

    >>> {name: len(facts) for name, facts in checkpoint_index().items()}["rgb_imagenet"]
    230
    """
    found: dict[str, list[TensorFact]] = {}
    for row in _rows("i3d_checkpoint_index.csv"):
        shape = tuple(int(n) for n in row["shape"].split("x"))
        place = int(row["offset"]), int(row["bytes"])
        fact = TensorFact(row["tensor"], shape, *place, int(row["masked_crc32c"], 16))
        found.setdefault(row["checkpoint"], []).append(fact)
    return {name: tuple(facts) for name, facts in found.items()}


@lru_cache(maxsize=1)
def reference_outputs() -> dict[str, Reference]:
    """The printed outputs for the sample clip, by configuration.

    Returns:
        "imagenet_rgb", "imagenet_flow", "imagenet_joint" and the same with "scratch".

    Source: out/*.txt of google-deepmind/kinetics-i3d; see facts/NOTICE.md.

    >>> best = reference_outputs()["imagenet_joint"]
    >>> best.names[0], best.logits[0]
    ('playing cricket', 41.813675)
    """
    found: dict[str, list[dict[str, str]]] = {}
    for row in _rows("i3d_reference_outputs.csv"):
        found.setdefault(row["config"], []).append(row)
    return {
        name: Reference(
            rows[0]["source"],
            float(rows[0]["logit_norm"]),
            tuple(row["class"] for row in rows),
            tuple(int(row["class_index"]) for row in rows),
            tuple(float(row["probability"]) for row in rows),
            tuple(float(row["logit"]) for row in rows),
        )
        for name, rows in found.items()
    }


def file_size(facts: tuple[TensorFact, ...]) -> int:
    """Bytes of the .data file of these tensors.

    >>> file_size(checkpoint_index()["rgb_imagenet"])
    50818176
    """
    return max(fact.offset + fact.size for fact in facts)


def blob_id(path: Path) -> str:
    """The file's git blob id, 40 hex digits, as `git hash-object` prints it."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download_guide() -> str:
    """Which files to fetch, how large they are, what they are known by, where to put.

    >>> print(download_guide().splitlines()[0])
    The weights and the sample clip are not part of the course. Fetch them from
    """
    lines = [
        "The weights and the sample clip are not part of the course. Fetch them from",
        f"  {REPOSITORY}",
        "(cloning it brings all of them) and give the folder, or single files:",
    ]
    for name, facts in checkpoint_index().items():
        lines += [
            f"  data/checkpoints/{name}/{DATA_FILE}",
            f"    {file_size(facts):,} bytes, git blob {CHECKPOINTS[name]}",
        ]
    for stream, (name, blob) in SAMPLE_CLIPS.items():
        shape = (1, FRAMES, SIDE, SIDE, CHANNELS[stream])
        lines += [f"  data/{name}", f"    array {shape}, git blob {blob}"]
    return "\n".join(
        [
            *lines,
            "Keep these paths below any folder outside the course's, for example:",
            "  python -m course train i3d --verify-weights kinetics-i3d",
            "With COURSE_I3D_WEIGHTS=that folder the tests use them too.",
        ]
    )


def _rows(name: str) -> list[dict[str, str]]:
    with open(FACTS / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
