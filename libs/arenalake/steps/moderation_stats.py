"""Job `moderation_stats`: moderation flags and scores, counted and summarised."""

from arenalake.counts.moderation import count_patterns, count_scores, sum_patterns
from arenalake.statistics.flags import (
    count_cooccurrence,
    measure_coverage,
    summarise_answers,
    summarise_flagged_conversations,
    summarise_turns,
)
from arenalake.statistics.moderation import share_above_thresholds, summarise_moderation
from arenalake.statistics.toxicity import measure_toxicity_agreement
from arenalake.steps.step import Context, StepResult
from arenalake.tables import (
    BATTLES,
    MESSAGES,
    MODERATION_ANSWERS,
    MODERATION_CONVERSATIONS,
    MODERATION_COOCCURRENCE,
    MODERATION_COUNTS,
    MODERATION_COVERAGE,
    MODERATION_CURVES,
    MODERATION_PATTERNS,
    MODERATION_STATS,
    MODERATION_TOTALS,
    MODERATION_TURNS,
    TOXICITY_AGREEMENT,
)

_OF_PATTERNS = {
    MODERATION_COVERAGE: measure_coverage,
    MODERATION_TURNS: summarise_turns,
    MODERATION_COOCCURRENCE: count_cooccurrence,
    MODERATION_ANSWERS: summarise_answers,
    MODERATION_CONVERSATIONS: summarise_flagged_conversations,
}


def run(context: Context) -> StepResult:
    lake = context.lake
    lake.derive(MODERATION_COUNTS, [MESSAGES, BATTLES], count_scores)
    lake.derive(MODERATION_PATTERNS, [MESSAGES, BATTLES], count_patterns)
    lake.derive(MODERATION_TOTALS, [MODERATION_PATTERNS], sum_patterns)
    lake.derive(MODERATION_STATS, [MODERATION_COUNTS, MODERATION_TOTALS], summarise_moderation)
    lake.derive(MODERATION_CURVES, [MODERATION_COUNTS], share_above_thresholds)
    for table, build in _OF_PATTERNS.items():
        lake.derive(table, [MODERATION_PATTERNS], build)
    lake.derive(TOXICITY_AGREEMENT, [BATTLES], measure_toxicity_agreement)
    overall = lake.read(MODERATION_STATS).where("grouping = 'all' AND category = 'any' AND unit = 'message'")
    rates = overall.orderBy("source", "role").toPandas()
    lines = [
        f"moderation_stats: {row.source}, {row.role}: {row.n_flagged:,} of {row.n:,} flagged, "
        f"{row.n_missing:,} without a flag"
        for row in rates.itertuples()
    ]
    return StepResult(lines=lines, tables={"flag_rates": rates})
