"""Histograms as rows: a group is one row, with sums and two arrays: its cells, ascending, and how many are in each.

Every sum is of whole numbers or decimals, so rows add up to the same ones in any order.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Whole = npt.NDArray[np.int64]


def count_cells(rows: pl.DataFrame, *, keys: Sequence[str], cell: str, sums: Sequence[str] = ()) -> pl.DataFrame:
    """Count rows by group and cell.

    Args:
        rows: one row per observation: the keys, the cell and what is to be added up.
        keys: columns of a group; a null is a value of its own.
        cell: column with the number of the cell. An observation without one (null) is in `n` and in the sums alone.
        sums: further columns to add up, of whole numbers without nulls.

    Returns:
        The keys, n (rows), the sums, `cell` (array of the cells that occur, ascending) and counts (array: rows in
        each of them); one row per group.
    """
    counts, is_known = pl.col("counts"), pl.col(cell).is_not_null()
    cells = rows.group_by(*keys, cell).agg(pl.len().cast(pl.Int64).alias("counts"), pl.col(sums).sum()).sort(cell)
    # Rows of a group stay in order.
    return cells.group_by(keys).agg(
        counts.sum().alias("n"), pl.col(sums).sum(), pl.col(cell).filter(is_known), counts.filter(is_known)
    )


def add_rows(
    parts: Sequence[pl.DataFrame], *, keys: Sequence[str], sums: Sequence[str], cell: str | None = None
) -> pl.DataFrame:
    """Add up rows with the same key.

    Args:
        parts: frames with the columns of the result, in the same order.
        keys: columns of a group; a null is a value of its own.
        sums: columns to add up. The first counts what the row is about.
        cell: column with the cells of a histogram, whose counts are in the column `counts`; None where rows have none.

    Returns:
        The keys, the sums, and `cell` and counts where there is a histogram. Groups whose first sum is 0 are left
        out, and so are cells whose count is.
    """
    rows = pl.concat(parts)
    groups = rows.group_by(keys).agg(pl.col(sums).sum()).filter(pl.col(sums[0]) != 0).with_row_index("group")
    if cell is None:
        return groups.select(rows.columns)
    filled = rows.filter(pl.col(cell).list.len() > 0).join(groups.select(*keys, "group"), on=keys, nulls_equal=True)
    cells, group = filled[cell].explode().to_numpy(), filled["group"].to_numpy().astype(np.int64)
    first = int(cells.min(initial=0))
    width = int(cells.max(initial=0)) - first + 1
    numbers = np.repeat(group, filled[cell].list.len().to_numpy()) * width + (cells - first)
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    counts = np.add.reduceat(filled["counts"].explode().to_numpy()[order], starts) if len(starts) else starts
    is_left = counts != 0
    nested = nest_cells(
        numbers[starts][is_left], counts[is_left], cell=cell, groups=len(groups), width=width, first=first
    )
    added = pl.concat([groups, nested], how="horizontal").select(rows.columns)
    return added.with_columns(pl.col(cell).cast(rows.schema[cell]))


def nest_cells(numbers: Whole, counts: Whole, *, cell: str, groups: int, width: int, first: int) -> pl.DataFrame:
    """The cells of each group as arrays.

    Args:
        numbers: ascending, group * width + cell - first for each cell that occurs, [cells].
        counts: how many are in each, [cells].
        cell: name of the column of cells.
        groups: number of groups.
        width, first: number of different cells that a group may have, and the first of them.

    Returns:
        `cell` and counts, one row per group.
    """
    bounds = np.searchsorted(numbers, np.arange(groups + 1) * width)
    columns = {cell: numbers % width + first, "counts": counts}
    arrays = {name: pa.LargeListArray.from_arrays(bounds, values) for name, values in columns.items()}
    return pl.DataFrame(pl.from_arrow(pa.table(arrays)))


def negative(rows: pl.DataFrame, *, sums: Sequence[str], cell: str | None = None) -> pl.DataFrame:
    """The same rows with the sums and counts that take them away when they are added."""
    counts = [] if cell is None else [pl.col("counts").list.eval(-pl.element())]
    return rows.with_columns(-pl.col(sums), *counts)


def cells_of(histograms: pl.DataFrame, *, keys: Sequence[str], cell: str) -> pl.DataFrame:
    """One row per group and cell.

    Args:
        histograms: the keys, `cell` and counts.
        keys: columns to keep; those that are left out have their groups in the same rows.
        cell: column with the cells.

    Returns:
        The keys, `cell` (a number) and n, 1 or more. A group without a cell has no row.
    """
    cells = histograms.select(*keys, cell, n="counts").explode(cell, "n")
    return cells.filter(pl.col(cell).is_not_null())
