"""What the declarations of the tables say."""

import re

import pytest

from arenalake.app.tables import ALL_TABLES


def test_every_interval_says_of_which_kind_it_is():
    ends = [(table, column) for table in ALL_TABLES for column in table.columns if column.name.startswith("ci_")]
    assert len(ends) >= 16
    for table, column in ends:
        kind = re.search(r"end of the 95 % interval \((.+)\); null where there is none", column.comment)
        assert kind, (table.name, column.name)
        assert re.match("Wilson's|Tango's|percentile: |posterior: ", kind[1]), (table.name, kind[1])


@pytest.mark.parametrize("table", [table for table in ALL_TABLES if table.sums], ids=lambda table: table.name)
def test_rows_that_add_up_hold_a_key_and_sums_without_nulls_and_nothing_else(table):
    cells = {} if table.cell is None else {table.cell: "array", "counts": "array<bigint>"}
    columns = {column.name: column for column in table.columns}
    assert set(columns) == {*table.key, *table.sums, *cells}
    assert all(columns[name].required for name in (*table.sums, *cells))
    assert all(columns[name].type.startswith(kind) for name, kind in cells.items())
    assert table.kind == "counts"
