"""Moderation of messages as counts: scores in bins, and the flags of whole conversations.

Tags of a battle as a whole count with the role `battle` and no model; each battle is a conversation of its own.
Languages of messages are as published, else as detected.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.languages import with_known_language
from arenalake.moderation import ANY, CATEGORIES, column_suffix

ROLES = ("user", "assistant", "battle")
ALL_CATEGORIES = (ANY, *CATEGORIES)
UNDERFLOW_BIN = -901
# The bit of each category in the number of a message.
MASKS = {category: 1 << bit for bit, category in enumerate(ALL_CATEGORIES)}
# Where its other parts begin.
LABELLED_BIT, ROLE_BIT = 12, 24

_KEYS = ("source", "model", "language", "role")
_FLAGS = ("flagged", *(f"flag_{column_suffix(category)}" for category in CATEGORIES))
_SCORES = tuple(f"score_{column_suffix(category)}" for category in CATEGORIES)
_SUMS = ("n", "n_labelled", "n_flagged", "high", "low")
_PARTLY = "source string, model string, language string, role string, category string, score_bin int, " + ", ".join(
    f"{name} bigint" for name in _SUMS
)
# Stands for the null bin, below all others; a score of 1 is in bin 0.
_NO_SCORE = UNDERFLOW_BIN - 1
_BINS = 1 - _NO_SCORE
# Of some 50 bytes each.
_CELLS_AT_ONCE = 400_000

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
    tagged = _tagged(messages, battles).select(*_KEYS, *_FLAGS, *_SCORES)
    # Every message counts once a category, so they are added up before they leave the task that reads them.
    partly = tagged.mapInArrow(_add_up_scores, _PARTLY)
    counts = partly.groupBy(*_KEYS, "category", "score_bin").agg(*[F.sum(name).alias(name) for name in _SUMS])
    # Types with room for the product and for the sum, or Spark rounds digits away.
    whole, unit = "decimal(19,0)", "decimal(34,18)"
    billions = F.col("high").cast(whole) * F.lit("1e-9").cast("decimal(9,9)")
    rest = F.col("low").cast(whole) * F.lit("1e-18").cast("decimal(18,18)")
    sum_score = billions.cast(unit) + rest.cast(unit)
    return counts.select(
        *_KEYS,
        "category",
        "score_bin",
        "n",
        "n_labelled",
        "n_flagged",
        F.when(F.col("score_bin").isNotNull(), sum_score.cast("decimal(38,18)")).alias("sum_score"),
    )


def _add_up_scores(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Counts of the messages of a task, as `_PARTLY`; a cell may come more than once."""
    groups: dict[tuple[str | None, ...], int] = {}
    waiting, n_waiting = [], 0
    for batch in batches:
        waiting.append(_sort_scores_into_cells(batch, groups))
        n_waiting += waiting[-1].shape[1]
        if n_waiting >= _CELLS_AT_ONCE:
            waiting = [_add_up_cells(waiting)]
            if waiting[0].shape[1] > _CELLS_AT_ONCE // 2:
                yield _name_cells(waiting.pop(), groups)
            n_waiting = sum(cells.shape[1] for cells in waiting)
    if waiting and groups:
        yield _name_cells(_add_up_cells(waiting), groups)


def _sort_scores_into_cells(batch: pa.RecordBatch, groups: dict[tuple[str | None, ...], int]) -> Cells:
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
    scores = [None, *(batch.column(name) for name in _SCORES)]
    for number, (of_category, flag, score) in enumerate(zip(cells, map(batch.column, _FLAGS), scores, strict=True)):
        bins = np.full(len(batch), _NO_SCORE)
        if score is not None:
            there = score.is_valid().to_numpy(zero_copy_only=False)
            value = score.drop_null().to_numpy()
            logarithm = np.log10(np.maximum(value, 1e-9))
            bins[there] = np.where(value < 1e-9, UNDERFLOW_BIN, np.floor(100 * logarithm))
            # Nine digits and nine more, so that whole numbers add up exactly.
            of_category[4, there] = high = np.floor(value * 1e9)
            of_category[5, there] = np.floor((value * 1e9 - high) * 1e9 + 0.5)
        of_category[0] = (numbers[group] * len(ALL_CATEGORIES) + number) * _BINS + bins - _NO_SCORE
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


def _name_cells(cells: Cells, groups: dict[tuple[str | None, ...], int]) -> pa.RecordBatch:
    rest, bins = np.divmod(cells[0], _BINS)
    group, category = np.divmod(rest, len(ALL_CATEGORIES))
    keys = [pa.array(values, pa.string()).take(pa.array(group)) for values in zip(*groups, strict=True)]
    columns = [
        *keys,
        pa.array(ALL_CATEGORIES).take(pa.array(category)),
        pa.array((bins + _NO_SCORE).astype(np.int32), mask=bins == 0),
        *map(pa.array, cells[1:]),
    ]
    return pa.RecordBatch.from_arrays(columns, [*_KEYS, "category", "score_bin", *_SUMS])


def count_patterns(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count conversations by the flags of all their messages.

    Few patterns cover nearly all conversations, and what is clustered by conversation is a function of these counts.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        source, model, language, pattern, n; the table `moderation_patterns` says how a pattern is written.
    """
    placed = F.shiftleft(F.col("position").cast("bigint"), 32) + _code()
    coded = _tagged(messages, battles).select("source", "conversation_id", "model", "language", placed.alias("placed"))
    # Spark sorts here, and compares the first key first: the id tells rows apart at once. Model and language are the
    # same for all messages of a conversation.
    in_order = F.sort_array(F.collect_list("placed"))
    pattern = F.transform(in_order, lambda placed: placed.bitwiseAND(2**32 - 1).cast("int")).alias("pattern")
    conversations = coded.groupBy("conversation_id", "source", "model", "language").agg(pattern)
    return conversations.groupBy("source", "model", "language", "pattern").agg(F.count("*").alias("n"))


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


def _code() -> Column:
    """A message as one number, as the table `moderation_patterns` describes it."""
    code = F.lit(None).cast("int")
    for number, role in enumerate(ROLES):
        code = F.when(F.col("role") == role, F.lit(number << ROLE_BIT)).otherwise(code)
    for bit, flag in enumerate(_FLAGS):
        labelled = 1 << (LABELLED_BIT + bit)
        code = code + F.when(F.col(flag), labelled + (1 << bit)).when(~F.col(flag), labelled).otherwise(0)
    return code.alias("code")


def _tagged(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Messages, and battles as if each were a conversation of one message by the role `battle`."""
    columns = ("source", "conversation_id", "position", "model", "language", "role", *_FLAGS, *_SCORES)
    tags = F.col("moderation")
    as_messages = battles.select(
        "source",
        F.col("battle_id").alias("conversation_id"),
        F.lit(0).alias("position"),
        F.lit(None).cast("string").alias("model"),
        "language",
        F.lit("battle").alias("role"),
        tags["flagged"].alias("flagged"),
        *[tags["categories"][c].alias(f"flag_{column_suffix(c)}") for c in CATEGORIES],
        *[tags["category_scores"][c].alias(f"score_{column_suffix(c)}") for c in CATEGORIES],
    )
    return with_known_language(messages).select(*columns).unionByName(as_messages)
