"""Moderation of messages as counts: scores in bins, and the flags of whole conversations.

Tags of a battle as a whole count with the role `battle` and no model; each battle is a conversation of its own.
Languages of messages are as published, else as detected.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.languages import with_known_language
from arenalake.moderation import (
    ALL_CATEGORIES,
    CATEGORIES,
    FLAG_COLUMNS,
    LABELLED_BIT,
    MASKS,
    ROLE_BIT,
    ROLES,
    SCORE_COLUMNS,
)

UNDERFLOW_BIN = -901

_KEYS = ("source", "model", "language", "role")
_SUMS = ("n", "n_labelled", "n_flagged", "high", "low")
_GROUP = "source string, model string, language string, role string"
_PARTLY = f"{_GROUP}, cells binary"
_COUNTS = (
    f"{_GROUP}, category string, score_bin int, n bigint, n_labelled bigint, n_flagged bigint, sum_score decimal(38,18)"
)
# Stands for the null bin, below all others; a score of 1 is in bin 0.
_NO_SCORE = UNDERFLOW_BIN - 1
_BINS = 1 - _NO_SCORE
_CELLS = len(ALL_CATEGORIES) * _BINS
_UNIT = 10**9
# Of some 50 bytes each.
_CELLS_AT_ONCE = 250_000

Group = tuple[str | None, ...]
"""Values of `_KEYS`."""
Cells = npt.NDArray[np.int64]
"""Numbers of cells, one a group of messages, category and bin, and the sums of each, [1 + sums, cells]."""


def count_scores(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count messages by score, in bins of a hundredth of a decade.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        Columns of the table `moderation_counts`. The category `any` has flags but no score. A message without a score
        is in the null bin; one without the flag is in `n` but not in `n_labelled`.
    """
    # Every message counts once a category, so they are added up before they leave the task that reads them, and travel
    # as one row for all cells of a group: there are at most so many, however many messages there are.
    partly = _scored(messages, battles).mapInArrow(_add_up_scores, _PARTLY)
    gathered = partly.repartition(*_KEYS).sortWithinPartitions(*_KEYS)
    return gathered.mapInArrow(_merge_scores, _COUNTS)


def _add_up_scores(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Counts of the messages of a task, as `_PARTLY`; a group may come more than once."""
    groups: dict[Group, int] = {}
    waiting, n_waiting = [], 0
    for batch in batches:
        waiting.append(_sort_scores_into_cells(batch, groups))
        n_waiting += waiting[-1].shape[1]
        if n_waiting >= _CELLS_AT_ONCE:
            waiting = [_add_up_cells(waiting)]
            if waiting[0].shape[1] > _CELLS_AT_ONCE // 2:
                yield _pack_cells(waiting.pop(), groups)
            n_waiting = sum(cells.shape[1] for cells in waiting)
    if waiting and groups:
        yield _pack_cells(_add_up_cells(waiting), groups)


def _merge_scores(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Counts as `_COUNTS` from rows of `_PARTLY` that are sorted by group; the last group waits for more of it."""
    groups: dict[Group, int] = {}
    waiting: list[Cells] = []
    for part in _slices(batches):
        for *group, packed in zip(*(part.column(name).to_pylist() for name in (*_KEYS, "cells")), strict=True):
            cells = np.frombuffer(packed, np.int64).reshape(1 + len(_SUMS), -1).copy()
            cells[0] += groups.setdefault(tuple(group), len(groups)) * _CELLS
            waiting.append(cells)
        cells = _add_up_cells(waiting)
        is_last = cells[0] >= (len(groups) - 1) * _CELLS
        yield _name_cells(cells[:, ~is_last], groups)
        waiting = [cells[:, is_last]]
        waiting[0][0] %= _CELLS
        groups = {list(groups)[-1]: 0}
    if waiting:
        yield _name_cells(waiting[0], groups)


def _slices(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of `_PARTLY`, not many more at a time than `_CELLS_AT_ONCE` takes."""
    for batch in batches:
        sizes = pc.binary_length(batch.column("cells")).to_numpy() // (8 * (1 + len(_SUMS)))
        chunk = np.cumsum(sizes) // _CELLS_AT_ONCE
        starts = np.flatnonzero(np.diff(chunk, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(batch)]):
            yield batch.slice(start, end - start)


def _sort_scores_into_cells(batch: pa.RecordBatch, groups: dict[Group, int]) -> Cells:
    """The cell of each message and category, and what it adds to `_SUMS`, [1 + sums, categories * messages].

    `groups` numbers the values of `_KEYS`.
    """
    keys = [batch.column(name).dictionary_encode() for name in _KEYS]
    mixed = np.zeros(len(batch), np.int64)
    for key in keys:
        mixed = mixed * (len(key.dictionary) + 1) + pc.fill_null(key.indices, -1).to_numpy() + 1
    _, first, group = np.unique(mixed, return_index=True, return_inverse=True)
    rows = zip(*(key.take(pa.array(first)).to_pylist() for key in keys), strict=True)
    numbers = np.array([groups.setdefault(row, len(groups)) for row in rows], np.int64)
    cells = np.zeros((len(ALL_CATEGORIES), 1 + len(_SUMS), len(batch)), np.int64)
    scores = [None, *(batch.column(name) for name in SCORE_COLUMNS)]
    for number, (of_category, flag, score) in enumerate(
        zip(cells, map(batch.column, FLAG_COLUMNS), scores, strict=True)
    ):
        bins = np.full(len(batch), _NO_SCORE)
        if score is not None:
            there = score.is_valid().to_numpy(zero_copy_only=False)
            value = score.drop_null().to_numpy()
            logarithm = np.log10(np.maximum(value, 1e-9))
            bins[there] = np.where(value < 1e-9, UNDERFLOW_BIN, np.floor(100 * logarithm))
            # Nine digits and nine more, so that whole numbers add up exactly.
            of_category[4, there] = high = np.floor(value * _UNIT)
            of_category[5, there] = np.floor((value * _UNIT - high) * _UNIT + 0.5)
        of_category[0] = numbers[group] * _CELLS + number * _BINS + bins - _NO_SCORE
        of_category[1] = 1
        of_category[2] = flag.is_valid().to_numpy(zero_copy_only=False)
        of_category[3] = pc.fill_null(flag, False).to_numpy(zero_copy_only=False)
    return np.concatenate(list(cells), axis=1)


def _add_up_cells(parts: Sequence[Cells]) -> Cells:
    cells = np.concatenate(parts, axis=1)
    order = np.argsort(cells[0])
    number = cells[0, order]
    starts = np.flatnonzero(np.append(True, number[1:] != number[:-1])) if len(number) else order
    return np.stack([number[starts], *(np.add.reduceat(sums[order], starts) for sums in cells[1:])])


def _pack_cells(cells: Cells, groups: Mapping[Group, int]) -> pa.RecordBatch:
    """Rows of `_PARTLY`; in each, cells are numbered as if its group were the first."""
    group, of_group = np.divmod(cells[0], _CELLS)
    there, first = np.unique(group, return_index=True)
    packed = [part.tobytes() for part in np.split(np.vstack([of_group, cells[1:]]), first[1:], axis=1)]
    return pa.RecordBatch.from_arrays([*_names(groups, there), pa.array(packed, pa.binary())], [*_KEYS, "cells"])


def _name_cells(cells: Cells, groups: Mapping[Group, int]) -> pa.RecordBatch:
    """Rows of `_COUNTS`."""
    group_and_category, bins = np.divmod(cells[0], _BINS)
    group, category = np.divmod(group_and_category, len(ALL_CATEGORIES))
    is_null = bins == 0
    # Whole numbers of 19 digits by units of one digit each leave room for the sum.
    high, low = (pa.array(sums).cast(pa.decimal128(19)) for sums in cells[4:])
    billions = pc.multiply(high, pa.scalar(Decimal("1e-9"), pa.decimal128(1, 9)))
    rest = pc.multiply(low, pa.scalar(Decimal("1e-18"), pa.decimal128(1, 18)))
    sum_score = pc.add(billions, rest).cast(pa.decimal128(38, 18))
    columns = [
        *_names(groups, group),
        pa.array(ALL_CATEGORIES).take(pa.array(category)),
        pa.array((bins + _NO_SCORE).astype(np.int32), mask=is_null),
        *map(pa.array, cells[1:4]),
        pc.if_else(pa.array(is_null), None, sum_score),
    ]
    names = [*_KEYS, "category", "score_bin", "n", "n_labelled", "n_flagged", "sum_score"]
    return pa.RecordBatch.from_arrays(columns, names)


def _names(groups: Mapping[Group, int], numbers: npt.NDArray[np.int64]) -> list[pa.Array]:
    """The values of `_KEYS` of these groups."""
    return [pa.array(values, pa.string()).take(pa.array(numbers)) for values in zip(*groups, strict=True)]


def count_patterns(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count conversations by the flags of all their messages.

    Few patterns cover nearly all conversations, and what is clustered by conversation is a function of these counts.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        source, model, language, pattern, n; the table `moderation_patterns` says how a pattern is written.
    """
    keys = ("source", "model", "language", "pattern")
    conversations = with_known_language(messages.where("pattern IS NOT NULL")).select(*keys)
    as_one_message = _tags(battles).select("source", "model", "language", F.array(_code_of_battle()).alias("pattern"))
    return conversations.unionByName(as_one_message).groupBy(*keys).agg(F.count("*").alias("n"))


def sum_patterns(patterns: DataFrame) -> DataFrame:
    """Sum the flags within conversations first, then over conversations.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_totals`. A role that a conversation has no labelled message of adds nothing.
    """
    role = F.posexplode(F.array(*map(F.lit, ROLES))).alias("role_number", "role")
    own = F.filter("pattern", lambda code: F.shiftright(code, ROLE_BIT) == F.col("role_number"))
    by_role = patterns.select("*", role).withColumn("own", own).where(F.size("own") > 0)
    views = by_category(by_role, "source", "model", "language", "role", "n", "own")
    keys = ("source", "model", "language", "role", "category")
    present = views.select(
        *keys,
        "n",
        F.size(F.filter("own", lambda code: has(code, "labelled"))).alias("m"),
        F.size(F.filter("own", lambda code: has(code, "flagged"))).alias("f"),
    )
    n, m, f = F.col("n"), F.col("m").cast("bigint"), F.col("f").cast("bigint")
    return present.groupBy(*keys).agg(
        F.sum(F.when(m > 0, n).otherwise(0)).alias("n_conversations"),
        F.sum(F.when(f > 0, n).otherwise(0)).alias("n_conversations_flagged"),
        F.sum(n * m).alias("n_messages"),
        F.sum(n * f).alias("n_flagged"),
        F.sum(n * m * m).alias("sum_messages_squared"),
        F.sum(n * f * f).alias("sum_flagged_squared"),
        F.sum(n * f * m).alias("sum_flagged_messages"),
    )


def by_category(rows: DataFrame, *columns: str, masks: Mapping[str, int] | None = None) -> DataFrame:
    """Repeat each row for every category.

    Args:
        columns: what to keep of the rows.
        masks: category to the bits of a code that say so, for other categories than the published ones.

    Returns:
        The columns, category, and its bits in a code: `flagged`, and `labelled` where the flag is known.
    """
    named = F.create_map(*[F.lit(part) for pair in (masks or MASKS).items() for part in pair])
    repeated = rows.select(*columns, F.explode(named).alias("category", "flagged"))
    return repeated.withColumn("labelled", F.shiftleft("flagged", LABELLED_BIT))


def has(code: Column, mask: str) -> Column:
    """Whether a message's code has one of the bits in this column."""
    return code.bitwiseAND(F.col(mask)) != 0


def _code_of_battle() -> Column:
    code = F.lit(ROLES.index("battle") << ROLE_BIT)
    for bit, flag in enumerate(FLAG_COLUMNS):
        labelled = 1 << (LABELLED_BIT + bit)
        code = code + F.when(F.col(flag), labelled + (1 << bit)).when(~F.col(flag), labelled).otherwise(0)
    return code


def _scored(messages: DataFrame, battles: DataFrame) -> DataFrame:
    columns = (*_KEYS, *FLAG_COLUMNS, *SCORE_COLUMNS)
    return with_known_language(messages).select(*columns).unionByName(_tags(battles).select(*columns))


def _tags(battles: DataFrame) -> DataFrame:
    """Battles as if each were a message by the role `battle`."""
    tags = F.col("moderation")
    return battles.select(
        "source",
        F.lit(None).cast("string").alias("model"),
        "language",
        F.lit("battle").alias("role"),
        tags["flagged"].alias("flagged"),
        *[tags["categories"][c].alias(column) for c, column in zip(CATEGORIES, FLAG_COLUMNS[1:], strict=True)],
        *[tags["category_scores"][c].alias(column) for c, column in zip(CATEGORIES, SCORE_COLUMNS, strict=True)],
    )
