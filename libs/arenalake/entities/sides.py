"""What the messages of a battle's two conversations add up to."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_KEY = ["source", "battle_id"]


def add_side_sums(
    battles: DataFrame, messages: DataFrame, sums: Mapping[str, Column], *, role: str | None = None
) -> DataFrame:
    """Battles with sums over the messages of each side, up to the turn that the vote is about (null: all turns).

    Args:
        battles: the table `battles`.
        messages: the table `messages`.
        sums: name to a column of whole numbers of `messages`.
        role: whose messages; None for everybody's.

    Returns:
        The columns of `battles`, and for each name `<name>_a` and `<name>_b`: null where the side has no such message,
        or one for which the number is missing.
    """
    length = F.length("conversation_id")
    numbers = [column.cast("bigint").alias(name) for name, column in sums.items()]
    told = (messages if role is None else messages.where(F.col("role") == role)).select(
        "source",
        F.substring("conversation_id", F.lit(1), length - 2).alias("battle_id"),
        F.substring("conversation_id", length - 1, F.lit(2)).alias("side"),
        F.struct("turn", *numbers).alias("message"),
    )
    sides = {side: F.collect_list(F.when(F.col("side") == f"/{side}", F.col("message"))) for side in "ab"}
    both = told.where("side IN ('/a', '/b')").groupBy(*_KEY).agg(*[c.alias(f"side_{s}") for s, c in sides.items()])
    added = {f"{name}_{side}": _sum_judged(f"side_{side}", name) for name in sums for side in sides}
    return battles.join(both, _KEY, "left").withColumns(added).drop("side_a", "side_b")


def _sum_judged(side: str, name: str) -> Column:
    judged = F.filter(side, lambda message: F.col("turn").isNull() | (message["turn"] <= F.col("turn")))
    # A missing number makes the whole sum null.
    total = F.aggregate(judged, F.lit(0).cast("bigint"), lambda sum_, message: sum_ + message[name])
    return F.when(F.size(judged) > 0, total)
