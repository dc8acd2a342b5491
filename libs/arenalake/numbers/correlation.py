"""Pearson's correlation from sums of whole numbers."""

import polars as pl

# What it is made of: observations, sums of both values, of their squares, and of their products.
SUMS = ("n", "sum_a", "sum_b", "sum_aa", "sum_bb", "sum_ab")


def pearson() -> pl.Expr:
    """Pearson's r from the columns `SUMS`; null where one side does not vary."""
    n, a, b, aa, bb, ab = [pl.col(name).cast(pl.Int128) for name in SUMS]
    # Exact up to here, so that what does not vary has a variance of zero and no rounding error for one.
    variance = (n * aa - a * a).cast(pl.Float64) * (n * bb - b * b).cast(pl.Float64)
    r = pl.when(variance > 0).then((n * ab - a * b).cast(pl.Float64) / variance.sqrt())
    return r.clip(-1.0, 1.0)
