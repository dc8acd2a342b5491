"""What the declarations of the tables say."""

import re

from arenalake.app.tables import ALL_TABLES


def test_every_interval_says_of_which_kind_it_is():
    ends = [(table, column) for table in ALL_TABLES for column in table.columns if column.name.startswith("ci_")]
    assert len(ends) >= 16
    for table, column in ends:
        kind = re.search(r"end of the 95 % interval \((.+)\); null where there is none", column.comment)
        assert kind, (table.name, column.name)
        assert re.match("Wilson's|Tango's|percentile: ", kind[1]), (table.name, kind[1])
