"""Blocks of bootstrap rounds, whoever runs them: Spark's tasks or this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from arenalake.ratings.model.estimates import round_rater
from arenalake.ratings.model.replicates import CHUNK, Resample
from arenalake.ratings.model.votes import Floats, PairVotes
from arenalake.ratings.options import BootstrapConfig, RatingsConfig

# Rounds of one block: enough to pay for the tables of the sampler, few enough to keep all cores of a cluster busy.
BLOCK = 4 * CHUNK


def block_rounds(block: int, bootstrap: BootstrapConfig) -> range:
    """The rounds of a block, the last block perhaps smaller."""
    return range(block * BLOCK, min((block + 1) * BLOCK, bootstrap.rounds))


def n_blocks(bootstrap: BootstrapConfig) -> int:
    """Number of blocks that all rounds make, the last one perhaps smaller."""
    return -(-bootstrap.rounds // BLOCK)


def rate_block(
    votes: PairVotes,
    methods: Sequence[str],
    resample: Resample,
    block: int,
    ratings: RatingsConfig,
    bootstrap: BootstrapConfig,
) -> pd.DataFrame:
    """The rounds of one block by all methods, each round drawn once: method, round, model, rating."""
    rounds = block_rounds(block, bootstrap)
    values = rate_drawn(votes, methods, resample, rounds, ratings)
    parts = [replicate_rows(votes.models, rounds, values[method]).assign(method=method) for method in methods]
    return pd.concat(parts, ignore_index=True)


def rate_drawn(
    votes: PairVotes, methods: Sequence[str], resample: Resample, rounds: range, ratings: RatingsConfig
) -> dict[str, Floats]:
    """Ratings of some rounds by each method, [K, rounds], each round drawn once.

    Args:
        votes: votes per pair.
        methods: some of `COUNTED`.
        resample: gives the votes of rounds.
        rounds: begin at a multiple of `CHUNK`; what a round gives does not depend on the others.
        ratings: scale, base, center, anchor.
    """
    raters = {method: round_rater(votes, method, ratings) for method in methods}
    values: dict[str, list[Floats]] = {method: [] for method in methods}
    for start in range(rounds.start, rounds.stop, CHUNK):  # the votes of all rounds may not fit in memory
        drawn = resample(range(start, start + CHUNK))

        def reuse(some: range, drawn: NDArray[Any] = drawn) -> NDArray[Any]:
            return drawn[:, :, : len(some)]

        for method, rate_some in raters.items():
            values[method].append(rate_some(reuse, range(start, min(start + CHUNK, rounds.stop))))
    return {method: np.concatenate(parts, axis=1) for method, parts in values.items()}


def replicate_rows(models: Sequence[str], rounds: range, values: Floats) -> pd.DataFrame:
    """Ratings [K, rounds] as rows: round, model, rating (NaN as null, infinities as they are)."""
    return pd.DataFrame(
        {
            "round": np.repeat(np.arange(rounds.start, rounds.stop, dtype=np.int32), len(models)),
            "model": np.tile(np.array(models, dtype=object), len(rounds)),
            "rating": pd.array(values.T.ravel(), dtype="Float64"),
        }
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS: sums split over threads round differently, and the tasks already use all cores."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield
