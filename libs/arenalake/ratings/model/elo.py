"""Online Elo: battles one after another, in their order for the estimate and in random orders for the rounds."""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from arenalake.compiled import compiled
from arenalake.errors import RatingError
from arenalake.numbers.resampling import round_generator
from arenalake.ratings.model.votes import Floats, Ints

# Battles of a round drawn in one call, which costs as much as hundreds of draws.
_DRAWN = 2**15
# Rounds played side by side: enough to fill vector registers, few enough to stay in the processor's cache.
_TOGETHER = 32
# Up to here the polynomial in `_play` equals the exponential function to the last bit: 0.2^12 / 12! < 1e-17.
_LARGEST_GAIN = 0.2
# Battles between two looks at how far strengths have come: at most a factor exp(0.2 * 2048) < 1e178 in between, so
# that strengths within the bounds stay normal numbers until the next look.
_TILE = 2048
LEAST_STRENGTH, MOST_STRENGTH = 1e-100, 1e100
_LARGEST_CODE = 2**16 - 1
# Beyond this the exponential function is no number; the chance to win is below 1e-304 already.
_LARGEST_EXPONENT = 700.0


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
    slope = log(rules.base) / rules.scale
    for a, b, result in zip(first.tolist(), second.tolist(), score.tolist(), strict=True):
        behind = min(slope * (rating[b] - rating[a]), _LARGEST_EXPONENT)
        change = rules.k * (result - 1 / (1 + exp(behind)))
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
    levels, level = np.unique(score, return_inverse=True)
    # One number per battle: a round reads them at random, so each costs one look into memory.
    battles = np.asarray(first << 48 | second << 32 | level, dtype=np.int64).view(np.uint64)
    parts = []
    for start in range(0, len(rounds), _TOGETHER):
        some = rounds[start : start + _TOGETHER]
        logits, seen = np.zeros((n_models, len(some))), np.zeros((n_models, len(some)), dtype=np.bool_)
        lost = np.ones(len(some), dtype=np.bool_)
        if gain <= _LARGEST_GAIN:
            logits, seen, lost = _rounds(battles, levels, n_models, seed, some, gain)
        for column in np.flatnonzero(lost).tolist():
            logits[:, column], seen[:, column] = _exact_round(battles, levels, n_models, seed, some[column], gain)
        parts.append(np.where(seen, rules.start + logits * rules.scale / np.log(rules.base), np.nan))
    return np.concatenate(parts, axis=1)


def draw(random: np.random.Generator, n_battles: int, size: int) -> NDArray[np.uint32]:
    """Random words [size], each of which stands for the battle floor(word * n_battles / 2^32); n < 2^32.

    All battles are as likely, since words that would favour some are drawn again: Lemire 2019, doi:10.1145/3230636.
    """
    surplus, words = np.uint32(2**32 % n_battles), _words(random, size)
    low = words * np.uint32(n_battles)
    while low.min() < surplus:
        words = words[low >= surplus]
        words = np.concatenate([words, _words(random, size - len(words))])
        low = words * np.uint32(n_battles)
    return words


def _words(random: np.random.Generator, size: int) -> NDArray[np.uint32]:
    raw = random.bit_generator.random_raw(-(-size // 2))
    return raw.astype("<u8", copy=False).view("<u4")[:size]


def _rounds(
    battles: NDArray[np.uint64], levels: Floats, n_models: int, seed: int, rounds: range, gain: float
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Log odds and who had a battle, [K, rounds]; and which rounds are too wide to be played by strengths, [rounds]."""
    n_battles, n_rounds = len(battles), len(rounds)
    randoms = [round_generator(seed, round_) for round_ in rounds]
    # The sign tells who had no battle yet.
    strength = np.full((n_models, n_rounds), -1.0)
    lost = np.zeros(n_rounds, dtype=np.bool_)
    # The rounds' words are apart by no power of two, else they would take each other's places in the cache.
    words = np.empty((n_rounds, _DRAWN + 16), dtype=np.uint32)
    for begin in range(0, n_battles, _DRAWN):
        size = min(_DRAWN, n_battles - begin)
        for row, random in zip(words, randoms, strict=True):
            row[:size] = draw(random, n_battles, size)
        for tile in range(0, size, _TILE):
            _play(strength.ravel(), words[:, tile : min(tile + _TILE, size)], battles, levels, gain)
            lost |= ~((abs(strength) > LEAST_STRENGTH) & (abs(strength) < MOST_STRENGTH)).all(axis=0)
    with np.errstate(all="ignore"):  # of rounds that are lost
        return np.log(abs(strength)), strength > 0, lost


# Each battle needs the ratings that the one before it left, so there is no array form over battles.
@compiled
def _play(
    strength: Floats, words: NDArray[np.uint32], battles: NDArray[np.uint64], levels: Floats, gain: float
) -> None:
    """Update strengths [K rounds], the exponentials of log odds, by the drawn battles [rounds, T].

    All rounds play one battle after another. Reading and writing are loops of their own, so that what is between them
    becomes vector instructions; there exp(x) and exp(-x) come from the series' even and odd part.
    """
    n_rounds, n_drawn = words.shape
    n_battles, stride, half, low = np.uint64(len(battles)), np.uint64(n_rounds), np.uint64(32), np.uint64(2**32 - 1)
    first, second = np.empty(n_rounds, dtype=np.uint32), np.empty(n_rounds, dtype=np.uint32)
    mine, other, score = np.empty(n_rounds), np.empty(n_rounds), np.empty(n_rounds)
    for turn in range(n_drawn):
        for r in range(n_rounds):
            battle = battles[np.uint64(words[r, turn]) * n_battles >> half]
            first[r] = (battle >> np.uint64(48)) * stride + np.uint64(r)
            second[r] = (battle >> half & np.uint64(0xFFFF)) * stride + np.uint64(r)
            mine[r], other[r], score[r] = strength[first[r]], strength[second[r]], levels[battle & low]
        for r in range(n_rounds):
            a, b = abs(mine[r]), abs(other[r])
            x = gain * (score[r] - a / (a + b))
            y = x * x
            even = 1 + y * (1 / 2 + y * (1 / 24 + y * (1 / 720 + y * (1 / 40320 + y * (1 / 3628800)))))
            odd = x * (1 + y * (1 / 6 + y * (1 / 120 + y * (1 / 5040 + y * (1 / 362880 + y * (1 / 39916800))))))
            mine[r], other[r] = a * (even + odd), b * (even - odd)
        for r in range(n_rounds):
            strength[first[r]], strength[second[r]] = mine[r], other[r]


def _exact_round(
    battles: NDArray[np.uint64], levels: Floats, n_models: int, seed: int, round_: int, gain: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Log odds of a round and who had a battle, [K], for any gain and any distance between models."""
    random, n_battles = round_generator(seed, round_), len(battles)
    logits, seen = np.zeros(n_models), np.zeros(n_models, dtype=np.bool_)
    for begin in range(0, n_battles, _DRAWN):
        words = draw(random, n_battles, min(_DRAWN, n_battles - begin))
        _play_logits(logits, seen, words, battles, levels, gain)
    return logits, seen


@compiled
def _play_logits(
    logits: Floats,
    seen: NDArray[np.bool_],
    words: NDArray[np.uint32],
    battles: NDArray[np.uint64],
    levels: Floats,
    gain: float,
) -> None:
    """Update log odds [K] of one round by the drawn battles [T]."""
    for word in words:
        battle = battles[np.uint64(word) * np.uint64(len(battles)) >> np.uint64(32)]
        a, b = battle >> np.uint64(48), battle >> np.uint64(32) & np.uint64(0xFFFF)
        change = gain * (levels[battle & np.uint64(0xFFFFFFFF)] - 1 / (1 + np.exp(logits[b] - logits[a])))
        logits[a] += change
        logits[b] -= change
        seen[a] = seen[b] = True


def narrow(codes: Ints) -> NDArray[np.uint16]:
    """Indices of models in two bytes each.

    Raises:
        RatingError: an index does not fit.
    """
    if codes.max(initial=0) > _LARGEST_CODE:
        raise RatingError(
            f"a slice has {codes.max() + 1:,} models or more; online Elo and style control rate at most "
            f"{_LARGEST_CODE + 1:,}: use other `ratings.methods` or smaller `ratings.slices`"
        )
    return codes.astype(np.uint16)


def pack(codes: Ints) -> bytes:
    """Indices as bytes, see `narrow`."""
    return narrow(codes).astype("<u2").tobytes()


def unpack(packed: bytes) -> NDArray[np.int64]:
    """Numbers of models, as `pack` wrote them."""
    return np.frombuffer(packed, dtype="<u2").astype(np.int64)
