"""A method's estimate from votes per pair, and its ratings in each bootstrap round."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arenalake.config import RatingsConfig
from arenalake.ratings.families import DAVIDSON, HALF_WIN, NO_TIES, RAO_KUPPER, Family
from arenalake.ratings.fit import incidence
from arenalake.ratings.replicates import CHUNK, PointFit, Resample, fit_point, replicate
from arenalake.ratings.votes import A_WINS, B_WINS, TIE, Floats, Ints, PairVotes

LIKELIHOODS: Mapping[str, Family] = {
    "bradley_terry": HALF_WIN,
    "bradley_terry_no_ties": NO_TIES,
    "rao_kupper": RAO_KUPPER,
    "davidson": DAVIDSON,
}
WIN_RATE = "win_rate"
# Methods that need votes per pair only, neither their order nor who voted.
COUNTED = (*LIKELIHOODS, WIN_RATE)
# A bootstrap draws what is there, and squared errors add up what is off: neither sees what did not happen yet.
ALIKE = "too narrow: all its votes are alike, so nothing tells how they vary"


@dataclass(frozen=True)
class Estimate:
    """Ratings from all votes.

    Attributes:
        models: names by code point.
        rating: [K]; NaN where there is no estimate.
        component: [K]; 1 for all where the method needs no comparison in both directions.
        groups: positions of models that are ranked with each other.
        n_battles: votes each model takes part in, [K].
        notes: what a reader must know, per model.
    """

    models: tuple[str, ...]
    rating: Floats
    component: Ints
    groups: tuple[Ints, ...]
    n_battles: Ints
    notes: tuple[tuple[str, ...], ...]


def estimate(votes: PairVotes, point: PointFit, ratings: RatingsConfig, *, theta: Floats | None = None) -> Estimate:
    """The estimate of a likelihood method on the scale of ratings.

    Args:
        votes: the votes to count per model.
        point: the components, and the log strengths unless `theta` has better ones.
        ratings: scale, base, center, anchor.
        theta: log strengths, mean zero in each component, [K]; NaN without an estimate.
    """
    strengths = point.theta if theta is None else theta
    rating = rating_points(point, strengths, strengths, ratings)
    groups = tuple(fit.members for fit in point.fits)
    return Estimate(votes.models, rating, point.component, groups, votes.battles_per_model, _notes(point, ratings))


def likelihood_rounds(point: PointFit, resample: Resample, rounds: range, ratings: RatingsConfig) -> Floats:
    """The rounds of a likelihood method as ratings, [K, rounds]; NaN for models without an estimate."""
    return rating_points(point, point.theta, replicate(point, resample, rounds), ratings)


def rating_points(point: PointFit, theta: Floats, log_strengths: Floats, ratings: RatingsConfig) -> Floats:
    """Log strengths as ratings: a component's estimates have mean `center`, or its anchor has the given rating.

    The shift is a constant of the component, so an anchor leaves the width of every interval as it was.

    Args:
        point: the components.
        theta: estimated log strengths, mean zero in each component, [K].
        log_strengths: what to convert, [K] or [K, rounds].
        ratings: scale, base, center, anchor.

    Returns:
        The shape of `log_strengths`; NaN for models without an estimate.
    """
    points = ratings.scale / np.log(ratings.base)
    rating = np.full(log_strengths.shape, np.nan)
    for fit in point.fits:
        shift = ratings.center
        if ratings.anchor is not None and ratings.anchor.model in fit.votes.models:
            anchored = fit.members[fit.votes.models.index(ratings.anchor.model)]
            shift = ratings.anchor.rating - points * theta[anchored]
        rating[fit.members] = shift + points * log_strengths[fit.members]
    return rating


def win_rates(votes: PairVotes, counts: NDArray[Any]) -> Floats:
    """Mean over the opponents a model has met of its win rate against each, ties as half a win.

    Args:
        votes: the pairs.
        counts: votes by outcome, pair and round, [3, P, B].

    Returns:
        From 0 to 1, [K, B]; NaN for a model without votes in the round.
    """
    battles = counts.sum(axis=0)
    met = battles > 0
    half = (counts[A_WINS] - counts[B_WINS]) / np.where(met, 2 * battles, 1)  # win rate of a less 1/2
    signs = incidence(votes.a, votes.b, len(votes.models))
    opponents = abs(signs) @ met.astype(np.float64)
    with np.errstate(invalid="ignore"):
        rate: Floats = 0.5 + (signs @ half) / np.where(opponents > 0, opponents, np.nan)
    return rate


def estimate_win_rate(votes: PairVotes) -> Estimate:
    """Average win rates of all votes."""
    n_models = len(votes.models)
    rating = win_rates(votes, votes.counts[:, :, None])[:, 0]
    everyone = (np.arange(n_models),)
    notes = tuple((ALIKE,) if alike else () for alike in _are_alike(votes))
    return Estimate(votes.models, rating, np.ones(n_models, np.int64), everyone, votes.battles_per_model, notes)


def win_rate_rounds(votes: PairVotes, resample: Resample, rounds: range) -> Floats:
    """Average win rates in each round, [K, rounds]."""
    starts = range(rounds.start, rounds.stop, CHUNK)
    chunks = [range(start, min(start + CHUNK, rounds.stop)) for start in starts]
    return np.concatenate([win_rates(votes, resample(chunk)) for chunk in chunks], axis=1)


def rate(votes: PairVotes, method: str, ratings: RatingsConfig) -> Estimate:
    """The estimate of any method in `COUNTED`."""
    if method == WIN_RATE:
        return estimate_win_rate(votes)
    return estimate(votes, fit_point(votes, LIKELIHOODS[method]), ratings)


def rate_rounds(votes: PairVotes, method: str, resample: Resample, rounds: range, ratings: RatingsConfig) -> Floats:
    """The rounds of any method in `COUNTED`, [K, rounds]."""
    if method == WIN_RATE:
        return win_rate_rounds(votes, resample, rounds)
    return likelihood_rounds(fit_point(votes, LIKELIHOODS[method]), resample, rounds, ratings)


def _notes(point: PointFit, ratings: RatingsConfig) -> tuple[tuple[str, ...], ...]:
    votes = point.votes
    notes: list[list[str]] = [[] for _ in votes.models]
    rated = {position: fit for fit in point.fits for position in fit.members}
    size = np.bincount(point.component)
    alike = _are_alike(votes)
    for position in range(len(votes.models)):
        fit = rated.get(position)
        if fit is None:
            alone = size[point.component[position]] == 1
            why = _why_separate(votes, position) if alone else "the likelihood has no maximum for these votes"
            notes[position].append(f"no estimate: {why}")
            continue
        if alike[position]:
            notes[position].append(ALIKE)
        if point.component[position] > 1:
            notes[position].append("separate component: not comparable with the largest")
        if ratings.anchor is not None and ratings.anchor.model not in fit.votes.models:
            where = "component" if ratings.anchor.model in votes.models else "slice"
            notes[position].append(f"not anchored: {ratings.anchor.model} is not in this {where}")
    return tuple(tuple(own) for own in notes)


def _are_alike(votes: PairVotes) -> list[bool]:
    """Whether a model has votes, and only wins, only losses or only ties."""
    return [np.count_nonzero(_outcomes(votes, position)) == 1 for position in range(len(votes.models))]


def _outcomes(votes: PairVotes, position: int) -> tuple[float, float, float]:
    """Battles that a model won, lost and tied."""
    first, second = votes.a == position, votes.b == position
    won = votes.counts[A_WINS, first].sum() + votes.counts[B_WINS, second].sum()
    lost = votes.counts[B_WINS, first].sum() + votes.counts[A_WINS, second].sum()
    return won, lost, votes.counts[TIE, first | second].sum()


def _why_separate(votes: PairVotes, position: int) -> str:
    won, lost, tied = _outcomes(votes, position)
    if won + lost + tied == 0:
        return "only ties"  # which this method leaves out
    if lost + tied == 0:
        return "only wins"
    if won + tied == 0:
        return "only losses"
    return "separate from every other model of the win graph"
