"""Pseudo-true ratings: what a method converges to when the votes come from known probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from arenalake.errors import RatingError
from arenalake.ratings.components import find_components
from arenalake.ratings.families import HALF_WIN, NO_TIES
from arenalake.ratings.fit import fit_votes
from arenalake.ratings.votes import Floats, count_pairs

_FAMILIES = {"bradley_terry": HALF_WIN, "bradley_terry_no_ties": NO_TIES}


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
        method: `bradley_terry` (a tie is half a win each) or `bradley_terry_no_ties`.
        scale: rating points per factor `base` in the odds.
        base: see `scale`.
        center: mean of the ratings.

    Returns:
        Ratings in the order of `models`.

    Raises:
        RatingError: the method is unknown, a count is negative or not a number, or the models are not all comparable.

    Example:
        >>> expected_ratings(["x", "y"], [0], [1], [10.0], [1.0], [0.0]).round(6).tolist()
        [1200.0, 800.0]
    """
    if method not in _FAMILIES:
        raise RatingError(f"method {method!r} has no expected ratings; allowed: {', '.join(_FAMILIES)}")
    if len(set(models)) < len(models):
        raise RatingError("models: a name is given twice")
    counts = np.array([wins_a, wins_b, ties], dtype=np.float64)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise RatingError("counts of votes must be numbers from 0; found a negative one, an infinity or a NaN")
    votes = count_pairs(models, np.asarray(pair_a), np.asarray(pair_b), counts)
    votes = votes if method == "bradley_terry" else votes.without_ties()
    component = find_components(votes)
    if component.max() > 1:
        outside = [name for name, number in zip(votes.models, component, strict=True) if number > 1]
        raise RatingError(f"no ratings exist across components of the win graph; outside the largest: {outside}")
    fit = fit_votes(votes, _FAMILIES[method])
    if not fit.converged.all():
        raise RatingError(f"the fit of {method} did not converge")
    by_name = dict(zip(votes.models, center + scale / np.log(base) * fit.theta[:, 0], strict=True))
    return np.array([by_name[model] for model in models])
