"""Mean, deviation and quantiles of whole numbers out of their counts, exactly."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
STATISTICS = ("total", "mean", "sd", "min", "max", *(f"p{p}" for p in PERCENTILES))


def describe(counts: DataFrame, *, keys: Sequence[str], value: str, n: str, sums: Sequence[str] = ()) -> DataFrame:
    """Describe a distribution per group.

    Args:
        counts: one row per group and value.
        keys: columns that make a group; a null is a value of its own.
        value: column of whole numbers.
        n: column that says how often the value occurs.
        sums: further columns to add up.

    Returns:
        The keys, the sums, n, total, mean, sd (null for one observation), min, max and p1 to p99. Sums are of integers
        and decimals, so nothing depends on their order. A quantile is the smallest value that at least that share of
        the observations does not exceed (`inverted_cdf`).
    """
    group = Window.partitionBy(*keys)
    ranked = counts.select(
        *keys,
        value,
        n,
        *sums,
        F.sum(n).over(group.orderBy(value).rowsBetween(Window.unboundedPreceding, 0)).alias("n_up_to"),
        F.sum(n).over(group).alias("n_all"),
    )
    x, times = F.col(value), F.col(n)
    added = ranked.groupBy(*keys).agg(
        *[F.sum(column).alias(column) for column in sums],
        F.sum(times).alias(n),
        F.sum(x * times).alias("total"),
        F.sum(times.cast("decimal(38,0)") * x * x).alias("total_squared"),
        F.min(x).alias("min"),
        F.max(x).alias("max"),
        *[F.min(F.when(F.col("n_up_to") * 100 >= F.col("n_all") * p, x)).alias(f"p{p}") for p in PERCENTILES],
    )
    size, mean = F.col(n), (F.col("total") / F.col(n)).alias("mean")
    return added.select(*keys, *sums, n, "total", mean, _sd(size).alias("sd"), *STATISTICS[3:])


def _sd(size: Column) -> Column:
    total = F.col("total").cast("decimal(38,0)")
    squares = size.cast("decimal(38,0)") * F.col("total_squared") - total * total
    return F.sqrt(squares.cast("double") / F.nullif(size.cast("double") * (size - 1), F.lit(0.0)))
