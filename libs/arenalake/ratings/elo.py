"""Online Elo: battles one after another, in their order for the estimate and in random orders for the rounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arenalake.errors import RatingError
from arenalake.ratings.votes import Floats, Ints

# Battles whose indices are laid out at once, so that they stay in the processor's cache.
_TILE = 512
_LARGEST_CODE = 2**16 - 1


@dataclass(frozen=True)
class EloRules:
    """The constants of online Elo.

    Attributes:
        k: points at stake in a battle.
        scale: rating points per factor `base` in the odds.
        base: see `scale`.
        start: rating before the first battle.
    """

    k: float = 4.0
    scale: float = 400.0
    base: float = 10.0
    start: float = 1000.0


def elo_ratings(first: Ints, second: Ints, score: Floats, n_models: int, rules: EloRules) -> Floats:
    """Ratings after all battles in their order, [K].

    Args:
        first: index of the model shown first, [N].
        second: index of the model shown second, [N].
        score: of the first model: 1, 0, or 1/2 for a tie, [N].
        n_models: K.
        rules: the constants.

    Source: Elo 1978, The Rating of Chessplayers, Past and Present.
    """
    rating = [float(rules.start)] * n_models
    growth = rules.base ** (1 / rules.scale)
    for a, b, result in zip(first.tolist(), second.tolist(), score.tolist(), strict=True):
        change = rules.k * (result - 1 / (1 + growth ** (rating[b] - rating[a])))
        rating[a] += change
        rating[b] -= change
    return np.array(rating)


def elo_rounds(
    first: Ints,
    second: Ints,
    score: Floats,
    n_models: int,
    seed: int,
    rounds: range,
    rules: EloRules,
) -> Floats:
    """Ratings of bootstrap rounds, [K, rounds]; NaN for a model that has no battle in the round.

    A round draws N battles with replacement, one after another: a resample in random order. So the rounds vary with
    the votes and with their order.
    """
    n_rounds, n_battles = len(rounds), len(first)
    randoms = [np.random.Generator(np.random.Philox(key=np.array([seed, r], dtype=np.uint64))) for r in rounds]
    # Half the difference of log odds, so that the expected score of the first is (1 + tanh) / 2.
    half = np.zeros(n_models * n_rounds)
    gain = rules.k * np.log(rules.base) / rules.scale / 4
    offset = np.arange(n_rounds)
    won = (2 * score - 1) * gain
    seen = np.zeros(n_models * n_rounds, dtype=bool)
    # That a model with this many battles is drawn in none of N goes has a chance below 1e-27.
    rare = np.bincount(first, minlength=n_models) + np.bincount(second, minlength=n_models) < 64
    seen.reshape(n_models, n_rounds)[~rare] = True
    a_flat, b_flat = first.astype(np.int64) * n_rounds, second.astype(np.int64) * n_rounds
    for begin in range(0, n_battles, _TILE):
        size = min(_TILE, n_battles - begin)
        # 32 bits are faster to draw than 64, and as exact below 2^32 battles.
        drawn = np.stack([random.integers(0, n_battles, size, dtype=np.uint32) for random in randoms], axis=1)
        a, b, gained = a_flat.take(drawn), b_flat.take(drawn), won.take(drawn)
        a += offset
        b += offset
        if rare.any():
            seen[a] = seen[b] = True
        _play(half, a, b, gained, gain)
    rating = rules.start + half.reshape(n_models, n_rounds) * 2 * rules.scale / np.log(rules.base)
    return np.where(seen.reshape(n_models, n_rounds), rating, np.nan)


def _play(half: Floats, a: Ints, b: Ints, gained: Floats, gain: float) -> None:
    """Update all rounds by one battle each, row by row of [T, rounds]."""
    mine, theirs, change = (np.empty(a.shape[1]) for _ in range(3))
    for index_a, index_b, won in zip(a, b, gained, strict=True):
        half.take(index_a, out=mine, mode="clip")
        half.take(index_b, out=theirs, mode="clip")
        np.subtract(mine, theirs, out=change)
        np.tanh(change, out=change)
        change *= gain
        np.subtract(won, change, out=change)
        mine += change
        theirs -= change
        half[index_a] = mine
        half[index_b] = theirs


def pack(codes: Ints) -> bytes:
    """Indices as bytes, two each.

    Raises:
        RatingError: an index does not fit.
    """
    if codes.max(initial=0) > _LARGEST_CODE:
        raise RatingError(f"online Elo rates at most {_LARGEST_CODE + 1:,} models of one slice")
    return codes.astype("<u2").tobytes()


def unpack(packed: bytes) -> NDArray[np.int64]:
    return np.frombuffer(packed, dtype="<u2").astype(np.int64)
