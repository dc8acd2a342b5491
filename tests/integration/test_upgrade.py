"""Tables that an earlier version stored with other columns."""

from dataclasses import replace

import pytest
from test_ingest import battle, write_lines
from test_ingest import run as run_ingest

from arenalake.entities.tables import BATTLES
from arenalake.errors import SchemaMismatchError
from arenalake.lake import Derivation, Lake, derive
from arenalake.lake.commits import asked_commits, local_commits
from arenalake.lake.fingerprint import Fingerprint, State
from arenalake.lake.options import StorageConfig
from arenalake.lake.table import Column, Table

OLD = Table(
    name="animals",
    layer="gold",
    comment="Animals.",
    columns=(Column("name", "string", "name", required=True), Column("legs", "int", "legs")),
    key=("name",),
    checks={"legs": "legs >= 0"},
)
WITH_WINGS = replace(OLD, columns=(*OLD.columns, Column("wings", "int", "wings")))
WITH_KIND = replace(OLD, columns=(Column("kind", "string", "kind", required=True), *OLD.columns))


@pytest.fixture
def animals(spark):
    return spark.createDataFrame([("cat", 4), ("owl", 2)], OLD.ddl)


@pytest.fixture
def later(spark, lake, tmp_path, animals):
    """The lake in the session of a later version, over a table of the earlier one."""
    lake.append(OLD, animals)
    return Lake(spark, StorageConfig(root=str(tmp_path / "lake")))


def operations(lake, table):
    history = lake.spark.sql(f"DESCRIBE HISTORY {lake.name_of(table)}")
    return [row.operation for row in history.orderBy("version").collect()]


def rows(lake, table):
    return sorted(tuple(row) for row in lake.read(table).select(*table.column_names).collect())


def test_a_column_declared_later_is_null_in_the_rows_that_are_there_and_added_at_the_next_write(spark, later):
    assert rows(later, WITH_WINGS) == [("cat", 4, None), ("owl", 2, None)]
    assert "ADD COLUMNS" not in operations(later, OLD)
    bats = spark.createDataFrame([("bat", 2, 2)], WITH_WINGS.ddl)
    later.append(WITH_WINGS, bats)
    later.insert_new(WITH_WINGS, spark.createDataFrame([("bat", 9, 9), ("bee", 6, 4)], WITH_WINGS.ddl))
    assert rows(later, WITH_WINGS) == [("bat", 2, 2), ("bee", 6, 4), ("cat", 4, None), ("owl", 2, None)]
    assert operations(later, OLD).count("ADD COLUMNS") == 1
    described = spark.sql(f"DESCRIBE {later.name_of(OLD)}").where("col_name = 'wings'").collect()
    assert [row.comment for row in described] == ["wings"]


def test_a_table_whose_new_column_may_not_be_null_is_refused_by_name(later):
    with pytest.raises(SchemaMismatchError, match=r"table animals .* kind is missing and may not be null.* run"):
        later.read(WITH_KIND)


def test_a_table_whose_column_has_another_type_is_refused_by_name(spark, later):
    counted = replace(OLD, columns=(OLD.columns[0], Column("legs", "bigint", "legs")))
    with pytest.raises(SchemaMismatchError, match=r"table animals .* legs is int, declared as bigint"):
        later.append(counted, spark.createDataFrame([("cat", 4)], counted.ddl))


def test_a_derived_table_is_made_anew_with_the_columns_declared_now(spark, later):
    def build():
        return spark.createDataFrame([("mammal", "cat", 4)], WITH_KIND.ddl)

    derive(later, [Derivation(WITH_KIND, [], build)])
    assert rows(later, WITH_KIND) == [("mammal", "cat", 4)]
    derive(later, [Derivation(WITH_KIND, [], build)])
    derive(later, [Derivation(WITH_KIND, [], build, {"other": "settings"})])
    # Made anew once; with the same columns it is written, and with the same settings left alone.
    made = operations(later, OLD)
    assert [name for name in made if "REPLACE TABLE" in name] == ["REPLACE TABLE"]
    assert len(made) == 5
    # As strict as a table that is created.
    with pytest.raises(Exception, match="legs"):
        later.append(WITH_KIND, spark.createDataFrame([("mammal", "dog", -4)], WITH_KIND.ddl))


def test_a_local_log_says_what_delta_lake_says_of_its_history(spark, lake, animals):
    def newest():
        """What changed rows last, and the newest of all, as both doors tell it."""
        commits = local_commits(lake.local_root / "gold" / "animals")
        asked = asked_commits(spark, lake.name_of(OLD))
        assert [plain(one) for one in commits] == [plain(one) for one in asked]
        # The log's own word, and the time of its file.
        assert all(abs(one.time - other.time).total_seconds() < 30 for one, other in zip(commits, asked, strict=True))
        changed = next(one for one in commits if not one.keeps_rows)
        return changed.version, commits[0].version, Fingerprint.read(changed.user_metadata)

    def plain(commit):
        return replace(commit, user_metadata=commit.user_metadata or None, time=None)

    first, second = (Fingerprint(how, {"cats": State(table="1-2", version=1)}) for how in ("first", "second"))
    lake.replace(OLD, animals, fingerprint=first)
    lake.replace(OLD, animals, fingerprint=second)
    assert newest() == (2, 2, second)
    spark.sql(f"ALTER TABLE {lake.name_of(OLD)} SET TBLPROPERTIES ('kept.by' = 'hand')")
    spark.sql(f"OPTIMIZE {lake.name_of(OLD)}")
    assert newest() == (2, 4, second)
    assert Lake(spark, StorageConfig(root=lake.root)).state_of(OLD) == second.state != first.state
    lake.append(OLD, animals)
    assert newest() == (5, 5, None)
    assert lake.state_of(OLD).version == 5
    assert [commit.version for commit in lake.commits_from(OLD, 2)] == [2, 3, 4, 5]


def test_battles_stored_before_they_had_tags_stay_and_are_known_again(lake, tmp_path):
    source = {"format": "arena", "path": str(tmp_path / "raw")}
    write_lines(tmp_path / "raw" / "1.jsonl", [battle(1), battle(2)])
    run_ingest(lake, arena=source)
    old = lake.spark.table(lake.name_of(BATTLES)).drop("winner_label", "category_tags")
    old.write.format("delta").mode("overwrite").option("overwriteSchema", True).saveAsTable(lake.name_of(BATTLES))
    write_lines(tmp_path / "raw" / "2.jsonl", [battle(2), battle(3)])
    result = run_ingest(lake, arena=source)
    assert result.lines == ["arena: 2 records in 1 new file = 1 kept + 0 quarantined + 1 duplicate"]
    fresh = Lake(lake.spark, StorageConfig(root=lake.root))
    battles = fresh.read(BATTLES).select("battle_id", "winner_label", "category_tags")
    assert sorted(map(tuple, battles.collect())) == [(f"q{n}", None, None) for n in (1, 2, 3)]
