"""A method's estimate from votes per pair, and its ratings in each bootstrap round."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arenalake.ratings.model.components import find_connected
from arenalake.ratings.model.families import DAVIDSON, HALF_WIN, NO_TIES, RAO_KUPPER, Family
from arenalake.ratings.model.fit import incidence
from arenalake.ratings.model.replicates import CHUNK, PointFit, Resample, fit_point, replicate
from arenalake.ratings.model.votes import A_WINS, B_WINS, Floats, Ints, PairVotes
from arenalake.ratings.options import AnchorConfig, RatingsConfig

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
ALIKE = "too narrow: all its votes are equal, so their variation is unknown"
SEPARATE = "separate component: not comparable with the main component"


@dataclass(frozen=True)
class Estimate:
    """Ratings from all votes.

    Attributes:
        models: names by code point.
        rating: [K]; NaN where there is no estimate.
        component: number of each model's component, 1 being the main one, [K].
        groups: positions of the models of each component that are ranked with each other.
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
    """Average win rates of all votes; ranks hold among models that battles connect."""
    rating = win_rates(votes, votes.counts[:, :, None])[:, 0]
    component = find_connected(votes)
    notes = alike_notes(votes, scale_notes(votes.models, component, None))
    return Estimate(votes.models, rating, component, members_of(component), votes.battles_per_model, notes)


def members_of(component: Ints) -> tuple[Ints, ...]:
    """Positions of the models of each component, from their numbers, [K]."""
    return tuple(np.flatnonzero(component == number) for number in range(1, component.max(initial=0) + 1))


def scale_notes(models: Sequence[str], component: Ints, anchor: AnchorConfig | None) -> tuple[tuple[str, ...], ...]:
    """Of each model: whether its scale is not that of the main component, and whether the anchor is elsewhere."""
    notes, anchored = [], None
    if anchor is not None:
        anchored = int(component[list(models).index(anchor.model)]) if anchor.model in models else 0
    where = "component" if anchored else "slice"
    for number in component.tolist():
        own = [SEPARATE] if number > 1 else []
        if anchor is not None and number != anchored:
            own.append(f"not anchored: {anchor.model} is not in this {where}")
        notes.append(tuple(own))
    return tuple(notes)


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
    return round_rater(votes, method, ratings)(resample, rounds)


def round_rater(votes: PairVotes, method: str, ratings: RatingsConfig) -> Callable[[Resample, range], Floats]:
    """What `rate_rounds` does, for many calls with the same votes."""
    if method == WIN_RATE:
        return partial(win_rate_rounds, votes)
    return partial(likelihood_rounds, fit_point(votes, LIKELIHOODS[method]), ratings=ratings)


def _notes(point: PointFit, ratings: RatingsConfig) -> tuple[tuple[str, ...], ...]:
    votes = point.votes
    rated, size, alike = ~np.isnan(point.theta), np.bincount(point.component), _are_alike(votes)
    outcomes = votes.outcomes_per_model.T.tolist()
    notes = list(scale_notes(votes.models, point.component, ratings.anchor))
    for position in range(len(votes.models)):
        if not rated[position]:
            alone = size[point.component[position]] == 1
            why = _why_separate(*outcomes[position]) if alone else "the likelihood has no maximum for these votes"
            notes[position] = (f"no estimate: {why}",)
        elif alike[position]:
            notes[position] = (ALIKE, *notes[position])
    return tuple(notes)


def alike_notes(votes: PairVotes, notes: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The notes of each model, with one more where all its votes are alike."""
    return tuple((ALIKE, *own) if alike else own for alike, own in zip(_are_alike(votes), notes, strict=True))


def _are_alike(votes: PairVotes) -> NDArray[np.bool_]:
    """Whether a model has votes, and only wins, only losses or only ties, [K]."""
    alike: NDArray[np.bool_] = np.count_nonzero(votes.outcomes_per_model, axis=0) == 1
    return alike


def _why_separate(won: float, lost: float, tied: float) -> str:
    if won + lost + tied == 0:
        return "only ties"  # which this method leaves out
    if lost + tied == 0:
        return "only wins"
    if won + tied == 0:
        return "only losses"
    return "separate from every other model of the win graph"
