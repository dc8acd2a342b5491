"""The job `battle_stats`: which battles are rated, battles by outcome, then pairs, positions and days."""

from functools import partial

import polars as pl

from arenalake.battles.cleaning import summarise_cleaning
from arenalake.battles.counts import count_battles, count_days
from arenalake.battles.options import CleaningConfig
from arenalake.battles.rules import mark_votes
from arenalake.battles.statistics import summarise_pairs, summarise_positions
from arenalake.battles.tables import (
    BATTLE_COUNTS,
    CLEANING_STATS,
    PAIR_STATS,
    POSITION_STATS,
    REMOVED_VOTES,
    VOLUME_STATS,
)
from arenalake.entities.tables import BATTLES
from arenalake.lake import Derivation, Lake, Statistic, derive
from arenalake.plurals import counted
from arenalake.step import Context, StepResult


def run(context: Context) -> StepResult:
    """Write `battle_counts`, `pair_stats`, `position_stats` and `volume_stats` where `battles` has changed.

    With cleaning rules also `removed_votes` and `cleaning_stats`, which are emptied when the last rule is off.
    """
    lake, cleaning = context.lake, context.config.cleaning
    derive(lake, _derivations(lake, cleaning))
    pairs = lake.load(PAIR_STATS).group_by("source", "judge_kind")
    sums = pairs.agg(pl.col("n").sum(), pl.len().alias("pairs")).sort("source", "judge_kind")
    lines = []
    for source, kind, n, n_pairs in sums.iter_rows():
        judges = "models" if kind == "model" else "people"
        lines.append(
            f"battle_stats: {source}, judged by {judges}: {counted(n, 'battle')} of {counted(n_pairs, 'pair')}"
        )
    result = StepResult(
        lines=lines or ["battle_stats: no battles"],
        metrics={"battles": float(sum(sums["n"])), "pairs": float(sum(sums["pairs"]))},
        lacks="" if lines else "battles",
    )
    if cleaning.rules:
        _add_cleaning(result, lake)
    return result


def _derivations(lake: Lake, cleaning: CleaningConfig) -> list[Derivation]:
    settings = {"cleaning": cleaning.model_dump(mode="json")}
    marks = Derivation(REMOVED_VOTES, [BATTLES], partial(mark_votes, cleaning=cleaning), settings)
    sums = Statistic(CLEANING_STATS, [BATTLE_COUNTS], partial(summarise_cleaning, cleaning=cleaning), settings)
    # Without a rule there is nothing to write, unless an earlier run had one.
    wanted = {table: bool(cleaning.rules) or lake.exists(table) for table in (REMOVED_VOTES, CLEANING_STATS)}
    return [
        *([marks] if wanted[REMOVED_VOTES] else []),
        Derivation(BATTLE_COUNTS, [BATTLES, REMOVED_VOTES] if cleaning.rules else [BATTLES], count_battles),
        Derivation(VOLUME_STATS, [BATTLES], count_days),
        Statistic(PAIR_STATS, [BATTLE_COUNTS], summarise_pairs),
        Statistic(POSITION_STATS, [BATTLE_COUNTS], summarise_positions),
        *([sums] if wanted[CLEANING_STATS] else []),
    ]


def _add_cleaning(result: StepResult, lake: Lake) -> None:
    rows = lake.load(CLEANING_STATS)
    result.tables["cleaning_stats"] = rows.to_pandas()
    for row in rows.iter_rows(named=True):
        result.lines.append(
            "battle_stats: {source}, {rule} removed {n_removed:,} of {n_before:,} battles from the ratings "
            "({parameters})".format(**row)
        )
        result.metrics[f"removed_{row['source']}_{row['rule']}"] = float(row["n_removed"])
