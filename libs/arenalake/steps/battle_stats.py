"""The job `battle_stats`: battles by outcome, then pairs, positions and days."""

from pyspark.sql import functions as F

from arenalake.counts.battles import count_battles, count_days
from arenalake.lake import Derivation
from arenalake.statistics.battles import summarise_pairs, summarise_positions
from arenalake.steps import Context, StepResult
from arenalake.tables import BATTLE_COUNTS, BATTLES, PAIR_STATS, POSITION_STATS, VOLUME_STATS

_TABLES = (
    Derivation(BATTLE_COUNTS, [BATTLES], count_battles),
    Derivation(VOLUME_STATS, [BATTLES], count_days),
    Derivation(PAIR_STATS, [BATTLE_COUNTS], summarise_pairs),
    Derivation(POSITION_STATS, [BATTLE_COUNTS], summarise_positions),
)


def run(context: Context) -> StepResult:
    """Write `battle_counts`, `pair_stats`, `position_stats` and `volume_stats` where `battles` has changed."""
    lake = context.lake
    lake.derive(_TABLES)
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
    return StepResult(
        lines=lines or ["battle_stats: no battles"],
        metrics={"battles": float(sum(row.battles for row in rows)), "pairs": float(sum(row.pairs for row in rows))},
    )
