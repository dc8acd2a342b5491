"""Tables that are functions of others: built where these or the settings have changed, and left alone where not."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import polars as pl
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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

    `build` takes and gives Spark's DataFrames; for a table of statistics it may also give a frame in memory.

    Where the table has `sums`, `build` looks at each row of its inputs by itself, and at no two together: what the
    rows of two halves give adds up to what all of them give.
    """

    table: Table
    inputs: Sequence[Table]
    build: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Statistic(Derivation):
    """A table of statistics that is built in memory: `build` takes frames of counts and statistics, and gives one."""


class _Frames:
    """Small tables that several derivations of a job read, each loaded once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._loaded: dict[str, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def load(self, table: Table) -> pl.DataFrame:
        with self._lock:
            if table.name not in self._loaded:
                self._loaded[table.name] = self._lake.load(table)
            return self._loaded[table.name]


def derive(lake: Lake, derivations: Sequence[Derivation]) -> None:
    """Rebuild tables, except those that were built from the same data with the same settings.

    Those that do not need each other are built at the same time. One that another needs must stand before it.
    """
    started: dict[str, Future[None]] = {}
    frames = _Frames(lake)

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
    inputs = {source.name: lake.state_of(source) for source in derivation.inputs if lake.is_there(source)}
    fingerprint = Fingerprint.of(derivation.settings, table.ddl, inputs)
    if not lake.rebuild and lake.is_there(table) and lake.state_of(table) == fingerprint.state:
        log.info("unchanged", extra={"table": table.name})
    elif isinstance(derivation, Statistic):
        lake.store(table, build(*map(frames.load, derivation.inputs)), fingerprint=fingerprint)
    elif table.kind == "statistics":
        counted = build(*map(lake.read, derivation.inputs))
        rows = counted if isinstance(counted, pl.DataFrame) else table.in_memory(counted)
        lake.store(table, rows, fingerprint=fingerprint)
    elif not (table.sums and _add_changes(lake, derivation, fingerprint)):
        lake.replace(table, build(*map(lake.read, derivation.inputs)), fingerprint=fingerprint)


def _add_changes(lake: Lake, derivation: Derivation, fingerprint: Fingerprint) -> bool:
    """Add to a table of sums what its inputs gained since it was derived, and take away what they lost.

    Returns:
        False, having done nothing, where that is not known.
    """
    table = derivation.table
    before = lake.fingerprint_of(table) if lake.is_there(table) and lake.is_as_declared(table) else None
    if lake.rebuild or before is None or before.how != fingerprint.how:
        return False
    found = [changes_since(lake, source, before.inputs.get(source.name)) for source in derivation.inputs]
    changes = [change for change in found if change is not None]
    if len(changes) < len(found):
        return False
    parts = [lake.read(table), table.conform(derivation.build(*[change.came for change in changes]))]
    if not all(change.nothing_went for change in changes):
        less = table.conform(derivation.build(*[change.went for change in changes]))
        parts.append(less.withColumns({name: -F.col(name) for name in table.sums}))
    sums = [F.sum(name).alias(name) for name in table.sums]
    total = reduce(DataFrame.unionByName, parts).groupBy(*table.key).agg(*sums)
    try:
        lake.replace(table, total.where(F.col(table.sums[0]) != 0), fingerprint=fingerprint)
    except PySparkException as error:  # such as files that were cleaned up since
        log.warning("changes cannot be read, so all is counted", extra={"table": table.name, "reason": str(error)})
        return False
    log.info("changes of its inputs added", extra={"table": table.name})
    return True
