"""Tokens per message, per conversation and per character, as functions of histograms of lengths."""

import polars as pl

from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.histograms import cells_of
from arenalake.numbers.lengths import describe
from arenalake.numbers.proportions import share
from arenalake.tokens.tables import CONVERSATION_TOKENS, MESSAGE_TOKENS, TURNS

GROUPINGS = ("all", "model", "language", "model,language", "turn", "month")
_KEYS = ("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer")
_CONVERSATION_KEYS = ("source", "grouping", "model", "language", "measure", "tokenizer")


def summarise_tokens(length_counts: pl.DataFrame) -> pl.DataFrame:
    """Summarise the lengths of messages by grouping, role and tokenizer.

    Args:
        length_counts: columns of the table `length_counts`.

    Returns:
        Columns of the table `token_stats`. A null language is a group of its own, a null month too where the source
        has months at all. Roles alternate, so the conversations that have a role are its messages of turn 1, or of
        the one turn that the row is about.
    """
    n = pl.col("n_messages")
    # Without a month anywhere in a source, its months would only repeat `all`.
    has_months = pl.col("month").is_not_null().any().over("source")
    messages = length_counts.filter(pl.col("measure") == MESSAGE_TOKENS).with_columns(has_months=has_months)
    keys = ("source", "model", "language", "role", "turn", "month", "tokenizer", "has_months")
    lengths = cells_of(messages, keys=keys, cell="lengths").rename({"n": "n_messages"})
    counts = lengths.with_columns(
        pl.col("lengths").cast(pl.Int32), n_conversations=pl.when(pl.col("turn") == 1).then(n).otherwise(0)
    )
    views = by_groupings(counts, GROUPINGS).filter((pl.col("grouping") != "month") | pl.col("has_months"))
    stats = describe(views, keys=_KEYS, value="lengths", n="n_messages", sums=["n_conversations"])
    chars = by_groupings(messages, GROUPINGS).group_by(_KEYS).agg(pl.col("n_chars").sum())
    stats = stats.join(chars, on=_KEYS, how="left", nulls_equal=True)
    # A turn is one message per conversation.
    of_turn = pl.when(pl.col("grouping") == "turn").then(n).otherwise("n_conversations")
    per_char = share(pl.col("total"), pl.col("n_chars")).alias("tokens_per_char")
    return stats.with_columns(of_turn.alias("n_conversations"), per_char)


def summarise_conversations(length_counts: pl.DataFrame) -> pl.DataFrame:
    """Summarise turns and tokens per conversation, for all, by model and by language.

    Args:
        length_counts: columns of the table `length_counts`.

    Returns:
        Columns of the table `conversation_token_stats`. Turns are the same for every tokenizer and are given with each.
    """
    measures = {TURNS: "turns", CONVERSATION_TOKENS: "tokens"}
    conversations = length_counts.filter(pl.col("measure").is_in(list(measures))).with_columns(
        pl.col("measure").replace_strict(measures)
    )
    keys = ("source", "model", "language", "measure", "tokenizer")
    lengths = cells_of(conversations, keys=keys, cell="lengths").rename({"n": "n_conversations"})
    tokens = lengths.filter(pl.col("measure") == "tokens")
    turns = lengths.filter(pl.col("measure") == "turns").drop("tokenizer")
    turns = turns.join(tokens.select("source", "tokenizer").unique(), on="source").select(tokens.columns)
    views = by_groupings(pl.concat([tokens, turns]), ("all", "model", "language"))
    return describe(views, keys=_CONVERSATION_KEYS, value="lengths", n="n_conversations")
