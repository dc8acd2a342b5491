"""Online Elo over Spark tasks: the battles of a slice in their order as one packed row, and blocks of rounds.

A task holds all battles of a slice, twelve bytes each while they travel and some forty while they are played: a slice
of 50 million battles takes about 2 GB.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.lake.table import Table
from arenalake.ratings.model import leaderboard
from arenalake.ratings.model.elo import pack, unpack
from arenalake.ratings.model.estimates import Estimate
from arenalake.ratings.model.ordered import OrderedBattles, estimate_ordered, rate_ordered_rounds
from arenalake.ratings.model.rounds import block_rounds, n_blocks, one_thread, replicate_rows
from arenalake.ratings.model.votes import Floats, PairVotes
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark.spread import apply_to_both, battle_score, conform, each_block, read_replicates, slice_rows
from arenalake.ratings.tables import RATING_PAIRS, RATING_REPLICATES, RATINGS

_PACKED = "source string, slice string, models array<string>, first binary, second binary, score binary"
_KEYS = ["source", "slice"]


def pack_battles(battles: DataFrame, votes: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """One row per slice: its models, and its battles in the order of `sequence`, then file, then id.

    Args:
        battles: the table `battles`.
        votes: as `count_votes` gives them; only slices that are in it are packed.
        ratings: slices, judge kinds, outcome.

    Returns:
        source, slice, models (by code point), first, second (index of the models, two bytes a battle each), score (of
        the first, eight bytes a battle).
    """
    score = battle_score(soft=ratings.outcome == "score").alias("score")
    rows = slice_rows(battles, ratings=ratings).join(votes.select(*_KEYS).distinct(), _KEYS, "left_semi")
    rows = rows.select(*_KEYS, "sequence", "file", "battle_id", "model_a", "model_b", score)

    def run(key: tuple[Any, ...], part: pd.DataFrame) -> pd.DataFrame:
        part = part.sort_values(["sequence", "file", "battle_id"], na_position="last")
        models = sorted(set(part["model_a"]) | set(part["model_b"]))
        index = pd.Index(models)
        packed = [pack(index.get_indexer(pd.Index(part[side]))) for side in ("model_a", "model_b")]
        values = [*key, models, *packed, part["score"].to_numpy(dtype="<f8").tobytes()]
        names = [*_KEYS, "models", "first", "second", "score"]
        return pd.DataFrame({name: [value] for name, value in zip(names, values, strict=True)})

    return rows.groupBy(*_KEYS).applyInPandas(run, _PACKED)


def bootstrap_elo(packed: DataFrame, *, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> DataFrame:
    """The ratings of every round, as the table `rating_replicates`; the unit is always the battle.

    Args:
        packed: as `pack_battles` gives it.
        ratings: elo, scale, base, anchor.
        bootstrap: rounds, seed.
    """
    keys = [*_KEYS, "block"]

    def run(key: tuple[Any, ...], rows: pd.DataFrame) -> pd.DataFrame:
        source, slice_, block = key
        rounds = block_rounds(block, bootstrap)
        battles = _battles(rows)
        with one_thread():
            values = rate_ordered_rounds(battles, bootstrap.seed, rounds, ratings)
        found = replicate_rows(battles.models, rounds, values)
        return conform(found.assign(source=source, slice=slice_, method="elo", unit="battle"), RATING_REPLICATES)

    work = packed.withColumn("block", each_block(bootstrap)).repartition(n_blocks(bootstrap), *keys)
    return work.groupBy(*keys).applyInPandas(run, RATING_REPLICATES.ddl).select(*RATING_REPLICATES.column_names)


def summarise_elo(packed: DataFrame, replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """Ratings in the order of the battles, with percentile intervals, as the table `ratings`."""

    def rows(found: Estimate, values: Floats, _: PairVotes) -> Iterable[pd.DataFrame]:
        return [leaderboard.percentile_rows(found, values)]

    return _summarise(packed, replicates, RATINGS, rows, ratings=ratings)


def summarise_elo_pairs(packed: DataFrame, replicates: DataFrame, *, ratings: RatingsConfig) -> DataFrame:
    """For each pair of models, how often one is above the other, as the table `rating_pairs`."""

    def rows(found: Estimate, values: Floats, votes: PairVotes) -> Iterable[pd.DataFrame]:
        return leaderboard.pair_rows(found, values, None, votes)

    return _summarise(packed, replicates, RATING_PAIRS, rows, ratings=ratings)


def _summarise(
    packed: DataFrame, replicates: DataFrame, table: Table, rows: Any, *, ratings: RatingsConfig
) -> DataFrame:
    def run(key: Mapping[str, str], packed: pa.Table, rounds: pa.Table) -> Iterator[pd.DataFrame]:
        battles = _battles(packed.to_pandas())
        found = estimate_ordered(battles, ratings)
        for part in rows(found, read_replicates(rounds, found.models), battles.votes):
            yield part.assign(**key, method="elo", unit="battle")

    right = replicates.where(F.col("method") == "elo").groupBy(*_KEYS)
    return apply_to_both(packed.groupBy(*_KEYS), right, _KEYS, run, table)


def _battles(rows: pd.DataFrame) -> OrderedBattles:
    """A row of `pack_battles`."""
    row = rows.iloc[0]
    sides = unpack(row["first"]), unpack(row["second"])
    return OrderedBattles(tuple(row["models"]), *sides, np.frombuffer(row["score"], dtype="<f8"))
