"""Soft outcomes, and weights of pairs: what a score means to each method, against SciPy and battle by battle."""

import numpy as np
import pandas as pd
import pytest
from rating_cases import simulate, votes_of
from scipy.optimize import minimize
from scipy.special import expit

from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.ratings.model.estimates import estimate, estimate_win_rate
from arenalake.ratings.model.families import DAVIDSON, HALF_WIN, NO_TIES, RAO_KUPPER
from arenalake.ratings.model.fit import derivatives, incidence
from arenalake.ratings.model.intervals import sandwich_covariance
from arenalake.ratings.model.judges import clustered_errors, judge_meat
from arenalake.ratings.model.leaderboard import fit_rows, normal_rows, pair_rows, predicted_win_rates, sandwich_errors
from arenalake.ratings.model.replicates import CHUNK, fit_point, replicate, resample_battles
from arenalake.ratings.model.votes import count_pairs, count_scores
from arenalake.ratings.spark.judges import ballot_matrix
from arenalake.ratings.spark.spread import read_votes

NAMES = [f"m{i}" for i in range(6)]


def _ratings(**options):
    return parse_config({"storage": {"root": "x"}, "ratings": options}).ratings


def _soft(seed, n_battles=3000, sharpness=4.0):
    """Battles with scores whose means are what the strengths say, a tenth of them rounded to wins and losses."""
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.7, 6)
    first = random.integers(0, 6, n_battles)
    second = (first + random.integers(1, 6, n_battles)) % 6
    chance = expit(strength[first] - strength[second])
    score = random.beta(sharpness * chance, sharpness * (1 - chance))
    wins = random.random(n_battles) < chance
    return first, second, np.where(random.random(n_battles) < 0.1, wins, score), strength - strength.mean()


def _each(first, second, score):
    return count_scores(NAMES, first, second, score, np.ones(len(first), dtype=np.int64))


def _minimum(first, second, score, weight):
    def loss(theta):
        odds = theta[first] - theta[second]
        slope = np.zeros(6)
        np.add.at(slope, first, weight * (expit(odds) - score))
        np.add.at(slope, second, -weight * (expit(odds) - score))
        return (weight * (np.logaddexp(0, odds) - score * odds)).sum(), slope

    found = minimize(loss, np.zeros(6), jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 1000}).x
    return found - found.mean()


def _sandwich(first, second, score, weight, theta, groups):
    """Battle by battle: bread, the squares of the groups' summed slopes, bread."""
    sides = np.eye(6)[first] - np.eye(6)[second]
    p = expit(theta[first] - theta[second])
    slopes = (weight * (score - p))[:, None] * sides
    summed = np.zeros((groups.max() + 1, 6))
    np.add.at(summed, groups, slopes)
    bread = np.linalg.pinv((sides * (weight * p * (1 - p))[:, None]).T @ sides, rcond=1e-10)
    return bread @ summed.T @ summed @ bread


def test_scores_of_0_half_and_1_are_bit_for_bit_what_winners_are():
    first, second, outcome = simulate(1, 6, 900)
    winners = count_pairs(NAMES, first, second, np.eye(3, dtype=np.int64)[:, outcome])
    scores = _each(first, second, np.array([1.0, 0.0, 0.5])[outcome])
    assert (scores.counts == winners.counts).all()
    assert scores.battles_per_model.tolist() == winners.battles_per_model.tolist()
    for weight in (False, True):
        one, other = (fit_point(v.weigh_pairs(50) if weight else v, HALF_WIN) for v in (winners, scores))
        assert (one.theta == other.theta).all()
        assert (sandwich_covariance(one.fits[0]) == sandwich_covariance(other.fits[0])).all()
        rounds = [replicate(point, resample_battles(point.votes, 5), range(CHUNK)) for point in (one, other)]
        assert (rounds[0] == rounds[1]).all()
        tables = [
            pd.concat(pair_rows(estimate_win_rate(point.votes), rounds[0], predicted_win_rates(point), point.votes))
            for point in (one, other)
        ]
        pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_strengths_are_recovered_from_scores(seed):
    first, second, score, strength = _soft(seed, n_battles=60_000)
    found = fit_point(_each(first, second, score), HALF_WIN).fits[0]
    assert found.theta == pytest.approx(strength, abs=0.03)


@pytest.mark.parametrize("at_least", [None, 1, 150])
def test_estimate_and_sandwich_are_those_of_the_battles_one_by_one(at_least):
    first, second, score, _ = _soft(4, n_battles=1200)
    second[:400] = np.where(first[:400] == 0, 1, 0)  # pairs with model 0 are frequent
    votes, weight = _each(first, second, score), np.ones(1200)
    if at_least:
        votes = votes.weigh_pairs(at_least)
        pair = np.minimum(first, second) * 6 + np.maximum(first, second)
        weight = 1 / np.maximum(np.bincount(pair)[pair], at_least)
    fit = fit_point(votes, HALF_WIN).fits[0]
    assert fit.theta == pytest.approx(_minimum(first, second, score, weight), abs=1e-6)
    expected = _sandwich(first, second, score, weight, fit.theta, np.arange(1200))
    assert sandwich_covariance(fit) == pytest.approx(expected, rel=1e-8)
    odds = fit.theta[first] - fit.theta[second]
    row = fit_rows(fit_point(votes, HALF_WIN)).iloc[0]
    assert row["nll"] == pytest.approx((np.logaddexp(0, odds) - score * odds).mean())
    assert row["n_battles"] == 1200


@pytest.mark.parametrize("weights", ["none", "inverse"])
def test_the_sandwich_of_judges_adds_up_a_judges_scores_first(weights):
    first, second, score, _ = _soft(5, n_battles=900)
    judge = np.random.default_rng(1).integers(0, 60, 900)
    swapped = first > second
    names = np.array(NAMES)
    rows = pd.DataFrame(
        {
            "judge_index": judge,
            "part": 0,
            "n_judges": 60,
            "model_a": names[np.minimum(first, second)],
            "model_b": names[np.maximum(first, second)],
            "score": np.where(swapped, 1 - score, score),
            "n": 1,
        }
    )
    rows = rows.groupby(list(rows.columns[:-1]), as_index=False)["n"].sum()
    ratings = _ratings(outcome="score", pair_weights=weights)
    votes = read_votes(rows, ratings=ratings)
    point = fit_point(votes, HALF_WIN)
    shuffled = rows.sample(frac=1, random_state=2)
    ballots = ballot_matrix(shuffled, votes)
    assert (ballots != ballot_matrix(rows, votes)).nnz == 0
    found = clustered_errors(point.fits[0], judge_meat(point, ballots)[0], 60)
    pair = np.minimum(first, second) * 6 + np.maximum(first, second)
    weight = 1 / np.maximum(np.bincount(pair)[pair], 50) if weights == "inverse" else np.ones(900)
    expected = _sandwich(first, second, score, weight, point.fits[0].theta, judge) * 60 / 59
    assert found == pytest.approx(np.sqrt(np.diag(expected)), rel=1e-8)


@pytest.mark.parametrize("family", [HALF_WIN, NO_TIES, DAVIDSON, RAO_KUPPER])
def test_weighted_pairs_have_the_maximum_where_the_weighted_slopes_vanish(family):
    first, second, outcome = simulate(6, 6, 1500)
    votes = count_pairs(NAMES, first, second, np.eye(3, dtype=np.int64)[:, outcome]).weigh_pairs(90)
    fit = fit_point(votes, family).fits[0]
    counts, signs = fit.votes.counts[:, :, None] * votes.weight[:, None], incidence(votes.a, votes.b, 6)

    def loglik(point):
        terms = family.terms((point[votes.a] - point[votes.b])[:, None], point[6:])
        return sum((n * value).sum() for n, value in zip(counts, terms.loglik, strict=True))

    at = np.append(fit.theta, fit.tau)
    slopes = [(loglik(at + step) - loglik(at - step)) / 2e-5 for step in np.eye(7) * 1e-5]
    assert slopes == pytest.approx([0] * 7, abs=1e-7)
    gradient, _, information = derivatives(votes.a, votes.b, signs, counts, family, at[:6, None], at[6:])
    assert gradient[:, 0] == pytest.approx(np.zeros(6), abs=1e-9)
    pinned = np.linalg.pinv(information[0], rcond=1e-10)
    assert fit.inverse_information == pytest.approx(pinned, rel=1e-6, abs=1e-9)


def test_each_round_of_scores_is_the_fit_of_the_battles_it_draws():
    first, second, score, _ = _soft(7, n_battles=400)
    for votes in (_each(first, second, score), _each(first, second, score).weigh_pairs(50)):
        point, cells = fit_point(votes, HALF_WIN), votes.cells
        resample = resample_battles(votes, 3)
        drawn = resample(range(2))
        rounds = replicate(point, resample, range(2))
        assert drawn.sum(axis=(0, 1)) == pytest.approx([400, 400])
        for column in (0, 1):
            # The score that a pair has in a round, whatever its cells.
            n = drawn[:, :, column].sum(axis=0)
            mean = (drawn[0, :, column] + drawn[2, :, column] / 2) / n
            weight = n if votes.weight is None else n * votes.weight
            expected = _minimum(votes.a, votes.b, mean, weight)
            assert rounds[:, column] == pytest.approx(expected, abs=1e-6)
        assert cells.n.sum() == 400


def test_rounds_of_scores_spread_as_the_sandwich_says():
    first, second, score, _ = _soft(8, n_battles=6000)
    point = fit_point(_each(first, second, score), HALF_WIN)
    rounds = replicate(point, resample_battles(point.votes, 1), range(CHUNK * 32))
    assert rounds.std(axis=1) == pytest.approx(np.sqrt(np.diag(sandwich_covariance(point.fits[0]))), rel=0.1)


def test_a_score_in_between_connects_both_ways_and_a_score_of_1_does_not():
    def rated(score):
        votes = count_scores(["x", "y"], np.array([0]), np.array([1]), np.array([score]), np.array([3]))
        return fit_point(votes, HALF_WIN).fits

    assert rated(1.0) == ()
    assert rated(0.9)[0].theta == pytest.approx([np.log(9) / 2, -np.log(9) / 2])
    sure = rated(1 - 1e-9)[0]
    assert np.ptp(sure.theta) == pytest.approx(np.log(1e9), rel=1e-6)


def test_sides_that_are_swapped_and_rows_in_another_order_count_the_same():
    score = np.array([0.25, 0.75, 0.25])
    one = count_scores(["b", "a"], np.array([0, 0, 1]), np.array([1, 1, 0]), score, np.array([2, 1, 4]))
    other = count_scores(["a", "b"], np.array([0, 1, 1]), np.array([1, 0, 0]), score[::-1], np.array([4, 1, 2]))
    assert one.models == ("a", "b")
    assert one.cells.score.tolist() == other.cells.score.tolist() == [0.25, 0.75]
    assert one.cells.n.tolist() == other.cells.n.tolist() == [5, 2]
    # 5 votes of 0.25 are 2.5 losses and 2.5 ties, 2 of 0.75 a win and a tie.
    assert one.counts.tolist() == [[1.0], [2.5], [3.5]]
    assert estimate_win_rate(one).rating.tolist() == [(5 * 0.25 + 2 * 0.75) / 7, (5 * 0.75 + 2 * 0.25) / 7]


def test_residuals_are_in_standard_errors_of_the_scores():
    score = np.array([0.9, 0.7, 0.8, 0.2])
    votes = count_scores(["x", "y"], np.zeros(4, int), np.ones(4, int), score, np.ones(4, int))
    found = next(pair_rows(estimate_win_rate(votes), np.zeros((2, 2)), np.full((2, 2), 0.5), votes)).iloc[0]
    assert found["observed_win_rate"] == pytest.approx(0.65)
    assert found["n_battles"] == 4
    assert found["residual"] == pytest.approx((score - 0.5).sum() / np.sqrt(((score - 0.5) ** 2).sum()))


@pytest.mark.parametrize("score", [0.9, 0.55, 0.7, 1 / 3])
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_scores_that_are_all_the_same_have_no_scatter(score, n):
    votes = count_scores(["x", "y"], np.array([0]), np.array([1]), np.array([score]), np.array([n]))
    point = fit_point(votes, HALF_WIN)
    found = estimate(votes, point, _ratings())
    errors = sandwich_errors(found, point, _ratings())
    assert errors == pytest.approx([0, 0], abs=1e-4)
    assert normal_rows(found, "sandwich", errors)["note"].isna().all()
    pairs = next(pair_rows(found, np.zeros((2, 2)), predicted_win_rates(point), votes))
    assert pairs["observed_win_rate"][0] == pytest.approx(score)
    assert np.isnan(pairs["residual"][0])
    off = np.full((2, 2), score + 1e-3)
    assert next(pair_rows(found, np.zeros((2, 2)), off, votes))["residual"][0] == pytest.approx(-np.sqrt(n), rel=1e-6)


def test_votes_of_a_pair_weigh_the_inverse_of_their_number_from_a_threshold_on():
    votes = votes_of({"AB": (3, 4, 3), "BC": (60, 30, 10), "AC": (20, 20, 10)})
    assert votes.weight is None
    assert votes.weigh_pairs(50).weight.tolist() == [1 / 50, 1 / 50, 1 / 100]
    rows = pd.DataFrame({"model_a": ["A"], "model_b": ["B"], "wins_a": [1], "wins_b": [1], "ties": [2]})
    assert read_votes(rows, ratings=_ratings(pair_weights="inverse", min_pair_count=2)).weight.tolist() == [1 / 4]
    assert read_votes(rows, ratings=_ratings()).weight is None


def test_weights_of_pairs_leave_no_aic_as_they_are_no_likelihood_of_what_was_observed():
    votes = votes_of({"AB": (3, 4, 3), "BC": (6, 3, 1)})
    assert fit_rows(fit_point(votes, DAVIDSON))["aic"].notna().all()
    assert fit_rows(fit_point(votes.weigh_pairs(5), DAVIDSON))["aic"].isna().all()


def test_methods_that_need_three_outcomes_take_no_scores():
    for method in ("bradley_terry_no_ties", "rao_kupper", "davidson"):
        with pytest.raises(ConfigError, match=f"ratings: `methods`: {method} cannot be used with `outcome: score`"):
            _ratings(outcome="score", methods=["win_rate", method])
    assert _ratings(outcome="score", methods=["bradley_terry", "win_rate", "elo", "style_control"]).outcome == "score"
