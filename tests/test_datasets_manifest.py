"""The manifest: read, written, checked, and made from a folder of videos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.datasets import (
    Manifest,
    ManifestError,
    Row,
    index_folder,
    read_manifest,
    write_manifest,
)
from course.video import write_video

HEADER = "path,label,split,start,end,frames,fps"
words = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs", "Z"], exclude_characters="\\/."
    ),
    min_size=1,
    max_size=8,
)
rows = st.builds(
    Row,
    path=st.lists(words, min_size=1, max_size=3).map(lambda p: "/".join(p) + ".mp4"),
    label=words,
    split=st.sampled_from(["train", "val", "test"]),
    start=st.none() | st.floats(0, 10),
    end=st.none() | st.floats(10.001, 1e4),
    frames=st.none() | st.integers(1, 10**6),
    fps=st.none() | st.floats(0.1, 240),
)


@settings(max_examples=30)
@given(table=st.lists(rows, min_size=1, max_size=8, unique_by=lambda row: row.path))
def test_what_is_written_reads_back(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "manifest.csv"
    assert list(read_manifest(write_manifest(path, table))) == table


def save(folder, *lines, header=HEADER):
    path = folder / "m.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_columns_in_any_order_and_optional_ones_absent(tmp_path):
    text = "\ufefflabel, path ,split\nbow,a/b.mp4,train\n"
    (tmp_path / "m.csv").write_text(text, encoding="utf-8")
    manifest = read_manifest(tmp_path / "m.csv")
    assert manifest.rows == (Row("a/b.mp4", "bow", "train"),)
    assert manifest.file(manifest.rows[0]) == tmp_path / "a" / "b.mp4"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",bow,train,,,,", "line 2: path is empty"),
        ("a.mp4,,train,,,,", "line 2: label is empty"),
        ("a.mp4,bow,,,,,", "line 2: split is empty"),
        ("/a.mp4,bow,train,,,,", "below the manifest's folder"),
        ("../a.mp4,bow,train,,,,", "below the manifest's folder"),
        ("b\\a.mp4,bow,train,,,,", "forward slashes"),
        ("a.mp4,bow,train,x,,,", "start must be a number >= 0, got 'x'"),
        ("a.mp4,bow,train,-1,,,", "start must be a number"),
        ("a.mp4,bow,train,,nan,,", "end must be a number"),
        ("a.mp4,bow,train,3,2,,", "end 2.0 is not after start 3.0"),
        ("a.mp4,bow,train,,,2.5,", "whole number, got 2.5"),
        ("a.mp4,bow,train,,,0,", "above 0"),
        ("a.mp4,bow,train,,,,0", "above 0"),
        ("a.mp4,bow,train,,,", "fewer fields"),
        ("a.mp4,bow,train,,,,,,", "more or fewer fields"),
    ],
)
def test_wrong_line_is_named(tmp_path, line, words):
    path = save(tmp_path, line)
    with pytest.raises(ManifestError, match="(?s)" + words) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value) and "line 2" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "lines", "words"),
    [
        (
            "path,label",
            ["a,b"],
            "the columns are path, label, split.*found path, label",
        ),
        ("path,label,split,colour", ["a,b,c,d"], "found.*colour"),
        (HEADER, [], "no row"),
        (HEADER, ["a.mp4,bow,train,,,,"] * 2, "rows 1 and 2 are the same clip"),
    ],
)
def test_wrong_table_is_named(tmp_path, header, lines, words):
    with pytest.raises(ManifestError, match=words):
        read_manifest(save(tmp_path, *lines, header=header))


def test_binary_file_is_not_a_table(tmp_path):
    (tmp_path / "m.csv").write_bytes(bytes(range(128, 256)) * 4)
    with pytest.raises(ManifestError, match="not a CSV table"):
        read_manifest(tmp_path / "m.csv")


def test_bad_row_is_refused_before_the_old_file_is_touched(tmp_path):
    path = write_manifest(tmp_path / "m.csv", [Row("a.mp4", "bow")])
    before = path.read_bytes()
    with pytest.raises(ManifestError, match="label is empty"):
        write_manifest(path, [Row("a.mp4", "")])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.csv"]


def test_select_names_the_splits_that_exist(tmp_path):
    manifest = Manifest((Row("a.mp4", "bow"),), tmp_path)
    with pytest.raises(ValueError, match="no rows in split 'test'.*train"):
        manifest.select("test")


def video(path, frames=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = np.full((frames, 32, 32, 3), 90, np.uint8)
    return write_video(path, shade, fps=12.5)


def test_index_folder_lists_classes_and_leaves_the_rest(tmp_path):
    for name in ("wave/b.mp4", "wave/a.mp4", "bow/deeper/c.mp4", "bow/.hidden.mp4"):
        video(tmp_path / name)
    video(tmp_path / ".trash" / "d.mp4")
    video(tmp_path / "loose.mp4")
    (tmp_path / "wave" / "notes.txt").write_text("hello")
    (tmp_path / "wave" / "cut.mp4").write_bytes(b"")
    manifest, errors = index_folder(tmp_path)
    assert [row.path for row in manifest] == [
        "bow/deeper/c.mp4",
        "wave/a.mp4",
        "wave/b.mp4",
    ]
    assert manifest.classes == ("bow", "wave")
    assert {(row.split, row.frames, row.fps) for row in manifest} == {
        ("train", 3, 12.5)
    }
    assert [error.cause for error in errors] == ["the file is empty"]
    path = write_manifest(tmp_path / "manifest.csv", manifest)
    assert read_manifest(path) == manifest


def test_index_folder_understands_split_folders(tmp_path):
    for name in ("train/bow/a.mp4", "test/bow/b.mp4", "val/wave/c.mp4"):
        video(tmp_path / name)
    manifest, _ = index_folder(tmp_path)
    found = {(row.split, row.label) for row in manifest}
    assert found == {("train", "bow"), ("test", "bow"), ("val", "wave")}


def test_validation_share_is_taken_from_every_class_and_is_stable(tmp_path):
    source = video(tmp_path / "bow" / "0.mp4").read_bytes()
    for label in ("bow", "wave"):
        (tmp_path / label).mkdir(exist_ok=True)
        for number in range(10):
            (tmp_path / label / f"{number}.mp4").write_bytes(source)
    first, _ = index_folder(tmp_path, validation=0.3)
    assert first == index_folder(tmp_path, validation=0.3)[0]
    for label in ("bow", "wave"):
        held = [row for row in first if row.split == "val" and row.label == label]
        assert len(held) == 3
    assert len(first) == 20


def test_index_folder_refuses_what_holds_no_video(tmp_path):
    with pytest.raises(ValueError, match="no readable video"):
        index_folder(tmp_path)
    (tmp_path / "bow").mkdir()
    (tmp_path / "bow" / "a.mp4").write_text("text")
    with pytest.raises(ValueError, match="1 unreadable.*a.mp4"):
        index_folder(tmp_path)
