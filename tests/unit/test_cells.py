"""Sums by group and cell against a dictionary, in one partition and in several."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from arenalake.numbers import cells
from arenalake.numbers.cells import Addends, sum_by_cell

N_CELLS = 1 << 40
BIG = 1 << 61


def summed(spark, rows, partitions):
    keys = ["one", "two"]

    def read(batch):
        amounts = np.stack([batch.column("amount").to_numpy(), np.ones(len(batch), np.int64)])
        yield Addends([batch.column(key) for key in keys], batch.column("cell").to_numpy(), amounts)

    def write(found):
        columns = [*found.keys_of_cells(), *map(pa.array, (found.cells, *found.sums))]
        return pa.RecordBatch.from_arrays(columns, [*keys, "cell", "amount", "n"])

    df = spark.createDataFrame(rows, "one string, two string, cell bigint, amount bigint").repartition(partitions)
    schema = "one string, two string, cell bigint, amount bigint, n bigint"
    found = sum_by_cell(df, read, write, schema, keys=keys, n_cells=N_CELLS, n_sums=2).collect()
    assert len({tuple(row[:3]) for row in found}) == len(found)
    return {tuple(row[:3]): (row.amount, row.n) for row in found}


@pytest.mark.parametrize("partitions", [1, 5])
def test_sums_are_those_of_a_dictionary(spark, partitions):
    rng = np.random.default_rng(3)
    names = [None, "", "a", "b", "é"]
    rows = [
        (names[rng.integers(5)], names[rng.integers(5)], int(rng.choice([0, 1, 7, N_CELLS - 1])), int(rng.integers(99)))
        for _ in range(3000)
    ]
    rows.append(("big", None, 5, BIG))
    amounts, times = Counter(), Counter()
    for one, two, cell, amount in rows:
        amounts[one, two, cell] += amount
        times[one, two, cell] += 1
    assert summed(spark, rows, partitions) == {key: (amounts[key], times[key]) for key in times}


def test_nothing_gives_nothing(spark):
    assert summed(spark, [], 2) == {}


def test_the_table_grows_and_forgets_what_was_taken():
    table = cells._Table(1)
    numbers = np.arange(100_000, dtype=np.int64) * 977
    for _ in range(2):
        table.add(np.concatenate([numbers, numbers[::-1]]), np.ones((1, 200_000), np.int64))
        assert len(table) == 100_000
        entries = table.take()
        assert entries[:, 0].tolist() == numbers.tolist()
        assert set(entries[:, 1].tolist()) == {2}
        assert len(table) == 0


def test_what_is_passed_on_is_sorted_by_group_and_holds_every_cell_once():
    table = cells._Table(2)
    groups, numbers = np.array([3, 0, 3, 3, 1]), np.array([7, 0, 7, N_CELLS - 1, 5])
    table.add(groups * N_CELLS + numbers, np.array([[1, 2, 3, 4, 5], [1, 1, 1, 1, -1]]))
    bounds, entries = table.take_by_group(5, N_CELLS)
    assert bounds.tolist() == [0, 1, 2, 2, 4, 4]
    found = [sorted(map(tuple, entries[start:end].tolist())) for start, end in pairwise(bounds)]
    assert found == [[(0, 2, 1)], [(5, 5, -1)], [], [(7, 4, 2), (N_CELLS - 1, 4, 1)], []]
    assert len(table) == 0


@pytest.mark.parametrize("cell", [-1, N_CELLS])
def test_a_number_that_is_no_cell_is_an_error_and_no_sum(spark, cell):
    rows = [("a", "b", 4, 1), ("c", "d", cell, 1)]
    with pytest.raises(Exception, match=f"cell {cell} is not from 0 to {N_CELLS - 1}"):
        summed(spark, rows, 1)


def test_cells_are_passed_on_whenever_a_task_has_too_many(spark):
    n_groups, n_cells = 30, 50_000
    kept = cells._CELLS_KEPT
    assert n_groups * n_cells > 3 * kept
    keys = ["one", "two"]

    def read(batch):
        numbers = np.arange(n_cells)[:, None] + 7 * batch.column("cell").to_numpy()
        yield Addends([batch.column(key) for key in keys], numbers, np.ones((1, *numbers.shape), np.int64))

    def write(found):
        columns = [
            *found.keys,
            pa.array(np.diff(found.bounds)),
            pa.array(np.add.reduceat(found.sums[0], found.bounds[:-1])),
        ]
        return pa.RecordBatch.from_arrays(columns, [*keys, "n_cells", "n"])

    rows = spark.range(2 * n_groups).selectExpr(
        "CAST(id % 30 AS string) AS one", "CAST(NULL AS string) AS two", "id DIV 30 AS cell"
    )
    schema = "one string, two string, n_cells bigint, n bigint"
    found = sum_by_cell(rows.coalesce(1), read, write, schema, keys=keys, n_cells=N_CELLS, n_sums=1).collect()
    assert sorted((int(row.one), *row[1:]) for row in found) == [
        (one, None, n_cells + 7, 2 * n_cells) for one in range(n_groups)
    ]


def test_groups_are_the_same_ones_however_their_keys_are_encoded():
    groups = cells._Groups(2)
    first = groups.number([pa.array(["a", None, "b", "a"]), pa.array([None, None, "x", None], pa.string())])
    encoded = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1]), pa.array(["b", "a", "unused"]))
    second = groups.number([encoded, pa.array([None, None, "x", "y"]).dictionary_encode()])
    nothing = pa.array([None], pa.string())
    third = groups.number([nothing.dictionary_encode(), nothing])
    assert first[0] == first[3] == second[0]
    assert (first[1], first[2]) == (second[1], second[2])
    assert third[0] == first[1]
    assert len(groups) == len({*first, *second, *third}) == 4
    columns = [key.to_pylist() for key in groups.keys(second)]
    assert columns == [["a", None, "b", "a"], [None, None, "x", "y"]]
