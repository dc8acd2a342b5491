"""Online Elo: battles one after another, in their order for the estimate and in random orders for the rounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arenalake.errors import RatingError
from arenalake.ratings.compiled import compiled
from arenalake.ratings.resampling import round_generator
from arenalake.ratings.votes import Floats, Ints

# Battles of a round drawn in one call, which costs as much as hundreds of draws.
_DRAWN = 2**15
# Rounds played side by side, so many battles at a time that their numbers stay in the processor's cache.
_TOGETHER, _TILE = 64, 2048
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
    gain = rules.k * np.log(rules.base) / rules.scale
    sides = first.astype(np.uint16), second.astype(np.uint16)
    n_battles, parts = len(first), []
    for start in range(0, len(rounds), _TOGETHER):
        some = rounds[start : start + _TOGETHER]
        randoms = [round_generator(seed, round_) for round_ in some]
        logits, seen = np.zeros((n_models, len(some))), np.zeros((n_models, len(some)), dtype=np.bool_)
        for begin in range(0, n_battles, _DRAWN):
            size = min(_DRAWN, n_battles - begin)
            # 32 bits are faster to draw than 64, and as exact below 2^32 battles.
            drawn = np.stack([random.integers(0, n_battles, size, dtype=np.uint32) for random in randoms])
            for tile in range(0, size, _TILE):
                _play(logits, seen, drawn[:, tile : tile + _TILE], *sides, score, gain)
        parts.append(np.where(seen, rules.start + logits * rules.scale / np.log(rules.base), np.nan))
    return np.concatenate(parts, axis=1)


# Each battle needs the ratings that the one before it left, so there is no array form of this.
@compiled
def _play(
    logits: Floats,
    seen: NDArray[np.bool_],
    drawn: NDArray[np.uint32],
    first: NDArray[np.uint16],
    second: NDArray[np.uint16],
    score: Floats,
    gain: float,
) -> None:
    """Update log odds [K, rounds] by the drawn battles [rounds, T], all rounds by one battle after another."""
    n_rounds, n_drawn = drawn.shape
    for turn in range(n_drawn):
        for round_ in range(n_rounds):
            battle = drawn[round_, turn]
            a, b = first[battle], second[battle]
            expected = 1 / (1 + np.exp(logits[b, round_] - logits[a, round_]))
            change = gain * (score[battle] - expected)
            logits[a, round_] += change
            logits[b, round_] -= change
            seen[a, round_] = seen[b, round_] = True


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
