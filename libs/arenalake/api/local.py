"""Ratings of votes in memory: what the job `ratings` does on a cluster, in this process, with the same bits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from arenalake.api.result import PAIR_COLUMNS, RATING_COLUMNS, REPLICATE_COLUMNS, Frames, sort_rows, typed
from arenalake.api.votes import Names, Votes
from arenalake.ratings.model import leaderboard
from arenalake.ratings.model.estimates import COUNTED, LIKELIHOODS, estimate
from arenalake.ratings.model.judges import PART, judge_errors, judge_meat, resample_judges
from arenalake.ratings.model.ordered import OrderedBattles, estimate_ordered, rate_ordered_rounds
from arenalake.ratings.model.replicates import Resample, fit_point, resample_battles
from arenalake.ratings.model.rounds import one_thread, rate_drawn, replicate_rows
from arenalake.ratings.model.summaries import summary_pairs, summary_rows
from arenalake.ratings.model.votes import TIE, Floats, Ints, PairVotes, tally
from arenalake.ratings.options import BootstrapConfig, RatingsConfig

# Score of the model shown first by outcome.
_SCORES = np.array([1.0, 0.0, 0.5])


@dataclass(frozen=True)
class _Slice:
    name: str
    votes: Votes


@dataclass(frozen=True)
class _Rated:
    """One method in one slice: its rounds, [K, R], and what the rows are made from."""

    slice: _Slice
    method: str
    unit: str
    counted: PairVotes
    rounds: Floats

    def named(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(slice=self.slice.name, method=self.method, unit=self.unit)


def rate_locally(votes: Votes, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> Frames:
    """Rate all votes, and those of each value of `votes.by` that has `ratings.min_battles`."""
    slices, sizes = [], []
    for part in _slices_of(votes):
        n = len(part.votes.outcome)
        is_rated = part.name == "all" or n >= ratings.min_battles
        sizes.append((part.name, n, ratings.min_battles, is_rated))
        slices += [part] if is_rated else []
    with one_thread():
        rated = [found for part in slices for found in _rate_slice(part, ratings, bootstrap)]
        rows = [found.named(table) for found in rated for table in _rating_rows(found, ratings)]
    return Frames(
        ratings=typed(rows, RATING_COLUMNS),
        slices=pd.DataFrame(sizes, columns=["slice", "n_battles", "min_battles", "rated"]),
        make_replicates=lambda: typed([_replicate_rows(found) for found in rated], REPLICATE_COLUMNS),
        make_pairs=lambda: sort_rows(
            typed(_pair_rows(rated, ratings), PAIR_COLUMNS),
            [part.name for part in slices],
            ratings.methods,
            ["model_a", "model_b"],
        ),
    )


def _slices_of(votes: Votes) -> Iterator[_Slice]:
    yield _Slice("all", votes)
    for column, names in votes.by.items():
        order = np.argsort(names.codes, kind="stable")  # the votes of a slice keep their order
        ends = np.searchsorted(names.codes[order], np.arange(len(names.values) + 1))
        for value, begin, end in zip(names.values, ends[:-1], ends[1:], strict=True):
            yield _Slice(slice_name(column, value), _take(votes, order[begin:end]))


def slice_name(column: str, value: str) -> str:
    """The name of a slice, as in the tables: what separates names is escaped in a value."""
    return f"{column}=" + "".join(f"\\{sign}" if sign in "\\,=" else sign for sign in value)


def _take(votes: Votes, rows: Ints) -> Votes:
    """Some of the votes, with the models and judges that are in them."""
    sides = Names(votes.models, np.concatenate([votes.first[rows], votes.second[rows]]))
    models = _used(sides)
    judge = votes.judge and _used(Names(votes.judge.values, votes.judge.codes[rows]))
    first, second = np.split(models.codes, 2)
    return Votes(models.values, first, second, votes.outcome[rows], judge, {})


def _used(names: Names) -> Names:
    used, codes = np.unique(names.codes, return_inverse=True)
    return Names(tuple(names.values[index] for index in used), codes)


def _rate_slice(part: _Slice, ratings: RatingsConfig, bootstrap: BootstrapConfig) -> Iterator[_Rated]:
    votes, rounds = part.votes, range(bootstrap.rounds)
    counted = tally(votes.models, votes.first, votes.second, votes.outcome)
    methods = [method for method in ratings.methods if method in COUNTED]
    values = rate_drawn(counted, methods, _resample(votes, counted, bootstrap), rounds, ratings) if methods else {}
    if "elo" in ratings.methods:
        battles = _ordered(votes)
        # The same as the counts, but each score is one of three numbers: what the job counts for online Elo.
        counted_elo, values["elo"] = battles.votes, rate_ordered_rounds(battles, bootstrap.seed, rounds, ratings)
    for method in ratings.methods:
        own = np.ascontiguousarray(values[method])
        if method == "elo":
            yield _Rated(part, method, "battle", counted_elo, own)
        else:
            yield _Rated(part, method, bootstrap.unit, counted, own)


def _resample(votes: Votes, counted: PairVotes, bootstrap: BootstrapConfig) -> Resample:
    poisson = bootstrap.resample == "poisson"
    if votes.judge is None:
        return resample_battles(counted, bootstrap.seed, poisson=poisson)
    n_judges, ballots = len(votes.judge.values), _ballots(votes, votes.judge, counted)

    def resample(rounds: range) -> Floats:
        parts = [
            resample_judges(own, n_judges, part, bootstrap.seed, rounds, poisson=poisson)
            for part, own in enumerate(ballots)
        ]
        total: Floats = np.sum(parts, axis=0)  # of whole numbers: the order does not matter
        return total.reshape(3, -1, len(rounds))

    return resample


def _ballots(votes: Votes, judge: Names, counted: PairVotes) -> list[csr_array]:
    """Votes of each part of the judges, [judges of the part, 3 P]."""
    swap, n_models, n_pairs = votes.first > votes.second, len(votes.models), len(counted.a)
    key = np.minimum(votes.first, votes.second) * n_models + np.maximum(votes.first, votes.second)
    pair = np.searchsorted(counted.a * n_models + counted.b, key)
    outcome = np.where(swap & (votes.outcome != TIE), 1 - votes.outcome, votes.outcome)
    shape = (len(judge.values), 3 * n_pairs)
    matrix = csr_array((np.ones(len(pair)), (judge.codes, outcome * n_pairs + pair)), shape=shape)
    matrix.sum_duplicates()
    matrix.sort_indices()
    return [matrix[start : start + PART] for start in range(0, shape[0], PART)]


def _ordered(votes: Votes) -> OrderedBattles:
    return OrderedBattles(votes.models, votes.first, votes.second, _SCORES[votes.outcome])


def _rating_rows(found: _Rated, ratings: RatingsConfig) -> list[pd.DataFrame]:
    votes, counted = found.slice.votes, found.counted
    if found.method == "elo":
        return [leaderboard.percentile_rows(estimate_ordered(_ordered(votes), ratings), found.rounds)]
    tables = summary_rows(counted, found.method, found.rounds, ratings)
    if votes.judge is not None and found.method in LIKELIHOODS:
        point = fit_point(counted, LIKELIHOODS[found.method])
        meats = [judge_meat(point, own) for own in _ballots(votes, votes.judge, counted)]
        errors = judge_errors(point, meats, len(votes.judge.values), ratings)
        tables.append(leaderboard.normal_rows(estimate(counted, point, ratings), "sandwich_judge", errors))
    return tables


def _replicate_rows(found: _Rated) -> pd.DataFrame:
    return found.named(replicate_rows(found.counted.models, range(found.rounds.shape[1]), found.rounds))


def _pair_rows(rated: Sequence[_Rated], ratings: RatingsConfig) -> list[pd.DataFrame]:
    parts: list[pd.DataFrame] = []
    with one_thread():
        for found in rated:
            rows: Any
            if found.method == "elo":
                estimated = estimate_ordered(_ordered(found.slice.votes), ratings)
                rows = leaderboard.pair_rows(estimated, found.rounds, None, found.counted)
            else:
                rows = summary_pairs(found.counted, found.method, found.rounds, ratings)
            parts += [found.named(part) for part in rows]
    return parts
