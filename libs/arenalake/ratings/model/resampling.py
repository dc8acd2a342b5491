"""Multinomial resamples of counts, the bootstrap over battles, at a few nanoseconds a cell.

Resampling n battles with replacement gives each cell of equal battles a count; together they are multinomial. Drawing
the cells one after another is slow (a rejection sampler whose parameters change at each draw), so the draw goes by
Poisson counts, which are independent, and multinomial once their total is known. Their means are a little small, so
that the total T stays under n; the last n - T battles are drawn one by one. A round whose total is above n is redrawn.
Given T the counts are exactly multinomial, so the sum of both parts is exactly multinomial (n, cell shares).
"""

import numpy as np
from scipy.special import pdtr

from arenalake.numbers.resampling import round_generator
from arenalake.ratings.model.votes import Ints

# Poisson means lie this many standard deviations of the total under the counts: 2.3 % of rounds are drawn again.
_MARGIN = 2.0
# The first 12 random bits of a cell decide alone in nearly all cases.
_BITS = 12
_BINS = 2**_BITS
# Larger cells are few and go through NumPy's own Poisson sampler.
_LARGEST_TABLE = 10_000
# Cells drawn at once, in as many rounds as that takes: their arrays stay in the processor's cache.
_BATCH = 32_768


class CellSampler:
    """Draws resamples of the counts [M], each a pure function of (counts, seed, round).

    A cell's Poisson count comes from the inverse of its distribution function. Cells with equal counts share a table
    with the answer for each value of the first bits; where the bits leave more than one answer, 53 further bits and a
    bisection decide.

    Args:
        counts: votes per cell, all positive.
        poisson: leave it at independent Poisson counts, whose total varies: equal to the multinomial for many votes.
    """

    def __init__(self, counts: Ints, *, poisson: bool = False) -> None:
        self.total = int(counts.sum())
        self._poisson = poisson
        self._ends = np.cumsum(counts)
        thinned = 1.0 if poisson else max(0.0, self.total - _MARGIN * np.sqrt(self.total)) / max(self.total, 1)
        self._large = np.flatnonzero(counts > _LARGEST_TABLE)
        self._large_means = counts[self._large] * thinned
        small = np.flatnonzero(counts <= _LARGEST_TABLE)
        # Cells in the order of their counts read the tables from front to back.
        self._small = small[np.argsort(counts[small], kind="stable")]
        levels, level = np.unique(counts[self._small], return_inverse=True)
        self._build_tables(levels * thinned)
        self._first_bin = level * (_BINS + 1)
        self._place = self._table_start[level]

    def _build_tables(self, means: np.ndarray) -> None:
        spread = 9 * np.sqrt(means) + 25  # less than 1e-17 of a Poisson lies outside
        lowest = np.maximum(np.floor(means - spread), 0).astype(np.int64)
        sizes = (means + spread).astype(np.int64) - lowest + 1
        starts = np.concatenate([[0], np.cumsum(sizes)])
        values = np.arange(starts[-1]) - np.repeat(starts[:-1] - lowest, sizes)
        self._cdf = pdtr(values, np.repeat(means, sizes))
        self._table_start = starts[:-1] - lowest
        # tables[level, bin]: the first value whose distribution function is above bin / _BINS
        ends = np.ceil(self._cdf * _BINS).astype(np.int64)
        ends[starts[1:] - 1] = _BINS + 1
        widths = np.diff(ends, prepend=0)
        widths[starts[:-1]] = ends[starts[:-1]]
        tables = np.repeat(values.astype(np.int16), widths).reshape(len(means), _BINS + 1)
        undecided = tables[:, :-1] != tables[:, 1:]
        tables[:, :-1][undecided] = ~tables[:, :-1][undecided]
        self._tables = tables.ravel()

    def draw(self, seed: int, rounds: range) -> Ints:
        """The resamples of some rounds, [rounds, M]."""
        counts = np.empty((len(rounds), len(self._ends)), dtype=np.int64)
        few = max(1, _BATCH // len(self._ends))
        for start in range(0, len(rounds), few):
            randoms = [round_generator(seed, round_) for round_ in rounds[start : start + few]]
            self._draw_batch(randoms, counts[start : start + few])
        return counts

    def _draw_batch(self, randoms: list[np.random.Generator], counts: Ints) -> None:
        self._draw_poisson(randoms, counts)
        if self._poisson:
            return
        missing = self.total - counts.sum(axis=1)
        while (missing < 0).any():
            for row in np.flatnonzero(missing < 0):
                self._draw_poisson([randoms[row]], counts[row : row + 1])
            missing = self.total - counts.sum(axis=1)
        battles = np.concatenate(
            [np.sort(random.integers(0, self.total, n)) for random, n in zip(randoms, missing, strict=True)]
        )
        cells = np.searchsorted(self._ends, battles, "right") + np.repeat(np.arange(len(randoms)), missing) * len(
            self._ends
        )
        counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)

    def _draw_poisson(self, randoms: list[np.random.Generator], counts: Ints) -> None:
        n_small = len(self._small)
        n_words = -(-n_small // 4)
        words = np.stack([random.bit_generator.random_raw(n_words) for random in randoms])
        bits = words.astype("<u8", copy=False).view("<u2")[:, :n_small] >> (16 - _BITS)
        index = self._first_bin + bits
        value = self._tables.take(index)
        row, column = np.nonzero(value < 0)
        if len(row):
            place, open_ = self._place[column], index[row, column]
            low = ~value[row, column] + place
            following = self._tables[open_ + 1]
            high = np.where(following < 0, ~following, following) + place
            asked = np.bincount(row, minlength=len(randoms))
            further = np.concatenate([random.random(n) for random, n in zip(randoms, asked, strict=True)])
            uniform = (bits[row, column] + further) / _BINS
            value[row, column] = _bisect(self._cdf, low, high, uniform) - place
        counts[:, self._small] = value
        if len(self._large):
            counts[:, self._large] = np.stack([random.poisson(self._large_means) for random in randoms])


def resample_rows(n_rows: int, seed: int, round_: int, *, poisson: bool = False) -> Ints:
    """How often each row is drawn in a round, [rows]: the bootstrap over battles where they cannot be counted first."""
    random = round_generator(seed, round_)
    if poisson:
        return random.poisson(1.0, n_rows)
    return np.bincount(random.integers(0, n_rows, n_rows, dtype=np.uint32), minlength=n_rows)


def resample_part(sizes: Ints, part: int, seed: int, round_: int, *, poisson: bool = False) -> Ints:
    """How often each row of a part is drawn in a round, where rows are cut into parts of the given sizes, [rows].

    Multinomial over all rows: first how many draws fall to each part, by a generator that all parts share, then which
    rows they are, by the part's own. Poisson: independent, mean 1.

    One row alone is drawn 0 times in every round: its resample would be the data again, as if nothing could be
    otherwise.
    """
    if sizes.sum() == 1:
        return np.zeros(sizes[part], dtype=np.int64)
    key = np.array([seed, round_], dtype=np.uint64)
    own = np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, part + 1], dtype=np.uint64)))
    if poisson:
        return np.asarray(own.poisson(1.0, sizes[part]), dtype=np.int64)
    total = int(sizes.sum())
    draws = round_generator(seed, round_).multinomial(total, sizes / total)[part]
    return np.bincount(own.integers(0, sizes[part], draws), minlength=sizes[part])


def _bisect(cdf: np.ndarray, low: np.ndarray, high: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The first place from `low` to `high` where the distribution function exceeds the uniform number."""
    open_ = np.arange(len(low))
    while len(open_):
        middle = (low[open_] + high[open_]) // 2
        below = cdf[middle] <= uniform[open_]
        low[open_[below]] = middle[below] + 1
        high[open_[~below]] = middle[~below]
        open_ = open_[low[open_] < high[open_]]
    return low
