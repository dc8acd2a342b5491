"""Tokens per message, per conversation and per character, as functions of counts."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.statistics.groupings import by_groupings
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
    views = by_groupings(token_counts.withColumn("first_turn", F.col("turn") == 1), GROUPINGS)
    # The column `turn` is null outside its own grouping, where every turn is one message per conversation.
    opens = F.col("first_turn") | (F.col("grouping") == "turn")
    lengths = views.groupBy(*_KEYS, "n_tokens").agg(
        F.sum("n_messages").alias("n_messages"),
        F.sum(F.when(opens, F.col("n_messages")).otherwise(0)).alias("n_conversations"),
    )
    stats = describe(lengths, keys=_KEYS, value="n_tokens", n="n_messages", sums=["n_conversations"])
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
    views = by_groupings(conversation_token_counts, ("all", "model", "language"))
    measures = F.create_map(F.lit("turns"), F.col("turns").cast("bigint"), F.lit("tokens"), F.col("n_tokens"))
    keys = ("source", "grouping", "model", "language", "tokenizer", "n_conversations")
    values = views.select(*keys, F.explode(measures).alias("measure", "value"))
    counts = values.groupBy(*_CONVERSATION_KEYS, "value").agg(F.sum("n_conversations").alias("n_conversations"))
    stats = describe(counts, keys=_CONVERSATION_KEYS, value="value", n="n_conversations")
    return stats.select(*_CONVERSATION_KEYS, "n_conversations", *STATISTICS)
