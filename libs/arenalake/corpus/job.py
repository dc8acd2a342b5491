"""Job `corpus_stats`: what a corpus consists of, who votes, and how published languages compare with detected ones."""

import polars as pl

from arenalake.corpus.languages import audit_languages
from arenalake.corpus.statistics import summarise_shape, summarise_voters
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.entities.tables import BATTLES, CONVERSATIONS, MESSAGES
from arenalake.lake import Derivation, derive
from arenalake.plurals import counted
from arenalake.step import Context, StepResult

_SHAPE = Derivation(CORPUS_SHAPE, [CONVERSATIONS, MESSAGES], summarise_shape)
_VOTERS = Derivation(VOTER_STATS, [BATTLES], summarise_voters)
_AUDIT = Derivation(LANGUAGE_AUDIT, [MESSAGES], audit_languages)


def run(context: Context) -> StepResult:
    """Write the tables of this room where their inputs have changed; without battles there are no voters."""
    lake = context.lake
    voters = [_VOTERS] if lake.exists(BATTLES) else []
    derive(lake, [_SHAPE, _AUDIT, *voters])
    overall = lake.load(CORPUS_SHAPE).filter(pl.col("grouping") == "all").sort("source")
    lines = [
        f"corpus_stats: {row['source']}: {counted(row['n_conversations'], 'conversation')}, "
        f"{counted(row['n_models'], 'model')}, {counted(row['n_languages'], 'language')}"
        for row in overall.iter_rows(named=True)
    ]
    is_empty = not lines and all(lake.load(other.table).is_empty() for other in (_AUDIT, *voters))
    return StepResult(
        lines=lines or ["corpus_stats: no conversations"],
        tables={"corpus": overall.to_pandas()},
        lacks="conversations" if is_empty else "",
    )
