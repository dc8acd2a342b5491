"""Distributions out of counts, against the same values written out."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenalake.numbers.lengths import PERCENTILES, describe, quantile

GROUPS = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), min_size=1, max_size=4)


def counted(groups):
    rows = [(number, value, n) for number, values in enumerate(groups) for value, n in Counter(values).items()]
    return pl.DataFrame(rows, {"group": pl.Int64, "value": pl.Int32, "n": pl.Int64}, orient="row")


@settings(max_examples=50, deadline=None)
@given(GROUPS, st.integers(1, 1000))
def test_a_quantile_is_the_value_at_its_rank(groups, thousandths):
    cells = counted(groups).sort("value").group_by("group")
    found = cells.agg(quantile(pl.col("value"), pl.col("n"), thousandths).alias("at")).sort("group")["at"]
    # In whole numbers, since 0.29 * 100 is not 29.
    assert found.to_list() == [sorted(values)[-(-len(values) * thousandths // 1000) - 1] for values in groups]


@settings(max_examples=50, deadline=None)
@given(GROUPS)
def test_a_distribution_is_described_as_numpy_describes_its_values(groups):
    found = describe(counted(groups), keys=["group"], value="value", n="n").sort("group")
    for row, values in zip(found.iter_rows(named=True), groups, strict=True):
        assert (row["n"], row["total"], row["min"], row["max"]) == (len(values), sum(values), min(values), max(values))
        assert row["mean"] == np.mean(values)
        assert row["sd"] == (pytest.approx(np.std(values, ddof=1)) if len(values) > 1 else None)
        exact = np.quantile(values, np.array(PERCENTILES) / 100, method="inverted_cdf")
        assert [row[f"p{p}"] for p in PERCENTILES] == exact.tolist()


def test_squares_that_need_more_than_64_bits_are_added_up_exactly():
    counts = pl.DataFrame({"group": ["g", "g"], "value": [10**6, 10**6 + 1], "n": [10**9, 10**9]})
    row = describe(counts, keys=["group"], value="value", n="n").row(0, named=True)
    assert row["sd"] == pytest.approx(0.5, rel=1e-9)
