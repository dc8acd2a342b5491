"""What a table gained and lost since it was in a known state, from Delta's change data feed."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.lake.fingerprint import State
from arenalake.lake.lake import Lake
from arenalake.lake.table import CHANGES, Table


@dataclass(frozen=True)
class Changes:
    """Rows that a table gained and lost."""

    came: DataFrame
    went: DataFrame
    nothing_went: bool


def changes_since(lake: Lake, table: Table, state: State | None) -> Changes | None:
    """Rows that came and went since the table was in this state (None: not there); None where that is not known."""
    nothing = lake.spark.createDataFrame([], table.ddl)
    now = lake.state_of(table) if lake.exists(table) else None
    if state == now:
        return Changes(nothing, nothing, nothing_went=True)
    if state is None or state.version is None or now is None or now.table != state.table:
        return None
    commits = lake.commits_from(table, state.version) if _keeps_changes(lake, table) else []
    if not commits or not all(commit.changes_some_rows for commit in commits[1:]):
        return None
    feed = (
        lake.spark.read.option("readChangeFeed", "true")
        .option("startingVersion", state.version + 1)
        .option("endingVersion", commits[-1].version)
        .table(lake.name_of(table))
    )
    came, went = (
        feed.where(F.col("_change_type").isin(*types)).select(*table.column_names)
        for types in (("insert", "update_postimage"), ("delete", "update_preimage"))
    )
    return Changes(came, went, nothing_went=all(commit.only_adds for commit in commits[1:]))


def _keeps_changes(lake: Lake, table: Table) -> bool:
    """Whether the changes of a table can be asked for; a table of an earlier version does not keep them."""
    if not table.has_changes or not lake.is_as_declared(table):
        return False
    shown = lake.spark.sql(f"SHOW TBLPROPERTIES {lake.name_of(table)} ('{CHANGES}')").collect()
    return bool(shown) and shown[0]["value"] == "true"
