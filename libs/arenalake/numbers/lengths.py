"""Mean, deviation and quantiles of whole numbers out of their counts, exactly."""

from collections.abc import Sequence

import numpy as np
import polars as pl

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
STATISTICS = ("total", "mean", "sd", "min", "max", *(f"p{p}" for p in PERCENTILES))


def describe(
    counts: pl.DataFrame, *, keys: Sequence[str], value: str, n: str, sums: Sequence[str] = ()
) -> pl.DataFrame:
    """Describe a distribution per group.

    Args:
        counts: rows that say how often a value occurs; those of the same group and value add up.
        keys: columns of a group; a null is a value of its own.
        value: column of whole numbers, 0 or more.
        n: column that says how often the value occurs, 1 or more.
        sums: further columns to add up.

    Returns:
        The keys, the sums, n, total, mean, sd (null for one observation), min, max and p1 to p99. Sums are of whole
        numbers, so nothing depends on their order. A quantile is the smallest value that at least that share of the
        observations does not exceed (`inverted_cdf`).
    """
    x, times = pl.col(value), pl.col(n)
    cells = counts.group_by(*keys, value).agg(pl.col(n, *sums).sum()).sort(value)
    big = x.cast(pl.Int128)
    groups = cells.group_by(*keys, maintain_order=True).agg(
        *[pl.col(name).sum() for name in (*sums, n)],
        (x.cast(pl.Int64) * times).sum().alias("total"),
        # Squares of a million lengths of a million need more than 64 bits.
        (big * big * times).sum().alias("squares"),
        x.min().alias("min"),
        x.max().alias("max"),
        *[quantile(x, times, 10 * p).alias(f"p{p}") for p in PERCENTILES],
    )
    size, total, squares = (groups[name].to_list() for name in (n, "total", "squares"))
    spread = np.array([s * q - t * t for s, q, t in zip(size, squares, total, strict=True)], np.float64)
    known = np.array(size, np.float64)
    sd = np.sqrt(spread / np.maximum(known * (known - 1), 1))
    groups = groups.with_columns(mean=pl.col("total") / pl.col(n), sd=pl.Series(sd, dtype=pl.Float64))
    groups = groups.with_columns(pl.when(pl.col(n) > 1).then("sd").alias("sd"))
    return groups.select(*keys, *sums, n, *STATISTICS)


def quantile(value: pl.Expr, weight: pl.Expr, thousandths: int) -> pl.Expr:
    """The smallest value that at least this share of the weight does not exceed (`inverted_cdf`).

    Args:
        value: ascending.
        weight: whole numbers, so that no rounding moves a rank.
        thousandths: the share.
    """
    return value.filter(weight.cum_sum() * 1000 >= weight.sum() * thousandths).first()
