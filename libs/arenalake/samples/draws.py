"""Random draws as functions of (seed, stream, chunk): counter-based, so that no figure depends on who draws when."""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]


class Stream(IntEnum):
    """What a random stream is for. A new use gets a new number; old ones keep theirs, or the data of a seed change."""

    CONVERSATIONS = 1
    BATTLES = 2
    STRENGTHS = 3
    DAYS = 4
    PREFERENCES = 5
    LIKERT = 6
    TREES = 7


def philox(seed: int, stream: Stream, chunk: int = 0) -> np.random.Generator:
    """The generator of one chunk of one stream: the key is (seed, chunk), the top word of the counter is the stream."""
    key = np.array([seed, chunk], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, stream], dtype=np.uint64)))


def choose(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Indices drawn with probabilities proportional to `weights`."""
    cumulative = np.cumsum(weights, dtype=np.float64)
    drawn: Ints = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return np.minimum(drawn, len(weights) - 1)


def geometric_turns(rng: np.random.Generator, size: int, mean: float, long_share: float, long_mean: float) -> Ints:
    """Numbers of turns from 1: a geometric body and, for `long_share` of them, a geometric tail; `mean` overall."""
    body_mean = (mean - long_share * long_mean) / (1 - long_share)
    means = np.where(rng.random(size) < long_share, long_mean, body_mean)
    return rng.geometric(1 / means)


def lognormal(rng: np.random.Generator, mean: Floats, sd_over_mean: Floats) -> Floats:
    """Log-normal draws with the given mean and coefficient of variation, one per entry of `mean`."""
    variance = np.log1p(np.square(sd_over_mean))
    draws: Floats = np.exp(np.log(mean) - variance / 2 + np.sqrt(variance) * rng.standard_normal(len(mean)))
    return draws


_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2")


def hex_ids(rng: np.random.Generator, size: int) -> pa.Array:
    """Ids of 32 hexadecimal digits, as the published ones."""
    digits = _HEX[rng.integers(0, 256, (size, 16), dtype=np.uint8)].reshape(-1).view("S32")
    return pa.array(digits).cast(pa.string())
