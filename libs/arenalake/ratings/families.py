"""The pairwise models: for each outcome of a battle, the slope and the curvature of its log-likelihood.

All of them speak of delta, the difference of the two models' log strengths; those with a tie parameter also of tau.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from arenalake.ratings.votes import Floats

ByOutcome = tuple[Floats, Floats, Floats]
"""One array per outcome: a wins, b wins, tie."""


@dataclass(frozen=True)
class Terms:
    """Derivatives of one battle's log-likelihood by its outcome; information is minus the second derivative."""

    loglik: ByOutcome
    score: ByOutcome
    information: ByOutcome
    tie_score: ByOutcome | None = None
    cross_information: ByOutcome | None = None
    tie_information: ByOutcome | None = None


@dataclass(frozen=True)
class Family:
    """A pairwise model.

    Attributes:
        terms: derivatives at (delta, tau); tau is ignored where there is no tie parameter.
        tie_start: first value of tau, or None where the family has no tie parameter.
        tie_floor: tau stays above it.
        is_likelihood: whether it is a likelihood of what was observed, so that AIC means something.
    """

    terms: Callable[[Floats, Floats], Terms]
    tie_start: float | None = None
    tie_floor: float = -np.inf
    is_likelihood: bool = True


def bradley_terry_terms(delta: Floats, tau: Floats) -> Terms:
    """P(a beats b) = expit(delta); a tie counts as half a win for each side.

    Source: Bradley and Terry 1952, doi:10.2307/2334029.
    """
    p, q = expit(delta), expit(-delta)
    log_p, log_q = -np.logaddexp(0, -delta), -np.logaddexp(0, delta)
    return Terms((log_p, log_q, (log_p + log_q) / 2), (q, -p, (q - p) / 2), (p * q,) * 3)


HALF_WIN = Family(bradley_terry_terms, is_likelihood=False)
NO_TIES = Family(bradley_terry_terms)
