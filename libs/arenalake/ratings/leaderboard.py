"""From votes and the rounds of their bootstrap to the rows of the table `ratings`."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from arenalake.config import RatingsConfig
from arenalake.ratings import intervals
from arenalake.ratings.families import HALF_WIN, NO_TIES, Family
from arenalake.ratings.replicates import ComponentFit, PointFit
from arenalake.ratings.votes import A_WINS, B_WINS, TIE, Floats, PairVotes

FAMILIES: Mapping[str, Family] = {"bradley_terry": HALF_WIN, "bradley_terry_no_ties": NO_TIES}

UNBOUNDED = "unbounded"


def rating_points(fit: ComponentFit, log_strengths: Floats, ratings: RatingsConfig) -> Floats:
    """Log strengths of a component as ratings: its estimates have mean `center`, or its anchor has the given rating.

    The shift is a constant, so an anchor leaves the width of every interval as it was.
    """
    points = ratings.scale / np.log(ratings.base)
    shift = ratings.center
    if ratings.anchor is not None and ratings.anchor.model in fit.votes.models:
        position = fit.votes.models.index(ratings.anchor.model)
        shift = ratings.anchor.rating - points * fit.theta[position]
    rating: Floats = shift + points * log_strengths
    return rating


def replicate_points(point: PointFit, log_strengths: Floats, ratings: RatingsConfig) -> Floats:
    """The rounds of all models as ratings, [K, R]; NaN for models without an estimate."""
    result = np.full(log_strengths.shape, np.nan)
    for fit in point.fits:
        result[fit.members] = rating_points(fit, log_strengths[fit.members], ratings)
    return result


def summarise(votes: PairVotes, point: PointFit, replicates: Floats, ratings: RatingsConfig) -> pd.DataFrame:
    """One row per model and interval.

    Args:
        votes: all votes of the slice.
        point: the estimate from them.
        replicates: ratings per round, [K, R], as `replicate_points` gives them.
        ratings: scale, center and anchor.

    Returns:
        The columns of the table `ratings` from `interval` on. Models without an estimate have nulls and a note.
    """
    n_models = len(votes.models)
    rows = {name: np.full((2, n_models), np.nan) for name in ("rating", "se", "ci_lower", "ci_upper")}
    ranks = {name: np.full((2, n_models), np.nan) for name in ("rank", "rank_ub", "rank_lower", "rank_upper")}
    notes: list[list[list[str]]] = [[[] for _ in range(n_models)] for _ in range(2)]
    for fit in point.fits:
        members = fit.members
        rating = rating_points(fit, fit.theta, ratings)
        spread = np.sqrt(np.diag(intervals.sandwich_covariance(fit))) * ratings.scale / np.log(ratings.base)
        both = (intervals.percentile_interval(replicates[members]), intervals.normal_interval(rating, spread))
        rank_points = intervals.rank_interval(replicates[members])
        for kind, interval in enumerate(both):
            rows["rating"][kind, members] = rating
            rows["se"][kind, members] = interval.se
            rows["ci_lower"][kind, members] = interval.lower
            rows["ci_upper"][kind, members] = interval.upper
            ranks["rank"][kind, members] = intervals.rank(rating)
            ranks["rank_ub"][kind, members] = intervals.rank_upper_bound(interval.lower, interval.upper)
            for position in members[intervals.unbounded(interval)]:
                notes[kind][position].append(UNBOUNDED)
        ranks["rank_lower"][0, members], ranks["rank_upper"][0, members] = rank_points
    general = _general_notes(point, ratings)
    return pd.DataFrame(
        {
            "interval": np.repeat(["percentile", "sandwich"], n_models),
            "model": list(votes.models) * 2,
            **{name: values.ravel() for name, values in rows.items()},
            **{name: pd.array(values.ravel(), dtype="Int32") for name, values in ranks.items()},
            "component": np.tile(point.component, 2).astype(np.int32),
            "n_battles": np.tile(votes.battles_per_model, 2),
            "n_rounds": pd.array([replicates.shape[1]] * n_models + [None] * n_models, dtype="Int32"),
            "note": ["; ".join(own + general[i % n_models]) or None for i, own in enumerate([*notes[0], *notes[1]])],
        }
    )


def _general_notes(point: PointFit, ratings: RatingsConfig) -> list[list[str]]:
    votes = point.votes
    notes: list[list[str]] = [[] for _ in votes.models]
    rated = {position: fit for fit in point.fits for position in fit.members}
    for position in range(len(votes.models)):
        fit = rated.get(position)
        if fit is None:
            notes[position].append(f"no estimate: {_why_separate(votes, position)}")
            continue
        if point.component[position] > 1:
            notes[position].append("separate component: not comparable with the largest")
        if ratings.anchor is not None and ratings.anchor.model not in fit.votes.models:
            where = "component" if ratings.anchor.model in votes.models else "slice"
            notes[position].append(f"not anchored: {ratings.anchor.model} is not in this {where}")
    return notes


def _why_separate(votes: PairVotes, position: int) -> str:
    first, second = votes.a == position, votes.b == position
    won = votes.counts[A_WINS, first].sum() + votes.counts[B_WINS, second].sum()
    lost = votes.counts[B_WINS, first].sum() + votes.counts[A_WINS, second].sum()
    tied = votes.counts[TIE, first | second].sum()
    if won + lost + tied == 0:
        return "only ties"  # which this method leaves out
    if lost + tied == 0:
        return "only wins"
    if won + tied == 0:
        return "only losses"
    return "separate from every other model of the win graph"
