"""Many models: fits over pairs equal those by matrices, also in rounds that do not connect all models."""

import numpy as np
import pytest
from rating_cases import count, simulate
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from arenalake.ratings.model import fit as fitting
from arenalake.ratings.model import judges as judging
from arenalake.ratings.model import replicates, sparse
from arenalake.ratings.model.components import pack_rounds, scored, unpack_rounds
from arenalake.ratings.model.families import DAVIDSON, HALF_WIN, NO_TIES, RAO_KUPPER
from arenalake.ratings.model.fit import fit_rounds, fit_votes
from arenalake.ratings.model.replicates import CHUNK, fit_point, place, replicate, resample_battles
from arenalake.ratings.model.votes import PairVotes

FAMILIES = {"half_win": HALF_WIN, "no_ties": NO_TIES, "davidson": DAVIDSON, "rao_kupper": RAO_KUPPER}


def few_votes(seed, n_models=60, n_battles=600):
    """Votes that connect all models, though few rounds do; some models have only a few."""
    first, second, outcome = simulate(seed, n_models, n_battles)
    votes = count(first, second, outcome, n_models)
    return votes.among(fit_point(votes, HALF_WIN).fits[0].members)


@pytest.fixture
def as_large(monkeypatch):
    """Fit any number of models as if there were many."""

    def run(work):
        with monkeypatch.context() as patched:
            for module in (replicates, fitting, judging):
                patched.setattr(module, "LARGE", 1)
            return work()

    return run


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_and_rounds_are_those_of_the_matrices(as_large, name, weighted):
    votes, family = few_votes(1), FAMILIES[name]
    votes = votes.weigh_pairs(2) if weighted else votes
    resample, rounds = resample_battles(votes, seed=3), range(2 * CHUNK)

    def work():
        point = fit_point(votes, family)
        return point.theta, [fit.tau for fit in point.fits], replicate(point, resample, rounds)

    matrices, pairs = work(), as_large(work)
    assert 0 < np.isfinite(matrices[2]).mean() < 1
    assert pairs[0] == pytest.approx(matrices[0], abs=1e-9, nan_ok=True)
    assert pairs[1] == pytest.approx(matrices[1], abs=1e-9)
    assert pairs[2] == pytest.approx(matrices[2], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", FAMILIES)
def test_errors_that_allow_for_judges_are_those_of_the_matrices(as_large, name):
    votes, family, random = few_votes(3), FAMILIES[name], np.random.default_rng(3)
    cells = np.repeat(np.arange(votes.counts.size), votes.counts.ravel())
    judge = random.integers(0, 50, len(cells))
    ballots = csr_array((np.ones(len(cells)), (judge, cells)), shape=(50, votes.counts.size))

    def work():
        point = fit_point(votes, family)
        meats = judging.judge_meat(point, ballots)
        return [judging.clustered_errors(fit, meat, 50) for fit, meat in zip(point.fits, meats, strict=True)]

    for matrices, pairs in zip(work(), as_large(work), strict=True):
        assert pairs == pytest.approx(matrices, rel=1e-9)


@pytest.mark.parametrize("family", [HALF_WIN, DAVIDSON, RAO_KUPPER])
def test_300_models_are_fitted_over_pairs_to_the_maximum_of_newton(family):
    votes = count(*simulate(4, 300, 6000), 300)
    assert len(votes.models) >= sparse.LARGE
    found = fit_votes(votes, family)
    newton = fit_rounds(votes.a, votes.b, 300, votes.counts[:, :, None], family)
    assert found.converged.all()
    assert found.theta == pytest.approx(newton.theta, abs=1e-9)
    assert found.tau == pytest.approx(newton.tau, abs=1e-9)


def test_a_chain_of_300_models_has_the_log_odds_of_its_links():
    random = np.random.default_rng(5)
    counts = random.integers(1, 9, (3, 299))
    models = tuple(f"m{number:03}" for number in range(300))
    votes = PairVotes(models, np.arange(299), np.arange(1, 300), counts)
    odds = np.log((counts[0] + counts[2] / 2) / (counts[1] + counts[2] / 2))
    assert -np.diff(fit_votes(votes, HALF_WIN).theta[:, 0]) == pytest.approx(odds, abs=1e-9)


def test_votes_without_a_maximum_are_told_from_those_with_one():
    votes = PairVotes(("x", "y", "z"), np.array([0, 1]), np.array([1, 2]), np.array([[0, 0], [0, 0], [4, 3]]))
    for family in (DAVIDSON, RAO_KUPPER):
        assert not sparse.fit_sparse(votes.a, votes.b, votes.counts, family, np.zeros(3), family.tie_start)[2]
    theta, _, converged = sparse.fit_sparse(votes.a, votes.b, votes.counts, HALF_WIN, np.zeros(3), 0.0)
    assert converged
    assert theta.tolist() == [0, 0, 0]


def test_a_round_of_many_models_is_the_same_whichever_rounds_are_asked_for_with_it(as_large):
    votes = few_votes(2)

    def work():
        point = fit_point(votes, HALF_WIN)
        resample = resample_battles(votes, seed=4)
        whole = replicate(point, resample, range(2 * CHUNK))
        for rounds in (range(0, 1), range(5, CHUNK + 3), range(2 * CHUNK - 1, 2 * CHUNK)):
            np.testing.assert_array_equal(replicate(point, resample, rounds), whole[:, rounds.start : rounds.stop])

    as_large(work)


@pytest.mark.parametrize(("n_models", "n_battles"), [(60, 600), (12, 30), (5, 8)])
def test_what_a_round_says_of_models_comes_from_its_own_win_graph(n_models, n_battles):
    votes = few_votes(7, n_models, n_battles)
    fit = fit_point(votes, HALF_WIN).fits[0]
    counts = resample_battles(votes, seed=1)(range(CHUNK))
    theta, finite = place(fit, counts)
    exists = scored(counts)
    np.testing.assert_array_equal(unpack_rounds(pack_rounds(exists), CHUNK), exists)
    n_pairs, size = len(votes.a), fit.n_models
    for round_ in range(CHUNK):
        beats = np.eye(size, dtype=bool)
        beats[votes.a, votes.b] |= exists[:n_pairs, round_]
        beats[votes.b, votes.a] |= exists[n_pairs:, round_]
        part = connected_components(beats, connection="strong")[1]
        for _ in range(size):  # beats, directly or over others
            beats = beats @ beats
        core = finite[:, round_]
        if not core.any():
            assert np.bincount(part).max() == 1
            continue
        assert core.sum() == np.bincount(part).max()
        assert len(set(part[core])) == 1
        best = np.flatnonzero(core)[0]
        expected = np.select([core, beats[:, best], beats[best]], [0, np.inf, -np.inf], np.nan)
        np.testing.assert_array_equal(theta[:, round_], expected)
