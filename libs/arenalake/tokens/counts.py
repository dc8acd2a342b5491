"""Number of messages by length in tokens. Languages are as published, else as detected."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import with_known_language


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
    lengths = _by_tokenizer(with_known_language(messages), "n_tokens", tokenizers)
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
    conversations = with_known_language(messages.where("turns IS NOT NULL"))
    conversations = _by_tokenizer(conversations, "n_tokens_in_all", tokenizers)
    keys = ("source", "model", "language", "tokenizer", "turns", "n_tokens")
    return conversations.groupBy(*keys).agg(F.count("*").alias("n_conversations"))


def _by_tokenizer(rows: DataFrame, counts: str, tokenizers: Sequence[str]) -> DataFrame:
    """Repeat each row for every tokenizer that counted it, with the columns tokenizer and n_tokens."""
    # Functions that take a function are interpreted row by row, so the names are written out.
    pairs = [F.struct(F.lit(t).alias("tokenizer"), F.col(counts)[t].alias("n_tokens")) for t in tokenizers]
    others = [column for column in rows.columns if column not in ("tokenizer", "n_tokens")]
    return rows.select(*others, F.inline(F.array(*pairs))).where("n_tokens IS NOT NULL")
