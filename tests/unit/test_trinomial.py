"""The interval of a win rate with ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from arenalake.numbers.trinomial import win_rate_interval

Z = 1.959963984540054
COUNT = st.integers(min_value=0, max_value=400)


def test_one_win_leaves_everything_above_a_fifth_open():
    # Without ties, one battle: the lower end of the score test is 1 / (1 + z²).
    lower, upper = win_rate_interval([1], [0], [0])
    assert lower[0] == pytest.approx(1 / (1 + Z**2), abs=1e-14)
    assert upper[0] == 1.0


def test_ties_alone_give_an_interval_around_one_half_that_narrows():
    lower, upper = win_rate_interval([0, 0], [0, 0], [1, 1000])
    expected = Z**2 / (np.array([1, 1000]) + Z**2)
    assert upper == pytest.approx((1 + expected) / 2, abs=1e-14)
    assert lower == pytest.approx((1 - expected) / 2, abs=1e-14)


@given(wins=COUNT, losses=COUNT)
def test_without_ties_it_is_the_wilson_interval(wins, losses):
    if wins + losses == 0:
        return
    lower, upper = win_rate_interval([wins], [losses], [0])
    wilson = binomtest(wins, wins + losses).proportion_ci(method="wilson")
    assert (lower[0], upper[0]) == pytest.approx((wilson.low, wilson.high), abs=1e-9)


@given(wins=COUNT, losses=COUNT, ties=COUNT)
def test_it_holds_the_rate_stays_in_bounds_and_mirrors_when_the_models_swap(wins, losses, ties):
    n = wins + losses + ties
    if n == 0:
        return
    lower, upper = win_rate_interval([wins], [losses], [ties])
    rate = (wins + ties / 2) / n
    assert 0 <= lower[0] <= rate + 1e-12
    assert rate - 1e-12 <= upper[0] <= 1
    assert lower[0] < upper[0]
    mirrored = win_rate_interval([losses], [wins], [ties])
    assert (1 - mirrored[1][0], 1 - mirrored[0][0]) == pytest.approx((lower[0], upper[0]), abs=1e-12)


@pytest.mark.parametrize("counts", [(12, 1, 30), (3, 9, 4), (60, 30, 10), (0, 2, 7), (1, 0, 1)])
def test_both_ends_are_where_a_score_test_with_a_searched_likelihood_just_rejects(counts):
    wins, losses, ties = counts
    n = sum(counts)

    def score(difference):
        """The score statistic with P(loss) found by search instead of by Tango's formula."""

        def negative_log_likelihood(loss):
            shares = np.array([loss + difference, loss, 1 - 2 * loss - difference])
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = np.where(np.array(counts) > 0, np.array(counts) * np.log(shares), 0.0)
            return -terms.sum()

        bounds = (max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12)
        loss = minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        return (wins - losses - n * difference) / np.sqrt(n * (2 * loss + difference * (1 - difference)))

    lower, upper = win_rate_interval([wins], [losses], [ties])
    assert score(2 * lower[0] - 1) == pytest.approx(Z, abs=1e-4)
    assert score(2 * upper[0] - 1) == pytest.approx(-Z, abs=1e-4)


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.3, 0.3, 0.4), (0.7, 0.2, 0.1)])
@pytest.mark.parametrize("n", [20, 200])
def test_it_covers_the_true_rate_in_about_95_of_100_simulated_pairs(shares, n):
    draws = np.random.Generator(np.random.Philox(7)).multinomial(n, shares, size=20_000)
    lower, upper = win_rate_interval(draws[:, 0], draws[:, 1], draws[:, 2])
    truth = shares[0] + shares[2] / 2
    assert np.mean((lower <= truth) & (truth <= upper)) == pytest.approx(0.95, abs=0.012)


def test_replacing_wins_and_losses_by_ties_narrows_it():
    lower, upper = win_rate_interval([50, 5], [50, 5], [0, 90])
    assert upper[1] - lower[1] < (upper[0] - lower[0]) / 2


@pytest.mark.parametrize("counts", [([0], [0], [0]), ([-1], [2], [0])])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match="at least one battle"):
        win_rate_interval(*counts)
