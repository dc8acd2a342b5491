"""Maximum likelihood for many bootstrap rounds at once: damped Newton, each round on its own matrix."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from arenalake.ratings.model.families import Family, weigh
from arenalake.ratings.model.sparse import LARGE, fit_sparse
from arenalake.ratings.model.votes import TIE, Floats, Ints, PairVotes

# A Newton step this small leaves an error of about its square.
_LAST_STEP = 1e-7
_MAX_STEPS = 200
# Beyond this a tie parameter or a strength is on its way to infinity: the likelihood has no maximum.
_MAX_TIE, _MAX_REACH = 25.0, 5000.0


@dataclass(frozen=True)
class Fit:
    """Log strengths of B rounds.

    Attributes:
        theta: log strengths, [K, B], natural logarithm; mean zero over the models that have votes, zero for the others.
        tau: tie parameter, [B]; zeros where the family has none.
        converged: [B].
    """

    theta: Floats
    tau: Floats
    converged: NDArray[np.bool_]


def incidence(a: Ints, b: Ints, n_models: int) -> csr_array:
    """[K, P]: +1 where the model is the pair's first, -1 where it is the second."""
    pairs = np.arange(len(a))
    ones = np.ones(len(a))
    entries = (np.concatenate([ones, -ones]), (np.concatenate([a, b]), np.concatenate([pairs, pairs])))
    return csr_array(entries, shape=(n_models, len(a)))


def fit_rounds(a: Ints, b: Ints, n_models: int, counts: NDArray[Any], family: Family) -> Fit:
    """Fit each round by damped Newton.

    The step length log(1 + r) / r, r being how far a step moves two models apart, makes Newton converge from
    anywhere for these likelihoods. In each round the models that have votes must be strongly connected, else there is
    no maximum. With a tie parameter there may be none even then, such as where all votes are ties. Rounds without a
    maximum come back as not converged.

    Args:
        a: index of the pairs' first model, [P].
        b: index of the pairs' second model, [P].
        n_models: K.
        counts: votes by outcome, pair and round, [3, P, B]; any real numbers >= 0.
        family: the pairwise model.

    Source: Sun and Tran-Dinh 2019, doi:10.1007/s10107-018-1282-4 (step length for such functions).
    """
    counts = np.asarray(counts, dtype=np.float64)
    n_rounds = counts.shape[2]
    theta, tau = np.zeros((n_models, n_rounds)), np.full(n_rounds, family.tie_start or 0.0)
    converged = np.zeros(n_rounds, dtype=bool)
    if family.tie_start is not None:
        tau[counts[TIE].sum(axis=0) == 0] = family.tie_without_ties
    lost = np.zeros(n_rounds, dtype=bool)
    signs = incidence(a, b, n_models)
    rated = (abs(signs) @ counts.sum(axis=0)) > 0
    for _ in range(_MAX_STEPS):
        todo = np.flatnonzero(~(converged | lost))
        if not len(todo):
            break
        step, tie_step = _newton_step(
            a, b, signs, counts[:, :, todo], rated[:, todo], family, theta[:, todo], tau[todo]
        )
        reach = step.max(axis=0) - step.min(axis=0) + 2 * np.abs(tie_step)
        with np.errstate(invalid="ignore", divide="ignore"):
            length = np.where(reach > 0, np.log1p(reach) / reach, 1.0)
            # tau may shrink towards its floor, never jump over it
            room = 0.75 * (tau[todo] - family.tie_floor)
            length = np.where(-tie_step * length > room, room / -tie_step, length)
        theta[:, todo] += length * step
        tau[todo] += length * tie_step
        converged[todo] = reach <= _LAST_STEP
        far = (np.ptp(theta[:, todo], axis=0) > _MAX_REACH) | (np.isfinite(tau[todo]) & (np.abs(tau[todo]) > _MAX_TIE))
        lost[todo] = ~np.isfinite(reach) | (far & ~converged[todo])
    return Fit(theta, tau, converged)


def _newton_step(
    a: Ints,
    b: Ints,
    signs: csr_array,
    counts: Floats,
    rated: NDArray[np.bool_],
    family: Family,
    theta: Floats,
    tau: Floats,
) -> tuple[Floats, Floats]:
    gradient, tie_gradient, hessian = derivatives(a, b, signs, counts, family, theta, tau)
    n_models = len(theta)
    size = hessian.shape[1]
    diagonal = np.arange(size)
    # Ratings are relative, so the information is singular along a common shift: pin the mean of the rated models.
    scale = np.trace(hessian[:, :n_models, :n_models], axis1=1, axis2=2) / np.maximum(rated.sum(axis=0), 1) ** 2
    members = rated.T.astype(np.float64)
    hessian[:, :n_models, :n_models] += scale[:, None, None] * members[:, :, None] * members[:, None, :]
    fixed = ~rated.T
    right = gradient.T
    if size > n_models:
        no_ties = counts[TIE].sum(axis=0) == 0  # then tau stays where it is
        hessian[no_ties, n_models, :] = hessian[no_ties, :, n_models] = 0
        fixed = np.concatenate([fixed, no_ties[:, None]], axis=1)
        right = np.concatenate([right, np.where(no_ties, 0, tie_gradient)[:, None]], axis=1)
    hessian[:, diagonal, diagonal] = np.where(fixed, 1.0, hessian[:, diagonal, diagonal])
    step = _solve(hessian, right).T
    return step[:n_models], step[n_models] if size > n_models else np.zeros(len(tau))


def _solve(matrices: Floats, right: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(matrices, right[:, :, None])[:, :, 0], dtype=np.float64)
    except np.linalg.LinAlgError:  # one singular matrix must not take the other rounds with it
        solved = np.full(right.shape, np.nan)
        for round_, (matrix, side) in enumerate(zip(matrices, right, strict=True)):
            with suppress(np.linalg.LinAlgError):
                solved[round_] = np.linalg.solve(matrix, side)
    return solved


def derivatives(
    a: Ints, b: Ints, signs: csr_array, counts: Floats, family: Family, theta: Floats, tau: Floats
) -> tuple[Floats, Floats, Floats]:
    """Gradient [K, B], its tie part [B], and observed information [B, K, K] (one larger with a tie parameter)."""
    n_models, n_rounds = theta.shape
    terms = family.terms(theta[a] - theta[b], tau)
    gradient = signs @ weigh(counts, terms.score)
    information = weigh(counts, terms.information)
    size = n_models + (terms.tie_information is not None)
    hessian = np.zeros((n_rounds, size, size))
    hessian[:, a, b] = hessian[:, b, a] = -information.T
    diagonal = np.arange(n_models)
    hessian[:, diagonal, diagonal] = (abs(signs) @ information).T
    tie_gradient = np.zeros(n_rounds)
    if terms.tie_score is not None and terms.tie_information is not None and terms.cross_information is not None:
        tie_gradient = weigh(counts, terms.tie_score).sum(axis=0)
        cross = signs @ weigh(counts, terms.cross_information)
        hessian[:, n_models, :n_models] = hessian[:, :n_models, n_models] = cross.T
        hessian[:, n_models, n_models] = weigh(counts, terms.tie_information).sum(axis=0)
    return gradient, tie_gradient, hessian


def fit_votes(votes: PairVotes, family: Family) -> Fit:
    """Fit all votes at once, as one round."""
    n_models = len(votes.models)
    if n_models < LARGE:
        return fit_rounds(votes.a, votes.b, n_models, votes.weighted[:, :, None], family)
    theta, tau, converged = fit_sparse(
        votes.a, votes.b, votes.weighted, family, np.zeros(n_models), family.tie_start or 0.0
    )
    return Fit(theta[:, None], np.array([tau]), np.array([converged]))
