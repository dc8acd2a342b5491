"""Counts of conversations by everything that is known of them but their text."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import with_known_language


def count_conversations(conversations: DataFrame, messages: DataFrame) -> DataFrame:
    """Count conversations.

    Args:
        conversations: columns of the table `conversations`; text is not read.
        messages: columns of the table `messages`, for the languages that were detected where none is published.

    Returns:
        source, model, language, turns, redacted, day, n_conversations: one row per combination that occurs. A null is
        a value of its own.
    """
    detected = messages.where("position = 0 AND language IS NULL AND detected_language IS NOT NULL")
    detected = detected.select("source", "conversation_id", "detected_language")
    keys = ("source", "model", "language", "turns", "redacted", "day")
    rows = conversations.select(
        "source",
        "conversation_id",
        "model",
        "language",
        F.col("turn").alias("turns"),
        "redacted",
        F.to_date("tstamp").alias("day"),
    ).join(detected, ["source", "conversation_id"], "left")
    return with_known_language(rows).groupBy(*keys).agg(F.count("*").alias("n_conversations"))
