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
        source, model, language, role, turn, month, tokenizer, n_tokens, n_messages: one row per combination that
        occurs. A null language or month is a value of its own.
    """
    keys = ("source", "model", "language", "role", "turn", "month")
    lengths = with_known_language(messages).select(*keys, _explode(tokenizers).alias("tokenizer", "n_tokens"))
    return lengths.groupBy(*keys, "tokenizer", "n_tokens").agg(F.count("*").alias("n_messages"))


def count_conversation_tokens(messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Count conversations by their turns and by the tokens of all their messages.

    Args:
        messages: columns of the table `messages`.
        tokenizers: names in `n_tokens` to count; others that were counted once may lack newer messages.

    Returns:
        source, model, language, tokenizer, turns, n_tokens, n_conversations: one row per combination that occurs.
    """
    lengths = with_known_language(messages).select(
        "source", "conversation_id", "model", "language", "turn", _explode(tokenizers).alias("tokenizer", "tokens")
    )
    # Model and language are the same for all messages of a conversation.
    conversations = lengths.groupBy("conversation_id", "source", "model", "language", "tokenizer").agg(
        F.max("turn").alias("turns"), F.sum("tokens").alias("n_tokens")
    )
    keys = ("source", "model", "language", "tokenizer", "turns", "n_tokens")
    return conversations.groupBy(*keys).agg(F.count("*").alias("n_conversations"))


def sum_language_costs(messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Add up characters and tokens by language.

    Args:
        messages: columns of the table `messages`.
        tokenizers: names in `n_tokens` to count; others that were counted once may lack newer messages.

    Returns:
        source, language, role, tokenizer, n_messages, n_chars, n_tokens, tokens_per_char (null without characters). A
        null language is a group of its own.
    """
    keys = ("source", "language", "role", "tokenizer")
    lengths = with_known_language(messages).select(
        "source", "language", "role", "n_chars", _explode(tokenizers).alias("tokenizer", "n")
    )
    sums = lengths.groupBy(*keys).agg(
        F.count("*").alias("n_messages"), F.sum("n_chars").alias("n_chars"), F.sum("n").alias("n_tokens")
    )
    per_char = F.col("n_tokens") / F.nullif(F.col("n_chars"), F.lit(0))
    return sums.select(*keys, "n_messages", "n_chars", "n_tokens", per_char.alias("tokens_per_char"))


def _explode(tokenizers: Sequence[str]) -> Column:
    return F.explode(F.map_filter("n_tokens", lambda name, _: name.isin(*tokenizers)))
