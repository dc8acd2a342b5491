"""Number of messages by length in tokens. Languages are as published, else as detected."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.languages import with_known_language


def count_tokens(messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Count messages by length.

    Args:
        messages: columns of the table `messages`.
        tokenizers: names in `n_tokens` to count; others that were counted once may lack newer messages.

    Returns:
        source, model, language, role, turn, month, tokenizer, n_tokens, n_messages, n_chars: one row per combination
        of the first eight that occurs. A null language or month is a value of its own.
    """
    keys = ("source", "model", "language", "role", "turn", "month")
    lengths = with_known_language(messages)
    lengths = lengths.select(*keys, "n_chars", _of("n_tokens", tokenizers).alias("tokenizer", "n_tokens"))
    sums = (F.count("*").alias("n_messages"), F.sum("n_chars").alias("n_chars"))
    return lengths.groupBy(*keys, "tokenizer", "n_tokens").agg(*sums)


def count_conversation_tokens(messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Count conversations by their turns and by the tokens of all their messages.

    Args:
        messages: columns of the table `messages`.
        tokenizers: names in `n_tokens` to count; others that were counted once may lack newer messages.

    Returns:
        source, model, language, tokenizer, turns, n_tokens, n_conversations: one row per combination that occurs.
    """
    lengths = with_known_language(messages.where("turns IS NOT NULL"))
    conversations = lengths.select(
        "source", "model", "language", "turns", _of("n_tokens_in_all", tokenizers).alias("tokenizer", "n_tokens")
    )
    keys = ("source", "model", "language", "tokenizer", "turns", "n_tokens")
    return conversations.groupBy(*keys).agg(F.count("*").alias("n_conversations"))


def _of(counts: str, tokenizers: Sequence[str]) -> Column:
    return F.explode(F.map_filter(counts, lambda name, _: name.isin(*tokenizers)))
