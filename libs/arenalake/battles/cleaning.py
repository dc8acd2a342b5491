"""How many votes each cleaning rule removed."""

import polars as pl

from arenalake.battles.options import CleaningConfig
from arenalake.battles.tables import CLEANING_STATS


def summarise_cleaning(counts: pl.DataFrame, *, cleaning: CleaningConfig) -> pl.DataFrame:
    """What each rule found and left, also where it removed nothing.

    Args:
        counts: rows of `battle_counts`, made with the same rules.
        cleaning: which rules are on.

    Returns:
        `cleaning_stats`: one row per source and rule that is on; no rows where all are off.
    """
    n, removed_by = pl.col("n"), pl.col("removed_by")
    removed = [n.filter(removed_by == rule).sum().alias(rule) for rule in cleaning.rules]
    sums = counts.group_by("source").agg(n.sum().alias("n"), *removed)
    rows, before = [], n
    for number, (rule, parameters) in enumerate(cleaning.rules.items(), start=1):
        after = before - pl.col(rule)
        values = {"n_before": before, "n_removed": pl.col(rule), "n_after": after}
        told = {"step": pl.lit(number, pl.Int32), "rule": pl.lit(rule), "parameters": pl.lit(parameters)}
        rows.append(sums.select("source", **values, **told))
        before = after
    return pl.concat(rows) if rows else CLEANING_STATS.no_rows
