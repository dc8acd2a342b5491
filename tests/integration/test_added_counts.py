"""Tables of counts that follow what their inputs gain and lose, and stay what counting all of it gives."""

import shutil
from dataclasses import replace
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from arenalake.lake import Derivation, Lake, derive
from arenalake.lake.options import StorageConfig
from arenalake.lake.table import Column, Table

SIGHTINGS = Table(
    name="sightings",
    layer="silver",
    comment="Animals that were seen.",
    columns=(
        Column("id", "int", "sighting", required=True),
        Column("animal", "string", "what was seen"),
        Column("weight", "decimal(38,18)", "of all of them"),
    ),
    key=("id",),
    has_changes=True,
)
OTHERS = replace(SIGHTINGS, name="others")
COUNTS = Table(
    name="animal_counts",
    layer="gold",
    kind="counts",
    comment="Sightings by animal.",
    columns=(
        Column("animal", "string", "what was seen"),
        Column("n", "bigint", "sightings", required=True),
        Column("sum_weight", "decimal(38,18)", "of all of them that were weighed", required=True),
        Column("weights", "array<int>", "weights that occur, in whole numbers, ascending", required=True),
        Column("counts", "array<bigint>", "sightings of each of these weights", required=True),
    ),
    key=("animal",),
    sums=("n", "sum_weight"),
    cell="weights",
)


def count(*inputs):
    """Sightings by animal, whichever table they are from."""
    rows = inputs[0]
    for more in inputs[1:]:
        rows = rows.unionByName(more)
    weight = F.coalesce("weight", F.lit(0))
    cells = rows.groupBy("animal", F.floor("weight").cast("int").alias("weights")).agg(
        F.count("*").alias("counts"), F.sum(weight).alias("sum_weight")
    )
    pair = F.when(F.col("weights").isNotNull(), F.struct("weights", "counts"))
    groups = cells.groupBy("animal").agg(
        F.sum("counts").alias("n"),
        F.sum("sum_weight").cast("decimal(38,18)").alias("sum_weight"),
        F.array_sort(F.collect_list(pair)).alias("pairs"),
    )
    return groups.select("animal", "n", "sum_weight", "pairs.weights", "pairs.counts")


@pytest.fixture(scope="module")
def counted(spark, tmp_path_factory):
    """The folder of a lake with two sightings of cats and one of an owl, counted."""
    lake = Lake(spark, StorageConfig(root=str(tmp_path_factory.mktemp("counted") / "lake")))
    lake.append(SIGHTINGS, rows(spark, (1, "cat", "1.5"), (2, "cat", None), (3, "owl", "0.25")))
    derive(lake, [Derivation(COUNTS, [SIGHTINGS, OTHERS], count)])
    return lake.local_root


@pytest.fixture
def seen(lake, counted):
    """A copy of that lake for one test."""
    shutil.copytree(counted, lake.local_root)
    return lake


def rows(spark, *values):
    typed = [(number, animal, weight and Decimal(weight)) for number, animal, weight in values]
    return spark.createDataFrame(typed, SIGHTINGS.ddl)


def derive_later(lake, caplog, **settings):
    """Derive in a session of its own; whether changes were added, where anything was done."""
    later = Lake(lake.spark, StorageConfig(root=lake.root))
    caplog.clear()
    with caplog.at_level("INFO", logger="arenalake.lake"):
        derive(later, [Derivation(COUNTS, [SIGHTINGS, OTHERS], count, settings)])
    done = {record.getMessage() for record in caplog.records}
    expected = count(later.read(SIGHTINGS), later.read(OTHERS))
    found, counted = (
        sorted(map(tuple, df.select(*COUNTS.column_names).collect()), key=str) for df in (later.read(COUNTS), expected)
    )
    assert found == counted
    return None if "unchanged" in done else "changes of its inputs added" in done


def test_rows_that_came_are_added_and_nothing_is_done_without_any(spark, seen, caplog):
    assert derive_later(seen, caplog) is None
    seen.append(SIGHTINGS, rows(spark, (4, "owl", "1E-18"), (5, None, None)))
    seen.append(SIGHTINGS, rows(spark, (6, "bat", "3")))
    assert derive_later(seen, caplog) is True
    assert derive_later(seen, caplog) is None


def test_rows_that_went_or_changed_are_taken_away(spark, seen, caplog):
    seen.delete(SIGHTINGS, rows(spark, (3, "owl", None)))
    seen.insert_new(SIGHTINGS, rows(spark, (1, "dog", "9"), (7, "cat", "2")))
    seen.update(SIGHTINGS, rows(spark, (2, "emu", "7")), on=["id"], update={"animal": "new.animal"})
    assert derive_later(seen, caplog) is True
    assert {row.animal for row in seen.read(COUNTS).collect()} == {"cat", "emu"}


def test_an_input_that_was_not_there_is_counted_whole(spark, seen, caplog):
    seen.append(OTHERS, rows(spark, (1, "yak", None)))
    assert derive_later(seen, caplog) is False
    seen.append(OTHERS, rows(spark, (2, "yak", None)))
    assert derive_later(seen, caplog) is True


def test_other_settings_and_other_rows_under_the_same_name_are_counted_whole(spark, seen, caplog):
    seen.append(SIGHTINGS, rows(spark, (4, "owl", None)))
    assert derive_later(seen, caplog, rule="another") is False
    seen.replace(SIGHTINGS, rows(spark, (1, "elk", None)))
    assert derive_later(seen, caplog, rule="another") is False


def test_a_table_that_does_not_keep_its_changes_is_counted_whole(spark, seen, caplog):
    spark.sql(f"ALTER TABLE {seen.name_of(SIGHTINGS)} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)")
    seen.append(SIGHTINGS, rows(spark, (4, "owl", None)))
    assert derive_later(seen, caplog) is False
    # The feed is on again, but lacks what happened while it was off.
    seen.append(SIGHTINGS, rows(spark, (5, "owl", None)))
    spark.sql(f"ALTER TABLE {seen.name_of(SIGHTINGS)} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    assert derive_later(seen, caplog) is False


def test_changes_that_were_cleaned_up_since_are_counted_whole(spark, seen, caplog):
    seen.update(SIGHTINGS, rows(spark, (2, "emu", "7")), on=["id"], update={"animal": "new.animal"})
    shutil.rmtree(seen.local_root / "silver/sightings/_change_data")
    assert derive_later(seen, caplog) is False
    assert "changes cannot be read, so all rows are counted" in caplog.text


def test_upkeep_between_the_changes_changes_nothing(spark, seen, caplog):
    for number in range(4, 8):
        seen.append(SIGHTINGS, rows(spark, (number, "owl", "2")))
    spark.sql(f"OPTIMIZE {seen.name_of(SIGHTINGS)}")
    assert derive_later(seen, caplog) is True
    spark.sql(f"OPTIMIZE {seen.name_of(SIGHTINGS)}")
    assert derive_later(seen, caplog) is None
