"""The job `battle_stats`: which battles are rated, battles by outcome, then pairs, positions and days."""

from functools import partial

import pandas as pd
from pyspark.sql import functions as F

from arenalake.cleaning.rules import mark_votes
from arenalake.config import CleaningConfig
from arenalake.counts.battles import count_battles, count_days
from arenalake.lake import Derivation, Lake
from arenalake.statistics.battles import summarise_pairs, summarise_positions
from arenalake.statistics.cleaning import summarise_cleaning
from arenalake.steps import Context, StepResult
from arenalake.tables import (
    BATTLE_COUNTS,
    BATTLES,
    CLEANING_STATS,
    PAIR_STATS,
    POSITION_STATS,
    REMOVED_VOTES,
    VOLUME_STATS,
)


def run(context: Context) -> StepResult:
    """Write `battle_counts`, `pair_stats`, `position_stats` and `volume_stats` where `battles` has changed.

    With cleaning rules also `removed_votes` and `cleaning_stats`, which are emptied when the last rule is off.
    """
    lake, cleaning = context.lake, context.config.cleaning
    lake.derive(_derivations(lake, cleaning))
    rows = (
        lake.read(PAIR_STATS)
        .groupBy("source", "judge_kind")
        .agg(F.sum("n").alias("battles"), F.count(F.lit(1)).alias("pairs"))
        .orderBy("source", "judge_kind")
        .collect()
    )
    lines = [
        f"battle_stats: {row.source}, judged by {'models' if row.judge_kind == 'model' else 'people'}: "
        f"{row.battles:,} battles of {row.pairs:,} pairs"
        for row in rows
    ]
    result = StepResult(
        lines=lines or ["battle_stats: no battles"],
        metrics={"battles": float(sum(row.battles for row in rows)), "pairs": float(sum(row.pairs for row in rows))},
    )
    if cleaning.rules:
        _add_cleaning(result, lake)
    return result


def _derivations(lake: Lake, cleaning: CleaningConfig) -> list[Derivation]:
    settings = {"cleaning": cleaning.model_dump(mode="json")}
    marks = Derivation(REMOVED_VOTES, [BATTLES], partial(mark_votes, cleaning=cleaning), settings)
    sums = Derivation(CLEANING_STATS, [BATTLE_COUNTS], partial(summarise_cleaning, cleaning=cleaning), settings)
    # Without a rule there is nothing to write, unless an earlier run had one.
    wanted = {table: bool(cleaning.rules) or lake.exists(table) for table in (REMOVED_VOTES, CLEANING_STATS)}
    return [
        *([marks] if wanted[REMOVED_VOTES] else []),
        Derivation(BATTLE_COUNTS, [BATTLES, REMOVED_VOTES] if cleaning.rules else [BATTLES], count_battles),
        Derivation(VOLUME_STATS, [BATTLES], count_days),
        Derivation(PAIR_STATS, [BATTLE_COUNTS], summarise_pairs),
        Derivation(POSITION_STATS, [BATTLE_COUNTS], summarise_positions),
        *([sums] if wanted[CLEANING_STATS] else []),
    ]


def _add_cleaning(result: StepResult, lake: Lake) -> None:
    rows = lake.read(CLEANING_STATS).orderBy("source", "step").collect()
    result.tables["cleaning_stats"] = pd.DataFrame(rows, columns=CLEANING_STATS.column_names)
    for row in rows:
        result.lines.append(
            f"battle_stats: {row.source}, {row.rule} removed {row.n_removed:,} of {row.n_before:,} battles from what "
            f"is rated ({row.parameters})"
        )
        result.metrics[f"removed_{row.source}_{row.rule}"] = float(row.n_removed)
