"""How many votes each cleaning rule removed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.config import CleaningConfig
from arenalake.tables import CLEANING_STATS


def summarise_cleaning(counts: DataFrame, *, cleaning: CleaningConfig) -> DataFrame:
    """What each rule found and left, also where it removed nothing.

    Args:
        counts: rows of `battle_counts`, made with the same rules.
        cleaning: which rules are on.

    Returns:
        `cleaning_stats`: one row per source and rule that is on; no rows where all are off.
    """
    rules = cleaning.rules
    removed = {rule: F.sum(F.when(F.col("removed_by") == rule, F.col("n")).otherwise(0)) for rule in rules}
    sums = counts.groupBy("source").agg(F.sum("n").alias("n"), *[n.alias(rule) for rule, n in removed.items()])
    steps, before = [], F.col("n")
    for number, (rule, parameters) in enumerate(rules.items(), start=1):
        after = before - F.col(rule)
        values = {"n_before": before, "n_removed": F.col(rule), "n_after": after, "parameters": F.lit(parameters)}
        named = [column.alias(name) for name, column in values.items()]
        steps.append(F.struct(F.lit(number).alias("step"), F.lit(rule).alias("rule"), *named))
        before = after
    kinds = ", ".join(f"{column.name}: {column.type}" for column in CLEANING_STATS.columns[1:])
    rows = sums.select("source", F.explode(F.array(*steps).cast(f"array<struct<{kinds}>>")).alias("one"))
    return rows.select("source", "one.*").select(*CLEANING_STATS.column_names)
