"""Counting by Spark where most rows share their group and groups have many cells, as histograms have.

Rows are added up before they leave the task that reads them and travel as one row a group, so skew is no trouble.
Spark's own aggregation would shuffle one row a cell.
"""

from collections.abc import Callable, Iterable, Iterator

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame

from arenalake.lake.table import Table

_ROWS_PER_BATCH = 4096


def count_in_tasks(
    rows: DataFrame,
    count: Callable[[pl.DataFrame], pl.DataFrame],
    table: Table,
    *,
    rows_at_once: int = 1 << 16,
    most_held: int = 1_000_000,
) -> DataFrame:
    """Count rows, some ten thousands at once, and add up what that gives.

    Args:
        rows: what `count` takes.
        count: gives rows of `table`; what it gives for two halves of some rows adds up to what it gives for all.
        table: a table of sums.
        rows_at_once: rows that `count` gets, a batch more or less.
        most_held: groups and cells that a task holds before it adds them up. Both bound its memory. The more it
            holds, the fewer times the same cell travels; the result is the same.

    Returns:
        Columns of `table`, one row per group.
    """

    def count_some(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _add_up(map(count, _larger(batches, rows_at_once)), table, most_held, is_whole=False)

    def add_counts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # All rows of a group are in one task, which holds its share of a result that one machine can hold.
        return _add_up(map(_frame, batches), table, most_held, is_whole=True)

    return rows.mapInArrow(count_some, table.ddl).repartition(*table.key).mapInArrow(add_counts, table.ddl)


def _larger(batches: Iterator[pa.RecordBatch], rows_at_once: int) -> Iterator[pl.DataFrame]:
    """The same rows in fewer batches."""
    some: list[pa.RecordBatch] = []
    n = 0
    for batch in batches:
        some.append(batch)
        n += len(batch)
        if n >= rows_at_once:
            yield _frame(*some)
            some, n = [], 0
    if n:
        yield _frame(*some)


def _frame(*batches: pa.RecordBatch) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches)))


def _add_up(parts: Iterable[pl.DataFrame], table: Table, most_held: int, *, is_whole: bool) -> Iterator[pa.RecordBatch]:
    """Rows of a table of sums, added up: all of them if `is_whole`, else as many as a task holds."""
    held: list[pl.DataFrame] = []
    n, most = 0, most_held
    for part in parts:
        held.append(part)
        n += _size(part, table)
        if n > most:
            held = [table.add_rows(held)]
            n = _size(held[0], table)
            if is_whole:
                most = max(most_held, 2 * n)  # or a large result would be added up again for every batch
            elif n > most_held // 2:
                yield from _batches(held.pop(), table)
                n = 0
    if held:
        yield from _batches(table.add_rows(held), table)


def _size(rows: pl.DataFrame, table: Table) -> int:
    n_cells = 0 if table.cell is None else int(rows[table.cell].list.len().sum())
    return len(rows) + n_cells


def _batches(rows: pl.DataFrame, table: Table) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = table.to_arrow(rows).to_batches(max_chunksize=_ROWS_PER_BATCH)
    return batches


def count_whole_groups(
    rows: DataFrame,
    count: Callable[[pl.DataFrame], pl.DataFrame],
    key: str,
    result: str,
    *,
    rows_at_once: int = 1 << 17,
) -> DataFrame:
    """Count rows in tasks, some ten thousands at once, of which those with the same key are always together.

    One shuffle, of all rows. The rows with one key have to fit in memory.

    Args:
        rows: what `count` takes.
        count: gives rows of `result`.
        key: a whole number for each row, none of them null.
        result: columns of the result, as a DDL string.
        rows_at_once: rows that `count` gets, a batch and the rows of a key more or less.
    """

    def count_some(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for whole in _whole_groups(_larger(batches, rows_at_once), key):
            yield from count(whole).to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()

    return rows.repartition(key).sortWithinPartitions(key).mapInArrow(count_some, result)


def _whole_groups(parts: Iterator[pl.DataFrame], key: str) -> Iterator[pl.DataFrame]:
    """Rows in the order of `key`, cut where it changes."""
    rest: list[pl.DataFrame] = []
    for part in parts:
        rows = pl.concat([*rest, part])
        is_last = pl.col(key) == rows[key][-1]
        whole, rest = rows.filter(~is_last), [rows.filter(is_last)]
        if len(whole):
            yield whole
    yield from rest


def in_memory(counted: DataFrame) -> pl.DataFrame:
    """Counts of Spark, which are few, as a frame."""
    return pl.DataFrame(pl.from_arrow(counted.toArrow()))
