"""Moderation as functions of counts: flag rates with intervals, score quantiles, and shares above thresholds."""

import numpy as np
import polars as pl

from arenalake.moderation.flags import sum_patterns
from arenalake.moderation.tables import SCORE_COUNTS, UNDERFLOW_BIN
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.histograms import cells_of
from arenalake.numbers.lengths import quantile
from arenalake.numbers.proportions import effective_size, share, wilson_bounds

RATE_GROUPINGS = ("all", "model", "language")
CURVE_GROUPINGS = ("all", "model")
# Thousandths, so that ranks are compared as whole numbers.
_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_KEY = ("source", "grouping", "model", "language", "role", "category")
_CURVE_KEY = ("source", "grouping", "model", "role", "category")
_SCORE_STATS = ("n_missing", "n_scored", "mean_score", *_QUANTILES)
# Thresholds in tenths of a decade.
_EDGES = np.arange(-90, 1)


def summarise_moderation(score_counts: pl.DataFrame, patterns: pl.DataFrame) -> pl.DataFrame:
    """Flag rates and score quantiles by grouping, role and category.

    Args:
        score_counts: columns of the table `score_counts`.
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_stats`, twice per group: unit `message` with the interval that allows for
        messages of a conversation being alike, and unit `conversation` (flagged if one of its messages is) with
        Wilson's. Messages without the flag are in `n_missing` and in no rate. Categories that have scores and no flags,
        which are those of Detoxify, have the unit `message` alone.
    """
    totals = sum_patterns(patterns)
    sums = [name for name in totals.columns if name.startswith(("n_", "sum_"))]
    rates = by_groupings(totals, RATE_GROUPINGS).group_by(_KEY).agg(pl.col(sums).sum())
    scores = _summarise_scores(score_counts)
    # Counts and totals come from the same messages, so both have every group with flags.
    both = scores.join(rates, on=_KEY, how="left", nulls_equal=True, validate="1:1")
    has_flags = pl.col("n_conversations").is_not_null().alias("has_flags")
    both = both.with_columns(has_flags, pl.col(sums).fill_null(0))
    size = effective_size(
        n_clusters=pl.col("n_conversations"),
        n_units=pl.col("n_messages"),
        n_hits=pl.col("n_flagged"),
        sum_units_squared=pl.col("sum_messages_squared"),
        sum_hits_squared=pl.col("sum_flagged_squared"),
        sum_hits_units=pl.col("sum_flagged_messages"),
    )
    both = both.with_columns(size=size)
    hits = share(pl.col("n_flagged"), pl.col("n_messages")) * pl.col("size")
    robust = wilson_bounds(hits, pl.col("size"))
    wilson = wilson_bounds(pl.col("n_conversations_flagged"), pl.col("n_conversations"))
    of_messages = [pl.col(name) for name in _SCORE_STATS]
    of_conversations = [pl.lit(None, both.schema[name]).alias(name) for name in _SCORE_STATS]
    units = [
        ("message", "n_messages", "n_flagged", robust, of_messages),
        ("conversation", "n_conversations", "n_conversations_flagged", wilson, of_conversations),
    ]
    return pl.concat(
        both.filter(pl.col("has_flags") | pl.lit(unit == "message")).select(
            *_KEY,
            pl.lit(unit).alias("unit"),
            pl.col(n).alias("n"),
            pl.col(flagged).alias("n_flagged"),
            share(pl.col(flagged), pl.col(n)).alias("rate"),
            lower.alias("ci_lower"),
            upper.alias("ci_upper"),
            *score_stats,
        )
        for unit, n, flagged, (lower, upper), score_stats in units
    )


def _summarise_scores(score_counts: pl.DataFrame) -> pl.DataFrame:
    """Messages without the flag, messages with a score, and mean and quantiles of the scores, by group."""
    groups = (
        by_groupings(score_counts.drop("score_bins", "counts"), RATE_GROUPINGS)
        .group_by(_KEY)
        .agg((pl.col("n") - pl.col("n_labelled")).sum().alias("n_missing"), pl.col("n_scored", "sum_score").sum())
    )
    cells = by_groupings(cells_of(score_counts, keys=SCORE_COUNTS.key, cell="score_bins"), RATE_GROUPINGS)
    bins, n = pl.col("score_bins"), pl.col("n")
    in_order = cells.group_by(*_KEY, "score_bins").agg(n.sum()).sort("score_bins")
    quantiles = in_order.group_by(_KEY).agg(
        *[quantile(bins, n, share).alias(name) for name, share in _QUANTILES.items()]
    )
    # Exact sums are divided once.
    totals = [int(total.scaleb(18)) / 10**18 for total in groups["sum_score"].to_list()]
    means = pl.Series(totals, dtype=pl.Float64) / groups["n_scored"]
    is_known = pl.col("n_scored") > 0
    known = groups.with_columns(mean_score=means).join(quantiles, on=_KEY, how="left", nulls_equal=True)
    return known.select(
        *_KEY,
        "n_missing",
        "n_scored",
        pl.when(is_known).then("mean_score").alias("mean_score"),
        _middle(pl.col(*_QUANTILES)),
    )


def _middle(score_bin: pl.Expr) -> pl.Expr:
    """The score in the middle of a bin, by ratio; the last bin holds the score 1 only, the first all below 1e-9."""
    bins = np.arange(UNDERFLOW_BIN, 1)
    # By NumPy, since Polars' powers are up to 20 units in the last place off.
    middles = 10.0 ** ((bins + 0.5) / 100)
    middles[0], middles[-1] = 5e-10, 1.0
    return score_bin.replace_strict(bins, middles, return_dtype=pl.Float64)


def share_above_thresholds(score_counts: pl.DataFrame) -> pl.DataFrame:
    """Share of the messages whose score is at or above each threshold, ten thresholds a decade from 1e-9 to 1.

    Args:
        score_counts: columns of the table `score_counts`.

    Returns:
        Columns of the table `moderation_curves`; messages without a score are left out of both sides.
    """
    n = pl.col("n")
    # The number of thresholds that a score reaches; none for those below all of them.
    reached = (pl.col("score_bins").floordiv(10) + 1 - int(_EDGES[0])).alias("reached")
    scored = cells_of(score_counts, keys=SCORE_COUNTS.key, cell="score_bins").with_columns(reached)
    cells = by_groupings(scored, CURVE_GROUPINGS).group_by(*_CURVE_KEY, "reached").agg(n.sum())
    groups = cells.group_by(_CURVE_KEY).agg(n.sum().alias("in_all"))
    thresholds = pl.DataFrame(
        {"reached": np.arange(1, 1 + len(_EDGES), dtype=np.int32), "threshold": 10.0 ** (_EDGES / 10)}
    )
    curve = groups.join(thresholds, how="cross").join(cells, on=[*_CURVE_KEY, "reached"], how="left", nulls_equal=True)
    curve = curve.sort("reached", descending=True)
    above = n.fill_null(0).cum_sum().over(_CURVE_KEY)
    return curve.select(
        *_CURVE_KEY,
        "threshold",
        pl.col("in_all").alias("n"),
        above.alias("n_above"),
        share(above, pl.col("in_all")).alias("share"),
    )
