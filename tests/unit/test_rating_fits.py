"""Fits of the pairwise models: published figures, other people's code, derivatives, votes without an estimate."""

import choix
import evalica
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rating_cases import count, simulate, votes_of
from scipy.sparse import csr_array

from arenalake.errors import RatingError
from arenalake.ratings import expected_ratings
from arenalake.ratings.model.components import find_components, find_connected
from arenalake.ratings.model.elo import EloRules, elo_ratings
from arenalake.ratings.model.estimates import estimate_win_rate, rate
from arenalake.ratings.model.families import DAVIDSON, HALF_WIN, NO_TIES, RAO_KUPPER
from arenalake.ratings.model.fit import derivatives, fit_votes, incidence
from arenalake.ratings.model.intervals import sandwich_covariance
from arenalake.ratings.model.judges import clustered_errors, judge_meat
from arenalake.ratings.model.leaderboard import fit_rows, predicted_win_rates
from arenalake.ratings.model.replicates import fit_point
from arenalake.ratings.model.votes import count_pairs
from arenalake.ratings.options import RatingsConfig

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


FAMILIES = {"half_win": HALF_WIN, "no_ties": NO_TIES, "davidson": DAVIDSON, "rao_kupper": RAO_KUPPER}


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


def _numbers(votes, find):
    return dict(zip(votes.models, find(votes).tolist(), strict=True))


def test_components_are_numbered_by_battles_then_models_and_then_by_name():
    # Nine battles lead from one component to the other and belong to neither.
    votes = votes_of({"AB": (3, 2, 0), "CD": (0, 0, 1), "DE": (2, 1, 0), "AE": (9, 0, 0), "FG": (0, 3, 0)})
    assert _numbers(votes, find_components) == {"A": 1, "B": 1, "C": 2, "D": 2, "E": 2, "F": 3, "G": 4}
    alike = votes_of({"AB": (2, 2, 0), "CD": (1, 1, 0), "DE": (1, 1, 0), "FG": (2, 2, 0)})
    assert _numbers(alike, find_components) == {"A": 2, "B": 2, "C": 1, "D": 1, "E": 1, "F": 3, "G": 3}


def test_battles_connect_models_whoever_won_them():
    votes = votes_of({"AB": (1, 0, 0), "CD": (0, 5, 0), "BE": (0, 0, 2), "FG": (0, 5, 0)})
    assert _numbers(votes, find_connected) == {"A": 3, "B": 3, "E": 3, "C": 1, "D": 1, "F": 2, "G": 2}


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
    with pytest.raises(RatingError, match=r"outside the main one: \['y'\]"):
        expected_ratings(["x", "y"], [0], [1], [1], [0], [0])
    with pytest.raises(RatingError, match="counts of votes"):
        expected_ratings(["x", "y"], [0], [1], [1], [-1], [0])
    with pytest.raises(RatingError, match="allowed: bradley_terry"):
        expected_ratings(["x", "y"], [0], [1], [1], [1], [0], method="glicko")


def _golden(real_data, algorithm):
    votes = pd.read_csv(real_data / "llmfao" / "crowd-comparisons.csv")
    golden = pd.read_csv(real_data / "llmfao" / "llmfao-golden.csv").query("algorithm == @algorithm")
    golden = golden.sort_values("item", key=lambda names: names.map(lambda name: name.encode()))
    models = golden["item"].tolist()
    first, second = (pd.Index(models).get_indexer(votes[side]) for side in ("left", "right"))
    outcome = votes["winner"].map({"left": 0, "right": 1, "tie": 2}).to_numpy()
    return models, first, second, outcome, golden["score"].to_numpy()


def test_the_crowd_votes_in_file_order_give_the_golden_elo(real_data):
    models, first, second, outcome, golden = _golden(real_data, "elo")
    rating = elo_ratings(first, second, np.array([1, 0, 0.5])[outcome], len(models), EloRules(k=4))
    assert rating == pytest.approx(golden, rel=1e-9)


def test_the_crowd_votes_give_the_golden_win_rates(real_data):
    models, first, second, outcome, golden = _golden(real_data, "average_win_rate")
    found = estimate_win_rate(count_pairs(models, first, second, np.eye(3, dtype=np.int64)[:, outcome]))
    assert found.models == tuple(models)
    assert found.rating == pytest.approx(golden, rel=1e-9)


@pytest.mark.parametrize("seed", [6, 7])
def test_evalica_finds_the_same_elo_in_the_same_order(seed):
    first, second, outcome = simulate(seed, 12, 3000)
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], dtype=object)[outcome]
    names = np.array([f"m{i:03}" for i in range(12)])
    theirs = evalica.elo(names[first].tolist(), names[second].tolist(), winners.tolist(), k=16).scores[names].to_numpy()
    ours = elo_ratings(first, second, np.array([1, 0, 0.5])[outcome], 12, EloRules(k=16))
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_elo_of_two_battles_by_hand():
    # The first battle is even: 4 * 1/2 points. In the second the winner of the first draws, 4 points ahead.
    rating = elo_ratings(np.array([0, 1]), np.array([1, 0]), np.array([1.0, 0.5]), 2, EloRules(k=4))
    lost = 4 * (0.5 - 1 / (1 + 10 ** (-4 / 400)))
    assert rating == pytest.approx([1002 + lost, 998 - lost])


@pytest.mark.parametrize("rules", [EloRules(k=2e5, start=0), EloRules(k=2e5, scale=0.001, start=0)])
def test_elo_of_models_that_are_infinitely_far_apart_by_hand(rules):
    # An even win, a win that could not be otherwise, and a loss that could not be: 1/2, 0 and 1 of what is at stake.
    rating = elo_ratings(np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([1.0, 1.0, 1.0]), 2, rules)
    assert rating == pytest.approx([-1e5, 1e5])


@pytest.mark.parametrize("family", [DAVIDSON, RAO_KUPPER])
def test_models_with_a_tie_parameter_fit_two_models_perfectly(family):
    votes = votes_of({"AB": (50, 20, 30)})
    point = fit_point(votes, family)
    fit = point.fits[0]
    loglik = fit.family.terms(np.diff(-fit.theta), np.array(fit.tau)).loglik
    assert [float(np.exp(value[0])) for value in loglik] == pytest.approx([0.5, 0.2, 0.3])
    assert predicted_win_rates(point)[0, 1] == pytest.approx(0.65)
    nll = -(0.5 * np.log(0.5) + 0.2 * np.log(0.2) + 0.3 * np.log(0.3))
    row = fit_rows(point).iloc[0]
    assert row["nll"] == pytest.approx(nll)
    assert row["aic"] == pytest.approx(2 * (2 + 100 * nll))


@pytest.mark.parametrize("family", [DAVIDSON, RAO_KUPPER])
def test_without_ties_models_with_a_tie_parameter_are_bradley_terry(family):
    votes = count(*simulate(3, 7, 900, tie_share=0), 7)
    plain = fit_point(votes, NO_TIES)
    assert fit_point(votes, family).fits[0].theta == pytest.approx(plain.fits[0].theta, abs=1e-9)
    row, expected = fit_rows(fit_point(votes, family)).iloc[0], fit_rows(plain).iloc[0]
    for name in ("nll", "aic", "n_parameters"):
        assert row[name] == pytest.approx(expected[name])
    assert np.isnan(row["tie_parameter"])


@pytest.mark.parametrize("family", [DAVIDSON, RAO_KUPPER])
@pytest.mark.parametrize("lost", [3, 5, 10])
def test_without_ties_models_with_a_tie_parameter_have_the_errors_of_bradley_terry(family, lost):
    votes = votes_of({"AB": (100 - lost, lost, 0), "CD": (4, 2, 3)})
    point = fit_point(votes, family)
    fit, tied = point.fits
    p = lost / 100
    # The variance of log odds, of which either model has half the distance.
    expected = np.sqrt(1 / (100 * p * (1 - p))) / 2
    assert np.sqrt(np.diag(sandwich_covariance(fit))) == pytest.approx([expected] * 2)
    judges = csr_array(np.repeat(np.eye(votes.counts.size, dtype=np.int64), votes.counts.ravel(), axis=0))
    n_judges = judges.shape[0]
    clustered = clustered_errors(fit, judge_meat(point, judges)[0], n_judges)
    assert clustered == pytest.approx([expected * np.sqrt(n_judges / (n_judges - 1))] * 2)
    assert (tied.inverse_information[-1] != 0).any()
    assert fit_rows(point)["n_parameters"].tolist() == [1, 2]


@pytest.mark.parametrize("family", [DAVIDSON, RAO_KUPPER])
@pytest.mark.parametrize("seed", [1, 2])
def test_models_with_a_tie_parameter_recover_what_made_the_votes(family, seed):
    random = np.random.default_rng(seed)
    strength, tau = random.normal(0, 0.5, 6), 0.4
    strength -= strength.mean()
    a, b = np.triu_indices(6, 1)
    loglik = family.terms(strength[a] - strength[b], np.array(tau)).loglik
    counts = np.stack([random.multinomial(20_000, np.exp([value[i] for value in loglik])) for i in range(len(a))], 1)
    fit = fit_point(count_pairs([f"m{i}" for i in range(6)], a, b, counts), family).fits[0]
    assert fit.theta == pytest.approx(strength, abs=0.03)
    assert fit.tau == pytest.approx(tau, abs=0.03)


@pytest.mark.parametrize("method", ["davidson", "rao_kupper"])
def test_votes_that_are_all_ties_have_no_maximum_with_a_tie_parameter_and_the_note_says_so(method):
    found = rate(votes_of({"AB": (0, 0, 5), "BC": (0, 0, 2)}), method, RatingsConfig())
    assert np.isnan(found.rating).all()
    assert found.notes[0] == ("no estimate: the likelihood has no maximum for these votes",)


def test_ties_left_out_is_the_fit_to_the_other_votes():
    votes = count(*simulate(9, 6, 600), 6)
    found = rate(votes, "bradley_terry_no_ties", RatingsConfig())
    decided = rate(votes.without_ties(), "bradley_terry", RatingsConfig())
    assert found.rating == pytest.approx(decided.rating, abs=1e-9)
    assert found.n_battles.tolist() == votes.battles_per_model.tolist()


def test_half_win_ties_have_no_aic():
    row = fit_rows(fit_point(votes_of({"AB": (2, 1, 1)}), HALF_WIN)).iloc[0]
    assert np.isnan(row["aic"])
    p = 2.5 / 4
    assert row["nll"] == pytest.approx(-(p * np.log(p) + (1 - p) * np.log(1 - p)))


@pytest.mark.parametrize("method", ["bradley_terry", "bradley_terry_no_ties", "davidson", "rao_kupper", "win_rate"])
def test_expected_ratings_are_the_estimate_whatever_the_order_of_models_and_pairs(method):
    votes = count(*simulate(10, 5, 400), 5)
    found = rate(votes, method, RatingsConfig())
    back = votes.models[::-1]
    wins_a, wins_b, ties = votes.counts / 7  # expected counts need not be whole
    expected = expected_ratings(back, 4 - votes.b, 4 - votes.a, wins_b, wins_a, ties, method=method)
    assert expected[::-1] == pytest.approx(found.rating, abs=1e-8)


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
