"""One fit per bootstrap round, many rounds at once, starting at the estimate; and what to do where none exists."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from arenalake.errors import RatingError
from arenalake.ratings.model.components import (
    Edges,
    find_components,
    label_components,
    pack_rounds,
    scored,
    unpack_rounds,
    win_edges,
)
from arenalake.ratings.model.families import Family
from arenalake.ratings.model.fit import derivatives, fit_rounds, fit_votes, incidence
from arenalake.ratings.model.resampling import CellSampler
from arenalake.ratings.model.sparse import LARGE, fit_sparse
from arenalake.ratings.model.votes import A_WINS, B_WINS, TIE, Cells, Floats, Ints, PairVotes

# Rounds that are solved together. Always this many, also at the end, so that no round depends on how many there are.
CHUNK = 32
# A chord step shrinks at least by half or the round goes to Newton, so the error is below the last step.
_LAST_STEP = 1e-11
_MAX_CHORD_STEPS = 40

Resample = Callable[[range], NDArray[Any]]
"""From rounds to their votes by outcome and pair, [3, P, rounds]: whole numbers unless votes have scores."""


@dataclass(frozen=True)
class ComponentFit:
    """The estimate from all votes within one component of at least two models.

    Attributes:
        members: positions of its models among all models, ascending.
        votes: the votes between its models.
        family: the pairwise model.
        theta: log strengths with mean zero, [K].
        tau: tie parameter, or 0 where the family has none.
    """

    members: Ints
    votes: PairVotes
    family: Family
    theta: Floats
    tau: float

    @property
    def n_models(self) -> int:
        """Number of models, K."""
        return len(self.members)

    @cached_property
    def signs(self) -> csr_array:
        """+1 where the model is the pair's first, -1 where it is the second, [K, P]."""
        return incidence(self.votes.a, self.votes.b, self.n_models)

    @cached_property
    def edges(self) -> Edges:
        """Both directions of every pair."""
        return Edges(np.concatenate([self.votes.a, self.votes.b]), np.concatenate([self.votes.b, self.votes.a]))

    @property
    def tie_is_fitted(self) -> bool:
        """Whether the family has a tie parameter that the votes have a say in: without ties it stays at its bound."""
        return self.family.tie_start is not None and bool(self.votes.counts[TIE].any())

    @cached_property
    def inverse_information(self) -> Floats:
        """Inverse of the observed information on contrasts, [K, K] (one larger with a tie parameter).

        A tie parameter at its bound is known: its row and column are 0.
        """
        counts = self.votes.weighted[:, :, None].astype(np.float64)
        theta, tau = self.theta[:, None], np.array([self.tau])
        information = derivatives(self.votes.a, self.votes.b, self.signs, counts, self.family, theta, tau)[2][0]
        size = len(information)
        if not self.tie_is_fitted:
            information = information[: self.n_models, : self.n_models]
        # The constant shift has no information; with the pin it has some, taken out again after the inversion.
        pin = np.zeros(len(information))
        pin[: self.n_models] = 1 / np.sqrt(self.n_models)
        scale = np.trace(information[: self.n_models, : self.n_models])
        inverse = np.linalg.inv(information + scale * np.outer(pin, pin)) - np.outer(pin, pin) / scale
        symmetric: Floats = (inverse + inverse.T) / 2
        return np.pad(symmetric, (0, size - len(symmetric)))


@dataclass(frozen=True)
class PointFit:
    """The estimate from all votes.

    Attributes:
        votes: all votes, as the family sees them.
        family: the pairwise model.
        component: number of each model's component, from 1, [K].
        fits: the components of at least two models whose likelihood has a maximum, in the order of their numbers.
    """

    votes: PairVotes
    family: Family
    component: Ints
    fits: tuple[ComponentFit, ...]

    @cached_property
    def theta(self) -> Floats:
        """Log strengths, mean zero in each component, [K]; NaN without an estimate."""
        theta = np.full(len(self.component), np.nan)
        for fit in self.fits:
            theta[fit.members] = fit.theta
        return theta

    def pairs_of(self, fit: ComponentFit) -> NDArray[np.bool_]:
        """Which pairs of all votes lie within a component, [P]."""
        return np.isin(self.votes.a, fit.members) & np.isin(self.votes.b, fit.members)


def fit_point(votes: PairVotes, family: Family) -> PointFit:
    """Fit each component of the win graph.

    Raises:
        RatingError: a fit did not converge, which connected votes rule out for Bradley-Terry.
    """
    votes = votes.without_ties() if family.leaves_out_ties else votes
    component = find_components(votes)
    fits = []
    for number in range(1, component.max(initial=0) + 1):
        members = np.flatnonzero(component == number)
        if len(members) == 1:
            continue
        inside = votes.among(members)
        fit = fit_votes(inside, family)
        if not fit.converged[0]:
            if family.tie_start is not None:
                continue  # connected votes may still leave such a likelihood without a maximum
            raise RatingError(
                f"the fit did not converge for {len(members)} models, the first being {inside.models[0]!r}"
            )
        fits.append(ComponentFit(members, inside, family, fit.theta[:, 0], float(fit.tau[0])))
    return PointFit(votes, family, component, tuple(fits))


def resample_battles(votes: PairVotes, seed: int, *, poisson: bool = False) -> Resample:
    """The rounds of a bootstrap over battles."""
    if votes.cells is not None:
        return _resample_scores(votes.cells, len(votes.a), seed, poisson=poisson)
    flat = votes.counts.ravel()
    filled = np.flatnonzero(flat)
    sampler = CellSampler(flat[filled], poisson=poisson)

    def resample(rounds: range) -> Ints:
        counts = np.zeros((len(flat), len(rounds)), dtype=np.int64)
        counts[filled] = sampler.draw(seed, rounds).T
        return counts.reshape(3, -1, len(rounds))

    return resample


def _resample_scores(cells: Cells, n_pairs: int, seed: int, *, poisson: bool) -> Resample:
    sampler, shares = CellSampler(cells.n, poisson=poisson), cells.shares(n_pairs)

    def resample(rounds: range) -> Floats:
        counts: Floats = shares @ sampler.draw(seed, rounds).T.astype(np.float64)
        return counts.reshape(3, -1, len(rounds))

    return resample


def replicate(point: PointFit, resample: Resample, rounds: range) -> Floats:
    """Log strengths of each round, [K, rounds].

    A component keeps the mean of its estimate. Where a round's votes within it are not strongly connected, the models
    of their largest connected part have finite values; a model that can only be said to be above it is +inf, below it
    -inf, and NaN where neither or nothing can be said. Models without an estimate are NaN.

    Args:
        point: the estimate from all votes.
        resample: the rounds' votes; a family without ties leaves theirs out.
        rounds: consecutive rounds; whole chunks are computed whatever part is asked for.
    """
    first, last = rounds.start // CHUNK, -(-rounds.stop // CHUNK)
    result = np.full((len(point.component), (last - first) * CHUNK), np.nan)
    for chunk in range(first, last):
        drawn = resample(range(chunk * CHUNK, (chunk + 1) * CHUNK))
        if point.family.leaves_out_ties:
            drawn = drawn * np.array([1, 1, 0])[:, None, None]
        if point.votes.weight is not None:
            drawn = drawn * point.votes.weight[:, None]
        columns = slice((chunk - first) * CHUNK, (chunk - first + 1) * CHUNK)
        for fit in point.fits:
            counts = drawn if len(fit.votes.a) == len(point.votes.a) else drawn[:, point.pairs_of(fit)]
            result[fit.members, columns] = _replicate_component(fit, counts)
    start = rounds.start - first * CHUNK
    return result[:, start : start + len(rounds)]


def _replicate_component(fit: ComponentFit, counts: NDArray[Any]) -> Floats:
    theta, finite = place(fit, counts)
    if fit.n_models >= LARGE:
        return _fit_one_by_one(fit, counts, theta, finite)
    connected = finite.all(axis=0)
    whole, broken = np.flatnonzero(connected), np.flatnonzero(~connected)
    if len(whole):
        theta[:, whole] = _fit_connected(fit, counts, whole)
    if len(broken):
        # `take` keeps the order in memory, on which the last bit of sums depends.
        placed = theta.take(broken, axis=1), finite.take(broken, axis=1)
        theta[:, broken] = _fit_broken(fit, counts[:, :, broken], *placed)
    return theta


def _fit_one_by_one(fit: ComponentFit, counts: NDArray[Any], theta: Floats, finite: NDArray[np.bool_]) -> Floats:
    """Rounds of many models; see `place` for `theta` and `finite`."""
    a, b, found = fit.votes.a, fit.votes.b, theta.copy()
    for round_, drawn in enumerate(np.ascontiguousarray(np.moveaxis(counts, 2, 0))):
        kept = finite[a, round_] & finite[b, round_]
        strengths, _, converged = fit_sparse(a, b, drawn * kept, fit.family, fit.theta, fit.tau)
        if not converged and fit.family.tie_start is None:
            raise _no_convergence()
        found[finite[:, round_], round_] = strengths[finite[:, round_]] if converged else np.nan
    return np.where(finite, keep_mean(found, fit.theta, finite), theta)


def _fit_connected(fit: ComponentFit, counts: NDArray[Any], columns: Ints) -> Floats:
    theta = np.empty((fit.n_models, CHUNK))
    missing = np.ones(CHUNK, dtype=bool)
    if fit.family.tie_start is None:
        theta, converged = _chord(fit, counts)
        missing = ~converged
    missing = columns[missing[columns]]
    if len(missing):
        theta[:, missing] = _fit_each(fit, counts[:, :, missing])
    return theta[:, columns]


def _chord(fit: ComponentFit, counts: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """Newton with the information of the estimate instead of each round's own: no factorisation per round.

    A battle's expected score only needs strengths: pi_a / (pi_a + pi_b), so a step takes no exponentials per pair.
    """
    a, b, signs, inverse = fit.votes.a, fit.votes.b, fit.signs, fit.inverse_information
    either = abs(signs)
    battles = counts.sum(axis=0, dtype=np.float64)
    # Each model's score: the mean of (battles + wins - losses), where ties leave half.
    score = (either @ battles + signs @ (counts[A_WINS] - counts[B_WINS]).astype(np.float64)) / 2
    theta = np.repeat(fit.theta[:, None], CHUNK, axis=1)
    converged = np.zeros(CHUNK, dtype=bool)
    last = np.full(CHUNK, np.inf)
    hopeless = np.zeros(CHUNK, dtype=bool)
    with np.errstate(all="ignore"):  # a round that runs away shows as not finite and goes to Newton
        for _ in range(_MAX_CHORD_STEPS):
            pi = np.exp(theta)
            sums = pi[a]
            sums += pi[b]
            np.divide(battles, sums, out=sums)
            step = inverse @ (score - pi * (either @ sums))
            theta += step
            size = np.abs(step).max(axis=0)
            converged |= size <= _LAST_STEP
            hopeless |= ~(size < last / 2) & ~converged
            if (converged | hopeless).all():
                break
            last = size
    return theta, converged & ~hopeless


def _fit_broken(fit: ComponentFit, counts: NDArray[Any], theta: Floats, finite: NDArray[np.bool_]) -> Floats:
    kept = counts * (finite[fit.votes.a] & finite[fit.votes.b])
    return np.where(finite, keep_mean(_fit_each(fit, kept), fit.theta, finite), theta)


def keep_mean(theta: Floats, estimate: Floats, finite: NDArray[np.bool_]) -> Floats:
    """Shift each round [K, B] so that the models it rates have the mean that they have in the estimate [K]."""
    size = np.maximum(finite.sum(axis=0), 1)
    shift = (np.where(finite, estimate[:, None], 0).sum(axis=0) - np.where(finite, theta, 0).sum(axis=0)) / size
    shifted: Floats = theta + shift
    return shifted


def place(fit: ComponentFit, counts: NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    """What the win graph of each round says about the models of a component.

    Args:
        fit: the estimate.
        counts: votes by outcome, pair and round, [3, P, B].

    Returns:
        +inf, -inf or NaN for the models that a round cannot rate, as `replicate` says, else 0, [K, B]; and whether it
        can, [K, B].
    """
    exists = scored(counts)
    bits = pack_rounds(exists)
    start = np.zeros(fit.n_models, dtype=bits.dtype)
    start[np.argmax(fit.votes.battles_per_model)] = ~bits.dtype.type(0)
    below, above = (
        unpack_rounds(reach(start, bits), counts.shape[2]) for reach in (fit.edges.reach_down, fit.edges.reach_up)
    )
    finite = below & above
    theta = np.where(finite, 0.0, np.where(below, -np.inf, np.where(above, np.inf, np.nan)))
    # The connected part of one model is the largest for sure where it holds most models.
    for round_ in np.flatnonzero(2 * finite.sum(axis=0) <= fit.n_models):
        theta[:, round_], finite[:, round_] = _place_round(fit, exists[:, round_])
    return theta, finite


def _place_round(fit: ComponentFit, exists: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """As `place`, for one round, whichever its largest connected part is."""
    theta = np.full(fit.n_models, np.nan)
    winners, losers = win_edges(fit.votes.a, fit.votes.b, exists)
    core = label_components(winners, losers, fit.n_models) == 1
    if core.sum() == 1:  # no two models are comparable: all that can be said is who only won and who only lost
        won, lost = np.zeros(fit.n_models, dtype=bool), np.zeros(fit.n_models, dtype=bool)
        won[winners], lost[losers] = True, True
        theta[won & ~lost], theta[lost & ~won] = np.inf, -np.inf
        return theta, np.zeros(fit.n_models, dtype=bool)
    start, exist = core.astype(np.uint8), exists.astype(np.uint8)
    theta[fit.edges.reach_down(start, exist) > 0] = -np.inf
    theta[fit.edges.reach_up(start, exist) > 0] = np.inf
    theta[core] = 0
    return theta, core


def _no_convergence() -> RatingError:
    return RatingError("a bootstrap round did not converge although its votes are strongly connected")


def _fit_each(fit: ComponentFit, counts: NDArray[Any]) -> Floats:
    """Newton for rounds of connected votes; NaN where a likelihood with a tie parameter has no maximum."""
    newton = fit_rounds(fit.votes.a, fit.votes.b, fit.n_models, counts, fit.family)
    if fit.family.tie_start is None and not newton.converged.all():
        raise _no_convergence()
    return np.where(newton.converged, newton.theta, np.nan)
