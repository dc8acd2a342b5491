"""Do 95 % intervals hold the pseudo-true rating 95 % of the time? Simulated, so slow."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import expit

from arenalake.ratings import expected_ratings
from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.intervals import percentile_interval, sandwich_covariance
from arenalake.ratings.model.judges import clustered_errors, judge_meat, resample_judges
from arenalake.ratings.model.replicates import CHUNK, fit_point, replicate, resample_battles
from arenalake.ratings.model.votes import PairVotes

POINTS = 400 / np.log(10)
MODELS = 5
STRENGTH = np.array([0.8, 0.4, 0.0, -0.3, -0.9])
TIES = 0.25
ROUNDS = 13 * CHUNK  # some 400
DATA_SETS = 500
A, B = np.triu_indices(MODELS, 1)


def _pseudo_true(lean):
    """The fit to expected votes; a judge's taste moves each pair by a normal with standard deviation lean * sqrt(2)."""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    delta = STRENGTH[A] - STRENGTH[B]
    p = expit(delta[:, None] + lean * np.sqrt(2) * node) @ weight / weight.sum()
    decided = 1 - TIES
    wins = np.full(len(A), TIES)
    names = [f"m{number}" for number in range(MODELS)]
    return (expected_ratings(names, A, B, decided * p, decided * (1 - p), wins) - 1000) / POINTS


def _simulate(random, n_judges, votes_each, lean):
    """Votes of judges with tastes of their own, and a matrix of who cast which, [judges, cells]."""
    judge = np.repeat(np.arange(n_judges), votes_each)
    taste = random.normal(0, lean, (n_judges, MODELS))
    pair = random.integers(0, len(A), len(judge))
    a, b = A[pair], B[pair]
    wins = random.random(len(judge)) < expit(STRENGTH[a] - STRENGTH[b] + taste[judge, a] - taste[judge, b])
    outcome = np.where(random.random(len(judge)) < TIES, 2, np.where(wins, 0, 1))
    cell = outcome * len(A) + pair
    ballots = csr_array((np.ones(len(judge), dtype=np.int64), (judge, cell)), (n_judges, 3 * len(A)))
    ballots.sum_duplicates()
    counts = np.bincount(cell, minlength=3 * len(A)).reshape(3, -1)
    return PairVotes(tuple(f"m{number}" for number in range(MODELS)), A, B, counts), ballots


def _cover(point, interval, truth):
    estimate = point.fits[0].theta
    lower = estimate - 1.96 * interval if isinstance(interval, np.ndarray) else interval.lower
    upper = estimate + 1.96 * interval if isinstance(interval, np.ndarray) else interval.upper
    return ((lower <= truth) & (truth <= upper)).mean()


@pytest.mark.slow
def test_independent_votes_are_covered_by_percentiles_and_sandwich():
    truth, found = _pseudo_true(lean=0), []
    for seed in range(DATA_SETS):
        votes, _ = _simulate(np.random.default_rng([1, seed]), 2000, 1, lean=0)
        point = fit_point(votes, HALF_WIN)
        rounds = replicate(point, resample_battles(votes, seed), range(ROUNDS))
        sandwich = np.sqrt(np.diag(sandwich_covariance(point.fits[0])))
        found.append((_cover(point, percentile_interval(rounds), truth), _cover(point, sandwich, truth)))
    percentile, plain = np.mean(found, axis=0)
    assert 0.93 <= percentile <= 0.97
    assert 0.93 <= plain <= 0.97


@pytest.mark.slow
def test_leaning_voters_are_covered_when_judges_are_drawn_and_not_when_battles_are():
    n_judges, truth, found = 200, _pseudo_true(lean=1.0), []
    for seed in range(DATA_SETS):
        votes, ballots = _simulate(np.random.default_rng([2, seed]), n_judges, 25, lean=1.0)
        point = fit_point(votes, HALF_WIN)
        sums = resample_judges(ballots, n_judges, 0, seed, range(ROUNDS), poisson=False).reshape(3, -1, ROUNDS)
        by_judge = replicate(point, lambda some, sums=sums: sums[:, :, some.start : some.stop], range(ROUNDS))
        by_battle = replicate(point, resample_battles(votes, seed), range(ROUNDS))
        clustered = clustered_errors(point.fits[0], judge_meat(point, ballots)[0], n_judges)
        found.append(
            (
                _cover(point, percentile_interval(by_judge), truth),
                _cover(point, clustered, truth),
                _cover(point, percentile_interval(by_battle), truth),
            )
        )
    judges, sandwich, battles = np.mean(found, axis=0)
    assert 0.93 <= judges <= 0.97
    assert 0.93 <= sandwich <= 0.97
    assert battles < 0.85
