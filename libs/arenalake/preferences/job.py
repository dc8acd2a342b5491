"""Job `preference_stats`: properties of annotated pairs, what each judge prefers, and who is like whom."""

from functools import partial

import polars as pl

from arenalake.entities.tables import PREFERENCE_PAIRS
from arenalake.lake import Derivation, Statistic, derive
from arenalake.preferences.counts import count_cases, count_judges, count_products, count_properties
from arenalake.preferences.spread import fit_preferences
from arenalake.preferences.statistics import (
    compare_judges,
    correlate_properties,
    list_weights,
    order_judges,
    rank_judges,
    summarise_properties,
)
from arenalake.preferences.tables import (
    CASE_COUNTS,
    JUDGE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_COUNTS,
    PROPERTY_PRODUCTS,
    PROPERTY_STATS,
)
from arenalake.step import Context, StepResult

_OF_ALL = pl.col("accuracy").filter(pl.col("grouping") == "all")
_SUMMARY = {
    "n_fits": pl.len(),
    "n_judges": pl.col("judge").n_unique(),
    "least": _OF_ALL.min(),
    "most": _OF_ALL.max(),
    "n_unsettled": (~pl.col("converged")).sum(),
}


def run(context: Context) -> StepResult:
    """Write the tables of preferences where their inputs have changed."""
    lake, preferences = context.lake, context.config.preferences
    if not lake.exists(PREFERENCE_PAIRS):
        return StepResult(lines=["preference_stats: no source has annotated pairs"], lacks="annotated pairs")
    fit = partial(fit_preferences, preferences=preferences)
    derivations = (
        Derivation(PROPERTY_COUNTS, [PREFERENCE_PAIRS], count_properties),
        Derivation(CASE_COUNTS, [PREFERENCE_PAIRS], count_cases),
        Derivation(PROPERTY_PRODUCTS, [PREFERENCE_PAIRS], count_products),
        Derivation(JUDGE_COUNTS, [PREFERENCE_PAIRS], count_judges),
        Derivation(PREFERENCE_FITS, [PREFERENCE_PAIRS], fit, preferences.model_dump()),
        Statistic(PROPERTY_STATS, [PROPERTY_COUNTS], summarise_properties),
        Statistic(PROPERTY_CORRELATIONS, [PROPERTY_PRODUCTS], correlate_properties),
        Statistic(PREFERENCE_WEIGHTS, [PREFERENCE_FITS], list_weights),
        Statistic(JUDGE_PAIRS, [JUDGE_COUNTS, PREFERENCE_FITS], compare_judges),
        Statistic(JUDGE_RANKS, [JUDGE_PAIRS], rank_judges),
        Statistic(JUDGE_ORDER, [PREFERENCE_FITS], order_judges),
    )
    derive(lake, derivations)
    fits = lake.load(PREFERENCE_FITS)
    lines = []
    for row in fits.group_by("source").agg(**_SUMMARY).sort("source").iter_rows(named=True):
        line = f"preference_stats: {row['source']}: {row['n_fits']:,} fits of {row['n_judges']:,} judges"
        if row["least"] is not None:
            line += f"; accuracy over all pairs from {row['least']:.1%} to {row['most']:.1%} by judge"
        if row["n_unsettled"]:
            line += f"; {row['n_unsettled']:,} fits did not converge, see preference_fits"
        lines.append(line)
    ranks = lake.load(JUDGE_RANKS).filter(pl.col("grouping") == "all").sort("source", "rank", "judge")
    return StepResult(lines=lines, tables={"judge_ranks": ranks.to_pandas()} if len(ranks) else {})
