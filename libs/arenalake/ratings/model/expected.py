"""Pseudo-true ratings: what a method converges to when the votes come from known probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from arenalake.errors import RatingError
from arenalake.ratings.model.estimates import COUNTED, rate
from arenalake.ratings.model.votes import Floats, count_pairs
from arenalake.ratings.options import RatingsConfig


def expected_ratings(
    models: Sequence[str],
    pair_a: ArrayLike,
    pair_b: ArrayLike,
    wins_a: ArrayLike,
    wins_b: ArrayLike,
    ties: ArrayLike,
    *,
    method: str = "bradley_terry",
    scale: float = 400.0,
    base: float = 10.0,
    center: float = 1000.0,
) -> Floats:
    """Fit a method to (expected) counts of votes, which need not be whole numbers.

    Args:
        models: names, each once.
        pair_a: position in `models` of each pair's first model, [P]; a pair may come more than once and either way.
        pair_b: position of its second model.
        wins_a: votes for the first model.
        wins_b: votes for the second model.
        ties: ties of every kind.
        method: any but `elo`, which depends on the order of the votes.
        scale: rating points per factor `base` in the odds.
        base: see `scale`.
        center: mean of the ratings.

    Returns:
        Ratings in the order of `models`; average win rates from 0 to 1 for `win_rate`.

    Raises:
        RatingError: the method is unknown, a count is negative or not a number, or the models are not all comparable.

    Example:
        >>> expected_ratings(["x", "y"], [0], [1], [10.0], [1.0], [0.0]).round(6).tolist()
        [1200.0, 800.0]
    """
    if method not in COUNTED:
        raise RatingError(f"method {method!r} has no expected ratings; allowed: {', '.join(COUNTED)}")
    if len(set(models)) < len(models):
        raise RatingError("models: a name is given twice")
    counts = np.array([wins_a, wins_b, ties], dtype=np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise RatingError("counts of votes must be numbers from 0; found a negative one, an infinity or a NaN")
    votes = count_pairs(models, np.asarray(pair_a), np.asarray(pair_b), counts)
    found = rate(votes, method, RatingsConfig(scale=scale, base=base, center=center))
    outside = [name for name, number in zip(found.models, found.component, strict=True) if number > 1]
    if outside:
        raise RatingError(f"no ratings exist across components; outside the main one: {outside}")
    if np.isnan(found.rating).any():
        raise RatingError(f"{method} has no estimate for these counts")
    by_name = dict(zip(found.models, found.rating, strict=True))
    return np.array([by_name[model] for model in models])
