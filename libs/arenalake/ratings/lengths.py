"""Long and short conversations: a column of battles that needs the measured messages."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def add_length(battles: DataFrame, messages: DataFrame, *, tokenizer: str, threshold: int) -> DataFrame:
    """Battles with the column `length`: `long` where one of the two conversations has `threshold` tokens or more.

    All messages of a conversation count, prompts and answers. `short` needs both conversations; where a text or a
    measure is missing and the rest is not long, the length is null.

    Args:
        battles: the table `battles`.
        messages: the table `messages`, measured with the tokenizer.
        tokenizer: its name in `n_tokens`.
        threshold: in tokens.

    Source: FastChat, fastchat/serve/monitor/elo_analysis.py, `filter_long_conv`, whose threshold is 768.
    """
    tokens, length = F.element_at("n_tokens", tokenizer), F.length("conversation_id")
    told = messages.select(
        "source",
        F.substring("conversation_id", F.lit(1), length - 2).alias("battle_id"),
        F.substring("conversation_id", length - 1, F.lit(2)).alias("side"),
        tokens.alias("tokens"),
    ).where("side IN ('/a', '/b')")
    sums = {}
    for side in "ab":
        here = F.col("side") == f"/{side}"
        # A message without a measure makes the sum unknown; Spark's sum would skip it.
        complete = F.count_if(here) == F.count(F.when(here, F.col("tokens")))
        sums[side] = F.when(complete, F.sum(F.when(here, F.col("tokens")))).alias(side)
    both = told.groupBy("source", "battle_id").agg(*sums.values())
    is_long = (F.col("a") >= threshold) | (F.col("b") >= threshold)
    kind = F.when(is_long, "long").when(~is_long, "short").alias("length")
    return battles.join(both.select("source", "battle_id", kind), ["source", "battle_id"], "left")
