"""Moderation of messages as counts: scores in bins, and the flags of whole conversations.

Tags of a battle as a whole count with the role `battle` and no model; each battle is a conversation of its own.
Languages of messages are as published, else as detected.
"""

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import with_known_language
from arenalake.entities.moderation import (
    ALL_CATEGORIES,
    CATEGORIES,
    DETOXIFY,
    FLAG_COLUMNS,
    LABELLED_BIT,
    ROLE_BIT,
    ROLES,
    SCORE_COLUMNS,
)
from arenalake.entities.trees import as_conversations
from arenalake.lake.counting import count_in_tasks
from arenalake.moderation.tables import SCORE_COUNTS, UNDERFLOW_BIN
from arenalake.numbers.histograms import count_cells, nest_cells

_KEYS = ("source", "model", "language", "role")
# A score of 1 is in bin 0, the last one.
_N_BINS = 1 - UNDERFLOW_BIN
_UNIT = 10**9


def count_scores(messages: DataFrame, battles: DataFrame, tree_messages: DataFrame | None = None) -> DataFrame:
    """Count messages by score, in bins of a hundredth of a decade.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.
        tree_messages: columns of the table `tree_messages`, for their scores by Detoxify.

    Returns:
        Columns of the table `score_counts`. The category `any` has flags but no score. A message without a score is
        in no bin, and one without the flag is in `n` but not in `n_labelled`. Categories of Detoxify have no flags, and
        only messages with the score are in `n`.
    """
    counted = count_in_tasks(_scored(messages, battles), _sort_into_bins, SCORE_COUNTS)
    if tree_messages is None:
        return counted
    said = as_conversations(tree_messages).withColumn("role", F.col("messages")[0]["role"])
    named = said.select(*_KEYS, F.inline("detoxify").alias("category", "score"))
    return counted.unionByName(count_in_tasks(named, bin_named_scores, SCORE_COUNTS))


def bin_named_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """Rows of `score_counts` for some scores by Detoxify: source, model, language, role, category, score."""
    values = scores["score"].to_numpy()
    high, low = _in_digits(values)
    binned = scores.with_columns(
        category=pl.lit(DETOXIFY) + pl.col("category"),
        score_bins=pl.Series(_bin_of(values), dtype=pl.Int32),
        high=pl.Series(high.astype(np.int64)),
        low=pl.Series(low.astype(np.int64)),
    )
    counted = count_cells(binned, keys=SCORE_COUNTS.key, cell="score_bins", sums=["high", "low"])
    sums = pl.Series(pl.from_arrow(_decimals(counted["high"].to_numpy(), counted["low"].to_numpy())))
    no_flags = pl.lit(0, pl.Int64)
    counted = counted.with_columns(n_labelled=no_flags, n_flagged=no_flags, n_scored="n", sum_score=sums)
    return counted.select(SCORE_COUNTS.column_names)


def _sort_into_bins(messages: pl.DataFrame) -> pl.DataFrame:
    """Rows of `score_counts` for some messages, each with the code of its flags and the list of its scores."""
    groups = messages.group_by(_KEYS).agg("flags", "scores", n=pl.len().cast(pl.Int64))
    sizes = groups["n"].to_numpy()
    starts = np.cumsum(sizes) - sizes

    def sum_by_group(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Sums of [messages, categories] as [groups, categories], in a row."""
        sums: npt.NDArray[np.int64] = np.add.reduceat(values, starts, axis=0).ravel()
        return sums

    numbers = np.arange(len(ALL_CATEGORIES))
    flags = groups["flags"].explode().to_numpy()[:, None].astype(np.int64)
    given = groups["scores"].explode().explode()
    # The first category is `any`, which has no score.
    is_scored, value = np.zeros((len(messages), len(numbers)), bool), np.zeros((len(messages), len(numbers)))
    is_scored[:, 1:] = given.is_not_null().to_numpy().reshape(len(messages), -1)
    value[:, 1:] = given.fill_null(0.0).to_numpy().reshape(len(messages), -1)
    high, low = _in_digits(value)

    row = np.repeat(np.arange(len(groups)), sizes)[:, None] * len(numbers) + numbers
    bins = row[is_scored] * _N_BINS + _bin_of(value[is_scored]) - UNDERFLOW_BIN
    found, counts = np.unique(bins, return_counts=True)
    n_rows = len(groups) * len(numbers)
    columns = {
        "category": pa.array(list(ALL_CATEGORIES) * len(groups)),
        "n": pa.array(np.repeat(sizes, len(numbers))),
        "n_labelled": pa.array(sum_by_group(flags >> (LABELLED_BIT + numbers) & 1)),
        "n_flagged": pa.array(sum_by_group(flags >> numbers & 1)),
        "n_scored": pa.array(sum_by_group(is_scored.astype(np.int64))),
        "sum_score": _decimals(sum_by_group(high.astype(np.int64)), sum_by_group(low.astype(np.int64))),
    }
    keys = groups.select(pl.col(_KEYS).repeat_by(len(numbers)).explode())
    sums = pl.DataFrame(pl.from_arrow(pa.table(columns)))
    cells = nest_cells(found, counts, cell="score_bins", groups=n_rows, width=_N_BINS, first=UNDERFLOW_BIN)
    return pl.concat([keys, sums, cells.cast({"score_bins": pl.List(pl.Int32)})], how="horizontal")


def _in_digits(scores: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Nine digits and nine more, so that whole numbers add up exactly."""
    high = np.floor(scores * _UNIT)
    return high, np.floor((scores * _UNIT - high) * _UNIT + 0.5)


def _bin_of(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    logarithm = np.log10(np.maximum(scores, 1e-9))
    return np.where(scores < 1e-9, UNDERFLOW_BIN, np.floor(100 * logarithm)).astype(np.int64)


def _decimals(high: npt.NDArray[np.int64], low: npt.NDArray[np.int64]) -> pa.Decimal128Array:
    """Sums of billionths and of their billionths as decimals."""
    # Whole numbers of 19 digits by units of one digit each leave room for the sum.
    whole, rest = (pa.array(sums).cast(pa.decimal128(19)) for sums in (high, low))
    billionths = pc.multiply(whole, pa.scalar(Decimal("1e-9"), pa.decimal128(1, 9)))
    rest = pc.multiply(rest, pa.scalar(Decimal("1e-18"), pa.decimal128(1, 18)))
    return pc.add(billionths, rest).cast(pa.decimal128(38, 18))


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
