"""Which conversations get their language detected."""

from collections.abc import Iterable
from itertools import chain

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

# Shares are whole parts of this.
_PARTS = 1 << 40


def count_strata(conversations: DataFrame, *, sample_size: int) -> DataFrame:
    """Count the conversations of each source and published language where a sample would leave some out.

    Args:
        conversations: columns of the table `conversations`.

    Returns:
        source, language, n; those of at most `sample_size` are left out.
    """
    counts = (
        conversations.where(F.col("language").isNotNull()).groupBy("source", "language").agg(F.count("*").alias("n"))
    )
    return counts.where(F.col("n") > sample_size).select("source", "language", "n")


def without_label() -> Column:
    """A condition on `conversations` and `messages` alike: the source has not labelled it."""
    return F.col("language").isNull()


def in_sample(strata: Iterable[Row], *, sample_size: int, seed: int) -> Column:
    """A condition on `conversations` and `messages` alike: it is in the sample.

    A conversation is in it when a number that is a function of seed, source and id is below `sample_size` / n: about
    `sample_size` of each stratum are, and all of one that is not listed. When a stratum grows, none of its old ones
    comes in.

    Args:
        strata: source, language and n, as counted by `count_strata`.
    """
    drawn = F.pmod(F.xxhash64(F.lit(seed), "source", "conversation_id"), F.lit(_PARTS))
    bounds = {f"{row.source}\n{row.language}": sample_size * _PARTS // row.n for row in strata}
    if not bounds:
        return F.lit(True)
    bound = F.create_map(*map(F.lit, chain.from_iterable(bounds.items())))[F.concat_ws("\n", "source", "language")]
    return drawn < F.coalesce(bound, F.lit(_PARTS))
