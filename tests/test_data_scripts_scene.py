"""Scene labels and human masks of a manifest's videos: made, stopped, gone on with."""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer import Typer
from typer.testing import CliRunner

from course.backbones import resnet50
from course.datasets import index_folder, read_manifest
from course.scene_debias.human_masks import box_of
from course.scene_debias.scene_labels import hard_label, soft_label
from course.synthetic import SynthActions
from course.video import read_clip, write_video

sys.path.insert(0, str(Path(__file__).parents[1] / "data_scripts"))
import beside_videos
import human_masks
import make_synthetic
import pseudo_scene_labels


def call(script, *arguments):
    app = Typer()
    app.command()(script.main)
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    result.words = " ".join(result.output.replace("│", " ").split())
    return result


def world(split: str) -> SynthActions:
    return SynthActions(split, 5, seed=0, frames=3, size=32, frame_rate=10.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Ten clips; the train split's rows have their truth beside them."""
    out = tmp_path_factory.mktemp("synthetic")
    few = ["--clips", "5", "--frames", "3", "--size", "32"]
    for more in (["--split", "train", "--truth"], ["--split", "val"]):
        result = call(make_synthetic, out, *few, *more)
        assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def videos(written, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(pseudo_scene_labels, "EMPTY", 192)
    return Path(shutil.copytree(written, tmp_path / "videos"))


def files(folder: Path, name: str) -> dict[str, Path]:
    """Every video's file, by the video's path in the manifest."""
    paths = [row.path for row in read_manifest(folder / "manifest.csv")]
    return {path: folder / f"{path}.{name}.npz" for path in paths}


def contents(folder: Path, name: str) -> dict[str, dict]:
    loaded = {}
    for path, file in files(folder, name).items():
        with np.load(file) as arrays:
            loaded[path] = dict(arrays)
    return loaded


def truth(path: str, key: str) -> torch.Tensor:
    split, _, clip = path.split("/")
    return world(split).render([int(clip[5:11])], (key,))[key][0]


def test_scene_labels_are_right_and_made_once(videos):
    result = call(pseudo_scene_labels, videos / "manifest.csv", "--frames", 2)
    assert result.exit_code == 0, result.output
    assert "0 videos done, 10 to do" in result.words
    assert "10/10" in result.words and "10 videos done, 0 skipped" in result.words
    made = contents(videos, "scene_labels")
    for item in made.values():
        assert item["frames"].tolist() == [0, 2]
        probabilities = torch.from_numpy(item["probabilities"])
        assert probabilities.shape == (2, 8)
        assert torch.equal(torch.from_numpy(item["soft"]), soft_label(probabilities))
        assert item["hard"] == hard_label(probabilities)
    right = [item["hard"] == truth(path, "scene") for path, item in made.items()]
    assert sum(right) >= 9
    names = (videos / "scene_labels.txt").read_text().split()
    assert tuple(names) == world("train").scene_names
    times = [file.stat().st_mtime_ns for file in files(videos, "scene_labels").values()]
    again = call(pseudo_scene_labels, videos / "manifest.csv", "--frames", 2)
    assert again.exit_code == 0 and "10 videos done, 0 to do" in again.words
    assert "learning" not in again.output
    after = [file.stat().st_mtime_ns for file in files(videos, "scene_labels").values()]
    assert after == times


@pytest.mark.parametrize("kind", ["silhouette", "box"])
def test_masks_are_the_worlds(videos, kind):
    result = call(human_masks, videos / "manifest.csv", "--kind", kind)
    assert result.exit_code == 0 and "10 videos done, 0 skipped" in result.words
    for path, item in contents(videos, "human_masks").items():
        mask = truth(path, "mask")
        expected = box_of(mask) if kind == "box" else mask
        assert np.array_equal(item["mask"], expected.numpy())
        assert item["share"] == pytest.approx(mask.flatten(1).any(1).float().mean())
    before = read_manifest(videos / "manifest.csv")
    assert index_folder(videos)[0].rows == before.rows  # their files disturb nothing


def test_every_split_of_the_world_stays_a_split(tmp_path):
    few = ["--clips", "2", "--frames", "3", "--size", "32"]
    splits = ["--split", "train", "--split", "swapped"]
    assert call(make_synthetic, tmp_path, *few, *splits).exit_code == 0
    manifest = read_manifest(tmp_path / "manifest.csv")
    assert manifest.splits == ("swapped", "train") and "train" not in manifest.classes


@pytest.mark.parametrize("script", [human_masks, pseudo_scene_labels])
def test_a_killed_run_goes_on_where_it_was(videos, tmp_path, script, monkeypatch):
    whole = Path(shutil.copytree(videos, tmp_path / "whole"))
    assert call(script, whole / "manifest.csv").exit_code == 0
    left, write = [4], beside_videos.write

    def dies(path: Path, content: bytes):
        left[0] -= 1
        if not left[0]:
            write(path.with_name(f".{path.name}.part0"), content[:100])
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(beside_videos, "write", dies)
        assert call(script, videos / "manifest.csv").exit_code != 0
    name = "human_masks" if script is human_masks else "scene_labels"
    there = {path for path, file in files(videos, name).items() if file.exists()}
    assert len(there) == 2  # the first thing written is the recipe
    times = {path: files(videos, name)[path].stat().st_mtime_ns for path in there}
    some = call(script, videos / "manifest.csv", "--limit", 5)
    assert some.exit_code == 0 and "2 videos done, 5 to do" in some.words
    rest = call(script, videos / "manifest.csv")
    assert "7 videos done, 3 to do" in rest.words and rest.exit_code == 0
    for path, time in times.items():
        assert files(videos, name)[path].stat().st_mtime_ns == time
    one, two = contents(whole, name), contents(videos, name)
    for path in one:
        for key, value in one[path].items():
            assert np.array_equal(two[path][key], value), (path, key)


@pytest.mark.parametrize("script", [human_masks, pseudo_scene_labels])
def test_bad_videos_are_named_skipped_and_counted(videos, script):
    cut, gone, *_ = (videos / path for path in files(videos, "any"))
    whole = cut.read_bytes()
    cut.write_bytes(whole[:300])
    gone.rename(gone.with_suffix(".kept"))
    result = call(script, videos / "manifest.csv")
    assert result.exit_code == 0 and "8 videos done, 2 skipped" in result.words
    for file in (cut, gone):
        assert f"skipped: {file}:" in result.output.replace("\n", "")
    cut.write_bytes(whole)
    gone.with_suffix(".kept").rename(gone)
    mended = call(script, videos / "manifest.csv")
    assert "8 videos done, 2 to do" in mended.words
    assert "2 videos done, 0 skipped" in mended.words


def test_masks_that_do_not_belong_to_their_video_are_skipped(videos):
    rows = iter(files(videos, "any"))
    damaged, longer = (videos / next(rows) for _ in range(2))
    damaged.with_suffix(".npz").write_bytes(b"PK cut off")
    write_video(longer, np.zeros((5, 32, 32, 3), np.uint8), fps=10)
    unnamed = videos / "val" / "wave" / "mine.mp4"
    unnamed.parent.mkdir(exist_ok=True)
    shutil.copy(longer, unnamed)
    other = videos / "val" / "bow" / "clip_000000.mp4"
    other.parent.mkdir()
    shutil.copy(longer, other)
    manifest = videos / "manifest.csv"
    extra = f"val/wave/mine.mp4,wave,val,,,,\n{other.relative_to(videos)},bow,val,,,,\n"
    manifest.write_text(manifest.read_text() + extra)
    result = call(human_masks, manifest)
    assert "8 videos done, 4 skipped" in result.words
    for words in (
        f"{damaged.with_suffix('.npz')}: holds no mask",
        f"{longer}: 5 frames, a mask of 3",
        "mine.mp4: not named as a world's clip",
        "clip 0 of this world shows another action",
    ):
        assert words in result.output


def test_two_kinds_do_not_mix_under_one_name(videos):
    manifest = videos / "manifest.csv"
    assert call(human_masks, manifest, "--limit", 1).exit_code == 0
    other = call(human_masks, manifest, "--kind", "box")
    assert other.exit_code == 2 and "choose another --name" in other.words
    named = call(human_masks, manifest, "--kind", "box", "--name", "boxes")
    assert named.exit_code == 0 and len(contents(videos, "boxes")) == 10
    dry = call(human_masks, manifest, "--dry-run")
    assert "1 videos done, 9 to do" in dry.words
    nothing = call(human_masks, manifest, "--name", "new", "--dry-run")
    assert nothing.exit_code == 0 and not list(videos.rglob("*new*"))


def test_wrong_calls_say_why(videos, tmp_path):
    manifest = videos / "manifest.csv"
    for script, arguments, words in [
        (human_masks, ["--kind", "oval"], "'oval'"),
        (human_masks, ["--finder", "yolo"], "'yolo'"),
        (pseudo_scene_labels, ["--labeller", "me"], "'me'"),
        (pseudo_scene_labels, ["--labeller", "places365", "--weights", "x"], "no such"),
    ]:
        result = call(script, manifest, *arguments)
        assert result.exit_code == 2 and words in result.words, result.output
    note = (videos / "world.json").read_text()
    (videos / "world.json").write_text(note.replace('_version": 1', '_version": 0'))
    (tmp_path / "manifest.csv").write_text("path,label,split\na.mp4,wave,train\n")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.csv").write_text("path,label\n")
    (tmp_path / "bad" / "world.json").write_text(note)
    for script in (human_masks, pseudo_scene_labels):
        assert "does not exist" in call(script, tmp_path / "none.csv").words
        assert "no world.json" in call(script, tmp_path / "manifest.csv").words
        assert "version 0, this course" in call(script, manifest).words
        assert (
            "the columns are" in call(script, tmp_path / "bad" / "manifest.csv").words
        )


def test_without_torchvision_nothing_is_left_behind(videos, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    result = call(human_masks, videos / "manifest.csv", "--finder", "maskrcnn")
    assert result.exit_code == 2 and "needs a torchvision that fits" in result.words
    assert call(human_masks, videos / "manifest.csv").exit_code == 0


class Detector(nn.Module):
    """Stands in for Mask R-CNN: two persons, one of them unsure, and a dog."""

    def __init__(self, asked: dict):
        super().__init__()
        self.asked, self.weight = asked, nn.Parameter(torch.zeros(1))

    def forward(self, pictures):
        found = []
        for picture in pictures:
            assert picture.shape == (3, 32, 32) and picture.max() <= 1
            masks = torch.zeros(3, 1, 32, 32)
            masks[0, 0, 2:6, 3:5], masks[1, 0, 10:12, 10:12] = 0.9, 0.9
            masks[0, 0, 20, 20], masks[2, 0, 25:, 25:] = 0.4, 0.9
            corners = [[2.6, 1.5, 5.0, 6.2], [10.0, 10.0, 12.0, 12.0], [25, 25, 32, 32]]
            numbers = {"labels": [1, 1, 18], "scores": [0.3, 0.29, 0.99]}
            tensors = {key: torch.tensor(value) for key, value in numbers.items()}
            found.append({**tensors, "masks": masks, "boxes": torch.tensor(corners)})
        return found


@pytest.fixture
def torchvision(monkeypatch) -> dict:
    """What a module with torchvision's names was asked for."""
    asked: dict = {}

    def make(**options):
        asked.update(options)
        return Detector(asked)

    detection = types.SimpleNamespace(maskrcnn_resnet50_fpn=make)
    models = types.ModuleType("torchvision.models")
    models.detection = detection
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return asked


@pytest.mark.parametrize("kind", ["silhouette", "box"])
def test_mask_rcnns_sure_persons_are_covered(videos, torchvision, kind, monkeypatch):
    monkeypatch.setattr(human_masks, "CHUNK", 2)
    options = ["--finder", "maskrcnn", "--kind", kind]
    result = call(human_masks, videos / "manifest.csv", *options, "--limit", 1)
    assert result.exit_code == 0, result.output
    assert torchvision == {"weights": "COCO_V1"}
    item = np.load(next(iter(files(videos, "human_masks").values())))
    expected = np.zeros((3, 32, 32), bool)
    if kind == "box":
        expected[:, 1:7, 2:5] = True
    else:
        expected[:, 2:6, 3:5] = True
    assert np.array_equal(item["mask"], expected) and item["share"] == 1


def test_mask_rcnns_weights_may_be_a_file(videos, torchvision, tmp_path):
    torch.save({"weight": torch.ones(1)}, tmp_path / "own.pth")
    options = ["--finder", "maskrcnn", "--weights", tmp_path / "own.pth"]
    more = ["--score", "0.5", "--limit", "1"]
    result = call(human_masks, videos / "manifest.csv", *options, *more)
    assert result.exit_code == 0, result.output
    assert torchvision == {"weights": None, "weights_backbone": None}
    item = np.load(next(iter(files(videos, "human_masks").values())))
    assert not item["mask"].any() and item["share"] == 0
    torch.save({"other": torch.ones(1)}, tmp_path / "own.pth")
    refused = call(human_masks, videos / "manifest.csv", *options, *more)
    assert refused.exit_code == 2 and "missing: weight; unexpected" in refused.words


def test_places365s_checkpoint_is_read_and_looks_at_the_middle(tmp_path):
    torch.manual_seed(0)
    net = resnet50(365).eval()
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    file, video = tmp_path / "places.pth.tar", tmp_path / "a.mp4"
    torch.save({"epoch": 90, "arch": "resnet50", "state_dict": state}, file)
    noise = np.random.default_rng(0).integers(0, 256, (2, 20, 26, 3), np.uint8)
    write_video(video, noise.repeat(8, 1).repeat(8, 2))
    look = pseudo_scene_labels.places365_labeller(file)
    got = look(video, np.array([1]))
    picture = read_clip(video, [1], size=256)[0]
    assert picture.shape == (256, 333, 3)
    picture = picture[16:240, 54:278] / 255.0
    picture = (picture - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    batch = torch.from_numpy(picture).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = net(batch).softmax(1)
    assert got.shape == (1, 365)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-6)


class TinyNet(nn.Module):
    """Stands in for the ResNet-50."""

    def __init__(self, scenes: int):
        super().__init__()
        self.fc = nn.Linear(3, scenes)

    def forward(self, pictures):
        return self.fc(pictures.mean((2, 3)))


@pytest.fixture
def places(videos, tmp_path, monkeypatch):
    """A small checkpoint, and an address on the loopback that serves it."""
    public = tmp_path / "public"
    public.mkdir()
    file = public / "resnet50_places365.pth.tar"
    state = {f"module.{k}": v for k, v in TinyNet(365).state_dict().items()}
    torch.save({"state_dict": state}, file)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    serve = functools.partial(Quiet, directory=str(public))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/{file.name}"
    monkeypatch.setattr(pseudo_scene_labels, "ADDRESS", address)
    monkeypatch.setattr(pseudo_scene_labels, "resnet50", TinyNet)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    yield file
    server.shutdown()
    server.server_close()


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_weights_are_fetched_once_and_checked(videos, places, tmp_path, monkeypatch):
    wanted = [videos / "manifest.csv", "--labeller", "places365"]
    kept = tmp_path / "cache" / "weights" / places.name
    refused = call(pseudo_scene_labels, *wanted)
    assert refused.exit_code == 2 and "invalid hash value" in refused.words
    assert not kept.exists() and not (videos / "scene_labels.json").exists()
    monkeypatch.setattr(pseudo_scene_labels, "SHA256", digest(places))
    assert call(pseudo_scene_labels, *wanted, "--limit", 2).exit_code == 0
    places.unlink()  # from now on only the cache has it
    assert call(pseudo_scene_labels, *wanted).exit_code == 0
    made = contents(videos, "scene_labels")
    assert len(made) == 10 and not (videos / "scene_labels.txt").exists()
    for item in made.values():
        assert item["probabilities"].shape == (3, 365) and item["soft"].shape == (365,)
        assert item["soft"].sum() == pytest.approx(1, abs=1e-4)
    kept.write_bytes(kept.read_bytes()[:-20])
    damaged = call(pseudo_scene_labels, *wanted, "--name", "new")
    assert damaged.exit_code == 2 and "is damaged" in damaged.words
    kept.unlink()
    gone = call(pseudo_scene_labels, *wanted, "--name", "new")
    assert gone.exit_code == 2 and "fetch it by hand" in gone.words


def test_own_weights_and_names(videos, places, tmp_path, monkeypatch):
    names = tmp_path / "categories_places365.txt"
    names.write_text("".join(f"/a/scene_{i} {i}\n" for i in range(365)))
    wanted = [videos / "manifest.csv", "--labeller", "places365", "--weights", places]
    refused = call(pseudo_scene_labels, *wanted, "--names", names)
    assert refused.exit_code == 2 and "not Places365's list" in refused.words
    monkeypatch.setattr("course.scene_debias.scene_labels.NAMES_SHA256", digest(names))
    result = call(pseudo_scene_labels, *wanted, "--names", names, "--limit", 1)
    assert result.exit_code == 0, result.output
    assert (videos / "scene_labels.txt").read_text().split()[364] == "scene_364"
    torch.save({"state_dict": TinyNet(365).state_dict()}, tmp_path / "other.pth")
    other = call(pseudo_scene_labels, *wanted[:-1], tmp_path / "other.pth")
    assert other.exit_code == 2 and "choose another --name" in other.words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "weights.pth"),
        (b"<html>404</html>", "weights.pth"),
        (TinyNet(365), "weights.pth"),  # a pickled module, which would run code
        (TinyNet(365).state_dict(), "holds no 'state_dict'"),
        ([1, 2], "holds no 'state_dict'"),
        ({"state_dict": 3}, "holds no 'state_dict'"),
        ({"state_dict": TinyNet(7).state_dict()}, "other shapes: fc.weight"),
    ],
    ids=["empty", "html", "module", "flat", "list", "number", "shape"],
)
def test_other_files_are_no_checkpoint(videos, places, tmp_path, content, words):
    file = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    wanted = [videos / "manifest.csv", "--labeller", "places365", "--weights", file]
    result = call(pseudo_scene_labels, *wanted)
    assert result.exit_code == 2 and "Traceback" not in result.output
    # A long path is broken anywhere, so blanks do not count.
    assert words.replace(" ", "") in result.words.replace(" ", ""), result.output
