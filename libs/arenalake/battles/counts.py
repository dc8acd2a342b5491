"""Counts of battles: by everything that is not a judge or an order, and by day."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.battles.tables import BATTLE_COUNTS


def count_battles(battles: DataFrame, removed: DataFrame | None = None) -> DataFrame:
    """Count battles by outcome.

    Counts of two halves add up to the counts of the whole. A null language, category, turn, anony or month is a
    value of its own, so no battle is lost; nor are those that are not rated. All tags of a battle together are one
    value, so a battle with several tags is counted once.

    Args:
        battles: one row per vote: source, judge_kind, language, category, category_tags, turn, anony, tstamp,
            model_a, model_b, winner; and battle_id where some are removed.
        removed: the table `removed_votes`; None where no rule is on.

    Returns:
        `battle_counts`: those columns, with the month instead of the time, removed_by and n.
    """
    if removed is None:
        battles = battles.withColumn("removed_by", F.lit(None).cast("string"))
    else:
        rules = removed.withColumnRenamed("rule", "removed_by")
        battles = battles.join(rules, ["source", "battle_id"], "left")
    battles = battles.withColumn("month", month_of("tstamp"))
    return battles.groupBy(*BATTLE_COUNTS.key).agg(F.count(F.lit(1)).alias("n")).select(*BATTLE_COUNTS.column_names)


def month_of(time: str) -> Column:
    """A column of times as months like 2023-04; null where there is no time."""
    return F.date_format(time, "yyyy-MM")


def count_days(battles: DataFrame) -> DataFrame:
    """Count battles per day of the session's time zone, which is UTC.

    Args:
        battles: one row per vote: source, tstamp. Battles without a time are counted under a null day.

    Returns:
        `volume_stats`: source, day, n_battles.
    """
    days = battles.select("source", F.to_date("tstamp").alias("day"))
    return days.groupBy("source", "day").agg(F.count(F.lit(1)).alias("n_battles")).select("source", "day", "n_battles")
