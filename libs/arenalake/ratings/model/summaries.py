"""What is told about one method and slice: the rows of `ratings` and of `rating_pairs`."""

from collections.abc import Iterable

import pandas as pd

from arenalake.ratings.model import leaderboard
from arenalake.ratings.model.estimates import LIKELIHOODS, estimate, rate
from arenalake.ratings.model.replicates import fit_point
from arenalake.ratings.model.votes import Floats, PairVotes
from arenalake.ratings.options import RatingsConfig


def summary_rows(votes: PairVotes, method: str, rounds: Floats, ratings: RatingsConfig) -> list[pd.DataFrame]:
    """Ratings with percentile intervals, and with sandwich intervals where the method has a likelihood.

    Args:
        votes: votes per pair.
        method: one of `COUNTED`.
        rounds: ratings per round, [K, R].
        ratings: scale, base, center, anchor.
    """
    found = rate(votes, method, ratings)
    tables = [leaderboard.percentile_rows(found, rounds)]
    if method in LIKELIHOODS:
        errors = leaderboard.sandwich_errors(found, fit_point(votes, LIKELIHOODS[method]), ratings)
        tables.append(leaderboard.normal_rows(found, "sandwich", errors))
    return tables


def summary_pairs(votes: PairVotes, method: str, rounds: Floats, ratings: RatingsConfig) -> Iterable[pd.DataFrame]:
    """How often each model is above each other one, with what the fit predicts, in parts; see `pair_rows`."""
    if method not in LIKELIHOODS:
        return leaderboard.pair_rows(rate(votes, method, ratings), rounds, None, votes)
    point = fit_point(votes, LIKELIHOODS[method])
    predicted = leaderboard.predicted_win_rates(point)
    return leaderboard.pair_rows(estimate(votes, point, ratings), rounds, predicted, point.votes)
