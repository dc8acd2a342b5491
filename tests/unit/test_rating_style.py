"""Style control against SciPy, finite differences and what must be true of it."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from arenalake.ratings.model.families import HALF_WIN
from arenalake.ratings.model.judges import draw_judges
from arenalake.ratings.model.replicates import fit_point
from arenalake.ratings.model.style import (
    StyledBattles,
    fit_style,
    gradient_of,
    information_of,
    replicate_style,
    standardise,
)


def simulate(seed, n_battles=3000, n_models=6, effect=(0.6, -0.3), soft=False, ties=0.2):
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.7, n_models)
    first = random.integers(0, n_models, n_battles)
    second = (first + random.integers(1, n_models, n_battles)) % n_models
    # Strong models write at length, so that leaving style out would mix both up.
    style = random.normal(size=(n_battles, len(effect))) + (strength[first] - strength[second])[:, None]
    style = standardise(style)[0]
    chance = expit(strength[first] - strength[second] + style @ np.array(effect))
    score = chance if soft else np.where(random.random(n_battles) < ties, 0.5, random.random(n_battles) < chance)
    return battles_of(first, second, score, style, n_models), strength


def battles_of(first, second, score, style, n_models):
    names = tuple(f"m{i}" for i in range(n_models))
    sides = np.asarray(first, dtype=np.uint16), np.asarray(second, dtype=np.uint16)
    return StyledBattles(names, *sides, np.asarray(score, dtype=np.float64), np.asarray(style, dtype=np.float64))


def loss(parameters, battles, weights, ridge):
    n_models = len(battles.models)
    theta, beta = parameters[:n_models], parameters[n_models:]
    odds = theta[battles.first] - theta[battles.second] + battles.style @ beta
    return (weights * (np.logaddexp(0, odds) - battles.score * odds)).sum() + ridge / 2 * beta @ beta


def minimum(battles, weights, ridge):
    start = np.zeros(len(battles.models) + battles.style.shape[1])
    found = minimize(loss, start, (battles, weights, ridge), method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}).x
    theta = found[: len(battles.models)]
    return theta - theta.mean(), found[len(battles.models) :]


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("ridge", [0.5, 50.0])
def test_the_estimate_is_the_minimum_that_scipy_finds(soft, ridge):
    battles, _ = simulate(1, n_battles=800, soft=soft)
    fit = fit_style(battles, ridge=ridge)
    theta, beta = minimum(battles, np.ones(800), ridge)
    assert fit.theta == pytest.approx(theta, abs=1e-5)
    assert fit.beta == pytest.approx(beta, abs=1e-5)


def test_gradient_and_hessian_are_those_of_finite_differences():
    battles, _ = simulate(2, n_battles=60)
    random = np.random.default_rng(0)
    at, weights = random.normal(0, 0.5, 8), random.integers(0, 3, 60).astype(float)
    rows = battles.first, battles.second, battles.score, battles.style, weights

    def gradient(x):
        return gradient_of(*rows, x[:6], x[6:])

    step = 1e-6 * np.eye(8)
    slope = [-(loss(at + e, battles, weights, 0) - loss(at - e, battles, weights, 0)) / 2e-6 for e in step]
    assert gradient(at) == pytest.approx(slope, abs=1e-6)
    bend = [-(gradient(at + e) - gradient(at - e)) / 2e-6 for e in step]
    assert information_of(*rows, at[:6], at[6:]) == pytest.approx(np.array(bend), abs=1e-6)


def test_strengths_and_coefficients_are_recovered_where_plain_ratings_are_biased():
    for seed in range(3):
        battles, strength = simulate(seed, n_battles=60_000, ties=0)
        fit = fit_style(battles, ridge=0.5)
        assert fit.theta == pytest.approx(strength - strength.mean(), abs=0.06)
        assert fit.beta == pytest.approx([0.6, -0.3], abs=0.04)
        plain = fit.point.fits[0].theta
        assert np.ptp(plain) > 1.1 * np.ptp(fit.theta)  # style that is taken for strength


def test_without_covariates_it_is_bradley_terry():
    battles, _ = simulate(3)
    flat = battles_of(battles.first, battles.second, battles.score, np.zeros((3000, 2)), 6)
    fit = fit_style(flat, ridge=0.5)
    assert fit.theta == pytest.approx(fit_point(flat.votes, HALF_WIN).fits[0].theta, abs=1e-9)
    assert fit.beta == pytest.approx([0, 0])


def test_each_round_is_a_full_refit_of_its_weights():
    battles, _ = simulate(4, n_battles=500)
    fit = fit_style(battles, ridge=0.5)
    rounds = [np.bincount(np.random.default_rng(r).integers(0, 500, 500), minlength=500).astype(float) for r in (0, 1)]
    theta, beta = replicate_style(fit, lambda round_: rounds[round_], range(2))
    for round_, weights in enumerate(rounds):
        expected = minimum(battles, weights, 0.5)
        assert theta[:, round_] == pytest.approx(expected[0], abs=1e-5)
        assert beta[:, round_] == pytest.approx(expected[1], abs=1e-5)


def test_a_round_depends_on_nothing_but_its_own_weights():
    battles, _ = simulate(5, n_battles=400)
    fit = fit_style(battles, ridge=0.5)

    def weights(round_):
        return np.random.default_rng(round_).poisson(1.0, 400).astype(float)

    together = replicate_style(fit, weights, range(70))
    apart = replicate_style(fit, weights, range(33, 36))
    assert (together[0][:, 33:36] == apart[0]).all()
    assert (together[1][:, 33:36] == apart[1]).all()


@pytest.mark.parametrize("poisson", [False, True])
def test_rounds_of_one_judge_say_nothing(poisson):
    battles, _ = simulate(5, n_battles=400)
    judge = np.zeros(400, dtype=np.int64)

    def weights(round_):
        return draw_judges(1, 0, round_, poisson=poisson)[judge].astype(float)

    theta, beta = replicate_style(fit_style(battles, ridge=0.5), weights, range(20))
    assert np.isnan(theta).all()
    assert np.isnan(beta).all()


def test_a_model_that_only_wins_has_no_rating_and_only_wins_in_a_round_is_infinite():
    battles, _ = simulate(6, n_battles=300)
    first = np.append(battles.first, [6, 6])
    second = np.append(battles.second, [0, 1])
    score, style = np.append(battles.score, [1.0, 1.0]), np.vstack([battles.style, [[0.1, 0.2], [0.3, 0.1]]])
    fit = fit_style(battles_of(first, second, score, style, 7), ridge=0.5)
    assert np.isnan(fit.theta[6])
    assert fit.theta[:6] == pytest.approx(minimum(battles, np.ones(300), 0.5)[0], abs=1e-5)
    score[-1] = 0.0
    fit = fit_style(battles_of(first, second, score, style, 7), ridge=0.5)
    assert np.isfinite(fit.theta).all()
    lucky = np.ones(302)
    lucky[-1] = 0
    theta, beta = replicate_style(fit, lambda round_: lucky, range(1))
    assert theta[6, 0] == np.inf
    assert np.isfinite(theta[:6, 0]).all()
    assert beta[:, 0] == pytest.approx(minimum(battles, np.ones(300), 0.5)[1], abs=1e-5)


def test_components_are_rated_apart_with_the_same_coefficients():
    left, _ = simulate(7, n_battles=400, n_models=4)
    right, _ = simulate(8, n_battles=400, n_models=4)
    both = battles_of(
        np.append(left.first, right.first + 4),
        np.append(left.second, right.second + 4),
        np.append(left.score, right.score),
        np.vstack([left.style, right.style]),
        8,
    )
    fit = fit_style(both, ridge=0.5)
    assert len(fit.groups) == 2
    assert [fit.theta[group].mean() for group in fit.groups] == pytest.approx([0, 0], abs=1e-12)
    theta, beta = minimum(both, np.ones(800), 0.5)
    assert fit.beta == pytest.approx(beta, abs=1e-5)
    assert fit.theta[:4] == pytest.approx(theta[:4] - theta[:4].mean(), abs=1e-5)


def test_the_sandwich_agrees_with_the_bootstrap():
    battles, _ = simulate(9, n_battles=4000)
    fit = fit_style(battles, ridge=0.5)

    def weights(round_):
        return np.bincount(np.random.default_rng(round_).integers(0, 4000, 4000), minlength=4000).astype(float)

    theta, beta = replicate_style(fit, weights, range(300))
    spread = np.concatenate([theta, beta]).std(axis=1)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(spread, rel=0.15)


def _slopes(fit, weight):
    """Slope of each battle's log-likelihood, [N, K + D]."""
    battles = fit.battles
    sides = np.eye(len(fit.theta))[battles.first] - np.eye(len(fit.theta))[battles.second]
    parameters = np.hstack([sides, battles.style])
    p = expit(parameters @ np.concatenate([fit.theta, fit.beta]))
    return (weight * (battles.score - p))[:, None] * parameters


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("soft", [False, True])
def test_the_sandwich_of_judges_squares_what_each_judges_battles_add_up_to(soft, weighted):
    battles, _ = simulate(10, n_battles=700, soft=soft)
    judge = np.random.default_rng(3).integers(0, 50, 700)
    battles = battles.weigh_pairs(30) if weighted else battles
    fit = fit_style(battles, ridge=0.5)
    summed = np.zeros((50, 8))
    np.add.at(summed, judge, _slopes(fit, battles.weigh(np.ones(700))))
    expected = fit.inverse_information @ summed.T @ summed @ fit.inverse_information * 50 / 49
    assert fit.judge_covariance(judge, 50) == pytest.approx(expected, rel=1e-9, abs=1e-14)
    alone = fit.judge_covariance(np.random.default_rng(4).permutation(700), 700)
    assert alone == pytest.approx(fit.covariance * 700 / 699, rel=1e-9, abs=1e-14)
    assert np.isnan(fit.judge_covariance(np.zeros(700, dtype=np.int64), 1)).all()


@pytest.mark.parametrize("soft", [False, True])
def test_weighted_pairs_are_the_minimum_that_scipy_finds_and_their_sandwich_squares_the_weights(soft):
    battles, _ = simulate(11, n_battles=900, soft=soft)
    pair = np.minimum(battles.first, battles.second) * 6 + np.maximum(battles.first, battles.second)
    weight = 1 / np.maximum(np.bincount(pair)[pair], 55)
    weight /= weight.mean()
    fit = fit_style(battles.weigh_pairs(55), ridge=0.5)
    theta, beta = minimum(battles, weight, 0.5)
    assert fit.theta == pytest.approx(theta, abs=1e-5)
    assert fit.beta == pytest.approx(beta, abs=1e-5)
    slopes = _slopes(fit, weight)
    assert fit.covariance == pytest.approx(fit.inverse_information @ slopes.T @ slopes @ fit.inverse_information)
    drawn = np.random.default_rng(5).poisson(1.0, 900).astype(float)
    found = replicate_style(fit, lambda round_: drawn, range(1))
    theta, beta = minimum(battles, weight * drawn, 0.5)
    assert found[0][:, 0] == pytest.approx(theta, abs=1e-5)
    assert found[1][:, 0] == pytest.approx(beta, abs=1e-5)


def test_a_constant_covariate_says_nothing():
    scaled, mean, sd = standardise(np.array([[1.0, 2.0], [3.0, 2.0]]))
    assert scaled.tolist() == [[-1, 0], [1, 0]]
    assert (mean.tolist(), sd.tolist()) == ([2, 2], [1, 0])
    scaled, _, sd = standardise(np.full((500, 1), 1 / 3))  # of which the mean is another number
    assert (scaled == 0).all()
    assert sd.tolist() == [0]
