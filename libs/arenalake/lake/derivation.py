"""Tables that are functions of others: built where these or the settings have changed, and left alone where not."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import polars as pl
from pyspark.sql import DataFrame

from arenalake.lake.changes import changes_since
from arenalake.lake.fingerprint import Fingerprint
from arenalake.lake.lake import Lake
from arenalake.lake.table import Table

log = logging.getLogger(__name__)

# Small tables leave most of a machine idle while one is planned and another committed.
_AT_ONCE = 4


@dataclass(frozen=True)
class Derivation:
    """A table as a pure function of others: `table` is `build(*inputs)` with these settings.

    `build` takes and gives Spark's DataFrames. What it gives for a table of counts or statistics is stored from memory,
    and may be a frame there.

    Where the table has `sums`, `build` looks at each row of its inputs by itself, and at no two together: what the
    rows of two halves give adds up to what all of them give. One that joins its inputs is not `by_row`, and is always
    built from all rows.

    If `is_large`, `build` gives a DataFrame that is stored by Spark whatever the table's kind: no machine need hold it.
    """

    table: Table
    inputs: Sequence[Table]
    build: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_large: bool = False
    by_row: bool = True


@dataclass(frozen=True)
class Statistic(Derivation):
    """A table of statistics that is built in memory: `build` takes frames of counts and statistics, and gives one."""


class _Frames:
    """Small tables that a job has made or read, so that none is loaded after it was stored, or twice."""

    def __init__(self, lake: Lake, wanted: set[str]) -> None:
        """Only tables of these names are kept."""
        self._lake = lake
        self._wanted = wanted
        self._loaded: dict[str, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def load(self, table: Table) -> pl.DataFrame:
        with self._lock:
            if table.name not in self._loaded:
                self._loaded[table.name] = self._lake.load(table)
            return self._loaded[table.name]

    def store(self, table: Table, rows: pl.DataFrame, fingerprint: Fingerprint) -> None:
        stored = self._lake.store(table, rows, fingerprint=fingerprint)
        if table.name in self._wanted:
            with self._lock:
                self._loaded[table.name] = stored


def derive(lake: Lake, derivations: Sequence[Derivation]) -> None:
    """Rebuild tables, except those that were built from the same data with the same settings.

    Those that do not need each other are built at the same time. One that another needs must stand before it.
    """
    started: dict[str, Future[None]] = {}
    of_statistics = [one.inputs for one in derivations if isinstance(one, Statistic)]
    frames = _Frames(lake, {table.name for table in chain.from_iterable(of_statistics)})

    def when_inputs_are_there(derivation: Derivation) -> None:
        for source in derivation.inputs:
            if source.name in started:
                started[source.name].result()
        _derive(lake, derivation, frames)

    # Whatever a thread waits for was started before it, so they cannot all wait.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for derivation in derivations:
            started[derivation.table.name] = pool.submit(when_inputs_are_there, derivation)
    for done in started.values():
        done.result()


def _derive(lake: Lake, derivation: Derivation, frames: _Frames) -> None:
    table, build = derivation.table, derivation.build
    inputs = {source.name: lake.state_of(source) for source in derivation.inputs if lake.exists(source)}
    fingerprint = Fingerprint.of(derivation.settings, table.ddl, inputs)
    if not lake.rebuild and lake.exists(table) and lake.state_of(table) == fingerprint.state:
        log.info("unchanged", extra={"table": table.name})
    elif isinstance(derivation, Statistic):
        frames.store(table, build(*map(frames.load, derivation.inputs)), fingerprint)
    elif table.kind == "records" or derivation.is_large:
        lake.replace(table, build(*map(lake.read, derivation.inputs)), fingerprint=fingerprint)
    else:
        rows = _add_changes(lake, derivation, fingerprint) if table.sums and derivation.by_row else None
        if rows is None:
            rows = _count(derivation, map(lake.read, derivation.inputs))
        frames.store(table, rows, fingerprint)


def _count(derivation: Derivation, inputs: Iterable[DataFrame]) -> pl.DataFrame:
    counted = derivation.build(*inputs)
    return counted if isinstance(counted, pl.DataFrame) else derivation.table.in_memory(counted)


def _add_changes(lake: Lake, derivation: Derivation, fingerprint: Fingerprint) -> pl.DataFrame | None:
    """The rows of a table of sums with what its inputs gained since it was derived, and without what they lost.

    Returns:
        None where that is not known.
    """
    table = derivation.table
    before = lake.fingerprint_of(table) if lake.is_as_declared(table) else None
    if lake.rebuild or before is None or before.how != fingerprint.how:
        return None
    found = [changes_since(lake, source, before.inputs.get(source.name)) for source in derivation.inputs]
    changes = [change for change in found if change is not None]
    if len(changes) < len(found):
        return None
    try:
        came = _count(derivation, (change.came for change in changes))
        is_less = not all(change.nothing_went for change in changes)
        went = [_count(derivation, (change.went for change in changes))] if is_less else []
    # Such as files that were cleaned up since. Which class it is depends on the session; what is wrong with more than
    # the changes is raised again when all is counted.
    except Exception as error:
        log.warning(
            "changes cannot be read, so all rows are counted", extra={"table": table.name, "reason": str(error)}
        )
        return None
    log.info("changes of its inputs added", extra={"table": table.name})
    return table.add_rows([lake.load(table), came], went)
