"""Long and short conversations: a column of battles that needs the measured messages."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.sides import add_side_sums


def add_length(battles: DataFrame, messages: DataFrame, *, tokenizer: str, threshold: int) -> DataFrame:
    """Battles with the column `length`: `long` where one of the two conversations has `threshold` tokens or more.

    Prompts and answers count, up to the turn that the vote is about. `short` needs both conversations; where a text or
    a measure is missing and the rest is not long, the length is null.

    Args:
        battles: the table `battles`.
        messages: the table `messages`, measured with the tokenizer.
        tokenizer: its name in `n_tokens`.
        threshold: in tokens.

    Source: FastChat, fastchat/serve/monitor/elo_analysis.py, `filter_long_conv`, whose threshold is 768.
    """
    sums = {"tokens": F.element_at("n_tokens", tokenizer)}
    a, b = F.col("tokens_a"), F.col("tokens_b")
    is_long = (a >= threshold) | (b >= threshold)
    kind = F.when(is_long, "long").when(~is_long, "short")
    return add_side_sums(battles, messages, sums).withColumn("length", kind).drop("tokens_a", "tokens_b")
