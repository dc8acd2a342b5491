"""Intervals for a win rate with ties: plain NumPy, so they are read and tested without Spark."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def win_rate_interval(
    wins: npt.ArrayLike, losses: npt.ArrayLike, ties: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Interval of the half-win rate P(win) + P(tie) / 2 from counts of three outcomes.

    The rate is (1 + d) / 2, where d = P(win) - P(loss) is a difference of paired proportions, and d has Tango's score
    interval: all d that a score test at this level does not reject. It stays within [0, 1], narrows as ties replace
    wins and losses, and has a width for one battle and for ties alone (n ties: d within ±z² / (n + z²)).

    Args:
        wins, losses, ties: counts of the same shape; each total is at least 1.
        confidence: level, 0.95 by default.

    Returns:
        Lower and upper ends, doubles of the same shape.

    Raises:
        ValueError: a count is negative or a total is 0.

    Source:
        T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
        paired-sample design, Statistics in Medicine 17, 891-908.

    Example:
        >>> low, high = win_rate_interval([1], [0], [0])
        >>> low.round(4), high
        (array([0.2065]), array([1.]))
    """
    won, lost, tied = (np.asarray(count, dtype=np.float64) for count in (wins, losses, ties))
    if np.any(won < 0) or np.any(lost < 0) or np.any(tied < 0) or np.any(won + lost + tied < 1):
        raise ValueError("wins, losses and ties must be counts of at least one battle in all")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n = won + lost + tied
    return (1 - _upper_difference(lost, won, n, z)) / 2, (1 + _upper_difference(won, lost, n, z)) / 2


def _upper_difference(wins: Floats, losses: Floats, n: Floats, z: float) -> Floats:
    """The largest difference that the score test does not reject, by bisection between the estimate and 1."""
    low, high = (wins - losses) / n, np.ones_like(n)
    # 60 halvings of at most [-1, 1] end at neighbouring doubles.
    for _ in range(60):
        middle = (low + high) / 2
        accepted = (wins - losses - n * middle) ** 2 <= z**2 * _score_variance(wins, losses, n, middle)
        low, high = np.where(accepted, middle, low), np.where(accepted, high, middle)
    return np.where(wins == n, 1.0, low)


def _score_variance(wins: Floats, losses: Floats, n: Floats, difference: Floats) -> Floats:
    """Variance of wins - losses at the likeliest P(loss) given the difference: Tango's root of a quadratic."""
    linear = (2 * n - wins + losses) * difference - wins - losses
    constant = -losses * difference * (1 - difference)
    # The discriminant is never negative; only rounding takes it below zero.
    root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0))
    # Both forms are the same root; where linear is positive the first would cancel digits.
    with np.errstate(divide="ignore", invalid="ignore"):
        stable = np.where(linear > 0, -2 * constant / (root + linear), (root - linear) / (4 * n))
    return n * (2 * stable + difference * (1 - difference))
