"""Histograms as rows, against dictionaries of cells."""

from collections import Counter, defaultdict
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from arenalake.numbers.histograms import add_rows, cells_of, count_cells, negative

KEYS, SUMS = ["a", "b"], ["n", "total"]
SCHEMA = {"a": pl.String, "b": pl.Int32, "cell": pl.Int32, "total": pl.Int64}
# Keys with nulls, a cell or none, and what is to be added up.
OBSERVATIONS = st.lists(
    st.tuples(
        st.sampled_from(["x", "", None]),
        st.sampled_from([1, None]),
        st.one_of(st.none(), st.integers(-3, 3)),
        st.integers(-9, 9),
    ),
    max_size=30,
)


def counted(observations):
    rows = pl.DataFrame(observations, SCHEMA, orient="row")
    return count_cells(rows, keys=KEYS, cell="cell", sums=["total"]).select("a", "b", *SUMS, "cell", "counts")


def added(*parts, less=()):
    taken = [negative(rows, sums=SUMS, cell="cell") for rows in less]
    return add_rows([*parts, *taken], keys=KEYS, sums=SUMS, cell="cell")


def in_order(histograms):
    return histograms.sort(KEYS, nulls_last=True)


def as_dictionary(histograms):
    assert histograms.select(KEYS).is_duplicated().sum() == 0
    return {
        (row["a"], row["b"]): ((row["n"], row["total"]), list(zip(row["cell"], row["counts"], strict=True)))
        for row in histograms.iter_rows(named=True)
    }


def test_a_group_is_a_row_with_its_sums_and_ascending_cells():
    histograms = counted([("x", 1, 3, 10), ("x", 1, -2, 1), ("x", 1, 3, 5), ("x", None, 0, 7), ("x", 1, None, 100)])
    assert as_dictionary(histograms) == {
        ("x", 1): ((4, 116), [(-2, 1), (3, 2)]),  # without a cell an observation is in the sums alone
        ("x", None): ((1, 7), [(0, 1)]),
    }


def test_a_group_without_any_cell_has_empty_arrays_and_no_row_among_the_cells():
    histograms = counted([("x", 1, None, 10), ("y", 1, 2, 1)])
    assert as_dictionary(histograms)["x", 1] == ((1, 10), [])
    assert as_dictionary(added(histograms, histograms))["x", 1] == ((2, 20), [])
    assert cells_of(histograms, keys=["a"], cell="cell").rows() == [("y", 2, 1)]


def test_cells_and_groups_that_come_to_nothing_vanish():
    whole = counted([("x", 1, 3, 10), ("x", 1, 4, 1), ("y", 1, 3, 5), ("y", 1, None, 5)])
    less = counted([("x", 1, 3, 10), ("y", 1, 3, 5), ("y", 1, None, 5)])
    assert as_dictionary(added(whole, less=[less])) == {("x", 1): ((1, 1), [(4, 1)])}


def test_decimals_and_rows_without_a_histogram_add_up_exactly():
    values = [Decimal("0.1"), Decimal("0.2"), Decimal("1E-18")]
    rows = pl.DataFrame(
        {"k": [[1, 2], [1, 2], None], "n": [1, 1, 1], "sum": pl.Series(values, dtype=pl.Decimal(38, 18))}
    )
    found = add_rows([rows, negative(rows.head(1), sums=["n", "sum"])], keys=["k"], sums=["n", "sum"])
    assert found.sort("k", nulls_last=True).rows() == [([1, 2], 1, Decimal("0.2")), (None, 1, Decimal("1E-18"))]


@settings(max_examples=60, deadline=None)
@given(OBSERVATIONS)
def test_cells_are_counted_as_a_dictionary_counts_them(observations):
    sums, cells = defaultdict(lambda: [0, 0]), defaultdict(Counter)
    for a, b, cell, total in observations:
        sums[a, b][0] += 1
        sums[a, b][1] += total
        if cell is not None:
            cells[a, b][cell] += 1
    expected = {key: (tuple(sums[key]), sorted(cells[key].items())) for key in sums}
    histograms = counted(observations)
    assert as_dictionary(histograms) == expected
    rows = {(*key, cell): n for key, counts in cells.items() for cell, n in counts.items()}
    assert {row[:3]: row[3] for row in cells_of(histograms, keys=KEYS, cell="cell").rows()} == rows


@settings(max_examples=60, deadline=None)
@given(OBSERVATIONS, OBSERVATIONS, OBSERVATIONS)
def test_parts_add_up_to_the_whole_in_any_order_and_what_is_taken_away_is_gone(one, two, three):
    whole = in_order(counted(one + two + three))
    parts = [counted(part) for part in (one, two, three)]
    assert_frame_equal(in_order(added(*parts)), whole)
    assert_frame_equal(in_order(added(parts[2], added(parts[1], parts[0]))), whole)
    assert_frame_equal(in_order(added(whole, less=parts[:1])), in_order(counted(two + three)))
    assert added(whole, less=[whole]).is_empty()
