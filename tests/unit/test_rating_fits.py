"""Fits of the pairwise models: published figures, other people's code, derivatives, votes without an estimate."""

import choix
import evalica
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rating_cases import count, simulate, votes_of

from arenalake.errors import RatingError
from arenalake.ratings import expected_ratings
from arenalake.ratings.components import find_components
from arenalake.ratings.families import HALF_WIN
from arenalake.ratings.fit import derivatives, fit_votes, incidence
from arenalake.ratings.replicates import fit_point

ELO = 400 / np.log(10)


def test_the_worked_example_of_arena_rank_comes_out():
    wins = [(0, 1, 2, 3), (0, 3, 1, 4), (1, 2, 5, 3), (2, 3, 1, 3)]
    first, second, won, lost = np.array(wins).T
    rating = expected_ratings(list("ABCD"), first, second, won, lost, np.zeros(4), scale=1, base=np.e, center=0)
    assert np.exp(rating).round(3).tolist() == [0.640, 1.043, 0.660, 2.270]


def test_the_crowd_votes_give_the_golden_ratings(real_data):
    votes = pd.read_csv(real_data / "llmfao" / "crowd-comparisons.csv")
    golden = pd.read_csv(real_data / "llmfao" / "llmfao-golden.csv").query("algorithm == 'bradley_terry'")
    models = golden["item"].tolist()
    sides = [pd.Index(models).get_indexer(votes[side]) for side in ("left", "right")]
    outcomes = [(votes["winner"] == outcome).to_numpy(int) for outcome in ("left", "right", "tie")]
    strength = np.exp((expected_ratings(models, *sides, *outcomes) - 1000) / ELO)
    assert len(models) == 59
    assert strength / strength.sum() == pytest.approx(golden["score"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_evalica_finds_the_same_ratings(seed):
    first, second, outcome = simulate(seed, 12, 3000)
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], dtype=object)[outcome]
    names = np.array([f"m{i:03}" for i in range(12)])
    theirs = evalica.bradley_terry(names[first].tolist(), names[second].tolist(), winners.tolist(), tolerance=1e-13)
    ours = fit_votes(count(first, second, outcome, 12), HALF_WIN).theta[:, 0] * ELO
    theirs = np.log(theirs.scores[names].to_numpy()) * ELO
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-6)


@pytest.mark.parametrize("seed", [4, 5])
def test_choix_finds_the_same_ratings_without_ties(seed):
    first, second, outcome = simulate(seed, 9, 2000, tie_share=0)
    pairs = np.where(outcome[:, None] == 0, np.stack([first, second], 1), np.stack([second, first], 1))
    theirs = choix.ilsr_pairwise(9, pairs.tolist(), tol=1e-12, max_iter=1000) * ELO
    ours = fit_votes(count(first, second, outcome, 9), HALF_WIN).theta[:, 0] * ELO
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-6)


FAMILIES = {"half_win": HALF_WIN}


@pytest.mark.parametrize("name", FAMILIES)
def test_gradient_and_information_are_the_derivatives_of_the_likelihood(name):
    family = FAMILIES[name]
    votes = count(*simulate(6, 5, 200), 5)
    counts, signs = votes.counts[:, :, None].astype(float), incidence(votes.a, votes.b, 5)
    at = np.random.default_rng(7).normal(0, 0.5, 6)
    at[5] = 0.7

    def loglik(point):
        terms = family.terms((point[votes.a] - point[votes.b])[:, None], point[5:])
        return sum((n * value).sum() for n, value in zip(counts, terms.loglik, strict=True))

    def slope(point):
        gradient, tie, _ = derivatives(votes.a, votes.b, signs, counts, family, point[:5, None], point[5:])
        return np.concatenate([gradient[:, 0], tie])

    size = 5 if family.tie_start is None else 6
    steps = np.eye(6)[:size] * 1e-5
    numeric = [(loglik(at + step) - loglik(at - step)) / 2e-5 for step in steps]
    assert slope(at)[:size] == pytest.approx(numeric, rel=1e-6, abs=1e-6)
    curvature = np.array([(slope(at + step) - slope(at - step))[:size] / 2e-5 for step in steps])
    information = derivatives(votes.a, votes.b, signs, counts, family, at[:5, None], at[5:])[2][0]
    assert -curvature == pytest.approx(information, rel=1e-6, abs=1e-6)


def test_components_are_numbered_by_size_and_then_by_name():
    votes = votes_of({"AB": (1, 1, 0), "CD": (0, 0, 1), "DE": (2, 1, 0), "AE": (9, 0, 0), "FG": (0, 3, 0)})
    assert dict(zip(votes.models, find_components(votes).tolist(), strict=True)) == {
        **{"C": 1, "D": 1, "E": 1},
        **{"A": 2, "B": 2},
        **{"F": 3, "G": 4},
    }


def test_each_component_is_fitted_alone_and_a_lone_model_has_no_estimate():
    votes = votes_of({"AB": (3, 1, 0), "CD": (1, 1, 0), "AC": (5, 0, 0), "BE": (2, 0, 0)})
    point = fit_point(votes, HALF_WIN)
    assert [fit.votes.models for fit in point.fits] == [("A", "B"), ("C", "D")]
    assert point.fits[0].theta == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    assert point.fits[1].theta == pytest.approx([0, 0])


def test_only_ties_make_all_models_equal():
    assert fit_votes(votes_of({"AB": (0, 0, 3), "BC": (0, 0, 1)}), HALF_WIN).theta[:, 0].tolist() == [0, 0, 0]


def test_one_battle_gives_no_estimate():
    assert fit_point(votes_of({"AB": (1, 0, 0)}), HALF_WIN).fits == ()


def test_newton_also_converges_where_strengths_are_thousands_of_points_apart():
    chain = {"AB": (10**6, 1, 0), "BC": (10**6, 1, 0), "CD": (10**6, 1, 0), "DE": (10**6, 1, 0)}
    fit = fit_votes(votes_of(chain), HALF_WIN)
    assert fit.converged.all()
    assert np.diff(fit.theta[:, 0]) == pytest.approx([-np.log(10**6)] * 4)


def test_expected_ratings_refuse_models_that_cannot_be_compared_and_counts_that_are_none():
    with pytest.raises(RatingError, match=r"outside the largest: \['y'\]"):
        expected_ratings(["x", "y"], [0], [1], [1], [0], [0])
    with pytest.raises(RatingError, match="counts of votes"):
        expected_ratings(["x", "y"], [0], [1], [1], [-1], [0])
    with pytest.raises(RatingError, match="allowed: bradley_terry"):
        expected_ratings(["x", "y"], [0], [1], [1], [1], [0], method="glicko")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 2)), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
def test_votes_count_the_same_in_any_order_and_with_sides_swapped(battles, random):
    def counted(rows):
        first, second, outcome = np.array(rows).T
        return count(first, second, outcome, 6)

    rows = [(first, (first + shift) % 6, outcome) for first, shift, outcome in battles]
    shuffled = [
        (b, a, (1, 0, 2)[o]) if random.random() < 0.5 else (a, b, o) for a, b, o in random.sample(rows, len(rows))
    ]
    one, other = counted(rows), counted(shuffled)
    assert one.models == other.models
    for mine, theirs in ((one.a, other.a), (one.b, other.b), (one.counts, other.counts)):
        assert mine.tolist() == theirs.tolist()
    assert one.counts.sum() == len(battles)
