"""Intervals and ranks: from the rounds of a bootstrap, and from the sandwich formula."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from arenalake.ratings.model.fit import incidence
from arenalake.ratings.model.replicates import ComponentFit
from arenalake.ratings.model.votes import Floats, Ints

LOWER, UPPER = 0.025, 0.975


@dataclass(frozen=True)
class Interval:
    """95 % intervals of [K] ratings; NaN where a value or a bound does not exist."""

    se: Floats
    lower: Floats
    upper: Floats


def percentile_interval(replicates: Floats) -> Interval:
    """Percentiles of the rounds [K, R], interpolated between order statistics; se is the rounds' standard deviation.

    An undefined round (NaN) could be anywhere: it counts as -inf below and as +inf above. A bound that leans on an
    infinite round is NaN, and so is se where any round is not finite.
    """
    finite = np.isfinite(replicates).all(axis=1)
    se = np.full(len(replicates), np.nan)
    if replicates.shape[1] > 1:
        se[finite] = replicates[finite].std(axis=1, ddof=1)
    undefined = np.isnan(replicates)
    lower = _quantile(np.where(undefined, -np.inf, replicates), LOWER)
    upper = _quantile(np.where(undefined, np.inf, replicates), UPPER)
    return Interval(se, lower, upper)


def percentile_points(replicates: Floats) -> dict[str, Floats]:
    """The 5, 50 and 95 % points of the rounds [K, R] by name, as the ends of `percentile_interval`.

    The median is NaN where it depends on undefined rounds.
    """
    undefined = np.isnan(replicates)
    low, high = (np.where(undefined, far, replicates) for far in (-np.inf, np.inf))
    median = _quantile(low, 0.5)
    middle = np.where(median == _quantile(high, 0.5), median, np.nan) if undefined.any() else median
    return {"p5": _quantile(low, 0.05), "p50": middle, "p95": _quantile(high, 0.95)}


def _quantile(values: Floats, share: float) -> Floats:
    ordered = np.sort(values, axis=1)
    position = (values.shape[1] - 1) * share
    below = int(position)
    left, weight = ordered[:, below], position - below
    with np.errstate(invalid="ignore"):
        found = left + weight * (ordered[:, below + 1] - left) if weight > 0 else left
    return np.where(np.isfinite(found), found, np.nan)


def sandwich_covariance(fit: ComponentFit) -> Floats:
    """Covariance of the log strengths around their mean, valid also where the votes do not follow the model, [K, K].

    Inverse information, times the votes' observed squared scores, times inverse information: White 1982,
    doi:10.2307/1912526.
    """
    votes = fit.votes
    terms = fit.family.terms(fit.theta[votes.a] - fit.theta[votes.b], np.array(fit.tau))
    signs = incidence(votes.a, votes.b, fit.n_models)
    weight = 1.0 if votes.weight is None else votes.weight
    counts = votes.counts * weight**2  # a vote's slope has its weight once, its square twice
    squares = sum(n * score**2 for n, score in zip(counts, terms.score, strict=True)) - votes.mixed * weight**2
    squares = np.maximum(squares, 0)  # where all scores of a pair are the same, rounding may leave it below
    meat = (signs * squares) @ signs.T
    meat = np.asarray(meat.todense())
    if terms.tie_score is not None:
        cross = sum(n * s * t for n, s, t in zip(counts, terms.score, terms.tie_score, strict=True))
        tie = sum((n * t**2).sum() for n, t in zip(counts, terms.tie_score, strict=True))
        edge = (signs @ cross)[:, None]
        meat = np.block([[meat, edge], [edge.T, np.array([[tie]])]])
    bread = fit.inverse_information
    covariance: Floats = (bread @ meat @ bread)[: fit.n_models, : fit.n_models]
    return covariance


def normal_interval(rating: Floats, se: Floats) -> Interval:
    """The 95 % interval of a normal distribution with this mean and deviation."""
    reach = ndtri(UPPER) * se
    return Interval(se, rating - reach, rating + reach)


def rank(rating: Floats) -> Ints:
    """1 + the number of higher ratings, [K]; no NaN."""
    return 1 + _number_above(rating, rating)


def rank_upper_bound(lower: Floats, upper: Floats) -> Ints:
    """1 + the number of models whose lower end is above this one's upper end; an end that is NaN is unbounded."""
    bottom, top = np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)
    return 1 + _number_above(bottom, top)


def _number_above(values: Floats, bounds: Floats) -> Ints:
    """How many of the values are above each bound."""
    above: Ints = len(values) - np.searchsorted(np.sort(values), bounds, "right")
    return above


def rank_interval(replicates: Floats) -> tuple[Ints, Ints]:
    """2.5 % and 97.5 % points of the ranks over the rounds [K, R], as ranks that occur (inverse of the distribution).

    Where a round does not order two models (NaN, or both the same infinity), the lower point takes the
    best rank that is possible and the upper point the worst.
    """
    n_models, n_rounds = replicates.shape
    best, worst = np.empty(replicates.shape, dtype=np.int64), np.empty(replicates.shape, dtype=np.int64)
    for round_, own in enumerate(replicates.T):
        ordered, rated = np.sort(own), ~np.isnan(own)  # NaN comes last
        up_to = np.searchsorted(ordered, own, "right")  # models that are not above this one
        below = np.where(np.isfinite(own), up_to, np.searchsorted(ordered, own, "left") + 1)  # this one among them
        best[:, round_] = np.where(rated, 1 + rated.sum() - up_to, 1)
        worst[:, round_] = np.where(rated, 1 + n_models - below, n_models)
    first, last = (max(int(np.ceil(share * n_rounds)) - 1, 0) for share in (LOWER, UPPER))
    return np.partition(best, first, axis=1)[:, first], np.partition(worst, last, axis=1)[:, last]


def unbounded(interval: Interval) -> NDArray[np.bool_]:
    """Whether an interval lacks one of its bounds."""
    return np.isnan(interval.lower + interval.upper)
