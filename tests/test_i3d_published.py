"""The published I3D files: facts, checksums, reading, refusing, comparing outputs.

The weights themselves are not at hand, so checkpoints are made here in their layout,
with an index made beside them.  Who has the real files names their folder (a clone of
google-deepmind/kinetics-i3d) in COURSE_I3D_WEIGHTS; the tests at the end then prove
them and reproduce the published outputs.
"""

from __future__ import annotations

import dataclasses
import math
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course import chapters
from course.backbones.inception import I3D
from course.i3d import verify
from course.i3d.fusion import average_over_time, mean_of_probabilities, sum_of_logits
from course.i3d.published import (
    Published,
    artefacts,
    checkpoint_index,
    load_published,
    read_published,
    reference_outputs,
)
from course.i3d.published.artefacts import TensorFact
from course.i3d.published.checkpoints import state_name
from course.i3d.published.comparison import compare
from course.i3d.published.crc32c import crc32c, masked_crc32c
from course.i3d.published.ports import port_name
from course.i3d.published.sample_clip import find_clips, read_sample

GOLDEN = Path(__file__).parent / "golden"
REFERENCE = reference_outputs()


# ------------------------------------------------------------------------------ facts
def test_the_packaged_facts_are_the_golden_ones():
    names = ["NOTICE.md", "i3d_checkpoint_index.csv", "i3d_reference_outputs.csv"]
    for name in names:
        assert (artefacts.FACTS / name).read_bytes() == (GOLDEN / name).read_bytes()
    assert sorted(file.name for file in artefacts.FACTS.iterdir()) == names


def test_the_index_covers_each_file_from_its_first_byte_to_its_last():
    for facts in checkpoint_index().values():
        end = 0
        for fact in facts:
            assert fact.offset == end and fact.size == 4 * math.prod(fact.shape)
            end += fact.size
    sizes = {name: artefacts.file_size(f) for name, f in checkpoint_index().items()}
    assert sizes["rgb_imagenet"] == sizes["rgb_scratch"] == 50_818_176
    assert sizes["flow_imagenet"] == 50_730_368
    assert sizes["rgb_scratch_kin600"] == 103_218_112


@pytest.mark.parametrize("name", sorted(artefacts.CHECKPOINTS))
def test_our_network_has_the_names_and_shapes_of_every_checkpoint(name):
    classes = 600 if name.endswith("kin600") else 400
    with torch.device("meta"):
        net = I3D(classes, in_channels=3 if name.startswith("rgb") else 2)
    ours = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    theirs = {}
    for fact in checkpoint_index()[name]:
        if not fact.name.endswith("/Momentum"):
            t = fact.shape
            conv = fact.name.endswith("/w")
            shape = (t[4], t[3], t[0], t[1], t[2]) if conv else (t[-1],)
            theirs[state_name(fact.name)] = shape
    assert ours == theirs


# ----------------------------------------------------------- the printed outputs (csv)
def logits_by_class(config: str) -> dict[str, float]:
    return dict(zip(REFERENCE[config].names, REFERENCE[config].logits, strict=True))


@pytest.mark.parametrize(("kind", "shared"), [("imagenet", 9), ("scratch", 5)])
def test_the_joint_logits_are_the_sum_of_the_streams(kind, shared):
    streams = ("rgb", "flow", "joint")
    rgb, flow, joint = (logits_by_class(f"{kind}_{s}") for s in streams)
    names = [name for name in joint if name in rgb and name in flow]
    assert len(names) == shared
    a, b, c = (torch.tensor([d[n] for n in names]).double() for d in (rgb, flow, joint))
    assert (sum_of_logits(a, b) - c).abs().max() < 5e-5


@pytest.mark.parametrize(
    ("config", "constant"),
    [
        ("imagenet_rgb", 25.85665),
        ("imagenet_flow", 16.01069),
        ("imagenet_joint", 41.8137),
    ],
)
def test_a_logit_minus_its_log_probability_is_the_same_in_every_row(config, constant):
    rows = REFERENCE[config]
    pairs = zip(rows.logits, rows.probabilities, strict=True)
    for logit, probability in pairs:
        assert logit - math.log(probability) == pytest.approx(constant, abs=1e-4)


@pytest.mark.parametrize(("kind", "cosine"), [("imagenet", 0.688), ("scratch", 0.775)])
def test_the_three_norms_are_those_of_two_vectors_and_their_sum(kind, cosine):
    a, b, c = (REFERENCE[f"{kind}_{s}"].norm for s in ("rgb", "flow", "joint"))
    assert (c**2 - a**2 - b**2) / (2 * a * b) == pytest.approx(cosine, abs=1e-3)


# ----------------------------------------------------------------------------- fusion
def test_a_sum_of_logits_multiplies_and_a_mean_of_probabilities_does_not():
    a, b = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    product = a.softmax(-1) * b.softmax(-1)
    expected = product / product.sum(-1, keepdim=True)
    assert torch.allclose(sum_of_logits(a, b).softmax(-1), expected)
    mean = mean_of_probabilities(a, b)
    assert torch.allclose(mean.sum(-1), torch.ones(3))
    assert torch.allclose(mean, (a.softmax(-1) + b.softmax(-1)) / 2)


def test_the_sample_clip_is_surer_as_a_sum_than_as_a_mean():
    joint = REFERENCE["imagenet_joint"].probabilities[0]
    streams = [REFERENCE[f"imagenet_{s}"].probabilities[0] for s in ("rgb", "flow")]
    assert joint > 0.999999 and sum(streams) / 2 == pytest.approx(0.974, abs=5e-4)


def test_time_is_averaged_in_three_ways_and_no_other():
    steps = torch.tensor([[[1.0, 4.0, 1.0], [0.0, 0.0, 3.0]]])
    assert average_over_time(steps).tolist() == [[2.0, 1.0]]
    assert average_over_time(steps, "max").tolist() == [[4.0, 3.0]]
    assert average_over_time(steps, "last").tolist() == [[1.0, 3.0]]
    with pytest.raises(ValueError, match="'median'"):
        average_over_time(steps, "median")
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        average_over_time(steps[0])
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(1, 3\)"):
        sum_of_logits(torch.zeros(1, 2), torch.zeros(1, 3))


# -------------------------------------------------------------------------- checksums
def slow_crc(data: bytes) -> int:
    """CRC-32C bit by bit, as it is defined."""
    register = 0xFFFFFFFF
    for octet in data:
        register ^= octet
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_the_checksum_of_known_data():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"\0" * 32) == 0x8A9136AA  # these two: RFC 3720
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    rotated = (0xE3069283 >> 15) | ((0xE3069283 << 17) & 0xFFFFFFFF)
    assert masked_crc32c(b"123456789") == (rotated + 0xA282EAD8) % 2**32


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1500), st.integers(0, 2**32 - 1))
def test_the_fast_checksum_is_the_slow_one(size, seed):
    data = np.random.default_rng(seed).bytes(size)
    assert crc32c(data) == slow_crc(data)
    assert crc32c(np.frombuffer(data, np.uint8)) == slow_crc(data)


# ------------------------------------------------------------------- made checkpoints
UNITS = {
    "Conv3d_1a_7x7": (4, 3, 7),
    "Mixed_3b/Branch_0/Conv3d_0a_1x1": (4, 4, 1),
    "Mixed_3b/Branch_1/Conv3d_0b_3x3": (5, 4, 3),
    "Mixed_5b/Branch_2/Conv3d_0a_3x3": (2, 5, 3),
    "Mixed_5b/Branch_3/Conv3d_0b_1x1": (3, 2, 1),
}


def made_tensors(seed: int, prefix: str = "RGB/inception_i3d/") -> dict:
    """A few units of a network in TensorFlow's names and layout, random."""
    draw = np.random.default_rng(seed)
    found = {}
    for unit, (wide, deep, k) in UNITS.items():
        for leaf in ("beta", "moving_mean", "moving_variance"):
            name = f"{prefix}{unit}/batch_norm/{leaf}"
            found[name] = draw.random((1, 1, 1, 1, wide), np.float32)
        name = f"{prefix}{unit}/conv_3d/w"
        found[name] = draw.standard_normal((k, k, k, deep, wide), np.float32)
    found[f"{prefix}Logits/Conv3d_0c_1x1/conv_3d/b"] = draw.random(6, np.float32)
    name = f"{prefix}Logits/Conv3d_0c_1x1/conv_3d/w"
    found[name] = draw.random((1, 1, 1, 3, 6), np.float32)
    return found


def written(path: Path, tensors: dict, sum_of=masked_crc32c) -> tuple[TensorFact, ...]:
    """Write tensors one after the other; what an index would say of them."""
    facts, offset = [], 0
    with open(path, "wb") as file:
        for name, values in tensors.items():
            octets = values.astype("<f4").tobytes()
            place = offset, len(octets)
            facts.append(TensorFact(name, values.shape, *place, sum_of(octets)))
            offset += file.write(octets)
    return tuple(facts)


@pytest.fixture
def made(tmp_path):
    """Two checkpoints of the same layout; the file of the second."""
    folder = tmp_path / "rgb_scratch"
    folder.mkdir()
    tensors = made_tensors(2)
    path = folder / artefacts.DATA_FILE
    first = written(tmp_path / "other", made_tensors(1))
    index = {"rgb_imagenet": first, "rgb_scratch": written(path, tensors)}
    return path, index, tensors


def test_a_checkpoint_is_recognised_and_laid_out_for_torch(made):
    path, index, tensors = made
    found = read_published(path, index)
    assert (found.name, found.stream, found.classes) == ("rgb_scratch", "rgb", 6)
    assert len(found.state) == len(tensors) and "all 22 tensors" in found.proof
    for name, values in tensors.items():
        ours = found.state[state_name(name)].numpy()
        if name.endswith("/w"):
            for place in ((0, 0, 0, 0, 0), tuple(n - 1 for n in values.shape)):
                t, h, w, i, o = place
                assert ours[o, i, t, h, w] == values[place]
            assert np.array_equal(ours, np.moveaxis(values, (4, 3), (0, 1)))
        else:
            assert np.array_equal(ours, values.reshape(-1))


def test_the_file_its_prefix_its_index_and_its_folder_mean_the_same(made):
    path, index, _ = made
    prefix = path.parent / "model.ckpt"
    for name in (path, str(path), path.parent, prefix, f"{prefix}.index"):
        assert read_published(name, index).path == path
    with pytest.raises(FileNotFoundError, match=r"no model\.ckpt\.data-00000-of-00001"):
        read_published(path.parents[1], index)


def test_a_whole_network_goes_through_a_file_unchanged(tmp_path):
    net = I3D(400, in_channels=2)
    state = net.state_dict()
    tensors = {}
    for fact in checkpoint_index()["flow_imagenet"]:  # real names, order and shapes
        values = torch.randn(state[state_name(fact.name)].shape)
        state[state_name(fact.name)] = values
        conv = fact.name.endswith("/w")
        values = values.permute(2, 3, 4, 1, 0) if conv else values
        tensors[fact.name] = values.contiguous().numpy().reshape(fact.shape)
    path = tmp_path / "model.ckpt.data-00000-of-00001"
    index = {"flow_imagenet": written(path, tensors)}
    assert path.stat().st_size == 50_730_368
    loaded = load_published(path, "flow", index)
    net.load_state_dict(loaded, strict=True)
    assert all(torch.equal(loaded[name], values) for name, values in state.items())
    with pytest.raises(ValueError, match="holds flow_imagenet, asked for rgb"):
        load_published(path, "rgb", index)
    with pytest.raises(ValueError, match=r"as long as flow_\w+, but none of its 230"):
        load_published(path)  # by the published index: other weights


def test_kinetics_600_has_no_prefix_and_its_momentum_is_left_out(tmp_path):
    tensors = {}
    for name, values in made_tensors(3, prefix="").items():
        tensors[name] = values
        if not name.split("/")[-1].startswith("moving"):
            tensors[f"{name}/Momentum"] = np.zeros_like(values)
    path = tmp_path / "data"
    index = {"rgb_scratch_kin600": written(path, tensors)}
    found = read_published(path, index)
    assert found.stream == "rgb" and len(found.state) == 22
    octets = bytearray(path.read_bytes())
    octets[index["rgb_scratch_kin600"][1].offset] ^= 1  # in a momentum
    path.write_bytes(octets)
    with pytest.raises(ValueError, match="beta/Momentum"):
        read_published(path, index)


def test_one_flipped_bit_is_found_and_named(made):
    path, index, _ = made
    fact = index["rgb_scratch"][7]
    octets = bytearray(path.read_bytes())
    octets[fact.offset + fact.size - 1] ^= 4
    path.write_bytes(octets)
    with pytest.raises(ValueError) as caught:
        read_published(path, index)
    said = str(caught.value)
    assert str(path) in said and fact.name in said and "1 of 22 tensors" in said
    assert f"{masked_crc32c(octets[fact.offset : fact.offset + fact.size]):08x}" in said


def test_a_short_and_a_long_file_are_told_from_a_wrong_one(made):
    path, index, tensors = made
    octets, last = path.read_bytes(), list(tensors)[-1]
    path.write_bytes(octets[:-1])
    with pytest.raises(ValueError, match=f"rgb_scratch cut short at tensor {last}"):
        read_published(path, index)
    path.write_bytes(octets + b"\n")
    with pytest.raises(ValueError, match="1 bytes too many"):
        read_published(path, index)
    for other in (b"", b"hello", octets[1:]):
        path.write_bytes(other)
        with pytest.raises(ValueError, match="not a published I3D checkpoint"):
            read_published(path, index)
    path.write_bytes(b"\n<!DOCTYPE html><html>")
    with pytest.raises(ValueError, match="web page"):
        read_published(path, index)


class Bomb:
    """A pickle that would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("writer", [pickle.dump, torch.save])
def test_a_pickle_is_refused_and_never_run(tmp_path, writer):
    path, mark = tmp_path / "rgb_imagenet.pt", tmp_path / "run"
    with open(path, "wb") as file:
        writer({"weight": Bomb(mark)}, file)
    with pytest.raises(ValueError, match=r"rgb_imagenet\.pt.*nothing in it was run"):
        read_published(path)
    assert not mark.exists()


# ------------------------------------------------------------------------------ ports
def as_port(index_name_to_values: dict, port: str, gamma: float = 1.0) -> dict:
    """The tensors as a PyTorch port names and lays them out, gammas added."""
    found = {}
    for name, values in index_name_to_values.items():
        ours = state_name(name)
        values = torch.from_numpy(values)
        if name.endswith("/w"):
            values = values.permute(4, 3, 0, 1, 2).contiguous()
        found[port_name(ours, port)] = values if name[-1] == "w" else values.flatten()
        if ours.endswith("running_mean"):
            scale = port_name(ours.replace("running_mean", "weight"), port)
            found[scale] = torch.full((values.numel(),), gamma)
            found[scale.replace("weight", "num_batches_tracked")] = torch.tensor(0)
    return found


def test_the_ports_names():
    expected = {
        "Conv3d_1a_7x7.batch_norm.running_var": (
            "Conv3d_1a_7x7.bn.running_var",
            "conv3d_1a_7x7.batch3d.running_var",
        ),
        "Mixed_3b.Branch_0.Conv3d_0a_1x1.batch_norm.bias": (
            "Mixed_3b.b0.bn.bias",
            "mixed_3b.branch_0.batch3d.bias",
        ),
        "Mixed_5b.Branch_2.Conv3d_0a_1x1.conv_3d.weight": (
            "Mixed_5b.b2a.conv3d.weight",
            "mixed_5b.branch_2.0.conv3d.weight",
        ),
        "Mixed_5b.Branch_2.Conv3d_0a_3x3.conv_3d.weight": (
            "Mixed_5b.b2b.conv3d.weight",
            "mixed_5b.branch_2.1.conv3d.weight",
        ),
        "Mixed_4f.Branch_3.Conv3d_0b_1x1.conv_3d.weight": (
            "Mixed_4f.b3b.conv3d.weight",
            "mixed_4f.branch_3.1.conv3d.weight",
        ),
        "Logits.Conv3d_0c_1x1.conv_3d.bias": (
            "logits.conv3d.bias",
            "conv3d_0c_1x1.conv3d.bias",
        ),
    }
    for ours, theirs in expected.items():
        found = tuple(port_name(ours, port) for port in ("piergiaj", "hassony2"))
        assert found == theirs
    facts = checkpoint_index()["rgb_imagenet"]
    for port in ("piergiaj", "hassony2"):
        names = {port_name(state_name(fact.name), port) for fact in facts}
        assert len(names) == 230  # no two of ours share one of theirs


@pytest.mark.parametrize("port", ["piergiaj", "hassony2"])
@pytest.mark.parametrize("old_format", [False, True])
def test_a_port_of_the_published_weights_is_accepted(made, port, old_format, tmp_path):
    path, index, tensors = made
    file = tmp_path / "weights.pt"
    state = as_port(tensors, port)
    torch.save(state, file, _use_new_zipfile_serialization=not old_format)
    found = read_published(file, index)
    assert found.name == "rgb_scratch" and port in found.proof
    ours = read_published(path, index).state
    assert ours.keys() == found.state.keys()
    assert all(torch.equal(ours[name], found.state[name]) for name in ours)


def spoil(state: dict, key: str, change) -> dict:
    return state | {key: change(state[key].clone())}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda s: spoil(s, "Conv3d_1a_7x7.conv3d.weight", lambda v: v + 1e-6),
            r"1 of 22 tensors differ from rgb_scratch.*Conv3d_1a_7x7\.conv_3d\.weight",
        ),
        (
            lambda s: spoil(s, "Mixed_3b.b0.bn.weight", lambda v: v * 1.5),
            r"gamma Mixed_3b\.Branch_0\.Conv3d_0a_1x1\.batch_norm\.weight is not one",
        ),
        (
            lambda s: spoil(s, "logits.conv3d.bias", lambda v: v[:3]),
            r"the first is Logits\.Conv3d_0c_1x1\.conv_3d\.bias \(3,\)",
        ),
        (
            lambda s: spoil(s, "logits.conv3d.bias", lambda v: v.half()),
            "logits.conv3d.bias is torch.float16",
        ),
        (lambda s: {k: v for k, v in s.items() if "b3b" not in k}, "no tensor Mixed"),
        (lambda s: s | {"extra.weight": torch.zeros(1)}, "also has tensor extra"),
        (lambda s: {"state": s}, "holds dict, not named tensors"),
        (lambda s: torch.zeros(3), "holds Tensor, not named tensors"),
    ],
)
def test_a_port_of_anything_else_is_refused_with_the_reason(
    made, tmp_path, change, said
):
    _, index, tensors = made
    file = tmp_path / "weights.pt"
    torch.save(change(as_port(tensors, "piergiaj")), file)
    with pytest.raises(ValueError, match=said) as caught:
        read_published(file, index)
    assert str(file) in str(caught.value)


def test_a_cut_port_is_refused(made, tmp_path):
    file = tmp_path / "weights.pt"
    torch.save(as_port(made[2], "hassony2"), file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged, cut short"):
        read_published(file, made[1])


def test_a_known_blob_is_used_as_it_is_and_its_gamma_folded(made, tmp_path):
    _, index, tensors = made
    file = tmp_path / "weights.pt"
    state = as_port(tensors, "piergiaj", gamma=2.0)
    torch.save(state, file)
    with pytest.raises(ValueError, match="gamma"):
        read_published(file, index)
    blob = artefacts.blob_id(file)
    found = read_published(file, index, {blob: "rgb_imagenet"})
    assert found.name == "rgb_imagenet" and blob in found.proof
    x = torch.randn(1, 3, 7, 7, 7)
    theirs = torch.nn.functional.conv3d(x, state["Conv3d_1a_7x7.conv3d.weight"])
    ours = torch.nn.functional.conv3d(x, found.state["Conv3d_1a_7x7.conv_3d.weight"])
    a, b = "Conv3d_1a_7x7.bn.", "Conv3d_1a_7x7.batch_norm."
    norm = torch.nn.functional.batch_norm
    theirs = norm(theirs, *(state[a + k] for k in ("running_mean", "running_var")),
                  state[a + "weight"], state[a + "bias"], eps=1e-3)  # fmt: skip
    ours = norm(ours, *(found.state[b + k] for k in ("running_mean", "running_var")),
                None, found.state[b + "bias"], eps=1e-3)  # fmt: skip
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_a_blob_id_is_gits(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    assert artefacts.blob_id(path) == "ce013625030ba8dba906f756967f9e9ca394464a"


# --------------------------------------------------------------------- the sample clip
def clip_file(folder: Path, stream: str, value: float = 0.0) -> Path:
    path = folder / artefacts.SAMPLE_CLIPS[stream][0]
    shape = (1, 79, 224, 224, artefacts.CHANNELS[stream])
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    array[0, 1, 2, 3, 1] = value
    return path


def test_a_clip_is_read_channels_first_and_belongs_to_its_stream(tmp_path):
    path = clip_file(tmp_path, "flow", -0.5)
    assert find_clips(path) == find_clips(tmp_path) == {"flow": path}
    assert find_clips(None, [tmp_path]) == {"flow": path}
    sample = read_sample(path, "flow")
    assert sample.values.shape == (1, 2, 79, 224, 224) and sample.exact
    assert sample.values[0, 1, 1, 2, 3] == -0.5
    assert "not the published file" in sample.caveat


@pytest.mark.parametrize("value", [2.0, float("nan")])
def test_a_clip_outside_its_range_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        read_sample(clip_file(tmp_path, "flow", value), "flow")


def test_arrays_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "clip.npy"
    for array, said in [
        (np.zeros((1, 8, 224, 224, 3), np.float32), r"\(1, 8, 224, 224, 3\)"),
        (np.zeros((2, 2), np.int64), r"int64 \(2, 2\)"),
        (np.array([Bomb(tmp_path / "run")]), "not a whole .npy array"),
    ]:
        np.save(path, array, allow_pickle=True)
        with pytest.raises(ValueError, match=said):
            find_clips(path)
    whole = clip_file(tmp_path, "flow").read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(ValueError, match="not a whole .npy array"):
        find_clips(path)
    assert not (tmp_path / "run").exists()
    with pytest.raises(FileNotFoundError, match="no such clip"):
        find_clips(tmp_path / "nowhere.npy")


def test_a_video_stands_in_for_rgb_and_only_its_best_class_is_judged(tmp_path):
    from course.video import write_video

    path = tmp_path / "clip.mp4"
    write_video(path, np.full((9, 48, 64, 3), 255, np.uint8), fps=25)
    assert find_clips(path) == {"rgb": path}
    sample = read_sample(path, "rgb")
    assert sample.values.shape == (1, 3, 9, 224, 224) and not sample.exact
    assert sample.values.mean() > 0.97 and "only the best class" in sample.caveat
    path.rename(tmp_path / "clip_flow.mp4")
    with pytest.raises(ValueError, match="flow is read from the .npy"):
        find_clips(tmp_path / "clip_flow.mp4")


def test_the_sample_gif_is_taken_pixel_by_pixel(real_data):
    sample = read_sample(real_data / "clips/v_CricketShot_g04_c01_rgb.gif", "rgb")
    assert sample.values.shape == (1, 3, 79, 224, 224) and not sample.exact
    assert -1 <= sample.values.min() < -0.9 and 0.9 < sample.values.max() <= 1


# ---------------------------------------------------------------------- whole reports
@pytest.fixture(scope="module")
def believable() -> dict[str, torch.Tensor]:
    """Two streams' logits that fit every printed number, their sum's included.

    Classes that are printed for a stream or for the sum take the printed values; forty
    hold the probability that is missing to one; the rest have the missing norms and
    the missing product.
    """
    references = [REFERENCE[f"imagenet_{s}"] for s in ("rgb", "flow", "joint")]
    known = [dict(zip(r.classes, r.logits, strict=True)) for r in references]
    a, b = torch.zeros(2, 400, dtype=torch.float64)
    used = sorted(set().union(*known))
    for k in used:
        rgb, flow, total = (one.get(k) for one in known)
        if total is None:
            a[k], b[k] = (3.0 if v is None else v for v in (rgb, flow))
        else:
            a[k] = rgb if rgb is not None else total - (flow or 0.45 * total)
            b[k] = flow if flow is not None else total - a[k]
    free = [k for k in range(400) if k not in used]
    for values, r in ((a, references[0]), (b, references[1])):
        whole = math.exp(r.logits[0]) / r.probabilities[0]
        missing = whole - values[used].exp().sum().item()
        values[free[:40]] = math.log(max(missing, 40e-4) / 40)
    rest, done = free[40:], [*used, *free[:40]]
    norms = [r.norm**2 for r in references]
    aa, bb = (n - v[done].square().sum() for n, v in zip(norms, (a, b), strict=False))
    ab = (norms[2] - norms[0] - norms[1]) / 2 - (a[done] * b[done]).sum()
    n = len(rest)
    p = (aa / n).sqrt()
    q = ab / (n * p)
    swing = (bb / n - q**2).sqrt() * torch.tensor([1.0, -1.0] * n).double()[:n]
    a[rest], b[rest] = -p, -q + swing
    return {"rgb_imagenet": a, "flow_imagenet": b}


def test_the_made_outputs_fit_every_printed_number(believable):
    streams = [believable[name] for name in ("rgb_imagenet", "flow_imagenet")]
    for stream, logits in zip(("rgb", "flow"), streams, strict=True):
        assert compare(logits, REFERENCE[f"imagenet_{stream}"]).passed
    joint = compare(sum_of_logits(*streams), REFERENCE["imagenet_joint"])
    assert joint.passed, joint.sentence


def test_each_tolerance_alone_decides(believable):
    logits, reference = believable["rgb_imagenet"], REFERENCE["imagenet_rgb"]
    silent = next(k for k in range(400) if k not in reference.classes)

    def changed(places, by):
        moved = logits.clone()
        moved[places] += by
        return compare(moved, reference)

    found = changed([reference.classes[3]], 2e-3)
    assert not found.passed and found.logit > 1e-3 > found.norm
    found = changed([reference.classes[3]], 5e-4)  # more than 1e-4 of a probability
    assert not found.passed and found.logit < 1e-3 and found.probability > 1e-4
    found = changed([silent], -0.5)
    assert not found.passed and found.norm > 1e-2 and found.probability < 1e-4
    assert compare(logits * 0.9, reference, exact=False).passed
    assert not compare(-logits, reference, exact=False).passed


def test_a_comparison_needs_400_finite_logits():
    for bad in (torch.zeros(399), torch.full((400,), float("nan"))):
        with pytest.raises(ValueError, match="400 finite logits"):
            compare(bad, REFERENCE["imagenet_rgb"])


@pytest.fixture
def bench(monkeypatch, tmp_path, believable):
    """Files named like checkpoints that `verify` takes for the real ones."""

    def read(path):
        if path.name not in artefacts.CHECKPOINTS:
            raise ValueError(f"{path}: not a published I3D checkpoint")
        return Published(path.name, {}, "believed", path)

    outputs = {name: values.clone() for name, values in believable.items()}
    monkeypatch.setattr(verify, "read_published", read)
    monkeypatch.setattr(verify, "logits_of", lambda net, clip: outputs[net.name])
    monkeypatch.delenv(verify.VARIABLE, raising=False)
    for name in artefacts.CHECKPOINTS:
        (tmp_path / name).touch()
    for stream in ("rgb", "flow"):
        clip_file(tmp_path, stream)
    return tmp_path, outputs


def report(paths, clip=None) -> tuple[bool, str]:
    lines: list[str] = []
    good = verify.verify_weights(paths, clip, log=lines.append)
    return good, "\n".join(lines)


def test_both_streams_and_their_sum_are_compared(bench):
    folder, outputs = bench
    paths = [folder / name for name in outputs]
    good, said = report(paths, folder)
    assert good, said
    for name in ("imagenet_rgb", "imagenet_flow", "imagenet_joint"):
        assert f"ok    {name}: largest deviation" in said
    assert said.count("playing cricket") == 3 and "41.813675" in said
    assert "138.468658" in said and "allowed 0.001" in said
    outputs["flow_imagenet"][227] += 0.01
    good, said = report(paths, folder)
    assert not good
    assert "FAIL  imagenet_flow" in said and "FAIL  imagenet_joint" in said
    assert "ok    imagenet_rgb" in said


def test_what_cannot_be_compared_is_said_and_does_not_pass_for_compared(bench):
    folder, _ = bench
    good, said = report([folder / "rgb_imagenet"])
    assert good and "no rgb clip was given, so no output compared" in said
    good, said = report([folder / "rgb_scratch_kin600"])
    assert good and "the table of outputs has none" in said
    flow = folder / artefacts.SAMPLE_CLIPS["flow"][0]
    good, said = report([folder / "rgb_imagenet"], flow)
    assert not good and "fits none of these networks" in said
    good, said = report([folder / "rgb_imagenet", folder / "nonsense"], folder)
    assert not good and "FAIL" in said and "ok    imagenet_rgb" in said
    good, said = report([folder / "rgb_imagenet"], folder / "nowhere.npy")
    assert not good and "no such clip" in said


def test_without_files_it_says_what_to_fetch_and_where_to_put_it(monkeypatch, tmp_path):
    monkeypatch.delenv(verify.VARIABLE, raising=False)
    good, said = report([])
    assert not good and "google-deepmind/kinetics-i3d" in said
    for name, blob in artefacts.CHECKPOINTS.items():
        assert f"data/checkpoints/{name}/{artefacts.DATA_FILE}" in said and blob in said
    assert "50,818,176 bytes" in said and "103,218,112 bytes" in said
    assert "v_CricketShot_g04_c01_flow.npy" in said and verify.VARIABLE in said
    good, said = report([tmp_path])
    assert not good and "no weights in this folder" in said
    monkeypatch.setenv(verify.VARIABLE, str(tmp_path / "nowhere"))
    assert "nowhere" in report([])[1]


def test_a_folder_as_in_the_repository_gives_its_checkpoints(tmp_path):
    for name in artefacts.CHECKPOINTS:
        (tmp_path / "data/checkpoints" / name).mkdir(parents=True)
        (tmp_path / "data/checkpoints" / name / artefacts.DATA_FILE).touch()
    for folder in (tmp_path, tmp_path / "data", tmp_path / "data/checkpoints"):
        found = verify.find_weights(folder)
        assert {file.parent.name for file in found} == set(artefacts.CHECKPOINTS)


def test_the_network_that_runs_is_ours_with_those_weights():
    net = I3D(5, in_channels=2).eval()
    network = Published("flow_scratch", net.state_dict(), "", Path())
    clip = torch.rand(1, 2, 9, 32, 32)
    assert torch.equal(verify.logits_of(network, clip), net(clip)[0])


# ------------------------------------------------------------------- the command line
def call(*words):
    from course.cli import app

    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def i3d_is_built(monkeypatch):
    rows = [
        dataclasses.replace(row, room=row.name) if row.name == "i3d" else row
        for row in chapters.CHAPTERS
    ]
    monkeypatch.setattr(chapters, "CHAPTERS", tuple(rows))
    monkeypatch.delenv(verify.VARIABLE, raising=False)


def test_train_verifies_weights_instead_of_training(i3d_is_built, monkeypatch):
    calls = []

    def asked(paths, clip, log):
        calls.append((paths, clip))
        log("a line")
        return len(calls) == 1

    monkeypatch.setattr(verify, "verify_weights", asked)
    words = "train i3d --verify-weights a b --clip c --clip d".split()
    result = call(*words)
    assert result.exit_code == 0 and result.output == "a line\n"
    assert calls == [([Path("a"), Path("b")], [Path("c"), Path("d")])]
    assert call(*words).exit_code == 1


def test_train_says_what_to_fetch(i3d_is_built):
    result = call("train", "i3d", "--verify-weights")
    assert result.exit_code == 1 and "Fetch them from" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "train first_look --verify-weights x",
            "'first_look' has no published weights",
        ),
        ("train first_look x", "x is taken only with --verify-weights"),
        ("train i3d --clip x", "x is taken only with --verify-weights"),
    ],
)
def test_wrong_use_is_a_usage_error(i3d_is_built, words, said):
    result = call(*words.split())
    assert result.exit_code == 2 and said in result.output


# --------------------------------------------- the real files, where somebody has them
@pytest.fixture(scope="module")
def real_weights() -> Path:
    folder = os.environ.get(verify.VARIABLE)
    if not folder:
        pytest.skip(f"{verify.VARIABLE} names no folder of published weights")
    return Path(folder)


def test_the_real_files_have_the_published_bytes(real_weights):
    for file in verify.find_weights(real_weights):
        found = read_published(file)
        if file.name == artefacts.DATA_FILE:
            assert artefacts.blob_id(file) == artefacts.CHECKPOINTS[found.name]


@pytest.mark.slow
def test_the_real_weights_give_the_published_outputs(real_weights):
    if not find_clips(None, [real_weights]):
        pytest.skip(f"{verify.VARIABLE} has no sample clip")
    good, said = report([real_weights])
    assert good and "largest deviation" in said, said
