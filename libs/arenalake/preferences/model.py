"""What a judge prefers: a Bayesian logistic model of choices, fitted by expectation propagation. NumPy alone.

A pair is a row x of signs: -1, 0 or 1 for each property, as the first response has less, as much or more of it. The
judge takes the first response with the probability 1 / (1 + exp(-x w)). There is no intercept, and each weight has the
prior Laplace(0, 0.1).

Why expectation propagation (EP) and no sampler: a fit with its ten folds takes a fraction of a second where NUTS takes
minutes; there is no Monte Carlo error and no random number, so the same data give the same bits; and likelihood and
prior are log-concave, for which EP is known to be accurate. The marginal of a weight is not taken for normal: it is the
prior times what all else says about the weight, which keeps the peak of the Laplace prior at zero. The tests set
posterior means and ends of intervals beside NUTS.

Source: Li et al. (2024), Dissecting Human and LLM Preferences, arXiv:2402.11296; Minka (2001), Expectation Propagation
    for approximate Bayesian inference; Seeger (2008), Bayesian inference and optimal design for the sparse linear model
    (Laplace priors).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import erfcx, expit, log_ndtr, ndtri_exp, roots_hermitenorm

Floats = NDArray[np.float64]

# Width of the prior.
SCALE = 0.1
# The integrand is smooth and its normal factor narrow: more nodes change nothing in the first ten digits.
_NODES, _NODE_WEIGHTS = roots_hermitenorm(12)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()
# Posterior means move by less than this share of their standard deviation when the iterations stop.
_TOLERANCE = 1e-4
_MAX_ITERATIONS = 200
# A weight about which the data say nothing has its prior for a posterior; a precision of 0 could not be divided by.
_LEAST_PRECISION = 1e-3


@dataclass(frozen=True)
class Sites:
    """The normal factors by which EP stands in for those of the posterior: precision and linear term of each.

    Attributes:
        precision, linear: of the choices, [n].
        prior_precision, prior_linear: of the priors, [p].
    """

    precision: Floats
    linear: Floats
    prior_precision: Floats
    prior_linear: Floats

    @staticmethod
    def start(n: int, p: int, scale: float) -> "Sites":
        """What is known before any data: the variance of the prior."""
        return Sites(np.zeros(n), np.zeros(n), np.full(p, 1 / (2 * scale**2)), np.zeros(p))

    def without(self, rows: NDArray[np.bool_]) -> "Sites":
        """Those that stay when some choices are left out."""
        return Sites(self.precision[~rows], self.linear[~rows], self.prior_precision, self.prior_linear)


@dataclass(frozen=True)
class Posterior:
    """What the data say about the weights [p].

    Attributes:
        mean: posterior means.
        sd: posterior standard deviations.
        ci_lower, ci_upper: ends of the central 95 % intervals.
        sites: where another fit to nearly the same data may begin.
        iterations: passes over the data.
        converged: whether the means had settled by then.
    """

    mean: Floats
    sd: Floats
    ci_lower: Floats
    ci_upper: Floats
    sites: Sites
    iterations: int
    converged: bool


def fit(
    signs: Floats, prefers_first: NDArray[np.bool_], *, scale: float = SCALE, start: Sites | None = None
) -> Posterior:
    """Fit the weights of one judge.

    Args:
        signs: differences of the properties, -1, 0 or 1, [n, p].
        prefers_first: whether the judge prefers the first response, [n].
        scale: of the Laplace prior.
        start: sites of a fit to nearly the same data.

    Returns:
        The posterior. Without data it is the prior.
    """
    rows = np.where(prefers_first, 1.0, -1.0)[:, None] * signs
    n, p = rows.shape
    sites = start or Sites.start(n, p, scale)
    mean, covariance = _normal(rows, sites)
    converged, iteration = False, 0
    while not converged and iteration < _MAX_ITERATIONS:
        iteration += 1
        choices = _choice_sites(rows, sites, mean, covariance)
        priors = _prior_sites(sites, mean, np.diag(covariance), scale)
        sites = Sites(*choices, *priors)
        before, (mean, covariance) = mean, _normal(rows, sites)
        converged = bool(np.max(np.abs(mean - before) / np.sqrt(np.diag(covariance)), initial=0.0) < _TOLERANCE)
    return Posterior(*_marginals(sites, mean, np.diag(covariance), scale), sites, iteration, converged)


def _normal(rows: Floats, sites: Sites) -> tuple[Floats, Floats]:
    """Mean and covariance of the product of all sites."""
    precision = rows.T @ (rows * sites.precision[:, None])
    precision[np.diag_indices_from(precision)] += sites.prior_precision
    factor = cho_factor(precision)
    covariance = cho_solve(factor, np.eye(len(precision)))
    return cho_solve(factor, rows.T @ sites.linear + sites.prior_linear), covariance


def _choice_sites(rows: Floats, sites: Sites, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """New sites of the choices, by the moments of each choice's own factor among the others."""
    variance = np.einsum("ij,ij->i", rows @ covariance, rows)
    # What all other factors say about this pair's log odds. A pair without differences says nothing.
    left = 1 - variance * sites.precision
    cavity_variance = variance / left
    cavity_mean = (rows @ mean - variance * sites.linear) / left
    odds = cavity_mean + np.sqrt(cavity_variance) * _NODES[:, None]
    chosen = expit(odds)
    slope = chosen * (1 - chosen)
    total = _NODE_WEIGHTS @ chosen
    first = (_NODE_WEIGHTS @ slope) / total
    second = (_NODE_WEIGHTS @ (slope * (1 - 2 * chosen))) / total - first**2
    kept = 1 + cavity_variance * second
    return -second / kept, (first - cavity_mean * second) / kept


def _cavity(sites: Sites, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of each weight by all but its own prior."""
    precision = np.maximum(1 / variance - sites.prior_precision, _LEAST_PRECISION)
    return (mean / variance - sites.prior_linear) / precision, 1 / precision


def _prior_sites(sites: Sites, mean: Floats, variance: Floats, scale: float) -> tuple[Floats, Floats]:
    """New sites of the priors, by the moments of prior times cavity."""
    cavity_mean, cavity_variance = _cavity(sites, mean, variance)
    own = _Peaked(cavity_mean, cavity_variance, scale)
    return 1 / own.variance - 1 / cavity_variance, own.mean / own.variance - cavity_mean / cavity_variance


def _marginals(sites: Sites, mean: Floats, variance: Floats, scale: float) -> tuple[Floats, Floats, Floats, Floats]:
    own = _Peaked(*_cavity(sites, mean, variance), scale)
    return own.mean, np.sqrt(own.variance), own.quantile(0.025), own.quantile(0.975)


class _Peaked:
    """The distributions normal(mean, variance) times exp(-|w| / scale): two truncated normals that meet at zero."""

    def __init__(self, mean: Floats, variance: Floats, scale: float) -> None:
        self._sd = np.sqrt(variance)
        # The normal of each half, and how many standard deviations of it lie inside that half.
        self._centres = np.stack([mean - variance / scale, mean + variance / scale])
        self._inside = np.stack([self._centres[0], -self._centres[1]]) / self._sd
        tilt = np.stack([-mean, mean]) / scale + variance / (2 * scale**2)
        with np.errstate(over="ignore", under="ignore"):
            scaled = erfcx(-self._inside / np.sqrt(2))
            # Of both forms the one that does not cancel.
            log_mass = np.where(
                self._inside > 0, tilt + log_ndtr(self._inside), np.log(scaled / 2) - mean**2 / (2 * variance)
            )
            hazard = np.sqrt(2 / np.pi) / scaled
        self._share = expit(np.stack([log_mass[0] - log_mass[1], log_mass[1] - log_mass[0]]))
        away = np.array([1.0, -1.0])[:, None]
        means = self._centres + away * self._sd * hazard
        squares = variance + self._centres * means
        self.mean: Floats = (self._share * means).sum(axis=0)
        self.variance: Floats = (self._share * squares).sum(axis=0) - self.mean**2

    def quantile(self, q: float) -> Floats:
        """The value under which a share q lies."""
        above, below = self._share
        with np.errstate(divide="ignore", invalid="ignore"):
            low = ndtri_exp(np.log(q / below) + log_ndtr(self._inside[1]))
            high = ndtri_exp(np.log((1 - q) / above) + log_ndtr(self._inside[0]))
        return np.where(q < below, self._centres[1] + self._sd * low, self._centres[0] - self._sd * high)


@dataclass(frozen=True)
class Fit:
    """A posterior, and how well such fits predict choices that they have not seen.

    Attributes:
        posterior: of all pairs.
        fold_mean: mean over the folds of posterior means, each without its fold, [p]: what the authors publish. NaN
            with fewer pairs than folds.
        accuracy: share of pairs whose choice was predicted by the fit without their fold; a pair without differences
            is a guess and counts one half. NaN with fewer pairs than folds.
    """

    posterior: Posterior
    fold_mean: Floats
    accuracy: float


def cross_validate(
    signs: Floats, prefers_first: NDArray[np.bool_], *, seed: int, folds: int = 10, scale: float = SCALE
) -> Fit:
    """Fit one judge, and again without each of some folds of equal size.

    Args:
        signs: -1, 0 or 1, [n, p], in an order that is a function of the pairs, such as that of their ids: which fold a
            pair is in depends on its place, the seed and n.
        prefers_first: [n].
        seed: of the folds.
        folds: how many.
        scale: of the Laplace prior.
    """
    posterior = fit(signs, prefers_first, scale=scale)
    n, p = signs.shape
    if n < folds:
        return Fit(posterior, np.full(p, np.nan), np.nan)
    random = np.random.Generator(np.random.Philox(key=np.array([seed, n], dtype=np.uint64)))
    fold = random.permutation(n) % folds
    means = np.empty((folds, p))
    right = 0.0
    for i in range(folds):
        left_out = fold == i
        # The sites of the other pairs hardly change.
        start = posterior.sites.without(left_out)
        means[i] = fit(signs[~left_out], prefers_first[~left_out], scale=scale, start=start).mean
        odds = signs[left_out] @ means[i]
        right += float(np.sum(np.where(odds == 0, 0.5, (odds > 0) == prefers_first[left_out])))
    return Fit(posterior, means.mean(axis=0), right / n)


def contributions(signs: Floats, weights: Floats) -> Floats:
    """What each property adds to the log odds that the first response is preferred: its sign times its weight.

    The log odds are linear in the signs, so these are the exact Shapley values against a pair without differences,
    and they add up to the log odds.

    Args:
        signs: of one pair or of several, [..., p].
        weights: of one judge, [p].
    """
    return signs * weights


def preference_probability(weights: Floats) -> Floats:
    """The probability that a judge prefers the response that has more of one property, all else being equal.

    This is the paper's reading of weights.
    """
    return np.asarray(expit(weights))
