"""Moderation as functions of counts: flag rates with intervals, score quantiles, and shares above thresholds."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.counts.moderation import UNDERFLOW_BIN
from arenalake.statistics.groupings import by_groupings
from arenalake.statistics.proportions import effective_size, wilson_bounds

RATE_GROUPINGS = ("all", "model", "language")
CURVE_GROUPINGS = ("all", "model")
# Thousandths, so that ranks are compared as whole numbers.
_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_KEY = ("source", "grouping", "model", "language", "role", "category")
_CURVE_KEY = ("source", "grouping", "model", "role", "category")


def summarise_moderation(moderation_counts: DataFrame, moderation_totals: DataFrame) -> DataFrame:
    """Flag rates and score quantiles by grouping, role and category.

    Args:
        moderation_counts: columns of the table `moderation_counts`.
        moderation_totals: columns of the table `moderation_totals`.

    Returns:
        Columns of the table `moderation_stats`, twice per group: unit `message` with the interval that allows for
        messages of a conversation being alike, and unit `conversation` (flagged if one of its messages is) with
        Wilson's. Messages without the flag are in `n_missing` and in no rate.
    """
    totals = by_groupings(moderation_totals, RATE_GROUPINGS)
    sums = [c for c in moderation_totals.columns if c.startswith(("n_", "sum_"))]
    rates = totals.groupBy(*_KEY).agg(*[F.sum(c).alias(c) for c in sums])
    scores = _summarise_scores(by_groupings(moderation_counts, RATE_GROUPINGS))
    same = [F.col(f"rates.{c}").eqNullSafe(F.col(f"scores.{c}")) for c in _KEY]
    # Counts and totals come from the same messages, so both have every group.
    both = rates.alias("rates").join(scores.alias("scores"), same).select("rates.*", *_SCORE_STATS)
    size = effective_size(
        n_clusters=F.col("n_conversations"),
        n_units=F.col("n_messages"),
        n_hits=F.col("n_flagged"),
        sum_units_squared=F.col("sum_messages_squared"),
        sum_hits_squared=F.col("sum_flagged_squared"),
        sum_hits_units=F.col("sum_flagged_messages"),
    )
    both = both.withColumn("size", size)
    both = both.withColumn("hits", F.col("n_flagged") / F.nullif(F.col("n_messages"), F.lit(0)) * F.col("size"))
    robust = wilson_bounds(F.col("hits"), F.col("size"))
    wilson = wilson_bounds(F.col("n_conversations_flagged"), F.col("n_conversations"))
    by_message = _unit("message", "n_messages", "n_flagged", robust, [F.col(c) for c in _SCORE_STATS])
    no_scores = [F.lit(None).cast("bigint" if c.startswith("n_") else "double").alias(c) for c in _SCORE_STATS]
    by_conversation = _unit("conversation", "n_conversations", "n_conversations_flagged", wilson, no_scores)
    units = both.select(*_KEY, F.inline(F.array(by_message, by_conversation)))
    return units.select(
        *_KEY,
        "unit",
        "n",
        "n_missing",
        "n_flagged",
        "rate",
        "ci_lower",
        "ci_upper",
        "n_scored",
        "mean_score",
        *_QUANTILES,
    )


_SCORE_STATS = ("n_missing", "n_scored", "mean_score", *_QUANTILES)


def _unit(name: str, n: str, n_flagged: str, bounds: tuple[Column, Column], scores: list[Column]) -> Column:
    return F.struct(
        F.lit(name).alias("unit"),
        F.col(n).alias("n"),
        F.col(n_flagged).alias("n_flagged"),
        (F.col(n_flagged) / F.nullif(F.col(n), F.lit(0))).alias("rate"),
        bounds[0].alias("ci_lower"),
        bounds[1].alias("ci_upper"),
        *scores,
    )


def _summarise_scores(counts: DataFrame) -> DataFrame:
    bins = counts.groupBy(*_KEY, "score_bin").agg(
        F.sum(F.col("n") - F.col("n_labelled")).alias("n_missing"),
        F.sum(F.when(F.col("score_bin").isNotNull(), F.col("n")).otherwise(0)).alias("n_scored"),
        F.sum("sum_score").alias("sum_score"),
    )
    group = Window.partitionBy(*_KEY)
    up_to = group.orderBy(F.col("score_bin").asc_nulls_first()).rowsBetween(Window.unboundedPreceding, 0)
    ranked = bins.select(
        *bins.columns,
        F.sum("n_scored").over(up_to).alias("n_up_to"),
        F.sum("n_scored").over(group).alias("n_all"),
    )
    quantile_bins = {
        name: F.min(F.when(F.col("n_up_to") * 1000 >= F.col("n_all") * thousandths, F.col("score_bin")))
        for name, thousandths in _QUANTILES.items()
    }
    n_scored = F.sum("n_scored")
    return ranked.groupBy(*_KEY).agg(
        F.sum("n_missing").alias("n_missing"),
        n_scored.alias("n_scored"),
        # Thirty-eight digits are too few for a decimal quotient of such sums.
        (F.sum("sum_score").cast("double") / F.nullif(n_scored.cast("double"), F.lit(0.0))).alias("mean_score"),
        *[_middle(score_bin).alias(name) for name, score_bin in quantile_bins.items()],
    )


def _middle(score_bin: Column) -> Column:
    """The score in the middle of a bin, by ratio; the last bin holds the score 1 only."""
    middle = F.pow(F.lit(10.0), (score_bin + 0.5) / 100)
    return F.when(score_bin == 0, F.lit(1.0)).when(score_bin == UNDERFLOW_BIN, F.lit(5e-10)).otherwise(middle)


def share_above_thresholds(moderation_counts: DataFrame) -> DataFrame:
    """Share of the messages whose score is at or above each threshold, ten thresholds a decade from 1e-9 to 1.

    Args:
        moderation_counts: columns of the table `moderation_counts`.

    Returns:
        Columns of the table `moderation_curves`; messages without a score are left out of both sides.
    """
    scored = by_groupings(moderation_counts.where("score_bin IS NOT NULL"), CURVE_GROUPINGS)
    steps = scored.groupBy(*_CURVE_KEY, F.floor(F.col("score_bin") / 10).alias("step")).agg(F.sum("n").alias("n"))
    against = steps.select("*", F.explode(F.sequence(F.lit(-90), F.lit(0))).alias("edge"))
    above = F.when(F.col("step") >= F.col("edge"), F.col("n")).otherwise(0)
    sums = against.groupBy(*_CURVE_KEY, "edge").agg(F.sum("n").alias("n"), F.sum(above).alias("n_above"))
    return sums.select(
        *_CURVE_KEY,
        F.pow(F.lit(10.0), F.col("edge") / 10).alias("threshold"),
        "n",
        "n_above",
        (F.col("n_above") / F.col("n")).alias("share"),
    )
