"""One contract for both doors of small tables: what Arrow writes Spark reads and continues, and the other way round."""

import json

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JJavaError

from arenalake.errors import SchemaMismatchError
from arenalake.lake import Lake, Statistic, derive
from arenalake.lake.fingerprint import Fingerprint, State
from arenalake.lake.table import Column, Table

BIRDS = Table(
    name="birds",
    layer="gold",
    kind="statistics",
    comment="Birds that were seen; it's a test.",
    columns=(
        Column("place", "string", "where", required=True),
        Column("bird", "string", "what; null where nobody knows"),
        Column("n", "bigint", "how many", required=True),
        Column("weight", "double", "on average"),
        Column("days", "array<int>", "when"),
    ),
    key=("place", "bird"),
    stats_columns=("n",),
    checks={"positive": "n > 0"},
)
WIDER = Table(**{**BIRDS.__dict__, "columns": (*BIRDS.columns, Column("wings", "int", "of all"))})
ROWS = pl.DataFrame(
    {"place": ["b", "a", "a"], "bird": ["gull", None, "tern"], "n": [1, 2, 3], "weight": [1.5, None, 0.1]}
    | {"days": [[1, 2], None, []]},
    {"place": pl.String, "bird": pl.String, "n": pl.Int64, "weight": pl.Float64, "days": pl.List(pl.Int32)},
)
DERIVED = Fingerprint("so", {"eggs": State(derived="laid"), "nests": State(table="1-2", version=3)})


class SparkOnly(Lake):
    """A lake that does not trust its own disk, as on Databricks."""

    has_remote_disk = True


@pytest.fixture(params=["arrow", "spark"])
def door(request):
    return {"arrow": Lake, "spark": SparkOnly}[request.param]


@pytest.fixture
def opened(spark, lake):
    """A function that opens the same storage by a door, as another process would."""
    return lambda kind: kind(spark, lake.storage)


def log_of(lake):
    files = sorted((lake.local_root / "gold" / "birds" / "_delta_log").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_either_door_declares_the_same_table(opened, door):
    lake = opened(door)
    lake.store(BIRDS, ROWS, fingerprint=DERIVED)
    described = lake.spark.sql(f"DESCRIBE TABLE {lake.name_of(BIRDS)}").collect()
    types = {row["col_name"]: (row["data_type"], row["comment"]) for row in described}
    assert types == {column.name: (column.type, column.comment) for column in BIRDS.columns}
    detail = lake.spark.sql(f"DESCRIBE DETAIL {lake.name_of(BIRDS)}").first()
    assert detail["description"] == BIRDS.comment
    assert {name: detail["properties"][name] for name in BIRDS.properties} == BIRDS.properties
    newest = lake.spark.sql(f"DESCRIBE HISTORY {lake.name_of(BIRDS)}").first()
    assert Fingerprint.read(newest["userMetadata"]) == DERIVED
    stored = DeltaTable(str(lake.local_root / "gold" / "birds")).schema().to_json()
    assert {one["name"]: one["nullable"] for one in json.loads(stored)["fields"]} == {
        column.name: not column.required for column in BIRDS.columns
    }
    for action in log_of(lake):  # no text reaches the log
        if "add" in action:
            assert set(json.loads(action["add"]["stats"]).get("minValues", {})) <= {"n"}
            assert "gull" not in json.dumps(action)


def test_what_breaks_a_rule_is_refused_by_either_door_and_changes_nothing(opened, door):
    lake = opened(door)
    lake.store(BIRDS, ROWS)
    with pytest.raises((DeltaError, Py4JJavaError), match=r"(?i)constraint|failed validation"):
        lake.store(BIRDS, ROWS.with_columns(n=pl.lit(0, pl.Int64)))
    with pytest.raises(SchemaMismatchError, match="nulls in place"):
        lake.store(BIRDS, ROWS.with_columns(place=pl.lit(None, pl.String)))
    with pytest.raises(SchemaMismatchError, match="days is missing; other is not declared; n is int32, decl"):
        lake.store(BIRDS, ROWS.with_columns(pl.col("n").cast(pl.Int32), pl.lit(1).alias("other")).drop("days"))
    assert lake.load(BIRDS).sort("n").equals(ROWS)
    assert lake.load(BIRDS, only={"place": "a", "bird": "tern"}).equals(ROWS[2:])
    assert lake.load(BIRDS, only={"place": "c"}).is_empty()


@pytest.mark.parametrize(
    ("door", "then"),
    [
        (Lake, Lake),
        (Lake, SparkOnly),
        (SparkOnly, Lake),
        pytest.param(SparkOnly, SparkOnly, marks=pytest.mark.slow),  # each half of it is in one of the others
    ],
)
def test_a_table_of_one_door_is_read_and_continued_by_the_other(opened, door, then):
    first, second = opened(door), opened(then)
    assert second.load(BIRDS).equals(BIRDS.no_rows)
    first.store(BIRDS, ROWS, fingerprint=DERIVED)
    assert opened(then).load(BIRDS).sort("n").equals(ROWS.sort("n"))
    second.change(BIRDS, lambda rows: rows.filter(pl.col("n") > 1))
    assert sorted(opened(door).load(BIRDS)["n"]) == [2, 3]
    assert sorted(row["n"] for row in first.spark.read.table(first.name_of(BIRDS)).collect()) == [2, 3]
    # A column more is null where the table is read, and there once it is written.
    assert opened(then).load(WIDER)["wings"].to_list() == [None, None]
    opened(then).store(WIDER, ROWS.with_columns(wings=pl.lit(2, pl.Int32)))
    assert opened(door).load(WIDER)["wings"].to_list() == [2, 2, 2]
    first.spark.sql(f"VACUUM {first.name_of(BIRDS)}")
    assert len(opened(door).load(WIDER)) == 3


def test_a_statistic_is_built_once_from_frames_and_again_when_its_inputs_change(opened, door):
    built = []
    seen = Table(**{**BIRDS.__dict__, "name": "seen", "kind": "counts"})

    def build(rows):
        built.append(len(rows))
        return (
            rows.group_by("place")
            .agg(pl.col("n").sum())
            .select(
                "place", pl.lit(None, pl.String).alias("bird"), "n", weight=pl.lit(None, pl.Float64), days=pl.lit([1])
            )
            .cast({"days": pl.List(pl.Int32)})
        )

    derivation = Statistic(BIRDS, [seen], build)
    first = opened(door)
    first.replace(seen, first.spark.createDataFrame(ROWS.to_arrow(), seen.schema))
    derive(first, [derivation])
    derive(opened(door), [derivation])
    assert built == [3]
    assert opened(door).load(BIRDS).select("place", "n").rows() == [("a", 5), ("b", 1)]
    again = opened(door)
    again.replace(seen, again.spark.createDataFrame(ROWS.head(1).to_arrow(), seen.schema))
    derive(again, [derivation])
    assert built == [3, 1]
    derive(opened(SparkOnly if door is Lake else Lake), [derivation])  # by the other door it is known as well
    assert built == [3, 1]


SEEN = Table(
    name="seen",
    layer="silver",
    comment="What was seen, by file.",
    columns=(
        Column("source", "string", "whose", required=True),
        Column("file", "string", "where it stands", required=True),
        Column("bird", "string", "what; null where nobody knows"),
        Column("marks", "map<string,bigint>", "no text, so it is not counted", required=True),
    ),
    key=("source", "file", "bird"),
)


def test_values_are_counted_by_either_door_in_tables_of_any_kind(opened, door):
    lake = opened(door)
    nests = Table(**{**SEEN.__dict__, "name": "nests", "columns": SEEN.columns[:2], "key": ("source", "file")})
    rows = [("s", "one", "gull"), ("s", "one", None), ("s", "two", "gull"), ("other", "three", "tern")]
    marked = [(*row, {"a": 1}) for row in rows]
    lake.append(SEEN, lake.spark.createDataFrame(marked, SEEN.ddl))
    lake.append(nests, lake.spark.createDataFrame([("s", "one")], nests.ddl))

    def counted():
        found = opened(door).count_values([SEEN, nests, BIRDS], ["file", "bird"], source="s")
        return sorted(found.select("table", "column", "value", "n").rows())

    assert counted() == [
        ("nests", "file", "one", 1),
        ("seen", "bird", "gull", 2),
        ("seen", "file", "one", 2),
        ("seen", "file", "two", 1),
    ]
    of_all = lake.count_values([SEEN, nests], ["source"]).select("table", "value", "n")
    assert sorted(of_all.rows()) == [("nests", "s", 1), ("seen", "other", 1), ("seen", "s", 3)]
    assert lake.count_values([SEEN], ["file", "bird"], source="nobody").is_empty()
    assert lake.count_values([nests], ["bird"], source="s").is_empty()
    # What is marked as deleted in a file of its own, as Databricks does, only Spark can read.
    lake.spark.sql(f"ALTER TABLE {lake.name_of(SEEN)} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    lake.spark.sql(f"DELETE FROM {lake.name_of(SEEN)} WHERE bird IS NULL")
    assert [n for _, _, value, n in counted() if value == "one"] == [1, 1]
