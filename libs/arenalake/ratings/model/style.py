"""Style control: Bradley-Terry with covariates of the two answers, refitted in every bootstrap round.

The log odds that the first answer wins are theta_a - theta_b + x . beta, where x says how the answers differ in style.
A score between 0 and 1 is that share of a win, so a tie is half a win. The coefficients have a normal prior (ridge);
ratings have none, so they are not drawn to each other.

Source: Chen, Chiang et al. (2024), "Does style matter?", https://www.lmsys.org/blog/2024-08-28-style-control/
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arenalake.compiled import compiled
from arenalake.errors import RatingError
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.replicates import PointFit, fit_point, keep_mean, place
from arenalake.ratings.model.votes import A_WINS, B_WINS, TIE, Floats, Ints, PairVotes, tally

# A chord step shrinks at least by half or the round goes to Newton, so the error is below the last step.
LAST_STEP = 1e-9
MAX_STEPS = 100

Weights = Callable[[int], Floats]
"""From a round to how often each battle was drawn, [N]."""


@dataclass(frozen=True)
class StyledBattles:
    """Battles of one slice, one by one.

    Attributes:
        models: names by code point, each once.
        first: index of the model shown first, [N].
        second: index of the model shown second, [N].
        score: of the first model, 0 to 1, [N].
        style: how the first answer differs from the second, [N, D]; each column has mean 0 and variance 1, or is all 0.
        weight: what each battle weighs, with mean 1, [N]; None where all weigh the same.
    """

    models: tuple[str, ...]
    first: NDArray[np.uint16]
    second: NDArray[np.uint16]
    score: Floats
    style: Floats
    weight: Floats | None = None

    def weigh_pairs(self, at_least: int) -> "StyledBattles":
        """Battles that weigh as 1 / max(battles of the pair, at_least); see `PairVotes.weigh_pairs`."""
        n = self.votes.counts.sum(axis=0)
        weight = 1 / np.maximum(n[self._cell % len(n)], at_least)
        return replace(self, weight=weight / weight.mean())

    def weigh(self, times: NDArray[Any]) -> Floats:
        """What each battle weighs that counts so many times, [N]."""
        weights: Floats = times * (1.0 if self.weight is None else self.weight)
        return weights

    def drawn(self, weights: Floats) -> tuple[NDArray[Any], ...]:
        """First, second, score, style and weight of the battles whose weight is not zero."""
        some = np.flatnonzero(weights)
        return self.first[some], self.second[some], self.score[some], self.style[some], weights[some]

    @cached_property
    def votes(self) -> PairVotes:
        """Votes per pair; a score in between counts as a tie."""
        outcome = np.where(self.score == 1, A_WINS, np.where(self.score == 0, B_WINS, TIE))
        return tally(self.models, self.first.astype(np.int64), self.second.astype(np.int64), outcome)

    @cached_property
    def _cell(self) -> Ints:
        """Position of each battle in the votes by outcome and pair, flattened, [N]."""
        return self.cells_of(self.votes.a, self.votes.b)

    def cells_of(self, a: Ints, b: Ints) -> Ints:
        """The same among the pairs (a, b), sorted, which hold all pairs of the battles."""
        first, second = self.first.astype(np.int64), self.second.astype(np.int64)
        swapped = first > second
        keys = a * len(self.models) + b
        pair: Ints = np.searchsorted(keys, np.minimum(first, second) * len(self.models) + np.maximum(first, second))
        first_wins, second_wins = np.where(swapped, B_WINS, A_WINS), np.where(swapped, A_WINS, B_WINS)
        outcome = np.where(self.score == 1, first_wins, np.where(self.score == 0, second_wins, TIE))
        cell: Ints = outcome * len(keys) + pair
        return cell

    def count(self, weights: Floats) -> Ints:
        """Votes by outcome and pair, [3, P], where each battle counts as often as its weight says."""
        counts = np.bincount(self._cell, weights=weights, minlength=3 * len(self.votes.a))
        return counts.astype(np.int64).reshape(3, -1)


def standardise(style: Floats) -> tuple[Floats, Floats, Floats]:
    """Columns with mean 0 and variance 1, their means and their deviations; a constant column becomes all 0."""
    mean = style.mean(axis=0)
    # A mean is rounded, so that a constant may be off its own by a little.
    sd = np.where(style.min(axis=0) < style.max(axis=0), style.std(axis=0), 0.0)
    scaled = np.where(sd > 0, (style - mean) / np.where(sd > 0, sd, 1.0), 0.0)
    return scaled, mean, sd


@dataclass(frozen=True)
class StyleFit:
    """The estimate from all battles between models of the same component.

    Attributes:
        battles: the battles.
        point: components of the win graph; its strengths are those without style.
        ridge: inverse variance of the prior of a coefficient.
        inside: battles between models of the same component of at least two, [N].
        theta: log strengths, mean zero in each component, [K]; NaN without an estimate.
        beta: coefficients, [D].
    """

    battles: StyledBattles
    point: PointFit
    ridge: float
    inside: NDArray[np.bool_]
    theta: Floats
    beta: Floats

    @property
    def groups(self) -> list[Ints]:
        """Models of each component with an estimate."""
        return [fit.members for fit in self.point.fits]

    @cached_property
    def inverse_information(self) -> Floats:
        """Inverse of the penalised information on contrasts within components, [K + D, K + D]."""
        information = self._at_estimate(information_of, self.battles.weigh(self.inside))
        return inverse_of(information, self.groups, self.ridge, len(self.theta))

    @cached_property
    def covariance(self) -> Floats:
        """Sandwich covariance of log strengths and coefficients, [K + D, K + D]: White 1982, doi:10.2307/1912526."""
        # A battle's slope has its weight once, its square twice.
        meat = self._at_estimate(squared_scores_of, self.battles.weigh(self.battles.weigh(self.inside)))
        covariance: Floats = self.inverse_information @ meat @ self.inverse_information
        return covariance

    def judge_covariance(self, judge: Ints, n_judges: int) -> Floats:
        """The same from the squares of each judge's summed slopes; see `judges.clustered_errors`.

        Args:
            judge: number of each battle's judge, [N].
            n_judges: how many there are; for one the result is NaN.
        """
        weights = self.battles.weigh(self.inside)
        meat = judge_squares(self.battles, judge, weights, np.nan_to_num(self.theta), self.beta)
        factor = n_judges / (n_judges - 1) if n_judges > 1 else np.nan
        covariance: Floats = factor * self.inverse_information @ meat @ self.inverse_information
        return covariance

    def _at_estimate(self, sums: Callable[..., Floats], weights: Floats) -> Floats:
        return sums(*self.battles.drawn(weights), np.nan_to_num(self.theta), self.beta)

    @cached_property
    def loss(self) -> float:
        """Mean negative log-likelihood per battle, natural logarithm, without weights and prior."""
        battles, theta = self.battles, np.nan_to_num(self.theta)
        odds = theta[battles.first] - theta[battles.second] + battles.style @ self.beta
        loss = np.logaddexp(0, odds) - battles.score * odds
        return float(loss[self.inside].mean())


def judge_squares(battles: StyledBattles, judge: Ints, weights: Floats, theta: Floats, beta: Floats) -> Floats:
    """Sum over judges of g g', g being the slope of all of a judge's battles, [K + D, K + D]."""
    order = np.argsort(judge, kind="stable")
    order = order[weights[order] != 0]
    columns = (battles.first, battles.second, battles.score, battles.style, weights, judge)
    squares: Floats = _judge_squares(*(column[order] for column in columns), theta, beta)
    return squares


def fit_style(battles: StyledBattles, *, ridge: float) -> StyleFit:
    """Fit all battles.

    Args:
        battles: the battles.
        ridge: inverse variance of the prior of a coefficient, above 0: the sum over battles of the log-likelihood less
            ridge / 2 times the sum of the squared coefficients is at its largest, each battle as often as it weighs.

    Raises:
        RatingError: no convergence, which connected votes and a ridge rule out.
    """
    point = fit_point(battles.votes, HALF_WIN)
    component = np.where(np.isnan(point.theta), 0, point.component)
    inside = (component[battles.first] > 0) & (component[battles.first] == component[battles.second])
    start = StyleFit(battles, point, ridge, inside, point.theta, np.zeros(battles.style.shape[1]))
    if not point.fits:
        return start
    theta, beta = _newton(start, battles.weigh(inside), start.groups)
    theta[component == 0] = np.nan
    return StyleFit(battles, point, ridge, inside, theta, beta)


def replicate_style(fit: StyleFit, weights: Weights, rounds: range) -> tuple[Floats, Floats]:
    """Log strengths [K, rounds] and coefficients [D, rounds] of a full refit in each round.

    `replicates.replicate` tells what a model gets that a round cannot rate. Where a round has no two
    models to compare, its coefficients are NaN.
    """
    theta = np.full((len(fit.theta), len(rounds)), np.nan)
    beta = np.full((len(fit.beta), len(rounds)), np.nan)
    for column, round_ in enumerate(rounds):
        drawn = weights(round_) * fit.inside
        counts = fit.battles.count(drawn)
        groups = []
        for part in fit.point.fits:
            placed, finite = place(part, counts[:, fit.point.pairs_of(part), None])
            theta[part.members, column] = placed[:, 0]
            groups.append(part.members[finite[:, 0]])
        groups = [group for group in groups if len(group) > 1]
        if groups:
            found, beta[:, column] = _refit(fit, fit.battles.weigh(drawn), groups)
            rated = np.concatenate(groups)
            theta[rated, column] = found[rated]
    for part in fit.point.fits:
        own = theta[part.members]
        theta[part.members] = keep_mean(own, fit.theta[part.members], np.isfinite(own))
    return theta, beta


def _refit(fit: StyleFit, weights: Floats, groups: list[Ints]) -> tuple[Floats, Floats]:
    """One round: Newton with the information of the estimate, or with its own where that does not converge."""
    if sum(map(len, groups)) < sum(map(len, fit.groups)):
        rated = np.isin(np.arange(len(fit.theta)), np.concatenate(groups))
        return _newton(fit, weights * (rated[fit.battles.first] & rated[fit.battles.second]), groups)
    n_models, rows = len(fit.theta), fit.battles.drawn(weights)
    theta, beta, last = np.nan_to_num(fit.theta), fit.beta, np.inf
    for _ in range(MAX_STEPS):
        step = fit.inverse_information @ _gradient(rows, theta, beta, fit.ridge)
        theta, beta = theta + step[:n_models], beta + step[n_models:]
        size = np.abs(step).max()
        if size <= LAST_STEP:
            return theta, beta
        if not size < last / 2:
            break
        last = size
    return _newton(fit, weights, groups)


def _newton(fit: StyleFit, weights: Floats, groups: list[Ints]) -> tuple[Floats, Floats]:
    """Damped Newton from the estimate; see `arenalake.ratings.model.fit.fit_rounds` for the step length."""
    n_models, rows = len(fit.theta), fit.battles.drawn(weights)
    theta, beta = np.nan_to_num(fit.theta), fit.beta
    widest = np.abs(fit.battles.style).max(axis=0, initial=0.0)
    for _ in range(MAX_STEPS):
        inverse = inverse_of(information_of(*rows, theta, beta), groups, fit.ridge, n_models)
        step = inverse @ _gradient(rows, theta, beta, fit.ridge)
        reach = np.ptp(step[:n_models]) + np.abs(step[n_models:]) @ widest
        length = np.log1p(reach) / reach if reach > 0 else 1.0
        theta, beta = theta + length * step[:n_models], beta + length * step[n_models:]
        if reach <= LAST_STEP:
            return theta, beta
    raise RatingError("style control did not converge; `ratings.style.ridge` may be too small")


def _gradient(rows: tuple[NDArray[Any], ...], theta: Floats, beta: Floats, ridge: float) -> Floats:
    """Slope of the log-likelihood with the prior, [K + D]."""
    gradient: Floats = gradient_of(*rows, theta, beta)
    gradient[len(theta) :] -= ridge * beta
    return gradient


def inverse_of(information: Floats, groups: list[Ints], ridge: float, n_models: int) -> Floats:
    """Inverse on what is identified: contrasts within each group of models, and the coefficients; 0 elsewhere."""
    size = len(information)
    free = np.concatenate([*groups, np.arange(n_models, size)])
    pinned = information[np.ix_(free, free)]
    pins = np.zeros((size, len(groups)))
    for number, group in enumerate(groups):
        pins[group, number] = 1 / np.sqrt(len(group))
    pins = pins[free]
    diagonal = np.arange(len(free) - (size - n_models), len(free))
    pinned[diagonal, diagonal] += ridge
    scale = np.trace(pinned)
    inverse = np.zeros((size, size))
    # A common shift of a group has no information; with the pin it has some, taken out again after the inversion.
    inverse[np.ix_(free, free)] = np.linalg.inv(pinned + scale * pins @ pins.T) - pins @ pins.T / scale
    return (inverse + inverse.T) / 2


@compiled
def _chance(odds: float, style: Floats, n: int, beta: Floats) -> float:
    """Probability that the first answer of battle n wins, from the log odds at equal style."""
    for d in range(len(beta)):
        odds += style[n, d] * beta[d]
    chance: float = 1 / (1 + np.exp(-odds))
    return chance


# One pass over the battles each, in their order: as arrays, the terms of all battles would not fit the cache.
@compiled
def gradient_of(
    first: NDArray[np.uint16],
    second: NDArray[np.uint16],
    score: Floats,
    style: Floats,
    weights: Floats,
    theta: Floats,
    beta: Floats,
) -> Floats:
    """Slope of the log-likelihood, [K + D]."""
    n_models, n_features = len(theta), len(beta)
    total = np.zeros(n_models + n_features)
    for n in range(len(score)):
        a, b = first[n], second[n]
        slope = weights[n] * (score[n] - _chance(theta[a] - theta[b], style, n, beta))
        total[a] += slope
        total[b] -= slope
        for d in range(n_features):
            total[n_models + d] += slope * style[n, d]
    return total


@compiled
def _outer_products(
    first: NDArray[np.uint16],
    second: NDArray[np.uint16],
    score: Floats,
    style: Floats,
    weights: Floats,
    theta: Floats,
    beta: Floats,
    squared_scores: bool,
) -> Floats:
    """Sum over battles of factor z z', z being e_a - e_b and the style, [K + D, K + D]."""
    n_models, n_features = len(theta), len(beta)
    total = np.zeros((n_models + n_features, n_models + n_features))
    for n in range(len(score)):
        a, b = first[n], second[n]
        p = _chance(theta[a] - theta[b], style, n, beta)
        factor = weights[n] * ((score[n] - p) ** 2 if squared_scores else p * (1 - p))
        total[a, a] += factor
        total[b, b] += factor
        total[a, b] -= factor
        total[b, a] -= factor
        for d in range(n_features):
            cross = factor * style[n, d]
            total[n_models + d, a] += cross
            total[n_models + d, b] -= cross
            for e in range(d + 1):
                total[n_models + d, n_models + e] += cross * style[n, e]
    for d in range(n_features):
        for k in range(n_models + d):
            total[k, n_models + d] = total[n_models + d, k]
    return total


@compiled
def _judge_squares(
    first: NDArray[np.uint16],
    second: NDArray[np.uint16],
    score: Floats,
    style: Floats,
    weights: Floats,
    judge: NDArray[Any],
    theta: Floats,
    beta: Floats,
) -> Floats:
    """Sum over judges of g g', g being the slope of all of a judge's battles, [K + D, K + D]; sorted by judge."""
    n_models, n_features = len(theta), len(beta)
    size = n_models + n_features
    total, own = np.zeros((size, size)), np.zeros(size)
    # Most judges know few models: only where their slope is not zero is anything to add.
    places, known = np.empty(size, dtype=np.int64), np.zeros(size, dtype=np.bool_)
    n_places = 0
    for n in range(len(score)):
        a, b = first[n], second[n]
        slope = weights[n] * (score[n] - _chance(theta[a] - theta[b], style, n, beta))
        own[a] += slope
        own[b] -= slope
        for d in range(n_features):
            own[n_models + d] += slope * style[n, d]
        for k in (a, b):
            if not known[k]:
                known[k] = True
                places[n_places] = k
                n_places += 1
        if n + 1 < len(score) and judge[n + 1] == judge[n]:
            continue
        for d in range(n_features):
            places[n_places] = n_models + d
            n_places += 1
        for i in range(n_places):
            for j in range(n_places):
                total[places[i], places[j]] += own[places[i]] * own[places[j]]
        for i in range(n_places):
            own[places[i]] = 0
            known[places[i]] = False
        n_places = 0
    return total


def information_of(*rows: NDArray[Any]) -> Floats:
    """The Fisher information of battles, [K + D, K + D]; the arguments are those of `_outer_products`."""
    information: Floats = _outer_products(*rows, False)
    return information


def squared_scores_of(*rows: NDArray[Any]) -> Floats:
    """The sum of the outer products of the scores of battles: the middle of the sandwich, [K + D, K + D]."""
    squares: Floats = _outer_products(*rows, True)
    return squares
