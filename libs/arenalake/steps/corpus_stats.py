"""Job `corpus_stats`: what a corpus consists of, who votes, and how published languages compare with detected ones."""

from arenalake.counts.conversations import count_conversations
from arenalake.lake import Derivation
from arenalake.statistics.languages import audit_languages
from arenalake.statistics.shape import summarise_shape, summarise_voters
from arenalake.steps.step import Context, StepResult
from arenalake.tables import (
    BATTLES,
    CONVERSATION_COUNTS,
    CONVERSATIONS,
    CORPUS_SHAPE,
    LANGUAGE_AUDIT,
    MESSAGES,
    VOTER_STATS,
)

_TABLES = (
    Derivation(CONVERSATION_COUNTS, [CONVERSATIONS, MESSAGES], count_conversations),
    Derivation(VOTER_STATS, [BATTLES], summarise_voters),
    Derivation(LANGUAGE_AUDIT, [MESSAGES], audit_languages),
    Derivation(CORPUS_SHAPE, [CONVERSATION_COUNTS, MESSAGES], summarise_shape),
)


def run(context: Context) -> StepResult:
    """Write the tables of `SHAPE_TABLES` where their inputs have changed."""
    lake = context.lake
    lake.derive(_TABLES)
    overall = lake.read(CORPUS_SHAPE).where("grouping = 'all'").orderBy("source").toPandas()
    lines = [
        f"corpus_stats: {row.source}: {row.n_conversations:,} conversations, {row.n_models:,} models, "
        f"{row.n_languages:,} languages"
        for row in overall.itertuples()
    ]
    return StepResult(lines=lines or ["corpus_stats: no conversations"], tables={"corpus": overall})
