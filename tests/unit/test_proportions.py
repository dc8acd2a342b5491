"""Intervals for shares against SciPy, hand-worked cases and simulation."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from arenalake.numbers.proportions import effective_size, share, wilson_bounds


def wilson(cases):
    df = pl.DataFrame(cases, {"k": pl.Int64, "n": pl.Int64}, orient="row")
    lower, upper = wilson_bounds(pl.col("k"), pl.col("n"))
    return df.select(lower.alias("lower"), upper.alias("upper")).rows()


def clustered_bounds(sums):
    """Bounds per row of a frame with the sums."""
    names = [name for name in sums.columns if name.startswith(("n_", "sum_"))]
    sized = sums.with_columns(size=effective_size(**{name: pl.col(name) for name in names}))
    lower, upper = wilson_bounds(share(pl.col("n_hits"), pl.col("n_units")) * pl.col("size"), pl.col("size"))
    return sized.select(lower.alias("lower"), upper.alias("upper"))


def clustered(clusters):
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
    return clustered_bounds(pl.DataFrame({name: [int(value)] for name, value in sums.items()})).row(0)


def test_wilson_bounds_are_those_of_scipy():
    cases = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (54_427, 1_000_000), (5, 3_000_000_000)]
    for (k, n), (lower, upper) in zip(cases, wilson(cases), strict=True):
        expected = binomtest(k, n).proportion_ci(method="wilson")
        assert lower == pytest.approx(expected.low, rel=1e-9, abs=1e-15)
        assert upper == pytest.approx(expected.high, rel=1e-9)


def test_no_units_have_no_wilson_interval():
    assert wilson([(0, 0), (None, None)]) == [(None, None), (None, None)]


def test_clusters_of_one_unit_give_wilson_but_for_the_small_sample_factor():
    # With one unit a cluster the variance is r (1 - r) / (n - 1), so the effective size is n - 1.
    lower, upper = clustered([(1, 1)] * 30 + [(0, 1)] * 70)
    expected = binomtest(297, 990).proportion_ci(method="wilson")  # r = .3; 29.7 of 99 is no whole number
    assert (lower + upper) / 2 == pytest.approx(0.3, abs=0.01)
    assert upper - lower == pytest.approx((expected.high - expected.low) * np.sqrt(10), rel=0.02)


def test_units_that_all_agree_within_a_cluster_count_as_one():
    # Twenty units that always agree tell no more than one of them: n_eff is the number of clusters less one.
    alone = clustered([(1, 1)] * 30 + [(0, 1)] * 70)
    together = clustered([(20, 20)] * 30 + [(0, 20)] * 70)
    assert together == pytest.approx(alone, rel=1e-12)


def test_a_share_of_zero_or_one_keeps_an_interval_from_the_number_of_clusters():
    assert clustered([(0, 5)] * 40) == pytest.approx(wilson([(0, 40)])[0])
    assert clustered([(5, 5)] * 40) == pytest.approx(wilson([(40, 40)])[0])


def test_the_same_share_in_every_cluster_does_not_shrink_the_interval_to_a_point():
    assert clustered([(1, 3), (2, 6), (3, 9)]) == pytest.approx(wilson([(1, 3)])[0])


def test_few_clusters_that_happen_to_agree_tell_no_more_than_their_units():
    # The estimated variance of 3/10 and 3/11 would make 1,102 units of these 21.
    assert clustered([(3, 10), (3, 11)]) == pytest.approx(wilson([(6, 21)])[0])


def test_one_cluster_has_no_interval():
    assert clustered([(3, 10)]) == (None, None)


def test_the_clustered_interval_covers_where_the_one_for_independent_units_does_not():
    rng = np.random.default_rng(1)
    rounds, clusters, truth = 2000, 200, 0.2
    rate = rng.beta(0.2, 0.8, size=(rounds, clusters))  # mean 0.2, strongly unequal between clusters
    units = rng.integers(1, 8, size=(rounds, clusters))
    hits = rng.binomial(units, rate)
    sums = pl.DataFrame(
        {
            "n_clusters": np.full(rounds, clusters),
            "n_units": units.sum(1),
            "n_hits": hits.sum(1),
            "sum_units_squared": (units**2).sum(1),
            "sum_hits_squared": (hits**2).sum(1),
            "sum_hits_units": (hits * units).sum(1),
        }
    )
    robust = clustered_bounds(sums).to_numpy()
    lower, upper = wilson_bounds(pl.col("n_hits"), pl.col("n_units"))
    naive = sums.select(lower.alias("lower"), upper.alias("upper")).to_numpy()
    covers = [((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean() for bounds in (robust, naive)]
    assert covers[0] == pytest.approx(0.95, abs=0.02)
    assert covers[1] < 0.80
