"""What the notebooks start from: the lake that they are given, and rows of its tables."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from arenalake.app.session import get_session
from arenalake.config.spark import SparkConfig
from arenalake.lake import Lake
from arenalake.lake.counting import in_memory
from arenalake.lake.options import StorageConfig
from arenalake.lake.table import Table


def open_lake(*, root: str, catalog: str, schema: str, dbutils: Any = None, with_spark: bool = True) -> Lake:
    """Open the lake that a notebook reads.

    Args:
        root: folder of the tables; not used on Databricks.
        catalog: catalog of the tables on Databricks; default of the notebook's widget `catalog`.
        schema: schema of the tables on Databricks; default of the notebook's widget `schema`.
        dbutils: the object `dbutils` that Databricks puts into every notebook; None elsewhere.
        with_spark: whether to start a session outside Databricks. Without a session, tables of statistics can be
            loaded from a local lake without Java, but tables of records cannot be read.
    """
    if dbutils is None:
        spark = get_session(SparkConfig(master="local[*]", shuffle_partitions=2)) if with_spark else None
        return Lake(spark, StorageConfig(root=root))
    names = {"catalog": catalog, "schema": schema}
    for name, default in names.items():
        dbutils.widgets.text(name, default)
    return Lake(get_session(SparkConfig()), StorageConfig(**{name: dbutils.widgets.get(name) for name in names}))


def read_rows(lake: Lake, table: Table, *, columns: Sequence[str] | None = None, limit: int = 100_000) -> pl.DataFrame:
    """Read the first rows of a table of records in the order of its key, at most as many as a notebook can hold.

    Args:
        lake: result of `open_lake`.
        table: any table.
        columns: columns to read, for example all except texts; None reads all columns.
        limit: maximum number of rows.
    """
    rows = lake.read(table).orderBy(*table.key).limit(limit)
    return in_memory(rows if columns is None else rows.select(*columns))
