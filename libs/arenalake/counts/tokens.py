"""Number of messages by length in tokens."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def count_tokens(messages: DataFrame) -> DataFrame:
    """Count messages by length.

    Args:
        messages: columns of the table `messages`.

    Returns:
        source, model, language, role, turn, month, tokenizer, n_tokens, n_messages: one row per combination that
        occurs. A null language or month is a value of its own.
    """
    keys = ("source", "model", "language", "role", "turn", "month")
    lengths = messages.select(*keys, F.explode("n_tokens").alias("tokenizer", "n_tokens"))
    return lengths.groupBy(*keys, "tokenizer", "n_tokens").agg(F.count("*").alias("n_messages"))
