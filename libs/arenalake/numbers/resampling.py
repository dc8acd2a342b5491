"""Bootstrap over units such as questions: how often each is drawn, and intervals from the rounds."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def round_generator(seed: int, round_: int) -> np.random.Generator:
    """The random numbers of a round, a function of seed and round alone."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, round_], dtype=np.uint64)))


def draw_units(n_units: int, seed: int, rounds: int) -> npt.NDArray[np.uint8]:
    """How often each unit is drawn in each round, [units, rounds]; a round is a function of (seed, round) alone.

    A byte is enough: of up to 255 units none is drawn more often, and of more units the chance of it is below 1e-500.
    """
    drawn = np.empty((rounds, n_units), dtype=np.uint8)
    for round_ in range(rounds):
        random = round_generator(seed, round_)
        drawn[round_] = np.bincount(random.integers(0, n_units, n_units, dtype=np.uint32), minlength=n_units)
    return np.ascontiguousarray(drawn.T)


def percentile_interval(rounds: Floats, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile intervals of statistics, from their values in rounds [..., rounds].

    Rounds in which a statistic has no value (NaN) are left out.

    Returns:
        Lower and upper ends, [...]; NaN where no round has a value. Between two order statistics ends are linear.
    """
    in_order = np.sort(rounds, axis=-1)  # NaN last
    n = np.isfinite(rounds).sum(axis=-1)
    tail = (1 - confidence) / 2
    return _quantile(in_order, n, tail), _quantile(in_order, n, 1 - tail)


def _quantile(in_order: Floats, n: npt.NDArray[np.int64], share: float) -> Floats:
    place = share * np.maximum(n - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n - 1, 0))
    low, high = (np.take_along_axis(in_order, at[..., None], axis=-1)[..., 0] for at in (below, above))
    value: Floats = low + (place - below) * (high - low)
    return value
