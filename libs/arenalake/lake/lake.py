"""The tables of a storage location: where they are, how they are created, read and written, and in which version."""

import copy
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import reduce
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from arenalake.lake.commits import Commit, asked_commits, asked_id, local_commits, local_id
from arenalake.lake.fingerprint import Fingerprint, State
from arenalake.lake.options import StorageConfig
from arenalake.lake.small import NO_VALUES, count_values, is_reached, is_there, read_small, replace_small
from arenalake.lake.table import Column, Table

log = logging.getLogger(__name__)

_ABSENT = {
    "PATH_NOT_FOUND",
    "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_NOT_FOUND",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_PATH_DOES_NOT_EXIST",
}


class Lake:
    """The tables of one storage location, in one session.

    Its knowledge of versions is as of first asking, plus what was written through this object since. Threads may share
    it: writes to one table wait for each other, writes to different tables do not.
    """

    def __init__(
        self, spark: SparkSession | Callable[[], SparkSession] | None, storage: StorageConfig, *, rebuild: bool = False
    ) -> None:
        """Without a session, small tables on this machine can be read and written, and nothing else.

        Args:
            spark: the session, or what starts it when something first needs it and gives the same one from then on.
            rebuild: derived tables are built although nothing has changed.
        """
        self._spark = spark
        self.storage = storage
        self.rebuild = rebuild
        self._existing: dict[str, StructType] = {}
        self._states: dict[str, State] = {}
        self._writing: dict[str, threading.RLock] = {}
        self._touched: dict[str, dict[str, Table]] = {"read": {}, "written": {}}

    @property
    def spark(self) -> SparkSession:
        """The session; an error where the lake was opened without one."""
        return self.session()

    def session(self) -> SparkSession:
        """The same, to be handed to what does not always need it."""
        if self._spark is None:
            raise RuntimeError("this lake was opened without a Spark session")
        return self._spark() if callable(self._spark) else self._spark

    @property
    def root(self) -> str | None:
        """The storage root, absolute where it is a local path; None in a catalog."""
        return self.storage.root if self.local_root is None else str(self.local_root)

    @property
    def local_root(self) -> Path | None:
        """The storage root as a folder of this machine (or a mount), or None where it is not one."""
        return self.storage.local_root

    def name_of(self, table: Table) -> str:
        """The table's identifier in SQL, for a path as well as in a catalog."""
        if self.root is None:
            return f"{self._schema}.{_quote(table.name)}"
        return f"delta.{_quote(self.address_of(table))}"

    def address_of(self, table: Table) -> str:
        """Where the table is: its path, or its full name in a catalog."""
        if self.root is None:
            return f"{self.storage.catalog}.{self.storage.schema_name}.{table.name}"
        return f"{self.root}/{table.layer}/{table.name}"

    @property
    def _schema(self) -> str:
        return f"{_quote(str(self.storage.catalog))}.{_quote(str(self.storage.schema_name))}"

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written."""
        folder = self._small_folder(table)
        return self._stored_columns(table) is not None if folder is None else is_there(folder)

    def _stored_columns(self, table: Table) -> StructType | None:
        """As Spark knows them; None where the table was never written."""
        folder = self._local_folder(table)
        if table.name not in self._existing and (folder is None or (folder / "_delta_log").is_dir()):
            try:
                self._existing[table.name] = self.spark.read.table(self.name_of(table)).schema
            except AnalysisException as error:
                if (error.getCondition() or "").split(".")[0] not in _ABSENT:
                    raise
        return self._existing.get(table.name)

    def with_own_log(self) -> "Lake":
        """This lake, with the same knowledge, whose `versions` speak only of what is touched through it."""
        view = copy.copy(self)
        view._touched = {"read": {}, "written": {}}
        return view

    def versions(self) -> dict[str, dict[str, int]]:
        """The newest Delta versions of the tables that were `read` and `written` through this object."""
        return {
            how: {name: self._newest_version(table) for name, table in sorted(tables.items())}
            for how, tables in self._touched.items()
        }

    def _newest_version(self, table: Table) -> int:
        return self._history(table, 1)[0].version

    def read(self, table: Table, *, pinned: bool = False) -> DataFrame:
        """The table as it is now; an empty DataFrame of its schema where it was never written.

        A table of an earlier version may lack columns that have been declared since; their values are null. A small
        table is read from memory, since opening it takes Spark longer than all that is done with its rows.

        Args:
            pinned: keep seeing this version when the plan is run again after a write. Needed by a step that reads what
                it writes; it costs a reconstruction of the table's state, so it is not the default.

        Raises:
            SchemaMismatchError: the stored table has other columns than declared, and nulls do not mend it.
        """
        if table.kind != "records" and self._small_folder(table) is not None:
            return self._in_spark(table, table.to_arrow(self.load(table)))
        stored = self._stored_columns(table)
        if stored is None:
            return self.spark.createDataFrame([], table.ddl)
        self._touched["read"][table.name] = table
        reader = self.spark.read
        if pinned:
            reader = reader.option("versionAsOf", self._newest_version(table))
        rows = reader.table(self.name_of(table))
        if not table.columns_to_add(stored):
            return rows
        return rows.select(
            *[
                F.col(column.name) if column.name in stored.names else F.lit(None).cast(column.type).alias(column.name)
                for column in table.columns
            ]
        )

    def load(self, table: Table, *, only: Mapping[str, str] | None = None) -> pl.DataFrame:
        """The rows of a table of counts or statistics, in memory; no row where it was never written.

        Columns that have been declared since it was written are null.

        Args:
            only: columns and the value that they have in the rows that are read; None reads all rows.
        """
        only = only or {}
        if not self.exists(table):
            return table.no_rows
        self._touched["read"][table.name] = table
        folder = self._small_folder(table)
        if folder:
            return read_small(folder, table, only=only)
        rows = self.read(table)
        for name, value in only.items():
            rows = rows.where(F.col(name) == value)
        return table.in_memory(rows)

    def count_values(
        self, tables: Sequence[Table], columns: Sequence[str], *, source: str | None = None
    ) -> pl.DataFrame:
        """How many rows have each value of some columns of text, in tables of any size.

        Args:
            tables: each with a column `source`; those that were never written have no value.
            columns: what each of the tables has of these is counted.
            source: whose rows; None counts those of all sources.

        Returns:
            table (its name), column, value, n; nulls are not counted.
        """
        counted, asked = [NO_VALUES], []
        for table in tables:
            if not set(columns).intersection(table.column_names) or not self.exists(table):
                continue
            self._touched["read"][table.name] = table
            folder = self._small_folder(table)
            found = None if folder is None else count_values(folder, table, columns, source=source)
            if found is None:
                asked.append(table)
            else:
                counted.append(found)
        if asked:
            rows = reduce(DataFrame.unionByName, [self._values_of(table, columns, source) for table in asked])
            values = rows.groupBy("table", "column", "value").agg(F.count(F.lit(1)).alias("n"))
            counted.append(pl.DataFrame(pl.from_arrow(values.toArrow())))
        return pl.concat(counted)

    def _values_of(self, table: Table, columns: Sequence[str], source: str | None) -> DataFrame:
        pairs = [
            F.struct(F.lit(name).alias("column"), F.col(name).alias("value"))
            for name in columns
            if name in table.column_names
        ]
        rows = self.read(table) if source is None else self.read(table).where(F.col("source") == source)
        values = rows.select(F.inline(F.array(*pairs)))
        return values.select(F.lit(table.name).alias("table"), "*").where("value IS NOT NULL")

    def store(self, table: Table, rows: pl.DataFrame, *, fingerprint: Fingerprint | None = None) -> pl.DataFrame:
        """Put `rows` in place of all rows of a small table, as `replace` does, sorted by its key.

        Returns:
            The rows as they are stored.
        """
        conformed = table.conform_frame(rows)
        folder = self._small_folder(table)
        if folder is None:
            self.replace(table, self._in_spark(table, conformed), fingerprint=fingerprint)
        else:
            with self._alone(table):
                replace_small(folder, table, conformed, told=_told(fingerprint))
                self._existing.pop(table.name, None)
                self._wrote(table, fingerprint)
        return table.frame_of(conformed)

    def change(self, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Put `change(rows)` in place of the rows of a small table; no other thread writes to it in between."""
        with self._alone(table):
            self.store(table, change(self.load(table)))

    def _in_spark(self, table: Table, rows: pa.Table) -> DataFrame:
        # Spark fails at an Arrow table without a single batch.
        return self.spark.createDataFrame(rows if len(rows) else [], table.schema)

    def _small_folder(self, table: Table) -> Path | None:
        """Where a small table is read and written without Spark; None where only Spark reaches, or knows best."""
        folder = self._local_folder(table)
        return None if folder is None or not is_reached(folder) or self.has_remote_disk else folder

    def _local_folder(self, table: Table) -> Path | None:
        return None if self.local_root is None else self.local_root / table.layer / table.name

    @property
    def has_remote_disk(self) -> bool:
        """Whether a path may mean another folder to Spark than here, or one without what a commit needs."""
        return "connect" in type(self._spark).__module__ or "DATABRICKS_RUNTIME_VERSION" in os.environ

    def append(self, table: Table, rows: DataFrame) -> None:
        """Add rows in one commit. The caller makes sure that their keys are new."""
        with self._alone(table):
            self._create(table)
            table.conform(rows).writeTo(self.name_of(table)).append()
            self._wrote(table)

    def replace(self, table: Table, rows: DataFrame, *, fingerprint: Fingerprint | None = None) -> None:
        """Put `rows` in place of all rows in one commit that carries `fingerprint`.

        Where the stored table has other columns than declared, it is made anew first.
        """
        with self._alone(table):
            is_new = self._create(table, anew=True)
            writer = table.conform(rows).writeTo(self.name_of(table)).option("userMetadata", _told(fingerprint))
            if is_new:
                writer.append()  # the same result, without the cost of finding out that there is nothing to remove
            else:
                writer.overwrite(F.lit(True))
            self._wrote(table, fingerprint)

    def insert_new(self, table: Table, rows: DataFrame) -> None:
        """Add the rows whose key is not there yet, in one MERGE."""
        self._merge(table, rows, "WHEN NOT MATCHED THEN INSERT *")

    def upsert(self, table: Table, rows: DataFrame, *, update: Mapping[str, str]) -> None:
        """Add rows with new keys and, where a key is there, set columns to expressions over `old` and `new`."""
        assignments = ", ".join(f"old.`{column}` = {expression}" for column, expression in update.items())
        self._merge(table, rows, f"WHEN MATCHED THEN UPDATE SET {assignments} WHEN NOT MATCHED THEN INSERT *")

    def update(self, table: Table, rows: DataFrame, *, on: Sequence[str], update: Mapping[str, str]) -> None:
        """Set columns to expressions over `old` and `new` in all rows that match one of `rows`; nothing is added."""
        assignments = ", ".join(f"old.`{column}` = {expression}" for column, expression in update.items())
        self._merge(table, rows, f"WHEN MATCHED THEN UPDATE SET {assignments}", on, conform=False)

    def delete(self, table: Table, keys: DataFrame, *, on: Sequence[str] | None = None) -> None:
        """Delete the rows that match `keys`, by MERGE: a predicate with ids would stay in the transaction log."""
        if self.exists(table):
            columns = on or table.key
            self._merge(table, keys.select(*columns).distinct(), "WHEN MATCHED THEN DELETE", columns, conform=False)

    def is_as_declared(self, table: Table) -> bool:
        """Whether the table is there and has exactly the declared columns."""
        stored = self._stored_columns(table)
        return stored is not None and table.is_stored_as(stored)

    def state_of(self, table: Table) -> State:
        """What the table, which is there, is known by as long as its rows are the same."""
        # A state that is asked for during a write would be stored after it, and stay.
        with self._alone(table):
            if table.name not in self._states:
                written = self._last_change(table)
                derived = Fingerprint.read(written.user_metadata)
                state = State(table=self._id_of(table), version=written.version) if derived is None else derived.state
                self._states[table.name] = state
            return self._states[table.name]

    def fingerprint_of(self, table: Table) -> Fingerprint | None:
        """How the table was derived; None where it is not there, was not derived, or was by another version."""
        return Fingerprint.read(self._last_change(table).user_metadata) if self.exists(table) else None

    def day_of(self, table: Table) -> date | None:
        """The day (UTC) on which rows of the table were last written; None where it was never written."""
        return self._last_change(table).time.date() if self.exists(table) else None

    def commits_from(self, table: Table, version: int) -> list[Commit]:
        """The commits of the table from this version on, oldest first; none where not all of them are known."""
        commits = self._history(table)[::-1]
        since = [commit for commit in commits if commit.version >= version]
        is_whole = [commit.version for commit in since] == list(range(version, commits[-1].version + 1))
        return since if is_whole else []

    def _last_change(self, table: Table) -> Commit:
        """The newest commit that changed rows; where the log was cleaned down to upkeep, the newest stands for it."""
        newest = self._history(table, 1)[0]
        return (
            next((one for one in self._history(table) if not one.keeps_rows), newest) if newest.keeps_rows else newest
        )

    def _history(self, table: Table, limit: int | None = None) -> list[Commit]:
        folder = self._small_folder(table)
        return asked_commits(self.spark, self.name_of(table), limit) if folder is None else local_commits(folder, limit)

    def _id_of(self, table: Table) -> str:
        folder = self._small_folder(table)
        return asked_id(self.spark, self.name_of(table)) if folder is None else local_id(folder)

    def _create(self, table: Table, *, anew: bool = False) -> bool:
        """Create the table where it is missing, or has other columns than declared and may be made `anew`.

        Otherwise columns that were declared since are added to it. Returns whether the table was created.
        """
        create = "CREATE TABLE IF NOT EXISTS"
        stored = self._stored_columns(table)
        if stored is not None:
            if not anew:
                self._add_columns(table, stored)
            if not anew or table.is_stored_as(stored):
                return False
            log.info("recreated, because its columns changed", extra={"table": table.name})
            create = "REPLACE TABLE"
        elif self.root is None and not self.spark.catalog.databaseExists(self._schema):
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
        columns = ", ".join(map(_declare, table.columns))
        cluster = f"CLUSTER BY ({', '.join(table.cluster_by)})" if table.cluster_by else ""
        listed = ", ".join(f"'{name}' = {_literal(value)}" for name, value in table.properties.items())
        self.spark.sql(
            f"{create} {self.name_of(table)} ({columns}) USING delta "
            f"{cluster} COMMENT {_literal(table.comment)} {f'TBLPROPERTIES ({listed})' if listed else ''}"
        )
        self._existing[table.name] = table.schema
        return True

    def _add_columns(self, table: Table, stored: StructType) -> None:
        missing = table.columns_to_add(stored)
        if missing:
            listed = ", ".join(map(_declare, missing))
            self.spark.sql(f"ALTER TABLE {self.name_of(table)} ADD COLUMNS ({listed})")
            log.info("columns added", extra={"table": table.name, "columns": [column.name for column in missing]})
            self._existing[table.name] = table.schema

    def _merge(
        self, table: Table, rows: DataFrame, clauses: str, on: Sequence[str] | None = None, *, conform: bool = True
    ) -> None:
        match = " AND ".join(f"old.`{column}` <=> new.`{column}`" for column in on or table.key)
        # A DataFrame is passed by a template, in which braces of a path have to be doubled.
        name = self.name_of(table).replace("{", "{{").replace("}", "}}")
        with self._alone(table):
            self._create(table)
            self.spark.sql(
                f"MERGE INTO {name} old USING {{rows}} new ON {match} {clauses}",
                rows=table.conform(rows) if conform else rows,
            )
            self._wrote(table)

    def _alone(self, table: Table) -> threading.RLock:
        """What a thread holds while it writes to a table, or asks for its version: Delta refuses one of two merges."""
        return self._writing.setdefault(table.name, threading.RLock())

    def _wrote(self, table: Table, fingerprint: Fingerprint | None = None) -> None:
        self._states.pop(table.name, None)
        if fingerprint is not None:
            self._states[table.name] = fingerprint.state
        self._touched["written"][table.name] = table
        log.info("written", extra={"table": table.name})


def _told(fingerprint: Fingerprint | None) -> str:
    return "" if fingerprint is None else fingerprint.text


def _declare(column: Column) -> str:
    required = "NOT NULL" if column.required else ""
    return f"`{column.name}` {column.type} {required} COMMENT {_literal(column.comment)}"


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
