"""The bootstrap over judges on Spark, in two stages: parts of the judges first, then blocks of rounds."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from arenalake.ratings.model import leaderboard
from arenalake.ratings.model.estimates import LIKELIHOODS, estimate
from arenalake.ratings.model.judges import PART, judge_errors, judge_meat, resample_judges
from arenalake.ratings.model.replicates import fit_point
from arenalake.ratings.model.rounds import BLOCK, n_blocks, one_thread, rate_block
from arenalake.ratings.model.votes import Cells, Floats, Ints, PairVotes
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark.spread import (
    SCORES,
    VOTES,
    conform,
    counted_methods,
    each_block,
    each_method,
    read_votes,
    slice_rows,
    sum_outcomes,
)
from arenalake.ratings.tables import RATING_REPLICATES, RATINGS

_SUMS = "source string, slice string, block int, part int, model_a array<string>, model_b array<string>, sums binary"
_MEATS = "source string, slice string, method string, part int, n_judges bigint, meats array<binary>"
_KEYS = ["source", "slice"]


def count_ballots(battles: DataFrame, votes: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Votes per judge and pair of models.

    Args:
        battles: the table `battles`.
        votes: as `count_votes` gives them; only slices that are in it are counted.
        ratings: slices, judge kinds, outcome.

    Returns:
        source, slice, judge_index (from 0, by name), part, n_judges, model_a, model_b, and wins_a, wins_b, ties, or
        score, n. A vote without a judge is a judge of its own.
    """
    rows = slice_rows(battles, ratings=ratings).join(votes.select(*_KEYS).distinct(), _KEYS, "left_semi")
    ballots = rows.withColumn("judge", judge_key()).withColumn("n", F.lit(1))
    ballots = sum_outcomes(ballots, [*_KEYS, "judge"], ratings=ratings)
    by_name = Window.partitionBy(*_KEYS).orderBy("judge")
    judges = ballots.select(*_KEYS, "judge").distinct()
    judges = judges.withColumn("judge_index", F.row_number().over(by_name) - 1)
    judges = judges.withColumn("n_judges", F.count("*").over(Window.partitionBy(*_KEYS)))
    judges = judges.withColumn("part", F.expr(f"judge_index div {PART}").cast("int"))
    outcomes = SCORES if ratings.outcome == "score" else VOTES
    columns = [*_KEYS, "judge_index", "part", "n_judges", "model_a", "model_b", *outcomes]
    return ballots.join(judges, [*_KEYS, "judge"]).select(*columns)


def judge_key() -> Column:
    """Who voted; a vote without a judge is a judge of its own."""
    return F.coalesce(F.concat(F.lit("judge "), "judge"), F.concat(F.lit("vote "), "battle_id"))


def bootstrap_judges(
    ballots: DataFrame, votes: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig
) -> DataFrame:
    """The ratings of every round, resampling judges, as the table `rating_replicates`.

    Args:
        ballots: as `count_ballots` gives them.
        votes: as `count_votes` gives them.
        ratings: methods, scale, center, anchor.
        bootstrap: rounds, seed, resample.
    """
    methods, blocks = counted_methods(ratings), n_blocks(bootstrap)

    def add_up(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, part, block = key
        counted = read_votes(rows, ratings=ratings)
        matrix = ballot_matrix(rows, counted)
        n_judges, poisson = int(rows["n_judges"].iloc[0]), bootstrap.resample == "poisson"
        rounds = range(block * BLOCK, (block + 1) * BLOCK)
        sums = resample_judges(matrix, n_judges, part, bootstrap.seed, rounds, poisson=poisson)
        names = [[counted.models[index] for index in side] for side in (counted.a, counted.b)]
        found = (source, slice_, block, part, *names, sums.astype("<f8").tobytes())
        return pd.DataFrame([found], columns=[*_KEYS, "block", "part", "model_a", "model_b", "sums"])

    def rate_rounds(key: tuple[Any, ...], rows: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
        source, slice_, block = key
        counted = read_votes(rows, ratings=ratings)
        total: Floats = np.zeros((3, len(counted.a), BLOCK))
        parts = parts.sort_values("part")  # doubles are added in this order
        for model_a, model_b, sums in zip(parts["model_a"], parts["model_b"], parts["sums"], strict=True):
            part = np.frombuffer(sums, dtype="<f8").reshape(3, -1, BLOCK)
            total[:, _positions(counted, list(model_a), list(model_b)), :] += part

        def resample(rounds: range) -> Floats:
            return total[:, :, rounds.start - block * BLOCK : rounds.stop - block * BLOCK]

        with one_thread():
            found = rate_block(counted, methods, resample, block, ratings, bootstrap)
        return conform(found.assign(source=source, slice=slice_, unit="judge"), RATING_REPLICATES)

    keys, parts = [*_KEYS, "block"], [*_KEYS, "part", "block"]
    shares = ballots.withColumn("block", each_block(bootstrap)).repartition(blocks, *parts).groupBy(*parts)
    sums = shares.applyInPandas(add_up, _SUMS)
    left = votes.withColumn("block", each_block(bootstrap)).repartition(blocks, *keys).groupBy(*keys)
    right = sums.repartition(blocks, *keys).groupBy(*keys)
    rounds = left.cogroup(right).applyInPandas(rate_rounds, RATING_REPLICATES.ddl)
    return rounds.select(*RATING_REPLICATES.column_names)


def summarise_judges(ballots: DataFrame, votes: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Rows of interval `sandwich_judge`, as the table `ratings`.

    Args:
        ballots: as `count_ballots` gives them.
        votes: as `count_votes` gives them.
        ratings: methods, scale, center, anchor.
    """
    methods = [method for method in ratings.methods if method in LIKELIHOODS]

    def square(key: tuple[Any, ...], rows: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
        source, slice_, part = key
        counted = read_votes(rows, ratings=ratings)
        matrix = ballot_matrix(own, counted)
        found = []
        with one_thread():
            for method in methods:
                meats = judge_meat(fit_point(counted, LIKELIHOODS[method]), matrix)
                n_judges = int(own["n_judges"].iloc[0])
                # Of many models most know nothing of one another, so that compression leaves a hundredth.
                packed = [zlib.compress(meat.tobytes(), level=1) for meat in meats]
                found.append((source, slice_, method, part, n_judges, packed))
        return pd.DataFrame(found, columns=[*_KEYS, "method", "part", "n_judges", "meats"])

    def finish(key: tuple[Any, ...], rows: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
        source, slice_, method = key
        counted = read_votes(rows, ratings=ratings)
        parts = parts.sort_values("part")  # doubles are added in this order
        with one_thread():
            point = fit_point(counted, LIKELIHOODS[method])
            sizes = [fit.inverse_information.shape for fit in point.fits]
            meats = [
                [np.frombuffer(zlib.decompress(meat)).reshape(size) for meat, size in zip(part, sizes, strict=True)]
                for part in parts["meats"]
            ]
            errors = judge_errors(point, meats, int(parts["n_judges"].iloc[0]), ratings)
            table = leaderboard.normal_rows(estimate(counted, point, ratings), "sandwich_judge", errors)
        return conform(table.assign(source=source, slice=slice_, method=method, unit="judge"), RATINGS)

    keys = [*_KEYS, "part"]
    # The alias makes `part` a column of its own: otherwise both sides of the cogroup would hold the same one.
    parts_of = ballots.select(*_KEYS, F.col("part").alias("part")).distinct()
    by_part = votes.join(parts_of, _KEYS).groupBy(*keys)
    meats = by_part.cogroup(ballots.groupBy(*keys)).applyInPandas(square, _MEATS)
    by_method = votes.withColumn("method", each_method(methods)).groupBy(*_KEYS, "method")
    rows = by_method.cogroup(meats.groupBy(*_KEYS, "method")).applyInPandas(finish, RATINGS.ddl)
    return rows.select(*RATINGS.column_names)


def _positions(votes: PairVotes, model_a: Sequence[str], model_b: Sequence[str]) -> Ints:
    index = pd.Index(votes.models)
    one, two = (index.get_indexer(pd.Index(list(side))) for side in (model_a, model_b))
    key = votes.a * len(votes.models) + votes.b
    wanted = np.minimum(one, two) * len(votes.models) + np.maximum(one, two)
    return np.asarray(np.searchsorted(key, wanted), dtype=np.int64)


def ballot_matrix(rows: pd.DataFrame, votes: PairVotes) -> csr_array:
    """Votes of a part's judges, [judges, 3 P], from rows whose model_a comes before model_b."""
    if "score" in rows.columns:
        rows = _mix_outcomes(rows)
    position = _positions(votes, rows["model_a"].tolist(), rows["model_b"].tolist())
    n_pairs = len(votes.a)
    judge = rows["judge_index"].to_numpy(dtype=np.int64)
    first = int(rows["part"].iloc[0]) * PART
    size = min(PART, int(rows["n_judges"].iloc[0]) - first)
    data = np.concatenate([rows[name].to_numpy(dtype=np.float64) for name in VOTES])
    cells = np.concatenate([position + outcome * n_pairs for outcome in range(3)])
    # Judge by judge and cell by cell, so that nothing depends on the order of the rows.
    matrix = csr_array((data, (np.tile(judge - first, 3), cells)), shape=(size, 3 * n_pairs))
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix


def _mix_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of judge, pair, score and n as rows of judge, pair and `VOTES`, in which scores are mixtures of outcomes."""
    rows = rows.sort_values("score")  # doubles are added in this order
    cells = Cells(np.zeros(len(rows), dtype=np.int64), rows["score"].to_numpy(), np.ones(len(rows), dtype=np.int64))
    shares = cells.shares(1).toarray() * rows["n"].to_numpy(dtype=np.float64)
    mixed = rows.assign(**dict(zip(VOTES, shares, strict=True)))
    keys = ["part", "n_judges", "judge_index", "model_a", "model_b"]
    return mixed.groupby(keys, as_index=False)[list(VOTES)].sum()
