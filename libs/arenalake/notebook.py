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
    """The tables to look at.

    Args:
        root: folder of the tables, used where there is no Databricks.
        catalog: catalog of the tables on Databricks, unless the notebook's widget of that name says otherwise.
        schema: schema of the tables on Databricks, in the same way.
        dbutils: the object of that name that Databricks puts into every notebook.
        with_spark: elsewhere, start a session. Without one, tables of statistics can be loaded from a local lake, at
            once and without Java; no table of records can be read.
    """
    if dbutils is None:
        spark = get_session(SparkConfig(master="local[*]", shuffle_partitions=2)) if with_spark else None
        return Lake(spark, StorageConfig(root=root))
    names = {"catalog": catalog, "schema": schema}
    for name, default in names.items():
        dbutils.widgets.text(name, default)
    return Lake(get_session(SparkConfig()), StorageConfig(**{name: dbutils.widgets.get(name) for name in names}))


def read_rows(lake: Lake, table: Table, *, columns: Sequence[str] | None = None, limit: int = 100_000) -> pl.DataFrame:
    """The first rows of a table of records, by key; what would be too many for a notebook stays where it is.

    Args:
        lake: as `open_lake` gives it.
        table: any table.
        columns: those that are wanted, such as all but texts; None for all.
        limit: rows at most.
    """
    rows = lake.read(table).orderBy(*table.key).limit(limit)
    return in_memory(rows if columns is None else rows.select(*columns))
