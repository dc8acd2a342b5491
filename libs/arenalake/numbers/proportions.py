"""Intervals for shares, as expressions over exact sums: Wilson's, and the size to use for clustered observations."""

import polars as pl

Z_95 = 1.959963984540054  # 97.5 % point of the normal distribution


def share(k: pl.Expr, n: pl.Expr) -> pl.Expr:
    """The share k / n as a double; null where n is 0 or null."""
    return k.cast(pl.Float64) / not_zero(n)


def not_zero(n: pl.Expr) -> pl.Expr:
    """A number as a double; null where it is 0, so that what is divided by it is null."""
    size = n.cast(pl.Float64)
    return pl.when(size != 0).then(size)


def wilson_bounds(k: pl.Expr, n: pl.Expr, *, z: float = Z_95) -> tuple[pl.Expr, pl.Expr]:
    """Wilson score interval of a share of independent units.

    Args:
        k: units that have the property, 0 to n.
        n: all units; may be fractional where it is an effective size.
        z: normal quantile; the default gives 95 %.

    Returns:
        Lower and upper bound as doubles; null where n is 0 or null. A bound is 0 where k is 0 and 1 where k is n.

    Source:
        Wilson (1927), doi:10.1080/01621459.1927.10502953
    """
    hits, size = k.cast(pl.Float64), not_zero(n)
    scale = size + z * z
    centre = (hits + z * z / 2) / scale
    # Rounding may leave a trace under zero where k is 0 or n.
    spread = (hits * (size - hits) / size + z * z / 4).clip(lower_bound=0.0)
    half = z * spread.sqrt() / scale
    lower = pl.when(hits == 0).then(pl.when(size.is_not_null()).then(0.0)).otherwise(centre - half)
    upper = pl.when(hits == size).then(1.0).otherwise(centre + half)
    return lower, upper


def effective_size(
    *,
    n_clusters: pl.Expr,
    n_units: pl.Expr,
    n_hits: pl.Expr,
    sum_units_squared: pl.Expr,
    sum_hits_squared: pl.Expr,
    sum_hits_units: pl.Expr,
) -> pl.Expr:
    """How many independent units would tell as much about a share as these, which come in clusters.

    Messages do, in conversations.
    The share is a ratio of two cluster totals. Its variance is the linearised one of the ratio estimator, which
    supposes only that clusters are independent. Wilson's bounds at the effective size (`k` is the share times it) stay
    inside 0 and 1. Where the variance is estimated as zero (no hits, nothing but hits, or the same share in every
    cluster) the clusters count as the independent units. Where few clusters happen to vary less than single units
    would, the units are the size: there are no more than these.

    Args:
        n_clusters: clusters with at least one unit.
        n_units: units in all clusters.
        n_hits: units that have the property.
        sum_units_squared: sum over clusters of units squared.
        sum_hits_squared: sum over clusters of hits squared.
        sum_hits_units: sum over clusters of hits times units.

    Returns:
        A double; null with fewer than two clusters.

    Source:
        Cochran, Sampling Techniques (1977), section 2.11; effective size: Korn and Graubard (1998), Survey
        Methodology 24.
    """
    clusters, units = n_clusters.cast(pl.Float64), not_zero(n_units)
    rate = n_hits.cast(pl.Float64) / units
    residuals = (
        sum_hits_squared.cast(pl.Float64)
        - 2 * rate * sum_hits_units.cast(pl.Float64)
        + rate * rate * sum_units_squared.cast(pl.Float64)
    )
    variance = clusters / not_zero(clusters - 1) * residuals / (units * units)
    # A variance that is zero on paper comes out as a rounding error of the subtraction.
    is_zero = residuals <= 1e-12 * sum_hits_squared.cast(pl.Float64)
    effective = pl.when(is_zero).then(clusters).otherwise(pl.min_horizontal(rate * (1 - rate) / variance, units))
    return pl.when(clusters > 1).then(effective)
