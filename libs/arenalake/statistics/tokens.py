"""Tokens per message, per conversation and per character, as functions of counts."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.statistics.lengths import STATISTICS, describe

GROUPINGS = ("all", "model", "language", "model,language", "turn", "month")
_KEYS = ("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer")
_CONVERSATION_KEYS = ("source", "grouping", "model", "language", "measure", "tokenizer")


def summarise_tokens(token_counts: DataFrame) -> DataFrame:
    """Summarise the lengths of messages by grouping, role and tokenizer.

    Args:
        token_counts: columns of the table `token_counts`.

    Returns:
        Columns of the table `token_stats`. A null language is a group of its own, a null month too where the source
        has months at all. Roles alternate, so the conversations that have a role are its messages of turn 1, or of
        the one turn that the row is about.
    """
    opens = F.when(F.col("turn") == 1, F.col("n_messages")).otherwise(0)
    lengths = token_counts.withColumn("n_conversations", opens)
    stats = describe(
        lengths, groupings=GROUPINGS, keys=_KEYS, value="n_tokens", n="n_messages", sums=["n_conversations"]
    )
    # A turn is one message per conversation.
    of_turn = F.when(F.col("grouping") == "turn", F.col("n_messages")).otherwise(F.col("n_conversations"))
    stats = stats.withColumn("n_conversations", of_turn)
    # Without a month anywhere in a source, its months would only repeat `all`.
    has_months = F.max("month").over(Window.partitionBy("source", "grouping")).isNotNull()
    told = stats.withColumn("told", (F.col("grouping") != "month") | has_months).where("told")
    return told.select(*_KEYS, "n_conversations", "n_messages", *STATISTICS)


def summarise_language_costs(token_counts: DataFrame) -> DataFrame:
    """Add up characters and tokens by language.

    Args:
        token_counts: columns of the table `token_counts`.

    Returns:
        Columns of the table `language_costs`; tokens_per_char is null without characters, and a null language is a
        group of its own.
    """
    keys = ("source", "language", "role", "tokenizer")
    sums = token_counts.groupBy(*keys).agg(
        F.sum("n_messages").alias("n_messages"),
        F.sum("n_chars").alias("n_chars"),
        F.sum(F.col("n_tokens") * F.col("n_messages")).alias("n_tokens"),
    )
    per_char = F.col("n_tokens") / F.nullif(F.col("n_chars"), F.lit(0))
    return sums.select(*keys, "n_messages", "n_chars", "n_tokens", per_char.alias("tokens_per_char"))


def summarise_conversations(conversation_token_counts: DataFrame) -> DataFrame:
    """Summarise turns and tokens per conversation, for all, by model and by language.

    Args:
        conversation_token_counts: columns of the table `conversation_token_counts`.

    Returns:
        Columns of the table `conversation_token_stats`. Turns are the same for every tokenizer and are given with each.
    """
    measures = F.create_map(F.lit("turns"), F.col("turns").cast("bigint"), F.lit("tokens"), F.col("n_tokens"))
    columns = ("source", "model", "language", "tokenizer", "n_conversations")
    values = conversation_token_counts.select(*columns, F.explode(measures).alias("measure", "value"))
    groupings = ("all", "model", "language")
    stats = describe(values, groupings=groupings, keys=_CONVERSATION_KEYS, value="value", n="n_conversations")
    return stats.select(*_CONVERSATION_KEYS, "n_conversations", *STATISTICS)
