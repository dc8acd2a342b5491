"""The pairwise models: for each outcome of a battle, the slope and the curvature of its log-likelihood.

All of them speak of delta, the difference of the two models' log strengths; those with a tie parameter also of tau.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from arenalake.ratings.model.votes import Floats

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
        tie_without_ties: tau of votes that hold no tie.
        tie_floor: tau stays above it.
        is_likelihood: whether it is a likelihood of what was observed, so that AIC means something.
        leaves_out_ties: whether ties are left out before anything is fitted.

    Spark tasks work with copies, so ask a family for its attributes, never which object it is. One without a tie
    parameter is Bradley-Terry.
    """

    terms: Callable[[Floats, Floats], Terms]
    tie_start: float | None = None
    tie_without_ties: float = 0.0
    tie_floor: float = -np.inf
    is_likelihood: bool = True
    leaves_out_ties: bool = False


def weigh(counts: Floats, by_outcome: ByOutcome) -> Floats:
    """Sum over outcomes of votes times a value, for counts [3, ...]."""
    total: Floats = counts[0] * by_outcome[0] + counts[1] * by_outcome[1] + counts[2] * by_outcome[2]
    return total


def bradley_terry_terms(delta: Floats, tau: Floats) -> Terms:
    """P(a beats b) = expit(delta); a tie counts as half a win for each side.

    Source: Bradley and Terry 1952, doi:10.2307/2334029.
    """
    p, q = expit(delta), expit(-delta)
    log_p, log_q = -np.logaddexp(0, -delta), -np.logaddexp(0, delta)
    return Terms((log_p, log_q, (log_p + log_q) / 2), (q, -p, (q - p) / 2), (p * q,) * 3)


HALF_WIN = Family(bradley_terry_terms, is_likelihood=False)
NO_TIES = Family(bradley_terry_terms, leaves_out_ties=True)


def davidson_terms(delta: Floats, tau: Floats) -> Terms:
    """P(a), P(b), P(tie) are as exp(delta / 2), exp(-delta / 2), exp(tau).

    Source: Davidson 1970, doi:10.1080/01621459.1970.10481082.
    """
    tie = np.broadcast_to(tau, delta.shape)
    log_total = np.logaddexp(np.logaddexp(delta / 2, -delta / 2), tie)
    log_a, log_b, log_tie = delta / 2 - log_total, -delta / 2 - log_total, tie - log_total
    p_a, p_b, p_tie = np.exp(log_a), np.exp(log_b), np.exp(log_tie)
    mean = (p_a - p_b) / 2
    return Terms(
        loglik=(log_a, log_b, log_tie),
        score=(0.5 - mean, -0.5 - mean, -mean),
        information=((p_a + p_b) / 4 - mean**2,) * 3,
        tie_score=(-p_tie, -p_tie, 1 - p_tie),
        cross_information=(-mean * p_tie,) * 3,
        tie_information=(p_tie * (1 - p_tie),) * 3,
    )


def rao_kupper_terms(delta: Floats, tau: Floats) -> Terms:
    """P(a) = expit(delta - tau), P(b) = expit(-delta - tau), the rest is a tie; tau >= 0.

    Source: Rao and Kupper 1967, doi:10.1080/01621459.1967.10482901.
    """
    p_a, p_b = expit(delta - tau), expit(-delta - tau)
    q_a, q_b = expit(tau - delta), expit(tau + delta)
    log_a, log_b = -np.logaddexp(0, tau - delta), -np.logaddexp(0, tau + delta)
    # Rounds without ties sit at tau = 0, where a tie has no probability and its terms are never used.
    some = np.where(tau > 0, tau, 1.0)
    room = -np.expm1(-2 * some)  # P(tie) = room * exp(2 tau) * p_a * p_b
    bend_a, bend_b = p_a * q_a, p_b * q_b
    tie_bend = bend_a + bend_b + 4 * np.exp(-2 * some) / room**2
    return Terms(
        loglik=(log_a, log_b, log_a + log_b + 2 * some + np.log(room)),
        score=(q_a, -q_b, q_a - q_b),
        information=(bend_a, bend_b, bend_a + bend_b),
        tie_score=(-q_a, -q_b, 2 / room - q_a - q_b),
        cross_information=(-bend_a, bend_b, bend_b - bend_a),
        tie_information=(bend_a, bend_b, tie_bend),
    )


DAVIDSON = Family(davidson_terms, tie_start=0.0, tie_without_ties=-np.inf)
RAO_KUPPER = Family(rao_kupper_terms, tie_start=0.5, tie_without_ties=0.0, tie_floor=0.0)
