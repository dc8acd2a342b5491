"""What battle counts say about pairs of models and about the side that an answer was shown on."""

from collections.abc import Iterator, Sequence

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.statistics.proportions import wilson_bounds
from arenalake.statistics.trinomial import win_rate_interval
from arenalake.tables import PAIR_STATS, POSITION_STATS


def summarise_pairs(counts: DataFrame) -> DataFrame:
    """Wins, ties and the half-win rate of each pair of models, whichever was shown first.

    Args:
        counts: rows of `battle_counts`.

    Returns:
        `pair_stats`: one row per source, judge_kind and pair with model_a < model_b by code point. Both kinds of tie
        are half a win for either model. The interval treats battles as independent draws of three outcomes.

    Source:
        The interval: `arenalake.statistics.trinomial`.
    """
    # Strings compare as UTF-8 bytes here, which is the order of code points.
    in_order = F.col("model_a") < F.col("model_b")
    won_by_a = F.col("winner") == F.when(in_order, "model_a").otherwise("model_b")
    won_by_b = F.col("winner") == F.when(in_order, "model_b").otherwise("model_a")
    pairs = counts.select(
        "source",
        "judge_kind",
        F.least("model_a", "model_b").alias("model_a"),
        F.greatest("model_a", "model_b").alias("model_b"),
        _n_where(won_by_a).alias("wins_a"),
        _n_where(won_by_b).alias("wins_b"),
        _n_where(F.col("winner") == "tie").alias("ties"),
        _n_where(F.col("winner") == "tie (bothbad)").alias("bothbad"),
        "n",
    )
    sums = _sum_by(pairs, PAIR_STATS.key, ["wins_a", "wins_b", "ties", "bothbad", "n"])
    return sums.mapInPandas(_add_rates, PAIR_STATS.ddl).select(*PAIR_STATS.column_names)


def summarise_positions(counts: DataFrame) -> DataFrame:
    """How often the side shown first wins: over all battles, and per model and side.

    Args:
        counts: rows of `battle_counts`.

    Returns:
        `position_stats`: one row per source, judge_kind, model and side. A null model with side a is about all
        battles. `win_rate` leaves ties out and is null where nothing else is there; its interval is Wilson's and
        treats battles as independent.
    """
    sides = F.explode(
        F.array(_side(None, "a", "model_a"), _side("model_a", "a", "model_a"), _side("model_b", "b", "model_b"))
    )
    rows = counts.select("source", "judge_kind", "winner", "n", sides.alias("shown")).select(
        "source",
        "judge_kind",
        "shown.model",
        "shown.side",
        "n",
        _n_where(F.col("winner").startswith("tie")).alias("ties"),
        _n_where(F.col("winner") == F.col("shown.winning")).alias("wins"),
    )
    sums = _sum_by(rows, POSITION_STATS.key, ["n", "ties", "wins"])
    decided = F.col("n") - F.col("ties")
    lower, upper = wilson_bounds(F.col("wins"), decided)
    return sums.select(
        "*",
        (F.col("wins") / F.nullif(decided, F.lit(0))).alias("win_rate"),
        lower.alias("ci_lower"),
        upper.alias("ci_upper"),
    ).select(*POSITION_STATS.column_names)


def _n_where(condition: Column) -> Column:
    return F.when(condition, F.col("n")).otherwise(F.lit(0)).cast("bigint")


def _side(model_column: str | None, side: str, winning: str) -> Column:
    model = F.col(model_column) if model_column else F.lit(None).cast("string")
    return F.struct(model.alias("model"), F.lit(side).alias("side"), F.lit(winning).alias("winning"))


def _sum_by(rows: DataFrame, key: Sequence[str], sums: Sequence[str]) -> DataFrame:
    return rows.groupBy(*key).agg(*[F.sum(name).alias(name) for name in sums])


def _add_rates(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for rows in batches:
        ties = rows["ties"] + rows["bothbad"]
        lower, upper = win_rate_interval(rows["wins_a"], rows["wins_b"], ties)
        win_rate = (2 * rows["wins_a"] + ties) / (2 * rows["n"])
        yield rows.assign(win_rate_a=win_rate, ci_lower=lower, ci_upper=upper)
