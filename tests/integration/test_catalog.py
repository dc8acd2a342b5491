"""Tables in a schema of a catalog in place of a folder: managed Delta tables in Spark's own session catalog."""

import pytest
from same_tables import VOTE_JOBS, configuration, rows_of, vote_settings

from arenalake.lake import Lake
from arenalake.runner import run_steps
from arenalake.tables import BATTLES, RATINGS, VOLUME_STATS


@pytest.fixture
def schema(spark, tmp_path):
    """A schema whose managed tables are under a folder of the test."""
    name = "arenalake_managed"
    spark.sql(f"CREATE SCHEMA spark_catalog.{name} LOCATION '{tmp_path}/warehouse'")
    yield name
    spark.sql(f"DROP SCHEMA spark_catalog.{name} CASCADE")


def versions(spark, schema):
    tables = [row.tableName for row in spark.sql(f"SHOW TABLES IN spark_catalog.{schema}").collect()]
    history = "DESCRIBE HISTORY spark_catalog.{}.{} LIMIT 1"
    return {table: spark.sql(history.format(schema, table)).first()["version"] for table in tables}


@pytest.mark.slow
def test_jobs_on_a_catalog_give_the_tables_of_a_folder(spark, schema, votes, local_votes, tmp_path):
    settings = {**vote_settings(votes), "storage": f"{{catalog: spark_catalog, schema: {schema}}}"}
    run_steps(configuration(settings), VOTE_JOBS)
    assert rows_of(spark, settings) == local_votes

    for table in (BATTLES, RATINGS):
        described = spark.sql(f"DESCRIBE TABLE EXTENDED spark_catalog.{schema}.{table.name}").collect()
        facts = {row.col_name: row.data_type for row in described}
        assert facts["Type"] == "MANAGED"
        assert facts["Provider"] == "delta"
        assert facts["Location"] == f"file:{tmp_path}/warehouse/{table.name}"
        assert facts["Comment"] == table.comment

    before = versions(spark, schema)
    run_steps(configuration(settings), VOTE_JOBS)
    assert versions(spark, schema) == before


def test_a_schema_that_is_not_there_is_empty_and_made_at_the_first_write(spark):
    storage = configuration({"storage": "{catalog: spark_catalog, schema: arenalake_new}"}).storage
    lake = Lake(spark, storage)
    assert lake.read(VOLUME_STATS).count() == 0
    try:
        lake.append(VOLUME_STATS, spark.createDataFrame([("votes", None, 3)], VOLUME_STATS.ddl))
        assert [tuple(row) for row in Lake(spark, storage).read(VOLUME_STATS).collect()] == [("votes", None, 3)]
    finally:
        spark.sql("DROP SCHEMA IF EXISTS spark_catalog.arenalake_new CASCADE")
