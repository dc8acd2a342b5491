"""Length of messages in tokens: exact means, deviations and quantiles as functions of counts."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.statistics.groupings import by_groupings

GROUPINGS = ("all", "model", "language", "model,language", "turn", "month")
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
_KEY = ("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer")


def summarise_tokens(token_counts: DataFrame) -> DataFrame:
    """Summarise lengths by grouping, role and tokenizer.

    Args:
        token_counts: columns of the table `token_counts`.

    Returns:
        Columns of the table `token_stats`. Sums are of integers and decimals, so nothing depends on their order. A
        quantile is the smallest length that at least that share of the messages does not exceed (`inverted_cdf`). A
        null language is a group of its own, a null month too where the source has months at all. Roles alternate,
        so the conversations that have a role are its messages of turn 1, or of the one turn that the row is about.
    """
    views = by_groupings(token_counts.withColumn("first_turn", F.col("turn") == 1), GROUPINGS)
    # The column `turn` is null outside its own grouping, where every turn is one message per conversation.
    opens = F.col("first_turn") | (F.col("grouping") == "turn")
    lengths = views.groupBy(*_KEY, "n_tokens").agg(
        F.sum("n_messages").alias("n"), F.sum(F.when(opens, F.col("n_messages")).otherwise(0)).alias("n_opening")
    )
    group = Window.partitionBy(*_KEY)
    ranked = lengths.select(
        *lengths.columns,
        F.sum("n").over(group.orderBy("n_tokens").rowsBetween(Window.unboundedPreceding, 0)).alias("n_up_to"),
        F.sum("n").over(group).alias("n_all"),
    )
    x, n = F.col("n_tokens"), F.col("n")
    sums = ranked.groupBy(*_KEY).agg(
        F.sum("n_opening").alias("n_conversations"),
        F.sum(n).alias("n_messages"),
        F.sum(x * n).alias("total"),
        F.sum(n.cast("decimal(38,0)") * x * x).alias("total_squared"),
        F.min(x).alias("min"),
        F.max(x).alias("max"),
        *[F.min(F.when(F.col("n_up_to") * 100 >= F.col("n_all") * p, x)).alias(f"p{p}") for p in PERCENTILES],
    )
    size, total = F.col("n_messages"), F.col("total").cast("decimal(38,0)")
    squares = size.cast("decimal(38,0)") * F.col("total_squared") - total * total
    variance = squares.cast("double") / F.nullif(size.cast("double") * (size - 1), F.lit(0.0))
    # Without a month anywhere in a source, its months would only repeat `all`.
    has_months = F.max("month").over(Window.partitionBy("source", "grouping")).isNotNull()
    summary = sums.select(
        *_KEY,
        "n_conversations",
        "n_messages",
        "total",
        (F.col("total") / size).alias("mean"),
        F.sqrt(variance).alias("sd"),
        "min",
        "max",
        *[f"p{p}" for p in PERCENTILES],
        ((F.col("grouping") != "month") | has_months).alias("told"),
    )
    return summary.where("told").drop("told")
