"""Job `moderation_stats`: moderation flags and scores, counted and summarised."""

import polars as pl

from arenalake.entities.tables import BATTLES, MESSAGES, TREE_MESSAGES
from arenalake.lake import Derivation, Statistic, derive
from arenalake.moderation.counts import count_patterns, count_scores
from arenalake.moderation.flags import (
    count_cooccurrence,
    summarise_answers,
    summarise_flagged_conversations,
    summarise_turns,
)
from arenalake.moderation.statistics import share_above_thresholds, summarise_moderation
from arenalake.moderation.tables import (
    MODERATION_ANSWERS,
    MODERATION_CONVERSATIONS,
    MODERATION_COOCCURRENCE,
    MODERATION_CURVES,
    MODERATION_PATTERNS,
    MODERATION_STATS,
    MODERATION_TURNS,
    SCORE_COUNTS,
    TOXICITY_AGREEMENT,
)
from arenalake.moderation.toxicity import measure_toxicity_agreement
from arenalake.step import Context, StepResult

_TABLES = (
    Derivation(MODERATION_PATTERNS, [MESSAGES, BATTLES], count_patterns),
    Statistic(MODERATION_STATS, [SCORE_COUNTS, MODERATION_PATTERNS], summarise_moderation),
    Statistic(MODERATION_CURVES, [SCORE_COUNTS], share_above_thresholds),
    Statistic(MODERATION_TURNS, [MODERATION_PATTERNS], summarise_turns),
    Statistic(MODERATION_COOCCURRENCE, [MODERATION_PATTERNS], count_cooccurrence),
    Statistic(MODERATION_ANSWERS, [MODERATION_PATTERNS], summarise_answers),
    Statistic(MODERATION_CONVERSATIONS, [MODERATION_PATTERNS], summarise_flagged_conversations),
    Derivation(TOXICITY_AGREEMENT, [BATTLES], measure_toxicity_agreement),
)


def run(context: Context) -> StepResult:
    """Write the tables of moderation where their inputs have changed."""
    lake = context.lake
    # Without trees, no task is started for them.
    scored = [MESSAGES, BATTLES, *([TREE_MESSAGES] if lake.exists(TREE_MESSAGES) else [])]
    derive(lake, (Derivation(SCORE_COUNTS, scored, count_scores), *_TABLES))
    overall = lake.load(MODERATION_STATS).filter((pl.col("grouping") == "all") & (pl.col("category") == "any"))
    rates = overall.sort("source", "role", "unit").to_pandas()
    lines = [
        f"moderation_stats: {row.source}, {row.role}: {row.n_flagged:,} of {row.n:,} flagged, "
        f"{row.n_missing:,.0f} without a flag"
        for row in rates[rates["unit"] == "message"].itertuples()
    ]
    return StepResult(
        lines=lines or ["moderation_stats: no messages and no battles"],
        tables={"flag_rates": rates},
        lacks="" if lines else "messages",
    )
