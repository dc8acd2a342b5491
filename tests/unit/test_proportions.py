"""Intervals for shares against SciPy, hand-worked cases and simulation."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from scipy.stats import binomtest

from arenalake.statistics.proportions import effective_size, wilson_bounds


def wilson(spark, cases):
    df = spark.createDataFrame(cases, "k bigint, n bigint")
    return [tuple(row) for row in df.select(*wilson_bounds(F.col("k"), F.col("n"))).collect()]


def clustered_bounds(sums):
    """Bounds per row of a DataFrame with the sums."""
    names = [name for name in sums.columns if name.startswith(("n_", "sum_"))]
    sized = sums.withColumn("size", effective_size(**{name: F.col(name) for name in names}))
    hits = F.col("n_hits") / F.nullif(F.col("n_units"), F.lit(0)) * F.col("size")
    return sized.select(*wilson_bounds(hits, F.col("size")))


def clustered(spark, clusters):
    """Bounds for clusters given as (hits, units) pairs."""
    hits, units = np.array(clusters).T
    sums = {
        "n_clusters": len(clusters),
        "n_units": units.sum(),
        "n_hits": hits.sum(),
        "sum_units_squared": (units**2).sum(),
        "sum_hits_squared": (hits**2).sum(),
        "sum_hits_units": (hits * units).sum(),
    }
    columns = {name: F.lit(int(value)).cast("bigint") for name, value in sums.items()}
    return tuple(clustered_bounds(spark.range(1).withColumns(columns)).first())


def test_wilson_bounds_are_those_of_scipy(spark):
    cases = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (54_427, 1_000_000), (5, 3_000_000_000)]
    for (k, n), (lower, upper) in zip(cases, wilson(spark, cases), strict=True):
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert lower == pytest.approx(expected.low, rel=1e-9, abs=1e-15)
        assert upper == pytest.approx(expected.high, rel=1e-9)


def test_no_units_have_no_wilson_interval(spark):
    assert wilson(spark, [(0, 0), (None, None)]) == [(None, None), (None, None)]


def test_clusters_of_one_unit_give_wilson_but_for_the_small_sample_factor(spark):
    # With one unit a cluster the variance is r (1 - r) / (n - 1), so the effective size is n - 1.
    lower, upper = clustered(spark, [(1, 1)] * 30 + [(0, 1)] * 70)
    expected = binomtest(297, 990).proportion_ci(method="wilson")  # r = .3; 29.7 of 99 is no whole number
    assert (lower + upper) / 2 == pytest.approx(0.3, abs=0.01)
    assert upper - lower == pytest.approx((expected.high - expected.low) * np.sqrt(10), rel=0.02)


def test_units_that_all_agree_within_a_cluster_count_as_one(spark):
    # Twenty units that always agree tell no more than one of them: n_eff is the number of clusters less one.
    alone = clustered(spark, [(1, 1)] * 30 + [(0, 1)] * 70)
    together = clustered(spark, [(20, 20)] * 30 + [(0, 20)] * 70)
    assert together == pytest.approx(alone, rel=1e-12)


def test_a_share_of_zero_or_one_keeps_an_interval_from_the_number_of_clusters(spark):
    assert clustered(spark, [(0, 5)] * 40) == pytest.approx(wilson(spark, [(0, 40)])[0])
    assert clustered(spark, [(5, 5)] * 40) == pytest.approx(wilson(spark, [(40, 40)])[0])


def test_the_same_share_in_every_cluster_does_not_shrink_the_interval_to_a_point(spark):
    assert clustered(spark, [(1, 3), (2, 6), (3, 9)]) == pytest.approx(wilson(spark, [(1, 3)])[0])


def test_few_clusters_that_happen_to_agree_tell_no_more_than_their_units(spark):
    # The estimated variance of 3/10 and 3/11 would make 1,102 units of these 21.
    assert clustered(spark, [(3, 10), (3, 11)]) == pytest.approx(wilson(spark, [(6, 21)])[0])


def test_one_cluster_has_no_interval(spark):
    assert clustered(spark, [(3, 10)]) == (None, None)


def test_the_clustered_interval_covers_where_the_one_for_independent_units_does_not(spark):
    rng = np.random.default_rng(1)
    rounds, clusters, truth = 2000, 200, 0.2
    rate = rng.beta(0.2, 0.8, size=(rounds, clusters))  # mean 0.2, strongly unequal between clusters
    units = rng.integers(1, 8, size=(rounds, clusters))
    hits = rng.binomial(units, rate)
    sums = pd.DataFrame(
        {
            "n_clusters": np.full(rounds, clusters),
            "n_units": units.sum(1),
            "n_hits": hits.sum(1),
            "sum_units_squared": (units**2).sum(1),
            "sum_hits_squared": (hits**2).sum(1),
            "sum_hits_units": (hits * units).sum(1),
        }
    )
    df = spark.createDataFrame(sums)
    robust = clustered_bounds(df).toPandas().to_numpy()
    naive = df.select(*wilson_bounds(F.col("n_hits"), F.col("n_units"))).toPandas().to_numpy()
    covers = [((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean() for bounds in (robust, naive)]
    assert covers[0] == pytest.approx(0.95, abs=0.02)
    assert covers[1] < 0.80
