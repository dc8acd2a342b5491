"""Job `token_stats`: lengths of messages in tokens, counted and summarised."""

from functools import partial

import polars as pl

from arenalake.entities.tables import MESSAGES
from arenalake.lake import Derivation, Statistic, derive
from arenalake.plurals import counted
from arenalake.step import Context, StepResult
from arenalake.text.tokenizers import tokenizer_keys
from arenalake.tokens.counts import count_lengths
from arenalake.tokens.statistics import summarise_conversations, summarise_tokens
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, LENGTH_COUNTS, TOKEN_STATS

_STATISTICS = (
    Statistic(TOKEN_STATS, [LENGTH_COUNTS], summarise_tokens),
    Statistic(CONVERSATION_TOKEN_STATS, [LENGTH_COUNTS], summarise_conversations),
)


def run(context: Context) -> StepResult:
    """Write the tables of tokens where their inputs have changed."""
    lake = context.lake
    tokenizers = sorted(tokenizer_keys(context.config.tokens.tokenizers))
    count = partial(count_lengths, tokenizers=tokenizers)
    counts = Derivation(LENGTH_COUNTS, [MESSAGES], count, {"tokenizers": tokenizers})
    derive(lake, [counts, *_STATISTICS])
    overall = lake.load(TOKEN_STATS).filter(pl.col("grouping") == "all").sort("source", "tokenizer", "role")
    lines = [
        f"token_stats: {row['source']}, {row['role']}, {row['tokenizer']}: {counted(row['n_messages'], 'message')}, "
        f"{row['mean']:,.1f} tokens on average, half of them at most {row['p50']:,}"
        for row in overall.iter_rows(named=True)
    ]
    return StepResult(
        lines=lines or ["token_stats: no messages"],
        tables={"token_lengths": overall.to_pandas()},
        lacks="" if lines else "messages",
    )
