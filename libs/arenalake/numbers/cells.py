"""Exact sums of whole numbers by group and cell, where most rows share their group and groups have many cells.

Rows are added up in arrays before they leave the task that reads them, and travel as one row a group: there are at most
so many however many rows there were. Spark's own aggregation would shuffle one row a cell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from arenalake.compiled import compiled

Whole = npt.NDArray[np.int64]

# Rows that are looked at together, and cells that a task keeps before it passes them on. The more it keeps, the fewer
# times the same one travels. These and what one look may add fill three quarters of 2^19 slots, 25 MB for five sums.
_ROWS_AT_ONCE = 1 << 12
_CELLS_KEPT = 340_000
_CELLS_READ_AT_ONCE = 250_000


@dataclass(frozen=True)
class Addends:
    """What some rows add to the sums.

    Attributes:
        keys: what says which group a row belongs to, strings of one entry a row, or a dictionary of them; a null is a
            value of its own.
        cells: numbers from 0 of cells within the group, [rows] or [cells of each row, rows].
        sums: what is added, [sums, *cells].
    """

    keys: Sequence[pa.Array]
    cells: Whole
    sums: Whole


@dataclass(frozen=True)
class Sums:
    """Whole groups, of which no other row will be told.

    Attributes:
        keys: strings of one entry a group.
        bounds: cells of group i are those from `bounds[i]` to `bounds[i + 1]`.
        cells: numbers of the cells that occur, ascending in each group, [cells].
        sums: [sums, cells].
    """

    keys: list[pa.Array]
    bounds: Whole
    cells: Whole
    sums: Whole

    def keys_of_cells(self) -> list[pa.Array]:
        """Strings of one entry a cell."""
        group = pa.array(np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds)))
        return [key.take(group) for key in self.keys]


def sum_by_cell(
    rows: DataFrame,
    read: Callable[[pa.RecordBatch], Iterable[Addends]],
    write: Callable[[Sums], pa.RecordBatch],
    schema: str,
    *,
    keys: Sequence[str],
    n_cells: int,
    n_sums: int,
) -> DataFrame:
    """Add up what rows give.

    Args:
        rows: what `read` takes, as Arrow batches.
        read: tells what each row adds.
        write: makes rows of the result out of some groups.
        schema: columns that `write` gives, as DDL.
        keys: names of the keys, for Spark's plan.
        n_cells: a bound on the numbers of cells in a group.
        n_sums: number of sums. Each has to stay below 2^63.

    Returns:
        Rows as `write` makes them. What `read` numbers below 0 or from `n_cells` on ends the task with a ValueError.
    """
    partly = ", ".join(f"`{key}` string" for key in keys) + ", cells binary"

    def add_up(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table, groups = _Table(n_sums), _Groups(len(keys))
        for batch in batches:
            for start in range(0, len(batch), _ROWS_AT_ONCE):
                for addends in read(batch.slice(start, _ROWS_AT_ONCE)):
                    numbers = groups.number(addends.keys) * n_cells + _checked(addends.cells, n_cells)
                    table.add(numbers.ravel(), addends.sums.reshape(n_sums, -1))
                if len(table) >= _CELLS_KEPT:
                    yield _pack(table, groups, keys, n_cells)
        if len(table):
            yield _pack(table, groups, keys, n_cells)

    def merge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table, groups = _Table(n_sums), _Groups(len(keys))
        for batch in _slices(batches, 8 * (1 + n_sums)):
            group = groups.number([batch.column(key) for key in keys])
            entries = _unpack(batch.column("cells"), group * n_cells, 1 + n_sums)
            table.add(entries[:, 0], entries[:, 1:].T)
            # Rows are sorted by group, so more may come of the last one only.
            entries = table.take()
            is_last = entries[:, 0] // n_cells == group[-1]
            table.add(entries[is_last, 0], entries[is_last, 1:].T)
            if not is_last.all():
                yield write(_whole_groups(entries[~is_last], groups, n_cells))
        if len(table):
            yield write(_whole_groups(table.take(), groups, n_cells))

    gathered = rows.mapInArrow(add_up, partly).repartition(*keys).sortWithinPartitions(*keys)
    return gathered.mapInArrow(merge, schema)


def _checked(cells: Whole, n_cells: int) -> Whole:
    """The same numbers; one beyond the bounds would be a cell of another group."""
    beyond = (cells < 0) | (cells >= n_cells)
    if beyond.any():
        raise ValueError(f"cell {cells[beyond][0]} is not from 0 to {n_cells - 1}")
    return cells


class _Groups:
    """Numbers for combinations of keys, from 0 as they come."""

    def __init__(self, n_keys: int) -> None:
        self._n_keys = n_keys
        self._numbers: dict[tuple[str | None, ...], int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, keys: Sequence[pa.Array]) -> Whole:
        """The group of each row."""
        encoded = [key.dictionary_encode() for key in keys]
        mixed, n_mixed = np.zeros(len(keys[0]), np.int64), 1
        for key in encoded:
            n_values = len(key.dictionary) + 1
            if n_mixed * n_values > 1 << 62:
                mixed = np.unique(mixed, return_inverse=True)[1]
                n_mixed = len(mixed)
            mixed = mixed * n_values + pc.fill_null(key.indices, -1).to_numpy() + 1
            n_mixed *= n_values
        _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        names = zip(*(key.take(pa.array(first)).to_pylist() for key in keys), strict=True)
        return np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], np.int64)[inverse]

    def keys(self, numbers: Whole) -> list[pa.Array]:
        """The keys of these groups."""
        columns = zip(*self._numbers, strict=True) if self._numbers else [()] * self._n_keys
        return [pa.array(column, pa.string()).take(pa.array(numbers)) for column in columns]


class _Table:
    """Sums by number, in a hash table that grows."""

    def __init__(self, n_sums: int) -> None:
        self._width = 1 + n_sums
        self._n = 0
        # The number plus one, so that 0 is an empty slot, and the sums.
        self._slots = np.zeros((1 << 12, self._width), np.int64)

    def __len__(self) -> int:
        return self._n

    def add(self, numbers: Whole, sums: Whole) -> None:
        """Add `sums`, [sums, rows], to those of `numbers`, [rows]."""
        numbers, sums = np.ascontiguousarray(numbers), np.ascontiguousarray(sums)
        done = 0
        while done < len(numbers):
            done, self._n = _add(numbers, sums, done, self._slots, self._n)
            if done < len(numbers):
                entries = self.take()
                self._slots = np.zeros((2 * len(self._slots), self._width), np.int64)
                self.add(entries[:, 0], entries[:, 1:].T)

    def take(self) -> Whole:
        """Empty the table: number and sums of what it held, ascending by number, [entries, 1 + sums]."""
        filled = self._slots[self._slots[:, 0] > 0]
        entries = filled[np.argsort(filled[:, 0])]
        entries[:, 0] -= 1
        self._empty()
        return entries

    def take_by_group(self, n_groups: int, n_cells: int) -> tuple[Whole, Whole]:
        """Empty the table: where each group begins, and number within the group and sums, [entries, 1 + sums].

        Groups are ascending, the cells of one are in any order.
        """
        entries = np.empty((self._n, self._width), np.int64)
        bounds = _sort_by_group(self._slots, n_groups, n_cells, entries)
        self._empty()
        return bounds, entries

    def _empty(self) -> None:
        self._slots.fill(0)
        self._n = 0


@compiled
def _add(numbers, sums, start, slots, n_filled):  # type: ignore
    """Add from row `start` on until three of four slots are filled; returns the row to go on with, and how many are."""
    mask = len(slots) - 1
    for row in range(start, len(numbers)):
        number = numbers[row] + 1
        slot = np.int64((np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & mask
        while slots[slot, 0] != number and slots[slot, 0] != 0:
            slot = (slot + 1) & mask
        if slots[slot, 0] == 0:
            if 4 * n_filled >= 3 * len(slots):
                return row, n_filled
            slots[slot, 0] = number
            n_filled += 1
        for i in range(len(sums)):
            slots[slot, 1 + i] += sums[i, row]
    return len(numbers), n_filled


@compiled
def _sort_by_group(slots, n_groups, n_cells, entries):  # type: ignore
    """Fill `entries` with what the slots hold, group by group; returns the first entry of each, and their number."""
    ends = np.zeros(n_groups + 1, np.int64)
    for slot in range(len(slots)):
        if slots[slot, 0] > 0:
            ends[1 + (slots[slot, 0] - 1) // n_cells] += 1
    ends = np.cumsum(ends)
    bounds = ends.copy()
    for slot in range(len(slots)):
        if slots[slot, 0] > 0:
            group = (slots[slot, 0] - 1) // n_cells
            place = ends[group]
            ends[group] += 1
            entries[place, 0] = slots[slot, 0] - 1 - group * n_cells
            for i in range(1, slots.shape[1]):
                entries[place, i] = slots[slot, i]
    return bounds


def _pack(table: _Table, groups: _Groups, keys: Sequence[str], n_cells: int) -> pa.RecordBatch:
    """Empty the table into one row a group: its keys, and number within the group and sums of each cell as bytes."""
    bounds, entries = table.take_by_group(len(groups), n_cells)
    there = np.flatnonzero(np.diff(bounds))
    offsets = (np.append(bounds[there], len(entries)) * entries.strides[0]).astype(np.int32)
    packed = pa.Array.from_buffers(pa.binary(), len(there), [None, pa.py_buffer(offsets), pa.py_buffer(entries)])
    return pa.RecordBatch.from_arrays([*groups.keys(there), packed], [*keys, "cells"])


def _unpack(packed: pa.BinaryArray, firsts: Whole, width: int) -> Whole:
    """The entries of some rows, with numbers that begin at `firsts` in each."""
    n_bytes = pc.binary_length(packed).to_numpy()
    entries = np.frombuffer(b"".join(packed.to_pylist()), np.int64).reshape(-1, width).copy()
    entries[:, 0] += np.repeat(firsts, n_bytes // (8 * width))
    return entries


def _slices(batches: Iterator[pa.RecordBatch], bytes_per_cell: int) -> Iterator[pa.RecordBatch]:
    """Packed rows, not many more at a time than `_CELLS_READ_AT_ONCE` takes."""
    for batch in batches:
        n_cells = pc.binary_length(batch.column("cells")).to_numpy() // bytes_per_cell
        chunk = np.cumsum(n_cells) // _CELLS_READ_AT_ONCE
        starts = np.flatnonzero(np.diff(chunk, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(batch)]):
            yield batch.slice(start, end - start)


def _whole_groups(entries: Whole, groups: _Groups, n_cells: int) -> Sums:
    group, cells = np.divmod(entries[:, 0], n_cells)
    there, starts = np.unique(group, return_index=True)
    return Sums(groups.keys(there), np.append(starts, len(entries)), cells, np.ascontiguousarray(entries[:, 1:].T))
