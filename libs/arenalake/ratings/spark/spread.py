"""The bootstrap over Spark tasks: votes per slice, blocks of rounds, and the summary of each slice.

Counts are integers, a round depends only on (votes, seed, round), and each group is one task in a fixed order: so the
results do not depend on partitions, cores or the order of rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, GroupedData, Window
from pyspark.sql import functions as F

from arenalake.battles.counts import month_of
from arenalake.lake.table import Table
from arenalake.ratings.model import leaderboard
from arenalake.ratings.model.estimates import COUNTED, LIKELIHOODS
from arenalake.ratings.model.replicates import fit_point, resample_battles
from arenalake.ratings.model.rounds import n_blocks, one_thread, rate_block
from arenalake.ratings.model.summaries import summary_pairs, summary_rows
from arenalake.ratings.model.votes import Floats, PairVotes, count_pairs, count_scores
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.tables import RATING_FITS, RATING_PAIRS, RATING_REPLICATES, RATING_SLICES, RATINGS

VOTES = ("wins_a", "wins_b", "ties")
SCORES = ("score", "n")

# Types that know a null.
_PANDAS_TYPES = {"string": "object", "int": "Int32", "bigint": "Int64", "double": "Float64"}

Summary = Callable[[PairVotes, str, Floats], Iterable[pd.DataFrame]]
"""From votes, method and the ratings per round [K, R] to rows, in parts."""


def count_votes(battle_counts: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Votes per slice and pair of models.

    Args:
        battle_counts: the rows of `battle_counts` that are rated, or battles with a column n, which `outcome` score
            needs.
        ratings: `slices`, `judge_kinds`, `outcome`, and `min_battles`, under which a slice is left out; `all` never is.

    Returns:
        source, slice, model_a, model_b (model_a first by code point), and wins_a, wins_b, ties (both kinds), or for
        outcome score: score (of model_a), n. Rows with a null in a slice's column belong to no such slice.
    """
    pairs = sum_outcomes(slice_rows(battle_counts, ratings=ratings), ["source", "slice"], ratings=ratings)
    outcomes = SCORES if ratings.outcome == "score" else VOTES
    counts = [F.col(name) for name in outcomes if name != "score"]
    total = F.sum(reduce(Column.__add__, counts)).over(Window.partitionBy("source", "slice"))
    rated = pairs.withColumn("total", total).where((F.col("slice") == "all") | (F.col("total") >= ratings.min_battles))
    # The alias makes `source` a column of its own: votes by score and ballots both come from `battles`.
    return rated.select(F.col("source").alias("source"), "slice", "model_a", "model_b", *outcomes)


def sum_outcomes(rows: DataFrame, keys: Sequence[str], *, ratings: RatingsConfig) -> DataFrame:
    """Add up `n` within `keys`, by pair and by what counts as the outcome of a battle: `VOTES` or `SCORES`."""
    return (sum_scores if ratings.outcome == "score" else sum_votes)(rows, keys)


def sum_scores(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Add up `n` by unordered pair and score, within `keys`: keys, model_a, model_b, score (of model_a), n."""
    swapped = F.col("model_a") > F.col("model_b")
    score = F.when(swapped, 1 - battle_score()).otherwise(battle_score()).alias("score")
    pair = F.least("model_a", "model_b").alias("model_a"), F.greatest("model_a", "model_b").alias("model_b")
    return rows.groupBy(*keys, *pair, score).agg(F.sum("n").alias("n"))


def battle_score(*, soft: bool = True) -> Column:
    """The score of the model shown first, 0 to 1: where the battle has none of its own, 1, 0 or 1/2 by its winner."""
    winner = F.col("winner")
    by_winner = F.when(winner == "model_a", 1.0).when(winner == "model_b", 0.0).otherwise(0.5)
    return F.coalesce("score", by_winner) if soft else by_winner


def count_slices(battle_counts: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Every slice and whether it is large enough to be rated, as the table `rating_slices`; see `count_votes`."""
    slices = slice_rows(battle_counts, ratings=ratings).groupBy("source", "slice").agg(F.sum("n").alias("n_battles"))
    rated = (F.col("slice") == "all") | (F.col("n_battles") >= ratings.min_battles)
    slices = slices.withColumns({"min_battles": F.lit(ratings.min_battles), "rated": rated})
    return slices.select(*RATING_SLICES.column_names)


def sum_votes(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Add up `n` by unordered pair and outcome, within `keys`: keys, model_a, model_b, wins_a, wins_b, ties."""
    swapped = F.col("model_a") > F.col("model_b")
    tie = F.col("winner").isin("tie", "tie (bothbad)")
    first_wins = (F.col("winner") == "model_a") != swapped
    pair = F.least("model_a", "model_b").alias("model_a"), F.greatest("model_a", "model_b").alias("model_b")
    return rows.groupBy(*keys, *pair).agg(
        F.sum(F.when(~tie & first_wins, F.col("n")).otherwise(0)).alias("wins_a"),
        F.sum(F.when(~tie & ~first_wins, F.col("n")).otherwise(0)).alias("wins_b"),
        F.sum(F.when(tie, F.col("n")).otherwise(0)).alias("ties"),
    )


def slice_rows(rows: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """The rows of the wanted judge kinds, once per slice they belong to, with the column `slice`.

    A battle is in the slice of its category and in that of each of its tags; `category` is then the slice's.
    """
    rows = rows.where(F.col("judge_kind").isin(ratings.judge_kinds))
    if "month" not in rows.columns:  # counts have the month, battles the time
        rows = rows.withColumn("month", month_of("tstamp"))
    sliced = [_slice_of(rows, entry) for entry in ratings.slices]
    union = sliced[0]
    for further in sliced[1:]:
        union = union.unionByName(further)
    return union


def _slice_of(rows: DataFrame, entry: str) -> DataFrame:
    columns = [] if entry == "all" else entry.split(",")
    if "category" in columns:
        rows = rows.withColumn("category", F.explode(_categories()))
    name = F.concat_ws(",", *[_name_value(column) for column in columns]) if columns else F.lit("all")
    for column in columns:
        rows = rows.where(F.col(column).isNotNull())
    return rows.withColumn("slice", name)


def _categories() -> Column:
    """The category of a battle and its tags, each once; empty where it has neither."""
    category = F.array_compact(F.array("category"))
    return F.array_union(category, F.coalesce("category_tags", F.array().cast("array<string>")))


def _name_value(column: str) -> Column:
    # A comma or an equals sign inside a value is escaped, so that two slices never share a name.
    value = F.regexp_replace(F.col(column).cast("string"), r"([\\,=])", r"\\$1")
    return F.concat(F.lit(f"{column}="), value)


def bootstrap_ratings(votes: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> DataFrame:
    """The ratings of every round, resampling battles, as the table `rating_replicates`.

    Args:
        votes: as `count_votes` gives them.
        ratings: methods, scale, center, anchor.
        bootstrap: rounds, seed, resample.
    """
    keys = ["source", "slice", "block"]
    methods = counted_methods(ratings)

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, block = key
        with one_thread():
            counted = read_votes(rows, ratings=ratings)
            resample = resample_battles(counted, bootstrap.seed, poisson=bootstrap.resample == "poisson")
            found = rate_block(counted, methods, resample, block, ratings, bootstrap)
        return conform(found.assign(source=source, slice=slice_, unit="battle"), RATING_REPLICATES)

    work = votes.withColumn("block", each_block(bootstrap))
    # The number of partitions is given because the work is in the rounds: by bytes Spark would make it one task.
    spread = work.repartition(n_blocks(bootstrap), *keys)
    return spread.groupBy(*keys).applyInPandas(run, RATING_REPLICATES.ddl).select(*RATING_REPLICATES.column_names)


def summarise_ratings(votes: DataFrame, replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Ratings with percentile and sandwich intervals and ranks, as the table `ratings`.

    Args:
        votes: as `count_votes` gives them.
        replicates: the table `rating_replicates`.
        ratings: methods, scale, center, anchor.
    """

    def summarise(counted: PairVotes, method: str, rounds: Floats) -> Iterable[pd.DataFrame]:
        return summary_rows(counted, method, rounds, ratings)

    return _summarise(votes, replicates, RATINGS, summarise, ratings=ratings)


def summarise_pairs(votes: DataFrame, replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """For each pair of comparable models, how often one is above the other, as the table `rating_pairs`."""

    def summarise(counted: PairVotes, method: str, rounds: Floats) -> Iterable[pd.DataFrame]:
        return summary_pairs(counted, method, rounds, ratings)

    return _summarise(votes, replicates, RATING_PAIRS, summarise, ratings=ratings)


def _summarise(
    votes: DataFrame, replicates: DataFrame, table: Table, summary: Summary, *, ratings: RatingsConfig
) -> DataFrame:
    keys = ["source", "slice", "method"]
    methods = counted_methods(ratings)

    def run(key: Mapping[str, str], rows: pa.Table, rounds: pa.Table) -> Iterator[pd.DataFrame]:
        counted = read_votes(rows.to_pandas(), ratings=ratings)
        values, unit = read_replicates(rounds, counted.models), rounds["unit"][0].as_py()
        for found in summary(counted, key["method"], values):
            yield found.assign(**key, unit=unit)

    left = votes.withColumn("method", each_method(methods)).groupBy(*keys)
    right = replicates.where(F.col("method").isin(*methods)).groupBy(*keys)
    return apply_to_both(left, right, keys, run, table)


def apply_to_both(
    left: GroupedData,
    right: GroupedData,
    keys: Sequence[str],
    run: Callable[[Mapping[str, str], pa.Table, pa.Table], Iterable[pd.DataFrame]],
    table: Table,
) -> DataFrame:
    """Rows of a table from two sides grouped alike.

    They come and go as Arrow: rounds are millions of rows, of whose names pandas would make Python strings, and rows of
    pairs are made part by part.
    """
    types = {"string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64()}
    schema = pa.schema([(column.name, types[column.type]) for column in table.columns])

    def run_arrow(key: tuple[pa.Scalar, ...], one: pa.Table, two: pa.Table) -> pa.Table:
        named = {name: value.as_py() for name, value in zip(keys, key, strict=True)}
        with one_thread():
            parts = [
                pa.Table.from_pandas(conform(part, table), schema=schema, preserve_index=False)
                for part in run(named, one, two)
            ]
        return pa.concat_tables(parts) if parts else schema.empty_table()

    return left.cogroup(right).applyInArrow(run_arrow, table.ddl).select(*table.column_names)


def summarise_fits(votes: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """How well each likelihood fits, as the table `rating_fits`."""
    keys = ["source", "slice", "method"]
    methods = [method for method in ratings.methods if method in LIKELIHOODS]

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, method = key
        with one_thread():
            found = leaderboard.fit_rows(fit_point(read_votes(rows, ratings=ratings), LIKELIHOODS[method]))
        return conform(found.assign(source=source, slice=slice_, method=method), RATING_FITS)

    work = votes.withColumn("method", each_method(methods))
    return work.groupBy(*keys).applyInPandas(run, RATING_FITS.ddl).select(*RATING_FITS.column_names)


def counted_methods(ratings: RatingsConfig) -> list[str]:
    """The configured methods that votes per pair are enough for."""
    return [method for method in ratings.methods if method in COUNTED]


def each_block(bootstrap: BootstrapConfig) -> Column:
    """A row for each block of rounds."""
    return F.explode(F.array(*[F.lit(block) for block in range(n_blocks(bootstrap))]))


def each_method(methods: Sequence[str]) -> Column:
    """A row for each method; none for no methods."""
    return F.explode(F.array(*[F.lit(method) for method in methods]).cast("array<string>"))


def conform(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The table's columns in order and with its types, NaN as null; Arrow refuses types that pandas gives no rows."""
    rows = rows.reindex(columns=table.column_names)
    return rows.astype({column.name: _PANDAS_TYPES[column.type] for column in table.columns})


def read_votes(rows: pd.DataFrame, *, ratings: RatingsConfig) -> PairVotes:
    """Rows of `count_votes` for one slice, in any order, as arrays, with the configured weights of pairs."""
    codes, names = pd.factorize(pd.concat([rows["model_a"], rows["model_b"]], ignore_index=True))
    sides = list(names), codes[: len(rows)], codes[len(rows) :]
    if ratings.outcome == "score":
        votes = count_scores(*sides, *(rows[name].to_numpy() for name in SCORES))
    else:
        votes = count_pairs(*sides, rows[list(VOTES)].to_numpy(dtype=np.int64).T)
    return votes.weigh_pairs(ratings.min_pair_count) if ratings.pair_weights == "inverse" else votes


def read_replicates(rounds: pa.Table, models: Sequence[str], *, model: str = "model", rating: str = "rating") -> Floats:
    """Rows of one slice and method in any order as an array, [K, R]; NaN for null."""
    row = pc.index_in(rounds[model], pa.array(models, pa.string())).to_numpy()
    column = rounds["round"].to_numpy()
    values = np.full((len(models), int(column.max()) + 1), np.nan)
    values[row, column] = rounds[rating].to_numpy()
    return values
