"""Tokens per message, per conversation and per character, as functions of counts."""

import polars as pl

from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.lengths import describe
from arenalake.numbers.proportions import share

GROUPINGS = ("all", "model", "language", "model,language", "turn", "month")
_KEYS = ("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer")
_CONVERSATION_KEYS = ("source", "grouping", "model", "language", "measure", "tokenizer")


def summarise_tokens(token_counts: pl.DataFrame) -> pl.DataFrame:
    """Summarise the lengths of messages by grouping, role and tokenizer.

    Args:
        token_counts: columns of the table `token_counts`.

    Returns:
        Columns of the table `token_stats`. A null language is a group of its own, a null month too where the source
        has months at all. Roles alternate, so the conversations that have a role are its messages of turn 1, or of
        the one turn that the row is about.
    """
    n = pl.col("n_messages")
    # Without a month anywhere in a source, its months would only repeat `all`.
    has_months = pl.col("month").is_not_null().any().over("source")
    counts = token_counts.with_columns(
        has_months=has_months, n_conversations=pl.when(pl.col("turn") == 1).then(n).otherwise(0)
    )
    views = by_groupings(counts, GROUPINGS).filter((pl.col("grouping") != "month") | pl.col("has_months"))
    stats = describe(views, keys=_KEYS, value="n_tokens", n="n_messages", sums=["n_conversations"])
    # A turn is one message per conversation.
    of_turn = pl.when(pl.col("grouping") == "turn").then(n).otherwise("n_conversations")
    return stats.with_columns(of_turn.alias("n_conversations"))


def summarise_language_costs(token_counts: pl.DataFrame) -> pl.DataFrame:
    """Add up characters and tokens by language.

    Args:
        token_counts: columns of the table `token_counts`.

    Returns:
        Columns of the table `language_costs`; tokens_per_char is null without characters, and a null language is a
        group of its own.
    """
    tokens = pl.col("n_tokens").cast(pl.Int64) * pl.col("n_messages")
    sums = token_counts.group_by("source", "language", "role", "tokenizer").agg(
        pl.col("n_messages", "n_chars").sum(), tokens.sum().alias("n_tokens")
    )
    return sums.with_columns(share(pl.col("n_tokens"), pl.col("n_chars")).alias("tokens_per_char"))


def summarise_conversations(conversation_token_counts: pl.DataFrame) -> pl.DataFrame:
    """Summarise turns and tokens per conversation, for all, by model and by language.

    Args:
        conversation_token_counts: columns of the table `conversation_token_counts`.

    Returns:
        Columns of the table `conversation_token_stats`. Turns are the same for every tokenizer and are given with each.
    """
    measures = {"turns": pl.col("turns").cast(pl.Int64), "tokens": pl.col("n_tokens")}
    values = pl.concat(
        conversation_token_counts.select(
            *("source", "model", "language", "tokenizer", "n_conversations"),
            pl.lit(measure).alias("measure"),
            value.alias("value"),
        )
        for measure, value in measures.items()
    )
    views = by_groupings(values, ("all", "model", "language"))
    return describe(views, keys=_CONVERSATION_KEYS, value="value", n="n_conversations")
