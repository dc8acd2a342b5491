"""The door for small tables of a local or mounted root: Arrow in, Arrow out, in milliseconds and without Spark.

What is written here is what Spark writes: the same columns with their comments, constraints and properties. So either
of the two can go on with what the other has begun.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Field, Schema, write_deltalake
from deltalake.exceptions import DeltaProtocolError
from pyspark.sql.types import StructType

from arenalake.lake.table import CONSTRAINT, Table

log = logging.getLogger(__name__)

NO_VALUES = pl.DataFrame(schema={"table": pl.String, "column": pl.String, "value": pl.String, "n": pl.Int64})
# deltalake takes paths for addresses, in which these mean something else or may not be.
_UNREACHED = re.compile(r"[%\\^|\[\]\x00-\x1f\x7f]")


def is_reached(folder: Path) -> bool:
    """Whether this door opens to a folder of that name; if not, Spark's does."""
    return not _UNREACHED.search(str(folder))


def is_there(folder: Path) -> bool:
    """Whether a folder is a table."""
    return DeltaTable.is_deltatable(str(folder))


def read_small(folder: Path, table: Table, *, only: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a table; columns that were declared since it was written are null.

    Args:
        folder: where the table is; there is one.
        table: its declaration.
        only: columns and the value that they have in the rows that are read.

    Raises:
        SchemaMismatchError: the stored table has other columns than declared, and nulls do not mend it.
    """
    stored = DeltaTable(str(folder))
    missing = table.columns_to_add(_schema_of(stored))
    rows = stored.to_pyarrow_table(filters=[(name, "=", value) for name, value in only.items()] or None)
    for column in missing:
        rows = rows.append_column(column.name, pa.nulls(len(rows)))
    return table.frame_of(rows)


def count_values(folder: Path, table: Table, columns: Sequence[str], *, source: str | None) -> pl.DataFrame | None:
    """How many rows have each value of some columns of text, read batch by batch.

    Args:
        folder: where the table is; there is one. It may be of any size.
        table: its declaration.
        columns: names; the table need not have all of them.
        source: whose rows; None counts those of all sources.

    Returns:
        Of `NO_VALUES`; nulls are not counted. None where Spark has written what this door cannot read.
    """
    try:
        stored = DeltaTable(str(folder)).to_pyarrow_dataset()
    except DeltaProtocolError:
        return None
    there = [name for name in columns if name in stored.schema.names]
    counted = NO_VALUES
    wanted = None if source is None else pc.field("source") == source
    for batch in stored.to_batches(columns=there, filter=wanted):
        rows = pl.DataFrame(pl.from_arrow(batch))
        of_batch = [rows.select(table=pl.lit(table.name), column=pl.lit(name), value=name, n=1) for name in there]
        cells = pl.concat([counted, *of_batch], how="vertical_relaxed")
        counted = cells.group_by("table", "column", "value").agg(pl.col("n").sum())
    return counted.filter(pl.col("value").is_not_null())


def replace_small(folder: Path, table: Table, rows: pa.Table, *, told: str) -> None:
    """Put `rows` in place of all rows, in one commit.

    Args:
        folder: where the table is or is to be. One that has other columns than declared is made anew first.
        table: its declaration.
        rows: of its `arrow_schema`.
        told: `userMetadata` of the commit.
    """
    exists = is_there(folder)
    if not exists or not table.is_stored_as(_schema_of(DeltaTable(str(folder)))):
        if exists:
            log.info("recreated, because its columns changed", extra={"table": table.name})
        properties = {name: value for name, value in table.properties.items() if not name.startswith(CONSTRAINT)}
        made = DeltaTable.create(
            str(folder),
            _declared(table),
            mode="overwrite" if exists else "error",
            description=table.comment,
            configuration=properties,
        )
        if table.checks:
            made.alter.add_constraint(table.checks)
    properties_of_commit = CommitProperties(custom_metadata={"userMetadata": told})
    write_deltalake(str(folder), rows, mode="overwrite", commit_properties=properties_of_commit)


def _schema_of(stored: DeltaTable) -> StructType:
    return StructType.fromJson(json.loads(stored.schema().to_json()))


def _declared(table: Table) -> Schema:
    types = Schema.from_arrow(table.arrow_schema)
    return Schema(
        [
            Field(one.name, one.type, nullable=one.nullable, metadata={"comment": column.comment})
            for one, column in zip(types.fields, table.columns, strict=True)
        ]
    )
