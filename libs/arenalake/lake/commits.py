"""What was committed to a Delta table: read by `deltalake` where the table is local, else asked of Spark."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import SparkSession

# Operations that leave the rows as they were.
_UPKEEP = {
    "ADD COLUMNS",
    "ADD CONSTRAINT",
    "ANALYZE TABLE",
    "CLUSTER BY",
    "DROP CONSTRAINT",
    "OPTIMIZE",
    "REORG",
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
    "UPGRADE PROTOCOL",
    "VACUUM END",
    "VACUUM START",
}
# Operations that change and remove some rows; what is neither these nor an append may have touched all of them.
_SOME_ROWS = {"DELETE", "MERGE", "UPDATE"}


@dataclass(frozen=True)
class Commit:
    """One version of a table.

    Attributes:
        version: its number.
        operation: what was done, as Delta Lake calls it.
        mode: of a write, such as Append.
        user_metadata: what the writer said about it.
        time: when it was written; up to some seconds later where Spark is asked, which goes by the file of the log.
    """

    version: int
    operation: str
    mode: str | None
    user_metadata: str | None
    time: datetime

    @property
    def keeps_rows(self) -> bool:
        """Whether the rows are what they were before."""
        return self.operation in _UPKEEP

    @property
    def only_adds(self) -> bool:
        """Whether no row was changed or removed."""
        return self.keeps_rows or (self.operation == "WRITE" and self.mode == "Append")

    @property
    def changes_some_rows(self) -> bool:
        """Whether the rest of the rows stayed, so that what changed is worth asking for."""
        return self.only_adds or self.operation in _SOME_ROWS


def local_commits(folder: Path, limit: int | None = None) -> list[Commit]:
    """Newest first; those whose part of the log was cleaned up are not among them."""
    return [_commit(entry) for entry in DeltaTable(str(folder)).history(limit)]


def asked_commits(spark: SparkSession, table: str, limit: int | None = None) -> list[Commit]:
    """The same, for a table by its name in SQL."""
    history = spark.sql(f"DESCRIBE HISTORY {table}{'' if limit is None else f' LIMIT {limit}'}")
    rows = history.select("version", "operation", "operationParameters", "userMetadata", "timestamp").collect()
    return sorted((_commit(row.asDict()) for row in rows), key=lambda commit: commit.version, reverse=True)


def local_id(folder: Path) -> str:
    """What Delta Lake calls a table, for as long as it is not made anew."""
    return str(DeltaTable(str(folder)).metadata().id)


def asked_id(spark: SparkSession, table: str) -> str:
    """The same, for a table by its name in SQL."""
    return str(spark.sql(f"DESCRIBE DETAIL {table}").collect()[0]["id"])


def _commit(entry: Mapping[str, Any]) -> Commit:
    mode = (entry.get("operationParameters") or {}).get("mode")
    written = entry["timestamp"]
    # Milliseconds, or a time of this machine's zone from Spark.
    time = datetime.fromtimestamp(written / 1000, UTC) if isinstance(written, int) else written.astimezone(UTC)
    return Commit(int(entry["version"]), str(entry.get("operation")), mode, entry.get("userMetadata"), time)
