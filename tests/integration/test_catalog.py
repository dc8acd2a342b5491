"""Tables in a schema of a catalog in place of a folder: managed Delta tables in a metastore that lasts, here Derby."""

import subprocess
import sys

import pytest
import yaml
from machines import ROOT, environment
from same_tables import COMPARED, VOTE_JOBS, as_arguments, configuration, vote_settings
from stored import stored_rows

from arenalake.app.runner import run_steps
from arenalake.app.session import require_lasting_tables
from arenalake.battles.tables import VOLUME_STATS
from arenalake.entities.tables import BATTLES
from arenalake.errors import SessionError
from arenalake.lake import Lake
from arenalake.ratings.tables import RATINGS

SCHEMA = "arenalake_managed"
STORAGE = {"storage": f"{{catalog: spark_catalog, schema: {SCHEMA}}}"}


def run_with_metastore(settings, folder):
    """Run the jobs in a process of their own, as a user does."""
    folder.mkdir(exist_ok=True)
    conf = {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
    }
    local = {
        "spark.master": "local[2]",
        "spark.shuffle_partitions": 2,
        "spark.java_options": "-XX:TieredStopAtLevel=1",
        "spark.conf": yaml.safe_dump(conf, default_flow_style=True, width=10_000).strip(),
    }
    command = [sys.executable, ROOT / "jobs/pipeline.py", "--config", ROOT / "conf/cluster.yml"]
    command += as_arguments({**settings, **local})
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:20_000]
    return done


@pytest.mark.slow
def test_jobs_on_a_catalog_give_the_tables_of_a_folder(spark, votes, local_votes, tmp_path):
    settings = {**vote_settings(votes), **STORAGE}
    run_with_metastore(settings, tmp_path / "there")
    folders = {table: tmp_path / "there/warehouse" / f"{SCHEMA}.db" / table.name for table in COMPARED}

    def rows():
        return {
            table.name: sorted(map(repr, stored_rows(folder, table.column_names)))
            for table, folder in folders.items()
            if folder.is_dir()
        }

    def versions():
        return {
            folder.name: len(list((folder / "_delta_log").glob("*.json")))
            for folder in folders.values()
            if folder.is_dir()
        }

    assert rows() == local_votes
    for table in (BATTLES, RATINGS):
        detail = spark.sql(f"DESCRIBE DETAIL delta.`{folders[table]}`").first()
        assert (detail["format"], detail["description"]) == ("delta", table.comment)

    # A second run finds the tables of the first, which another session made.
    before = versions()
    again = run_with_metastore(settings, tmp_path / "there")
    assert "event=unchanged table=ratings" in again.stderr
    assert versions() == before


def test_a_catalog_that_ends_with_the_session_is_refused_before_anything_is_written(spark, votes):
    with pytest.raises(SessionError, match=r"storage\.catalog: spark_catalog has no metastore here") as refused:
        run_steps(configuration({**vote_settings(votes), **STORAGE}), VOTE_JOBS)
    assert refused.value.exit_status == 2
    assert spark.sql(f"SHOW SCHEMAS IN spark_catalog LIKE '{SCHEMA}'").isEmpty()
    unknown = configuration({"storage": "{catalog: elsewhere, schema: x}"}).storage
    with pytest.raises(SessionError, match=r"storage\.catalog: this Spark session has no catalog elsewhere"):
        require_lasting_tables(spark, unknown)


def test_a_schema_that_is_not_there_is_empty_and_made_at_the_first_write(spark):
    storage = configuration({"storage": "{catalog: spark_catalog, schema: arenalake_new}"}).storage
    lake = Lake(spark, storage)
    assert lake.read(VOLUME_STATS).count() == 0
    try:
        lake.append(VOLUME_STATS, spark.createDataFrame([("votes", None, 3)], VOLUME_STATS.ddl))
        assert [tuple(row) for row in Lake(spark, storage).read(VOLUME_STATS).collect()] == [("votes", None, 3)]
    finally:
        spark.sql("DROP SCHEMA IF EXISTS spark_catalog.`arenalake_new` CASCADE")
