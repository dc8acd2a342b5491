"""What a lake knows of its tables when several threads use it, and what a table is known by."""

import threading

import pytest

from arenalake.lake import Lake
from arenalake.lake import lake as lake_module
from arenalake.lake.fingerprint import Fingerprint, State
from arenalake.lake.table import Column, Table

ANIMALS = Table(name="animals", layer="silver", comment="Animals.", columns=(Column("n", "int", "n"),), key=("n",))


def test_a_version_that_was_asked_for_before_a_write_is_not_remembered_after_it(lake, monkeypatch):
    lake.append(ANIMALS, lake.spark.range(1).selectExpr("int(id) n"))
    writers, read = [], lake_module.local_commits

    def read_slowly(folder, limit=None):
        """What the log says now; another thread's write comes in between, unless it has to wait."""
        found = read(folder, limit)
        if not writers:
            writers.append(threading.Thread(target=write))
            writers[0].start()
            writers[0].join(1)
        return found

    def write():
        lake.append(ANIMALS, lake.spark.range(1, 2).selectExpr("int(id) n"))

    monkeypatch.setattr(lake_module, "local_commits", read_slowly)
    before = lake.state_of(ANIMALS)
    writers[0].join()
    after = lake.state_of(ANIMALS)
    assert (before.version, after.version) == (1, 2), "the version from before the write was taken for the newest"
    assert after == Lake(lake.spark, lake.storage).state_of(ANIMALS)


def test_a_fingerprint_is_read_as_it_was_written_and_tells_how_and_of_what_a_table_was_made():
    inputs = {"battles": State(table="1-2-3", version=3), "counts": State(derived="abc")}
    made = Fingerprint.of({"rounds": 10}, "n int", inputs)
    assert Fingerprint.read(made.text) == made
    assert Fingerprint.read(made.text).state == made.state
    others = [
        Fingerprint.of({"rounds": 11}, "n int", inputs),
        Fingerprint.of({"rounds": 10}, "n bigint", inputs),
        Fingerprint.of({"rounds": 10}, "n int", inputs | {"battles": State(table="1-2-3", version=4)}),
        Fingerprint.of({"rounds": 10}, "n int", {"battles": inputs["battles"]}),
    ]
    assert len({made.state, *(other.state for other in others)}) == 5
    assert made.how == others[2].how


@pytest.mark.parametrize("text", [None, "", "derived:0f 1e {}", "{}", '{"how": 5, "inputs": {}}', "[]"])
def test_what_is_no_fingerprint_is_none(text):
    assert Fingerprint.read(text) is None
