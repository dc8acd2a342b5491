"""The bootstrap over Spark tasks: votes per slice, blocks of rounds, and the summary of each slice.

Counts are integers, a round depends only on (votes, seed, round), and each group is one task in a fixed order: so the
results do not depend on partitions, cores or the order of rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from arenalake.config import BootstrapConfig, RatingsConfig
from arenalake.ratings.leaderboard import FAMILIES, replicate_points, summarise
from arenalake.ratings.replicates import CHUNK, fit_point, replicate, resample_battles
from arenalake.ratings.votes import Floats, PairVotes, count_pairs
from arenalake.tables import RATING_REPLICATES, RATINGS

# Rounds of one task: enough to pay for the tables of the sampler, few enough to keep all cores busy.
BLOCK = 4 * CHUNK
_VOTES = ("wins_a", "wins_b", "ties")


def count_votes(battle_counts: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Votes per slice and pair of models.

    Args:
        battle_counts: the table `battle_counts`.
        ratings: `slices`, `judge_kinds`, and `min_battles`, under which a slice is left out; `all` never is.

    Returns:
        source, slice, model_a, model_b (model_a first by code point), wins_a, wins_b, ties (both kinds). Rows with a
        null in a slice's column belong to no such slice.
    """
    votes = battle_counts.where(F.col("judge_kind").isin(ratings.judge_kinds))
    slices = [_slice_of(votes, entry) for entry in ratings.slices]
    sliced = slices[0]
    for further in slices[1:]:
        sliced = sliced.unionByName(further)
    swapped = F.col("model_a") > F.col("model_b")
    tie = F.col("winner").isin("tie", "tie (bothbad)")
    first_wins = (F.col("winner") == "model_a") != swapped
    pairs = sliced.groupBy(
        "source",
        "slice",
        F.least("model_a", "model_b").alias("model_a"),
        F.greatest("model_a", "model_b").alias("model_b"),
    ).agg(
        F.sum(F.when(~tie & first_wins, F.col("n")).otherwise(0)).alias("wins_a"),
        F.sum(F.when(~tie & ~first_wins, F.col("n")).otherwise(0)).alias("wins_b"),
        F.sum(F.when(tie, F.col("n")).otherwise(0)).alias("ties"),
    )
    totals = pairs.groupBy("source", "slice").agg(F.sum(F.col("wins_a") + F.col("wins_b") + F.col("ties")).alias("n"))
    rated = totals.where((F.col("slice") == "all") | (F.col("n") >= ratings.min_battles)).drop("n")
    return pairs.join(rated, ["source", "slice"]).select("source", "slice", "model_a", "model_b", *_VOTES)


def _slice_of(votes: DataFrame, entry: str) -> DataFrame:
    columns = [] if entry == "all" else entry.split(",")
    named = F.lit("all") if entry == "all" else F.concat_ws(",", *[_name_value(column) for column in columns])
    for column in columns:
        votes = votes.where(F.col(column).isNotNull())
    return votes.select("source", named.alias("slice"), "model_a", "model_b", "winner", "n")


def _name_value(column: str) -> Column:
    # A comma or an equals sign inside a value is escaped, so that two slices never share a name.
    value = F.regexp_replace(F.col(column).cast("string"), r"([\\,=])", r"\\$1")
    return F.concat(F.lit(f"{column}="), value)


def bootstrap_ratings(votes: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> DataFrame:
    """The ratings of every round, as the table `rating_replicates`.

    Args:
        votes: as `count_votes` gives them.
        ratings: methods, scale, center, anchor.
        bootstrap: rounds, seed.
    """
    n_blocks = -(-bootstrap.rounds // BLOCK)
    keys = ["source", "slice", "method", "block"]
    work = votes.withColumn("method", _each(ratings.methods)).withColumn("block", _each(range(n_blocks)))

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, method, block = key
        rounds = range(block * BLOCK, min((block + 1) * BLOCK, bootstrap.rounds))
        with _one_thread():
            point = fit_point(read_votes(rows), FAMILIES[method])
            drawn = replicate(point, resample_battles(point, bootstrap.seed), rounds)
            values = replicate_points(point, drawn, ratings)
        return _replicate_rows(source, slice_, method, bootstrap.unit, rounds, point.votes.models, values)

    # The number of partitions is given because the work is in the rounds: by bytes Spark would make it one task.
    spread = work.repartition(n_blocks * len(ratings.methods), *keys)
    return spread.groupBy(*keys).applyInPandas(run, RATING_REPLICATES.ddl).select(*RATING_REPLICATES.column_names)


def _each(values: Iterable[Any]) -> Column:
    return F.explode(F.array(*[F.lit(value) for value in values]))


def _replicate_rows(
    source: str, slice_: str, method: str, unit: str, rounds: range, models: Sequence[str], values: Floats
) -> pd.DataFrame:
    n_models = len(models)
    return pd.DataFrame(
        {
            "source": source,
            "slice": slice_,
            "method": method,
            "unit": unit,
            "round": np.repeat(np.arange(rounds.start, rounds.stop, dtype=np.int32), n_models),
            "model": np.tile(np.array(models, dtype=object), len(rounds)),
            "rating": pd.array(values.T.ravel(), dtype="Float64"),  # NaN becomes null, infinities stay
        }
    )


def summarise_ratings(votes: DataFrame, replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Ratings with intervals and ranks, as the table `ratings`.

    Args:
        votes: as `count_votes` gives them.
        replicates: the table `rating_replicates`.
        ratings: methods, scale, center, anchor.
    """
    keys = ["source", "slice", "method"]

    def run(key: tuple[Any, ...], rows: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
        source, slice_, method = key
        with _one_thread():
            counted = read_votes(rows)
            point = fit_point(counted, FAMILIES[method])
            table = summarise(counted, point, _read_replicates(rounds, counted), ratings)
        unit = rounds["unit"].iloc[0]
        return table.assign(source=source, slice=slice_, method=method, unit=unit)[RATINGS.column_names]

    sides = votes.withColumn("method", _each(ratings.methods)).groupBy(*keys), replicates.groupBy(*keys)
    return sides[0].cogroup(sides[1]).applyInPandas(run, RATINGS.ddl).select(*RATINGS.column_names)


def read_votes(rows: pd.DataFrame) -> PairVotes:
    """Rows of `count_votes` for one slice, in any order, as arrays."""
    codes, names = pd.factorize(pd.concat([rows["model_a"], rows["model_b"]], ignore_index=True))
    counts = rows[list(_VOTES)].to_numpy(dtype=np.int64).T
    return count_pairs(list(names), codes[: len(rows)], codes[len(rows) :], counts)


def _read_replicates(rounds: pd.DataFrame, votes: PairVotes) -> Floats:
    model = pd.Index(votes.models).get_indexer(pd.Index(rounds["model"]))
    values = np.full((len(votes.models), int(rounds["round"].max()) + 1), np.nan)
    values[model, rounds["round"]] = rounds["rating"].to_numpy(dtype=np.float64, na_value=np.nan)
    return values


@contextmanager
def _one_thread() -> Iterator[None]:
    # Sums split over threads round differently, and the tasks already use all cores.
    with threadpool_limits(limits=1, user_api="blas"):
        yield
