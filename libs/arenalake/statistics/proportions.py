"""Intervals for shares, as Spark columns over exact sums: Wilson's, and the size to use for clustered observations.

Each takes sums that add up over partitions, so the same rows give the same bits however they are spread.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

Z_95 = 1.959963984540054  # 97.5 % point of the normal distribution


def wilson_bounds(k: Column, n: Column, *, z: float = Z_95) -> tuple[Column, Column]:
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
    hits, size = k.cast("double"), F.nullif(n.cast("double"), F.lit(0.0))
    scale = size + z * z
    centre = (hits + z * z / 2) / scale
    # Rounding may leave a trace under zero where k is 0 or n.
    spread = F.greatest(hits * (size - hits) / size + z * z / 4, F.lit(0.0))
    half = F.lit(z) * F.sqrt(spread) / scale
    lower = F.when(hits == 0, F.when(size.isNotNull(), F.lit(0.0))).otherwise(centre - half)
    upper = F.when(hits == size, F.lit(1.0)).otherwise(centre + half)
    return lower, upper


def effective_size(
    *,
    n_clusters: Column,
    n_units: Column,
    n_hits: Column,
    sum_units_squared: Column,
    sum_hits_squared: Column,
    sum_hits_units: Column,
) -> Column:
    """How many independent units would tell as much about a share as these, which come in clusters (as messages do in
    conversations).

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
        A double; null with fewer than two clusters. Make it a column of its own before it enters another formula:
        written out several times it would be more code than Spark compiles.

    Source:
        Cochran, Sampling Techniques (1977), section 2.11; effective size: Korn and Graubard (1998), Survey
        Methodology 24.
    """
    clusters, units = n_clusters.cast("double"), F.nullif(n_units.cast("double"), F.lit(0.0))
    share = n_hits.cast("double") / units
    residuals = (
        sum_hits_squared.cast("double")
        - 2 * share * sum_hits_units.cast("double")
        + share * share * sum_units_squared.cast("double")
    )
    variance = clusters / F.nullif(clusters - 1, F.lit(0.0)) * residuals / (units * units)
    # A variance that is zero on paper comes out as a rounding error of the subtraction.
    is_zero = residuals <= 1e-12 * sum_hits_squared.cast("double")
    effective = F.when(is_zero, clusters).otherwise(F.least(share * (1 - share) / variance, units))
    return F.when(clusters > 1, effective)
