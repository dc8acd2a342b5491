"""The one I/O module: where tables are, how they are created, read and written, and when a rebuild can be skipped."""

import copy
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from arenalake import __version__
from arenalake.config import StorageConfig
from arenalake.lake.small import is_reached, read_small, replace_small
from arenalake.tables import Column, Table
from arenalake.tables.table import CHANGES

log = logging.getLogger(__name__)

_ABSENT = {
    "PATH_NOT_FOUND",
    "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_NOT_FOUND",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_PATH_DOES_NOT_EXIST",
}
# Commits that leave the rows as they were.
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

# Commits that add rows, and those that change and remove some; whatever else there is may have touched all of them.
_APPEND = "append"
_SOME_ROWS = {"DELETE", "MERGE", "UPDATE"}

_FINGERPRINT = "derived:"
# Small tables leave most of a machine idle while one is planned and another committed.
_AT_ONCE = 4


@dataclass(frozen=True)
class Derivation:
    """A table as a pure function of others: `table` is `build(*inputs)` with these settings.

    `build` takes and gives Spark's DataFrames. A table of statistics that needs no table of records is built from
    frames in memory; and what is built of statistics may always be such a frame.

    Where the table has `sums`, `build` looks at each row of its inputs by itself, and at no two together: what the
    rows of two halves give adds up to what all of them give.
    """

    table: Table
    inputs: Sequence[Table]
    build: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_memory(self) -> bool:
        return self.table.kind == "statistics" and all(source.kind != "records" for source in self.inputs)


@dataclass(frozen=True)
class _Changes:
    """Rows that a table gained and lost."""

    came: DataFrame
    went: DataFrame
    nothing_went: bool


class _Frames:
    """Small tables that several derivations of a job read, each loaded once."""

    def __init__(self, lake: "Lake") -> None:
        self._lake = lake
        self._loaded: dict[str, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def load(self, table: Table) -> pl.DataFrame:
        with self._lock:
            if table.name not in self._loaded:
                self._loaded[table.name] = self._lake.load(table)
            return self._loaded[table.name]


class Lake:
    """The tables of one storage location, in one session.

    Its knowledge of versions is as of first asking, plus what was written through this object since. Threads may share
    it: writes to one table wait for each other, writes to different tables do not.
    """

    def __init__(self, spark: SparkSession | None, storage: StorageConfig, *, rebuild: bool = False) -> None:
        """Without a session, small tables on this machine can be read and written, and nothing else."""
        self._spark = spark
        self._storage = storage
        self._rebuild = rebuild
        self._existing: dict[str, StructType] = {}
        self._commits: dict[str, dict[str, Any]] = {}
        self._fingerprints: dict[str, str] = {}
        self._writing: dict[str, threading.RLock] = {}
        self._touched: dict[str, dict[str, Table]] = {"read": {}, "written": {}}

    @property
    def spark(self) -> SparkSession:
        if self._spark is None:
            raise RuntimeError("this lake was opened without a Spark session")
        return self._spark

    @property
    def root(self) -> str | None:
        """The storage root, absolute where it is a local path; None in a catalog."""
        return self._storage.root if self.local_root is None else str(self.local_root)

    @property
    def local_root(self) -> Path | None:
        """The storage root as a folder of this machine (or a mount), or None where it is not one."""
        return self._storage.local_root

    def name_of(self, table: Table) -> str:
        """The table's identifier in SQL, for a path as well as in a catalog."""
        if self.root is None:
            return f"{self._schema}.{_quote(table.name)}"
        return f"delta.{_quote(f'{self.root}/{table.layer}/{table.name}')}"

    @property
    def _schema(self) -> str:
        return f"{_quote(str(self._storage.catalog))}.{_quote(str(self._storage.schema_name))}"

    def exists(self, table: Table) -> bool:
        if table.name in self._existing:
            return True
        if self.local_root is not None and not self._log_of(table).is_dir():
            return False
        try:
            schema = self.spark.read.table(self.name_of(table)).schema
        except AnalysisException as error:
            if (error.getCondition() or "").split(".")[0] not in _ABSENT:
                raise
            return False
        self._existing[table.name] = schema
        return True

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
        logged = self._logged_commits(table)
        return int(_version_of(logged[0]) if logged else self._commit(table)["newest"])

    def _logged_commits(self, table: Table) -> list[Path]:
        """The files of a local log, newest first; none for storage that only Spark can read."""
        if self.local_root is None:
            return []
        return sorted((commit for commit in self._log_of(table).glob("*.json") if commit.stem.isdigit()), reverse=True)

    def _log_of(self, table: Table) -> Path:
        assert self.local_root is not None
        return self.local_root / table.layer / table.name / "_delta_log"

    def read(self, table: Table, *, pinned: bool = False) -> DataFrame:
        """The table as it is now; an empty DataFrame of its schema where it was never written.

        A table of an earlier version may lack columns that have been declared since; their values are null.

        Args:
            pinned: keep seeing this version when the plan is run again after a write. Needed by a step that reads what
                it writes; it costs a reconstruction of the table's state, so it is not the default.

        Raises:
            SchemaMismatchError: the stored table has other columns than declared, and nulls do not mend it.
        """
        if not self.exists(table):
            return self.spark.createDataFrame([], table.ddl)
        self._touched["read"][table.name] = table
        reader = self.spark.read
        if pinned:
            reader = reader.option("versionAsOf", self._commit(table)["newest"])
        rows = reader.table(self.name_of(table))
        stored = self._existing[table.name]
        if not table.columns_to_add(stored):
            return rows
        return rows.select(
            *[
                F.col(column.name) if column.name in stored.names else F.lit(None).cast(column.type).alias(column.name)
                for column in table.columns
            ]
        )

    def load(self, table: Table) -> pl.DataFrame:
        """All rows of a table of counts or statistics, in memory; no row where it was never written.

        Columns that have been declared since it was written are null.
        """
        if not self._is_there(table):
            return table.no_rows
        self._touched["read"][table.name] = table
        folder = self._small_folder(table)
        return read_small(folder, table) if folder else table.in_memory(self.read(table))

    def store(self, table: Table, rows: pl.DataFrame, *, fingerprint: str = "") -> None:
        """Put `rows` in place of all rows of a small table, as `replace` does, sorted by its key."""
        conformed = table.conform_frame(rows)
        folder = self._small_folder(table)
        if folder is None:
            self.replace(table, self.spark.createDataFrame(conformed, table.schema), fingerprint=fingerprint)
            return
        with self._alone(table):
            replace_small(folder, table, conformed, fingerprint=fingerprint)
            self._existing[table.name] = table.schema
            self._wrote(table)

    def change(self, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Put `change(rows)` in place of the rows of a small table; no other thread writes to it in between."""
        with self._alone(table):
            self.store(table, change(self.load(table)))

    def _small_folder(self, table: Table) -> Path | None:
        """Where a small table is read and written without Spark; None where only Spark reaches, or knows best."""
        root = self.local_root
        if root is None or not is_reached(root) or self._has_remote_disk:
            return None
        return root / table.layer / table.name

    @property
    def _has_remote_disk(self) -> bool:
        """Whether a path may mean another folder to Spark than here, or one without what a commit needs."""
        return "connect" in type(self._spark).__module__ or "DATABRICKS_RUNTIME_VERSION" in os.environ

    def _is_there(self, table: Table) -> bool:
        folder = self._small_folder(table)
        return self.exists(table) if folder is None else (folder / "_delta_log").is_dir()

    def append(self, table: Table, rows: DataFrame) -> None:
        """Add rows in one commit. The caller makes sure that their keys are new."""
        with self._alone(table):
            self._create(table)
            table.conform(rows).writeTo(self.name_of(table)).append()
            self._wrote(table)

    def replace(self, table: Table, rows: DataFrame, *, fingerprint: str = "") -> None:
        """Put `rows` in place of all rows in one commit that carries `fingerprint`.

        Where the stored table has other columns than declared, it is made anew first.
        """
        with self._alone(table):
            is_new = self._create(table, anew=True)
            writer = table.conform(rows).writeTo(self.name_of(table)).option("userMetadata", fingerprint)
            if is_new:
                writer.append()  # the same result, without the cost of finding out that there is nothing to remove
            else:
                writer.overwrite(F.lit(True))
            self._wrote(table)

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

    def derive(self, derivations: Sequence[Derivation]) -> None:
        """Rebuild tables, except those that were built from the same data with the same settings.

        Those that do not need each other are built at the same time. One that another needs must stand before it.
        """
        started: dict[str, Future[None]] = {}
        frames = _Frames(self)

        def when_inputs_are_there(derivation: Derivation) -> None:
            for source in derivation.inputs:
                if source.name in started:
                    started[source.name].result()
            self._derive(derivation, frames)

        # Whatever a thread waits for was started before it, so they cannot all wait.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for derivation in derivations:
                started[derivation.table.name] = pool.submit(when_inputs_are_there, derivation)
        for done in started.values():
            done.result()

    def _derive(self, derivation: Derivation, frames: "_Frames") -> None:
        table = derivation.table
        fingerprint = self._fingerprint(derivation)
        if not self._rebuild and self._is_there(table) and self._commit(table)["userMetadata"] == fingerprint:
            log.info("unchanged", extra={"table": table.name})
            return
        if derivation.in_memory:
            rows = derivation.build(*map(frames.load, derivation.inputs))
            self.store(table, rows, fingerprint=fingerprint)
        elif table.kind == "statistics":
            counted = derivation.build(*map(self.read, derivation.inputs))
            rows = counted if isinstance(counted, pl.DataFrame) else table.in_memory(counted)
            self.store(table, rows, fingerprint=fingerprint)
        elif not (table.sums and self._add_changes(derivation, fingerprint)):
            self.replace(table, derivation.build(*map(self.read, derivation.inputs)), fingerprint=fingerprint)
        self._fingerprints[table.name] = fingerprint

    def _fingerprint(self, derivation: Derivation) -> str:
        """What says how a table was derived; for a table of sums, the versions of its inputs are part of it."""
        how = {"settings": dict(derivation.settings), "columns": derivation.table.ddl, "version": __version__}
        inputs = {source.name: self._state(source) for source in derivation.inputs if self._is_there(source)}
        fingerprint = _FINGERPRINT + _digest(how | {"inputs": inputs})
        if not derivation.table.sums:
            return fingerprint
        return f"{fingerprint} {_digest(how)} {json.dumps(inputs, separators=(',', ':'))}"

    def _add_changes(self, derivation: Derivation, fingerprint: str) -> bool:
        """Add to a table of sums what its inputs gained since it was derived, and take away what they lost.

        Returns:
            False, having done nothing, where that is not known.
        """
        table = derivation.table
        if self._rebuild or not self.exists(table) or not table.is_stored_as(self._existing[table.name]):
            return False
        before = (self._commit(table)["userMetadata"] or "").split(" ", 2)
        if len(before) < 3 or before[1] != fingerprint.split(" ", 2)[1]:
            return False
        states = json.loads(before[2])
        found = [self._changes_since(source, states.get(source.name)) for source in derivation.inputs]
        changes = [change for change in found if change is not None]
        if len(changes) < len(found):
            return False
        parts = [self.read(table), table.conform(derivation.build(*[change.came for change in changes]))]
        if not all(change.nothing_went for change in changes):
            less = table.conform(derivation.build(*[change.went for change in changes]))
            parts.append(less.withColumns({name: -F.col(name) for name in table.sums}))
        sums = [F.sum(name).alias(name) for name in table.sums]
        total = reduce(DataFrame.unionByName, parts).groupBy(*table.key).agg(*sums)
        try:
            self.replace(table, total.where(F.col(table.sums[0]) != 0), fingerprint=fingerprint)
        except PySparkException as error:  # such as files that were cleaned up since
            log.warning("changes cannot be read, so all is counted", extra={"table": table.name, "reason": str(error)})
            return False
        log.info("changes of its inputs added", extra={"table": table.name})
        return True

    def _changes_since(self, table: Table, state: list[str] | None) -> _Changes | None:
        """Rows that came and went since the table was as `state` says; None where that is not known."""
        nothing = self.spark.createDataFrame([], table.ddl)
        if state == (self._state(table) if self.exists(table) else None):
            return _Changes(nothing, nothing, nothing_went=True)
        if state is None or len(state) < 2 or not self.exists(table) or not self._keeps_changes(table):
            return None
        commits = self._commits_from(table, int(state[0]))
        kinds = {kind for _, kind in commits[1:]}
        if not commits or commits[0][0] != state or not kinds <= _UPKEEP | {_APPEND} | _SOME_ROWS:
            return None
        feed = (
            self.spark.read.option("readChangeFeed", "true")
            .option("startingVersion", int(state[0]) + 1)
            .option("endingVersion", self._commit(table)["newest"])
            .table(self.name_of(table))
        )
        came, went = (
            feed.where(F.col("_change_type").isin(*types)).select(*table.column_names)
            for types in (("insert", "update_postimage"), ("delete", "update_preimage"))
        )
        return _Changes(came, went, nothing_went=not kinds & _SOME_ROWS)

    def _keeps_changes(self, table: Table) -> bool:
        """Whether the changes of a table can be asked for; a table of an earlier version does not keep them."""
        if not table.has_changes or table.columns_to_add(self._existing[table.name]):
            return False
        shown = self.spark.sql(f"SHOW TBLPROPERTIES {self.name_of(table)} ('{CHANGES}')").collect()
        return bool(shown) and shown[0]["value"] == "true"

    def _commits_from(self, table: Table, version: int) -> list[tuple[list[str], str]]:
        """State after each commit from this one on, and what it did; nothing where not all of them are known."""
        logged = [commit for commit in reversed(self._logged_commits(table)) if _version_of(commit) >= version]
        commits = [{**_commit_info(commit), "version": _version_of(commit)} for commit in logged]
        if not commits:
            history = self.spark.sql(f"DESCRIBE HISTORY {self.name_of(table)}").where(F.col("version") >= version)
            commits = [row.asDict() for row in history.orderBy("version").collect()]
        if [commit["version"] for commit in commits] != list(range(version, self._commit(table)["newest"] + 1)):
            return []
        return [([str(commit["version"]), str(commit.get("timestamp"))], _kind(commit)) for commit in commits]

    def _state(self, table: Table) -> list[str]:
        """What is equal as long as the rows are: what a table was derived from, or else its version."""
        if table.name in self._fingerprints:
            return [self._fingerprints[table.name]]
        commit = self._commit(table)
        if (commit["userMetadata"] or "").startswith(_FINGERPRINT):
            return [commit["userMetadata"]]
        return [str(commit[key]) for key in ("version", "timestamp")]

    def _commit(self, table: Table) -> dict[str, Any]:
        """The newest commit that changed rows (version, timestamp, userMetadata), and `newest`, the newest of all."""
        # A version that is asked for during a write would be stored after it, and stay.
        with self._alone(table):
            if table.name not in self._commits:
                # To ask for a history is a Spark job for each table, and there may be nothing else to do.
                self._commits[table.name] = self._read_log(table) or self._ask_history(table)
            return self._commits[table.name]

    def _read_log(self, table: Table) -> dict[str, Any] | None:
        logged = self._logged_commits(table)
        for commit in logged:
            info = _commit_info(commit)
            if info.get("operation") not in _UPKEEP:
                found = {"version": _version_of(commit), "newest": _version_of(logged[0])}
                return {**found, "timestamp": info.get("timestamp"), "userMetadata": info.get("userMetadata")}
        return None

    def _ask_history(self, table: Table) -> dict[str, Any]:
        changed_rows = ~F.col("operation").isin(*_UPKEEP)
        commit = F.struct("version", "timestamp", "userMetadata")
        history = self.spark.sql(f"DESCRIBE HISTORY {self.name_of(table)}")
        # Where the log was cleaned down to upkeep commits, the newest of these stands for the rows.
        row = history.select(
            F.coalesce(F.max(F.when(changed_rows, commit)), F.max(commit)).alias("commit"),
            F.max("version").alias("newest"),
        ).collect()[0]
        return {**row["commit"].asDict(), "newest": row["newest"]}

    def _create(self, table: Table, *, anew: bool = False) -> bool:
        """Create the table where it is missing, or has other columns than declared and may be made `anew`.

        Otherwise columns that were declared since are added to it. Returns whether the table was created.
        """
        create = "CREATE TABLE IF NOT EXISTS"
        if self.exists(table):
            stored = self._existing[table.name]
            if not anew:
                self._add_columns(table, stored)
            if not anew or table.is_stored_as(stored):
                return False
            log.info("made anew, since its columns changed", extra={"table": table.name})
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

    def _wrote(self, table: Table) -> None:
        self._commits.pop(table.name, None)
        self._fingerprints.pop(table.name, None)
        self._touched["written"][table.name] = table
        log.info("written", extra={"table": table.name})


def _kind(commit: Mapping[str, Any]) -> str:
    operation, parameters = commit.get("operation"), commit.get("operationParameters") or {}
    return _APPEND if operation == "WRITE" and parameters.get("mode") == "Append" else str(operation)


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _version_of(commit: Path) -> int:
    return int(commit.stem)


def _commit_info(commit: Path) -> dict[str, Any]:
    """Who did what in a commit; empty where its writer did not say."""
    with commit.open(encoding="utf-8") as actions:
        for action in actions:
            info: dict[str, Any] | None = json.loads(action).get("commitInfo")
            if info is not None:
                return info
    return {}


def _declare(column: Column) -> str:
    required = "NOT NULL" if column.required else ""
    return f"`{column.name}` {column.type} {required} COMMENT {_literal(column.comment)}"


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
