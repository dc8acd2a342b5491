"""Moderation of messages as counts: scores in bins, and the flags of whole conversations.

Tags of a battle as a whole count with the role `battle` and no model; each battle is a conversation of its own.
Languages of messages are as published, else as detected.
"""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import with_known_language
from arenalake.entities.moderation import (
    ALL_CATEGORIES,
    CATEGORIES,
    FLAG_COLUMNS,
    LABELLED_BIT,
    ROLE_BIT,
    ROLES,
    SCORE_COLUMNS,
)
from arenalake.numbers.cells import Addends, Sums, sum_by_cell

UNDERFLOW_BIN = -901
# Stands for the null bin, below all others; a score of 1 is in bin 0.
NO_SCORE = UNDERFLOW_BIN - 1
N_BINS = 1 - NO_SCORE

_KEYS = ("source", "model", "language", "role")
_SUMS = ("n", "n_labelled", "n_flagged", "high", "low")
_COUNTS = (
    "source string, model string, language string, role string, category string, score_bin int, "
    "n bigint, n_labelled bigint, n_flagged bigint, sum_score decimal(38,18)"
)
_UNIT = 10**9


def count_scores(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count messages by score, in bins of a hundredth of a decade.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        Columns of the table `moderation_counts`. The category `any` has flags but no score. A message without a score
        is in the null bin; one without the flag is in `n` but not in `n_labelled`.
    """
    n_cells = len(ALL_CATEGORIES) * N_BINS
    return sum_by_cell(
        _scored(messages, battles), _sort_into_bins, _name_bins, _COUNTS, keys=_KEYS, n_cells=n_cells, n_sums=len(_SUMS)
    )


def _sort_into_bins(batch: pa.RecordBatch) -> Iterator[Addends]:
    """What each message adds to `_SUMS` in each category, cells being numbered by category and bin."""
    numbers = np.arange(len(ALL_CATEGORIES))[:, None]
    bins = np.full((len(ALL_CATEGORIES), len(batch)), NO_SCORE)
    sums = np.zeros((len(_SUMS), *bins.shape), np.int64)
    flags = batch.column("flags").to_numpy()
    sums[0] = 1
    sums[1] = flags >> (LABELLED_BIT + numbers) & 1
    sums[2] = flags >> numbers & 1
    scores = batch.column("scores").flatten()
    there = scores.is_valid().to_numpy(zero_copy_only=False).reshape(len(batch), -1).T
    value = pc.fill_null(scores, 0.0).to_numpy().reshape(len(batch), -1).T[there]
    logarithm = np.log10(np.maximum(value, 1e-9))
    # The first category is `any`, which has no score.
    bins[1:][there] = np.where(value < 1e-9, UNDERFLOW_BIN, np.floor(100 * logarithm))
    # Nine digits and nine more, so that whole numbers add up exactly.
    high = np.floor(value * _UNIT)
    sums[3, 1:][there] = high
    sums[4, 1:][there] = np.floor((value * _UNIT - high) * _UNIT + 0.5)
    yield Addends([batch.column(name) for name in _KEYS], numbers * N_BINS + bins - NO_SCORE, sums)


def _name_bins(found: Sums) -> pa.RecordBatch:
    """Rows of `_COUNTS`."""
    category, bins = np.divmod(found.cells, N_BINS)
    is_null = bins == 0
    # Whole numbers of 19 digits by units of one digit each leave room for the sum.
    high, low = (pa.array(sums).cast(pa.decimal128(19)) for sums in found.sums[3:])
    billions = pc.multiply(high, pa.scalar(Decimal("1e-9"), pa.decimal128(1, 9)))
    rest = pc.multiply(low, pa.scalar(Decimal("1e-18"), pa.decimal128(1, 18)))
    sum_score = pc.add(billions, rest).cast(pa.decimal128(38, 18))
    columns = [
        *found.keys_of_cells(),
        pa.array(ALL_CATEGORIES).take(pa.array(category)),
        pa.array((bins + NO_SCORE).astype(np.int32), mask=is_null),
        *map(pa.array, found.sums[:3]),
        pc.if_else(pa.array(is_null), None, sum_score),
    ]
    return pa.RecordBatch.from_arrays(columns, [*_KEYS, "category", "score_bin", *_SUMS[:3], "sum_score"])


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


def _code_of_battle() -> Column:
    return F.lit(ROLES.index("battle") << ROLE_BIT) + _code_of_flags()


def _code_of_flags() -> Column:
    code = F.lit(0)
    for bit, flag in enumerate(FLAG_COLUMNS):
        labelled = 1 << (LABELLED_BIT + bit)
        code = code + F.when(F.col(flag), labelled + (1 << bit)).when(~F.col(flag), labelled).otherwise(0)
    return code


def _scored(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Keys, flags and scores of messages, in as few columns as can be: Spark asks each for its size after every row."""
    columns = (*_KEYS, *FLAG_COLUMNS, *SCORE_COLUMNS)
    rows = with_known_language(messages).select(*columns).unionByName(_tags(battles).select(*columns))
    return rows.select(*_KEYS, _code_of_flags().alias("flags"), F.array(*SCORE_COLUMNS).alias("scores"))


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
