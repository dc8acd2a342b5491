"""The bootstrap over judges, and intervals that allow for judges whose votes hang together.

Votes of one person are not independent. So judges are drawn, each with all of their votes. Judges are numbered by name
and cut into parts of a constant size; a part knows the weights of its own judges in any round, and its share of the
round's votes is a sum that adds up over the parts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack, issparse, vstack

from arenalake.ratings.model.fit import incidence
from arenalake.ratings.model.replicates import ComponentFit, PointFit
from arenalake.ratings.model.resampling import resample_part
from arenalake.ratings.model.sparse import LARGE
from arenalake.ratings.model.votes import Floats, Ints
from arenalake.ratings.options import RatingsConfig

# Judges of one part.
PART = 4096


def judge_weights(n_judges: int, part: int, seed: int, round_: int, *, poisson: bool = False) -> Ints:
    """How often each judge of a part is drawn, [judges of the part]; a lone one never: see `resample_part`."""
    sizes = np.diff([*range(0, n_judges, PART), n_judges])
    return resample_part(sizes, part, seed, round_, poisson=poisson)


def draw_judges(n_judges: int, seed: int, round_: int, *, poisson: bool = False) -> Ints:
    """How often each of all judges is drawn in a round, [judges]."""
    parts = range(-(-n_judges // PART))
    return np.concatenate([judge_weights(n_judges, part, seed, round_, poisson=poisson) for part in parts])


def resample_judges(ballots: csr_array, n_judges: int, part: int, seed: int, rounds: range, *, poisson: bool) -> Floats:
    """A part's share of the votes of each round.

    Args:
        ballots: votes of the part's judges, [judges of the part, cells].
        n_judges: judges of all parts.
        part: number of the part, from 0.
        seed: seed of the bootstrap.
        rounds: rounds.
        poisson: see `judge_weights`.

    Returns:
        [cells, rounds]; whole numbers where the ballots are.
    """
    weights = np.stack([judge_weights(n_judges, part, seed, round_, poisson=poisson) for round_ in rounds], axis=1)
    summed: Floats = ballots.T.astype(np.float64) @ weights.astype(np.float64)
    return summed


def judge_scores(fit: ComponentFit, ballots: csr_array) -> Any:
    """Each judge's score: the slope of the log-likelihood of their votes, [judges, K] (one more with a tie parameter).

    For many models it is a sparse matrix, as most judges know few of them.

    Args:
        fit: the estimate from all votes.
        ballots: votes per judge, [judges, 3 P of the component].
    """
    votes = fit.votes
    terms = fit.family.terms(fit.theta[votes.a] - fit.theta[votes.b], np.array(fit.tau))
    signs = incidence(votes.a, votes.b, fit.n_models).T.tocsr()
    weight = np.ones(len(votes.a)) if votes.weight is None else votes.weight
    scores = [_scale_rows(signs, weight * score) for score in terms.score]
    by_cell = vstack(scores, format="csr")
    if terms.tie_score is not None:
        by_cell = hstack(
            [by_cell, csr_array(np.concatenate([weight * t for t in terms.tie_score])[:, None])], format="csr"
        )
    return ballots @ (by_cell if fit.n_models >= LARGE else by_cell.toarray())


def judge_meat(point: PointFit, ballots: csr_array) -> list[Floats]:
    """Sum over judges of their squared scores, one matrix per component with an estimate; adds up over parts."""
    cells = np.arange(3 * len(point.votes.a)).reshape(3, -1)
    meats = []
    for fit in point.fits:
        inside = np.isin(point.votes.a, fit.members) & np.isin(point.votes.b, fit.members)
        columns = cells[:, inside]
        own = ballots[:, columns.ravel()]
        if point.family.leaves_out_ties:
            own = own.copy()
            own.data[own.indices >= 2 * columns.shape[1]] = 0
        scores = judge_scores(fit, own)
        meat = scores.T @ scores
        meats.append(meat.toarray() if issparse(meat) else meat)
    return meats


def clustered_errors(fit: ComponentFit, meat: Floats, n_judges: int) -> Floats:
    """Standard errors of the log strengths that allow for judges, [K]; NaN for one judge.

    Source: Liang and Zeger 1986, doi:10.1093/biomet/73.1.13, with the usual factor J / (J - 1) for J judges.
    """
    bread = fit.inverse_information
    factor = n_judges / (n_judges - 1) if n_judges > 1 else np.nan
    variance = np.diag(bread @ meat @ bread)[: fit.n_models] * factor
    return np.sqrt(variance)


def judge_errors(point: PointFit, meats: Sequence[Sequence[Floats]], n_judges: int, ratings: RatingsConfig) -> Floats:
    """Standard errors of the ratings that allow for judges, [K]; NaN without an estimate.

    Args:
        point: the estimate from all votes.
        meats: as `judge_meat` gives them, for each part of the judges in order: doubles are added in this order.
        n_judges: judges of all parts.
        ratings: scale, base.
    """
    errors = np.full(len(point.component), np.nan)
    for number, fit in enumerate(point.fits):
        spread = clustered_errors(fit, np.asarray(sum(part[number] for part in meats)), n_judges)
        errors[fit.members] = spread * ratings.scale / np.log(ratings.base)
    return errors


def _scale_rows(matrix: Any, factor: Floats) -> Any:
    return matrix.multiply(factor[:, None]).tocsr()
