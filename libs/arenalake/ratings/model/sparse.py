"""Maximum likelihood for one round of many models: Newton's method whose steps come from conjugate gradients.

A matrix of all pairs of models costs the square of their number in memory and its cube in time. A round of few votes
per model only has its pairs, and a step of conjugate gradients is one pass over these.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arenalake.compiled import compiled
from arenalake.ratings.model.families import Family, weigh
from arenalake.ratings.model.votes import A_WINS, B_WINS, TIE, Floats, Ints

# From here on models are fitted by this module; below, matrices are faster.
LARGE = 256
# A Newton step is solved to a share of itself that is as small as the square of the step before, within these bounds:
# so the last one leaves an error far below its size.
_LAST_STEP, _TIGHTEST, _LOOSEST = 1e-9, 1e-6, 0.1
_MAX_STEPS = 200
# Steps of conjugate gradients per model: exact arithmetic takes one at most.
_MAX_SOLVE = 20
# Residuals of this share of a model's information are rounding.
_ROUNDING = 1e-16
# Beyond this a tie parameter or a strength is on its way to infinity: the likelihood has no maximum.
_MAX_TIE, _MAX_REACH = 25.0, 5000.0


def fit_sparse(
    a: Ints, b: Ints, counts: NDArray[Any], family: Family, theta: Floats, tau: float
) -> tuple[Floats, float, bool]:
    """Fit one round; `arenalake.ratings.model.fit.fit_rounds` says which rounds have a maximum.

    Args:
        a: index of the pairs' first model, [P].
        b: index of the pairs' second model, [P].
        counts: votes by outcome and pair, [3, P]; any real numbers >= 0.
        family: the pairwise model.
        theta: log strengths to start from, [K].
        tau: tie parameter to start from.

    Returns:
        Log strengths with mean zero over the models that have votes and zero for the others, [K]; the tie parameter;
        and whether they are at the maximum.
    """
    met = np.flatnonzero(counts.any(axis=0))
    a, b, counts = a[met], b[met], counts.take(met, axis=1).astype(np.float64)
    rated = np.bincount(np.concatenate([a, b]), minlength=len(theta)) > 0
    ties = family.tie_start is not None and bool(counts[TIE].any())
    if family.tie_start is not None and not ties:
        tau = family.tie_without_ties
    theta, reach = np.where(rated, theta, 0.0), np.inf
    for _ in range(_MAX_STEPS):
        slope, information, tie = _derivatives(a, b, counts, family, theta, tau, with_ties=ties)
        share = min(max(reach**2, _TIGHTEST), _LOOSEST)
        step, tie_step = _solve(a, b, information, *tie, slope, len(theta), share, _MAX_SOLVE * len(theta))
        step -= np.where(rated, step[rated].mean(), 0.0)
        reach = float(np.ptp(step) + 2 * abs(tie_step))
        if not np.isfinite(reach):
            break
        length = np.log1p(reach) / reach if reach > 0 else 1.0
        room = 0.75 * (tau - family.tie_floor)  # tau may shrink towards its floor, never jump over it
        if ties and -tie_step * length > room:
            length = room / -tie_step
        theta, tau = theta + length * step, tau + length * tie_step if ties else tau
        if reach <= _LAST_STEP:
            return theta - np.where(rated, theta[rated].mean(), 0.0), tau, True
        if np.ptp(theta) > _MAX_REACH or (ties and abs(tau) > _MAX_TIE):
            break
    return theta, tau, False


def _derivatives(
    a: Ints, b: Ints, counts: Floats, family: Family, theta: Floats, tau: float, *, with_ties: bool
) -> tuple[Floats, Floats, tuple[Floats, float, float]]:
    """Slope and information of each pair, [P]; with the tie parameter: cross information [P], information and slope."""
    if family.tie_start is None:
        slope, information = _bradley_terry(a, b, counts, theta)
        return slope, information, (np.zeros(len(a)), 1.0, 0.0)
    terms = family.terms(theta[a] - theta[b], np.array(tau))
    slope, information = weigh(counts, terms.score), weigh(counts, terms.information)
    if not with_ties or terms.tie_score is None or terms.cross_information is None or terms.tie_information is None:
        return slope, information, (np.zeros(len(a)), 1.0, 0.0)
    tie_information, tie_slope = (float(weigh(counts, by).sum()) for by in (terms.tie_information, terms.tie_score))
    return slope, information, (weigh(counts, terms.cross_information), tie_information, tie_slope)


@compiled
def _bradley_terry(a: Ints, b: Ints, counts: Floats, theta: Floats) -> tuple[Floats, Floats]:
    slope, information = np.empty(len(a)), np.empty(len(a))
    for p in range(len(a)):
        delta = theta[a[p]] - theta[b[p]]
        small = np.exp(-abs(delta))
        chance = 1 / (1 + small) if delta > 0 else small / (1 + small)
        n = counts[A_WINS, p] + counts[B_WINS, p] + counts[TIE, p]
        slope[p] = counts[A_WINS, p] + counts[TIE, p] / 2 - n * chance
        information[p] = n * small / (1 + small) ** 2
    return slope, information


@compiled
def _solve(
    a: Ints,
    b: Ints,
    information: Floats,
    cross: Floats,
    tie_information: float,
    tie_slope: float,
    slope: Floats,
    n_models: int,
    share: float,
    max_steps: int,
) -> tuple[Floats, float]:
    """Information times step = slope up to a share of the slope, by conjugate gradients scaled by the diagonal.

    The tie parameter stands behind the models. A common shift has no information and no slope, so it stays as it is.
    """
    size = n_models + 1
    diagonal, residual = np.zeros(size), np.zeros(size)
    for p in range(len(a)):
        diagonal[a[p]] += information[p]
        diagonal[b[p]] += information[p]
        residual[a[p]] += slope[p]
        residual[b[p]] -= slope[p]
    diagonal[n_models], residual[n_models] = tie_information, tie_slope
    step, direction, product, scaled = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    before, enough = 0.0, 0.0
    for number in range(max_steps):
        square = 0.0
        for k in range(size):
            scaled[k] = residual[k] / diagonal[k] if diagonal[k] > 0 else 0.0
            square += residual[k] * scaled[k]
        if number == 0:
            enough = max(share**2 * square, _ROUNDING**2 * diagonal.sum())
        if square <= enough:
            break
        keep = square / before if number > 0 else 0.0
        for k in range(size):
            direction[k] = scaled[k] + keep * direction[k]
            product[k] = 0.0
        tie, along = direction[n_models], 0.0
        for p in range(len(a)):
            distance = direction[a[p]] - direction[b[p]]
            part = information[p] * distance + cross[p] * tie
            product[a[p]] += part
            product[b[p]] -= part
            along += cross[p] * distance
        product[n_models] = along + tie_information * tie
        curvature = 0.0
        for k in range(size):
            curvature += direction[k] * product[k]
        length = square / curvature
        for k in range(size):
            step[k] += length * direction[k]
            residual[k] -= length * product[k]
        before = square
    return step[:n_models], step[n_models]
