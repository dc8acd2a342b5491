"""Frames of tables written by hand, and what statistics give as rows of their tables."""

import polars as pl
from pyspark.sql import Row


def frame_of(table, rows):
    """Rows of a table from dicts that name only the columns that matter; the others are null."""
    cells = [[row.get(name) for name in table.column_names] for row in rows]
    return pl.DataFrame(cells, table.no_rows.schema, orient="row")


def rows_of(table, frame):
    """Rows of a frame that is checked as it is before it is stored, in order of the key."""
    return [Row(**row) for row in table.conform_frame(frame).to_pylist()]
