"""Shared fixtures: one Spark session for all tests, a fresh lake, and the real records where they are at hand."""

from pathlib import Path

import pytest
from pyspark.sql.classic.dataframe import DataFrame

from arenalake.app.session import get_session
from arenalake.config.spark import SparkConfig
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def spark():
    # Two partitions are enough to catch an order that is not fixed, and every further one costs time.
    return get_session(SparkConfig(master="local[2]", shuffle_partitions=2, app_name="arenalake-tests"))


@pytest.fixture(scope="session", autouse=True)
def _no_columns_are_an_error():
    """As on Spark Connect, which few tests run on: classic Spark takes `withColumns({})` for nothing to do."""
    with_columns = DataFrame.withColumns

    def checked(self, columns):
        assert columns, "Spark Connect refuses withColumns without columns"
        return with_columns(self, columns)

    DataFrame.withColumns = checked
    yield
    DataFrame.withColumns = with_columns


@pytest.fixture
def lake(spark, tmp_path):
    """An empty lake of its own for one test."""
    return Lake(spark, StorageConfig(root=str(tmp_path / "lake")))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real records; tests that need it skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real records are not here: {REAL_DATA}")
    return REAL_DATA
