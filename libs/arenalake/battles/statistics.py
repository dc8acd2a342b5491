"""What battle counts say about pairs of models and about the side that an answer was shown on."""

from collections.abc import Sequence

import polars as pl

from arenalake.battles.tables import PAIR_STATS, POSITION_STATS
from arenalake.numbers.proportions import share, wilson_bounds
from arenalake.numbers.trinomial import win_rate_interval


def summarise_pairs(counts: pl.DataFrame) -> pl.DataFrame:
    """Wins, ties and the half-win rate of each pair of models, whichever was shown first.

    Args:
        counts: rows of `battle_counts`.

    Returns:
        `pair_stats`: one row per source, judge_kind and pair with model_a < model_b by code point. Both kinds of tie
        are half a win for either model. The interval treats battles as independent draws of three outcomes.

    Source:
        The interval: `arenalake.numbers.trinomial`.
    """
    # Strings compare as UTF-8 bytes, which is the order of code points.
    in_order = pl.col("model_a") < pl.col("model_b")
    shown = (pl.lit("model_a"), pl.lit("model_b"))
    first, second = (pl.when(in_order).then(one).otherwise(other) for one, other in (shown, shown[::-1]))
    names = pl.when(in_order).then(pl.concat_list("model_a", "model_b")).otherwise(pl.concat_list("model_b", "model_a"))
    pairs = counts.with_columns(
        names.list.get(0).alias("model_a"),
        names.list.get(1).alias("model_b"),
        _n_where(pl.col("winner") == first).alias("wins_a"),
        _n_where(pl.col("winner") == second).alias("wins_b"),
        _n_where(pl.col("winner") == "tie").alias("ties"),
        _n_where(pl.col("winner") == "tie (bothbad)").alias("bothbad"),
    )
    sums = _sum_by(pairs, PAIR_STATS.key, ["wins_a", "wins_b", "ties", "bothbad", "n"])
    wins_a, wins_b, ties = (sums[name].to_numpy() for name in ("wins_a", "wins_b", "ties"))
    lower, upper = win_rate_interval(wins_a, wins_b, ties + sums["bothbad"].to_numpy())
    rate = (2 * pl.col("wins_a") + pl.col("ties") + pl.col("bothbad")) / (2 * pl.col("n"))
    return sums.with_columns(rate.alias("win_rate_a"), ci_lower=lower, ci_upper=upper)


def summarise_positions(counts: pl.DataFrame) -> pl.DataFrame:
    """How often the side shown first wins: over all battles, and per model and side.

    Args:
        counts: rows of `battle_counts`.

    Returns:
        `position_stats`: one row per source, judge_kind, model and side. A null model with side a is about all
        battles. `win_rate` leaves ties out and is null where nothing else is there; its interval is Wilson's and
        treats battles as independent.
    """
    no_model = pl.lit(None, pl.String)
    views = [(no_model, "a", "model_a"), (pl.col("model_a"), "a", "model_a"), (pl.col("model_b"), "b", "model_b")]
    rows = pl.concat(
        counts.select(
            *("source", "judge_kind", "n"),
            model.alias("model"),
            pl.lit(side).alias("side"),
            _n_where(pl.col("winner").str.starts_with("tie")).alias("ties"),
            _n_where(pl.col("winner") == winning).alias("wins"),
        )
        for model, side, winning in views
    )
    sums = _sum_by(rows, POSITION_STATS.key, ["n", "ties", "wins"])
    decided = pl.col("n") - pl.col("ties")
    lower, upper = wilson_bounds(pl.col("wins"), decided)
    rate = share(pl.col("wins"), decided)
    return sums.with_columns(rate.alias("win_rate"), lower.alias("ci_lower"), upper.alias("ci_upper"))


def _n_where(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.col("n")).otherwise(0)


def _sum_by(rows: pl.DataFrame, key: Sequence[str], sums: Sequence[str]) -> pl.DataFrame:
    return rows.group_by(key).agg(pl.col(sums).sum())
