"""Moderation as functions of counts: flag rates with intervals, score quantiles, and shares above thresholds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, GroupedData
from pyspark.sql import functions as F

from arenalake.counts.moderation import UNDERFLOW_BIN
from arenalake.statistics.groupings import by_groupings
from arenalake.statistics.proportions import effective_size, wilson_bounds

RATE_GROUPINGS = ("all", "model", "language")
CURVE_GROUPINGS = ("all", "model")
# Thousandths, so that ranks are compared as whole numbers.
_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_KEY = ("source", "grouping", "model", "language", "role", "category")
_TOGETHER = ("source", "role", "category")
_NAMES = "source string, grouping string, model string, language string, role string, category string"
_SCORES = f"{_NAMES}, n_missing bigint, n_scored bigint, mean_score double, " + ", ".join(
    f"{name} double" for name in _QUANTILES
)


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
    needed = (*RATE_GROUPINGS[1:], "n_labelled", "sum_score")
    scores = _by_category(moderation_counts, needed).applyInArrow(_summarise_scores, _SCORES)
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


def _summarise_scores(counts: pa.Table) -> pa.Table:
    """Rows of `_SCORES` from all counts of a source, role and category."""
    tables = []
    for grouping in RATE_GROUPINGS:
        seen = _Histograms(counts, grouping)
        up_to, n_scored = seen.n.cumsum(axis=1), seen.n.sum(axis=1)
        has_scores = n_scored > 0
        quantiles = {
            name: _or_null(_middle(np.argmax(up_to * 1000 >= n_scored[:, None] * thousandths, axis=1)), has_scores)
            for name, thousandths in _QUANTILES.items()
        }
        sums = np.array([float(total or 0) for total in seen.sum_of(counts["sum_score"])])
        columns = {
            "n_missing": pa.array(seen.sum_of(pc.subtract(counts["n"], counts["n_labelled"])), pa.int64()),
            "n_scored": n_scored,
            "mean_score": _or_null(sums / np.maximum(n_scored, 1), has_scores),
            **quantiles,
        }
        tables.append(pa.table({**seen.names(), **columns}))
    return pa.concat_tables(tables)


def share_above_thresholds(moderation_counts: DataFrame) -> DataFrame:
    """Share of the messages whose score is at or above each threshold, ten thresholds a decade from 1e-9 to 1.

    Args:
        moderation_counts: columns of the table `moderation_counts`.

    Returns:
        Columns of the table `moderation_curves`; messages without a score are left out of both sides.
    """
    columns = f"{_NAMES}, threshold double, n bigint, n_above bigint"
    curves = _by_category(moderation_counts, CURVE_GROUPINGS[1:]).applyInArrow(_count_above, columns)
    return curves.drop("language").withColumn("share", F.col("n_above") / F.col("n"))


def _count_above(counts: pa.Table) -> pa.Table:
    edges = np.arange(-90, 1)
    tables = []
    for grouping in CURVE_GROUPINGS:
        seen = _Histograms(counts, grouping)
        n_from = seen.n[:, ::-1].cumsum(axis=1)[:, ::-1]
        scored = np.flatnonzero(n_from[:, 0])
        columns = {
            "threshold": np.tile(10.0 ** (edges / 10), len(scored)),
            "n": np.repeat(n_from[scored, 0], len(edges)),
            "n_above": n_from[scored][:, 10 * edges - UNDERFLOW_BIN].ravel(),
        }
        tables.append(pa.table({**seen.names(np.repeat(scored, len(edges))), **columns}))
    return pa.concat_tables(tables)


def _by_category(moderation_counts: DataFrame, columns: Sequence[str]) -> GroupedData:
    """Counts by what histograms are made of at once, with these columns beside those of every histogram."""
    return moderation_counts.select(*_TOGETHER, "score_bin", "n", *columns).groupBy(*_TOGETHER)


class _Histograms:
    """The scores of one source, role and category, by the groups of a grouping.

    There are as many bins and groups however many messages were counted, so an array has room for all of them.

    Attributes:
        n: messages, [groups, bins from `UNDERFLOW_BIN` to 0].
    """

    def __init__(self, counts: pa.Table, grouping: str) -> None:
        self._counts, self._grouping = counts, grouping
        self._values: list[str | None] = [None]
        self._group = np.zeros(len(counts), np.int64)
        if grouping != "all":
            values = counts[grouping].combine_chunks().dictionary_encode("encode")
            self._values, self._group = values.dictionary.to_pylist(), values.indices.to_numpy()
        bins = counts["score_bin"]
        self.n = np.zeros((len(self._values), 1 - UNDERFLOW_BIN), np.int64)
        scored = bins.is_valid().to_numpy()
        place = bins.drop_null().to_numpy() - UNDERFLOW_BIN
        np.add.at(self.n, (self._group[scored], place), counts["n"].to_numpy()[scored])

    def sum_of(self, values: pa.ChunkedArray) -> list[Any]:
        """Exact sum of a column of the counts for each group; None where all of it is null."""
        sums = pa.table({"group": self._group, "value": values}).group_by("group").aggregate([("value", "sum")])
        found: list[Any] = sums.sort_by("group")["value_sum"].to_pylist()
        return found

    def names(self, rows: npt.NDArray[np.int64] | None = None) -> dict[str, pa.Array]:
        """Columns of `_NAMES` for these groups, each once if left out."""
        rows = np.arange(len(self._values)) if rows is None else rows
        of_group = pa.array(self._values, pa.string()).take(pa.array(rows))
        nothing = pa.nulls(len(rows), pa.string())
        source, role, category = (self._counts[name][0] for name in ("source", "role", "category"))
        return {
            "source": pa.repeat(source, len(rows)),
            "grouping": pa.repeat(self._grouping, len(rows)),
            "model": of_group if self._grouping == "model" else nothing,
            "language": of_group if self._grouping == "language" else nothing,
            "role": pa.repeat(role, len(rows)),
            "category": pa.repeat(category, len(rows)),
        }


def _middle(place: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The score in the middle of a bin, by ratio; the last bin holds the score 1 only, the first all below 1e-9."""
    score_bin = place + UNDERFLOW_BIN
    middle = 10.0 ** ((score_bin + 0.5) / 100)
    return np.where(score_bin == 0, 1.0, np.where(score_bin == UNDERFLOW_BIN, 5e-10, middle))


def _or_null(values: npt.NDArray[np.float64], is_known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~is_known)
