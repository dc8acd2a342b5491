"""Histograms counted by Spark: those of plain Python, however many tasks there are and however little each holds."""

from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from pyspark.sql import functions as F

from arenalake.lake.counting import count_in_tasks, count_whole_groups
from arenalake.lake.table import Column, Table
from arenalake.numbers.histograms import count_cells

LEGS = Table(
    name="legs",
    layer="gold",
    kind="counts",
    comment="Animals by their number of legs.",
    columns=(
        Column("animal", "string", "what was seen"),
        Column("n", "bigint", "how many", required=True),
        Column("weight", "bigint", "of all of them", required=True),
        Column("legs", "array<int>", "numbers of legs that occur, ascending", required=True),
        Column("counts", "array<bigint>", "animals with each of these", required=True),
    ),
    key=("animal",),
    sums=("n", "weight"),
    cell="legs",
)
BIG = 1 << 40


def counted(rows, **limits):
    # A function of this module would be looked for where the tasks run; one of a function travels with them.
    def count(some):
        return count_cells(some, keys=["animal"], cell="legs", sums=["weight"]).select(LEGS.column_names)

    return count_in_tasks(rows, count, LEGS, **limits)


def as_dictionary(histograms):
    rows = histograms.collect()
    found = {row.animal: (row.n, row.weight, list(zip(row.legs, row["counts"], strict=True))) for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize(("partitions", "rows_at_once", "most_held"), [(1, 10**6, 10**6), (1, 1, 1), (5, 100, 50)])
def test_histograms_are_those_of_a_dictionary(spark, partitions, rows_at_once, most_held):
    rng = np.random.default_rng(3)
    names, legs = [None, "", "a", "é"], [0, 1, 2, 70_000, None]
    seen = [(names[rng.integers(4)], legs[rng.integers(5)], int(rng.integers(BIG))) for _ in range(3000)]
    seen += [("once", None, 5)]
    sums, cells = defaultdict(lambda: [0, 0]), defaultdict(Counter)
    for animal, n_legs, weight in seen:
        sums[animal][0] += 1
        sums[animal][1] += weight
        if n_legs is not None:
            cells[animal][n_legs] += 1
    rows = spark.createDataFrame(seen, "animal string, legs int, weight bigint").repartition(partitions)
    found = counted(rows, rows_at_once=rows_at_once, most_held=most_held)
    assert as_dictionary(found) == {key: (*sums[key], sorted(cells[key].items())) for key in sums}


def test_nothing_gives_nothing(spark):
    nothing = spark.createDataFrame([], "animal string, legs int, weight bigint").repartition(2)
    assert as_dictionary(counted(nothing)) == {}


def test_more_cells_than_a_task_holds_are_all_counted(spark):
    n_groups, n_cells = 20, 20_000
    cell = F.col("id") % n_cells
    rows = spark.range(2 * n_groups * n_cells).select(
        F.expr(f"CAST(id DIV {n_cells} % {n_groups} AS string)").alias("animal"),
        cell.cast("int").alias("legs"),
        F.lit(1).cast("bigint").alias("weight"),
    )
    found = counted(rows.coalesce(1), rows_at_once=30_000, most_held=100_000).select(
        "animal",
        "n",
        "weight",
        F.size("legs").alias("cells"),
        F.array_max("counts").alias("most"),
        F.array_min("counts"),
    )
    expected = [(str(group), 2 * n_cells, 2 * n_cells, n_cells, 2, 2) for group in range(n_groups)]
    assert sorted(map(tuple, found.collect())) == sorted(expected)


@pytest.mark.parametrize("rows_at_once", [1, 50, 10**6])
def test_the_rows_of_a_key_are_counted_together(spark, rows_at_once):
    rng = np.random.default_rng(8)
    # One key has half of the rows; keys are below zero, too.
    keys = [0 if rng.random() < 0.5 else int(rng.integers(-40, 40)) for _ in range(2000)]

    def count(some):
        return some.group_by("key").agg(pl.len().cast(pl.Int64).alias("n"))

    rows = spark.createDataFrame([(key,) for key in keys], "key bigint").repartition(5)
    found = count_whole_groups(rows, count, "key", "key bigint, n bigint", rows_at_once=rows_at_once)
    assert sorted(map(tuple, found.collect())) == sorted(Counter(keys).items())
