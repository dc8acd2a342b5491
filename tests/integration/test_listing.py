"""The files of a source: a folder of this machine is looked at without Spark, and Spark sees the same."""

import os

import pytest

from arenalake.errors import SourceNotFoundError
from arenalake.ingest.files import list_files
from arenalake.lake import Lake

NAMES = [
    "plain.jsonl",
    "with space.csv",
    "100%25 [1]{2}.parquet",
    "ümläut+plus.JSONL.gz",
    "2023:01/time.json",
    "language=French/_model=x/deep.ndjson",
    "empty.jsonl",
    "packed.jsonl.zst",
    "pointer.parquet",
    "notes.txt",
    "_hidden.jsonl",
    "_folder/inside.jsonl",
    ".dot.csv",
    "_SUCCESS",
    "_metadata.jsonl",
]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "raw data"
    for name in NAMES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({"empty.jsonl": "", "pointer.parquet": POINTER}.get(name, "x"))
        os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    (root / "linked").symlink_to(root / "2023:01")
    return root


def listed(lake, path, monkeypatch, *, by_spark):
    with monkeypatch.context() as patched:
        # Where Spark may see another disk, it is asked.
        patched.setattr(Lake, "has_remote_disk", by_spark)
        return list_files(lake, "source", path)


@pytest.mark.parametrize("part", ["", "plain.jsonl", "with space.csv", "2023:01", "language=French"])
def test_a_folder_or_file_is_listed_as_spark_lists_it(lake, folder, monkeypatch, part):
    here = listed(lake, str(folder / part), monkeypatch, by_spark=False)
    assert here == listed(lake, str(folder / part), monkeypatch, by_spark=True)
    assert all(file.modified == 1_700_000_000_123_000 for file in here.files)


def test_what_is_data_hidden_packed_and_something_else_is_told_apart(folder, monkeypatch):
    found = listed(Lake(None, None), str(folder), monkeypatch, by_spark=False)
    assert [file.name for file in found.files] == sorted([*NAMES[:7], "linked/time.json"])
    assert [line.partition(" (")[0].rpartition("/")[2] for line in found.unreadable] == [
        "packed.jsonl.zst",
        "pointer.parquet",
    ]
    assert found.others == [".dot.csv", "_folder/inside.jsonl", "_hidden.jsonl", "_metadata.jsonl", "notes.txt"]


def test_a_link_to_nothing_is_told(folder, monkeypatch):
    (folder / "gone.jsonl").symlink_to(folder / "nowhere.jsonl")
    found = listed(Lake(None, None), str(folder), monkeypatch, by_spark=False)
    assert f"file:{folder}/gone.jsonl (No such file or directory)" in found.unreadable


def test_a_path_without_data_is_an_error(folder, monkeypatch):
    for part in ("notes.txt", "_hidden.jsonl"):
        with pytest.raises(SourceNotFoundError, match="holds no file that ends in"):
            listed(Lake(None, None), str(folder / part), monkeypatch, by_spark=False)
