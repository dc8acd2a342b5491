"""Moderation as functions of counts: flag rates with intervals, score quantiles, and shares above thresholds."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.cells import Addends, Sums, Whole, sum_by_cell
from arenalake.counts.moderation import N_BINS, NO_SCORE, UNDERFLOW_BIN
from arenalake.statistics.groupings import by_groupings, keys_by_groupings
from arenalake.statistics.proportions import effective_size, wilson_bounds

RATE_GROUPINGS = ("all", "model", "language")
CURVE_GROUPINGS = ("all", "model")
# Thousandths, so that ranks are compared as whole numbers.
_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_KEY = ("source", "grouping", "model", "language", "role", "category")
_CURVE_KEY = ("source", "grouping", "model", "role", "category")
# Spark does not see what goes unread in Arrow, so it is told what is needed.
_COUNTED = ("source", "model", "language", "role", "category", "score_bin", "n", "n_labelled", "sum_score")
_N_SUMS = 5
_SCORES = ", ".join(
    [
        *(f"{name} string" for name in _KEY),
        "n_missing bigint, n_scored bigint, mean_score double",
        *(f"{name} double" for name in _QUANTILES),
    ]
)
_CURVES = ", ".join([*(f"{name} string" for name in _CURVE_KEY), "threshold double, n bigint, n_above bigint"])
# Thresholds in tenths of a decade.
_EDGES = np.arange(-90, 1)


def summarise_moderation(moderation_counts: DataFrame, moderation_totals: DataFrame) -> DataFrame:
    """Flag rates and score quantiles by grouping, role and category.

    Args:
        moderation_counts: columns of the table `moderation_counts`.
        moderation_totals: columns of the table `moderation_totals`.

    Returns:
        Columns of the table `moderation_stats`, twice per group: unit `message` with the interval that allows for
        messages of a conversation being alike, and unit `conversation` (flagged if one of its messages is) with
        Wilson's. Messages without the flag are in `n_missing` and in no rate.
    """
    totals = by_groupings(moderation_totals, RATE_GROUPINGS)
    sums = [c for c in moderation_totals.columns if c.startswith(("n_", "sum_"))]
    rates = totals.groupBy(*_KEY).agg(*[F.sum(c).alias(c) for c in sums])
    needed = moderation_counts.select(*_COUNTED)
    scores = sum_by_cell(needed, _read_scores, _summarise_scores, _SCORES, keys=_KEY, n_cells=N_BINS, n_sums=_N_SUMS)
    same = [F.col(f"rates.{c}").eqNullSafe(F.col(f"scores.{c}")) for c in _KEY]
    # Counts and totals come from the same messages, so both have every group.
    both = rates.alias("rates").join(scores.alias("scores"), same).select("rates.*", *_SCORE_STATS)
    size = effective_size(
        n_clusters=F.col("n_conversations"),
        n_units=F.col("n_messages"),
        n_hits=F.col("n_flagged"),
        sum_units_squared=F.col("sum_messages_squared"),
        sum_hits_squared=F.col("sum_flagged_squared"),
        sum_hits_units=F.col("sum_flagged_messages"),
    )
    both = both.withColumn("size", size)
    both = both.withColumn("hits", F.col("n_flagged") / F.nullif(F.col("n_messages"), F.lit(0)) * F.col("size"))
    robust = wilson_bounds(F.col("hits"), F.col("size"))
    wilson = wilson_bounds(F.col("n_conversations_flagged"), F.col("n_conversations"))
    by_message = _unit("message", "n_messages", "n_flagged", robust, [F.col(c) for c in _SCORE_STATS])
    no_scores = [F.lit(None).cast("bigint" if c.startswith("n_") else "double").alias(c) for c in _SCORE_STATS]
    by_conversation = _unit("conversation", "n_conversations", "n_conversations_flagged", wilson, no_scores)
    units = both.select(*_KEY, F.inline(F.array(by_message, by_conversation)))
    return units.select(
        *_KEY,
        "unit",
        "n",
        "n_missing",
        "n_flagged",
        "rate",
        "ci_lower",
        "ci_upper",
        "n_scored",
        "mean_score",
        *_QUANTILES,
    )


_SCORE_STATS = ("n_missing", "n_scored", "mean_score", *_QUANTILES)


def _unit(name: str, n: str, n_flagged: str, bounds: tuple[Column, Column], scores: list[Column]) -> Column:
    return F.struct(
        F.lit(name).alias("unit"),
        F.col(n).alias("n"),
        F.col(n_flagged).alias("n_flagged"),
        (F.col(n_flagged) / F.nullif(F.col(n), F.lit(0))).alias("rate"),
        bounds[0].alias("ci_lower"),
        bounds[1].alias("ci_upper"),
        *scores,
    )


def _read_scores(batch: pa.RecordBatch) -> Iterator[Addends]:
    """What counts add for each grouping: messages, those without the flag, and scores."""
    sum_score = batch.column("sum_score")
    # The unscaled value as whole numbers of 32, 32 and 64 bits, of which billions add up exactly.
    bits = np.frombuffer(sum_score.buffers()[1], np.uint64).reshape(-1, 2)[sum_score.offset :][: len(batch)]
    bits = np.where(sum_score.is_valid().to_numpy(zero_copy_only=False)[:, None], bits, np.uint64(0))
    n, n_labelled = (batch.column(name).to_numpy() for name in ("n", "n_labelled"))
    low, middle = bits[:, 0] & np.uint64(0xFFFFFFFF), bits[:, 0] >> np.uint64(32)
    sums = np.stack([n, n - n_labelled, low.view(np.int64), middle.view(np.int64), bits[:, 1].view(np.int64)])
    bins = pc.fill_null(batch.column("score_bin"), NO_SCORE).to_numpy().astype(np.int64)
    for keys in keys_by_groupings(batch, RATE_GROUPINGS, _KEY):
        yield Addends(keys, bins - NO_SCORE, sums)


def _summarise_scores(found: Sums) -> pa.RecordBatch:
    """Rows of `_SCORES`."""
    n = np.where(found.cells > 0, found.sums[0], 0)
    n_scored = np.add.reduceat(n, found.bounds[:-1])
    has_scores = n_scored > 0
    _, n_missing, *parts = found.of_groups()
    sums = [low + (middle << 32) + (high << 64) for low, middle, high in zip(*(p.tolist() for p in parts), strict=True)]
    means = np.array([total / 10**18 for total in sums]) / np.maximum(n_scored, 1)
    quantiles = [_or_null(_middle(found.quantile(n, share)), has_scores) for share in _QUANTILES.values()]
    columns = [*found.keys, pa.array(n_missing), pa.array(n_scored), _or_null(means, has_scores), *quantiles]
    return pa.RecordBatch.from_arrays(columns, [*_KEY, *_SCORE_STATS])


def share_above_thresholds(moderation_counts: DataFrame) -> DataFrame:
    """Share of the messages whose score is at or above each threshold, ten thresholds a decade from 1e-9 to 1.

    Args:
        moderation_counts: columns of the table `moderation_counts`.

    Returns:
        Columns of the table `moderation_curves`; messages without a score are left out of both sides.
    """
    scored = moderation_counts.where("score_bin IS NOT NULL")
    place = F.floor(F.col("score_bin") / 10) + 1 - int(_EDGES[0])
    by_place = scored.groupBy("source", "model", "role", "category", place.alias("place")).agg(F.sum("n").alias("n"))
    n_cells = 1 + len(_EDGES)
    curves = sum_by_cell(by_place, _read_places, _count_above, _CURVES, keys=_CURVE_KEY, n_cells=n_cells, n_sums=1)
    return curves.withColumn("share", F.col("n_above") / F.col("n"))


def _read_places(batch: pa.RecordBatch) -> Iterator[Addends]:
    places, n = batch.column("place").to_numpy(), batch.column("n").to_numpy()[None]
    for keys in keys_by_groupings(batch, CURVE_GROUPINGS, _CURVE_KEY):
        yield Addends(keys, places, n)


def _count_above(found: Sums) -> pa.RecordBatch:
    """Rows of `_CURVES`."""
    n_groups = len(found.bounds) - 1
    # Scores from each threshold to the next; the first are those below all thresholds.
    n = np.zeros((n_groups, 1 + len(_EDGES)), np.int64)
    np.add.at(n, (np.repeat(np.arange(n_groups), np.diff(found.bounds)), found.cells), found.sums[0])
    n_from = n[:, ::-1].cumsum(axis=1)[:, ::-1]
    group = pa.array(np.repeat(np.arange(n_groups), len(_EDGES)))
    columns = [
        *(key.take(group) for key in found.keys),
        pa.array(np.tile(10.0 ** (_EDGES / 10), n_groups)),
        pa.array(np.repeat(n_from[:, 0], len(_EDGES))),
        pa.array(n_from[:, 1:].ravel()),
    ]
    return pa.RecordBatch.from_arrays(columns, [*_CURVE_KEY, "threshold", "n", "n_above"])


def _middle(cells: Whole) -> npt.NDArray[np.float64]:
    """The score in the middle of a bin, by ratio; the last bin holds the score 1 only, the first all below 1e-9."""
    score_bin = cells + NO_SCORE
    middle = 10.0 ** ((score_bin + 0.5) / 100)
    return np.where(score_bin == 0, 1.0, np.where(score_bin == UNDERFLOW_BIN, 5e-10, middle))


def _or_null(values: npt.NDArray[np.float64], is_known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~is_known)
