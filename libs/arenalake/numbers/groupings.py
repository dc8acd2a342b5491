"""The same counts seen by several groupings at once: all, by model, by language and so on."""

from collections.abc import Sequence

import polars as pl


def by_groupings(counts: pl.DataFrame, groupings: Sequence[str]) -> pl.DataFrame:
    """Repeat every row for each grouping, with the columns that the grouping does not name set to null.

    Args:
        counts: any rows with the columns that the groupings name.
        groupings: `all`, or names of columns joined by commas.

    Returns:
        The columns of `counts` with `grouping` in front. The caller groups and sums.
    """
    named = {column for grouping in groupings for column in _columns_of(grouping)}
    return pl.concat(
        counts.select(
            pl.lit(grouping).alias("grouping"),
            *[
                _hidden(counts, column) if column in named - _columns_of(grouping) else column
                for column in counts.columns
            ],
        )
        for grouping in groupings
    )


def _columns_of(grouping: str) -> set[str]:
    return set() if grouping == "all" else set(grouping.split(","))


def _hidden(counts: pl.DataFrame, column: str) -> pl.Expr:
    return pl.lit(None, counts.schema[column]).alias(column)
