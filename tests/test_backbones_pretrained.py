"""Public weights: by path, from a local server, checksums, states that do not fit."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading

import pytest
import torch
from torch import nn

from course.backbones import pretrained
from course.backbones.googlenet import GoogLeNet
from course.backbones.pretrained import load_into, load_state
from course.backbones.resnet import resnet18


def tiny() -> nn.Module:
    net = nn.Sequential()
    net.add_module("conv", nn.Conv2d(3, 4, 3))
    net.add_module("bn", nn.BatchNorm2d(4))
    net.add_module("fc", nn.Linear(4, 5))
    return net


def saved(state, folder, name: str = "tiny", digest: str | None = None):
    """A file named as torchvision names its own, after its checksum."""
    torch.save(state, folder / "unnamed")
    found = hashlib.sha256((folder / "unnamed").read_bytes()).hexdigest()[:8]
    return (folder / "unnamed").rename(folder / f"{name}-{digest or found}.pth")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and counts the requests."""

    asked = 0

    def do_GET(self):
        type(self).asked += 1
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder on the loopback that stands in for the public address."""
    (tmp_path / "public").mkdir()
    handler = type("Handler", (Quiet,), {"asked": 0})
    serve = functools.partial(handler, directory=str(tmp_path / "public"))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{httpd.server_port}"
    monkeypatch.setattr(pretrained, "ADDRESS", address)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    yield handler, tmp_path / "public"
    httpd.shutdown()
    httpd.server_close()


def test_the_three_files_name_their_checksums():
    assert set(pretrained.FILES) == {"resnet18", "resnet50", "googlenet"}
    for file in pretrained.FILES.values():
        assert len(bytes.fromhex(pretrained._hash_in(file))) == 4


def test_a_name_is_fetched_once_and_kept(server, tmp_path, monkeypatch):
    handler, public = server
    file = saved(tiny().state_dict(), public)
    monkeypatch.setitem(pretrained.FILES, "tiny", file.name)
    first, again = load_state("tiny"), load_state("tiny")
    assert handler.asked == 1
    assert (tmp_path / "cache" / "weights" / file.name).is_file()
    assert all(torch.equal(first[name], again[name]) for name in first)
    load_state("tiny", folder=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / file.name).is_file() and handler.asked == 2


def test_a_wrong_checksum_leaves_no_file(server, tmp_path, monkeypatch):
    file = saved(tiny().state_dict(), server[1], digest="01234567")
    monkeypatch.setitem(pretrained.FILES, "tiny", file.name)
    with pytest.raises(ValueError, match="invalid hash value"):
        load_state("tiny")
    assert not list((tmp_path / "cache").rglob("*.pth*"))


def test_a_damaged_kept_file_is_found(server, tmp_path, monkeypatch):
    file = saved(tiny().state_dict(), server[1])
    monkeypatch.setitem(pretrained.FILES, "tiny", file.name)
    load_state("tiny")
    kept = tmp_path / "cache" / "weights" / file.name
    kept.write_bytes(kept.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{file.name} is damaged"):
        load_state("tiny")


def test_no_answer_says_where_to_put_the_file(server, tmp_path, monkeypatch):
    monkeypatch.setitem(pretrained.FILES, "tiny", "tiny-01234567.pth")
    place = tmp_path / "cache" / "weights" / "tiny-01234567.pth"
    with pytest.raises(ConnectionError, match=f"404.*put it at {place}"):
        load_state("tiny")
    monkeypatch.setattr(pretrained, "ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match="by hand"):
        load_state("tiny")


def test_a_path_is_read_and_loads(tmp_path):
    source, target = resnet18(7), resnet18(7)
    file = saved(source.state_dict(), tmp_path, digest="any")
    assert load_into(target, load_state(file)) is target
    for name, value in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no plain tensors"),
        (b"<html>404</html>", "no plain tensors"),
        (b"PK\x03\x04 cut off", "no plain tensors"),
        (tiny(), "no plain tensors"),  # a pickled module, which would run code
        ({"state_dict": tiny().state_dict()}, r"it holds \['state_dict'\]"),
        ([1, 2], "it holds list"),
        ({}, r"it holds \[\]"),
    ],
    ids=["empty", "html", "truncated", "module", "nested", "list", "nothing"],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=message) as caught:
        load_state(path)
    assert str(path) in str(caught.value)


def test_neither_name_nor_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="resnet18, resnet50, googlenet"):
        load_state(tmp_path / "absent.pth")


def test_faults_are_named_and_nothing_is_loaded():
    net, state = tiny(), tiny().state_dict()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    del state["bn.bias"]
    state["extra"] = torch.zeros(1)
    state["conv.weight"] = torch.zeros(4, 3, 5, 5)
    with pytest.raises(ValueError) as caught:
        load_into(net, state)
    message = str(caught.value)
    assert "missing: bn.bias;" in message and "unexpected: extra;" in message
    assert "conv.weight (4, 3, 5, 5) for (4, 3, 3, 3)" in message
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    with pytest.raises(ValueError, match="and 97 more"):
        load_into(resnet18(), {})


def test_old_files_without_batch_counts_load():
    state = tiny().state_dict()
    del state["bn.num_batches_tracked"]
    net = load_into(tiny(), state)
    assert torch.equal(net.conv.weight, state["conv.weight"])


def test_another_number_of_classes_only_if_asked():
    net = resnet18(4)
    own, state = net.fc.weight.clone(), resnet18(6).state_dict()
    with pytest.raises(ValueError, match=r"fc.weight \(6, 512\) for \(4, 512\)"):
        load_into(net, state)
    load_into(net, state, new_head="fc")
    assert torch.equal(net.fc.weight, own)
    assert torch.equal(net.conv1.weight, state["conv1.weight"])
    same = resnet18(4).state_dict()
    load_into(net, same, new_head="fc")  # the same classes: the head is loaded
    assert torch.equal(net.fc.weight, same["fc.weight"])
    load_into(net, {k: v for k, v in same.items() if k[:3] != "fc."}, new_head="fc")
    with pytest.raises(ValueError, match="no layer head"):
        load_into(net, state, new_head="head")
    state["conv1.weight"] = torch.zeros(64, 1, 7, 7)
    with pytest.raises(ValueError, match="conv1.weight"):
        load_into(net, state, new_head="fc")


def test_googlenets_auxiliary_heads_are_dropped():
    state = GoogLeNet(4).state_dict()
    aux = {f"aux{i}.fc2.weight": torch.zeros(4, 1024) for i in (1, 2)}
    net = load_into(GoogLeNet(4), {**state, **aux})
    assert torch.equal(net.fc.weight, state["fc.weight"])
